"""Who is told what about which job: one reader of the queue's events for all open streams.

The reader is a thread. It looks at each changed job once, however many streams follow it, and hands
what they send to the event loop, where the streams are. A stream that is slow misses states between
the last it sent and the newest, and never the newest.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...errors import CytomillError
from ...jobs.job import Job
from ...jobs.queue import Event
from ..backend import Backend
from .problems import fault
from .schemas import JobAnswer

_LOG = logging.getLogger("cytomill.api")

#: Seconds that the reader waits for an event, and between two looks: a look takes all there are.
_WAIT, _PAUSE = 1.0, 0.2

#: Seconds after which a queue that is away is asked again.
_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Message:
    """The state of a job: what a stream sends, and whether it is the last of that job."""

    id: str
    job: str
    owner: str
    data: bytes
    ended: bool

    @classmethod
    def of(cls, name: str, job: Job, position: int, held: Backend) -> Message:
        """The state of ``job``, at the event ``name``; ``position`` as of `Queue.ahead`."""
        told = JobAnswer.of(job, position, price=held.price, waits=held.waits.of(job))
        return cls(name, job.id, job.owner, told.model_dump_json().encode(), job.state.ended)


class Subscription:
    """What a stream has still to send: the newest state of each job that it follows."""

    def __init__(self) -> None:
        self._waiting: dict[str, Message] = {}
        self._wake = asyncio.Event()

    def put(self, message: Message) -> None:
        """Have ``message`` sent, in place of an older one of the same job."""
        self._waiting[message.job] = message
        self._wake.set()

    def wake(self) -> None:
        """Let `take` return at once."""
        self._wake.set()

    async def take(self, seconds: float) -> list[Message]:
        """What there is to send, after up to ``seconds``; may be nothing."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return []
        self._wake.clear()
        found = list(self._waiting.values())
        self._waiting.clear()
        return found


class Hub:
    """The open event streams of a process. Methods but `read` belong to the event loop."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self._queue = backend, backend.queue
        self._open: dict[tuple[str, str], set[Subscription]] = {}
        self._stopping = threading.Event()
        self.closing = asyncio.Event()
        self.streams = 0

    def start(self) -> None:
        """Begin to read events; they are handed to the running loop."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="events", daemon=True).start()

    def close(self) -> None:
        """End all streams."""
        self._stopping.set()
        self.closing.set()
        for subscription in [one for some in self._open.values() for one in some]:
            subscription.wake()

    @contextmanager
    def following(self, kind: str, name: str) -> Iterator[Subscription]:
        """What happens to the job (``job``), or the jobs of the user (``user``), ``name``."""
        subscription, place = Subscription(), (kind, name)
        self._open.setdefault(place, set()).add(subscription)
        self.streams += 1
        try:
            yield subscription
        finally:
            self.streams -= 1
            self._open[place].discard(subscription)
            if not self._open[place]:
                del self._open[place]

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        after = ""
        while not self._stopping.is_set():
            try:
                after = after or self._queue.last_event()
                events = self._queue.events(after, wait=_WAIT)
                messages = self.look(events)
            except Exception as error:  # without this thread no stream would tell anything
                if not self._stopping.is_set():
                    _told(error)
                self._stopping.wait(_AGAIN)
                continue
            if not events:
                continue
            after = events[-1].id
            if messages:
                try:
                    loop.call_soon_threadsafe(self._deliver, messages)
                except RuntimeError:  # the loop has ended
                    return
            self._stopping.wait(_PAUSE)

    def look(self, events: Iterable[Event], everyone: bool = False) -> list[Message]:
        """The newest states of the jobs of ``events`` that a stream follows, or of all."""
        newest = {
            event.job: event
            for event in events
            if everyone or ("job", event.job) in self._open or ("user", event.owner) in self._open
        }
        found = []
        for event in newest.values():
            job = self._queue.job(event.job)
            if job is None:
                found.append(Message(event.id, event.job, event.owner, b"", True))
                continue
            (ahead,) = self._queue.ahead([job])
            found.append(Message.of(event.id, job, ahead, self._backend))
        return found

    def _deliver(self, messages: Iterable[Message]) -> None:
        for message in messages:
            for place in (("job", message.job), ("user", message.owner)):
                for subscription in self._open.get(place, ()):
                    subscription.put(message)


def _told(error: Exception) -> None:
    if isinstance(error, CytomillError):
        _LOG.warning("events: %s", error)
    else:
        fault(error, "events")
