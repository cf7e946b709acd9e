"""Stopping one task of a consumer and no other: its inferences end, its calls are not repeated.

The models of a consumer are shared by all its tasks, and pipelines hand no `Stop` on. It is that of
the thread that asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from numpy.typing import NDArray

from ..errors import Interrupted
from ..inference.runtime import Models, Runtime, Tensors
from ..inference.stop import Stop

_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextmanager
def stopped_by(stop: Stop) -> Iterator[None]:
    """Inside, whatever is inferred ends once ``stop`` is set, and raises `Interrupted`."""
    token = _current.set(stop)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Stop | None:
    """The `Stop` of this thread's task; None outside of `stopped_by`."""
    return _current.get()


def check() -> None:
    """Raise `Interrupted` where the task of this thread is to stop."""
    if _current.get():
        raise Interrupted


def stoppable(models: Models) -> Models:
    """The same models, whose inferences heed `stopped_by`."""
    return Models(lambda name: _Stoppable(models[name]))


class _Stoppable(Runtime):
    """A runtime that is stopped by what its caller's thread says."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.name, self.weights, self.device = runtime.name, runtime.weights, runtime.device
        self.inputs, self.outputs = runtime.inputs, runtime.outputs

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[Any]]:
        """See `Runtime.infer`."""
        return self._runtime.infer(tensors, outputs, stop or _current.get())

    def close(self) -> None:
        """See `Runtime.close`."""
        self._runtime.close()
