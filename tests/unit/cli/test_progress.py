from __future__ import annotations

import io
from contextlib import contextmanager, redirect_stderr

from cytomill.batch.journal import Record
from cytomill.cli import progress
from cytomill.cli.progress import reporter

DONE = Record("a.tif", "done", "task")
FAILED = Record("b.tif", "failed", "task", error="b.tif: is empty; copy it again")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def told(stream: io.StringIO, quiet: bool = False):
    """A reporter whose standard error is ``stream``."""
    with redirect_stderr(stream), reporter(quiet) as tell:
        yield tell


def test_a_log_has_a_line_at_the_end_and_one_per_failure():
    text = io.StringIO()
    with told(text) as tell:
        tell(DONE, 1, 3)
        tell(FAILED, 2, 3)
        tell(DONE, 3, 3)
    failure, end = text.getvalue().splitlines()
    assert failure == "failed: b.tif: is empty; copy it again"
    assert end.startswith("3/3 images, 1 failed, ")
    assert end.endswith("0:00:00 left")


def test_a_log_grows_slowly_and_says_what_is_left(monkeypatch):
    text = io.StringIO()
    clock = iter([0.0, 1.0, 12.0, 13.0, 30.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with told(text) as tell:
        for finished in range(1, 5):
            tell(DONE, finished, 9000)
    assert text.getvalue().splitlines() == [
        "2/9000 images, 0.2 images/s, 14:59:48 left",
        "4/9000 images, 0.1 images/s, 18:44:30 left",
    ]


def test_quiet_tells_failures_alone():
    text = io.StringIO()
    with told(text, quiet=True) as tell:
        tell(DONE, 1, 2)
        tell(FAILED, 2, 2)
    assert text.getvalue() == "failed: b.tif: is empty; copy it again\n"


def test_a_terminal_has_a_bar_with_rate_and_failures_above_it():
    text = Terminal()
    with told(text) as tell:
        tell(FAILED, 1, 2)
        tell(DONE, 2, 2)
    shown = text.getvalue()
    assert "failed: b.tif: is empty; copy it again\n" in shown
    assert "2/2" in shown
    assert "images/s" in shown
    assert "1 failed" in shown


def test_nothing_to_do_says_nothing():
    text = Terminal()
    with told(text):
        pass
    assert text.getvalue() == ""
