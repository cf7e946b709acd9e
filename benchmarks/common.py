"""What all benchmarks share: taking turns, medians, the machine, results as JSON and as text."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

#: The repository.
ROOT = Path(__file__).resolve().parents[1]

#: Where results are kept, a JSON file for each benchmark.
RESULTS = Path(__file__).resolve().parent / "results"

#: Where images and outputs are made, outside the repository.
SCRATCH = Path(tempfile.gettempdir()) / "cytomill-benchmarks"

#: Real microscopy, where it is there.
DATA = ROOT.parent / "shared" / "data"

#: Packages whose versions a speed depends on.
_PACKAGES = ("numpy", "numba", "opencv-python-headless", "openvino", "onnxruntime", "scikit-image")

#: Instruction sets that decide how fast a network runs.
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "amx_bf16", "amx_int8")


def parser(told: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has; ``told`` is the module's docstring."""
    made = argparse.ArgumentParser(
        description=(told or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file")
    made.add_argument("--scratch", type=Path, default=SCRATCH, help="folder for images and outputs")
    made.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="for each contestant"
    )
    return made


def alternate(contestants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Call each of ``contestants`` once in every round, and keep what they return.

    Every other round goes backwards, so that a machine that warms up or slows down favours none.
    """
    kept: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants)
        for name in reversed(names) if number % 2 else names:
            kept[name].append(contestants[name]())
    return kept


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, least, most and all of ``values``, for the JSON file."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "values": list(values),
    }


def ratio(over: Sequence[float], under: Sequence[float]) -> dict[str, Any]:
    """The `spread` of ``over / under``, round by round."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


def show(value: Mapping[str, Any] | float, digits: int = 2) -> str:
    """A number, or a `spread` as ``median (min to max)``; one value alone has no range."""
    if isinstance(value, Mapping):
        if len(value["values"]) == 1:
            return show(value["median"], digits)
        low, high = show(value["min"], digits), show(value["max"], digits)
        return f"{show(value['median'], digits)} ({low} to {high})"
    return f"{value:,.{digits}f}"


def bar(
    what: str, measured: float, *, least: float | None = None, most: float | None = None
) -> dict[str, Any]:
    """A figure that was promised: ``measured`` must be at ``least`` or at ``most`` so much."""
    holds = (least is None or measured >= least) and (most is None or measured <= most)
    return {"what": what, "measured": measured, "least": least, "most": most, "holds": holds}


def bar_rows(bars: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The bars as a table, heading first."""
    rows = [["what", "bar", "measured", "holds"]]
    for one in bars:
        limit = f"≥ {one['least']:g}" if one["least"] is not None else f"≤ {one['most']:g}"
        rows.append([one["what"], limit, f"{one['measured']:.4g}", "yes" if one["holds"] else "no"])
    return rows


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """``rows``, heading first, in columns: the first flush left, the others flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """The processor, its cores and memory, how busy it is, and the versions of what ran."""
    told = Path("/proc/cpuinfo").read_text("utf-8")
    first = (line.partition(":") for line in told.split("\n\n")[0].splitlines())
    fields = {name.strip(): value.strip() for name, _, value in first}
    flags = set(fields.get("flags", "").split())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": fields.get("model name", platform.machine()),
        "instructions": [flag for flag in _FLAGS if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("cytomill", *_PACKAGES)},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def conclude(
    name: str,
    options: argparse.Namespace,
    measure: Callable[[argparse.Namespace], dict[str, Any]],
    rows: Callable[[dict[str, Any]], list[list[str]]],
) -> None:
    """Measure, print the tables and write ``NAME.json`` into the folder of the results.

    What ``measure`` returns has ``bars``, a list of `bar`; ``rows`` makes a table of it.
    """
    begun = machine()
    found = measure(options)
    asked = {key: str(v) if isinstance(v, Path) else v for key, v in vars(options).items()}
    head = {
        "benchmark": name,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": begun,
        "options": asked,
    }
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"{name}.json"
    text = json.dumps(head | found, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")
    print(aligned(rows(found)))
    if found["bars"]:
        print("\n" + aligned(bar_rows(found["bars"])))
    print(f"\nwritten: {path}")
