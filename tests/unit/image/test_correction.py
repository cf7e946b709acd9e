from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import tifffile

from cytomill.errors import InputError, OptionError
from cytomill.image.array import from_array
from cytomill.image.core import PixelSize
from cytomill.image.correction import Correction, corrected, named_axes
from cytomill.image.entry import Entry, PathSource
from cytomill.image.reduced import reduced_of
from cytomill.image.view import seen_as, time_of_depth, with_axes

ARRAY = np.random.default_rng(0).integers(0, 1000, (3, 4, 5)).astype(np.uint16)


@pytest.mark.parametrize(
    "axes",
    ["TYX", "CYX", "ZYX", *map("".join, permutations("YXC")), *map("".join, permutations("TXY"))],
)
def test_axes_become_others_as_if_the_array_had_been_given_with_them(axes):
    seen = with_axes(from_array(ARRAY, "ZYX"), axes)
    expected = from_array(ARRAY, axes)
    assert (seen.axes, seen.shape, seen.dtype) == (expected.axes, expected.shape, expected.dtype)
    times, channels, depths, _, _ = expected.shape
    for plane in np.ndindex(times, channels, depths):
        np.testing.assert_array_equal(seen.read(*plane), expected.read(*plane))
        place = slice(1, 3), slice(0, 2)
        np.testing.assert_array_equal(seen.read(*plane, *place), expected.read(*plane, *place))
        place = slice(2, None), slice(None, -1, 2)
        np.testing.assert_array_equal(seen.read(*plane, *place), expected.read(*plane, *place))
    assert seen.read(0, 0, 0, slice(2, 2), slice(1, 3)).shape == (0, 2)


@pytest.mark.parametrize("axes", ["TZCYX", "CTZYX", "XYZCT", "ZYXTC"])
def test_images_of_five_axes_are_seen_otherwise_too(axes):
    array = np.random.default_rng(1).integers(0, 99, (2, 3, 4, 5, 6)).astype(np.uint8)
    seen, expected = with_axes(from_array(array, "TCZYX"), axes), from_array(array, axes)
    assert seen.shape == expected.shape
    for plane in np.ndindex(*expected.shape[:3]):
        np.testing.assert_array_equal(seen.read(*plane), expected.read(*plane))


def test_there_are_no_planes_beyond():
    seen = with_axes(from_array(ARRAY, "ZYX"), "TYX")
    for wrong in ((3, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, 1)):
        with pytest.raises(IndexError):
            seen.read(*wrong)


def test_what_goes_with_an_axis_stays_with_it():
    array = np.zeros((2, 3, 4, 5, 6), np.uint8)
    image = replace(
        from_array(array, "TCZYX"),
        pixel_size=PixelSize(0.5, 0.25, 2.0),
        channels=("red", "green", "blue"),
        rgb=True,
        interval=3.0,
    )
    same = with_axes(image, "TCZYX")
    assert (same.channels, same.rgb, same.interval) == (image.channels, True, 3.0)
    assert same.pixel_size == image.pixel_size
    swapped = with_axes(image, "CTZYX")
    assert (swapped.channels, swapped.rgb, swapped.interval) == ((), False, None)
    assert swapped.pixel_size == image.pixel_size
    flat = with_axes(image, "ZCTYX")
    assert (flat.channels, flat.interval, flat.pixel_size) == (
        image.channels,
        None,
        PixelSize(0.5, 0.25),
    )
    assert with_axes(image, "TCXYZ").pixel_size is None


def test_a_corrected_image_is_taken_as_if_its_file_said_so():
    seen = with_axes(from_array(ARRAY, "TYX"), "ZYX")
    assert seen_as(seen) == ""
    assert time_of_depth(seen).shape == (3, 1, 1, 4, 5)


def test_a_pixel_size_is_that_of_both_edges():
    image = from_array(ARRAY, "ZYX")
    assert Correction(pixel_size=0.5).of(image).pixel_size == PixelSize(0.5, 0.5)
    deep = replace(image, pixel_size=PixelSize(9, 9, 2.0))
    assert Correction(pixel_size=0.5).of(deep).pixel_size == PixelSize(0.5, 0.5, 2.0)
    assert Correction("TYX", 0.5).of(deep).pixel_size == PixelSize(0.5, 0.5)
    assert Correction("ZYX").of(deep) is deep


@pytest.mark.parametrize("axes", ["YX", "TZYX"])
def test_an_image_of_other_many_axes_says_so(axes):
    image = replace(from_array(ARRAY, "ZYX"), name="a.tif")
    with pytest.raises(InputError, match=r"a\.tif: has 3 axes, ZYX \(3×4×5\), which cannot be"):
        Correction(axes).of(image)


def test_axes_are_letters():
    assert named_axes(" tyx ") == "TYX"
    for wrong, why in (
        ("TYQ", "Q is no axis"),
        ("T YX", "is no axis"),
        ("TTYX", "T is there twice"),
        ("TY", "X is missing"),
        ("", "Y is missing"),
        ("ﬆyx", "is no axis"),
    ):
        with pytest.raises(OptionError, match=why):
            named_axes(wrong)


def test_entries_are_corrected_and_stay_what_they_were(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ARRAY, photometric="minisblack")
    entry = Entry("in/a.tif", PathSource(path))
    (found,) = corrected([entry], Correction("TYX"))
    assert (found.stamp(), found.digest(), found.bytes) == (
        entry.stamp(),
        entry.digest(),
        entry.bytes,
    )
    with found.open() as file:
        (image,) = file.images
        assert (image.name, image.axes, image.shape) == ("in/a.tif", "TYX", (3, 1, 1, 4, 5))
        np.testing.assert_array_equal(image.read(2), ARRAY[2])
    (wrong,) = corrected([entry], Correction("YX"))
    with pytest.raises(InputError, match=r"^in/a\.tif: has 3 axes"), wrong.open():
        pass


def test_smaller_copies_in_the_file_are_seen_alike(tmp_path):
    path = tmp_path / "a.ome.tif"
    pixels = np.random.default_rng(0).integers(0, 99, (2, 128, 128)).astype(np.uint8)
    with tifffile.TiffWriter(path, ome=True) as tif:
        how = {"photometric": "minisblack", "tile": (32, 32)}
        tif.write(pixels, subifds=1, metadata={"axes": "ZYX"}, **how)
        tif.write(pixels[:, ::2, ::2], subfiletype=1, **how)
    (entry,) = corrected([Entry("a", PathSource(path))], Correction("TYX"))
    with entry.open() as file:
        (smaller,) = reduced_of(file.images[0].source)
        assert (smaller.height, smaller.width) == (64, 64)
        there = smaller.source.read(1, 0, 0, slice(3, 9), slice(2, 5))
        np.testing.assert_array_equal(there, pixels[1, ::2, ::2][3:9, 2:5])
        assert not reduced_of(with_axes(file.images[0], "YTX").source)
