"""How a run tells of its progress: a bar on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm

from ..batch.journal import Record
from ..batch.run import Progress

#: Seconds between lines in a log: often enough to see that it lives.
_EVERY = 10.0


@contextmanager
def reporter(quiet: bool) -> Iterator[Progress]:
    """A `Progress` that writes to standard error; failures are told even when ``quiet``."""
    if quiet:
        yield _failures
    elif sys.stderr.isatty():
        with _Bar() as bar:
            yield bar
    else:
        yield _Lines()


def _failures(record: Record, finished: int, total: int) -> None:
    if record.status == "failed":
        click.echo(f"failed: {record.error}", err=True)


class _Bar:
    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._failed = 0

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, record: Record, finished: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, unit=" images", dynamic_ncols=True, file=sys.stderr)
        if record.status == "failed":
            self._failed += 1
            self._bar.write(f"failed: {record.error}", file=sys.stderr)
            self._bar.set_postfix_str(f"{self._failed} failed")
        self._bar.update()


class _Lines:
    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()
        self._failed = 0

    def __call__(self, record: Record, finished: int, total: int) -> None:
        if record.status == "failed":
            self._failed += 1
        _failures(record, finished, total)
        now = time.monotonic()
        if now - self._told < _EVERY and finished < total:
            return
        self._told = now
        rate = finished / max(now - self._begun, 1e-9)
        left = round((total - finished) / rate)
        failed = f", {self._failed} failed" if self._failed else ""
        click.echo(
            f"{finished}/{total} images{failed}, {rate:.1f} images/s, "
            f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left",
            err=True,
        )
