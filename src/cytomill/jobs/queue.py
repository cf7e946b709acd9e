"""The queue: jobs and their tasks, in Redis, each change of state one script.

The scripts are in ``scripts/``; ``common.lua`` begins with the table of keys. Nothing is lost
between two calls: whoever dies, at whatever moment, what was begun is taken back after a lease and
begun again, and of several attempts at an item one is published.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import redis

from .errors import ConflictError, QuotaError
from .job import Job
from .redis import told
from .task import Kind, Outcome, Task

PREFIX = "{cytomill}:"

#: Milliseconds after which a consumer that was not heard of loses its tasks. With what it takes to
#: notice, and a grace of half of it after an outage of the server, within 15 s.
LEASE = 8_000

#: Tries of a task before it fails for good.
TRIES = 5

#: States that are read at once when they are searched for failed items.
_SEARCHED = 100_000


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a queue has to do. All of it is known without looking at any job."""

    waiting: int
    """Tasks that nobody has begun."""

    running: int
    """Tasks in the hands of consumers."""

    age: float
    """Seconds since the oldest job with waiting tasks was submitted."""

    seconds: float
    """Seconds that a task takes a consumer, of late."""

    @property
    def work(self) -> float:
        """Seconds of work that wait."""
        return self.waiting * self.seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """What a consumer was given.

    ``alone`` says that it should take nothing more until that is finished: it may have killed
    consumers. ``suspects`` are the jobs with such tasks, which wait for a consumer with nothing in
    hand.
    """

    tasks: tuple[Task, ...]
    alone: bool
    suspects: int


@dataclass(frozen=True, slots=True)
class Minute:
    """What ended in a minute that began at ``time``; ``seconds`` are of consumers' threads."""

    time: int
    done: int
    failed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """That an item failed, when and why; ``time`` is in seconds since 1970."""

    job: str
    item: int
    time: float
    reason: str


@dataclass(frozen=True, slots=True)
class Event:
    """That something about a job changed; ``id`` orders the events."""

    id: str
    job: str
    owner: str
    state: str


