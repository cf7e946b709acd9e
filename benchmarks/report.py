"""Fill ``docs/benchmarks.md`` and draw its picture from the results of the benchmarks."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import (
    accuracy,
    api_load,
    autoscaling,
    chaos,
    following,
    kiosk,
    linking,
    linking_scale,
    page,
    postprocess,
    queue,
    seams,
    serving,
    slide,
    soak,
    startup,
    throughput,
    wire,
)
from .common import RESULTS, ROOT, bar_rows

#: The benchmarks in the order of the page, and the tables that each has there.
TABLES: dict[str, tuple[Callable[[dict[str, Any]], list[list[str]]], ...]] = {
    "accuracy": (accuracy.rows,),
    "throughput": (throughput.rows, throughput.stage_rows),
    "postprocess": (postprocess.rows, postprocess.setting_rows),
    "slide": (slide.rows,),
    "seams": (seams.rows,),
    "following": (following.rows,),
    "linking": (linking.rows, linking.setting_rows),
    "linking_scale": (linking_scale.rows, linking_scale.size_rows),
    "serving": (serving.rows,),
    "wire": (wire.rows, wire.time_rows),
    "soak": (soak.rows,),
    "queue": (queue.rows, queue.large_rows, queue.fault_rows),
    "kiosk": (kiosk.rows, kiosk.phase_rows),
    "chaos": (chaos.rows, chaos.fault_rows),
    "api_load": (api_load.rows,),
    "autoscaling": (autoscaling.rows, autoscaling.steady_rows),
    "page": (page.rows, page.large_rows),
    "startup": (startup.rows,),
}

#: A place in the page that is filled, with its name.
_PLACE = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)

_MISSING = "Not measured yet.\n"


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in ``folder`` by the name of the benchmark."""
    paths = {name: folder / f"{name}.json" for name in TABLES}
    return {
        name: json.loads(path.read_text("utf-8")) for name, path in paths.items() if path.exists()
    }


def fill(page: str, results: Mapping[str, dict[str, Any]]) -> str:
    """The page with every place filled; raises ValueError for a place that nothing fills."""

    def filled(place: re.Match[str]) -> str:
        before, name, after = place.groups()
        if name == "summary":
            text = _summary(results)
        elif name in TABLES:
            text = _section(name, results[name]) if name in results else _MISSING
        else:
            raise ValueError(f"no benchmark is called {name!r}")
        return f"{before}{text}{after}"

    return _PLACE.sub(filled, page)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """``rows``, heading first, as a table whose numbers are flush right."""
    heading, *body = rows
    rule = ["---", *("---:" for _ in heading[1:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heading, rule, *body))


def _summary(results: Mapping[str, dict[str, Any]]) -> str:
    bars = [one for name in TABLES if name in results for one in results[name]["bars"]]
    return markdown(bar_rows(bars)) if bars else _MISSING


def _section(name: str, found: dict[str, Any]) -> str:
    tables = "\n".join(markdown(rows(found)) for rows in TABLES[name])
    return f"{tables}\n{_told(found)}\n"


def _told(found: dict[str, Any]) -> str:
    """When and where it was measured."""
    on = found["machine"]
    packages = [f"{name} {number}" for name, number in on["packages"].items()]
    return (
        f"{found['when'][:10]}: {on['processor']}, {on['cores']} cores"
        f" ({', '.join(on['instructions'])}), {on['memory_gb']} GB; load before {on['load']:.2f};"
        f" Python {on['python']}, {', '.join(packages)}."
    )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    made.add_argument("--page", type=Path, default=ROOT / "docs" / "benchmarks.md")
    made.add_argument("--picture", type=Path, default=ROOT / "docs" / "images" / "benchmarks.svg")
    return made


def main() -> None:
    """Fill the page and draw the picture."""
    asked = parser().parse_args()
    results = read(asked.results)
    asked.page.write_text(fill(asked.page.read_text("utf-8"), results), "utf-8")
    print(f"written: {asked.page}")
    for name in TABLES:
        if name not in results:
            print(f"not measured: python -m benchmarks.{name}")
    if results:
        from .plot import draw

        draw(results, asked.picture)
        print(f"written: {asked.picture}")
    if found := results.get(autoscaling.NAME):
        from . import autoscaling_plot

        path = asked.picture.with_name("autoscaling.svg")
        autoscaling_plot.draw(found, path)
        print(f"written: {path}")


if __name__ == "__main__":
    main()
