"""What a worker loads: the views of one model."""

from __future__ import annotations

from pathlib import Path

from ...models import registry
from ...models.description import Description
from ...models.library import built_in
from ...models.package import read
from ...models.weights import Weights
from .. import load
from ..runtime import Runtime
from .sources import bare


def views(name: str, path: Path, device: load.Device, threads: int) -> dict[str, Runtime]:
    """The runtimes of a model by the ending of their served name; raises `CytomillError`."""
    if bare(path):
        found = {"": load.package_runtime(_undescribed(name, path), device=device, threads=threads)}
    elif path == built_in().get(name):
        found = load.views(registry.find(name), device, threads)
    else:
        found = load.views(read(path), device, threads)
    for ending, runtime in found.items():
        runtime.name = name + ending  # errors name the model as the client does
    return found


def batched(path: Path) -> bool | None:
    """Whether the first axis of every tensor is a batch; None where nobody says."""
    if bare(path):
        return None
    description = read(path)
    tensors = (*description.inputs, *description.outputs)
    return all(tensor.axes[:1] and tensor.axes[0].kind == "batch" for tensor in tensors)


def _undescribed(name: str, path: Path) -> Description:
    return Description(
        name=name,
        version="",
        description="",
        license="",
        authors=(),
        format="",
        folder=path.parent,
        source=path,
        inputs=(),
        outputs=(),
        weights=(Weights(path, None),),
    )
