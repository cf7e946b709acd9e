"""Steps of processing as descriptions list them: which operators there are, and what they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .description import Step, Tensor
from .fields import Field

#: Operators before the network, as format 0.5 calls them.
BEFORE = (
    "binarize",
    "clip",
    "ensure_dtype",
    "fixed_zero_mean_unit_variance",
    "scale_linear",
    "scale_range",
    "sigmoid",
    "softmax",
    "zero_mean_unit_variance",
)

#: Operators after it.
AFTER = (
    *BEFORE,
    "cellpose_flow_dynamics",
    "custom",
    "scale_mean_variance",
    "stardist_postprocessing",
)

#: Data types of tensors.
DTYPES = (
    "float32",
    "float64",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "bool",
)


def typed(steps: Sequence[Step], dtype: str, output: bool) -> tuple[Step, ...]:
    """``steps`` with the casts to the tensor's ``dtype`` that format 0.5 implies.

    Those of an input begin with a cast, and all end with one, unless they do already.
    """
    cast = Step("ensure_dtype", {"dtype": dtype})
    steps = list(steps)
    if not output and (not steps or steps[0].operator != "ensure_dtype"):
        steps.insert(0, cast)
    if not steps or steps[-1].operator not in ("ensure_dtype", "binarize"):
        steps.append(cast)
    return tuple(steps)


def check(
    fields: Sequence[Field], steps: Sequence[Step], own: Tensor, known: Sequence[str]
) -> None:
    """See that steps name axes of their tensor and tensors of the model; raises `ModelError`.

    ``fields`` are the steps as listed, ``steps`` what was read of each.
    """
    axes = [axis.id for axis in own.axes]
    for field, step in zip(fields, steps, strict=True):
        place = field.get("kwargs") or field
        _axes(place, step.kwargs, axes)
        reference = step.kwargs.get("reference_tensor")
        if reference is not None and reference not in known:
            raise place.need("reference_tensor").fault(
                f"is {reference!r}, and the tensors are {', '.join(known)}"
            )


def _axes(place: Field, kwargs: Mapping[str, object], axes: Sequence[str]) -> None:
    named = kwargs.get("axes")
    names = list(named) if isinstance(named, list | tuple) else []
    if named is not None and not isinstance(named, list | tuple):
        raise place.fault(f"axes must be a list, not {named!r}")
    if kwargs.get("axis") is not None:
        names.append(kwargs["axis"])
    for name in names:
        if name not in axes and name != "batch":  # the dataset, whether or not there is an axis
            raise place.fault(f"names the axis {name!r}, and the tensor's are {', '.join(axes)}")
