"""Whether a model gives here what its package says it gives: its test tensors, run and compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CytomillError, ModelError
from ..image.formats import open_images
from ..models.description import Description, Tensor, Tolerance
from .load import Device, package_runtime
from .network import Network

#: The axes of an image, in the words of descriptions.
_AXES = {"T": "time", "C": "channel", "Z": "z", "Y": "y", "X": "x"}


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How near one output came.

    ``largest`` is the largest absolute difference, ``mismatched`` how many of a million elements
    are further off than ``tolerance`` allows; ``passed`` says whether these are few enough.
    ``seconds`` is the time of the prediction of all outputs.
    """

    output: str
    largest: float
    mismatched: float
    passed: bool
    tolerance: Tolerance
    seconds: float


def reproduce(
    description: Description, kind: str | None = None, device: Device = "auto"
) -> list[Reproduction]:
    """Run the test inputs of a package through it and compare with its test outputs.

    ``kind`` of weights as in `package_runtime`. Raises `ModelError` for test tensors that are
    missing, damaged or of other shapes than described, and where the model cannot run.
    """
    inputs = {
        tensor.id: array
        for tensor in description.inputs
        if (array := _test(tensor, needed=not tensor.optional)) is not None
    }
    expected = {tensor.id: _needed(tensor) for tensor in description.outputs}
    runtime = package_runtime(description, kind, device)
    try:
        network = Network(description, runtime)
        start = perf_counter()
        found = network.predict(inputs)
        seconds = perf_counter() - start
    finally:
        runtime.close()
    weights = runtime.weights.kind
    return [
        _compare(name, found[name], array, description.allowed(name, weights), seconds)
        for name, array in expected.items()
    ]


def _compare(
    name: str, found: NDArray[Any], expected: NDArray[Any], tolerance: Tolerance, seconds: float
) -> Reproduction:
    if found.shape != expected.shape:
        raise ModelError(
            f"output {name!r}: is of {' x '.join(map(str, found.shape))} elements, its test tensor "
            f"of {' x '.join(map(str, expected.shape))}"
        )
    ours, theirs = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.abs(ours - theirs)
        apart[(ours == theirs) | (np.isnan(ours) & np.isnan(theirs))] = 0  # infinities are alike
        allowed = tolerance.absolute + tolerance.relative * np.abs(theirs)
        far = (apart != 0) & ~(apart <= allowed)
    mismatched = 1e6 * float(far.mean()) if far.size else 0.0
    return Reproduction(
        name,
        float(apart.max(initial=0)),
        mismatched,
        mismatched <= tolerance.mismatched,
        tolerance,
        seconds,
    )


def _needed(tensor: Tensor) -> NDArray[Any]:
    array = _test(tensor, needed=True)
    assert array is not None
    return array


def _test(tensor: Tensor, *, needed: bool) -> NDArray[Any] | None:
    """The test tensor of ``tensor``; None where there is none and none is needed."""
    if tensor.test is None:
        if needed:
            raise ModelError(f"tensor {tensor.id!r}: its description names no test tensor")
        return None
    tensor.test.check()
    return read_tensor(tensor.test.path, tensor)


def read_tensor(path: Path, tensor: Tensor) -> NDArray[Any]:
    """A file of values of ``tensor``, with its axes: a NumPy array or an image.

    Raises `ModelError` for a file that is neither or whose axes do not fit.
    """
    if path.suffix.lower() == ".npy":
        try:
            array: NDArray[Any] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ModelError(f"{path}: is no NumPy array ({error})") from error
        if array.ndim != len(tensor.axes):
            raise ModelError(
                f"{path}: has {array.ndim} axes; tensor {tensor.id!r} has {len(tensor.axes)}"
            )
        return array
    try:
        return _image(path, tensor)
    except CytomillError as error:
        raise ModelError(f"{path}: cannot be read as tensor {tensor.id!r} ({error})") from error


def _image(path: Path, tensor: Tensor) -> NDArray[Any]:
    """The first image of a file, its axes named and moved to those of ``tensor``."""
    with open_images(path) as file:
        image = file.images[0]
        frames, channels, depth, *_ = image.shape
        pixels = np.stack(
            [
                np.stack(
                    [np.stack([image.read(t, c, z) for z in range(depth)]) for c in range(channels)]
                )
                for t in range(frames)
            ]
        )
    ids = [axis.id for axis in tensor.axes]
    for place in reversed(range(5)):
        if _AXES["TCZYX"[place]] not in ids:
            if pixels.shape[place] > 1:
                raise ModelError(f"it has {pixels.shape[place]} elements along {'TCZYX'[place]}")
            pixels = pixels.squeeze(place)
    own = [name for name in _AXES.values() if name in ids]
    present = [name for name in ids if name in own]
    pixels = pixels.transpose([own.index(name) for name in present])
    for place, name in enumerate(ids):
        if name not in own:
            pixels = np.expand_dims(pixels, place)
    return pixels
