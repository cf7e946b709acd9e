from __future__ import annotations

import os

import numpy as np
import pytest

from cytomill.errors import Interrupted, ModelError
from cytomill.inference.runtime import Port, Runtime
from cytomill.inference.server.block import view
from cytomill.inference.server.pool import Pool
from cytomill.inference.server.run import Run, run
from cytomill.inference.stop import Stop

FLOAT = np.dtype(np.float32)


class Computing(Runtime):
    """``y`` is what ``compute`` makes of ``x``; counts its runs."""

    name, device = "m", "cpu"

    def __init__(self, compute, shape=(-1, 2)):
        self.compute, self.runs = compute, 0
        self.inputs = self.outputs = (Port("x", FLOAT, shape),)

    def infer(self, tensors, outputs=None, stop=None):
        self.runs += 1
        return {"y": self.compute(tensors["x"])}


def ran(runtime, x, rows=None, stop=None):
    """Per member its output or its error, and the result."""
    pool = Pool()
    result = run(runtime, Run({"x": x}, None, rows, stop or Stop()), pool)
    found = list(result.members)
    if result.fd is not None:
        number, block, _ = result.block, pool._blocks[result.block], os.close(result.fd)
        assert number is not None
        memory = block.bytes()
        found = [m if isinstance(m, tuple) else view(memory, m[0]) for m in found]
    return found, result


def rows_of(count):
    return np.arange(2 * count, dtype=np.float32).reshape(count, 2)


def no_negative(x):
    if (x < 0).any():
        raise ModelError("m: cannot run (a number is negative)")
    return x + 1


def test_joined_requests_run_once_and_each_gets_its_own():
    network = Computing(lambda x: x + 1)
    x = rows_of(6)
    found, result = ran(network, x, [1, 3, 2])
    assert [len(each) for each in found] == [1, 3, 2]
    assert np.array_equal(np.concatenate(found), x + 1)
    assert network.runs == result.runs == 1


def test_the_fault_of_one_is_not_the_others():
    x = rows_of(4)
    x[1] = -1
    found, result = ran(Computing(no_negative), x, [1, 1, 2])
    assert np.array_equal(found[0], x[:1] + 1)
    assert found[1] == ("INVALID_ARGUMENT", "m: cannot run (a number is negative)")
    assert np.array_equal(found[2], x[2:] + 1)
    assert result.runs == 4
    assert not result.apart


def test_outputs_without_a_row_for_each_are_never_divided():
    network = Computing(lambda x: x.sum(0, keepdims=True))
    x = rows_of(4)
    found, result = ran(network, x, [1, 3])
    assert np.array_equal(found[0], x[:1])
    assert np.array_equal(found[1], x[1:].sum(0, keepdims=True))
    assert result.apart


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_what_is_no_number_fails_its_request_alone(value, word):
    x = rows_of(3)
    x[1, 1] = value
    found, _ = ran(Computing(lambda x: x), x, [1, 1, 1])
    assert found[1] == ("INTERNAL", f"model m: its output y holds {word} for this input")
    assert np.array_equal(found[0], x[:1])
    assert np.array_equal(found[2], x[2:])


def test_large_numbers_are_numbers():
    x = np.full((1, 2), np.finfo(np.float32).max, np.float32)
    (found,), _ = ran(Computing(lambda x: x), x)
    assert np.array_equal(found, x)


def test_a_network_of_one_size_that_fails_is_at_fault_itself():
    found, _ = ran(Computing(no_negative, shape=(1, 2)), -rows_of(1) - 1)
    assert found == [("INTERNAL", "m: cannot run (a number is negative)")]


@pytest.mark.parametrize("error", [MemoryError(), ModelError("m: cannot run (std::bad_alloc)")])
def test_want_of_memory_is_worth_another_try(error):
    def fail(x):
        raise error

    ((code, message),), _ = ran(Computing(fail), rows_of(1))
    assert code == "RESOURCE_EXHAUSTED"
    assert message.startswith("m: ")


def test_a_bug_is_told_in_one_line(caplog):
    def fail(x):
        raise RuntimeError("first\nsecond")

    found, _ = ran(Computing(fail), rows_of(1))
    assert found == [("INTERNAL", "m: failed (RuntimeError: first second)")]
    assert "Traceback" in caplog.text  # for the operator


@pytest.mark.parametrize("rows", [None, [1, 1]])
def test_what_is_stopped_is_not_run_again(rows):
    def fail(x):
        raise Interrupted

    network = Computing(fail)
    found, _ = ran(network, rows_of(2), rows)
    assert {code for code, _ in found} == {"CANCELLED"}
    assert network.runs == 1


def test_no_output_is_an_answer_too():
    (found,), _ = ran(Computing(lambda x: x[:0]), rows_of(2))
    assert found.shape == (0, 2)
