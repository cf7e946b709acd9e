from __future__ import annotations

import json

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tritonclient.utils import (
    deserialize_bytes_tensor,
    np_to_triton_dtype,
    serialize_byte_tensor,
)

from cytomill.inference.server.codec import (
    check_values,
    count,
    datatype,
    from_raw,
    from_values,
    to_raw,
    to_values,
)
from cytomill.inference.server.request import Code, ServerError

KINDS = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]
ARRAYS = st.sampled_from(KINDS).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
TEXTS = st.lists(st.binary(max_size=9), min_size=1, max_size=9)


def refused(call, *words):
    with pytest.raises(ServerError) as told:
        call()
    for word in words:
        assert word in str(told.value)
    return told.value.code


@given(ARRAYS)
def test_arrays_survive_as_bytes(array):
    kind = datatype(array.dtype)
    assert kind == np_to_triton_dtype(array.dtype)
    found = from_raw("x", kind, array.shape, to_raw(array))
    assert found.dtype == array.dtype
    assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


@given(ARRAYS)
def test_arrays_survive_as_json(array):
    if array.dtype.kind == "f":
        array = np.nan_to_num(array, nan=0, posinf=1, neginf=-1)
    text = json.dumps(to_values(array), allow_nan=False)
    found = from_values("x", datatype(array.dtype), array.shape, json.loads(text))
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


def test_nested_values_are_in_row_major_order():
    found = from_values("x", "INT16", [2, 1, 2], [[[1, 2]], [[3, 4]]])
    assert found.tolist() == [[[1, 2]], [[3, 4]]]


@given(TEXTS)
def test_bytes_are_as_the_client_has_them(texts):
    array = np.array([*texts, None], object)[:-1]
    packed = serialize_byte_tensor(array).item()
    assert from_raw("x", "BYTES", [len(texts)], packed).tolist() == texts
    assert bytes(to_raw(array)) == packed
    assert deserialize_bytes_tensor(bytes(to_raw(array))).tolist() == texts


def test_bytes_in_json_are_text():
    found = from_values("x", "BYTES", [2], ["a\0", "µ"])
    assert found.tolist() == [b"a\0", "µ".encode()]
    assert to_values(found) == ["a\0", "µ"]
    array = np.array([b"\xff", None], object)[:1]
    assert refused(lambda: to_values(array), "JSON") is Code.INVALID_ARGUMENT


def test_bf16_is_read_as_float32():
    values = np.linspace(-3, 3, 7, dtype=np.float32)
    packed = values.astype(ml_dtypes.bfloat16).tobytes()
    found = from_raw("x", "BF16", [7], packed)
    assert found.dtype == np.float32
    assert np.array_equal(found, values.astype(ml_dtypes.bfloat16).astype(np.float32))


def test_inputs_are_views_of_the_message_and_not_to_be_written():
    message = bytearray(range(16))
    found = from_raw("x", "UINT8", [4, 4], message)
    assert np.shares_memory(found, np.frombuffer(message, np.uint8))
    assert not found.flags.writeable


def test_outputs_in_row_major_order_are_not_copied():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.shares_memory(np.frombuffer(to_raw(array), np.uint8), array)
    assert bytes(to_raw(array.T)) == array.T.tobytes()


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_length_that_lies_is_refused(size):
    code = refused(lambda: from_raw("x", "FP32", [2, 2], bytes(size)), "'x'", "16 bytes", f"{size}")
    assert code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("raw", [b"", b"\1\0\0", b"\5\0\0\0a", b"\0\0\0\0\0\0\0\0", b"\xff" * 9])
def test_bytes_whose_lengths_lie_are_refused(raw):
    refused(lambda: from_raw("x", "BYTES", [1], raw), "'x'", "1 elements of BYTES")


@pytest.mark.parametrize("shape", [[-1], [2**31], [1] * 65, [0, -5]])
def test_a_shape_no_tensor_has_is_refused(shape):
    refused(lambda: count("x", shape), "'x'", "shape")


def test_a_huge_shape_without_data_costs_nothing():
    refused(lambda: from_raw("x", "FP64", [2**30, 2**30], b""), "takes 9223372036854775808 bytes")


@pytest.mark.parametrize("kind", ["FP8", "float32", "", "INT9", "STRING"])
def test_an_unknown_data_type_is_refused_with_those_there_are(kind):
    refused(lambda: from_raw("x", kind, [1], b"1234"), repr(kind), "FP32", "BYTES")
    refused(lambda: from_values("x", kind, [1], [1]), repr(kind), "FP32", "BYTES")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("UINT8", [256]),
        ("UINT8", [-1]),
        ("INT8", [1.5]),
        ("INT64", [2**70]),
        ("FP32", [1e39]),
        ("FP32", ["1"]),
        ("FP32", [None]),
        ("FP32", [[1, 2], [3]]),
        ("BOOL", [2]),
        ("INT32", [True]),
        ("BYTES", [1]),
        ("INT32", [1, 2]),
        ("BYTES", ["a", "b"]),
    ],
)
def test_values_that_do_not_fit_are_refused(kind, values):
    assert refused(lambda: from_values("x", kind, [1], values), "'x'") is Code.INVALID_ARGUMENT


def test_values_json_cannot_say_are_refused():
    refused(lambda: to_values(np.array([np.nan], np.float32)), "not finite", "binary_data")


def test_large_outputs_are_to_be_asked_for_raw():
    array = np.zeros(2**22, np.uint8)
    assert refused(lambda: to_values(array), "binary_data") is Code.RESOURCE_EXHAUSTED


def test_large_tensors_are_to_be_sent_raw():
    check_values(2**20)
    assert refused(lambda: check_values(2**30), "raw") is Code.RESOURCE_EXHAUSTED
