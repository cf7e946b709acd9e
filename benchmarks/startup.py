"""How long ``cytomill --help`` and ``import cytomill`` take, beside Python doing nothing."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .common import alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .process import cytomill, run

NAME = "startup"

#: Seconds that help may take.
MOST = 0.3


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--rounds", type=int, default=10, help="times that each contestant runs")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the contestants in turn, after a round that fills the file cache."""
    commands = {
        "help": cytomill("--help"),
        "import": [sys.executable, "-c", "import cytomill"],
        "python": [sys.executable, "-c", "pass"],
    }
    contestants = {
        name: lambda command=command: run(command).seconds for name, command in commands.items()
    }
    alternate(contestants, 1)
    seconds = alternate(contestants, asked.rounds)
    return {
        "seconds": {name: spread(each) for name, each in seconds.items()},
        "ratios": {name: ratio(seconds[name], seconds["python"]) for name in ("help", "import")},
        "bars": [bar("seconds of `cytomill --help`", spread(seconds["help"])["median"], most=MOST)],
    }


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table."""
    told = {"help": "`cytomill --help`", "import": "`import cytomill`", "python": "bare Python"}
    return [
        ["contestant", "seconds", "times bare Python"],
        *(
            [what, show(found["seconds"][name], 3), show(found["ratios"].get(name, 1.0), 1)]
            for name, what in told.items()
        ),
    ]


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
