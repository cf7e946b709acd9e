from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import grpc
import numpy as np
import pytest

from cytomill.errors import Interrupted, ModelError, OptionError, TemporaryError, UnreachableError
from cytomill.image.array import from_array
from cytomill.inference import channel as module
from cytomill.inference.channel import Channel, NotServedError, channel
from cytomill.inference.load import models
from cytomill.inference.pixels import Pixels
from cytomill.inference.remote import Remote
from cytomill.inference.stop import Stop
from cytomill.inference.traffic import counted
from cytomill.models.registry import find
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines.nuclei import Nuclei, NucleiOptions
from cytomill.settings import Settings
from cytomill.testing import PipelineTests, RuntimeTests
from tests.triton_server import Triton, serving

HERE = models("cpu", 2)
PLANE, _ = nuclei(Scene((150, 201), coverage=0.3))
X = np.zeros((1, 1, 64, 64), np.float32)
CODE = grpc.StatusCode


@pytest.fixture(scope="module")
def shared():
    with serving(Triton({"nuclei": HERE["nuclei"]})) as url:
        yield url


@pytest.fixture
def triton():
    """A server of its own, for tests that make it misbehave."""
    return Triton({"nuclei": HERE["nuclei"]})


@pytest.fixture
def remote(triton):
    with serving(triton) as url:
        yield Remote(Channel(url), "nuclei")
        triton.held.set()


@pytest.fixture
def hasty(monkeypatch):
    """Settings under which nothing takes long."""
    monkeypatch.setattr(module, "settings", Settings(call_seconds=1, retry_seconds=1))


class TestRemote(RuntimeTests):
    @pytest.fixture
    def runtime(self, shared):
        return Remote(Channel(shared), "nuclei")


class TestNucleiOnTriton(PipelineTests):
    """Which has the network but not the view of raw pixels: that is at work here."""

    @pytest.fixture
    def pipeline(self):
        return Nuclei(NucleiOptions())

    @pytest.fixture
    def models(self, shared):
        return models(server=shared)


@pytest.fixture(scope="module", params=["network", "network and view"])
def served(request):
    names = ["nuclei", "nuclei.pixels"][: 1 + ("view" in request.param)]
    with serving(Triton({name: HERE[name] for name in names})) as url:
        yield models(server=url)


@pytest.mark.parametrize("size", [None, 0.3, 1.5])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "i4", "f4", ">f8"])
def test_nuclei_are_the_same_wherever_the_model_runs(served, size, dtype):
    image = from_array((PLANE / PLANE.max() * 250).astype(dtype), pixel_size=size)
    pipeline = Nuclei(NucleiOptions())
    (part,) = pipeline.split(image)
    here, there = (pipeline.process(image, part, m) for m in (HERE, served))
    assert here.count > 5
    assert np.array_equal(here.labels, there.labels)
    for name, column in here.columns.items():
        np.testing.assert_array_equal(column, there.columns[name])


def test_the_view_is_asked_of_a_server_that_has_it(served):
    """Then raw pixels travel, else the network's own tensors."""
    view = served["nuclei.pixels"]
    with counted() as traffic:
        view.infer({"pixels": PLANE.astype(np.uint16)}, ["relief"])
    if isinstance(view, Remote):
        assert traffic.sent + traffic.received < 2 * 2 * PLANE.size + 1000
    else:
        assert isinstance(view, Pixels)
        assert traffic.sent > 4 * PLANE.size


def test_bytes_are_counted_for_who_sends_them(remote):
    def sent(side: int) -> tuple[int, int]:
        with counted() as traffic:
            remote.predict(np.zeros((1, 1, side, side), np.float32))
        return traffic.sent - 4 * side**2, traffic.received - 3 * side**2

    with counted() as outer, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(sent, [64, 128, 64, 256]))
        sent(64)
    assert all(0 < more < 200 for pair in found for more in pair)
    assert outer.sent > 4 * 64**2  # what is counted inside counts outside too
    assert outer.sent < 5 * 64**2  # but not what other threads sent


def test_what_runs_is_told_as_far_as_the_server_tells_it(remote):
    assert remote.device == f"remote at {remote._channel.url}"
    assert (str(remote.weights.path), remote.weights.sha256) == ("remote", None)
    own = find("nuclei").weights.sha256
    known = {"device": "cuda (X)", "weights": "nuclei.onnx", "sha256": own}
    with serving(Triton({"nuclei": HERE["nuclei"]}, known)) as url:
        told = Remote(Channel(url), "nuclei")
        assert told.device == f"cuda (X) at {url}"
        assert (told.weights.path.name, told.weights.sha256) == ("nuclei.onnx", own)
        assert models(server=url)["nuclei.pixels"].weights == told.weights


def test_a_server_with_other_weights_is_refused():
    """Thresholds belong to weights, and a result of others must not pass for one of these."""
    with serving(Triton({"nuclei": HERE["nuclei"]}, {"sha256": "0" * 64})) as url:
        served = models(server=url)
        with pytest.raises(ModelError, match=r"nuclei.*: has other weights .* install the same"):
            served["nuclei.pixels"]


@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.CANCELLED, CODE.RESOURCE_EXHAUSTED])
def test_what_passes_is_tried_again(remote, triton, code):
    triton.failing = [code] * 3
    assert np.array_equal(remote.predict(X), HERE["nuclei"].predict(X))
    assert triton.calls == 4


