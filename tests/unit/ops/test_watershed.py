from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed as skimage_watershed

from cytomill.ops.watershed import Segments, Watershed, divide, relief, watershed


def hills_of(relief: np.ndarray, how: Watershed, mask: np.ndarray | None = None) -> Segments:
    """Divide ``mask`` (everything by default) by ``relief`` (0..255), scaled to the full range."""
    landscape = relief.astype(np.uint16) * 16 + 1
    return divide(landscape if mask is None else np.where(mask > 0, landscape, 0), how)


def blobs(seed: int, shape: tuple[int, int] = (96, 120)) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, 4)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


#: Keeps every hill.
ALL = Watershed(foreground=0.5, peak=0.0, persistence=0.0, area=1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("h", [8, 25, 60])
def test_finds_exactly_the_hills_of_h_maxima(seed: int, h: int) -> None:
    relief = blobs(seed)
    how = Watershed(foreground=0.5, peak=0.0, persistence=16 * h / 4080, area=1)
    found = hills_of(relief, how)
    # Regional maxima of the h-maxima transform. Relief is doubled and h made odd, so that no hill
    # rises by h exactly: there conventions differ.
    doubled = 2 * relief.astype(np.int32)
    cross = ndimage.generate_binary_structure(2, 1)
    cut = reconstruction(doubled - (2 * h - 1), doubled, footprint=cross).astype(np.int32)
    _, expected = ndimage.label(local_maxima(cut, connectivity=1), cross)
    assert len(found.peaks) == expected


def slowly(relief: np.ndarray, how: Watershed) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """What `divide` promises, pixel by pixel: labels and peaks."""
    pixels = [(int(y), int(x)) for y, x in np.argwhere(relief)]
    height = {(y, x): (int(relief[y, x]), -y, -x) for y, x in pixels}

    def hill(pixel: tuple[int, int]) -> tuple[int, int]:
        y, x = pixel
        around = [pixel, (y - 1, x), (y, x - 1), (y, x + 1), (y + 1, x)]
        top = max((p for p in around if p in height), key=height.__getitem__)
        return pixel if top == pixel else hill(top)

    def root(summit: tuple[int, int]) -> tuple[int, int]:
        return summit if part_of[summit] == summit else root(part_of[summit])

    part_of = {pixel: hill(pixel) for pixel in pixels}
    passes = [((y, x), p) for y, x in pixels for p in ((y, x + 1), (y + 1, x)) if p in height]
    for one, two in sorted(passes, key=lambda pair: -min(height[pair[0]][0], height[pair[1]][0])):
        low, high = sorted((root(one), root(two)), key=height.__getitem__)
        rise = height[low][0] - min(height[one][0], height[two][0])
        if rise < max(1, np.ceil(4080 * how.persistence - 1e-6)):
            part_of[low] = high
    labels, peaks = np.zeros(relief.shape, np.int32), []
    members: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for pixel in pixels:
        members.setdefault(root(pixel), []).append(pixel)
    for summit, own in members.items():
        if len(own) >= how.area and relief[summit] > np.ceil(4080 * how.peak - 1e-6):
            peaks.append(summit)
            labels[tuple(np.transpose(own))] = len(peaks)
    return labels, peaks


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    steps=st.sampled_from([1, 3, 40, 4081]),
    outside=st.sampled_from([0, 0.1, 0.5]),
    persistence=st.sampled_from([0, 0.01, 0.2, 0.6]),
    area=st.integers(0, 6),
)
def test_agrees_with_its_definition_to_the_pixel(
    seed: int, shape: tuple[int, int], steps: int, outside: float, persistence: float, area: int
) -> None:
    random = np.random.default_rng(seed)
    relief = (random.integers(0, steps, shape) * (4080 // steps) + 1).astype(np.uint16)
    relief[random.random(shape) < outside] = 0
    how = Watershed(peak=0.3, persistence=persistence, area=area)
    found = divide(relief, how)
    labels, peaks = slowly(relief, how)
    assert np.array_equal(found.labels, labels)
    assert list(map(tuple, found.peaks.tolist())) == peaks


@pytest.mark.parametrize("seed", range(3))
def test_borders_follow_a_flooding_from_the_same_seeds(seed: int) -> None:
    relief = blobs(seed, (200, 220))
    mask = (relief > 90).astype(np.uint8) * 255
    how = Watershed(foreground=0.5, peak=0.0, persistence=0.05, area=1)
    found = hills_of(relief, how, mask)
    seeds = np.zeros(relief.shape, np.int32)
    for number, (y, x) in enumerate(found.peaks, start=1):
        seeds[y, x] = number
    flooded = skimage_watershed(-relief.astype(int), seeds, mask=mask > 0)
    # Only how a plateau is shared out differs, and these maps of whole numbers have many.
    assert np.mean((flooded == found.labels)[mask > 0]) > 0.97


def test_labels_cover_the_foreground_and_nothing_else() -> None:
    relief = blobs(1)
    mask = (blobs(2) > 128).astype(np.uint8) * 255
    found = hills_of(relief, ALL, mask)
    assert np.array_equal(found.labels > 0, mask > 0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), area=st.integers(1, 60), peak=st.floats(0, 1))
def test_keeps_only_objects_large_and_high_enough(seed: int, area: int, peak: float) -> None:
    relief = blobs(seed, (48, 64))
    how = Watershed(foreground=0.5, peak=peak, persistence=0.05, area=area)
    found = hills_of(relief, how)
    sizes = np.bincount(found.labels.ravel(), minlength=len(found.peaks) + 1)[1:]
    assert len(sizes) == len(found.peaks)
    assert (sizes >= area).all()
    for number, (y, x) in enumerate(found.peaks, start=1):
        assert found.labels[y, x] == number
        assert int(relief[y, x]) * 16 >= peak * 4080 - 1
        assert relief[y, x] == relief[found.labels == number].max()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), dy=st.integers(0, 20), dx=st.integers(0, 20))
