from __future__ import annotations

import argparse
import re
import shlex
from importlib import import_module

import pytest

from benchmarks.common import ROOT, bar, machine, spread
from benchmarks.report import TABLES, fill

PAGE = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")

STARTUP = {
    "when": "2026-11-22T10:00:00+00:00",
    "machine": machine(),
    "options": {},
    "seconds": {name: spread([0.1, 0.2]) for name in ("help", "import", "python")},
    "ratios": {name: spread([1.0]) for name in ("help", "import")},
    "bars": [bar("seconds of help", 0.15, most=0.3)],
}


def test_results_take_the_place_of_what_stood_there() -> None:
    once = fill(PAGE, {"startup": STARTUP})
    assert "| bare Python | 0.150 (0.100 to 0.200) | 1.0 |" in once
    assert "| seconds of help | ≤ 0.3 | 0.15 | yes |" in once
    assert fill(once, {"startup": STARTUP}) == once
    assert fill(once, {}) == fill(PAGE, {})


def test_what_is_not_measured_says_so() -> None:
    assert fill(PAGE, {}).count("Not measured yet.") == len(TABLES) + 1


def test_a_place_for_no_benchmark_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        fill("<!-- begin nonsense -->\n<!-- end nonsense -->", {})


def test_the_page_has_a_place_for_every_benchmark() -> None:
    assert set(re.findall(r"<!-- begin (\w+) -->", PAGE)) == {*TABLES, "summary"}


@pytest.mark.parametrize("line", re.findall(r"^ {4}\.venv/bin/python -m (.+)$", PAGE, re.MULTILINE))
def test_commands_on_the_page_exist(line: str) -> None:
    module, *options = shlex.split(line)
    parser: argparse.ArgumentParser = import_module(module).parser()
    parser.parse_args(options)
