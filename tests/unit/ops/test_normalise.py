from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.ops import normalise as module
from cytomill.ops.normalise import Levels, levels, normalise


def levels_of(plane: np.ndarray) -> Levels:
    return levels(plane.shape, lambda y, x: plane[y, x])


def test_percentiles_become_zero_and_one() -> None:
    plane = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    found = levels_of(plane)
    assert found.low == pytest.approx(np.percentile(plane, 1), abs=1)
    assert found.high == pytest.approx(np.percentile(plane, 99.8), abs=1)
    scaled = normalise(plane, found)
    assert scaled.dtype == np.float32
    assert np.interp(found.low, plane[0:1].ravel(), scaled[0:1].ravel()) == pytest.approx(
        0, abs=0.02
    )


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (7, 11), (200, 300)])
def test_percentiles_are_those_of_numpy(dtype: str, shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(1).gamma(2, 20, shape).astype(dtype)
    found = levels_of(plane)
    expected = np.percentile(plane, [module.LOW_PERCENTILE, module.HIGH_PERCENTILE])
    assert [found.low, found.high] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(gain=st.floats(0.01, 100), offset=st.floats(-1000, 1000), seed=st.integers(0, 99))
def test_gain_and_offset_of_the_camera_do_not_matter(gain: float, offset: float, seed: int) -> None:
    plane = np.random.default_rng(seed).gamma(2, 50, (40, 40))
    other = plane * gain + offset
    assert np.allclose(
        normalise(plane, levels_of(plane)), normalise(other, levels_of(other)), atol=2e-3
    )


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i8", "f2", "f4", "f8", "?"])
def test_every_type_of_pixel(dtype: str) -> None:
    plane = (np.random.default_rng(0).random((30, 30)) * 100 - 50).clip(0).astype(dtype)
    scaled = normalise(plane, levels_of(plane))
    assert np.isfinite(scaled).all()
    assert scaled.max() > 0.9


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
def test_writes_into_part_of_a_larger_array(dtype: str) -> None:
    plane = (np.random.default_rng(0).random((30, 20)) * 100).astype(dtype)
    larger = np.full((32, 32), -7, np.float32)
    found = normalise(plane, levels_of(plane), larger[:30, :20])
    assert np.shares_memory(found, larger)
    assert np.array_equal(larger[:30, :20], normalise(plane, levels_of(plane)))
    assert (larger[30:] == -7).all()
    assert (larger[:, 20:] == -7).all()


@pytest.mark.parametrize("value", [0, 7, 65_535, -3.5])
def test_a_constant_plane_becomes_zeros(value: float) -> None:
    plane = np.full((8, 9), value, np.float32)
    assert not normalise(plane, levels_of(plane)).any()


def test_nan_and_infinity_are_left_out() -> None:
    plane = np.random.default_rng(0).random((50, 50)).astype(np.float32)
    broken = plane.copy()
    broken[0, :5] = np.nan
    broken[1, :5] = np.inf
    broken[2, :5] = -np.inf
    found = levels_of(broken)
    assert found.low == pytest.approx(levels_of(plane).low, abs=0.02)
    scaled = normalise(broken, found)
    assert not np.isnan(scaled).any()
    assert (scaled[0, :5] == 0).all()
    assert (scaled[2, :5] == -1).all()
    assert not normalise(np.full((4, 4), np.nan), levels_of(np.full((4, 4), np.nan))).any()


def test_what_exceeds_one_is_compressed() -> None:
    scaled = normalise(np.array([[0.5, 1.0, np.e, 100.0]], np.float32), Levels(0, 1))
    assert scaled[0] == pytest.approx([0.5, 1.0, 2.0, 1 + np.log(100)], rel=1e-5)


def test_a_large_plane_is_sampled_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE", 1000)
    read = 0

    def pixels(y: slice, x: slice) -> np.ndarray:
        nonlocal read
        rows = np.arange(y.start, y.stop, dtype=np.float32)
        columns = np.arange(x.start, x.stop, dtype=np.float32)
        read += rows.size * columns.size
        return rows[:, None] + columns

    found = levels((20_000, 20_000), pixels)
    assert read <= 64 * 512 * 512
    assert found.high > 30_000
    assert found.low < 10_000


def dark_field(dim: float = 60.0, bright: float = 3000.0) -> np.ndarray:
    """Camera noise, with a dim and a bright nucleus."""
    plane = np.random.default_rng(3).normal(400, 10, (200, 200))
    plane[20:40, 20:40] += dim
    plane[100:130, 100:130] += bright
    return plane.round().astype(np.uint16)


def levels_at(plane: np.ndarray, contrast: str) -> Levels:
    return levels(plane.shape, lambda y, x: plane[y, x], contrast)


def test_a_logarithmic_scale_lifts_what_is_dim_and_keeps_zero_and_one() -> None:
    plane = dark_field()
    linear, log = (levels_at(plane, contrast) for contrast in ("linear", "log"))
    assert (linear.low, linear.high, linear.knee) == (log.low, log.high, None)
    assert log.knee == pytest.approx(max(4 * 10, 0.04 * (log.high - log.low)), rel=0.2)
    dim = plane[20:40, 20:40]
    assert normalise(dim, linear).mean() < 0.05
    assert normalise(dim, log).mean() > 0.15
    ends = np.array([[log.low, log.high]])
    assert normalise(ends, log)[0] == pytest.approx([0, 1], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(knee=st.floats(0.001, 10), seed=st.integers(0, 99))
def test_a_knee_keeps_the_order_of_intensities(knee: float, seed: int) -> None:
    values = np.sort(np.random.default_rng(seed).uniform(-0.5, 3, (1, 50))).astype(np.float32)
    assert (np.diff(normalise(values, Levels(0, 1, knee))) >= 0).all()


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8"])
def test_a_knee_does_the_same_whatever_the_type(dtype: str) -> None:
    plane = (np.random.default_rng(0).random((30, 20)) * 100).astype(dtype)
    value = (plane.astype(np.float64) - 5) / 80
    bent = np.arcsinh(value / 0.1) / np.arcsinh(1 / 0.1)
    expected = np.where(bent > 1, 1 + np.log(np.maximum(bent, 1)), np.maximum(bent, -1))
    assert np.allclose(normalise(plane, Levels(5, 85, 8)), expected, atol=1e-5)


def test_auto_is_logarithmic_for_raw_images_alone() -> None:
    raw = dark_field()
    assert levels_at(raw, "auto") == levels_at(raw, "log")
    assert levels_at(raw, "auto").knee is not None
    coarse = (raw // 16).astype(np.uint8)
    assert levels_at(coarse, "auto") == levels_at(coarse, "linear")
    assert levels_at(coarse, "log").knee is not None


@pytest.mark.parametrize("contrast", ["log", "auto"])
def test_a_plane_without_contrast_has_no_knee(contrast: str) -> None:
    plane = np.full((30, 30), 7, np.uint16)
    assert levels_at(plane, contrast) == Levels(7, 7)
    broken = np.full((30, 30), np.nan)
    assert levels_at(broken, contrast) == Levels(0, 0)
