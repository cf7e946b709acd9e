"""Nodes that start and are lost, and the workers on them: a driver."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Protocol

from ..driver import Trouble
from ..snapshot import Pool, State, Worker
from .clock import Clock
from .scenario import Scenario


@dataclass(slots=True, eq=False)
class Node:
    """A machine, from when it was asked for; ``ready`` once workers on it may work.

    ``emptied`` is when its last worker left it.
    """

    pool: Pool
    asked: float
    emptied: float = 0.0
    ready: bool = False
    gone: bool = False
    workers: list[Member] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Member:
    """A worker, from when it was asked for; ``rested`` is when it last had anything in hand."""

    id: str
    pool: Pool
    since: float
    node: Node | None = None
    state: State = State.ASKED
    busy: int = 0
    rested: float = 0.0
    gone: bool = False


class Hands(Protocol):
    """Who does the work of the workers."""

    def joins(self, member: Member) -> None:
        """A worker is ready."""
        ...

    def left(self, member: Member) -> None:
        """A worker that had been ready has ended."""
        ...

    def lost(self, member: Member) -> None:
        """A worker is gone with what it had in hand."""
        ...


class Fleet:
    """Workers on nodes, as `Driver` has them; ``hands`` must be set before the first is ready."""

    hands: Hands

    def __init__(self, scenario: Scenario, clock: Clock, random: Random) -> None:
        self._kinds = {pool.name: scenario.nodes_of(pool) for pool in scenario.pools}
        self._clock, self._random = clock, random
        self._nodes: dict[str, list[Node]] = {name: [] for name in self._kinds}
        self._unplaced: dict[str, list[Member]] = {name: [] for name in self._kinds}
        self._members: dict[str, Member] = {}
        self._closed = dict.fromkeys(self._kinds, 0.0)
        self._numbers = count(1)
        self.losses = dict.fromkeys(self._kinds, 0)
        """Workers that were lost, by pool."""

    # Driver

    def workers(self) -> Sequence[Worker]:
        """All that have not ended; ``busy`` and ``idle`` are told too."""
        now = self._clock.now
        return [
            Worker(
                one.id,
                one.pool.name,
                one.state,
                one.since,
                one.busy,
                now - one.rested if one.state is State.READY and not one.busy else 0.0,
            )
            for one in self._members.values()
        ]

    def start(self, pool: Pool, count: int) -> None:
        """Ask for workers: on nodes that have room, the fullest first, else on new ones."""
        for _ in range(count):
            member = Member(f"{pool.name}-{next(self._numbers)}", pool, self._clock.now)
            self._members[member.id] = member
            self._place(member)

    def stop(self, workers: Iterable[Worker]) -> None:
        """Have workers end, those that are ready once they have nothing in hand."""
        for worker in workers:
            member = self._members.get(worker.id)
            if member and member.state is State.READY:
                member.state = State.DRAINING
            if member and not member.busy:
                self.end(member)

    def troubles(self) -> Sequence[Trouble]:
        """None."""
        return ()

    def close(self) -> None:
        """Nothing is held."""

    # Workers

    def end(self, member: Member) -> None:
        """A worker has ended; who waits for its place gets it."""
        self._forget(member)
        if member.state is State.DRAINING:
            self.hands.left(member)
        if node := member.node:
            node.workers.remove(member)
            self._fill(node)
        else:
            self._unplaced[member.pool.name].remove(member)

    def _forget(self, member: Member) -> None:
        member.gone = True
        del self._members[member.id]

    def _place(self, member: Member) -> None:
        name, kind = member.pool.name, self._kinds[member.pool.name]
        free = [one for one in self._nodes[name] if len(one.workers) < kind.slots]
        if free:
            node = max(free, key=lambda one: (one.ready, len(one.workers)))
        elif len(self._nodes[name]) < kind.most:
            node = Node(member.pool, self._clock.now)
            self._nodes[name].append(node)
            self._clock.after(kind.startup, self._started, node)
        else:
            self._unplaced[name].append(member)
            return
        node.workers.append(member)
        member.node, member.state = node, State.STARTING
        if node.ready:
            self._join(member)

    def _join(self, member: Member) -> None:
        member.state, member.rested = State.READY, self._clock.now
        self.hands.joins(member)

    # Nodes

    def empty(self) -> bool:
        """Whether there is no node, nor one that starts."""
        return not any(self._nodes.values())

    def hours(self) -> dict[str, float]:
        """Hours of nodes so far, by pool."""
        now = self._clock.now
        return {
            name: (self._closed[name] + sum(now - one.asked for one in nodes)) / 3600
            for name, nodes in self._nodes.items()
        }

    def spent(self) -> float:
        """What the nodes have cost so far."""
        return sum(self._kinds[name].price * hours for name, hours in self.hours().items())

    def _started(self, node: Node) -> None:
        if node.gone:
            return
        node.ready = True
        kind = self._kinds[node.pool.name]
        if kind.loss:
            rate = -math.log1p(-kind.loss) / 3600
            self._clock.after(self._random.expovariate(rate), self._lose, node)
        for member in list(node.workers):
            self._join(member)

    def _fill(self, node: Node) -> None:
        """Use a node's room, or let it go in time."""
        waiting = self._unplaced[node.pool.name]
        if waiting:
            self._place(waiting.pop(0))
        elif not node.workers:
            node.emptied = self._clock.now
            keep = self._kinds[node.pool.name].keep if node.ready else 0.0
            self._clock.after(keep, self._release, node, node.emptied)

    def _release(self, node: Node, emptied: float) -> None:
        """Let go of a node that has had no workers since ``emptied``."""
        if not node.gone and not node.workers and node.emptied == emptied:
            self._close(node)

    def _lose(self, node: Node) -> None:
        if node.gone:
            return
        self._close(node)
        for member in node.workers:
            self._forget(member)
            self.losses[node.pool.name] += 1
            self.hands.lost(member)
        waiting = self._unplaced[node.pool.name]
        self._unplaced[node.pool.name] = []
        for member in waiting:
            self._place(member)

    def _close(self, node: Node) -> None:
        node.gone = True
        self._nodes[node.pool.name].remove(node)
        self._closed[node.pool.name] += self._clock.now - node.asked
