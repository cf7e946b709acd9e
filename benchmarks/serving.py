"""Predictions a second and how long a caller waits: our model server, its peers, the bare model.

The same network, input, runtime, threads and callers for all. Peers are installed by name, each
into an environment of its own below the scratch folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from cytomill.inference.openvino import OpenVino
from cytomill.models.registry import find

from .common import ROOT, alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .process import cytomill, run
from .server import ports, running

NAME = "serving"

#: Most that the server may add to the time of the bare model.
OVERHEAD = 0.10

_SERVERS = ROOT / "benchmarks" / "servers"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server of others: what is installed, how it is called, and its files."""

    title: str
    needs: tuple[str, ...]
    kind: str
    path: str = ""


_OPENVINO = "openvino==2026.4.1"

PEERS = {
    "mlserver": Peer(
        "MLServer 1.7",
        # Its workers do not start with a later uvloop.
        ("mlserver==1.7.1", "uvloop==0.21.0", _OPENVINO),
        "grpc",
    ),
    "bentoml": Peer("BentoML 1.4", ("bentoml==1.4.39", "openvino==2026.4.1"), "http", "/infer"),
    "litserve": Peer(
        "LitServe 0.2", ("litserve==0.2.19", "openvino==2026.4.1"), "http", "/predict"
    ),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--rounds", type=int, default=3, help="times that each contestant runs")
    made.add_argument("--callers", type=int, default=8, help="at once")
    made.add_argument("--seconds", type=float, default=10.0, help="of each turn")
    made.add_argument(
        "--sizes", type=int, nargs="+", default=(512, 1024), help="edges of the input in pixels"
    )
    made.add_argument(
        "--peers", nargs="*", choices=tuple(PEERS), default=tuple(PEERS), help="servers of others"
    )
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Inputs of each size in turn."""
    sizes = {str(size): _at(size, asked) for size in asked.sizes}
    bars = [
        {**one, "what": f"{one['what']}, {size} pixels"}
        for size, found in sizes.items()
        for one in found.pop("bars")
    ]
    return {"sizes": sizes, "bars": bars}


def _at(size: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Let the contestants answer in turn, for inputs of ``size`` x ``size`` pixels."""
    model = find("nuclei")
    asked.scratch.mkdir(parents=True, exist_ok=True)
    models = asked.scratch / "serving-models"
    shutil.rmtree(models, ignore_errors=True)
    shutil.copytree(model.folder, models / "network")
    _floats_alone(models / "network" / "rdf.yaml")
    runtime = OpenVino(model.name, model.weights, asked.threads, exact=True)
    x = np.random.default_rng(0).random((1, 1, size, size), np.float32)
    files = {"input": asked.scratch / "input.npy", "output": asked.scratch / "output.npy"}
    np.save(files["input"], x)
    np.save(files["output"], runtime.predict(x))

    def load(kind: str, address: str) -> dict[str, float]:
        words = ["--kind", kind, "--address", address, "--model", "network"]
        words += ["--input", files["input"], "--output", files["output"]]
        words += ["--callers", asked.callers, "--seconds", asked.seconds]
        command = [sys.executable, "-m", "benchmarks.load", *map(str, words)]
        told: dict[str, float] = json.loads(run(command).output)
        return told

    def ours() -> dict[str, float]:
        grpc, http, metrics = ports(3)
        command = cytomill("model-server", "--models", models, "--threads", asked.threads)
        command += ["--grpc-port", str(grpc), "--http-port", str(http)]
        command += ["--metrics-port", str(metrics), "--load", "network"]
        with running(command, grpc, asked.scratch / "cytomill.log"):
            return load("grpc", f"127.0.0.1:{grpc}")

    def peer(name: str) -> dict[str, float]:
        own = PEERS[name]
        (port,) = ports(1)
        environment = {
            "NETWORK": str(model.weights.path),
            "THREADS": str(asked.threads),
            "SHAPE": ",".join(map(str, x.shape)),
            "PORT": str(port),
            "PYTHONPATH": str(_SERVERS),
        }
        command = _command(name, _installed(name, asked.scratch), port, asked.scratch)
        with running(command, port, asked.scratch / f"{name}.log", environment):
            address = f"127.0.0.1:{port}"
            return load(own.kind, address if own.kind == "grpc" else f"http://{address}{own.path}")

    contestants = {
        "cytomill": ours,
        "bare": lambda: _bare(runtime, x, asked),
        **{name: lambda name=name: peer(name) for name in asked.peers},
    }
    took = alternate(contestants, asked.rounds)
    rates = {name: [one["rate"] for one in each] for name, each in took.items()}
    late = {name: [one["p95"] for one in each] for name, each in took.items()}
    overhead = [bare / own - 1 for bare, own in zip(rates["bare"], rates["cytomill"], strict=True)]
    ahead = {name: ratio(rates["cytomill"], rates[name]) for name in rates if name != "cytomill"}
    sooner = {name: ratio(late[name], late["cytomill"]) for name in late if name != "cytomill"}
    bars = [
        bar("overhead over the bare model", spread(overhead)["median"], most=OVERHEAD),
    ]
    for name in asked.peers:
        title = PEERS[name].title
        bars += [
            bar(f"times the throughput of {title}", ahead[name]["median"], least=1),
            bar(f"times sooner than {title}, p95", sooner[name]["median"], least=1),
        ]
    return {
        "rates": {name: spread(each) for name, each in rates.items()},
        "p95": {name: spread(each) for name, each in late.items()},
        "ahead": ahead,
        "sooner": sooner,
        "overhead": spread(overhead),
        "bars": bars,
    }


def _floats_alone(card: Path) -> None:
    """Make a card that of a plain package: the weights in 8 bits are for nobody here."""
    told = yaml.safe_load(card.read_text("utf-8"))
    del told["config"]["cytomill"]
    card.write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")


def _bare(runtime: OpenVino, x: NDArray[np.float32], asked: argparse.Namespace) -> dict[str, float]:
    """The model in this process, as many calls at a time as it has threads."""
    with ThreadPoolExecutor(asked.threads) as pool:
        start = time.perf_counter()
        end = start + asked.seconds

        def caller(_: int) -> list[float]:
            took = []
            while (begun := time.perf_counter()) < end:
                runtime.predict(x)
                took.append(time.perf_counter() - begun)
            return took

        took = [one for each in pool.map(caller, range(asked.threads)) for one in each]
        together = time.perf_counter() - start
    middle, late = np.percentile(took, [50, 95])
    return {"rate": len(took) / together, "p50": float(middle), "p95": float(late)}


def _installed(name: str, scratch: Path) -> Path:
    """The environment of a peer; made where it is not there."""
    folder = scratch / f"env-{name}"
    done = folder / "installed"
    if not done.exists():
        print(f"installing {PEERS[name].title}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", *PEERS[name].needs], check=True)
        done.touch()
    return folder


