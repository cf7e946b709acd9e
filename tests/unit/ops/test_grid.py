from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.ops.grid import Box, Grid

shapes = st.tuples(st.integers(1, 400), st.integers(1, 400))
scales = st.tuples(st.floats(0.2, 3), st.floats(0.2, 3))


@settings(max_examples=80, deadline=None)
@given(shape=shapes, scale=scales, size=st.integers(16, 200))
def test_tiles_cover_the_grid_once(
    shape: tuple[int, int], scale: tuple[float, float], size: int
) -> None:
    grid = Grid(shape, scale)
    seen = np.zeros(grid.model_shape, int)
    on_image = np.zeros(shape, int)
    for tile in grid.tiles(size, 16):
        assert tile.y0 % 16 == 0
        assert tile.x0 % 16 == 0
        assert max(tile.shape) <= size + 16
        seen[tile.slices] += 1
        on_image[grid.cell(tile).slices] += 1
    assert (seen == 1).all()
    assert (on_image == 1).all()


@settings(max_examples=60, deadline=None)
@given(
    scale=scales, seed=st.integers(0, 99), corner=st.tuples(st.integers(0, 60), st.integers(0, 60))
)
def test_a_tile_is_resampled_as_in_the_whole(
    scale: tuple[float, float], seed: int, corner: tuple[int, int]
) -> None:
    shape = (150, 170)
    grid = Grid(shape, scale)
    image = np.random.default_rng(seed).random(shape).astype(np.float32)
    everything = Box(0, 0, *grid.model_shape)
    whole = grid.to_model(image, Box(0, 0, *shape), everything)
    height, width = grid.model_shape
    y0, x0 = min(corner[0], height - 1), min(corner[1], width - 1)
    box = Box(y0, x0, min(y0 + 40, height), min(x0 + 40, width))
    area = grid.on_image(box, grid.margin)
    tile = grid.to_model(image[area.slices], area, box)
    assert np.allclose(tile, whole[box.slices], atol=1e-6)


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.77, 1.5, 2.0, 3.0])
def test_a_ramp_stays_a_ramp(scale: float) -> None:
    shape = (120, 100)
    y, x = np.mgrid[:120, :100].astype(np.float32)
    ramp = 2 * (y + 0.5) + 3 * (x + 0.5)
    grid = Grid(shape, (scale, scale))
    height, width = grid.model_shape
    found = grid.to_model(ramp, Box(0, 0, *shape), Box(0, 0, height, width))
    yy, xx = np.mgrid[:height, :width]
    expected = (2 * (yy + 0.5) + 3 * (xx + 0.5)) / scale
    inner = (slice(height // 5, -height // 5), slice(width // 5, -width // 5))
    assert np.allclose(found[inner], expected[inner], rtol=1e-3)


def test_fine_structure_does_not_alias() -> None:
    y, x = np.mgrid[:200, :200]
    checks = ((y + x) % 2).astype(np.float32)
    found = Grid((200, 200), (0.4, 0.4)).to_model(checks, Box(0, 0, 200, 200), Box(0, 0, 80, 80))
    assert np.abs(found[10:-10, 10:-10] - 0.5).max() < 0.15


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(1, 3), seed=st.integers(0, 99))
def test_labels_come_back_where_they_were(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.integers(0, 9, (6, 7)), np.ones((12, 12), int)).astype(np.int32)
    grid = Grid((72, 84), (scale, scale))
    height, width = grid.model_shape
    fine = coarse[
        np.minimum((np.arange(height)[:, None] / scale).astype(int), 71),
        np.minimum((np.arange(width) / scale).astype(int), 83),
    ]
    back = grid.labels_to_image(fine, Box(0, 0, height, width), Box(0, 0, 72, 84))
    assert np.mean(back == coarse) > 0.8
    assert back.shape == coarse.shape


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0, 2.0**1.5, 3.0, 4.0])
def test_labels_come_back_unshifted(scale: float) -> None:
    rng = np.random.default_rng(3)
    grid = Grid((40, 40), (scale, scale))
    height, width = grid.model_shape
    rows, columns = (np.mgrid[:height, :width] + 0.5) / scale
    shifts = []
    for _ in range(200):
        radius, (y, x) = rng.uniform(2, 9), rng.uniform(10, 30, 2)
        fine = (np.hypot(rows - y, columns - x) < radius).astype(np.int32)
        back = grid.labels_to_image(fine, Box(0, 0, height, width), Box(0, 0, 40, 40))
        shifts.append(np.argwhere(back).mean(0) + 0.5 - (np.argwhere(fine).mean(0) + 0.5) / scale)
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.02


@settings(max_examples=50, deadline=None)
@given(scale=st.sampled_from([1.25, 2.0, 3.0, 4.0]), seed=st.integers(0, 999))
def test_a_mirrored_object_comes_back_mirrored(scale: float, seed: int) -> None:
    grid = Grid((12, 16), (scale, scale))
    whole = Box(0, 0, *grid.model_shape)
    fine = np.random.default_rng(seed).integers(0, 2, whole.shape).astype(np.int32)
    back = grid.labels_to_image(fine, whole, Box(0, 0, 12, 16))
    for axis in (0, 1):
        mirrored = grid.labels_to_image(np.flip(fine, axis), whole, Box(0, 0, 12, 16))
        assert np.array_equal(mirrored, np.flip(back, axis))


def test_between_labels_the_larger_part_of_a_pixel_decides() -> None:
    fine = np.array([[7, 7, 0, 5], [7, 0, 0, 0], [0, 0, 5, 7], [0, 0, 7, 5]], np.int32)
    back = Grid((2, 2), (2.0, 2.0)).labels_to_image(fine, Box(0, 0, 4, 4), Box(0, 0, 2, 2))
    assert back.tolist() == [[7, 0], [0, 5]]  # where they are equal, the first


def test_maps_come_back_in_the_image_size() -> None:
    grid = Grid((101, 77), (0.37, 0.37))
    maps = np.full((3, *grid.model_shape), 200, np.uint8)
    back = grid.to_image(maps, Box(0, 0, *grid.model_shape), Box(0, 0, 101, 77))
    assert back.shape == (3, 101, 77)
    assert (back == 200).all()
