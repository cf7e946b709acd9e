"""What clients get wrong: a precise status and message each, and the server goes on."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib

import grpc
import numpy as np
import pytest
import tritonclient.grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

X = np.arange(12, dtype=np.float32).reshape(3, 4)
SLOW = np.ones((1, 8, 1500, 1500), np.float32)
CODE = grpc.StatusCode


def tensor(array, name="x"):
    made = tritonclient.grpc.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array)
    return made


@pytest.fixture(autouse=True)
def _unharmed(server):
    """After every test the server still answers, rightly."""
    yield
    assert server.alive()
    with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
        assert client.is_server_ready()
        assert np.array_equal(client.infer("double", [tensor(X)]).as_numpy("y"), 2 * X)


@pytest.fixture
def client(server):
    with tritonclient.grpc.InferenceServerClient(server.grpc) as made:
        yield made


@pytest.fixture
def raw(server):
    """Sends bytes as a message of a method."""
    with grpc.insecure_channel(server.grpc) as channel:

        def send(message, method="ModelInfer", **words):
            call = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
            return call(message, timeout=60, **words)

        yield send


@pytest.fixture
def post(server):
    """Posts a body; returns the status and the document."""

    def send(body, path="/v2/models/double/infer", method="POST", **headers):
        connection = http.client.HTTPConnection(server.http, timeout=60)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else {}

    return send


def refused(call, code, *words):
    with pytest.raises((InferenceServerException, grpc.RpcError)) as told:
        call()
    error = told.value
    if isinstance(error, InferenceServerException):
        found, message = error.status(), error.message()
    else:
        found, message = str(error.code()), error.details()
    assert found == str(code), message
    for word in words:
        assert word in message
    assert "\n" not in message
    assert "Traceback" not in message


def body(**change):
    one = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2], **change}
    return json.dumps({"inputs": [one]})


def test_a_wrong_data_type(client):
    call = lambda: client.infer("double", [tensor(X.astype(np.float64))])  # noqa: E731
    refused(call, CODE.INVALID_ARGUMENT, "double", "x", "float64")


def test_a_wrong_shape(client):
    refused(
        lambda: client.infer("double", [tensor(X[0])]), CODE.INVALID_ARGUMENT, "double", "x", "4"
    )
    wide = [tensor(X, "a"), tensor(X, "b")]
    refused(lambda: client.infer("pair", wide), CODE.INVALID_ARGUMENT, "pair", "3 x 4")


def test_a_wrong_name_and_a_missing_input(client):
    refused(
        lambda: client.infer("double", [tensor(X, "z")]), CODE.INVALID_ARGUMENT, "'z'", "double"
    )
    three = np.ascontiguousarray(X[:, :3])
    refused(lambda: client.infer("pair", [tensor(three, "a")]), CODE.INVALID_ARGUMENT, "pair", "b")
    refused(lambda: client.infer("pair", []), CODE.INVALID_ARGUMENT, "pair")


def test_an_output_and_a_model_and_a_version_that_there_are_not(client):
    y = [tritonclient.grpc.InferRequestedOutput("z")]
    refused(
        lambda: client.infer("double", [tensor(X)], outputs=y), CODE.INVALID_ARGUMENT, "'z'", "y"
    )
    refused(lambda: client.infer("nothing", [tensor(X)]), CODE.NOT_FOUND, "nothing")
    refused(lambda: client.infer("../double", [tensor(X)]), CODE.NOT_FOUND)
    refused(lambda: client.infer("double", [tensor(X)], model_version="9"), CODE.NOT_FOUND, "9")


def test_unknown_parameters_and_sequences(client):
    call = lambda **words: client.infer("double", [tensor(X)], **words)  # noqa: E731
    refused(lambda: call(parameters={"colour": 3}), CODE.INVALID_ARGUMENT, "colour")
    refused(lambda: call(sequence_id=3, sequence_start=True), CODE.UNIMPLEMENTED, "sequences")


def test_a_request_that_is_too_large(client, server, post):
    large = tensor(np.zeros((1, 9 * 2**20), np.float32))
    refused(lambda: client.infer("double", [large]), CODE.RESOURCE_EXHAUSTED, "larger than max")
    packed = {"compression_algorithm": "gzip"}
    refused(
        lambda: client.infer("double", [large], **packed), CODE.RESOURCE_EXHAUSTED, "larger than"
    )
    status, told = post(bytes(33 * 2**20))
    assert (status, str(32 * 2**20) in told["error"]) == (413, True)


def test_a_body_of_five_gigabytes_is_refused_unread(server, post):
    status, told = post(None, Content_Length=str(5 * 2**30), Expect="100-continue")
    assert (status, "larger than" in told["error"]) == (413, True)


def test_a_truncated_message(raw):
    request = pb.ModelInferRequest(model_name="double", raw_input_contents=[X.tobytes()])
    request.inputs.add(name="x", datatype="FP32", shape=X.shape)
    message = request.SerializeToString()
    for size in (1, len(message) // 2, len(message) - 1):
        refused(lambda n=size: raw(message[:n]), CODE.INVALID_ARGUMENT, "cut short")
    refused(lambda: raw(b"\xff" * 20, "ModelMetadata"), CODE.INVALID_ARGUMENT, "ModelMetadata")
    refused(lambda: raw(b"", "NoSuchMethod"), CODE.UNIMPLEMENTED)


def test_lengths_that_lie(raw):
    request = pb.ModelInferRequest(model_name="double", raw_input_contents=[X.tobytes()[:-1]])
    request.inputs.add(name="x", datatype="FP32", shape=X.shape)
    refused(
        lambda: raw(request.SerializeToString()), CODE.INVALID_ARGUMENT, "48 bytes", "data are 47"
    )
    request.inputs[0].shape[:] = [2**40, 2**40]
    refused(lambda: raw(request.SerializeToString()), CODE.INVALID_ARGUMENT, "shape")


def test_half_a_frame_of_http2(server):
    host, port = server.grpc.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x10\4\0\0\0\0\0abc")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")


def test_a_network_that_yields_nan(client, post):
    negative = -X - 1
    refused(lambda: client.infer("root", [tensor(negative)]), CODE.INTERNAL, "root", "y", "NaN")
    status, told = post(body(data=[-1, -2]), "/v2/models/root/infer")
    assert (status, "NaN" in told["error"]) == (500, True)


def test_weights_that_are_no_network(client):
    call = lambda: client.infer("no-onnx", [tensor(X)])  # noqa: E731
    refused(call, CODE.FAILED_PRECONDITION, "no-onnx")
    refused(lambda: client.load_model("no-onnx"), CODE.FAILED_PRECONDITION, "no-onnx")
    refused(lambda: client.load_model("nothing"), CODE.NOT_FOUND, "nothing")


def test_models_come_from_the_servers_folder_alone(client):
    refused(
        lambda: client.load_model("x", files={"file:1/model.onnx": b"evil"}, config="{}"),
        CODE.UNIMPLEMENTED,
        "folder",
    )
    for name in ("../secret", "/etc/passwd", "https://example.org/model.zip"):
        refused(lambda name=name: client.load_model(name), CODE.NOT_FOUND)


def test_shared_memory_that_there_is_not(client):
    x = tritonclient.grpc.InferInput("x", [3, 4], "FP32")
    x.set_shared_memory("nowhere", 48)
    refused(lambda: client.infer("double", [x]), CODE.INVALID_ARGUMENT, "'nowhere'")
    call = client.register_system_shared_memory
    refused(lambda: call("r", "no-such-region", 8), CODE.INVALID_ARGUMENT, "no-such-region")
    refused(lambda: call("r", "../../etc/passwd", 8), CODE.INVALID_ARGUMENT, "passwd")


def test_what_is_not_offered(client):
    refused(client.get_cuda_shared_memory_status, CODE.UNIMPLEMENTED, "CUDA")
    refused(client.get_trace_settings, CODE.UNIMPLEMENTED, "trace")
    refused(client.get_log_settings, CODE.UNIMPLEMENTED, "log")


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        ("{", 400, "JSON"),
        (
            '{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [NaN]}]}',
            400,
            "NaN",
        ),
        ("", 400, "inputs"),
        (body(datatype="FP8"), 400, "FP8"),
        (body(shape=[1, 3]), 400, "3 elements, its data 2"),
        (body(name="z"), 400, "'z'"),
        (body(data=[[1], [2, 3]]), 400, "'x'"),
        (body(datatype="INT32"), 400, "int32"),
    ],
)
def test_faults_in_json(post, text, status, word):
    found, told = post(text)
    assert found == status
    assert word in told["error"]


def test_faults_in_binary_bodies(post):
    one = {"name": "x", "shape": [3, 4], "datatype": "FP32", "parameters": {"binary_data_size": 48}}
    head = json.dumps({"inputs": [one]}).encode()
    name = "Inference_Header_Content_Length"
    for data, length in ((head + bytes(47), len(head)), (head + bytes(48), 10_000), (head, "x")):
        status, told = post(data, **{name: str(length)})
        assert status == 400, told
    assert post(head + X.tobytes(), **{name: str(len(head))})[0] == 200


def test_packed_bodies_that_are_broken_or_bombs(post):
    good = body().encode()
    assert post(gzip.compress(good), Content_Encoding="gzip")[0] == 200
    assert post(zlib.compress(good), Content_Encoding="deflate")[0] == 200
    assert post(gzip.compress(good)[:-9], Content_Encoding="gzip")[0] == 400
    assert post(good, Content_Encoding="gzip")[0] == 400
    assert post(good, Content_Encoding="br")[0] == 400
    bomb = gzip.compress(bytes(2**28), 9)
    status, told = post(bomb, Content_Encoding="gzip")
    assert (status, "larger than" in told["error"]) == (413, True)


def test_addresses_and_methods_that_there_are_not(post):
    assert post(None, "/v2/nothing", "GET")[0] == 404
    assert post(None, "/v2/models/double/infer", "GET")[0] == 405
    status, told = post(None, "/v2/models/nothing", "GET")
    assert (status, "nothing" in told["error"]) == (404, True)


def test_a_deadline_that_passes(client, post):
    call = lambda **words: client.infer("slow", [tensor(SLOW[..., :350, :350])], **words)  # noqa: E731
    refused(lambda: call(timeout=1000), CODE.DEADLINE_EXCEEDED)
    refused(lambda: call(client_timeout=0.05), CODE.DEADLINE_EXCEEDED)
