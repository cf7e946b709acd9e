"""The load of the Kiosk's paper on a simulated cluster, by the policy that decides."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cytomill.scaling.policies import policy
from cytomill.scaling.simulation.outcome import Outcome
from cytomill.scaling.simulation.run import Simulation, deciding
from cytomill.scaling.simulation.scenario import (
    DIRECT,
    KIOSK,
    Arrivals,
    Effort,
    Nodes,
    Scenario,
    Signals,
)
from cytomill.scaling.snapshot import Pool, Role
from cytomill.scaling.steady import Steadying

from .common import bar, conclude, ratio, show, spread
from .common import parser as common_parser

NAME = "autoscaling"

#: GPUs that the paper's own formula (its figure S4) gives for the load: 200 images a second arrive,
#: and a GPU does 6.3.
GPUS = 32

#: Seconds that an image has a GPU, from the paper's 10^6 images in 5.5 h on 8 of them; and a
#: consumer besides: the middle of what figures S5 to S7 show of transfer (0 to 5 s) and CPU (0 to
#: 2 s).
INFERENCE, OWN = 1 / 6.3, 3.5

#: A node: seconds to start, part lost in an hour, seconds that an empty one is kept.
STARTUP, LOSS, KEEP = 120.0, 0.05, 60.0

#: Consumers on an n1-standard-2 (0.3 CPUs are asked for by each), and for each GPU at most.
PACKED, CROWD = 6, 150

#: Dollars an hour of preemptible nodes on 2019-06-17: n1-standard-2, n1-highmem-2 with a V100.
CPU_PRICE, GPU_PRICE = 0.02, 0.765

#: The Horizontal Pod Autoscaler's own steadiness: 5 min until less is wished for is believed. It is
#: the time between decisions that has it decide every 15 s.
KUBERNETES = Steadying(shortest=300.0, longest=300.0)

#: Seconds of the deadline, and dollars of the budgets: enough, and too little.
WITHIN, BUDGETS = 3600.0, (8.0, 4.0)

#: What is promised: the part of the paper's time that is saved, reversals of a pool in 5 min, times
#: the deadline, seconds of a first result beyond a start-up.
SOONER, REVERSALS, LATE, FIRST = 0.30, 1, 1.05, 10.0

#: Seconds of a constant load, and from when on it is looked at.
STEADY, SETTLED = 3600.0, 1200.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """A policy, with what it hears and when."""

    title: str
    policy: str
    within: float | None = None
    budget: float | None = None
    signals: Signals = DIRECT
    listed: bool = False
    """Whether it knows a job's images when it comes: the Kiosk's zip consumers always run."""

    steadying: Steadying = field(default_factory=Steadying)

    def run(self, scenario: Scenario, most: float = 10 * 86_400) -> Outcome:
        """What comes of it."""
        chosen = policy(self.policy, within=self.within, budget=self.budget)
        decide = deciding(chosen, self.steadying)
        scenario = replace(scenario, listed=self.listed)
        return Simulation(scenario, decide, self.signals).run(most)


CONTESTANTS = {
    "paper": Contestant("paper", "paper", signals=KIOSK, listed=True, steadying=KUBERNETES),
    "throughput": Contestant("throughput", "throughput"),
    "deadline": Contestant(f"deadline of {WITHIN / 60:.0f} min", "deadline", within=WITHIN),
    "budget": Contestant(f"budget of ${BUDGETS[0]:g}", "budget", budget=BUDGETS[0]),
    "poor": Contestant(f"budget of ${BUDGETS[1]:g}", "budget", budget=BUDGETS[1]),
}


#: Those that are to be done as soon as can be, which more sizes of the cluster are tried for.
_TIMED = ("paper", "throughput")


def cluster(
    gpus: int, seed: int = 0, *, jobs: int = 1000, images: int = 100, every: float = 0.5
) -> Scenario:
    """The cluster of the paper, with ``gpus`` at most, and its load: zips of ``images``."""
    consumers = Pool(
        "consumers",
        Role.CONSUMER,
        most=CROWD * gpus,
        startup=STARTUP,
        price=CPU_PRICE / PACKED,
    )
    servers = Pool("servers", Role.MODEL_SERVER, most=gpus, startup=STARTUP, price=GPU_PRICE)
    nodes = {
        "consumers": Nodes(STARTUP, PACKED, price=CPU_PRICE, loss=LOSS, keep=KEEP),
        "servers": Nodes(STARTUP, most=gpus, price=GPU_PRICE, loss=LOSS, keep=KEEP),
    }
    effort, arrivals = Effort(OWN, INFERENCE), Arrivals(jobs, images, every)
    return Scenario((consumers, servers), effort, arrivals, nodes, seed=seed)


def steady(gpus: int, seed: int = 0, *, part: float = 0.6, seconds: float = STEADY) -> Scenario:
    """The same with a load that keeps ``part`` of the GPUs busy, for so long."""
    images = 20
    every = images * INFERENCE / (part * gpus)
    return cluster(gpus, seed, jobs=int(seconds / every), images=images, every=every)


def least_hours(images: int) -> float:
    """Node-hours of so many images where no node ever starts or waits: no policy needs less."""
    return images * (INFERENCE + (OWN + INFERENCE) / PACKED) / 3600


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--seeds", type=int, default=3, help="times, each with other losses")
    made.add_argument("--gpus", type=int, nargs="+", default=[GPUS, 8], help="GPUs at most")
    made.add_argument("--jobs", type=int, default=1000, help="zips of 100 images")
    made.add_argument("--steady", type=float, default=STEADY, help="seconds of constant load")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """All policies on the paper's load, and on a constant one."""
    runs = {
        gpus: {
            name: [
                CONTESTANTS[name].run(cluster(gpus, seed, jobs=asked.jobs))
                for seed in range(asked.seeds)
            ]
            for name in (_TIMED if gpus != asked.gpus[0] else CONTESTANTS)
        }
        for gpus in asked.gpus
    }
    calm = {
        name: [
            CONTESTANTS[name]
            .run(steady(8, seed, seconds=asked.steady), asked.steady)
            .most_reversals(min(SETTLED, asked.steady / 2), asked.steady)
            for seed in range(asked.seeds)
        ]
        for name in ("paper", "throughput", "deadline")
    }
    images = 100 * asked.jobs
    return {
        "images": images,
        "least_hours": least_hours(images),
        "runs": {
            str(gpus): {name: _told(found) for name, found in each.items()}
            for gpus, each in runs.items()
        },
        "steady": calm,
        "timeline": {name: _timeline(runs[asked.gpus[0]][name][0]) for name in _TIMED},
        "bars": _bars(runs[asked.gpus[0]], calm),
    }


