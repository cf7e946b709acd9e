from __future__ import annotations

import numpy as np
import pytest

from cytomill.tracks.linking.drift import drift
from tests.spots import scattered, seen


def moved(places, by, rng, wander=1.0):
    return places + np.array(by) + rng.normal(0, wander, places.shape)


@pytest.mark.parametrize("count", [30, 1500])
@pytest.mark.parametrize("by", [(22, -17), (-35, 0), (0, 28)])
def test_a_shift_of_all_is_found(count, by):
    rng = np.random.default_rng(3)
    side = int(40 * np.sqrt(count))
    places = scattered(count, (side, side), rng, apart=18)
    found = drift(seen(0, places), seen(1, moved(places, by, rng)))
    assert found == pytest.approx(by, abs=2.5)


def test_a_shift_is_found_where_cells_are_missed_and_invented():
    rng = np.random.default_rng(8)
    places = scattered(200, (600, 600), rng, apart=18)
    after = moved(places, (25, 12), rng)[rng.random(200) < 0.85]
    invented = rng.uniform(0, 600, (30, 2))
    found = drift(seen(0, places), seen(1, np.concatenate([after, invented])))
    assert found == pytest.approx((25, 12), abs=3)


@pytest.mark.parametrize("wander", [0, 1, 4, 12])
@pytest.mark.parametrize("seed", range(4))
def test_cells_that_move_each_its_way_have_none(wander, seed):
    rng = np.random.default_rng(seed)
    places = scattered(150, (500, 500), rng, apart=18)
    after = moved(places, (0, 0), rng, wander)
    assert drift(seen(0, places), seen(1, after)).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(6))
def test_frames_of_nothing_alike_have_none(seed):
    rng = np.random.default_rng(seed)
    one, other = (scattered(200, (700, 700), rng, apart=18) for _ in range(2))
    assert drift(seen(0, one), seen(1, other)).tolist() == [0, 0]


def test_cells_on_a_lattice_at_rest_have_none():
    """A step from each to the next has as many votes as rest has."""
    lattice = np.stack(np.meshgrid(np.arange(12), np.arange(12)), -1).reshape(-1, 2) * 30.0
    assert drift(seen(0, lattice), seen(1, lattice)).tolist() == [0, 0]


@pytest.mark.parametrize("counts", [(0, 0), (0, 20), (20, 0), (1, 1), (7, 20)])
def test_too_few_cells_tell_nothing(counts):
    rng = np.random.default_rng(0)
    before, after = (seen(t, rng.uniform(0, 100, (n, 2))) for t, n in enumerate(counts))
    assert drift(before, after).tolist() == [0, 0]


def test_cells_on_one_place_are_no_fault():
    here = seen(0, np.full((20, 2), 5.0))
    assert drift(here, here).tolist() == [0, 0]
