from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytomill.ops.track import Track
from tests.spots import (
    births,
    drawn,
    linked,
    links,
    scattered,
    seen,
    take,
    true_births,
    true_links,
)


@pytest.fixture(scope="module")
def movie():
    """Cells that are easily told apart, some of which divide."""
    return drawn(1)


@pytest.fixture(scope="module")
def lattice():
    """Cells far apart, which wander a little: none can be mistaken for another."""
    rng = np.random.default_rng(11)
    places = 60.0 * np.stack(np.meshgrid(np.arange(1, 7), np.arange(1, 7)), -1).reshape(-1, 2)
    frames = []
    for t in range(10):
        frames.append(seen(t, places, shape=(420, 420)))
        places = places + rng.normal(0, 2.0, places.shape)
    return frames


def without(found, ids):
    return take(found, ~np.isin(found.ids, ids))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("lit", [True, False])
def test_easy_movies_are_linked_as_they_are(seed, lit):
    frames, tracks = drawn(seed, lit=lit)
    made = linked(frames)
    true, found = true_links(frames), links(made)
    assert len(true) > 200
    assert len(true & found) >= 0.99 * len(true)
    assert len(found - true) <= 0.02 * len(true)
    born, told = true_births(tracks), births(made)
    assert len(born) >= 10
    assert len(born & told) >= 0.7 * len(born)
    assert len(told - born) <= 0.3 * len(born)


def test_cells_that_cannot_be_mistaken_keep_their_tracks(lattice):
    made = linked(lattice)
    assert made.tracks == tuple(Track(label, 0, 9) for label in range(1, 37))
    assert all(ids.tolist() == tracks.tolist() for ids, tracks in made.labels.values())


@pytest.mark.parametrize("missed", [1, 2])
def test_cells_that_are_missed_go_on_as_the_same(lattice, missed):
    gone = {t: [8, 15, 29] for t in range(4, 4 + missed)}
    frames = [without(found, gone.get(found.t, [])) for found in lattice]
    made = linked(frames)
    assert made.tracks == tuple(Track(label, 0, 9) for label in range(1, 37))
    assert links(made) == true_links(frames)


def test_cells_are_missed_for_no_longer_than_they_may_be(lattice):
    gone = {4: [8, 15, 29], 5: [8, 15], 6: [8]}
    frames = [without(found, gone.get(found.t, [])) for found in lattice]
    for max_gap in range(3):
        made = linked(frames, max_gap=max_gap)
        assert len(made.tracks) == 36 + 3 - max_gap
        longest = max(b[0] - a[0] - 1 for a, b in links(made))
        assert longest == max_gap


@pytest.mark.parametrize("lost", [[4], [4, 5, 6], [1], [8]])
@pytest.mark.parametrize("max_gap", [0, 2])
def test_tracks_go_on_across_frames_that_are_lost(lattice, lost, max_gap):
    frames = [found for found in lattice if found.t not in lost]
    made = linked(frames, max_gap=max_gap)
    assert made.tracks == tuple(Track(label, 0, 9) for label in range(1, 37))


def test_a_movie_with_a_frame_lost_is_linked_around_it(movie):
    frames = [found for found in movie[0] if found.t != 6]
    true = true_links(frames)
    assert len(true & links(linked(frames))) >= 0.97 * len(true)


def test_the_same_frames_give_the_same(movie):
    one, other = linked(movie[0]), linked(movie[0])
    assert one.tracks == other.tracks
    for t, (ids, tracks) in one.labels.items():
        assert ids.tobytes() == other.labels[t][0].tobytes()
        assert tracks.tobytes() == other.labels[t][1].tobytes()


def test_what_numbers_cells_have_in_a_frame_means_nothing(movie):
    rng = np.random.default_rng(0)
    frames, old = [], {}
    for found in movie[0]:
        rows = rng.permutation(len(found))
        ids = np.sort(rng.choice(10**9, len(found), replace=False)).astype(np.int32)
        frames.append(replace(take(found, rows), ids=ids))
        old |= {
            (found.t, one): (found.t, other)
            for one, other in zip(ids.tolist(), found.ids[rows].tolist(), strict=True)
        }
    made, plain = linked(frames), linked(movie[0])
    assert {(old[a], old[b]) for a, b in links(made)} == links(plain)
    assert {(old[a], old[b]) for a, b in births(made)} == births(plain)


@pytest.mark.parametrize("zoom", [0.7, 5.0])
def test_magnification_changes_no_track(movie, zoom):
    def larger(found):
        height, width = found.shape
        return replace(
            found,
            y=found.y * zoom,
            x=found.x * zoom,
            area=found.area * zoom**2,
            major=found.major * zoom,
            minor=found.minor * zoom,
            shape=(round((height - 1) * zoom) + 1, round((width - 1) * zoom) + 1),
        )

    plain, made = linked(movie[0]), linked([larger(found) for found in movie[0]])
    assert len(links(plain) ^ links(made)) <= 0.01 * len(links(plain))