def _told(found: Sequence[Outcome]) -> dict[str, Any]:
    """What came of a policy, over the seeds."""
    ended = [one.finished for one in found if one.finished is not None]
    return {
        "done": spread([one.done for one in found]),
        "seconds": spread(ended) if len(ended) == len(found) else None,
        "first": spread([one.first or 0.0 for one in found]),
        "hours": spread([one.node_hours for one in found]),
        "gpu_hours": spread([one.hours["servers"] for one in found]),
        "cost": spread([one.cost for one in found]),
        "losses": spread([one.losses for one in found]),
        "reversals": spread([len(one.reversals) for one in found]),
    }


def _timeline(found: Outcome) -> list[dict[str, float]]:
    """The queue and the workers, for the picture."""
    return [
        {
            "seconds": round(one.seconds, 1),
            "queue": one.waiting + one.running,
            "consumers": one.ready["consumers"],
            "gpus": one.ready["servers"],
            "use": round(one.use or 0.0, 3),
        }
        for one in found.samples
    ]


def _bars(runs: dict[str, list[Outcome]], calm: dict[str, list[int]]) -> list[dict[str, Any]]:
    """What was promised: medians of what is compared seed by seed, and the worst of the rest."""
    seconds = {
        name: [one.finished if one.finished is not None else math.inf for one in found]
        for name, found in runs.items()
    }
    hours = {name: [one.node_hours for one in found] for name, found in runs.items()}
    in_time = [
        name for name in ("paper", "throughput", "budget") if max(seconds[name]) <= LATE * WITHIN
    ]
    ours = runs["throughput"]
    return [
        bar(
            "part of the time of `paper` that `throughput` saves",
            1 - ratio(seconds["throughput"], seconds["paper"])["median"],
            least=SOONER,
        ),
        bar(
            "node-hours of `throughput` over those of `paper`",
            ratio(hours["throughput"], hours["paper"])["median"],
            most=1,
        ),
        bar(
            "reversals of a pool in 5 min of constant load", max(calm["throughput"]), most=REVERSALS
        ),
        bar("time until done over the deadline", max(seconds["deadline"]) / WITHIN, most=LATE),
        bar(
            "node-hours of `deadline` over those of any other in time",
            max(ratio(hours["deadline"], hours[name])["median"] for name in in_time),
            most=1,
        ),
        bar(
            "cost over the budget",
            max(
                one.cost / limit
                for name, limit in zip(("budget", "poor"), BUDGETS, strict=True)
                for one in runs[name]
            ),
            most=1,
        ),
        bar(
            "seconds of a first result beyond a start-up",
            max(math.inf if one.first is None else one.first for one in ours) - STARTUP,
            most=FIRST,
        ),
        bar(
            "runs of `throughput` that leave a node behind",
            sum(one.idle is None for one in ours),
            most=0,
        ),
    ]


def rows(found: dict[str, Any]) -> list[list[str]]:
    """What came of each policy."""
    told = [
        ["policy, GPUs at most", "minutes", "first result, s", "node-hours", "of GPUs", "cost, $"]
    ]
    for gpus, each in found["runs"].items():
        for name, one in each.items():
            whole = found["images"]
            part = f"ends after {one['done']['median'] / whole:.0%}"
            minutes = _minutes(one["seconds"]) if one["seconds"] else part
            told.append(
                [
                    f"{CONTESTANTS[name].title}, {gpus}",
                    minutes,
                    show(one["first"], 0),
                    show(one["hours"], 1),
                    show(one["gpu_hours"], 1),
                    show(one["cost"]),
                ]
            )
    told.append(["no policy needs less", "", "", show(found["least_hours"], 1), "", ""])
    return told


def _minutes(seconds: dict[str, Any]) -> str:
    return show(spread([one / 60 for one in seconds["values"]]), 1)


def steady_rows(found: dict[str, Any]) -> list[list[str]]:
    """How calm each policy is."""
    told = [["policy, constant load", "most reversals of a pool in 5 min"]]
    told += [[name, str(max(values))] for name, values in found["steady"].items()]
    return told


def main() -> None:
    """Run it."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
