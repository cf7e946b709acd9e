"""An array goes out and its labels come back, with the axes that it had."""

from __future__ import annotations

import numpy as np
import pytest

from cytomill.client import arrays
from cytomill.errors import InputError, OptionError
from cytomill.image.core import Image
from cytomill.image.formats import open_images
from cytomill.image.tiff_write import write_labels


@pytest.mark.parametrize(
    ("shape", "axes", "kept"),
    [
        ((5, 7), None, (5, 7)),
        ((3, 5, 7), None, (3, 5, 7)),
        ((3, 5, 7), "CYX", (5, 7)),
        ((5, 7, 1), "YXZ", (1, 5, 7)),
        ((2, 3, 4, 5, 7), None, (2, 4, 5, 7)),
        ((1, 5, 7), "TYX", (1, 5, 7)),
    ],
)
@pytest.mark.parametrize("dtype", ["uint16", "float64", "bool", "int64"])
def test_there_and_back(tmp_path, shape, axes, kept, dtype):
    array = (np.arange(np.prod(shape)).reshape(shape) % 5).astype(dtype)
    declared = arrays.write(tmp_path / "a.tif", array, axes, 0.5)
    with open_images(tmp_path / "a.tif") as file:
        (image,) = file.images
        assert image.pixel_size is not None
        assert image.pixel_size.x == pytest.approx(0.5)
        sizes = (image.shape[0], *image.shape[2:])
        plane = image.read(0, 0, 0)
        found = Image(declared, image.axes, image.shape, image.dtype, image.source)
        labels = np.zeros(sizes, np.uint16)
        labels[0, 0] = plane
        write_labels(tmp_path / "l.tif", labels, found)
    back = arrays.read_labels(tmp_path / "l.tif", declared)
    assert back.shape == kept
    assert back.dtype == np.uint16
    assert np.array_equal(back.reshape(sizes), labels)


def test_what_is_no_image_is_refused(tmp_path):
    with pytest.raises(InputError, match="is empty"):
        arrays.write(tmp_path / "a.tif", np.zeros((0, 3)))


def test_an_array_is_not_measured():
    schema = {"properties": {"measure": {}, "radius": {}}}
    assert arrays.unmeasured({"radius": 2}, schema) == {"radius": 2, "measure": False}
    assert arrays.unmeasured({"radius": 2}, {"properties": {}}) == {"radius": 2}
    with pytest.raises(OptionError, match="labels only"):
        arrays.unmeasured({"measure": True}, schema)
