from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from cytomill.inference.server.parameters import Wanted
from cytomill.inference.server.request import Answer, Code, ServerError
from cytomill.inference.server.rest_messages import read_object, read_request, write_answer
from cytomill.inference.server.shared_memory import Regions

NONE = Regions(allowed=False)
X = np.arange(6, dtype=np.float32).reshape(2, 3)
GOOD = {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP32", "data": X.tolist()}]}


def written(*, binary, outputs=None, **words):
    """The body and its header as the client writes them."""
    x = InferInput("x", [2, 3], "FP32")
    x.set_data_from_numpy(X, binary_data=binary)
    body, header = InferenceServerClient.generate_request_body([x], outputs=outputs, **words)
    return body, None if header is None else str(header)


def read(body, header=None):
    return read_request("m", "", body, header, NONE)


def refused(body, *words, header=None, code=Code.INVALID_ARGUMENT):
    with pytest.raises(ServerError) as fault:
        read(body if isinstance(body, bytes) else json.dumps(body).encode(), header)
    for word in words:
        assert word in str(fault.value)
    assert fault.value.code is code


@pytest.mark.parametrize("binary", [True, False])
def test_a_request_of_the_client_is_understood(binary):
    body, header = written(binary=binary, request_id="7", priority=2, timeout=5_000_000)
    request, wanted, default = read(body, header)
    assert (request.model, request.id, request.priority) == ("m", "7", 2)
    assert np.array_equal(request.inputs["x"], X)
    assert request.deadline is not None
    assert (request.outputs, wanted, default, request.parameters) == (None, None, True, {})


def test_binary_inputs_are_views_of_the_body():
    body, header = written(binary=True)
    request, *_ = read(body, header)
    assert np.shares_memory(request.inputs["x"], np.frombuffer(body, np.uint8))


def test_each_output_comes_as_it_was_asked_for():
    asked = [InferRequestedOutput("y"), InferRequestedOutput("z", binary_data=False)]
    request, wanted, _ = read(*written(binary=True, outputs=asked))
    assert request.outputs == ("y", "z")
    assert wanted == (Wanted("y"), Wanted("z", binary=False))


@pytest.mark.parametrize("binary", [True, False])
def test_an_answer_is_what_the_client_reads(binary):
    outputs = {"y": X.T, "empty": np.zeros((0, 2), np.int8), "one": np.array([True])}
    head, raw = write_answer(Answer("m", "1", "7", outputs), None, binary, NONE)
    found = InferenceServerClient.parse_response_body(
        b"".join([head, *raw]), header_length=len(head) if raw else None
    )
    for name, array in outputs.items():
        assert np.array_equal(found.as_numpy(name), array)
        assert found.as_numpy(name).shape == array.shape
    told = found.get_response()
    assert (told["model_name"], told["model_version"], told["id"]) == ("m", "1", "7")


@pytest.mark.parametrize("header", ["0", "-1", "x", "100000", "", "1.5", "²"])
def test_a_header_that_lies_is_refused(header):
    body, _ = written(binary=True)
    refused(body, "Inference-Header-Content-Length", header=header)


def test_binary_data_cut_short_or_with_a_rest_are_refused():
    body, header = written(binary=True)
    refused(body[:-1], "'x'", "binary_data_size", "23 bytes", header=header)
    refused(body + b"1", "1 bytes beyond", header=header)
    refused(body, "not JSON", header=str(int(header) + 1))


@pytest.mark.parametrize("size", [-1, 2**70, "24", True, None])
def test_a_binary_size_that_lies_is_refused(size):
    one = {"name": "x", "shape": [6], "datatype": "FP32", "parameters": {"binary_data_size": size}}
    text = json.dumps({"inputs": [one]}).encode()
    refused(text + bytes(24), "'x'", "binary_data_size", header=str(len(text)))


@pytest.mark.parametrize("text", [b"{", b"nonsense", b'{"inputs": [NaN]}', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(text):
    refused(text, "JSON")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs": {}}, ("'inputs'", "a list")),
        ({"inputs": [5]}, ("objects",)),
        ({"id": 5}, ("'id'", "a string")),
        ({"outputs": [{"name": 5}]}, ("'name'", "a string")),
        ({"parameters": {"binary_data_output": 1}}, ("binary_data_output", "true or false")),
        ({"outputs": [{"name": "y"}, {"name": "y"}]}, ("output 'y'", "twice")),
        ({"inputs": GOOD["inputs"] * 2}, ("input 'x'", "twice")),
    ],
)
def test_a_fault_is_told_with_its_place(change, words):
    refused({**GOOD, **change}, *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": "2x3"}, ("'shape'", "a list")),
        ({"shape": [2, 3.0]}, ("'x'", "whole numbers")),
        ({"shape": [2, True]}, ("'x'", "whole numbers")),
        ({"shape": [2, 4]}, ("'x'", "8 elements, its data 6")),
        ({"datatype": "float"}, ("'x'", "'float'", "FP32")),
        ({"data": [["a"] * 6]}, ("'x'", "FP32")),
        ({"data": 1}, ("'data'", "a list")),
        ({"parameters": {"binary_data_size": 4}}, ("'x'", "one of data")),
    ],
)
def test_a_fault_of_an_input_is_told_with_its_name(change, words):
    refused({"inputs": [{**GOOD["inputs"][0], **change}]}, *words)


def test_an_input_without_data_is_refused():
    refused({"inputs": [{"name": "x", "shape": [1], "datatype": "FP32"}]}, "'x'", "one of data")


def test_a_body_without_inputs_is_refused():
    refused(b"", "'inputs' is missing")


def test_values_that_json_cannot_say_are_an_error_not_nonsense():
    answer = Answer("m", "1", "", {"y": np.array([np.nan], np.float32)})
    with pytest.raises(ServerError, match="binary_data"):
        write_answer(answer, None, False, NONE)
    head, (raw,) = write_answer(answer, None, True, NONE)
    assert np.isnan(np.frombuffer(raw, np.float32)).all()
    json.loads(head)


@given(st.binary(max_size=80))
def test_noise_is_refused(noise):
    with pytest.raises(ServerError) as fault:
        read(noise)
    assert fault.value.code is Code.INVALID_ARGUMENT


def test_an_empty_body_stands_for_no_options():
    assert read_object(b"") == {}
