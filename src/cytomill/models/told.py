"""A description as plain values: what ``cytomill models show`` prints."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from ..errors import ModelError
from .card import Model
from .description import Axis, Description, Tensor
from .processing import Chain
from .sizes import told
from .weights import Weights

#: What says that weights can be run.
RUNS = "runs here"


def tell(description: Description) -> dict[str, Any]:
    """Everything about a model but its files' content, in the order in which it is read."""
    return {
        "name": description.name,
        **_unless_empty("id", description.id),
        "version": description.version,
        "description": description.description,
        "license": description.license,
        "authors": list(description.authors),
        **_unless_empty("cite", list(description.cite)),
        **_unless_empty("tags", list(description.tags)),
        "format": description.format,
        "folder": str(description.folder),
        "inputs": [_tensor(tensor) for tensor in description.inputs],
        "outputs": [_tensor(tensor) for tensor in description.outputs],
        "weights": {
            weights.kind: _weights(description, weights) for weights in description.weights
        },
        **_card(description),
    }


def runs(description: Description, weights: Weights) -> str:
    """Whether weights can be run on this machine: `RUNS`, or why not."""
    if weights.kind in description.refused:
        return f"not run: {description.refused[weights.kind]}"
    if weights.kind == "torchscript" and importlib.util.find_spec("torch") is None:
        return "not run: PyTorch is missing; pip install cytomill[torchscript]"
    for tensor in (*description.inputs, *description.outputs):
        try:
            Chain.of(tensor)
        except ModelError as error:
            return f"not run: {error}"
    return RUNS


def _weights(description: Description, weights: Weights) -> dict[str, Any]:
    files = {weights.path.name: weights.sha256}
    if weights.external is not None:
        files[weights.external.path.name] = weights.external.sha256
    return {"files": files, "status": runs(description, weights)}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.id,
        **_unless_empty("description", tensor.description),
        "dtype": tensor.dtype,
        **({"optional": True} if tensor.optional else {}),
        **({"range": [_finite(end) for end in tensor.range]} if tensor.range else {}),
        "axes": [_axis(axis) for axis in tensor.axes],
        "processing": [{step.operator: dict(step.kwargs)} for step in tensor.steps],
        "test": str(tensor.test.path.name) if tensor.test else None,
    }


def _finite(number: float) -> float | None:
    """``number``, or None where it is no limit."""
    return number if abs(number) < float("inf") else None


def _axis(axis: Axis) -> dict[str, Any]:
    scaled = {"scale": axis.scale, "unit": axis.unit} if axis.unit else {}
    return {
        "name": axis.id,
        "size": told(axis.size),
        **({"halo": axis.halo} if axis.halo else {}),
        **scaled,
        **_unless_empty("channels", list(axis.names)),
    }


def _card(description: Description) -> dict[str, Any]:
    """What a model says of itself that a pipeline of ours is made for."""
    own = description.config.get("cytomill")
    if not isinstance(own, Mapping) or "maps" not in own:
        return {}
    model = Model.of(description)
    return {
        "maps": list(model.maps),
        "pixel_size_um": model.pixel_size,
        "stride_pixels": model.stride,
        "halo_pixels": model.halo,
        **_unless_empty("int8", model.int8.path.name if model.int8 else ""),
        **{key: model.settings[key] for key in ("watershed", "scores") if key in model.settings},
    }


def _unless_empty(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
