from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.errors import ModelError
from cytomill.inference.load import models
from cytomill.inference.pixels import LARGEST, Pixels
from cytomill.inference.runtime import Port, Runtime
from cytomill.models.registry import find
from cytomill.ops.grid import Box, Grid
from cytomill.ops.normalise import Levels, levels, normalise
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.ops.watershed import Watershed, watershed
from cytomill.ops.watershed import relief as relief_of
from cytomill.testing import RuntimeTests

PLANE, _ = nuclei(Scene((150, 201), coverage=0.3))
LOADED = models("cpu", 2)


class TestPixels(RuntimeTests):
    @pytest.fixture
    def runtime(self):
        return LOADED["nuclei.pixels"]


class Echo(Runtime):
    """A network that gives back its input, so that only the geometry is at work."""

    name, device, weights = "echo", "cpu", find("nuclei").weights
    inputs = (Port("x", np.dtype(np.float32), (-1, 1, -1, -1)),)
    outputs = (Port("maps", np.dtype(np.uint8), (-1, 3, -1, -1)),)
    closed = False

    def infer(self, tensors, outputs=None, stop=None):
        self.checked(tensors, outputs)
        x = np.clip(tensors["x"] * 100, 0, 255).astype(np.uint8)
        assert all(size % find("nuclei").stride == 0 for size in x.shape[2:])
        return {"maps": np.repeat(x, 3, 1)}

    def close(self):
        self.closed = True


def echo() -> Pixels:
    return Pixels(find("nuclei"), Echo())


def asked(grid: Grid, area: Box, plane=PLANE, between: Levels | None = None) -> dict:
    """The tensors that ask for ``area`` of ``plane``."""
    tensors = {
        "pixels": plane[grid.on_image(area, grid.margin).slices],
        "plane": np.array(grid.shape),
        "scale": np.array(grid.scale),
        "area": np.array([area.y0, area.x0, area.y1, area.x1]),
    }
    if between:
        tensors["levels"] = np.array([between.low, between.high])
    return tensors


def test_raw_pixels_give_what_the_steps_one_by_one_give():
    view, model = LOADED["nuclei.pixels"], find("nuclei")
    between = levels(PLANE.shape, lambda y, x: PLANE[y, x])
    x = normalise(PLANE, between)
    x = np.pad(x, [(0, -n % model.stride) for n in x.shape], mode="symmetric")
    maps = LOADED["nuclei"].predict(x[None, None])[0, :, : PLANE.shape[0], : PLANE.shape[1]]
    found = view.infer({"pixels": PLANE})
    how = Watershed(**model.settings["watershed"])
    assert np.array_equal(found["maps"], maps)
    assert np.array_equal(found["relief"], relief_of(maps, how))
    assert watershed(found["maps"], how).labels.max() > 10


def test_levels_and_knee_are_those_that_were_asked_for():
    between = levels(PLANE.shape, lambda y, x: PLANE[y, x], "log")
    assert between.knee is not None
    x = normalise(PLANE, between)
    x = np.pad(x, [(0, -n % find("nuclei").stride) for n in x.shape], mode="symmetric")
    expected = LOADED["nuclei"].predict(x[None, None])[0, :, : PLANE.shape[0], : PLANE.shape[1]]
    found = LOADED["nuclei.pixels"].infer(
        {
            "pixels": PLANE,
            "levels": np.array([between.low, between.high]),
            "knee": np.array([between.knee]),
        }
    )
    assert np.array_equal(found["maps"], expected)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_rectangle_at_any_scale_is_that_of_the_whole(data):
    """So tiles agree, whoever cuts them and wherever they are computed."""
    scale = tuple(data.draw(st.sampled_from([1.0, 0.4, 0.9, 1.7, 3.0])) for _ in "yx")
    grid = Grid(PLANE.shape, scale)
    height, width = grid.model_shape
    y0, x0 = (data.draw(st.integers(0, size - 1)) for size in (height, width))
    y1, x1 = data.draw(st.integers(y0 + 1, height)), data.draw(st.integers(x0 + 1, width))
    between, area = Levels(90.0, 900.0), Box(y0, x0, y1, x1)
    whole = echo().infer(asked(grid, Box(0, 0, height, width), between=between))["maps"]
    part = echo().infer(asked(grid, area, between=between))["maps"]
    assert part.shape == (3, *area.shape)
    apart = np.abs(part.astype(int) - whole[:, y0:y1, x0:x1].astype(int))
    assert apart.max() <= 1  # the last bit of the filter depends on where its rows begin


@pytest.mark.parametrize("kind", ["?", "u1", "i1", "i2", "<u2", ">u2", "i4", ">f4", "f2", "f8"])
def test_every_real_data_type_is_taken_whatever_its_byte_order(kind):
    pixels = (PLANE / 20).astype(kind)
    found = echo().infer({"pixels": pixels}, ["maps"])["maps"]
    native = echo().infer({"pixels": pixels.astype(np.dtype(kind).newbyteorder("="))})["maps"]
    assert np.array_equal(found, native)
    with pytest.raises(ModelError, match="was given complex64"):
        echo().infer({"pixels": pixels.astype(np.complex64)})


WHOLE = asked(Grid(PLANE.shape), Box(0, 0, *PLANE.shape))
BAD = {
    "no plane": ({"plane": [0, 201]}, "a plane must have pixels"),
    "a plane less than none": ({"plane": [-5, 201]}, "a plane must have pixels"),
    "no scale": ({"scale": [0.0, 1.0]}, "a scale between 0.001 and 1000"),
    "a scale that is no number": ({"scale": [float("nan"), 1.0]}, "a scale between"),
    "a scale beyond reason": ({"scale": [1e-200, 1.0]}, "a scale between"),
    "an area outside": ({"area": [0, 0, 151, 201]}, "no rectangle of the model's grid.*150 x 201"),
    "an area of nothing": ({"area": [5, 5, 5, 9]}, "no rectangle"),
    "an area turned round": ({"area": [9, 9, 5, 5]}, "no rectangle"),
    "pixels of another area": ({"area": [0, 0, 20, 201]}, "pixels are 150 x 201.* takes 20 x 201"),
    "more than memory holds": ({"scale": [100.0, 100.0], "area": None}, f"at most {LARGEST} are"),
    "a tensor of another size": ({"area": [0, 0, 5]}, "takes area, int64 of 4"),
    "a knee without levels": ({"knee": [3.0]}, "a knee needs the levels"),
    "a knee of nothing": ({"levels": [0.0, 9.0], "knee": [0.0]}, "a knee must be above 0"),
    "a knee that is no number": (
        {"levels": [0.0, 9.0], "knee": [float("nan")]},
        "a knee must be above 0",
    ),
    "what it does not know": ({"threshold": [1.0]}, "has no input 'threshold'"),
}


@pytest.mark.parametrize(("change", "told"), BAD.values(), ids=BAD)
def test_geometry_that_contradicts_itself_is_refused(change, told):
    tensors = {**WHOLE}
    for name, value in change.items():
        tensors[name] = np.array(value)
        if value is None:
            del tensors[name]
    with pytest.raises(ModelError, match=rf"nuclei\.pixels: .*{told}"):
        echo().infer(tensors)


def test_it_runs_as_its_network_and_closes_it():
    view = LOADED["nuclei.pixels"]
    assert (view.device, view.weights) == (LOADED["nuclei"].device, LOADED["nuclei"].weights)
    network = Echo()
    Pixels(find("nuclei"), network).close()
    assert network.closed
