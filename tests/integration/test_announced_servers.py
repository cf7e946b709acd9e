"""Model servers that are announced in the queue: what they tell, and when they are gone."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc

from cytomill.jobs.redis import connect
from cytomill.jobs.servers import Announced, Servers
from tests import networks
from tests.consumers import wait_for
from tests.model_server import serving, start
from tests.redis_server import RedisServer

X = np.arange(12, dtype=np.float32).reshape(3, 4)
#: For the network `slow` more seconds of work than there are between two beats.
SLOW = np.ones((1, 8, 1100, 1100), np.float32)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    networks.double(tmp_path / "models" / "double.onnx")
    networks.slow(tmp_path / "models" / "slow.onnx")
    return tmp_path / "models"


def ask(address, model, array):
    tensor = tritonclient.grpc.InferInput("x", list(array.shape), "FP32")
    tensor.set_data_from_numpy(array)
    with tritonclient.grpc.InferenceServerClient(address) as client:
        return client.infer(model, [tensor])


def test_a_server_tells_where_it_is_what_it_does_and_that_it_ends(models, redis_url, tmp_path):
    options = ("--announce", "--name", "gpu1", "--threads", 2)
    where = {"errors": tmp_path / "errors", "CYTOMILL_REDIS": redis_url}
    with connect(redis_url) as client, serving(models, *options, **where) as server:
        servers = Servers(client)

        def told() -> Announced:
            (one,) = servers.servers()
            return one

        wait_for(servers.servers)
        assert (told().name, told().address) == ("gpu1", server.grpc)
        assert told().told["process"] == server.process.pid
        before = told().told
        assert (before["requests"], before["busy_seconds"], before["models"]) == (0, 0, [])
        assert (before["draining"], before["threads"]) == (False, 2)
        ask(server.grpc, "double", X)
        wait_for(lambda: told().told["requests"] == 1)
        after = told().told
        assert after["models"] == ["double"]
        assert (after["running"], after["waiting"]) == (0, 0)
        assert after["since"] == before["since"]
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask, server.grpc, "slow", SLOW)
            wait_for(lambda: told().told["running"] == 1)
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: told().told["draining"])
            assert answer.result() is not None
        assert server.process.wait(60) == 0
        assert servers.servers() == []


def test_a_server_that_was_not_heard_of_is_none(redis_url):
    with connect(redis_url) as client:
        servers = Servers(client)
        assert servers.servers() == []
        servers.beat("a", "host:1", {"running": 1})
        servers.beat("b", "host:2", {})
        servers.beat("a", "host:3", {"running": 2})
        assert servers.servers() == [
            Announced("a", "host:3", {"running": 2}),
            Announced("b", "host:2", {}),
        ]
        seconds, _ = client.time()
        client.zadd("{cytomill}:servers", {"a": (seconds - 16) * 1000, "b": 1})
        assert servers.servers() == []
        assert [one.name for one in servers.servers(within=30)] == ["a"]
        servers.beat("c", "host:4", {})
        servers.leave("a")
        assert client.zrange("{cytomill}:servers", 0, -1) == ["c"]


def test_a_server_serves_though_redis_is_away(models, own_redis: RedisServer, tmp_path):
    errors = tmp_path / "errors"
    where = {"errors": errors, "CYTOMILL_REDIS": own_redis.url}
    own_redis.kill()
    with serving(models, "--announce", **where) as server:
        wait_for(lambda: "cannot be announced: the queue (Redis) does not" in errors.read_text())
        ask(server.grpc, "double", X)
        own_redis.start()
        with connect(own_redis.url) as client:
            wait_for(Servers(client).servers)
            assert server.stop() == 0
            assert Servers(client).servers() == []
    assert errors.read_text().count("cannot be announced") == 1


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--name", "a"), "--name and --announce-address: are about --announce; give that too"),
        (("--announce", "--announce-address", "here"), "--announce-address here: must be HOST:PO"),
    ],
)
def test_what_makes_no_sense_is_refused(options, fault, tmp_path):
    errors = tmp_path / "errors"
    with start("model-server", *options, errors=errors) as server:
        assert server.process.wait(60) == 2
    assert fault in errors.read_text()
