"""Several model servers as one: requests are shared among them, and go on where one ends.

Each is asked on a channel of its own, which is kept. Of two that are drawn, those with less to do
more often, the one is asked that has fewer of this process's requests in hand: what servers tell of
themselves is seconds old, and if all that ask believed it alone they would all ask the same one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Condition, Event, Thread
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BusyError, CytomillError, ModelError, TemporaryError, UnreachableError
from ..settings import settings
from .channel import DEATHS, Channel, LostError, wait
from .places import Directory, Place
from .remote import models_of
from .runtime import Models, Runtime, Tensors
from .stop import Stop

#: Seconds between two looks at which servers there are, and between two where there is none.
_LOOK, _LOOK_AGAIN = 2.0, 0.5

#: Seconds for which a server that is not named any more is still asked: what names them may have
#: been away itself.
_MISSING = 5.0

#: Seconds for which a server is not asked that did not answer: at first, and at most.
_REST, _LONGEST_REST = 0.5, 10.0

#: Seconds for which a model that a server cannot run is not asked for there again.
_UNFIT = 30.0

#: Seconds of waiting for any server after which that is told.
_TELL = 1.0

#: Seconds without a request after which nobody looks any more which servers there are.
_IDLE = 30.0

#: Seconds for which a call is put off that no server answered: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

T = TypeVar("T")


class Server:
    """One of them, and what this process has to do with it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        #: Requests of this process that it has in hand.
        self.hands = 0
        self.seen = time.monotonic()
        self.rests_until = 0.0
        self._faults = 0
        self._channel = Channel(f"grpc://{place.address}", patient=False)
        self._models = models_of(self._channel)
        self._unfit: dict[str, tuple[float, ModelError]] = {}

    @property
    def weight(self) -> float:
        """How often it is drawn: more the more it can do and the less others have it do."""
        threads = max(1, self.place.threads)
        others = max(0, self.place.load - self.hands)
        return threads / (1 + others / threads)

    def model(self, name: str) -> Runtime:
        """A model there; raises `ModelError` where it is another or none."""
        since, error = self._unfit.get(name, (0.0, None))
        if error is not None and time.monotonic() - since < _UNFIT:
            raise error.with_traceback(None)
        try:
            return self._models[name]
        except ModelError as error:
            self._unfit[name] = time.monotonic(), error
            raise

    def failed(self) -> None:
        """It did not answer."""
        self._faults += 1
        rest = min(_REST * 2 ** (self._faults - 1), _LONGEST_REST)
        self.rests_until = time.monotonic() + rest

    def answered(self) -> None:
        """It did."""
        self._faults, self.rests_until = 0, 0.0

    def lives(self) -> bool:
        """Whether it answers, whatever it thinks of its models."""
        return self._channel.lives()

    def close(self) -> None:
        """Call off what it has in hand: that is asked elsewhere."""
        self._channel.close()


