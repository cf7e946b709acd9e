from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.peers import Deep, deep_watershed, named


@pytest.fixture
def two_cones() -> NDArray[np.uint8]:
    """Maps of two round nuclei that touch, 30 pixels apart."""
    y, x = np.mgrid[:60, :90]
    cones = [np.clip(h - np.hypot(y - 30, x - cx) / 17, 0, 1) for h, cx in ((1, 30), (0.95, 60))]
    height = np.maximum(*cones)
    return (255 * np.stack([height > 0, height, height])).astype(np.uint8)


@pytest.mark.parametrize("algorithm", ["h_maxima", "peak_local_max"])
def test_touching_nuclei_are_parted(two_cones: NDArray[np.uint8], algorithm: str) -> None:
    labels = deep_watershed(named(two_cones), Deep(algorithm=algorithm))
    assert labels.max() == 2
    assert labels[30, 30] != labels[30, 60]
    assert labels[0, 0] == 0


def test_a_rise_below_the_threshold_is_no_nucleus(two_cones: NDArray[np.uint8]) -> None:
    labels = deep_watershed(named(two_cones), Deep(maxima_threshold=0.95))
    assert labels.max() == 1


def test_small_objects_are_dropped_where_asked(two_cones: NDArray[np.uint8]) -> None:
    assert deep_watershed(named(two_cones), Deep(small=2000)).max() == 0
