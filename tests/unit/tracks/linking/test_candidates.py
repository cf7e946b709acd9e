from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytomill.tracks.linking.candidates import (
    FEATURES,
    NEAREST,
    Looks,
    contested,
    pairs,
    rivals,
    scale_of,
)
from cytomill.tracks.linking.divisions import FEATURES as OF_DIVISIONS
from cytomill.tracks.linking.divisions import unlit
from cytomill.tracks.linking.leftovers import FEATURES as OF_LEFTOVERS
from cytomill.tracks.linking.leftovers import Ends, leftovers
from cytomill.tracks.linking.network import shipped
from cytomill.tracks.linking.step import Units, between, first
from tests.spots import drawn, seen, take


@pytest.fixture(scope="module")
def movie():
    frames, _ = drawn(5, frames=4, side=300, coverage=0.25)
    return frames


def step_of(frames):
    """From the second to the third frame, with what is known from the first."""
    units = Units()
    step = between(first(frames[0]), frames[1], units)
    origin = np.full(len(frames[1]), -1)
    nearest = np.argsort(step.pairs.distance, kind="stable")[::-1]
    origin[step.pairs.after[nearest]] = step.pairs.before[nearest]
    frame = step.frame(origin, np.zeros(len(origin), bool))
    return between(frame, frames[2], units)


def features_of(frames):
    """Of links, divisions and gaps, each with the ids that they are about."""
    step = step_of(frames)
    before, after = step.before.found.ids, step.found.ids
    odds = np.asarray(1.5 - step.pairs.features[:, 0], np.float64)
    found = step.triples(odds)
    counts = len(before), len(after)
    some = np.arange(counts[0])
    frame = step.frame(np.full(counts[1], -1), np.zeros(counts[1], bool))
    rest = leftovers(Ends.of(step.before, some, some), frame, np.arange(counts[1]), step.scale)
    return [
        (
            [before[step.pairs.before], after[step.pairs.after]],
            contested(step.pairs, odds, counts),
        ),
        ([before[found.mother], after[found.near], after[found.far]], found.features),
        ([before[rest.end], after[rest.start]], rest.features),
    ]


def in_order(ids, features):
    order = np.lexsort(ids[::-1])
    return np.stack(ids)[:, order], features[order]


