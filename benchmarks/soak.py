"""Whether a model server grows: its memory after many requests and many loads of a model.

Bytes are those of the server and its workers together, each page shared between them counted once.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .common import bar, conclude, show
from .common import parser as common_parser
from .process import cytomill
from .server import ports, running

NAME = "soak"

#: Most that memory may grow.
GROWTH = 0.05

#: Requests after which memory is first looked at.
_FIRST = 100


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--requests", type=int, default=10_000, help="predictions in all")
    made.add_argument("--cycles", type=int, default=100, help="times the model is unloaded")
    made.add_argument("--callers", type=int, default=8, help="at once")
    made.add_argument("--size", type=int, default=64, help="edge of the input in pixels")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Ask, unload, ask again; look at the memory before and after."""
    from tritonclient.grpc import InferenceServerClient, InferInput

    asked.scratch.mkdir(parents=True, exist_ok=True)
    grpc, http, metrics = ports(3)
    command = cytomill("model-server", "--threads", asked.threads, "--load", "nuclei")
    command += ["--grpc-port", str(grpc), "--http-port", str(http)]
    command += ["--metrics-port", str(metrics)]
    x = np.random.default_rng(0).random((1, 1, asked.size, asked.size), np.float32)
    looks: list[dict[str, float]] = []
    with running(command, grpc, asked.scratch / "soak.log") as pid:
        client = InferenceServerClient(f"127.0.0.1:{grpc}")
        while not client.is_model_ready("nuclei"):
            time.sleep(0.2)
        name = client.get_model_metadata("nuclei").inputs[0].name
        given = InferInput(name, x.shape, "FP32")
        given.set_data_from_numpy(x)
        expected = client.infer("nuclei", [given], client_timeout=120).as_numpy("maps")

        def ask(_: int) -> None:
            found = client.infer("nuclei", [given], client_timeout=120).as_numpy("maps")
            if expected is None or not np.array_equal(found, expected):
                sys.exit("an answer is not that of the network")

        def look(after: int) -> None:
            looks.append({"requests": after, "bytes": _memory(pid)})

        begun = time.perf_counter()
        with ThreadPoolExecutor(asked.callers) as pool:
            list(pool.map(ask, range(_FIRST)))
            look(_FIRST)
            share = max(1, (asked.requests - _FIRST) // max(asked.cycles, 1))
            done = _FIRST
            for _ in range(asked.cycles):
                list(pool.map(ask, range(share)))
                done += share
                client.unload_model("nuclei")
                client.load_model("nuclei")
                if len(looks) < 1 + 10 * done // asked.requests:
                    list(pool.map(ask, range(_FIRST)))
                    look(done)
            list(pool.map(ask, range(_FIRST)))
            look(done + _FIRST)
        seconds = time.perf_counter() - begun
    growth = looks[-1]["bytes"] / looks[0]["bytes"] - 1
    return {
        "looks": looks,
        "seconds": seconds,
        "bars": [bar("growth of the memory", growth, most=GROWTH)],
    }


def _memory(pid: int) -> float:
    """Bytes of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    together = 0
    for each in [str(pid), *children]:
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                together += int(line.split()[1]) * 1024
    return float(together)


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    told = [["requests", "MB in memory"]]
    for look in found["looks"]:
        told.append([f"{look['requests']:,}", show(look["bytes"] / 1e6, 1)])
    return told


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
