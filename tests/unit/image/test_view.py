from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cytomill.errors import InputError
from cytomill.image.array import ArraySource, from_array
from cytomill.image.core import PixelSize
from cytomill.image.view import (
    forgiving,
    projected,
    seen_as,
    time_of_channels,
    time_of_depth,
    without_first,
)

ARRAY = np.random.default_rng(0).integers(0, 1000, (2, 3, 4, 6, 7)).astype(np.uint16)


@pytest.mark.parametrize(
    ("axes", "index", "expected"),
    [
        ("ZYX", (0, 0), "TYX"),
        ("CZYX", (0,), "TCYX"),
        ("TCZYX", (), "TCYX"),
        ("YX", (0, 0, 0), "TYX"),
    ],
)
def test_depth_becomes_time(axes, index, expected):
    array = ARRAY[index]
    image = replace(from_array(array, axes), pixel_size=PixelSize(0.5, 0.5, 2.0), interval=3.0)
    seen = time_of_depth(image)
    times, channels, depths, height, width = image.shape
    assert seen.axes == expected
    assert seen.shape == (times * depths, channels, 1, height, width)
    assert (seen.pixel_size, seen.interval) == (PixelSize(0.5, 0.5), None)
    for t in range(times):
        for z in range(depths):
            for c in range(channels):
                there = image.read(t, c, z, slice(1, 5), slice(2, 4))
                found = seen.read(t * depths + z, c, 0, slice(1, 5), slice(2, 4))
                np.testing.assert_array_equal(found, there)
    for wrong in ((times * depths, 0, 0), (-1, 0, 0), (0, 0, 1)):
        with pytest.raises(IndexError):
            seen.read(*wrong)


@pytest.mark.parametrize(
    ("axes", "index", "expected"),
    [("CYX", (0, slice(None), 0), "TYX"), ("CZYX", (0,), "TZYX"), ("TCZYX", (), "TZYX")],
)
def test_channels_become_time(axes, index, expected):
    image = replace(from_array(ARRAY[index], axes), channels=("a", "b", "c"), interval=3.0)
    seen = time_of_channels(image)
    times, channels, depths, height, width = image.shape
    assert seen.axes == expected
    assert seen.shape == (times * channels, 1, depths, height, width)
    assert (seen.channels, seen.interval) == ((), None)
    for t, c, z in np.ndindex(times, channels, depths):
        there = image.read(t, c, z, slice(1, 5), slice(2, 4))
        found = seen.read(t * channels + c, 0, z, slice(1, 5), slice(2, 4))
        np.testing.assert_array_equal(found, there)
    for wrong in ((times * channels, 0, 0), (-1, 0, 0), (0, 1, 0)):
        with pytest.raises(IndexError):
            seen.read(*wrong)
    assert "channels" in seen_as(seen)


def test_a_projection_is_the_highest_along_depth_frame_by_frame():
    image = replace(from_array(ARRAY), pixel_size=PixelSize(1.0, 2.0, 3.0), interval=3.0)
    seen = projected(image)
    assert (seen.axes, seen.shape) == ("TCYX", (2, 3, 1, 6, 7))
    assert (seen.pixel_size, seen.interval) == (PixelSize(1.0, 2.0), 3.0)
    whole = ARRAY.max(axis=2)
    planes = [(t, c) for t in range(2) for c in range(3)] * 5
    with ThreadPoolExecutor(4) as pool:
        for (t, c), plane in zip(
            planes, pool.map(lambda one: seen.read(*one), planes), strict=True
        ):
            np.testing.assert_array_equal(plane, whole[t, c])
    with pytest.raises(IndexError):
        seen.read(0, 0, 1)


def test_a_projection_passes_over_pixels_that_are_no_number():
    stack = np.array([[[np.nan, 1.0], [np.nan, -2.0]], [[5.0, np.nan], [np.nan, -3.0]]])
    np.testing.assert_array_equal(
        projected(from_array(stack, "ZYX")).read(), [[5.0, 1.0], [np.nan, -2.0]]
    )


def test_what_cannot_be_read_is_black_where_it_is_forgiven():
    class Torn(ArraySource):
        def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
            if t == 1:
                raise InputError("frame 1", "is missing")
            return super().read(t, c, z, y, x)

    image = replace(from_array(ARRAY), source=Torn(ARRAY))
    seen = forgiving(image)
    np.testing.assert_array_equal(seen.read(0, 1, 2), ARRAY[0, 1, 2])
    part = seen.read(1, 1, 2, slice(1, 4), slice(5, 100))
    assert (part.shape, part.dtype, part.max()) == ((3, 2), image.dtype, 0)
    with pytest.raises(IndexError):
        seen.read(2)


def test_it_says_how_an_image_is_seen():
    image = from_array(ARRAY)
    assert seen_as(image) == ""
    assert "Z" in seen_as(time_of_depth(image))
    assert "Z" in seen_as(projected(image))
    assert seen_as(forgiving(projected(image))) == seen_as(projected(image))


def test_an_image_without_its_first_channel_has_the_others():
    image = replace(from_array(ARRAY, "TCZYX"), channels=("a", "b", "c"))
    rest = without_first(image)
    assert (rest.shape, rest.channels) == ((2, 2, 4, 6, 7), ("b", "c"))
    for c in range(2):
        found = rest.read(1, c, 3, slice(1, 5), slice(2, 4))
        np.testing.assert_array_equal(found, ARRAY[1, c + 1, 3, 1:5, 2:4])
    assert seen_as(without_first(time_of_depth(image))) == seen_as(time_of_depth(image))
