"""Several model servers are asked as one, whichever of them come and go."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import numpy as np
import pytest

from cytomill.errors import (
    BusyError,
    Interrupted,
    ModelError,
    OptionError,
    TemporaryError,
    UnreachableError,
)
from cytomill.inference import several as module
from cytomill.inference.load import models as models_of
from cytomill.inference.places import Dns, Place
from cytomill.inference.several import Server, Several
from cytomill.inference.several import models as models_on
from cytomill.inference.stop import Stop
from cytomill.settings import Settings
from cytomill.testing import RuntimeTests
from tests.consumers import wait_for
from tests.triton_server import Triton, serving

HERE = models_of("cpu", 2)
X = np.zeros((1, 1, 64, 64), np.float32)
CODE = grpc.StatusCode


def models(*words):
    return models_on(Several(*words))


class Book:
    """A directory that a test writes."""

    name = "the book"
    lacking = "nobody is in it; write somebody in"
    lost = True

    def __init__(self) -> None:
        self.all: list[Place] = []
        self.fault: Exception | None = None
        self.asked = 0

    def places(self) -> list[Place]:
        self.asked += 1
        if self.fault:
            raise self.fault
        return list(self.all)


class Park:
    """Servers of this process, and the book that they are in."""

    def __init__(self, stack: ExitStack) -> None:
        self.book, self._stack = Book(), stack

    def add(self, **about: object) -> Triton:
        parameters = about.pop("parameters", None)
        triton = Triton({"nuclei": HERE["nuclei"]}, parameters)  # type: ignore[arg-type]
        inner = self._stack.enter_context(ExitStack())
        address = inner.enter_context(serving(triton)).removeprefix("grpc://")
        self.book.all.append(Place(address, **about))  # type: ignore[arg-type]
        self._stack.callback(triton.held.set)
        triton.close = inner.close  # type: ignore[attr-defined]
        return triton


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nothing takes long."""
    monkeypatch.setattr(module, "_LOOK", 0.05)
    monkeypatch.setattr(module, "_LOOK_AGAIN", 0.05)
    monkeypatch.setattr(module, "_MISSING", 0.2)
    monkeypatch.setattr(module, "_TELL", 0.1)


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(module, "settings", Settings(retry_seconds=1))


@pytest.fixture
def park() -> Iterator[Park]:
    with ExitStack() as stack:
        yield Park(stack)


def asked(runtime, count, threads=4):
    with ThreadPoolExecutor(threads) as pool:
        for found in pool.map(lambda _: runtime.predict(X), range(count)):
            assert found.shape == (1, 3, 64, 64)


class TestBalanced(RuntimeTests):
    @pytest.fixture
    def runtime(self, park):
        park.add()
        park.add()
        return models(park.book)["nuclei"]


def test_requests_are_shared_evenly(park):
    servers = [park.add(threads=2) for _ in range(3)]
    runtime = models(park.book)["nuclei"]
    assert runtime.device == "remote at the book"
    asked(runtime, 90)
    assert sum(one.calls for one in servers) == 90
    assert min(one.calls for one in servers) > 15, [one.calls for one in servers]


def test_one_that_others_keep_busy_is_asked_less(park):
    busy, free = park.add(threads=2, load=40), park.add(threads=2)
    asked(models(park.book)["nuclei"], 60, threads=1)
    assert busy.calls < 20 < free.calls


def test_one_that_drains_is_asked_nothing(park):
    draining, other = park.add(draining=True), park.add()
    asked(models(park.book)["nuclei"], 10)
    assert (draining.calls, other.calls) == (0, 10)


@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.RESOURCE_EXHAUSTED, CODE.CANCELLED])
def test_what_one_does_not_take_another_does(park, code):
    first, second = park.add(), park.add()
    runtime = models(park.book)["nuclei"]
    first.failing = [code] * 1000
    asked(runtime, 20)
    assert second.calls == 20
    if code is CODE.UNAVAILABLE:  # it is let alone for a while
        assert first.calls < 10


def test_one_that_ends_and_one_that_comes(park):
    first, second = park.add(), park.add()
    runtime = models(park.book)["nuclei"]
    asked(runtime, 8)
    first.close()
    asked(runtime, 8)
    third = park.add()
    wait_for(lambda: asked(runtime, 4) or third.calls > 2)
    second.close()
    asked(runtime, 4)


def test_what_one_has_in_hand_that_is_lost_is_asked_elsewhere(park):
    """It does not answer, and does not hang up either."""
    dead = park.add()
    runtime = models(park.book)["nuclei"]
    dead.held.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(runtime.predict, X)
        assert dead.asked.wait(10)
        other = park.add()
        del park.book.all[0]
        assert answer.result(30).shape == (1, 3, 64, 64)
    assert (dead.calls, other.calls) == (1, 1)


def test_what_one_has_in_hand_that_is_not_named_any_more_is_finished(park):
    leaving = park.add()
    park.book.lost = False
    runtime = models(park.book)["nuclei"]
    leaving.held.clear()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(runtime.predict, X)
        assert leaving.asked.wait(10)
        other = park.add()
        del park.book.all[0]
        asked_before = park.book.asked
        wait_for(lambda: park.book.asked > asked_before + 10)
        asked(runtime, 3)
        assert (leaving.calls, other.calls) == (1, 3)
        leaving.held.set()
        assert answer.result(30).shape == (1, 3, 64, 64)


