from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cytomill.image.array import from_array
from cytomill.image.tiff_write import write_labels
from cytomill.ops.grid import Box
from cytomill.pipelines import canvas as module
from cytomill.pipelines.canvas import SMALL, Canvas


@pytest.fixture(params=["memory", "disk"])
def place(request, monkeypatch, tmp_path):
    """Where labels lie: both must give the same."""
    if request.param == "disk":
        monkeypatch.setattr(module, "IN_MEMORY", 0)
    return tmp_path


def grid(rows: int, columns: int) -> np.ndarray:
    """As many objects of one pixel as there are pixels."""
    return np.arange(1, rows * columns + 1, dtype=np.int32).reshape(rows, columns)


def test_ids_go_on_from_part_to_part_and_plane_to_plane(place):
    canvas = Canvas((1, 2, 3, 4), place)
    labels = np.array([[1, 1], [0, 2]], np.int32)
    assert canvas.paste(0, 0, Box(0, 0, 2, 2), labels, 2) == 0
    assert canvas.paste(0, 0, Box(1, 2, 3, 4), labels, 2) == 2
    assert canvas.paste(0, 1, Box(0, 0, 2, 2), labels, 2) == 4
    stack = canvas.finish()
    assert canvas.count == 6
    assert stack[0, 0].tolist() == [[1, 1, 0, 0], [0, 2, 3, 3], [0, 0, 0, 4]]
    assert stack[0, 1].tolist() == [[5, 5, 0, 0], [0, 6, 0, 0], [0, 0, 0, 0]]


def test_what_an_earlier_part_took_stays(place):
    canvas = Canvas((1, 1, 1, 3), place)
    canvas.paste(0, 0, Box(0, 0, 1, 2), np.array([[1, 1]], np.int32), 1)
    canvas.paste(0, 0, Box(0, 1, 1, 3), np.array([[1, 1]], np.int32), 1)
    assert canvas.finish()[0, 0].tolist() == [[1, 1, 2]]


@pytest.mark.parametrize(
    ("rows", "columns", "dtype"), [(255, 257, np.uint16), (256, 256, np.uint32)]
)
def test_labels_are_32_bits_wide_above_65535_objects(place, rows, columns, dtype):
    assert rows * columns - SMALL in (0, 1)
    canvas = Canvas((1, 1, rows, columns), place)
    labels = grid(rows, columns)
    canvas.paste(0, 0, Box(0, 0, rows, columns), labels, rows * columns)
    stack = canvas.finish()
    assert stack.dtype == stack[...].dtype == dtype
    write_labels(place / "a.tif", stack, from_array(np.zeros((rows, columns), np.uint8)))
    written = tifffile.imread(place / "a.tif")
    assert written.dtype == dtype
    assert np.array_equal(written, labels)


def test_planes_of_one_part_share_their_numbers(tmp_path):
    canvas = Canvas((1, 3, 4, 4), tmp_path)
    labels = np.zeros((1, 2, 4, 4), np.int32)
    labels[0, :, 1, 1], labels[0, 1, 2, 2] = 1, 2
    assert canvas.paste(0, 0, Box(0, 0, 4, 4), np.ones((4, 4), np.int32), 1) == 0
    assert canvas.paste(0, 1, Box(0, 0, 4, 4), labels, 2) == 1
    stack = canvas.finish()
    assert canvas.count == 3
    assert np.array_equal(stack[0, 1:], np.where(labels[0] > 0, labels[0] + 1, 0))


def test_numbers_that_mean_something_stay(tmp_path):
    canvas = Canvas((1, 2, 4, 4), tmp_path, numbered=False)
    for z, number in enumerate((3, 2)):
        canvas.paste(0, z, Box(0, 0, 4, 4), np.full((4, 4), number, np.int32), number)
    assert [canvas.finish()[0, z, 0, 0] for z in range(2)] == [3, 2]
    assert canvas.count == 3
