"""Which runtime runs a model on this machine."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Literal, get_args

from ..errors import OptionError
from ..models.card import Model
from ..models.registry import find
from .pixels import SUFFIX, Pixels
from .runtime import Models, Runtime

#: Where a model runs; ``auto`` is CUDA where there is a device, else the CPU.
Device = Literal["auto", "cpu", "cuda"]


def cores() -> int:
    """Cores that this process may use: what a container or a batch system left of the machine."""
    return len(os.sched_getaffinity(0))


def runtime(model: Model, device: Device, threads: int) -> Runtime:
    """Load ``model`` for ``threads`` inferences at once, on a CPU at most one per core.

    Raises `OptionError` for a device that is unknown or not there, `ModelError`.
    """
    if device not in get_args(Device):
        raise OptionError(f"--device {device}: must be {', '.join(get_args(Device))}")
    threads = min(threads, cores())
    if device == "cuda" or (device == "auto" and _has_driver()):
        from .onnxrt import OnnxRuntime, has_cuda

        if device == "cuda":
            return OnnxRuntime(model.name, model.weights, threads, cuda=True)
        with suppress(OptionError):  # the driver may be there without a device
            if has_cuda():
                return OnnxRuntime(model.name, model.weights, threads, cuda=True)
    from .openvino import OpenVino

    return OpenVino(model.name, model.weights, threads, int8=model.int8)


def _has_driver() -> bool:
    """Whether CUDA's driver is installed; asking costs less than importing ONNX Runtime."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def models(
    device: Device = "auto", threads: int | None = None, server: str | None = None
) -> Models:
    """The models of one run on ``device``: ``threads`` inferences at once, by default all cores.

    With ``server``, ``grpc://HOST:PORT``, they are those of a model server. Raises `OptionError`
    for what is no such address, and for a device besides it.
    """
    if server is not None:
        if device != "auto":
            raise OptionError(f"--device {device}: the model server decides; leave it out")
        try:
            from .remote import models as on_server
        except ModuleNotFoundError as error:
            raise OptionError(
                f"--model-server: {error.name} is not installed; pip install cytomill[server]"
            ) from error
        return on_server(server)
    count = threads or cores()

    def load(name: str) -> Runtime:
        base = name.removesuffix(SUFFIX)
        model = find(base)
        return runtime(model, device, count) if base == name else Pixels(model, made[base])

    made = Models(load)
    return made
