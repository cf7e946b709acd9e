from __future__ import annotations

import time

import pytest

from cytomill.inference.server.parameters import known, once, place, terms
from cytomill.inference.server.request import Code, ServerError
from cytomill.inference.server.shared_memory import Place


def test_without_parameters_a_request_waits_for_ever():
    found = terms({})
    assert (found.priority, found.deadline, found.others) == (0, None, {})


@pytest.mark.parametrize(
    ("timeout", "remaining", "expected"),
    [(2_000_000, None, 2), (None, 3.0, 3), (2_000_000, 9.0, 2), (9_000_000, 3.0, 3), (0, 3.0, 3)],
)
def test_the_nearer_limit_is_the_deadline(timeout, remaining, expected):
    before = time.monotonic()
    deadline = terms({} if timeout is None else {"timeout": timeout}, remaining).deadline
    assert before + expected <= deadline <= time.monotonic() + expected


def test_what_is_for_the_model_is_left():
    assert terms({"priority": 3, "threshold": 0.5}).others == {"threshold": 0.5}


@pytest.mark.parametrize("value", [-1, "1", 1.5, True, 2**63])
@pytest.mark.parametrize("name", ["priority", "timeout"])
def test_values_without_sense_are_refused(name, value):
    with pytest.raises(ServerError, match=name) as told:
        terms({name: value})
    assert told.value.code is Code.INVALID_ARGUMENT


def test_sequences_are_not_offered():
    with pytest.raises(ServerError, match="sequences") as told:
        terms({"sequence_id": 4, "sequence_start": True})
    assert told.value.code is Code.UNIMPLEMENTED


def test_a_place_in_shared_memory():
    given = {"shared_memory_region": "r", "shared_memory_byte_size": 8, "shared_memory_offset": 2}
    assert place(given, "input 'x'") == Place("r", 2, 8)
    assert place({}, "input 'x'") is None


@pytest.mark.parametrize(
    "given",
    [
        {"shared_memory_offset": 4},
        {"shared_memory_region": "r"},
        {"shared_memory_region": 5, "shared_memory_byte_size": 8},
        {"shared_memory_region": "r", "shared_memory_byte_size": -8},
    ],
)
def test_half_a_place_is_refused(given):
    with pytest.raises(ServerError, match="shared_memory"):
        place(given, "input 'x'")


def test_a_parameter_nothing_heeds_is_refused():
    known({"binary_data_size": 4, "shared_memory_region": "r"}, ("binary_data_size",), "input 'x'")
    with pytest.raises(ServerError, match=r"output 'y'.*'classification'") as told:
        known({"classification": 3}, (), "output 'y'")
    assert told.value.code is Code.UNIMPLEMENTED


def test_a_name_given_twice_is_refused():
    with pytest.raises(ServerError, match="input 'x' is given twice"):
        once(["x", "y", "x"], "input")