class Queue:
    """The queue in the Redis that ``client`` speaks to; safe to use from several threads.

    Every method raises `QueueAwayError` where Redis does not answer, and `QueueFullError` where its
    memory is full. What a method did before its answer was lost does no harm when it is asked
    again.
    """

    def __init__(self, client: redis.Redis, *, lease: int = LEASE, tries: int = TRIES) -> None:
        self._client = client
        self._lease, self._tries = lease, tries
        folder = files(__package__).joinpath("scripts")
        text = {name: folder.joinpath(f"{name}.lua").read_text() for name in _SHARED + _SCRIPTS}
        shared = "".join(text[name] for name in _SHARED)
        self._scripts = {name: client.register_script(shared + text[name]) for name in _SCRIPTS}

    def _run(self, name: str, *arguments: Any) -> Any:
        with told():
            return self._scripts[name](args=arguments)

    # Jobs

    def submit(
        self,
        job: Job,
        *,
        days: float = 0,
        most_jobs: int = 1000,
        once: str = "",
        digest: str = "",
        remember: int = 86_400,
    ) -> Job:
        """Take a job in; durable when this returns. Its pipeline names its queue.

        It will be deleted ``days`` after it has ended, 0 for never. With an idempotency key
        ``once`` the same again within ``remember`` seconds gives the job that is there; ``digest``
        tells the same from another. Raises `ConflictError` for another with the same key, and
        `QuotaError` where the owner has ``most_jobs`` at work.
        """
        fields = {**job.to_hash(), "days": str(days), "pinned": "1" if job.pinned else "0"}
        flat = [part for pair in fields.items() for part in pair]
        outcome, name = self._run(
            "submit", job.id, job.pipeline, job.owner, most_jobs, once, digest, remember, *flat
        )
        if outcome == "quota":
            raise QuotaError(f"you have {most_jobs} jobs at work already; wait until one has ended")
        if outcome == "conflict":
            raise ConflictError("this idempotency key was used for another job; use a new one")
        found = self.job(name)
        return found or job

    def job(self, name: str) -> Job | None:
        """What is known of a job; None where there is none."""
        with told():
            stored = self._client.hgetall(f"{PREFIX}job:{name}")
        return Job.from_hash(name, stored) if stored.get("state") else None

    def jobs(
        self, owner: str | None = None, *, before: float | None = None, count: int = 100
    ) -> list[Job]:
        """Jobs of ``owner``, or of all, newest first; those submitted ``before``, as pages go."""
        names = self.names(owner, before=before, count=count)
        with told():
            pipe = self._client.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(f"{PREFIX}job:{name}")
            return [
                Job.from_hash(name, stored)
                for name, stored in zip(names, pipe.execute(), strict=True)
                if stored.get("state")
            ]

    def names(
        self, owner: str | None = None, *, before: float | None = None, count: int = 100
    ) -> list[str]:
        """Ids of jobs, see `jobs`."""
        index = f"{PREFIX}jobs" if owner is None else f"{PREFIX}user:{owner}:jobs"
        limit = "+inf" if before is None else f"({before!r}"
        with told():
            return list(self._client.zrevrangebyscore(index, limit, "-inf", start=0, num=count))

    def extend(
        self, job: Job, first: int, count: int, *, last: bool, most: int = 50_000_000
    ) -> int:
        """Say that items ``first`` to ``first + count - 1`` were found; whether they are the last.

        Saying so again does nothing, and so does leaving some out: go on at the number of items
        that are known, which it returns; -1 where the job takes none, because it has ended. Raises
        `QuotaError` beyond ``most``.
        """
        known = int(self._run("extend", job.id, job.pipeline, first, count, int(last), most))
        if known == -2:
            raise QuotaError(f"a job may have {most:,} images; give it fewer")
        return known

    def pause(self, job: Job, reason: str, *, seconds: float = 0) -> bool:
        """Begin nothing more of a job; it goes on by itself after ``seconds``, 0 for never.

        False where it has ended, or is paused already and the new pause is not for good.
        """
        return bool(self._run("pause", job.id, job.pipeline, reason, round(seconds * 1000)))

    def resume(self, job: Job) -> bool:
        """Go on with a paused job."""
        return bool(self._run("resume", job.id))

    def cancel(self, job: Job) -> bool:
        """Stop a job for good; False where it has ended. What is in hand is told by `beat`."""
        return bool(self._run("cancel", job.id, "cancelled"))

    def retry(self, job: Job) -> int:
        """Try the failed items again, and the report if that failed; returns how many items.

        Raises `ConflictError` for a job that was cancelled or whose inputs could not be listed.
        """
        found = 0
        for first in range(0, max(1, job.items), _SEARCHED):
            last = first + _SEARCHED - 1
            some = int(self._run("retry", job.id, job.pipeline, first, last))
            if some < 0:
                raise ConflictError(f"the job is {job.state}: its items cannot be tried again")
            found += some
        return found

    def pin(self, job: Job, pinned: bool = True) -> bool:
        """Keep a job for ever, or let it expire."""
        return bool(self._run("pin", job.id, int(pinned)))

    def delete(self, job: Job) -> bool:
        """Stop a job and mark it as to be deleted: `expired` names it at once."""
        return bool(self._run("cancel", job.id, "deleting"))

    def condemn(self, job: Job) -> bool:
        """`delete` a job that has expired; False where it was pinned or tried again since."""
        return bool(self._run("cancel", job.id, "expired"))

    def forget(self, name: str) -> bool:
        """Remove all that is known of a job whose files are gone."""
        return bool(self._run("forget", name))

    def expired(self, count: int = 100) -> list[tuple[str, str]]:
        """What is to be deleted: ``("job", id)`` and ``("upload", id)``.

        Call `condemn` before a job's files are removed and `forget` after.
        """
        with told():
            seconds, micros = self._client.time()
            now = seconds + micros / 1e6
            due = self._client.zrangebyscore(f"{PREFIX}expiry", 0, now, start=0, num=count)
        return [(kind, name) for kind, _, name in (line.partition(" ") for line in due)]

    # Items

    def states(self, job: Job, first: int, count: int) -> list[tuple[str, int]]:
        """State of items from ``first`` on and the attempt it is of, see `ITEM_STATES`."""
        count = min(count, job.items - first)
        if count <= 0:
            return []
        start, end = first * _WIDTH, (first + count) * _WIDTH - 1
        with told():
            raw = self._client.execute_command(
                "GETRANGE", f"{PREFIX}job:{job.id}:states", start, end, NEVER_DECODE=1
            )
        return [(ITEM_STATES[code >> 30], code & (1 << 30) - 1) for (code,) in _STANDING(raw)]

    def find(self, job: Job, state: str, first: int, count: int) -> tuple[list[int], int]:
        """Up to ``count`` items in ``state`` from ``first`` on, and where to search next.

        The latter is the number of items when there are no more.
        """
        found: list[int] = []
        for start in range(first, job.items, _SEARCHED):
            for number, (has, _) in enumerate(self.states(job, start, _SEARCHED), start=start):
                if has == state:
                    found.append(number)
                    if len(found) == count:
                        return found, number + 1
        return found, job.items

    def errors(self, job: Job, items: Sequence[int]) -> dict[int, str]:
        """Why these items failed, of those whose reason is kept here."""
        if not items:
            return {}
        with told():
            told_of = self._client.hmget(f"{PREFIX}job:{job.id}:errors", [str(i) for i in items])
        return {item: reason for item, reason in zip(items, told_of, strict=True) if reason}

    # Tasks

    def take(self, consumer: str, queues: Sequence[str], count: int, *, idle: bool) -> Taken:
        """Up to ``count`` tasks, fairly by users and jobs; ``queues`` in the order to look.

        Fairness is within a queue: who serves several begins with another each time. ``idle`` says
        that the consumer has nothing else in hand.
        """
        suspects, alone, rows = self._run(
            "take", consumer, count, int(idle), self._lease, self._tries, *queues
        )
        tasks = tuple(
            Task(q, entry, job, Kind(kind), int(i), int(p), int(a), int(e), int(n))
            for q, entry, job, kind, i, p, a, e, n in rows
        )
        return Taken(tasks, bool(alone), int(suspects))

    def finish(
        self,
        task: Task,
        outcome: Outcome,
        *,
        objects: int = 0,
        seconds: float = 0.0,
        reason: str = "",
    ) -> bool:
        """An attempt has ended; False where another's counts, and its files must go."""
        return self.finish_all([(task, outcome, objects, seconds, reason)])[0]

    def finish_all(self, ended: Sequence[tuple[Task, Outcome, int, float, str]]) -> list[bool]:
        """`finish` for several attempts at once: task, outcome, objects, seconds and reason."""
        rows = (
            (*_place(task), task.tries, outcome, objects, f"{seconds:.4f}", reason[:_REASON])
            for task, outcome, objects, seconds, reason in ended
        )
        flat = [field for row in rows for field in row]
        return [bool(won) for won in self._run("finish", self._tries, *flat)]

    def release(
        self, task: Task, reason: str, *, counts: bool = True, seconds: float = 0.0
    ) -> bool:
        """Give a task back to be tried again after ``seconds``; whether it will be.

        A try that ``counts`` may be the last: then the item fails with ``reason``.
        """
        tries, delay = self._tries if counts else 0, round(seconds * 1000)
        return bool(self._run("release", *_place(task), tries, reason[:_REASON], delay))

    def fan(self, task: Task, parts: int) -> bool:
        """Make a task of each of an item's parts, in place of ``task``; False as for `finish`."""
        where = (task.job, task.queue, task.entry, task.item, task.attempt)
        return bool(self._run("fan", *where, parts))

    def beat(
        self, consumer: str, tasks: Sequence[Task], told: Mapping[str, Any] | None = None
    ) -> list[bool]:
        """Say that a consumer lives; for each task in its hands, whether to go on with it.

        ``told`` is what operators are to see of it, see `told_by`.
        """
        flat = [part for task in tasks for part in (task.queue, task.entry, task.job)]
        text = json.dumps(told) if told else ""
        return [bool(keep) for keep in self._run("beat", consumer, self._lease, text, *flat)]

    def bury(self, consumer: str, queues: Sequence[str]) -> int:
        """Take back at once what a consumer has that is known to be dead; returns how many."""
        return int(self._run("bury", consumer, self._tries, *queues))

    # Watching

    def ahead(self, jobs: Sequence[Job]) -> list[int]:
        """For each job the jobs of the same user and queue that come before it, until it is begun.

        0 for those that have begun or ended.
        """
        with told():
            pipe = self._client.pipeline(transaction=False)
            for job in jobs:
                pipe.zrank(f"{PREFIX}queue:{job.pipeline}:user:{job.owner}", job.id)
            ranks = pipe.execute()
        return [0 if job.started else int(rank or 0) for job, rank in zip(jobs, ranks, strict=True)]

    def position(self, job: Job) -> int:
        """Jobs with waiting tasks that were submitted before ``job`` to its queue."""
        with told():
            ages = f"{PREFIX}queue:{job.pipeline}:ages"
            return 0 if job.state.ended else int(self._client.zcount(ages, 0, f"({job.created!r}"))

    def user_usage(self, owner: str) -> int:
        """Jobs of ``owner`` that have not ended."""
        with told():
            return int(self._client.zcard(f"{PREFIX}user:{owner}:atwork"))

    def numbers(self, queue: str) -> Numbers:
        """What a queue has to do."""
        waiting, running, age, seconds = self._run("numbers", queue)
        return Numbers(max(0, waiting), running, age / 1000, float(seconds))

    def hands(self, queues: Sequence[str]) -> dict[str, int]:
        """How many tasks of these queues each consumer has in hand, of those that have any."""
        with told():
            pipe = self._client.pipeline(transaction=False)
            for queue in queues:
                pipe.xpending(f"{PREFIX}queue:{queue}:tasks", "consumers")
            found = pipe.execute()
        held: dict[str, int] = {}
        for one in found:
            for consumer in one["consumers"]:
                held[consumer["name"]] = held.get(consumer["name"], 0) + consumer["pending"]
        return held

    def queues(self) -> list[str]:
        """Queues that ever had a job."""
        with told():
            return sorted(self._client.smembers(f"{PREFIX}queues"))

    def consumers(self, within: float = 30.0) -> list[str]:
        """Consumers heard of in the last ``within`` seconds."""
        with told():
            seconds, micros = self._client.time()
            since = (seconds + micros / 1e6 - within) * 1000
            return list(self._client.zrangebyscore(f"{PREFIX}consumers", since, "+inf"))

    def told_by(self, consumers: Sequence[str]) -> list[Mapping[str, Any]]:
        """What each of ``consumers`` last told of itself; empty where that is not known."""
        if not consumers:
            return []
        with told():
            found = self._client.mget([f"{PREFIX}consumer:{name}" for name in consumers])
        return [json.loads(text) if text else {} for text in found]

    def minutes(self, count: int) -> list[Minute]:
        """What ended in each of the last ``count`` minutes, oldest first; the last is not over."""
        with told():
            seconds, _ = self._client.time()
            last = seconds // 60
            pipe = self._client.pipeline(transaction=False)
            for minute in range(last - count + 1, last + 1):
                pipe.hgetall(f"{PREFIX}minute:{minute}")
            found = pipe.execute()
        return [
            Minute(
                60 * minute,
                int(float(one.get("done", 0))),
                int(float(one.get("failed", 0))),
                float(one.get("seconds", 0)),
            )
            for minute, one in enumerate(found, start=last - count + 1)
        ]

    def failures(self, count: int = 1000) -> list[Failure]:
        """The newest failed items of all jobs, newest first."""
        with told():
            lines = self._client.lrange(f"{PREFIX}failures", 0, count - 1)
        parts = (line.split(" ", 3) for line in lines)
        return [Failure(job, int(item), int(time) / 1000, why) for job, item, time, why in parts]

    def events(self, after: str = "$", *, wait: float = 1.0) -> list[Event]:
        """Events after the one with id ``after``, waiting up to ``wait`` seconds for the first, 4
        at most.

        ``$`` is for those from now on.
        """
        with told():
            # 0 would wait for ever, and the socket's patience ends at 5 s.
            block = min(max(1, round(wait * 1000)), 4000)
            found = self._client.xread({f"{PREFIX}events": after}, block=block)
        rows: Iterable[tuple[str, Mapping[str, str]]] = found[0][1] if found else ()
        return [Event(name, e["job"], e["owner"], e["state"]) for name, e in rows]

    def last_event(self) -> str:
        """Id of the newest event, to read on from."""
        with told():
            newest = self._client.xrevrange(f"{PREFIX}events", count=1)
        return str(newest[0][0]) if newest else "0-0"

    def ping(self) -> None:
        """Raises where the queue cannot be used."""
        with told():
            self._client.ping()


#: What is kept of an item: in the upper two bits its state, then its attempts so far.
_WIDTH, _STANDING = 4, struct.Struct(">I").iter_unpack

#: States of an item by their number.
ITEM_STATES = ("waiting", "running", "done", "failed")

#: Letters of a reason that are kept.
_REASON = 1000

#: Lua that every script begins with, and the scripts.
_SHARED = ("common", "fair", "tasks", "recover")
_SCRIPTS = (
    "submit",
    "extend",
    "take",
    "finish",
    "release",
    "fan",
    "beat",
    "bury",
    "pause",
    "resume",
    "cancel",
    "retry",
    "pin",
    "forget",
    "numbers",
)


def _place(task: Task) -> tuple[object, ...]:
    """Which attempt it is, as the scripts have it."""
    kind = task.kind.value
    return task.job, task.queue, task.entry, kind, task.item, task.part, task.attempt