def _command(name: str, environment: Path, port: int, scratch: Path) -> list[str]:
    program = environment / "bin"
    if name == "mlserver":
        folder = scratch / "mlserver"
        (folder / "network").mkdir(parents=True, exist_ok=True)
        http, metrics = ports(2)
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "grpc_port": port,
            "http_port": http,
            "metrics_port": metrics,
            "grpc_max_message_length": 2**30,
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        own = {"name": "network", "implementation": "mlserver_model.NetworkModel"}
        (folder / "network" / "model-settings.json").write_text(json.dumps(own))
        return [str(program / "mlserver"), "start", str(folder)]
    if name == "bentoml":
        words = ["serve", "bentoml_service:Served", "--working-dir", str(_SERVERS)]
        return [str(program / "bentoml"), *words, "--host", "127.0.0.1", "--port", str(port)]
    return [str(program / "python"), str(_SERVERS / "litserve_server.py")]


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    titles = {"cytomill": "`cytomill model-server`", "bare": "bare model, in process"}
    titles |= {name: own.title for name, own in PEERS.items()}
    told = [["contestant", "pixels", "predictions/s", "p95 in ms", "times as fast as it"]]
    for size, at in found["sizes"].items():
        for name in ("cytomill", *(n for n in at["rates"] if n != "cytomill")):
            late = {
                k: [v * 1000 for v in each] if k == "values" else each * 1000
                for k, each in at["p95"][name].items()
            }
            faster = show(at["ahead"][name]) if name in at["ahead"] else "1"
            told.append(
                [titles[name], f"{size}×{size}", show(at["rates"][name]), show(late, 0), faster]
            )
    return told


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
