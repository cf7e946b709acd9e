"""Who is next: the order in which the requests for one model reach its worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, perf_counter_ns, time_ns

from .call import Call, Died, Done, NeverBegun
from .options import Options
from .process import Worker
from .queue import Item, Queue
from .request import Code, ServerError
from .statistics import BatchStatistics, Statistics

log = logging.getLogger(__name__)

#: Calls that a worker has in hand beyond those that it runs, so that it never waits for the next.
_AHEAD = 2

#: Seconds that a run which nobody waits for any more may take to stop.
_PATIENCE = 5.0


class Scheduler:
    """Keeps a bounded queue, and the worker busy with it while there is one."""

    def __init__(
        self,
        name: str,
        options: Options,
        counters: Callable[[str], Statistics],
        on_answer: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self.name = name
        self.busy = 0  # nanoseconds that the network ran
        self._options, self._counters = options, counters
        self._on_answer, self._on_end = on_answer, on_end
        self._queue = Queue()
        self._worker: Worker | None = None
        self._error: ServerError | None = None  # of whoever would wait, but for no worker
        self._most = 1  # rows that may be joined
        self._running: dict[int, tuple[Call, list[Item]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._typical = 0.0  # seconds of a run, smoothed

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Calls that the worker has in hand."""
        return len(self._tasks)

    @property
    def most(self) -> int:
        """Rows that may be joined into one run; 1 for none."""
        return self._most

    def attach(self, worker: Worker, most: int) -> None:
        """Have ``worker`` run what waits, joined to at most ``most`` rows."""
        self._worker, self._error, self._most = worker, None, most
        self._pump()

    def detach(self, error: ServerError | None = None) -> None:
        """There is no worker for now; with ``error`` there will be none, and who waits gets it."""
        self._worker, self._error = None, error
        if error is not None:
            for item in self._queue.clear():
                _fail(item, error)

    def submit(self, item: Item) -> None:
        """Queue a request; raises RESOURCE_EXHAUSTED where too many wait."""
        self.admit(item.size)
        self._queue.add(item)
        self._pump()

    def admit(self, size: int, others: int = 0) -> None:
        """Raise RESOURCE_EXHAUSTED where a request of ``size`` bytes is too much.

        ``others`` are requests that wait elsewhere, for the model to be loaded.
        """
        waiting = len(self._queue) + others
        full = waiting >= self._options.queue
        if full or (waiting and self._queue.bytes + size > self._options.queue_bytes):
            raise ServerError(
                Code.RESOURCE_EXHAUSTED,
                f"model {self.name} is busy: {waiting} requests are waiting; try again in about "
                f"{self._delay()} s",
            )

    def drop(self, item: Item) -> None:
        """Nobody waits for this request any more: it leaves the queue, or its run is stopped."""
        if item.dropped or self._queue.remove(item):
            return
        item.dropped = True
        for call, items in self._running.values():
            if item in items and all(each.dropped for each in items):
                if self._worker is not None:
                    self._worker.stop(call)
                    asyncio.get_running_loop().call_later(_PATIENCE, self._lose_patience, call)
                return

    def _delay(self) -> int:
        slots = self._worker.slots if self._worker else 1
        return max(1, round(len(self._queue) * self._typical / slots))

    def _pump(self) -> None:
        worker = self._worker
        while worker and worker.alive and len(self._tasks) < worker.slots + _AHEAD:
            items = self._next()
            if not items:
                return
            for item in items:
                self._queue.remove(item)
            task = asyncio.get_running_loop().create_task(self._run(worker, items))
            self._tasks.add(task)

    def _next(self) -> list[Item]:
        head = self._queue.first()
        if head is None or head.kind is None or self._most < 2:
            return [head] if head else []
        items = self._queue.like(head, self._most)
        left = head.since + self._options.delay - monotonic()
        if left > 0 and sum(item.rows for item in items) < self._most:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(left, self._look_again)
            return []
        return items

    def _look_again(self) -> None:
        self._timer = None
        self._pump()

    async def _run(self, worker: Worker, items: list[Item]) -> None:
        begun = perf_counter_ns()
        head = items[0]
        joined = len(items) > 1
        call = Call(
            head.view,
            {name: [item.tensors[name] for item in items] for name in head.tensors},
            head.outputs,
            [item.rows for item in items] if joined else None,
        )
        self._running[id(call)] = call, items
        try:
            if all(item.dropped for item in items):
                return
            done = await worker.run(call)
        except NeverBegun:
            self._put_back(items)
        except Died as error:
            message = f"model {self.name}: {error}; the request was lost, send it again"
            _fail_all(items, ServerError(Code.UNAVAILABLE, message))
        except ServerError as error:
            _fail_all(items, error)
        except Exception as error:
            log.exception("model %s: a request failed", self.name)
            message = f"model {self.name}: failed ({type(error).__name__}: {error})"
            _fail_all(items, ServerError(Code.INTERNAL, message))
        else:
            self._count(head.view, items, done, begun)
            if done.apart:
                self._most = 1
            for item, member in zip(items, done.members, strict=True):
                if isinstance(member, ServerError):
                    _fail(item, member)
                elif not item.future.done():
                    item.future.set_result(member)
            self._on_answer()
        finally:
            del self._running[id(call)]
            task = asyncio.current_task()
            if task is not None:
                self._tasks.discard(task)
            self._pump()
            self._on_end()

    def _put_back(self, items: Sequence[Item]) -> None:
        """They wait for the next worker, if there is to be one."""
        if self._error is not None:
            _fail_all(items, self._error)
        else:
            self._queue.put_back([item for item in items if not item.dropped])

    def _count(self, view: str, items: Sequence[Item], done: Done, begun: int) -> None:
        rows = sum(item.rows for item in items)
        counters = self._counters(view)
        counters.inferences += rows
        counters.executions += done.runs
        counters.last = time_ns() // 1_000_000
        for item in items:
            counters.queue.add(begun - item.arrived + done.waited)
        counters.compute_input.add(done.input, len(items))
        counters.compute_infer.add(done.infer, len(items))
        counters.compute_output.add(done.output, len(items))
        batch = counters.batches.setdefault(rows, BatchStatistics())
        batch.compute_input.add(done.input)
        batch.compute_infer.add(done.infer)
        batch.compute_output.add(done.output)
        self.busy += done.infer
        seconds = done.infer / 1e9
        self._typical = 0.8 * self._typical + 0.2 * seconds if self._typical else seconds

    def _lose_patience(self, call: Call) -> None:
        """A device that will not be freed, and is used by nobody else, is freed by force."""
        if id(call) in self._running and self._worker is not None:
            calls = sorted((c.id, c) for c, _ in self._running.values() if c.id is not None)
            if all(begun.stopped for _, begun in calls[: self._worker.slots]):
                self._worker.kill("its process was killed, for it did not stop when told to")
            else:
                asyncio.get_running_loop().call_later(_PATIENCE, self._lose_patience, call)


def _fail(item: Item, error: ServerError) -> None:
    if not item.future.done():
        with suppress(asyncio.InvalidStateError):
            item.future.set_exception(ServerError(error.code, str(error)))
            item.future.exception()  # whether or not anybody still waits


def _fail_all(items: Sequence[Item], error: ServerError) -> None:
    for item in items:
        _fail(item, error)
