from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.ops.background import background


def camera(seed: int = 0, level: float = 500, noise: float = 12, nuclei: float = 0.1) -> np.ndarray:
    """A dark field with its noise, and nuclei of different brightness in a part of it."""
    rng = np.random.default_rng(seed)
    plane = rng.normal(level, noise, (200, 200))
    rows = round(200 * nuclei)
    plane[:rows] += rng.uniform(100, 3000, (rows, 200))
    return plane.clip(0)


@given(
    seed=st.integers(0, 99),
    level=st.floats(100, 30_000),
    noise=st.floats(4, 50),
    nuclei=st.floats(0, 0.35),
)
@settings(max_examples=30, deadline=None)
def test_level_and_noise_of_a_dark_field_are_found(
    seed: int, level: float, noise: float, nuclei: float
) -> None:
    plane = camera(seed, level, noise, nuclei).round().astype(np.uint16)
    found = background(plane.ravel())
    assert found is not None
    assert found.level == pytest.approx(level, abs=0.25 * noise)
    assert found.spread == pytest.approx(noise, rel=0.2)
    assert found.share == pytest.approx(1 - nuclei, abs=0.05)
    assert found.is_plain


def test_order_and_number_type_do_not_matter() -> None:
    plane = camera().round()
    one = background(plane.astype(np.uint16).ravel())
    other = background(plane.astype(np.float32).ravel()[::-1])
    assert one == other


def test_light_from_out_of_focus_is_not_plain() -> None:
    plane = camera()
    assert background(plane.ravel()).is_plain
    haze = np.random.default_rng(1).exponential(40, plane.shape)
    assert not background((plane + haze).ravel()).is_plain


def test_noise_that_grey_levels_do_not_resolve_is_not_plain() -> None:
    plane = camera()
    assert not background((plane / 16).astype(np.uint8).ravel()).is_plain


def test_a_field_full_of_nuclei_has_no_plain_background() -> None:
    assert not background(camera(nuclei=0.6).ravel()).is_plain


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0),
        np.zeros(100, np.uint8),
        np.array([0, 65_535] * 50, np.uint16),
        np.array([-1e300, 1e300, 0.0]),
    ],
)
def test_few_intensities_have_no_background(values: np.ndarray) -> None:
    assert background(values) is None


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_whatever_the_intensities_it_is_finite_or_none(values: list[float]) -> None:
    found = background(np.array(values, np.float32))
    if found is not None:
        assert np.isfinite([found.level, found.spread, found.share, found.skew]).all()
        assert 0 <= found.share <= 1
