"""What workers do: consumers take tasks, and wait for a model server's thread."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

from ..snapshot import Role, State
from .clock import Clock
from .fleet import Fleet, Member
from .scenario import Effort
from .tasks import Piece, Tasks

#: Seconds of a task that is about its job as a whole.
_WHOLE = 0.05

#: What of the mean seconds of inference the newest makes.
_NEW = 0.02


@dataclass(slots=True, eq=False)
class Call:
    """A task in the hands of a consumer, which may be at a model server."""

    consumer: Member
    piece: Piece
    begun: float
    server: Member | None = None


class Work:
    """The work of all workers; `Hands` of a fleet.

    A consumer's own seconds come first, then its inference. Calls to model servers are one line,
    from which whichever thread is free takes the first.
    """

    def __init__(
        self, clock: Clock, fleet: Fleet, tasks: Tasks, effort: Effort, random: Random
    ) -> None:
        self._clock, self._fleet, self._tasks = clock, fleet, tasks
        self._effort, self._random = effort, random
        self._resting: set[Member] = set()
        self._hungry: dict[Member, None] = {}
        self._line: deque[Call] = deque()
        self._free: deque[Member] = deque()
        self._serving: dict[Member, set[Call]] = {}
        self.device = Device(clock)
        self.inference = 0.0
        """Seconds that a task has a model server's thread, of late."""

        self.done = 0
        """Images that are done."""

        self.first: float | None = None
        """When the first image was done, in seconds since 1970."""

        self.last: float | None = None
        """When the newest was."""

    # Hands

    def joins(self, member: Member) -> None:
        """A worker is ready."""
        if member.pool.role is Role.CONSUMER:
            self._take(member)
        else:
            self._serving[member] = set()
            self.device.threads(member.pool.threads)
            self._free.extend([member] * member.pool.threads)
            self._serve()

    def left(self, member: Member) -> None:
        """A worker that had nothing in hand has ended."""
        self._leave(member)

    def lost(self, member: Member) -> None:
        """A worker is gone; what a consumer had is for others, what a server had is asked again."""
        calls = self._leave(member)
        if member.pool.role is Role.CONSUMER:
            self._tasks.bury(member.id)
            self.feed()
            return
        for call in calls:
            self.device.busy(-1)
            call.server = None
            self._line.appendleft(call)
        self._serve()

    def _leave(self, member: Member) -> set[Call]:
        """Forget a worker; returns what a model server had in hand."""
        self._resting.discard(member)
        self._hungry.pop(member, None)
        if member.pool.role is Role.MODEL_SERVER:
            self.device.threads(-member.pool.threads)
        return self._serving.pop(member, set())

    # Consumers

    def feed(self) -> None:
        """Have consumers with nothing to do look at the queue."""
        while self._hungry and self._tasks.waiting():
            consumer = next(iter(self._hungry))
            del self._hungry[consumer]
            if not self._take(consumer):
                return  # what waits is not for those with something in hand

    def _take(self, consumer: Member) -> int:
        """Fill a consumer's hands; returns how many tasks it was given."""
        room = consumer.pool.threads - consumer.busy
        if consumer.state is not State.READY or not room or consumer in self._resting:
            return 0
        self._hungry.pop(consumer, None)
        given = self._tasks.take(consumer.id, room, idle=not consumer.busy)
        for piece in given.pieces:
            consumer.busy += 1
            call = Call(consumer, piece, self._clock.now)
            self._clock.after(self._own(piece.images), self._prepared, call)
        if given.rest and consumer.busy:
            self._resting.add(consumer)
        elif len(given.pieces) < room:
            self._hungry[consumer] = None
        return len(given.pieces)

    def _own(self, images: int) -> float:
        """A consumer's own seconds of a task."""
        if not images:
            return _WHOLE
        spread = self._effort.spread / images**0.5
        return images * self._effort.own * self._random.uniform(1 - spread, 1 + spread)

    def _prepared(self, call: Call) -> None:
        if call.consumer.gone:
            return
        if call.piece.images and self._effort.inference:
            self._line.append(call)
            self._serve()
        else:
            self._finish(call)

    def _finish(self, call: Call) -> None:
        consumer, now = call.consumer, self._clock.now
        consumer.busy -= 1
        consumer.rested = now
        if not consumer.busy:
            self._resting.discard(consumer)
        more = self._tasks.finish(consumer.id, call.piece, now - call.begun)
        if call.piece.images:
            self.done += call.piece.images
            # The first image of a bundle is done before the rest of it.
            rest = (now - call.begun) * (1 - 1 / call.piece.images)
            self.first, self.last = self.first or now - rest, now
        if consumer.state is State.READY:
            self._take(consumer)
        elif not consumer.busy:
            self._fleet.end(consumer)
        if more:
            self.feed()

    # Model servers

    def _serve(self) -> None:
        while self._line and self._free:
            if self._line[0].consumer.gone:
                self._line.popleft()
                continue
            server = self._free.popleft()
            if server.gone or server.state is not State.READY:
                continue
            call = self._line.popleft()
            call.server = server
            server.busy += 1
            self._serving[server].add(call)
            self.device.busy(1)
            seconds = self._effort.inference * call.piece.images
            self._clock.after(seconds, self._served, call, server, seconds)

    def _served(self, call: Call, server: Member, seconds: float) -> None:
        if call.server is not server:
            return  # it was lost meanwhile, and the call is asked again
        call.server = None
        self._serving[server].remove(call)
        server.busy -= 1
        server.rested = self._clock.now
        self.device.busy(-1)
        self.inference += _NEW * (seconds - self.inference) if self.inference else seconds
        if server.state is State.READY:
            self._free.append(server)
        elif not server.busy:
            self._fleet.end(server)
        if not call.consumer.gone:
            self._finish(call)
        self._serve()


#: Seconds over which the use of devices is averaged.
_LATELY = 15.0


class Device:
    """How much of the time the threads of model servers are busy."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.now
        self._busy = self._threads = 0
        self._sums = (0.0, 0.0)
        self._looks: deque[tuple[float, float, float]] = deque()

    def busy(self, more: int) -> None:
        """So many more threads are busy."""
        self._count()
        self._busy += more

    def threads(self, more: int) -> None:
        """There are so many more threads."""
        self._count()
        self._threads += more

    def _count(self) -> None:
        passed = self._clock.now - self._since
        busy, there = self._sums
        self._sums = busy + passed * self._busy, there + passed * self._threads
        self._since = self._clock.now

    def use(self) -> float | None:
        """Part of the last 15 s, or since the look before; None where there was no thread."""
        self._count()
        now, looks = self._clock.now, self._looks
        looks.append((now, *self._sums))
        while len(looks) > 2 and looks[1][0] <= now - _LATELY:
            looks.popleft()
        _, busy, there = looks[0]
        threads = self._sums[1] - there
        return min(1.0, (self._sums[0] - busy) / threads) if threads else None
