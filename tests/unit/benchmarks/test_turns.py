from __future__ import annotations

import sys

import pytest

from benchmarks.common import aligned, alternate, bar, ratio, show, spread
from benchmarks.process import run


def test_contestants_take_turns_in_both_directions() -> None:
    called: list[str] = []
    contestants = {name: lambda name=name: called.append(name) for name in "abc"}
    kept = alternate(contestants, 3)
    assert "".join(called) == "abccbaabc"
    assert {name: len(each) for name, each in kept.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_ratio_is_taken_round_by_round() -> None:
    assert ratio([2, 8, 9], [1, 2, 3])["values"] == [2, 4, 3]
    assert ratio([2, 8, 9], [1, 2, 3])["median"] == 3


def test_a_spread_shows_its_range_where_it_has_one() -> None:
    assert show(spread([3.0, 1.0, 2.0]), 1) == "2.0 (1.0 to 3.0)"
    assert show(spread([1234.5]), 1) == "1,234.5"


def test_a_bar_holds_at_its_limit_and_not_beyond() -> None:
    assert bar("speed", 10, least=10)["holds"]
    assert not bar("speed", 9.99, least=10)["holds"]
    assert bar("memory", 2, most=2)["holds"]
    assert not bar("memory", 2.01, most=2)["holds"]


def test_columns_are_aligned() -> None:
    assert aligned([["a", "b"], ["long", "1"]]).splitlines() == ["a     b", "-------", "long  1"]


def test_memory_of_a_program_and_its_children_is_seen() -> None:
    child = "x = bytearray(60_000_000); import time; time.sleep(0.6)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert run([sys.executable, "-c", parent]).peak > 60e6
    assert run([sys.executable, "-c", "import time; time.sleep(0.3)"]).peak < 60e6


def test_settings_are_passed_on_and_inherited_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYTOMILL_WHOLE", "7")
    tell = "import os; print({k: v for k, v in os.environ.items() if k.startswith('CYTOMILL_')})"
    given = {"CYTOMILL_TILE": "512"}
    assert run([sys.executable, "-c", tell], given).output.strip() == str(given)


def test_a_program_that_fails_ends_the_benchmark() -> None:
    with pytest.raises(SystemExit, match="exit code 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])
