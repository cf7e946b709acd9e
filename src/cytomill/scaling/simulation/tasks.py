"""The queue of a simulation: what it needs of one, and one in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Protocol

from ..snapshot import Load


@dataclass(frozen=True, slots=True)
class Piece:
    """A task in the hands of a consumer: of ``images``, 0 where it is about its job as a whole."""

    key: Hashable
    images: int


class Given(NamedTuple):
    """What a consumer was given.

    ``rest`` says that it takes nothing more until it has nothing in hand.
    """

    pieces: list[Piece]
    rest: bool


class Tasks(Protocol):
    """Jobs and their tasks; ``now`` is simulated time, in seconds since 1970."""

    def submit(self, images: int, now: float) -> None:
        """Take in a job."""
        ...

    def take(self, consumer: str, count: int, *, idle: bool) -> Given:
        """Up to ``count`` tasks for a consumer, which has nothing in hand where it is ``idle``."""
        ...

    def finish(self, consumer: str, piece: Piece, seconds: float) -> bool:
        """A task is done, which took a thread of a consumer so long; whether others wait now."""
        ...

    def bury(self, consumer: str) -> None:
        """A consumer was lost; what it had is for others to do."""
        ...

    def waiting(self) -> int:
        """Tasks that nobody has begun."""
        ...

    def load(self, now: float) -> Load:
        """What there is to do, but for ``inference``."""
        ...

    def over(self) -> bool:
        """Whether every job that was submitted has ended."""
        ...


#: What of the mean seconds of a task the newest makes, as in the real queue.
_NEW = 0.02

#: The name of the queue.
QUEUE = "images"


@dataclass(slots=True)
class _Job:
    """A job: when it came, and of its images those that were not handed out, and not done."""

    came: float
    new: int
    left: int
    listed: bool = False


class Memory:
    """Tasks in memory, of ``bundle`` images each.

    As in the real queue, a job is one task until a consumer has listed its images, and one again
    for its report. With ``listed`` its images are known when it comes.
    """

    def __init__(self, bundle: int = 1, *, listed: bool = False) -> None:
        self._bundle, self._listed = bundle, listed
        self._open: deque[_Job] = deque()
        self._whole: deque[tuple[_Job, Piece]] = deque()  # listings and reports
        self._back: deque[tuple[_Job, Piece]] = deque()  # what lost consumers had
        self._held: dict[str, dict[Hashable, tuple[_Job, Piece]]] = {}
        self._waiting = self._running = self._key = self._jobs = 0
        self._seconds = 0.0

    def submit(self, images: int, now: float) -> None:
        """Take in a job."""
        self._jobs += 1
        job = _Job(now, images, images)
        if self._listed:
            self._list(job)
        else:
            self._add(job)

    def _list(self, job: _Job) -> None:
        job.listed = True
        self._open.append(job)
        self._waiting += -(-job.new // self._bundle)

    def _add(self, job: _Job) -> None:
        """A task about a job as a whole."""
        self._whole.append((job, self._piece(0)))
        self._waiting += 1

    def _piece(self, images: int) -> Piece:
        self._key += 1
        return Piece(self._key, images)

    def take(self, consumer: str, count: int, *, idle: bool) -> Given:
        """Up to ``count`` tasks, those of the oldest job first."""
        held = self._held.setdefault(consumer, {})
        pieces: list[Piece] = []
        while self._waiting and len(pieces) < count:
            first = self._back or self._whole
            job, piece = first.popleft() if first else self._next()
            held[piece.key] = job, piece
            pieces.append(piece)
            self._waiting -= 1
        self._running += len(pieces)
        return Given(pieces, False)

    def _next(self) -> tuple[_Job, Piece]:
        job = self._open[0]
        some = min(job.new, self._bundle)
        job.new -= some
        if not job.new:
            self._open.popleft()
        return job, self._piece(some)

    def finish(self, consumer: str, piece: Piece, seconds: float) -> bool:
        """A task is done."""
        job, _ = self._held[consumer].pop(piece.key)
        self._running -= 1
        if not piece.images and job.listed:
            self._jobs -= 1
        elif not piece.images:
            self._list(job)
            return True
        else:
            self._seconds += _NEW * (seconds - self._seconds) if self._seconds else seconds
            job.left -= piece.images
            if not job.left:
                self._add(job)
                return True
        return False

    def bury(self, consumer: str) -> None:
        """A consumer was lost."""
        lost = self._held.pop(consumer, {})
        self._back.extend(lost.values())
        self._running -= len(lost)
        self._waiting += len(lost)

    def waiting(self) -> int:
        """Tasks that nobody has begun."""
        return self._waiting

    def load(self, now: float) -> Load:
        """What there is to do."""
        jobs = [line[0][0] for line in (self._whole, self._back) if line]
        age = now - min(job.came for job in (*jobs, *islice(self._open, 1))) if self._waiting else 0
        return Load(QUEUE, self._waiting, self._running, age, self._seconds)

    def over(self) -> bool:
        """Whether every job that was submitted has ended."""
        return not self._jobs