def test_those_that_were_there_are_asked_while_the_directory_is_away(park):
    server = park.add()
    runtime = models(park.book)["nuclei"]
    park.book.fault = UnreachableError("the directory is away")
    before = park.book.asked
    wait_for(lambda: park.book.asked > before + 10)
    asked(runtime, 4)
    assert server.calls == 4


def test_the_first_is_waited_for_and_that_is_told(park):
    said: list[str] = []
    on = threading.Event()
    waiting = models(park.book, said.append, on.set)
    with ThreadPoolExecutor(1) as pool:
        runtime = pool.submit(lambda: waiting["nuclei"])
        wait_for(lambda: said)
        assert set(said) == {"the book: nobody is in it; write somebody in"}
        assert not on.is_set()
        park.add()
        asked(runtime.result(30), 1)
    assert on.is_set()


def test_whether_there_is_one_is_known_at_once(park):
    several = Several(park.book)
    assert not several.there()
    park.add(draining=True)
    park.add()
    wait_for(several.there)
    park.book.all.pop()
    wait_for(lambda: not several.there())


def test_waiting_ends_after_a_while(park, hasty):
    with pytest.raises(UnreachableError, match="the book: nobody is in it; write somebody in"):
        models(park.book)["nuclei"]
    park.book.fault = UnreachableError("the directory is away")
    with pytest.raises(UnreachableError, match="the directory is away"):
        models(park.book)["nuclei"]


def test_servers_that_stay_busy_are_told(park, hasty):
    servers = [park.add(), park.add()]
    runtime = models(park.book)["nuclei"]
    for one in servers:
        one.failing = [CODE.RESOURCE_EXHAUSTED] * 1000
    with pytest.raises(BusyError, match="has too much to do"):
        runtime.predict(X)
    for one in servers:
        one.failing = [CODE.UNAVAILABLE] * 1000
    with pytest.raises(TemporaryError, match="told by the server") as told:
        runtime.predict(X)
    assert not isinstance(told.value, UnreachableError)  # it is this request that they cannot


def test_a_request_that_may_kill_servers_is_not_asked_of_all(park):
    servers = [park.add() for _ in range(5)]
    runtime = models(park.book)["nuclei"]
    for one in servers:
        one.failing, one.told = [CODE.UNAVAILABLE] * 9, "it died; the request was lost"
    with pytest.raises(TemporaryError, match="it died; the request was lost"):
        runtime.predict(X)
    assert sum(one.calls for one in servers) == 3


def test_what_is_wrong_with_a_request_is_told_at_once(park):
    servers = [park.add(), park.add()]
    runtime = models(park.book)["nuclei"]
    for one in servers:
        one.failing = [CODE.INVALID_ARGUMENT]
    with pytest.raises(ModelError, match="told by the server"):
        runtime.predict(X)
    assert sum(one.calls for one in servers) == 1


def test_one_with_other_weights_is_not_asked(park):
    other, right = park.add(parameters={"sha256": "0" * 64}), park.add()
    asked(models(park.book)["nuclei"], 10)
    assert (other.calls, right.calls) == (0, 10)
    park.book.all.pop()
    with pytest.raises(ModelError, match="has other weights than the model here"):
        models(park.book)["nuclei"]


@pytest.mark.parametrize("how", ["a call", "the waiting"])
def test_stopping_ends(park, how):
    server = park.add()
    runtime = models(park.book)["nuclei"]
    server.held.clear()
    if how == "the waiting":
        server.close()
    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(runtime.infer, {runtime.inputs[0].name: X}, stop=stop)
        if how == "a call":
            assert server.asked.wait(10)
        stop.set()
        with pytest.raises(Interrupted):
            answer.result(10)


def test_nobody_looks_while_nothing_is_asked(park, monkeypatch):
    monkeypatch.setattr(module, "_IDLE", 0.1)
    park.add()
    runtime = models(park.book)["nuclei"]
    wait_for(lambda: "servers" not in [one.name for one in threading.enumerate()])
    before = park.book.asked
    asked(runtime, 2)
    assert park.book.asked > before


def test_what_is_drawn_goes_by_what_there_is_to_do():
    places = [Place("a:1", 4), Place("b:1", 1), Place("c:1", 4, load=8)]
    assert Counter({one.address: Server(one).weight for one in places}).most_common() == [
        ("a:1", 4.0),
        ("c:1", 4 / 3),
        ("b:1", 1.0),
    ]


def test_the_servers_of_a_name_are_all_asked():
    triton = Triton({"nuclei": HERE["nuclei"]})
    with serving(triton) as url:
        port = url.rpartition(":")[2]
        assert Place(f"127.0.0.1:{port}") in Dns(f"grpc+dns://localhost:{port}").places()
        runtime = models_of(server=f"grpc+dns://localhost:{port}")["nuclei"]
        asked(runtime, 2)
        assert runtime.device == f"remote at grpc+dns://localhost:{port}"


def test_a_name_of_nobody_has_no_servers():
    assert Dns("grpc+dns://no-such-name.invalid:8001").places() == []


@pytest.mark.parametrize(
    "url", ["grpc+dns://", "grpc+dns://host", "grpc+dns://h:1/x", "grpc+dns:/"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(OptionError, match=r"must be grpc.*HOST:PORT"):
        models_of(server=url)