def assert_same(one, other):
    for (ids, features), (other_ids, others) in zip(one, other, strict=True):
        ids, features = in_order(ids, features)
        other_ids, others = in_order(other_ids, others)
        assert len(features) > 20
        np.testing.assert_array_equal(ids, other_ids)
        np.testing.assert_allclose(features, others, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("zoom", [1.6, 4])
def test_magnification_changes_no_feature(movie, zoom):
    def larger(found):
        height, width = found.shape
        return replace(
            found,
            y=found.y * zoom,
            x=found.x * zoom,
            area=found.area * zoom**2,
            major=found.major * zoom,
            minor=found.minor * zoom,
            shape=((height - 1) * zoom + 1, (width - 1) * zoom + 1),
        )

    assert_same(features_of(movie), features_of([larger(found) for found in movie]))


def test_the_place_in_a_large_image_changes_no_feature(movie):
    """Far from the border, which is a feature."""

    def elsewhere(found, y, x):
        rim = np.zeros(len(found), bool)
        return replace(found, y=found.y + y, x=found.x + x, rim=rim, shape=(10**6, 10**6))

    one, other = ([elsewhere(found, *by) for found in movie] for by in ((3e5, 4e5), (7e5, 2e5)))
    assert_same(features_of(one), features_of(other))


def test_exposure_changes_no_feature(movie):
    brighter = [replace(found, mean=7.5 * found.mean) for found in movie]
    assert_same(features_of(movie), features_of(brighter))


def test_the_order_of_cells_changes_no_feature(movie):
    rng = np.random.default_rng(2)
    mixed = [take(found, rng.permutation(len(found))) for found in movie]
    assert_same(features_of(movie), features_of(mixed))


def test_without_brightness_its_features_are_zero(movie):
    dark = [replace(found, mean=np.full(len(found), np.nan)) for found in movie]
    for names, (_, features) in zip(
        ((*FEATURES, "claim", "claim", "claim"), OF_DIVISIONS, OF_LEFTOVERS),
        features_of(dark),
        strict=True,
    ):
        assert features.shape[1] == len(names)
        about_light = [n for n, name in enumerate(names) if "bright" in name]
        assert about_light
        assert not features[:, about_light].any()
        assert np.isfinite(features).all()
    (_, lit), (_, unseen) = features_of(movie)[1], features_of(dark)[1]
    np.testing.assert_allclose(unlit(lit), unseen, atol=1e-6)


def test_the_networks_that_are_shipped_take_what_there_is():
    networks = shipped()
    sizes = {name: len(network.mean) for name, network in networks.items()}
    assert sizes == {
        "links": len(FEATURES),
        "claims": len(FEATURES) + 3,
        "divisions": len(OF_DIVISIONS),
        "gaps": len(OF_LEFTOVERS),
    }
    for network in networks.values():
        few = np.zeros((3, len(network.mean)), np.float32)
        assert np.isfinite(network.odds(few)).all()
        assert network.odds(few[:0]).shape == (0,)


def test_each_cell_has_its_nearest_as_candidates_either_way():
    rng = np.random.default_rng(0)
    before, after = (seen(t, rng.uniform(0, 300, (60, 2))) for t in range(2))
    scale = scale_of(before.places, after.places)
    looks = Looks.of(before), Looks.of(after)
    unknown = np.full((60, 2), np.nan)
    found = pairs(before, after, looks, before.places, unknown, scale, reach=1e9)
    apart = np.hypot(*(after.places[None] - before.places[:, None]).transpose(2, 0, 1))
    expected = {(i, j) for i in range(60) for j in np.argsort(apart[i])[:NEAREST]}
    expected |= {(i, j) for j in range(60) for i in np.argsort(apart[:, j])[:NEAREST]}
    rows = list(zip(found.before.tolist(), found.after.tolist(), strict=True))
    assert rows == sorted(expected)
    np.testing.assert_allclose(found.distance, apart[found.before, found.after])
    some = pairs(before, after, looks, before.places, unknown, scale, reach=25.0)
    assert len(some.distance) == (found.distance <= 25).sum() > 0


def test_rivals_are_the_best_of_the_others():
    row = np.array([0, 0, 0, 1, 1, 2])
    odds = np.array([1.0, 3.0, 2.0, 4.0, 4.0, 5.0])
    assert rivals(row, odds, 4).tolist() == [3, 2, 3, 4, 4, -np.inf]


@pytest.mark.parametrize("numbers", [(0, 1, 2), (0, 2, 3), (0, 1, 4)])
def test_cells_are_predicted_to_go_on_as_they_came_across_lost_frames_too(numbers):
    rng = np.random.default_rng(1)
    start, velocity = 100.0 * rng.permutation(9).reshape(-1, 1) + (7, 11), rng.normal(0, 4, (9, 2))
    frames = [seen(t, start + t * velocity) for t in numbers]
    units = Units()
    step = between(first(frames[0]), frames[1], units)
    frame = step.frame(np.arange(9), np.zeros(9, bool))
    step = between(frame, frames[2], units)
    same = step.pairs.before == step.pairs.after
    assert same.sum() == 9
    off = step.pairs.features[:, FEATURES.index("distance from the predicted place per step")]
    np.testing.assert_allclose(off[same], 0, atol=1e-5)
    assert (off[~same] > 1).all()


@pytest.mark.parametrize("counts", [(0, 0), (0, 3), (3, 0), (1, 1), (2, 1)])
def test_few_cells_have_few_candidates(counts):
    frames = [seen(t, np.arange(2 * n).reshape(-1, 2) * 10.0) for t, n in enumerate(counts)]
    step = between(first(frames[0]), frames[1], Units())
    assert len(step.pairs.distance) == counts[0] * counts[1]
    assert np.isfinite(step.pairs.features).all()
    found = step.triples(np.full(len(step.pairs.distance), 1.0))
    assert len(found.features) == 0
