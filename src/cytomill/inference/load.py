"""Which runtime runs a model on this machine."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from typing import Literal, get_args

from ..errors import ModelError, OptionError
from ..models.card import Model
from ..models.description import Description
from ..models.library import built_in
from ..models.package import read
from ..models.registry import find
from ..models.weights import Weights
from . import cpu
from .pixels import SUFFIX, Pixels
from .places import DNS, Dns
from .runtime import Models, Runtime

#: Where a model runs; ``auto`` is CUDA where there is a device, else the CPU.
Device = Literal["auto", "cpu", "cuda"]

#: Kinds of weights that are run, the first choice first.
_RUN = ("onnx", "torchscript")


def cores() -> int:
    """Cores that this process may use: what a container or a batch system left of the machine."""
    return len(os.sched_getaffinity(0))


def runtime(model: Model, device: Device, threads: int) -> Runtime:
    """Load ``model`` for ``threads`` inferences at once, on a CPU at most one per core.

    Raises `OptionError` for a device that is unknown or not there, `ModelError`.
    """
    check_device(device)
    threads = min(threads, cores())
    if _may_be_cuda(device):
        found = _on_cuda(model.name, model.weights, device, threads)
        if found is not None:
            return found
    return cpu.fast(model.name, model.weights, threads, model.int8)


def package_runtime(
    description: Description,
    kind: str | None = None,
    device: Device = "auto",
    threads: int | None = None,
) -> Runtime:
    """The network of a described model, with the ports that its weights have.

    ``kind`` are weights such as ``onnx``; by default those that run here, ONNX before TorchScript,
    the first that can be loaded. Computes in float32 on a CPU. ``threads`` inferences run at once,
    by default all cores. Raises `OptionError` for a device that is unknown or not there,
    `ModelError` for a kind that there is not or that is not run.
    """
    check_device(device)
    threads = min(threads or cores(), cores())
    fault: ModelError | None = None
    for weights in _chosen(description, kind):
        weights.check()
        try:
            if weights.kind == "onnx":
                return _onnx(description, weights, device, threads)
            return _torchscript(description, weights, device, threads)
        except ModelError as error:
            fault = fault or error
    assert fault is not None
    raise fault


def views(source: Model | Description, device: Device, threads: int) -> dict[str, Runtime]:
    """What a server offers of a model, by the ending of its name.

    The network itself, and the view that takes images as they are. Raises as `runtime` and
    `package_runtime` do.
    """
    if isinstance(source, Model):
        network = runtime(source, device, threads)
        return {"": network, SUFFIX: Pixels(source, network)}
    from .described import Described
    from .network import Network

    network = package_runtime(source, device=device, threads=threads)
    return {"": network, SUFFIX: Described(Network(source, network, min(threads, cores())))}


def check_device(device: str) -> None:
    """Raise `OptionError` for a word that is no `Device`."""
    if device not in get_args(Device):
        raise OptionError(f"--device {device}: must be {', '.join(get_args(Device))}")


def check_undecided(device: str) -> None:
    """Raise `OptionError` for a device where a model server has one."""
    if device != "auto":
        raise OptionError(f"--device {device}: the model server decides; leave it out")


def _chosen(description: Description, kind: str | None) -> list[Weights]:
    """The weights to try, in that order; never none."""
    if kind is not None and kind in description.refused:
        raise ModelError(f"{description.name}: {kind}: {description.refused[kind]}")
    found = [w for want in _RUN for w in description.usable if w.kind == want]
    if kind is not None:
        found = [weights for weights in found if weights.kind == kind]
    if not found:
        have = [
            f"{w.kind} ({description.refused.get(w.kind, 'runs')})" for w in description.weights
        ]
        wanted = f"no {kind} weights" if kind else "no weights that run here"
        raise ModelError(f"{description.name}: has {wanted}; it has {', '.join(have) or 'none'}")
    return found


def _onnx(description: Description, weights: Weights, device: Device, threads: int) -> Runtime:
    if _may_be_cuda(device):
        found = _on_cuda(description.name, weights, device, threads)
        if found is not None:
            return found
    return cpu.exact(description.name, weights, threads)


def _torchscript(
    description: Description, weights: Weights, device: Device, threads: int
) -> Runtime:
    from .torchscript import TorchScript, has_cuda, ports

    cuda = device == "cuda" or (_may_be_cuda(device) and has_cuda())
    inputs, outputs = ports(description)
    return TorchScript(
        description.name,
        weights,
        threads,
        inputs=inputs,
        outputs=outputs,
        cores=cores(),
        cuda=cuda,
    )


def _on_cuda(name: str, weights: Weights, device: Device, threads: int) -> Runtime | None:
    """The model on a CUDA device; None where ``auto`` finds that there is none."""
    try:
        from .onnxrt import OnnxRuntime, has_cuda
    except ModuleNotFoundError as error:
        if device == "auto":
            return None
        raise OptionError(
            "--device cuda: ONNX Runtime is not installed; pip install onnxruntime-gpu, or use "
            "--device cpu"
        ) from error

    if device == "cuda":
        return OnnxRuntime(name, weights, threads, cuda=True)
    with suppress(OptionError):  # the driver may be there without a device
        if has_cuda():
            return OnnxRuntime(name, weights, threads, cuda=True)
    return None


def _may_be_cuda(device: Device) -> bool:
    return device == "cuda" or (device == "auto" and _has_driver())


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

    They are asked for by name, or by what `cytomill.models.package.read` takes. With ``server``,
    ``grpc://HOST:PORT``, they are those of a model server, with ``grpc+dns://HOST:PORT`` of those
    at all addresses of a name. Raises `OptionError` for what is no
    such address, and for a device besides it.
    """
    if server is not None:
        check_undecided(device)
        try:
            from .remote import models as on_server
            from .several import Several
            from .several import models as on_several
        except ModuleNotFoundError as error:
            raise OptionError(
                f"--model-server: {error.name} is not installed; pip install cytomill[server]"
            ) from error
        if server.startswith(DNS):
            return on_several(Several(Dns(server)))
        return on_server(server)
    count = threads or cores()

    def load(name: str) -> Runtime:
        base = name.removesuffix(SUFFIX)
        if base not in built_in():
            return package_runtime(read(name), None, device, count)
        model = find(base)
        return runtime(model, device, count) if base == name else Pixels(model, made[base])

    made = Models(load)
    return made
