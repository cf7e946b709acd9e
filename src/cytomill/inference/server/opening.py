"""What a worker loads: the views of one model."""

from __future__ import annotations

from pathlib import Path

from ...models import registry
from ...models.package import read
from ...models.weights import Weights
from ..load import Device, runtime
from ..openvino import OpenVino
from ..pixels import SUFFIX, Pixels
from ..runtime import Runtime
from .sources import bare


def views(path: Path, device: Device, threads: int) -> dict[str, Runtime]:
    """The runtimes of a model by the ending of their served name; raises `CytomillError`."""
    if bare(path):
        return {"": OpenVino(path.stem, Weights(path, None), threads, exact=True)}
    model = registry.find(path.name)
    network = runtime(model, device, threads)
    return {"": network, SUFFIX: Pixels(model, network)}


def batched(path: Path) -> bool | None:
    """Whether the first axis of every tensor is a batch; None where nobody says."""
    if bare(path):
        return None
    description = read(path)
    tensors = (*description.inputs, *description.outputs)
    return all(tensor.axes[:1] and tensor.axes[0].kind == "batch" for tensor in tensors)
