"""From what a policy wishes for to what is done now: bounds, cool-downs, and whom to stop.

Scale-out is at once. Scale-in is to the highest wish of the last while, so that a wish that falters
stops nobody, and takes workers with nothing in hand only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .policy import Wish
from .snapshot import Pool, Snapshot, State, Worker


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done now; a pool that has workers to start has none to stop.

    ``start`` says how many of a pool, and has no pool without any; ``wanted`` is what each pool is
    held at, and why.
    """

    start: Mapping[str, int]
    stop: tuple[Worker, ...]
    wanted: Mapping[str, Wish]


#: Past wishes for a pool: when each was last made, in seconds since 1970, and its count. Only those
#: that no later one was above or equal to, so that of any last while the first is the highest.
Highs = tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from one decision to the next; it begins empty.

    ``wishes`` are those that the policy's period began with, at ``wished``.
    """

    highs: Mapping[str, Highs] = field(default_factory=dict)
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    wished: float = 0.0


@dataclass(frozen=True, slots=True)
class Steadying:
    """How steady the numbers of workers are."""

    period: float = 0.0
    """Seconds for which a policy's wishes stand, as its `Policy.period` says."""

    keep: float = 0.5
    """The cool-down, in start-ups of the pool: for so long a worker is kept that is not wished for
    any more. Keeping it for as long as a new one takes to start never costs more than twice what
    foresight would (the ski-rental problem); half of it is as safe where jobs rarely follow one
    another so closely, and engines keep their nodes for a while of their own."""

    shortest: float = 60.0
    longest: float = 300.0
    """Bounds of the cool-down, in seconds: whoever sends the next job within a minute finds
    workers, and none is idle for more than five."""

    calm: float = 600.0
    """Seconds that it takes instead where only a little would be saved, so that the chances of a
    steady load turn nothing round: the highest of so many wishes is seldom surpassed soon after."""

    little: float = 0.25
    """Part of a pool's workers up to which that is a little; one of several always is."""

    margin: float = 1.25
    """Start-ups before a worker's end at which its successor is asked for."""

    def steady(
        self, seen: Snapshot, wishes: Mapping[str, Wish], memory: Memory
    ) -> tuple[Decision, Memory]:
        """What to do now about ``wishes``, which must name every pool, and what to remember.

        It depends on nothing but its arguments: of the same ones it always says the same.
        """
        standing = memory.wishes
        if not (
            standing.keys() >= {pool.name for pool in seen.pools}
            and 0 <= seen.now - memory.wished < self.period
        ):
            standing, memory = wishes, replace(memory, wishes=wishes, wished=seen.now)
        start: dict[str, int] = {}
        stop: list[Worker] = []
        wanted: dict[str, Wish] = {}
        highs: dict[str, Highs] = {}
        for pool in seen.pools:
            wish, highs[pool.name] = self._held(
                seen, pool, standing[pool.name], memory.highs.get(pool.name, ())
            )
            wanted[pool.name] = wish
            fresh, leaving = self._parted(seen, pool)
            # Who is only kept for a while needs no successor.
            needed = min(wish.count, max(pool.least, standing[pool.name].count))
            missing = min(needed, pool.most - len(leaving)) - len(fresh)
            if missing > 0:
                start[pool.name] = missing
            elif wish.firm:
                stop += _least_missed(fresh + leaving, seen.count(pool) - wish.count, firm=True)
            else:
                stop += _least_missed(fresh, len(fresh) - wish.count)
                if sum(one.state is State.READY for one in fresh) >= wish.count:
                    stop += _least_missed(leaving, len(leaving))
        return Decision(start, tuple(stop), wanted), replace(memory, highs=highs)

    def cooldown(self, pool: Pool) -> float:
        """Seconds for which a worker of a pool is kept that is not wished for any more."""
        return min(self.longest, max(self.shortest, self.keep * pool.startup))

    def _held(self, seen: Snapshot, pool: Pool, wish: Wish, highs: Highs) -> tuple[Wish, Highs]:
        """What a pool is held at, and its past wishes with this one."""
        count = min(pool.most, max(pool.least, wish.count))
        now, have = seen.now, seen.count(pool)
        if wish.firm and count < have:
            return replace(wish, count=count), ((now, count),)
        # Of what was before the first look it is only known that there are these workers.
        before = highs or ((now, have),)
        since = now - max(self.calm, self.cooldown(pool))
        highs = (*(one for one in before if one[0] >= since and one[1] > count), (now, count))
        # One that was lost is made up for while it is wished for, and not for a cool-down more.
        held = max(count, min(have, _highest(highs, now - self.cooldown(pool))))
        if 0 < have - held <= max(1.0, self.little * have) and held > 0:
            held = max(held, min(have, _highest(highs, now - self.calm)))
        held = min(held, pool.most)
        why = wish.why
        if wish.count > count:
            why = f"{why}; no more than {pool.most} may be had"
        elif wish.count < count:
            why = f"{why}; at least {pool.least} are kept"
        if held > count:
            why = f"{why}; {held - count} more are kept for a while"
        return Wish(held, why), highs

    def _parted(self, seen: Snapshot, pool: Pool) -> tuple[list[Worker], list[Worker]]:
        """Workers of a pool that will be there for a while, and those whose time is nearly up."""
        notice = self.margin * pool.startup
        if pool.lifetime is not None:
            # Else workers with a short time would need their successors as soon as they are there.
            notice = min(notice, pool.lifetime / 2)
        fresh: list[Worker] = []
        leaving: list[Worker] = []
        for one in seen.of(pool, State.ASKED, State.STARTING, State.READY):
            soon = one.ends is not None and one.ends - seen.now <= notice
            (leaving if soon else fresh).append(one)
        return fresh, leaving


def _highest(highs: Highs, since: float) -> int:
    """The highest wish since some time."""
    return next(count for time, count in highs if time >= since)


def _least_missed(workers: list[Worker], count: int, firm: bool = False) -> list[Worker]:
    """Whom to stop of ``workers``: at most ``count``, busy ones only where it is ``firm``.

    Those without a place go first and those that start after them, the youngest first, for they are
    farthest from being ready; of those that are ready the longest idle, and the busy ones last.
    """
    order = (State.ASKED, State.STARTING, State.READY)
    free = [one for one in workers if firm or not one.busy]
    free.sort(key=lambda one: (order.index(one.state), one.busy, -one.idle, -one.since, one.id))
    return free[: max(0, count)]
