"""How a model server starts, what it tells of itself, and how it ends."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest
import tritonclient.grpc
import tritonclient.http
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.utils import InferenceServerException

from tests import networks
from tests.model_server import PATIENCE, serving, start

X = np.arange(12, dtype=np.float32).reshape(3, 4)
#: Seconds of work for the network `slow`.
SLOW = np.ones((1, 8, 1000, 1000), np.float32)


LABELS = ("model", "reason")


def ignore(result, error):
    """Hear of an answer."""


def tensor(array):
    made = tritonclient.grpc.InferInput("x", list(array.shape), "FP32")
    made.set_data_from_numpy(array)
    return made


@pytest.fixture
def errors(tmp_path):
    return tmp_path / "errors.txt"


def figures(server):
    """Values of the metrics by name, model and reason; the parser adds an ending to some names."""
    return {
        (
            one.name.removesuffix("_total"),
            one.labels.get("model", ""),
            one.labels.get("reason", ""),
        ): one.value
        for family in text_string_to_metric_families(server.metrics())
        for one in family.samples
    }


def until(promise, what):
    end = time.monotonic() + PATIENCE
    while not promise():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def ended(errors, *words):
    """The exit code and the one line of a server that does not start."""
    with start("model-server", *words, errors=errors) as server:
        code = server.process.wait(PATIENCE)
    (line,) = errors.read_text().splitlines()
    return code, line


def test_metrics_move(server):
    with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
        before = figures(server)
        for _ in range(3):
            client.infer("double", [tensor(X)])
        with pytest.raises(InferenceServerException):
            client.infer("double", [tensor(X[0])])
        after = figures(server)

    def moved(name, reason=""):
        key = (name, "double", reason)
        return after[key] - before.get(key, 0)

    assert moved("nv_inference_request_success") == 3
    assert moved("nv_inference_exec_count") == 3
    assert moved("nv_inference_count") >= 3
    assert moved("nv_inference_request_failure", "OTHER") == 1
    for part in ("request", "queue", "compute_input", "compute_infer", "compute_output"):
        assert moved(f"nv_inference_{part}_duration_us") >= 0
    assert moved("nv_inference_request_duration_us") > 0
    assert after["nv_inference_pending_request_count", "double", ""] == 0
    assert after["cytomill_slots", "double", ""] == 1
    assert after["cytomill_models_loaded", "", ""] >= 1
    assert (
        0
        < after["cytomill_memory_used_bytes", "", ""]
        < after["cytomill_memory_budget_bytes", "", ""]
    )
    assert 0 <= after["nv_cpu_utilization", "", ""] <= 1
    used, total = (after[f"nv_cpu_memory_{kind}_bytes", "", ""] for kind in ("used", "total"))
    assert 0 < used < total


def test_metrics_are_those_of_the_page(server):
    page = Path(__file__).resolve().parents[2] / "docs/model-server.md"
    told = set(re.findall(r"`((?:nv|cytomill)_\w+)`", page.read_text(encoding="utf-8")))
    assert told == set(re.findall(r"^# TYPE (\w+)", server.metrics(), re.MULTILINE))


@pytest.mark.parametrize("way", ["grpc", "stream", "http"])
def test_a_client_that_disconnects_frees_the_device(server, way):
    """Its request ends at once, not when the network is done."""

    def running():
        return figures(server).get(("cytomill_running_requests", "slow", ""), 0)

    if way == "stream":
        client = tritonclient.grpc.InferenceServerClient(server.grpc)
        client.start_stream(ignore)
        for _ in range(3):
            client.async_stream_infer("slow", [tensor(SLOW[..., :990])])
        until(running, "the requests do not begin")
        client.stop_stream(cancel_requests=True)
        client.close()
    elif way == "grpc":
        client = tritonclient.grpc.InferenceServerClient(server.grpc)
        call = client.async_infer("slow", [tensor(SLOW[..., :990])], callback=ignore)
        until(running, "the request does not begin")
        call.cancel()
        client.close()
    else:
        host, port = server.http.split(":")
        head = (
            '{"inputs":[{"name":"x","shape":[1,8,1000,990],"datatype":"FP32",'
            '"parameters":{"binary_data_size":31680000}}]}'
        )
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"POST /v2/models/slow/infer HTTP/1.1\r\nHost: x\r\n"
                f"Inference-Header-Content-Length: {len(head)}\r\n"
                f"Content-Length: {len(head) + 31680000}\r\n\r\n{head}".encode()
            )
            connection.sendall(bytes(31680000))
            until(running, "the request does not begin")
    until(lambda: not running(), "the request does not end")
    found = figures(server)
    assert found["nv_inference_request_failure", "slow", "CANCELED"] >= 1
    assert found["cytomill_worker_restarts", "slow", ""] == 0  # it stopped, and was not killed


def test_a_client_that_leaves_amid_its_body_harms_nobody(server):
    host, port = server.http.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v2/models/double/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{"
        )
    with tritonclient.http.InferenceServerClient(server.http) as client:
        assert client.is_server_ready(), server.errors.read_text()


def test_draining_loses_nothing(networks_folder, errors):
    """Requests in hand are answered, rightly; later ones are told that the server stops."""
    with serving(networks_folder, "--threads", 1, "--load", "slow", errors=errors) as server:
        host = server.grpc
        begun = threading.Barrier(5)

        def one(number):
            with tritonclient.grpc.InferenceServerClient(host) as client:
                client.is_server_live()
                begun.wait()
                x = np.full((1, 8, 400, 400), number, np.float32)
                return client.infer("slow", [tensor(x)]).as_numpy("y")

        with (
            ThreadPoolExecutor(4) as pool,
            tritonclient.grpc.InferenceServerClient(host) as client,
            tritonclient.http.InferenceServerClient(server.http) as http,
        ):
            asked = [pool.submit(one, number) for number in range(4)]
            begun.wait()
            until(lambda: in_hand(server) == 4, "the requests do not arrive")
            server.process.send_signal(signal.SIGTERM)
            until(lambda: not client.is_server_ready(), "the server stays ready")
            assert client.is_server_live()
            assert not http.is_server_ready()
            with pytest.raises(InferenceServerException) as told:
                client.infer("slow", [tensor(X.reshape(1, 1, 3, 4).repeat(8, 1))])
            assert told.value.status() == str(grpc.StatusCode.UNAVAILABLE)
            for number, future in enumerate(asked):
                assert np.allclose(future.result(PATIENCE), number)
        assert server.process.wait(PATIENCE) == 0


def in_hand(server):
    found = figures(server)
    names = ("cytomill_running_requests", "nv_inference_pending_request_count")
    return sum(found.get((name, "slow", ""), 0) for name in names)


def test_a_drain_ends_in_time(networks_folder, errors):
    options = ("--threads", 1, "--load", "slow", "--drain", 0.2)
    with serving(networks_folder, *options, errors=errors) as server:
        client = tritonclient.grpc.InferenceServerClient(server.grpc)
        failures = []
        client.async_infer(
            "slow", [tensor(SLOW)], callback=lambda result, error: failures.append(error)
        )
        until(lambda: in_hand(server) == 1, "the request does not arrive")
        assert server.stop() == 0
        until(lambda: failures, "the client waits for ever")
        assert failures[0].status() == str(grpc.StatusCode.UNAVAILABLE)
        client.close()


def test_a_second_signal_ends_it_at_once(networks_folder, errors):
    words = ["--models", networks_folder, "--threads", 1, "--load", "slow"]
    ports = ["--grpc-port", 0, "--http-port", 0, "--metrics-port", 0]
    with start("model-server", *words, *ports, errors=errors) as server:
        until(lambda: "ready" in server.lines, "it does not start")
        client = tritonclient.grpc.InferenceServerClient(server.grpc)
        client.async_infer("slow", [tensor(SLOW)], callback=ignore)
        until(lambda: in_hand(server) == 1, "the request does not arrive")
        server.process.send_signal(signal.SIGINT)
        until(lambda: any("stopping" in line for line in server.lines), "it does not stop")
        workers = psutil.Process(server.process.pid).children()
        assert server.stop(signal.SIGINT) == -signal.SIGINT
        assert workers
        until(lambda: not any(map(psutil.pid_exists, (w.pid for w in workers))), "a worker stays")
        client.close()


def test_what_it_says(networks_folder, errors):
    with serving(networks_folder, errors=errors) as server:
        kinds = [line.split()[0] for line in server.lines]
        assert kinds == ["gRPC", "REST", "metrics", "ready"]
        assert server.stop() == 0
    assert errors.read_text() == ""


def test_a_broken_package_is_told_and_harms_no_other(tmp_path, errors):
    folder = tmp_path / "models"
    networks.double(folder / "double.onnx")
    (folder / "broken").mkdir()
    (folder / "broken/rdf.yaml").write_text("type: model\n")
    with serving(folder, errors=errors) as server:
        (line,) = errors.read_text().splitlines()
        assert line.startswith("cytomill: model broken: ")
        with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
            index = {one.name: one for one in client.get_model_repository_index().models}
            assert index["broken"].state == "UNAVAILABLE"
            assert index["broken"].reason in line
            assert np.array_equal(client.infer("double", [tensor(X)]).as_numpy("y"), 2 * X)
            with pytest.raises(InferenceServerException, match="broken"):
                client.infer("broken", [tensor(X)])


@pytest.mark.parametrize("option", ["--grpc-port", "--http-port", "--metrics-port"])
def test_a_port_in_use_is_one_line(server, errors, option):
    name = {"--grpc-port": "gRPC", "--http-port": "REST", "--metrics-port": "metrics"}[option]
    taken = server.address(name).split(":")[1]
    ports = {"--grpc-port": 0, "--http-port": 0, "--metrics-port": 0, option: taken}
    code, line = ended(errors, *(word for pair in ports.items() for word in pair))
    assert code == 2
    assert line.startswith(f"cytomill: {option} {taken}: cannot listen on 127.0.0.1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--models", "no/such/folder"), "--models no/such/folder"),
        (("--host", "no.such.host.invalid"), "--host no.such.host.invalid"),
        (("--load", "nothing"), "nothing"),
    ],
)
def test_an_option_that_cannot_be_had_is_one_line(errors, words, told):
    ports = ("--grpc-port", 0, "--http-port", 0, "--metrics-port", 0)
    code, line = ended(errors, *ports, *words)
    assert code == 2
    assert line.startswith("cytomill: ")
    assert told in line


def test_what_the_operator_forbids(networks_folder, errors):
    with serving(networks_folder, "--no-allow-load", "--no-shared-memory", errors=errors) as server:
        for made in (
            tritonclient.grpc.InferenceServerClient(server.grpc),
            tritonclient.http.InferenceServerClient(server.http),
        ):
            with made as client:
                for call in (client.load_model, client.unload_model):
                    with pytest.raises(InferenceServerException, match="--allow-load"):
                        call("double")
                with pytest.raises(InferenceServerException, match="--shared-memory"):
                    client.get_system_shared_memory_status()


def test_shared_memory_is_for_this_machine_alone(networks_folder, errors):
    with (
        serving(networks_folder, "--host", "0.0.0.0", errors=errors) as server,
        tritonclient.grpc.InferenceServerClient(server.grpc) as client,
        pytest.raises(InferenceServerException, match="--shared-memory"),
    ):
        client.get_system_shared_memory_status()