class Several:
    """The model servers that ``directory`` names, asked as one; safe to use from several threads.

    ``waits`` is told in words that no server can be asked, again and again for as long as that
    lasts, and ``goes_on`` that one can. ``stop_of`` is the `Stop` of the thread that asks, for
    where none is given.
    """

    def __init__(
        self,
        directory: Directory,
        waits: Callable[[str], object] = lambda _: None,
        goes_on: Callable[[], object] = lambda: None,
        stop_of: Callable[[], Stop | None] = lambda: None,
    ) -> None:
        self.name = directory.name
        self._stop_of = stop_of
        self._directory = directory
        self._waits, self._goes_on = waits, goes_on
        self._servers: dict[str, Server] = {}
        self._changed = Condition()
        self._looking = self._looked = False
        self._asked = 0.0
        self._away: CytomillError | None = None
        self._waiting = False

    def ask(
        self, what: Callable[[Server], T], stop: Stop | None = None, stopping: Event | None = None
    ) -> T:
        """What ``what`` gives of a server; another is asked where one is away, ends or is busy.

        They are asked again for up to `settings.retry_seconds`. Raises as `Channel.ask` does.
        """
        if stop is None and (stop := self._stop_of()) is None:  # one that is not set is false
            stop = Stop()
        stopping = stopping or Event()
        begun, pause, deaths = time.monotonic(), _FIRST_PAUSE, 0
        tried: set[Server] = set()
        fault: CytomillError | None = None
        while True:
            server = self._taken(tried)
            if server is None:
                if isinstance(fault, ModelError):
                    raise fault
                lacking = UnreachableError(f"{self.name}: {self._directory.lacking}")
                fault = fault or self._away or lacking
                waited = time.monotonic() - begun
                if waited + pause > settings.retry_seconds:
                    raise self._given_up(fault)
                if waited > _TELL:
                    self._tell(str(fault))
                wait(pause * random.uniform(0.5, 1), stop, stopping)
                pause, fault = min(2 * pause, _LONGEST_PAUSE), None
                tried.clear()
                continue
            try:
                with self._asking(server):
                    found = what(server)
            except (UnreachableError, BusyError) as error:
                tried.add(server)
                fault = error
            except LostError as error:
                deaths += 1
                if deaths > DEATHS:
                    raise
                fault = error
            except UnfitError as error:
                tried.add(server)
                fault = fault or error.fault
            else:
                self._tell("")
                return found

    def there(self) -> bool:
        """Whether there is one that takes requests, as far as is known."""
        with self._changed:
            self._look()
            return any(not one.place.draining for one in self._servers.values())

    def _given_up(self, fault: CytomillError) -> CytomillError:
        """What to say after all that time."""
        with self._changed:
            servers = [one for one in self._servers.values() if not one.place.draining]
        if type(fault) is UnreachableError and any(one.lives() for one in servers):
            return TemporaryError(str(fault))  # not they are away, but what was asked of them
        return fault.with_traceback(None)

    def _taken(self, tried: set[Server]) -> Server | None:
        """The server to ask; None where all that there are were tried."""
        with self._changed:
            self._look()
            servers = [one for one in self._servers.values() if one not in tried]
            servers = [one for one in servers if not one.place.draining]
            now = time.monotonic()
            servers = [one for one in servers if one.rests_until <= now] or servers
            if not servers:
                return None
            weights = [one.weight for one in servers]
            found = random.choices(servers, weights)[0]
            if len(servers) > 1:
                others = [one for one in servers if one is not found]
                other = random.choices(others, [one.weight for one in others])[0]
                if _full(other) < _full(found):
                    found = other
            found.hands += 1
            return found

    @contextmanager
    def _asking(self, server: Server) -> Iterator[None]:
        """While a server that was taken has a request in hand."""
        try:
            yield
            server.answered()
        except UnreachableError:
            server.failed()
            raise
        finally:
            with self._changed:
                server.hands -= 1

    def _tell(self, why: str) -> None:
        """That no server can be asked, and why; that one can where there is no reason."""
        if why:
            self._waiting = True
            self._waits(why)
        elif self._waiting:
            self._waiting = False
            self._goes_on()

    # Which there are

    def _look(self) -> None:
        """Have it looked which there are, from now on; wait for the first look."""
        self._asked = time.monotonic()
        if not self._looking:
            self._looking, self._looked = True, False
            Thread(target=self._keep_looking, name="servers", daemon=True).start()
        while not self._looked:
            self._changed.wait()

    def _keep_looking(self) -> None:
        while True:
            places, away = self._named()
            with self._changed:
                self._away, self._looked = away, True
                if places is not None:
                    self._know(places)
                self._changed.notify_all()
                busy = any(one.hands for one in self._servers.values())
                if not busy and time.monotonic() - self._asked > _IDLE:
                    self._looking = False
                    return
                pause = _LOOK if self._servers else _LOOK_AGAIN
            time.sleep(pause)

    def _named(self) -> tuple[Sequence[Place] | None, CytomillError | None]:
        """The servers there are; None and why where that cannot be found out."""
        try:
            return self._directory.places(), None
        except CytomillError as error:
            return None, error
        except Exception as error:  # without this thread nothing would ever be asked
            return None, UnreachableError(f"{self.name}: cannot be found ({error!r})")

    def _know(self, places: Sequence[Place]) -> None:
        now = time.monotonic()
        for place in places:
            server = self._servers.get(place.address)
            if server is None:
                server = self._servers[place.address] = Server(place)
            server.place, server.seen = place, now
        for address, server in list(self._servers.items()):
            if now - server.seen < _MISSING:
                continue
            if self._directory.lost or not server.hands:
                del self._servers[address]
                server.close()
            else:
                server.place = Place(address, server.place.threads, draining=True)


class UnfitError(Exception):
    """A server cannot run a model, for ``fault``: another may."""

    def __init__(self, fault: ModelError) -> None:
        self.fault = fault


class Balanced(Runtime):
    """The model ``name`` of ``several`` servers."""

    def __init__(self, several: Several, name: str, stopping: Event) -> None:
        self.name = name
        self._several, self._stopping = several, stopping
        first = several.ask(self._there, None, stopping)
        self.inputs, self.outputs, self.weights = first.inputs, first.outputs, first.weights
        self.device = f"{first.device.rpartition(' at ')[0]} at {several.name}"

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`; raises `TemporaryError` too, where no server has time."""
        self.checked(tensors, outputs)
        return self._several.ask(
            lambda server: self._there(server).infer(tensors, outputs, stop), stop, self._stopping
        )

    def _there(self, server: Server) -> Runtime:
        try:
            return server.model(self.name)
        except ModelError as error:
            raise UnfitError(error) from error


def models(several: Several) -> Models:
    """The models of one run on ``several`` servers."""

    def load(name: str) -> Runtime:
        return Balanced(several, name, made.stopping)

    made = Models(load)
    return made


def _full(server: Server) -> float:
    return server.hands / max(1, server.place.threads)
