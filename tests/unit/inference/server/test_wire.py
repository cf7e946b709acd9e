from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from cytomill.inference.server import wire
from cytomill.inference.server.request import Code, ServerError

RAW = st.lists(st.binary(max_size=300), max_size=5)


def request(raw):
    made = pb.ModelInferRequest(model_name="m", id="7", raw_input_contents=raw)
    made.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    made.parameters["priority"].uint64_param = 2
    return made


@given(RAW)
def test_requests_are_read_as_protocol_buffers_does(raw):
    made = request(raw)
    head, found = wire.read_request(made.SerializeToString())
    assert list(map(bytes, found)) == raw
    head.raw_input_contents.extend(raw)
    assert head == made


@given(RAW)
def test_requests_are_written_as_protocol_buffers_does(raw):
    head = request([])
    assert wire.write_request(head, list(map(memoryview, raw))) == request(raw).SerializeToString()


@given(RAW)
def test_responses_come_back(raw):
    head = pb.ModelInferResponse(model_name="m", model_version="1")
    head.outputs.add(name="y", datatype="UINT8", shape=[3])
    message = wire.write_response(head, list(map(memoryview, raw)))
    whole = pb.ModelInferResponse.FromString(message)
    assert list(whole.raw_output_contents) == raw
    assert pb.ModelStreamInferResponse.FromString(wire.wrap(message)).infer_response == whole
    again, found = wire.read_response(message)
    assert (again, list(map(bytes, found))) == (head, raw)


def test_tensors_are_not_copied():
    message = request([bytes(1000)]).SerializeToString()
    _, (found,) = wire.read_request(message)
    assert np.shares_memory(np.frombuffer(found, np.uint8), np.frombuffer(message, np.uint8))


def fault(message):
    """What is told of a message, None where it is one."""
    try:
        wire.read_request(message)
    except ServerError as error:
        return error.code, str(error)
    return None


def test_a_message_cut_short_is_refused():
    message = request([bytes(30), bytes(10)]).SerializeToString()
    faults = [fault(message[:size]) for size in range(len(message))]
    told = {one for one in faults if one}
    assert {code for code, _ in told} == {Code.INVALID_ARGUMENT}
    assert all("cut short" in text for _, text in told)
    # A cut exactly between two of the seven fields leaves a message too.
    assert faults.count(None) <= 7


@given(st.binary(max_size=60))
def test_noise_is_refused_or_is_a_message(noise):
    told = fault(noise)
    assert told is None or told[0] is Code.INVALID_ARGUMENT


def test_a_message_of_countless_fields_is_refused():
    with pytest.raises(ServerError, match="too many"):
        wire.read_request(b"\x40\x01" * 1_000_000)


def test_values_by_the_hundred_megabytes_are_refused():
    with pytest.raises(ServerError, match="raw"):
        wire.read_request(b"\x2a" + wire._varint(2**27) + bytes(2**27))
