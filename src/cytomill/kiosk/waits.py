"""Why a job waits, in words for its owner: no secrets, no addresses, no advice for operators."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..jobs.job import Job, State
from ..jobs.queue import Queue
from ..scaling.board import Board, PoolStatus, Status

#: Seconds for which what was read of the workers is taken to be true.
_FRESH = 1.0

#: Letters of a cause that are told.
_LONGEST = 200

#: What a cause must not give away: who signs in at an address, and folders of a machine.
_SECRET = re.compile(r"(?<=://)[^@/\s]+@|(?<![\w/])/(?:[\w.+-]+/)+[\w.+-]*")


class Waits:
    """Says of jobs what they wait for, as the autoscaler and the consumers tell it.

    It raises `QueueAwayError` where Redis does not answer.
    """

    def __init__(self, queue: Queue, board: Board) -> None:
        self._queue, self._board = queue, board
        self._read = float("-inf")
        self._status: Status | None = None
        self._told: Sequence[Mapping[str, Any]] = ()

    def of(self, job: Job) -> str | None:
        """What a job waits for; None for one that is being done, does not wait or has ended.

        Costs nothing for the latter, and little for many jobs at once.
        """
        if job.state not in (State.LISTING, State.RUNNING):
            return None
        self._look()
        status, consumers = self._status, [one for one in self._told if _takes(one, job.pipeline)]
        if status is not None:
            pools = status.consumers_of(job.pipeline)
            if pools and not consumers and not any(one.ready for one in pools):
                return _lacks("consumers", pools, status)
            servers = status.servers()
            if servers and not any(one.ready for one in servers):
                return _lacks("a model server", servers, status)
        if not consumers:
            return "waits for a consumer: none runs; ask who runs this kiosk"
        waiting = [str(one["waiting_for"]) for one in consumers if one.get("waiting_for")]
        return f"waits for {waiting[0]}" if len(waiting) == len(consumers) else None

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._read < _FRESH:
            return
        names = self._queue.consumers(within=15.0)
        # Those that ended in peace are among them for a while, and told that they drain.
        told = [one for one in self._queue.told_by(names) if not one.get("draining")]
        self._status, self._told, self._read = self._board.read(), told, now


def _takes(told: Mapping[str, Any], pipeline: str) -> bool:
    """Whether a consumer takes tasks of a pipeline; one that has just started does not say."""
    return not told.get("pipelines") or pipeline in told["pipelines"]


def _lacks(what: str, pools: Sequence[PoolStatus], status: Status) -> str:
    """That there are no workers of a kind, how many come, and what keeps them."""
    asked, starting = sum(one.asked for one in pools), sum(one.starting for one in pools)
    found = []
    if asked:
        found.append(f"{asked} asked for")
    if starting:
        found.append(f"{starting} starting")
    causes = [one.cause for pool in pools for one in pool.troubles]
    causes += [one.cause for one in status.troubles]
    reasons = [pool.reason for pool in pools if pool.reason]
    if causes:
        found.append(_public(causes[0]))
    elif reasons and not starting:
        found.append(f"{status.engine} says {_public(reasons[0])}")
    if not found:
        wanted = any(pool.wanted for pool in pools)
        found.append("about to be asked for" if wanted else _public(pools[0].why))
    return f"waits for {what}: {', '.join(found)}"


def _public(text: str) -> str:
    """A cause as users may see it."""
    line = _SECRET.sub("…", text.strip().partition("\n")[0])
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
