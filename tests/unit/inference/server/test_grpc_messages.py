from __future__ import annotations

import numpy as np
import pytest
from tritonclient.grpc import InferInput, InferRequestedOutput, InferResult
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc._utils import _get_inference_request

from cytomill.inference.server.grpc_messages import read_request, write_answer
from cytomill.inference.server.parameters import Wanted
from cytomill.inference.server.request import Answer, Code, ServerError
from cytomill.inference.server.shared_memory import Regions

NONE = Regions(allowed=False)
X = np.arange(6, dtype=np.float32).reshape(2, 3)


def message(**changes):
    """A request as the client writes it."""
    x = InferInput("x", list(X.shape), "FP32")
    x.set_data_from_numpy(X)
    words = {
        "model_name": "m",
        "inputs": [x],
        "model_version": "1",
        "request_id": "7",
        "outputs": None,
        "sequence_id": 0,
        "sequence_start": False,
        "sequence_end": False,
        "priority": 0,
        "timeout": None,
        "parameters": None,
    }
    return _get_inference_request(**{**words, **changes})


def read(told):
    return read_request(told.SerializeToString(), None, NONE)


def refused(told, *words):
    with pytest.raises(ServerError) as fault:
        read(told)
    for word in words:
        assert word in str(fault.value)
    return fault.value.code


def typed(kind, field, values, shape=None):
    told = pb.ModelInferRequest(model_name="m")
    one = told.inputs.add(name="x", datatype=kind, shape=shape or [len(values)])
    getattr(one.contents, field).extend(values)
    return told


def test_a_request_of_the_client_is_understood():
    request, wanted = read(message(priority=2, timeout=5_000_000, parameters={"own": 1.5}))
    assert (request.model, request.version, request.id) == ("m", "1", "7")
    assert np.array_equal(request.inputs["x"], X)
    assert (request.priority, request.parameters) == (2, {"own": 1.5})
    assert request.deadline is not None
    assert request.outputs is wanted is None


def test_outputs_that_are_named_are_asked_for():
    request, wanted = read(message(outputs=[InferRequestedOutput("y"), InferRequestedOutput("z")]))
    assert request.outputs == ("y", "z")
    assert wanted == (Wanted("y"), Wanted("z"))


@pytest.mark.parametrize(
    ("kind", "field", "values"),
    [
        ("BOOL", "bool_contents", [True, False]),
        ("UINT8", "uint_contents", [0, 255]),
        ("UINT64", "uint64_contents", [2**64 - 1]),
        ("INT16", "int_contents", [-(2**15)]),
        ("INT64", "int64_contents", [-(2**63)]),
        ("FP32", "fp32_contents", [0.5, -1.0]),
        ("FP64", "fp64_contents", [0.1]),
        ("BYTES", "bytes_contents", [b"a\0", b""]),
        ("FP32", "fp32_contents", []),
    ],
)
def test_typed_contents_are_understood(kind, field, values):
    request, _ = read(typed(kind, field, values))
    assert request.inputs["x"].tolist() == values


def test_half_floats_have_no_typed_contents():
    assert refused(typed("FP16", "fp32_contents", [1.0]), "FP16", "raw") is Code.INVALID_ARGUMENT


def test_contents_of_another_type_are_refused():
    refused(typed("INT32", "fp32_contents", [1.0]), "'x'", "1 elements, its data 0")
    refused(typed("UINT8", "uint_contents", [256]), "'x'", "range of UINT8")


def test_raw_contents_are_one_for_each_input():
    fewer, more, both = message(), message(), message()
    fewer.inputs.add(name="y", datatype="FP32", shape=[1])
    more.raw_input_contents.append(b"1234")
    both.inputs[0].contents.fp32_contents.append(1)
    refused(fewer, "'y'", "too few")
    refused(more, "1 more")
    refused(both, "'x'", "besides")


def test_an_input_given_twice_is_refused():
    twice = message()
    twice.inputs.add().CopyFrom(twice.inputs[0])
    refused(twice, "'x' is given twice")


def test_what_is_not_offered_is_refused_by_name():
    assert refused(message(sequence_id=3), "sequences") is Code.UNIMPLEMENTED
    top = [InferRequestedOutput("y", class_count=3)]
    assert refused(message(outputs=top), "'y'", "'classification'") is Code.UNIMPLEMENTED


def test_shared_memory_that_is_switched_off_is_refused():
    x = InferInput("x", [6], "FP32")
    x.set_shared_memory("r", 24)
    assert refused(message(inputs=[x]), "--shared-memory") is Code.UNIMPLEMENTED


def test_an_answer_is_what_the_client_reads():
    outputs = {
        "y": X.T,
        "empty": np.zeros((0, 3), np.uint8),
        "half": X.astype(np.float16),
        "text": np.array([b"a", b"\xff"], object),
        "one": np.array(True),
    }
    found = InferResult(
        pb.ModelInferResponse.FromString(write_answer(Answer("m", "1", "7", outputs), None, NONE))
    )
    for name, array in outputs.items():
        assert np.array_equal(found.as_numpy(name), array)
        assert found.as_numpy(name).shape == array.shape
    told = found.get_response()
    assert (told.model_name, told.model_version, told.id) == ("m", "1", "7")


def test_outputs_come_in_the_order_they_were_asked_for():
    answer = Answer("m", "1", "", {"y": X, "z": X})
    made = pb.ModelInferResponse.FromString(
        write_answer(answer, [Wanted("z"), Wanted("y")], NONE, final=True)
    )
    assert [one.name for one in made.outputs] == ["z", "y"]
    assert made.parameters["triton_final_response"].bool_param