def test_does_not_depend_on_where_the_picture_lies(seed: int, dy: int, dx: int) -> None:
    relief = blobs(seed, (40, 50))
    mask = np.zeros((80, 90), np.uint8)
    mask[dy : dy + 40, dx : dx + 50] = 255
    moved = np.zeros((80, 90), np.uint8)
    moved[dy : dy + 40, dx : dx + 50] = relief
    here = hills_of(relief, ALL)
    there = hills_of(moved, ALL, mask)
    assert np.array_equal(there.labels[dy : dy + 40, dx : dx + 50], here.labels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (31, 65)])
@pytest.mark.parametrize("centre", [0, 0.25, 0.7, 1])
def test_relief_is_the_blurred_mean_of_two_maps(shape: tuple[int, int], centre: float) -> None:
    maps = np.random.default_rng(3).integers(0, 256, (3, *shape)).astype(np.uint8)
    weight = round(16 * centre)
    mean = maps[1].astype(np.uint16) * (16 - weight) + maps[2].astype(np.uint16) * weight
    blurred = cv2.GaussianBlur(mean, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    expected = np.where(maps[0] >= 128, blurred + 1, 0)
    assert np.array_equal(relief(maps, Watershed(foreground=0.5, centre=centre)), expected)


def test_relief_is_zero_outside_the_foreground_and_positive_inside() -> None:
    maps = np.stack([blobs(1), blobs(2), blobs(3)])
    found = relief(maps, Watershed(foreground=0.5, centre=0.25))
    assert np.array_equal(found > 0, maps[0] >= 128)
    assert found.max() <= 4081
    flat = relief(np.full((3, 4, 5), 255, np.uint8), Watershed())
    assert (flat == 4081).all()


def test_empty_maps_have_no_objects() -> None:
    found = watershed(np.zeros((3, 5, 7), np.uint8), Watershed())
    assert found.labels.shape == (5, 7)
    assert found.labels.max() == 0
    assert found.peaks.shape == (0, 2)


def test_one_pixel_image() -> None:
    found = watershed(np.full((3, 1, 1), 255, np.uint8), Watershed(area=1))
    assert found.labels.tolist() == [[1]]
