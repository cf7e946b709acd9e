"""A model server without a protocol, for tests, and networks whose answers tell who asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from onnx import TensorProto, helper

from cytomill.inference.server.options import Options
from cytomill.inference.server.request import Answer, Request
from cytomill.inference.server.service import Service
from cytomill.inference.stop import Stop

from . import networks
from .zoo import constant

#: Seconds after which a test has hung.
PATIENCE = 120.0

#: Turns of `busy` that no test waits for.
FOR_EVER = 10**6

_SIDE = 128


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in a loop of its own."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), PATIENCE))

    return run


@asynccontextmanager
async def serving(folder: Path | None = None, **options: Any) -> AsyncIterator[Service]:
    """A service on the CPU with one thread per model; it leaves no process behind."""
    service = Service(Options(**{"models": folder, "device": "cpu", "threads": 1} | options))
    await service.start()
    try:
        yield service
    finally:
        await service.drain(0)
        assert not children()


def children() -> list[psutil.Process]:
    """The workers of this process, dead ones that nobody asked after among them."""
    found = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # another that just ended
            dead = process.status() == psutil.STATUS_ZOMBIE
            if dead or "cytomill.inference.server.worker" in process.cmdline():
                found.append(process)
    return found


async def ask(
    service: Service, model: str, x: Any, turns: int | None = None, **more: Any
) -> np.ndarray:
    """The output y for rows that hold ``x`` four times each."""
    answer = await answered(service, model, x, turns, **more)
    return answer.outputs["y"]


async def answered(
    service: Service, model: str, x: Any, turns: int | None = None, **more: Any
) -> Answer:
    """The answer for rows that hold ``x`` four times each."""
    inputs = {"x": rows(x)}
    if turns is not None:
        inputs["turns"] = np.asarray(turns, np.int64)
    return await service.infer(Request(model, "", "", inputs, **{"stop": Stop()} | more))


def rows(x: Any) -> np.ndarray:
    """Each number of ``x`` four times."""
    return np.repeat(np.atleast_1d(np.asarray(x, np.float32))[:, None], 4, 1)


async def until(promise: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not promise():
        await asyncio.sleep(0.01)


def linear(path: Path, factor: float, offset: float) -> Path:
    """``y`` is ``factor * x + offset``, float32 of (batch, 4)."""
    tensor = (TensorProto.FLOAT, ["batch", 4])
    nodes = [
        constant("factor", float(factor)),
        constant("offset", float(offset)),
        helper.make_node("Mul", ["x", "factor"], ["product"]),
        helper.make_node("Add", ["product", "offset"], ["y"]),
    ]
    return networks.save(path, nodes, {"x": tensor}, {"y": tensor})


def busy(path: Path, loops: int = 20) -> Path:
    """``y`` is ``x + 1`` after ``turns`` of each of ``loops``, which 0.1 ms or less is spent on.

    A run that is called off ends after the loop that it is in.
    """
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "unit"], ["next"]),
            helper.make_node("Identity", ["keep"], ["still"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("keep", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [_SIDE, _SIDE]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [_SIDE, _SIDE]),
        ],
    )
    nodes = [
        constant("unit", np.eye(_SIDE, dtype=np.float32)),
        constant("yes", np.asarray(True)),
        constant("state 0", np.ones((_SIDE, _SIDE), np.float32)),
    ]
    for number in range(loops):
        inputs = ["turns", "yes", f"state {number}"]
        nodes.append(helper.make_node("Loop", inputs, [f"state {number + 1}"], body=body))
    nodes.append(helper.make_node("ReduceMin", [f"state {loops}"], ["one"], keepdims=0))
    nodes.append(helper.make_node("Add", ["x", "one"], ["y"]))
    tensor = (TensorProto.FLOAT, ["batch", 4])
    inputs = {"x": tensor, "turns": (TensorProto.INT64, [])}
    return networks.save(path, nodes, inputs, {"y": tensor})