@pytest.mark.parametrize("empty", [[0], [9], [5], [0, 1], [4, 5], [0, 5, 9]])
def test_frames_without_cells_are_no_fault(lattice, empty):
    frames = [found if found.t not in empty else take(found, []) for found in lattice]
    made = linked(frames)
    assert len(made.tracks) == 36
    assert links(made) == true_links(frames)


def test_more_empty_frames_than_may_be_missed_end_all_tracks(lattice):
    frames = [found if found.t not in (4, 5, 6) else take(found, []) for found in lattice]
    made = linked(frames, max_gap=2)
    assert len(made.tracks) == 72
    assert not births(made)


@pytest.mark.parametrize("frames", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_frames_of_few_cells(frames, count):
    places = np.array([[100.0, 100], [300, 420], [640, 200]])[:count]
    made = linked([seen(t, places + t) for t in range(frames)])
    expected = count if frames else 0
    assert made.tracks == tuple(Track(label, 0, frames - 1) for label in range(1, expected + 1))


def test_cells_on_one_place_are_no_fault():
    made = linked([seen(t, np.full((6, 2), 50.0)) for t in range(4)])
    assert len(links(made)) <= 18


def test_without_divisions_there_are_none(movie):
    frames, tracks = movie
    assert true_births(tracks)
    made = linked(frames, divide=False)
    assert not births(made)
    assert not any(track.parent for track in made.tracks)
    true = true_links(frames)
    assert len(true & links(made)) >= 0.98 * len(true)


@pytest.mark.parametrize("reach", [0.5, 3.0, 8.0])
def test_no_cell_moves_further_than_it_may(movie, reach):
    """Of gaps each frame counts; drift, which there is none of, would come on top."""
    frames = [without(found, [found.t % 5 + 1]) for found in movie[0]]
    place = {
        (found.t, label): place
        for found in frames
        for label, place in zip(found.ids.tolist(), found.places, strict=True)
    }
    made = linked(frames, reach=reach)
    for a, b in links(made) | births(made):
        assert np.hypot(*(place[b] - place[a])) <= reach * (b[0] - a[0]) + 1e-9
    assert links(made)


def test_cells_that_jump_are_followed_where_there_is_no_other(lattice):
    """A fifth of them goes a third of the way to a neighbour in one frame."""
    rng = np.random.default_rng(4)
    jumps = {t: rng.choice(36, 7, replace=False) for t in (3, 6)}
    offset = np.zeros((36, 2))
    frames = []
    for found in lattice:
        if found.t in jumps:
            turn = rng.uniform(0, 2 * np.pi, 7)
            offset[jumps[found.t]] += 20 * np.stack([np.sin(turn), np.cos(turn)], 1)
        frames.append(replace(found, y=found.y + offset[:, 0], x=found.x + offset[:, 1]))
    true = true_links(frames)
    assert len(links(linked(frames)) & true) >= 0.98 * len(true)


def test_cells_on_a_stage_that_slips_are_followed():
    rng = np.random.default_rng(5)
    places = scattered(120, (600, 600), rng, apart=30)
    frames = []
    for t in range(8):
        slip = {3: (40.0, -25.0), 5: (-60.0, 10.0)}.get(t, (0.0, 0.0))
        places = places + rng.normal(0, 1.5, places.shape) + slip
        frames.append(seen(t, places, shape=(800, 800)))
    true = true_links(frames)
    assert len(links(linked(frames)) & true) >= 0.98 * len(true)


def test_cells_that_are_missed_when_the_stage_slips_go_on_as_the_same():
    rng = np.random.default_rng(5)
    places = scattered(120, (600, 600), rng, apart=30)
    frames = []
    for t in range(8):
        places = places + rng.normal(0, 1.0, places.shape) + ((45.0, -30.0) if t == 4 else (0, 0))
        found = seen(t, places, shape=(800, 800))
        frames.append(without(found, range(20, 60, 10)) if t == 4 else found)
    across = {link for link in true_links(frames) if link[0][0] + 2 == link[1][0]}
    assert len(across) == 4
    assert across <= links(linked(frames))


def test_noise_without_end_takes_no_time_without_end():
    """Thousands of dots, each in one frame: nothing to follow, and all to weigh."""
    rng = np.random.default_rng(6)
    frames = [seen(t, rng.uniform(0, 2000, (5000, 2)), diameter=4) for t in range(3)]
    frames = [replace(found, shape=(2000, 2000)) for found in frames]
    made = linked(frames)
    assert sum(len(tracks) for _, tracks in made.labels.values()) == 15_000
