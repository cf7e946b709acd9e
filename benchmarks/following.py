"""Movies of the Cell Tracking Challenge followed by the commands, and scored against the truth."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from .common import DATA, bar, conclude, show
from .common import parser as common_parser
from .process import cytomill, run

NAME = "following"

_HELA, _SIM = "ctc_Fluo-N2DL-HeLa_seq01", "ctc_Fluo-N2DH-SIM+_seq01"

#: What is followed: its name in the table, the movie, the labels that are linked, or none where the
#: frames themselves are segmented, and whether the movie is given beside the labels.
CASES = (
    ("HeLa, the truth's markers", _HELA, "01_GT/TRA", False),
    ("HeLa, the truth's markers, with the movie", _HELA, "01_GT/TRA", True),
    ("HeLa, silver outlines", _HELA, "01_ST/SEG", False),
    ("HeLa, silver outlines, with the movie", _HELA, "01_ST/SEG", True),
    ("HeLa, from the frames", _HELA, "", False),
    ("SIM+, the truth's outlines", _SIM, "01_GT/TRA", False),
    ("SIM+, the truth's outlines, with the movie", _SIM, "01_GT/TRA", True),
    ("SIM+, from the frames", _SIM, "", False),
)

#: The measures of the table, as ``evaluate --json`` has them.
MEASURES = ("seg", "det", "lnk", "ct", "tf", "bc_1", "cca", "op_clb")

#: What was promised: the case, the measure, and its least value.
BARS = (
    (CASES[1][0], "lnk", 0.995),
    (CASES[1][0], "division_f1_0", 0.9),
    (CASES[6][0], "lnk", 0.999),
    (CASES[6][0], "division_f1_0", 0.9),
    (CASES[3][0], "lnk", 0.985),
    (CASES[3][0], "bc_1", 0.85),
    (CASES[4][0], "seg", 0.85),
    (CASES[4][0], "op_clb", 0.95),
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--data", type=Path, default=DATA, help="folder with the movies")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Follow and score each case."""
    if not (asked.data / _HELA).is_dir():
        sys.exit(f"--data {asked.data}: holds no {_HELA}")
    cases = {name: _followed(asked, *rest) for name, *rest in CASES}
    bars = [
        bar(f"{name}: {what}", cases[name][what], least=least)
        for name, what, least in BARS
        if cases[name][what] is not None
    ]
    return {"cases": cases, "bars": bars}


def _followed(asked: argparse.Namespace, movie: str, labels: str, beside: bool) -> dict[str, Any]:
    folder = asked.data / movie
    out = asked.scratch / NAME
    shutil.rmtree(out, ignore_errors=True)
    options = ["-o", out, "--files", "ctc", "--quiet", "--threads", asked.threads]
    if not labels:
        command = ["run", folder / "01", "-p", "track", *options]
    else:
        command = ["track", folder / labels, *options]
    if beside:
        command += ["--images", folder / "01"]
    ran = run(cytomill(*command))
    (result,) = out.glob("*_RES")
    told = run(cytomill("evaluate", "--tracks", result, folder / "01_GT", "--json"))
    (found,) = json.loads(told.output)["movies"]
    score: dict[str, Any] = {name: found[name] for name in MEASURES}
    precision, recall = found["division_precision_0"], found["division_recall_0"]
    score["division_f1_0"] = 2 * precision * recall / (precision + recall) if precision else 0.0
    return {**score, "seconds": ran.seconds, "peak_gb": ran.peak / 1e9}


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table, heading first."""
    heading = ["what is followed", "SEG", "DET", "LNK", "CT", "TF", "BC(1)", "CCA", "OP_CLB"]
    table = [[*heading, "F1 of divisions", "seconds", "GB"]]
    for name, case in found["cases"].items():
        shown = ["–" if case[one] is None else show(case[one], 3) for one in MEASURES]
        last = [show(case["division_f1_0"], 3), show(case["seconds"], 1), show(case["peak_gb"])]
        table.append([name, *shown, *last])
    return table


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
