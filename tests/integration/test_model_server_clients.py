"""Triton's own clients against the model server, over every way there is."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import urllib.request

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
from tritonclient.grpc import service_pb2 as pb
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, shared_memory

from cytomill.version import __version__

X = np.arange(12, dtype=np.float32).reshape(3, 4)
#: Large enough to travel in many frames.
LARGE = np.random.default_rng(0).random((2, 1_382_400), np.float32)

CLIENTS = {"grpc": tritonclient.grpc, "http": tritonclient.http}


@pytest.fixture(params=CLIENTS)
def kind(request):
    return CLIENTS[request.param]


@pytest.fixture
def client(server, kind):
    address = server.grpc if kind is tritonclient.grpc else server.http
    made = kind.InferenceServerClient(address)
    yield made
    made.close()


def tensor(kind, array, name="x"):
    made = kind.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array)
    return made


def ask(client, kind, method, *words):
    """Call a method that answers with a document."""
    more = {"as_json": True} if kind is tritonclient.grpc else {}
    return getattr(client, method)(*words, **more)


def test_health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("double")
    assert client.is_model_ready("double", "1")
    assert not client.is_model_ready("no such model")


def test_what_the_server_is(client, kind):
    told = ask(client, kind, "get_server_metadata")
    assert (told["name"], told["version"]) == ("cytomill", __version__)
    assert {"binary_tensor_data", "model_repository", "system_shared_memory"} <= {
        *told["extensions"]
    }


def test_what_a_model_takes_and_gives(client, kind):
    told = ask(client, kind, "get_model_metadata", "pair")
    inputs = [(one["name"], one["datatype"]) for one in told["inputs"]]
    assert inputs == [("a", "FP32"), ("b", "FP32")]
    assert [one["name"] for one in told["outputs"]] == ["sum", "product"]
    assert [int(size) for size in told["inputs"][0]["shape"]] == [-1, 3]
    config = ask(client, kind, "get_model_config", "pair")
    config = config.get("config", config)
    assert config["input"][0]["data_type"] == "TYPE_FP32"
    assert config["instance_group"][0]["kind"] == "KIND_CPU"


def test_an_answer(client, kind):
    found = client.infer("double", [tensor(kind, X)], request_id="7")
    assert np.array_equal(found.as_numpy("y"), 2 * X)
    told = found.get_response()
    identifier = told["id"] if isinstance(told, dict) else told.id
    assert identifier == "7"


def test_a_large_tensor(client, kind):
    found = client.infer("double", [tensor(kind, LARGE)])
    assert np.array_equal(found.as_numpy("y"), 2 * LARGE)


def test_several_inputs_and_the_outputs_that_are_asked_for(client, kind):
    a, b = X[:, :3], X[:, 1:]
    inputs = [tensor(kind, np.ascontiguousarray(one), name) for name, one in (("b", b), ("a", a))]
    found = client.infer("pair", inputs, outputs=[kind.InferRequestedOutput("product")])
    assert np.array_equal(found.as_numpy("product"), a * b)
    assert found.as_numpy("sum") is None
    assert np.array_equal(client.infer("pair", inputs).as_numpy("sum"), a + b)


@pytest.mark.parametrize("name", ["uint8", "uint16", "int64", "float16", "bool"])
def test_data_types(client, kind, name):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(name)
    found = client.infer(name, [tensor(kind, array)]).as_numpy("y")
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_packed_requests(client, kind, packing):
    if kind is tritonclient.grpc:
        found = client.infer("double", [tensor(kind, LARGE)], compression_algorithm=packing)
    else:
        found = client.infer("double", [tensor(kind, X)], request_compression_algorithm=packing)
    assert found.as_numpy("y") is not None


def test_json_both_ways(server):
    with tritonclient.http.InferenceServerClient(server.http) as client:
        x = tritonclient.http.InferInput("x", [3, 4], "FP32")
        x.set_data_from_numpy(X, binary_data=False)
        y = tritonclient.http.InferRequestedOutput("y", binary_data=False)
        found = client.infer("double", [x], outputs=[y])
        assert found.get_output("y")["data"] == (2 * X).ravel().tolist()


def test_plain_http(server):
    body = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [[1, 2]]}]}
    url = f"http://{server.http}/v2/models/double/versions/1/infer"
    with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        (found,) = json.load(answer)["outputs"]
    assert found == {"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [2.0, 4.0]}


def test_typed_contents(server):
    with grpc.insecure_channel(server.grpc) as channel:
        request = pb.ModelInferRequest(model_name="double")
        x = request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
        x.contents.fp32_contents.extend([1, 2])
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        answer = pb.ModelInferResponse.FromString(call(request.SerializeToString(), timeout=60))
    assert np.frombuffer(answer.raw_output_contents[0], np.float32).tolist() == [2, 4]


def test_the_asynchronous_client(server):
    async def many():
        async with tritonclient.grpc.aio.InferenceServerClient(server.grpc) as client:
            asked = [
                client.infer("double", [tensor(tritonclient.grpc, X + number)])
                for number in range(40)
            ]
            return await asyncio.gather(*asked)

    for number, found in enumerate(asyncio.run(many())):
        assert np.array_equal(found.as_numpy("y"), 2 * (X + number))


def test_a_stream_answers_in_order_and_survives_a_failure(server):
    answers = queue.Queue()
    with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for number in range(20):
            name = "no such model" if number == 7 else "double"
            x = tensor(tritonclient.grpc, X + number)
            client.async_stream_infer(name, [x], request_id=str(number))
        for number in range(20):
            found, error = answers.get(timeout=60)
            if number == 7:
                assert "no such model" in error.message()
                continue
            assert found.get_response().id == str(number)
            assert np.array_equal(found.as_numpy("y"), 2 * (X + number))
        client.stop_stream()


def test_the_index_loading_and_unloading(client, kind):
    def states():
        told = ask(client, kind, "get_model_repository_index")
        models = told["models"] if isinstance(told, dict) else told
        return {one["name"]: one["state"] for one in models}

    assert {"double", "pair", "nuclei"} <= states().keys()
    client.load_model("root")
    assert states()["root"] == "READY"
    assert client.is_model_ready("root")
    client.unload_model("root")
    assert states()["root"] != "READY"
    assert not client.is_model_ready("root")


def test_statistics_move(client, kind):
    def count():
        (told,) = ask(client, kind, "get_inference_statistics", "double")["model_stats"]
        return int(told["inference_stats"]["success"].get("count", 0))

    before = count()
    client.infer("double", [tensor(kind, X)])
    assert count() == before + 1


def test_shared_memory(client, kind):
    size, key = X.nbytes, f"cytomill-{os.getpid()}-{kind.__name__}"
    given = shared_memory.create_shared_memory_region("given", f"{key}-in", size + 8)
    taken = shared_memory.create_shared_memory_region("taken", f"{key}-out", 2 * size)
    try:
        shared_memory.set_shared_memory_region(given, [X], offset=8)
        client.register_system_shared_memory("given", f"{key}-in", size, offset=8)
        client.register_system_shared_memory("taken", f"{key}-out", 2 * size)
        x = kind.InferInput("x", [3, 4], "FP32")
        x.set_shared_memory("given", size)
        y = kind.InferRequestedOutput("y")
        y.set_shared_memory("taken", size, offset=size)
        client.infer("double", [x], outputs=[y])
        written = shared_memory.get_contents_as_numpy(taken, np.float32, [3, 4], offset=size)
        assert np.array_equal(written, 2 * X)
        told = ask(client, kind, "get_system_shared_memory_status")
        assert {"given", "taken"} <= {
            *(told["regions"] if isinstance(told, dict) else (one["name"] for one in told))
        }
        y.set_shared_memory("taken", size, offset=size + 4)
        with pytest.raises(InferenceServerException, match="not within it"):
            client.infer("double", [x], outputs=[y])
    finally:
        for name in ("given", "taken"):
            client.unregister_system_shared_memory(name)
        for region in (given, taken):
            shared_memory.destroy_shared_memory_region(region)


def test_priority_and_timeout_are_understood(client, kind):
    found = client.infer("double", [tensor(kind, X)], priority=1, timeout=60_000_000)
    assert np.array_equal(found.as_numpy("y"), 2 * X)