@pytest.mark.parametrize("code", [CODE.INVALID_ARGUMENT, CODE.NOT_FOUND, CODE.INTERNAL])
def test_what_does_not_pass_is_told_at_once(remote, triton, code):
    triton.failing = [code]
    with pytest.raises(ModelError, match=r"grpc://127.*: nuclei: told by the server$"):
        remote.predict(X)
    assert triton.calls == 1
    assert remote.predict(X).shape == (1, 3, 64, 64)


def test_a_server_that_stays_busy_is_given_up(remote, triton, hasty):
    triton.failing = [CODE.RESOURCE_EXHAUSTED] * 100
    with pytest.raises(TemporaryError, match=r"nuclei: has too much to do .*told by the server"):
        remote.predict(X)
    assert 2 < triton.calls < 20


def test_a_model_that_stays_away_is_not_a_server_that_does(remote, triton, hasty):
    """The other images may not need it, or it may have been this image that broke it."""
    triton.failing = [CODE.UNAVAILABLE] * 100
    with pytest.raises(TemporaryError, match="nuclei: told by the server") as told:
        remote.predict(X)
    assert not isinstance(told.value, UnreachableError)


def test_a_request_that_may_kill_the_server_is_not_repeated_for_long(remote, triton):
    triton.failing, triton.told = [CODE.UNAVAILABLE] * 9, "it died; the request was lost"
    with pytest.raises(TemporaryError, match="nuclei: it died; the request was lost"):
        remote.predict(X)
    assert triton.calls == 3


def test_an_answer_that_does_not_come_is_given_up(remote, triton, hasty):
    triton.held.clear()
    with pytest.raises(TemporaryError, match="did not answer within 1 s; raise CYTOMILL_CALL_S"):
        remote.predict(X)
    assert triton.cancelled.wait(10)
    assert triton.calls == 1


def test_a_server_that_is_not_there_is_one_line(hasty):
    with serving(Triton({})) as url:
        pass
    started = time.monotonic()
    line = f"^{url}: does not answer; start it with `cytomill model-server` or leave out --model-"
    with pytest.raises(UnreachableError, match=line):
        Remote(Channel(url), "nuclei")
    assert time.monotonic() - started < 10


def test_a_server_that_is_started_again_is_found_again(triton):
    with serving(triton) as url:
        remote = Remote(Channel(url), "nuclei")
    port = int(url.rpartition(":")[2])
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(remote.predict, X) for _ in range(2)]
        time.sleep(0.3)
        assert not any(one.done() for one in waiting)
        with serving(triton, port):
            assert all(one.result(30).shape == (1, 3, 64, 64) for one in waiting)


def test_stopping_cancels_the_call_on_the_server(remote, triton):
    triton.held.clear()
    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(remote.infer, {remote.inputs[0].name: X}, stop=stop)
        assert triton.asked.wait(10)
        stop.set()
        with pytest.raises(Interrupted):
            call.result(10)
    assert triton.cancelled.wait(10)


@pytest.mark.parametrize("how", ["stop", "stopping"])
def test_stopping_ends_the_waiting_for_a_server(how):
    stop, stopping = Stop(), Event()
    with serving(Triton({"nuclei": HERE["nuclei"]})) as url:
        remote = Remote(Channel(url), "nuclei", stopping=stopping)
    threading.Timer(0.3, stop.set if how == "stop" else stopping.set).start()
    with pytest.raises(Interrupted):
        remote.infer({remote.inputs[0].name: X}, stop=stop)


def test_a_model_that_the_server_does_not_have_is_told(shared):
    with pytest.raises(NotServedError, match="cells: Request for unknown model: 'cells'"):
        Remote(Channel(shared), "cells")


@pytest.mark.parametrize(
    "url",
    ["", "host:1", "http://host:1", "grpc://", "grpc://host", "grpc://:1", "grpc://a b:1",
     "grpc://host:1/x", "grpc://user@host:1", "grpc://host:123456"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(OptionError, match=r"^--model-server .*must be grpc://HOST:PORT"):
        Channel(url)


def test_one_channel_serves_the_process():
    assert channel("grpc://localhost:1") is channel("grpc://localhost:1")
    assert Channel("grpc://[::1]:8001/").url == "grpc://[::1]:8001"


def test_a_device_besides_a_server_is_refused():
    with pytest.raises(OptionError, match="--device cpu: the model server decides"):
        models("cpu", server="grpc://localhost:1")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda r: r.raw_output_contents.append(b"more"), "outputs that are not raw"),
        (lambda r: r.ClearField("raw_output_contents"), "outputs that are not raw"),
        (lambda r: r.outputs[0].shape.append(3), "is not of its own shape"),
        (lambda r: setattr(r.outputs[0], "datatype", "BYTES"), "of data type BYTES, which no"),
        (lambda r: setattr(r.outputs[0], "name", "other"), "its answer lacks"),
    ],
)
def test_an_answer_that_contradicts_itself_is_told(change, fault):
    class Odd(Triton):
        def ModelInfer(self, request, context):
            response = super().ModelInfer(request, context)
            change(response)
            return response

    with serving(Odd({"nuclei": HERE["nuclei"]})) as url:
        remote = Remote(Channel(url), "nuclei")
        with pytest.raises(ModelError, match=f"{url}: nuclei: .*{fault}"):
            remote.predict(X)


def test_the_view_here_and_there_is_asked_alike(served):
    """Also for what is wrong."""
    view = served["nuclei.pixels"]
    with pytest.raises(ModelError, match=r"nuclei\.pixels: .*no rectangle of the model's grid"):
        view.infer({"pixels": PLANE, "area": np.array([0, 0, 999, 5])})
    with pytest.raises(ModelError, match="was given complex64"):
        view.infer({"pixels": PLANE.astype(np.complex64)})
