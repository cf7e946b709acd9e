"""How far something is: a bar on a terminal, lines in a log."""

from __future__ import annotations

import io
import re
import sys

import pytest

from cytomill.cli import meter
from cytomill.cli.jobs import table
from cytomill.cli.meter import Meter, clock, size


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (2.5e6, "2.5 MB"),
        (123e9, "123 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes(count, told):
    assert size(count) == told


def test_clock():
    assert clock(3723.4) == "1:02:03"


@pytest.fixture
def moments(monkeypatch):
    """A clock that the test sets."""
    now = [100.0]
    monkeypatch.setattr(meter.time, "monotonic", lambda: now[0])
    return now


def test_a_log_has_a_line_every_ten_seconds(moments, capsys):
    with Meter("sent", "B", quiet=False) as told:
        for moment, done in ((100, 0), (105, 5_000_000), (110, 10_000_000), (112, 12_000_000)):
            moments[0] = moment
            told(done, 40_000_000)
    assert capsys.readouterr().err == "sent: 10.0 MB of 40.0 MB, 0:00:30 left\n"


def test_a_note_is_told_and_what_was_there_is_no_speed(moments, capsys):
    with Meter("done", "images", quiet=False) as told:
        told(50, 100)
        moments[0] += 10
        told(50, 100, "3 failed")
    assert capsys.readouterr().err == "done: 50/100 images, 3 failed\n"


def test_quiet_says_nothing(moments, capsys):
    with Meter("done", "images", quiet=True) as told:
        moments[0] += 60
        told(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_a_bar_that_follows_the_total(monkeypatch):
    screen = io.StringIO()
    screen.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", screen)
    with Meter("done", "images", quiet=False) as told:
        told(1, 2)
        told(3, 4, "1 failed")
        told(3, 4, "paused: the disk is full")
    assert re.search(r"3/4 .*paused: the disk is full", screen.getvalue())


def test_columns_are_as_wide_as_need_be():
    assert table(("a", "bcd"), [("12", "x"), ("1", "")]) == ["a   bcd", "12  x", "1"]
