"""Running a network in a worker: one request, or several joined, none at the cost of another."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CytomillError, Interrupted
from ..runtime import Runtime, Tensors
from ..stop import Stop
from .block import Place, measure, write
from .pool import Pool
from .request import Code

log = logging.getLogger(__name__)

#: What libraries say where memory ran out, in lower case.
_NO_MEMORY = ("bad_alloc", "out of memory", "failed to allocate", "cannot allocate")

#: What became of a member: the places of its outputs, or a `Code`'s name and a message.
Member = list[Place] | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What to run: ``rows`` of each member along the first axis, None for a request on its own."""

    tensors: Tensors
    outputs: Sequence[str] | None
    rows: Sequence[int] | None
    stop: Stop


@dataclass(slots=True)
class Result:
    """What came of it, in the order of the members; the outputs are in ``block`` if there are any.

    ``infer`` are the nanoseconds in the network, which ran ``runs`` times. ``apart`` is set where
    its outputs show that its first axis is no batch.
    """

    members: list[Member] = field(default_factory=list)
    block: int | None = None
    size: int = 0
    fd: int | None = None
    infer: int = 0
    runs: int = 0
    apart: bool = False


#: Outputs of a member, or what its request failed with.
_Found = dict[str, NDArray[Any]] | tuple[str, str]


def run(runtime: Runtime, task: Run, pool: Pool) -> Result:
    """Run the network and put the outputs into a block of ``pool``; raises nothing."""
    result = Result()
    found = _joined(runtime, task, result) if task.rows else None
    if found is None:
        parts = _split(task.tensors, task.rows) if task.rows else [task.tensors]
        found = [_single(runtime, part, task, result) for part in parts]
    found = [_finite(runtime.name, each) for each in found]
    good = [each for each in found if isinstance(each, dict)]
    if good:
        try:
            arrays = [array for each in good for array in each.values()]
            result.block, block, result.fd = pool.take(measure(arrays))
        except (OSError, ValueError):
            message = f"{runtime.name}: there is not enough memory for the outputs; try again later"
            result.members = [_no_memory(message) for _ in found]
            return result
        result.size = block.size
        tensors = {
            f"{number} {name}": [array]
            for number, each in enumerate(good)
            for name, array in each.items()
        }
        places = iter(write(block, tensors))
        for each in found:
            if isinstance(each, dict):
                result.members.append([(name, *next(places)[1:]) for name in each])
            else:
                result.members.append(each)
    else:
        result.members = [each for each in found if isinstance(each, tuple)]
    return result


def _joined(runtime: Runtime, task: Run, result: Result) -> list[_Found] | None:
    """All members in one run; None where that does not work."""
    assert task.rows is not None
    begun = perf_counter_ns()
    try:
        found = runtime.infer(task.tensors, task.outputs, task.stop)
    except Interrupted:
        return [_stopped(runtime) for _ in task.rows]
    except Exception as error:
        # One of them may be at fault, which is then found out.
        log.info("%s: a batch failed (%s); its requests run one by one", runtime.name, error)
        return None
    finally:
        result.infer += perf_counter_ns() - begun
        result.runs += 1
    if any(array.shape[:1] != (sum(task.rows),) for array in found.values()):
        result.apart = True
        return None
    return list(_split(found, task.rows))


def _single(runtime: Runtime, tensors: Tensors, task: Run, result: Result) -> _Found:
    begun = perf_counter_ns()
    try:
        return runtime.infer(tensors, task.outputs, task.stop)
    except Interrupted:
        return _stopped(runtime)
    except CytomillError as error:
        if any(word in str(error).lower() for word in _NO_MEMORY):
            return _no_memory(str(error))
        # A network that takes any size may still not take this one; else the fault is its own.
        open_sizes = any(size < 0 for port in runtime.inputs for size in port.shape)
        code = Code.INVALID_ARGUMENT if open_sizes else Code.INTERNAL
        return code.name, _line(str(error))
    except MemoryError:
        return _no_memory(f"{runtime.name}: there is not enough memory to run it on this input")
    except Exception as error:
        log.exception("%s: failed", runtime.name)
        message = f"{runtime.name}: failed ({type(error).__name__}: {error})"
        return Code.INTERNAL.name, _line(message)
    finally:
        result.infer += perf_counter_ns() - begun
        result.runs += 1


def _split(tensors: Tensors, rows: Sequence[int]) -> list[dict[str, NDArray[Any]]]:
    ends = np.cumsum(rows)
    return [
        {name: array[end - count : end] for name, array in tensors.items()}
        for end, count in zip(ends, rows, strict=True)
    ]


def _finite(model: str, found: _Found) -> _Found:
    if isinstance(found, dict):
        for name, array in found.items():
            fault = _fault(array)
            if fault:
                return (
                    Code.INTERNAL.name,
                    f"model {model}: its output {name} holds {fault} for this input",
                )
    return found


def _fault(array: NDArray[Any]) -> str | None:
    """What of an array is no number."""
    if array.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        # A sum costs a tenth of looking at each; it may overflow without a fault.
        if np.isfinite(array.sum()):
            return None
    if np.isnan(array).any():
        return "NaN"
    return "infinity" if np.isinf(array).any() else None


def _stopped(runtime: Runtime) -> tuple[str, str]:
    return Code.CANCELLED.name, f"{runtime.name}: the request was called off"


def _no_memory(message: str) -> tuple[str, str]:
    return Code.RESOURCE_EXHAUSTED.name, _line(message)


def _line(message: str) -> str:
    return " ".join(message.split())[:2000]
