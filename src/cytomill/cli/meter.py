"""How far something is that a kiosk does: a bar on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from typing import Self

import click
from tqdm import tqdm

#: Seconds between lines in a log: often enough to see that it lives.
_EVERY = 10.0


def size(count: float) -> str:
    """A number of bytes as people read it: ``1.4 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def clock(seconds: float) -> str:
    """Seconds as ``1:02:03``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


class Meter:
    """Told how far something is; writes to standard error, nothing when ``quiet``.

    ``unit`` is what is counted, ``B`` for bytes. A context manager, which ends the bar.
    """

    def __init__(self, what: str, unit: str, *, quiet: bool) -> None:
        self._what, self._unit, self._quiet = what, unit, quiet
        self._bar: tqdm[None] | None = None
        self._terminal = sys.stderr.isatty()
        self._first: tuple[float, int] | None = None
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total``; ``note`` is told beside it."""
        if self._quiet:
            return
        if self._terminal:
            self._draw(done, total, note)
        else:
            self._write(done, total, note)

    def _draw(self, done: int, total: int, note: str) -> None:
        if self._bar is None:
            self._bar = tqdm(
                desc=self._what,
                total=total,
                initial=done,
                unit="B" if self._unit == "B" else f" {self._unit}",
                unit_scale=self._unit == "B",
                dynamic_ncols=True,
                file=sys.stderr,
            )
        self._bar.total = total
        # What stands still would else not be drawn anew.
        self._bar.set_postfix_str(note, refresh=done == self._bar.n)
        self._bar.update(done - self._bar.n)

    def _write(self, done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, done)
        if now - self._told < _EVERY:
            return
        self._told = now
        since, begun = self._first
        rate = (done - begun) / max(now - since, 1e-9)
        shown = (
            f"{size(done)} of {size(total)}"
            if self._unit == "B"
            else f"{done}/{total} {self._unit}"
        )
        left = f", {clock((total - done) / rate)} left" if rate > 0 and total > done else ""
        click.echo(f"{self._what}: {shown}{f', {note}' if note else ''}{left}", err=True)
