"""A model asked with raw pixels: they travel once, and what comes back is small.

``NAME.pixels`` is a *view* of the model ``NAME``: it normalises, resamples to the model's grid,
pads, predicts, crops, and shrinks the three maps to the one relief that the watershed divides. A
camera's image of 2.8 MB then costs 5.5 MB on the way to a model server and back, where the
network's own tensors would be 5.5 MB to it and 4.1 MB back, and tiles of them several times that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.card import Model
from ..ops.grid import Box, Grid
from ..ops.normalise import Levels, levels, normalise
from ..ops.watershed import Watershed, relief
from .runtime import Port, Runtime, Tensors
from .stop import Stop

#: What the name of a view ends in.
SUFFIX = ".pixels"

#: Pixels of the model's grid above which a request is refused: 8192 x 8192, far above what a
#: pipeline asks for at once, and below what would exhaust a server's memory.
LARGEST = 2**26

#: Scales between which a request makes sense, an order of magnitude beyond what any pipeline asks.
SCALES = (1e-3, 1e3)

#: ``pixels`` is a rectangle of a plane. ``plane`` is the (y, x) of the whole plane in pixels, by
#: default that of the rectangle; ``scale`` the (y, x) pixels of the model's grid per pixel of the
#: plane, by default 1; ``area`` the rectangle of the model's grid that is asked for (y0, x0, y1,
#: x1), by default all of it. ``pixels`` must be what `Grid.on_image` says of ``area`` and
#: `Grid.margin`. ``levels`` are the intensities that become 0 and 1, by default the rectangle's;
#: ``knee`` is that of `Levels`, which without it are linear.
INPUTS = (
    Port("pixels", np.dtype(np.uint16), (-1, -1), real=True),
    Port("plane", np.dtype(np.int64), (2,), optional=True),
    Port("scale", np.dtype(np.float64), (2,), optional=True),
    Port("area", np.dtype(np.int64), (4,), optional=True),
    Port("levels", np.dtype(np.float64), (2,), optional=True),
    Port("knee", np.dtype(np.float64), (1,), optional=True),
)

#: ``relief`` is what `cytomill.ops.watershed.divide` takes, ``maps`` what
#: `cytomill.ops.watershed.watershed` does, both over ``area``.
OUTPUTS = (
    Port("relief", np.dtype(np.uint16), (-1, -1)),
    Port("maps", np.dtype(np.uint8), (3, -1, -1)),
)


class Pixels(Runtime):
    """The view of ``model``, whose ``network`` runs here or on a server.

    See `INPUTS` and `OUTPUTS` for its tensors; without a word about outputs it gives both.
    """

    inputs, outputs = INPUTS, OUTPUTS

    def __init__(self, model: Model, network: Runtime) -> None:
        self.name = model.name + SUFFIX
        self.weights, self.device = network.weights, network.device
        self._model, self._network = model, network
        self._watershed = Watershed(**model.settings["watershed"])

    def infer(
        self, tensors: Tensors, outputs: Sequence[str] | None = None, stop: Stop | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """See `Runtime.infer`."""
        wanted = self.checked(tensors, outputs)
        pixels: NDArray[Any] = tensors["pixels"]
        # Files may be of the other byte order, which no message can carry.
        pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        grid, area = self._geometry(tensors)
        between = self._levels(tensors) or levels(pixels.shape, lambda y, x: pixels[y, x])
        x = _prepared(pixels, between, grid, area, self._model.stride)
        tensor = {self._network.inputs[0].name: x[None, None]}
        first = self._network.outputs[0].name
        maps: NDArray[Any] = self._network.infer(tensor, [first], stop)[first][0]
        maps = maps[:, : area.shape[0], : area.shape[1]]
        return {
            name: relief(maps, self._watershed) if name == "relief" else maps for name in wanted
        }

    def close(self) -> None:
        """See `Runtime.close`."""
        self._network.close()

    def _geometry(self, tensors: Tensors) -> tuple[Grid, Box]:
        """The grid over the plane, and the area; raises `ModelError` for what contradicts itself.

        A server must not work, or allocate, by numbers that it did not check.
        """
        given = tensors["pixels"].shape
        height, width = (int(size) for size in tensors.get("plane", given))
        sy, sx = (float(scale) for scale in tensors.get("scale", (1.0, 1.0)))
        least, most = SCALES
        if min(height, width) < 1 or not all(least <= s <= most for s in (sy, sx)):
            raise ModelError(
                f"{self.name}: a plane must have pixels and a scale between {least:g} and "
                f"{most:g}; they are {height} x {width} and {sy:g} x {sx:g}"
            )
        grid = Grid((height, width), (sy, sx))
        whole = Box(0, 0, *grid.model_shape)
        area = Box(*map(int, tensors["area"])) if "area" in tensors else whole
        if area.grown(0, grid.model_shape) != area or min(area.shape) < 1:
            raise ModelError(
                f"{self.name}: area {area.y0}, {area.x0} to {area.y1}, {area.x1} is no rectangle "
                f"of the model's grid, which is {whole.y1} x {whole.x1}"
            )
        if area.shape[0] * area.shape[1] > LARGEST:
            raise ModelError(
                f"{self.name}: area is {area.shape[0]} x {area.shape[1]} pixels; at most {LARGEST} "
                "are taken at once: use smaller tiles"
            )
        expected = grid.on_image(area, grid.margin).shape
        if given != expected:
            raise ModelError(
                f"{self.name}: pixels are {given[0]} x {given[1]}; this area of the plane takes "
                f"{expected[0]} x {expected[1]}"
            )
        return grid, area

    def _levels(self, tensors: Tensors) -> Levels | None:
        """Those that were given; raises `ModelError` for a knee that has no levels."""
        if "levels" not in tensors:
            if "knee" in tensors:
                raise ModelError(f"{self.name}: a knee needs the levels that it lies between")
            return None
        low, high = map(float, tensors["levels"])
        knee = float(tensors["knee"][0]) if "knee" in tensors else None
        if knee is not None and not 0 < knee < np.inf:
            raise ModelError(f"{self.name}: a knee must be above 0 and finite; it is {knee:g}")
        return Levels(low, high, knee)


def _prepared(
    pixels: NDArray[Any], between: Levels, grid: Grid, area: Box, stride: int
) -> NDArray[np.float32]:
    """``pixels`` as a network takes them: normalised, on its grid, and of the size it needs.

    They are mirrored at the bottom and right up to multiples of ``stride``.
    """
    height, width = area.shape
    x = np.empty([-(-n // stride) * stride for n in area.shape], np.float32)
    inside = x[:height, :width]
    if grid.exact:
        normalise(pixels, between, inside)
    else:
        at = grid.on_image(area, grid.margin)
        inside[:] = grid.to_model(normalise(pixels, between), at, area)
    y_of, x_of = (
        np.pad(np.arange(n), (0, more - n), mode="symmetric")
        for n, more in zip(area.shape, x.shape, strict=True)
    )
    x[height:, :width] = x[y_of[height:], :width]
    x[:, width:] = x[:, x_of[width:]]
    return x
