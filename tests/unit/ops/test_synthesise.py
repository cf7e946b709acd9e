from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cytomill.errors import OptionError
from cytomill.ops import synthesise_movie
from cytomill.ops.synthesise import CAMERA_OFFSET, Scene, nuclei
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.ops.synthesise_slide import label_dtype, slide

RICH = Scene(overlap=0.15, dome=0.6, grain=0.3, mitotic=0.1, debris=0.1)


def whole(scene, seed=0):
    bands = list(slide(scene, seed))
    image = np.concatenate([band.image for band in bands])
    return image, np.concatenate([band.labels for band in bands])


def digest(labels):
    return hashlib.sha256(labels.tobytes()).hexdigest()[:16]


def test_truth_of_a_seed_never_changes():
    assert digest(nuclei(Scene((200, 300)), 7)[1]) == "97b0ce683522b080"
    assert digest(whole(replace(RICH, shape=(200, 300)), 7)[1]) == "438edb2d4926a75e"


@pytest.mark.parametrize("make", [nuclei, whole])
def test_same_seed_same_pixels_other_seed_others(make):
    scene = replace(RICH, shape=(90, 120))
    first, again, other = make(scene, 3), make(scene, 3), make(scene, 4)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.floats(2, 60),
    st.floats(0, 0.8),
    st.integers(0, 2**32),
)
def test_any_size_is_drawn_with_labels_without_gaps(shape, diameter, coverage, seed):
    scene = replace(RICH, shape=shape, diameter=diameter, coverage=coverage)
    for make in (nuclei, whole):
        image, labels = make(scene, seed)
        assert image.shape == labels.shape == shape
        assert image.dtype == np.uint16
        assert set(np.unique(labels)) | {0} == set(range(int(labels.max()) + 1))


@pytest.mark.parametrize("make", [nuclei, whole])
def test_every_nucleus_is_one_piece(make):
    _, labels = make(replace(RICH, coverage=0.5), 1)
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        assert ndimage.label(labels[box] == label)[1] == 1


@pytest.mark.parametrize("make", [nuclei, whole])
def test_nuclei_are_bright_and_as_many_and_as_large_as_asked_for(make):
    scene = Scene((700, 700), diameter=20, coverage=0.2, clustering=0, noise=0.01)
    image, labels = make(scene, 5)
    assert np.count_nonzero(labels) / labels.size == pytest.approx(0.2, rel=0.25)
    areas = np.bincount(labels.ravel())[1:]
    assert 2 * np.sqrt(np.median(areas) / np.pi) == pytest.approx(20, rel=0.15)
    assert np.median(image[labels > 0]) - CAMERA_OFFSET == pytest.approx(8000, rel=0.3)
    assert np.median(image[labels > 0]) > 5 * np.median(image[labels == 0])


def test_bands_of_a_slide_follow_each_other():
    bands = list(slide(Scene((900, 50), diameter=10), 0))
    assert len(bands) > 5
    tops = np.cumsum([0] + [len(band.image) for band in bands])
    assert [band.top for band in bands] == list(tops[:-1])
    assert tops[-1] == 900


def test_slide_has_no_seams():
    scene = Scene((1200, 400), diameter=12, coverage=0.3, noise=0.02, clustering=0)
    bands = list(slide(scene, 2))
    image = np.concatenate([band.image for band in bands]).astype(float)
    labels = np.concatenate([band.labels for band in bands])
    cuts = np.array([band.top for band in bands[1:]])
    steps = np.abs(np.diff(image, axis=0)).mean(axis=1)
    assert steps[cuts - 1].mean() == pytest.approx(steps.mean(), rel=0.2)
    crossing = [(labels[cut] == labels[cut - 1])[labels[cut] > 0].mean() for cut in cuts]
    assert np.mean(crossing) > 0.7


def test_labels_are_as_wide_as_their_number_needs():
    assert label_dtype(Scene((1080, 1280))) == np.uint16
    assert label_dtype(Scene((40_000, 40_000))) == np.uint32
    assert next(slide(Scene((10, 10)))).labels.dtype == np.uint16


def test_mitoses_are_brighter_than_the_rest():
    calm = nuclei(Scene(), 4)[0]
    dividing = nuclei(Scene(mitotic=1.0), 4)[0]
    assert np.percentile(dividing, 99) > 1.5 * np.percentile(calm, 99)


def test_debris_is_not_labelled():
    empty = Scene((300, 300), coverage=0.05, noise=0.01)
    image, labels = nuclei(replace(empty, debris=3.0), 4)
    clean = nuclei(empty, 4)
    assert np.array_equal(labels, clean[1])
    assert (image > 3000)[labels == 0].sum() > (clean[0] > 3000)[labels == 0].sum() + 50


@pytest.fixture(scope="module")
def movie():
    film = Film(Scene((180, 200), diameter=16, coverage=0.25, debris=0.05), frames=25, cycle=14)
    made = Movie(film, 1)
    return made, list(made)


def test_a_track_is_seen_in_each_of_its_frames_and_in_no_other(movie):
    made, frames = movie
    seen = [set(np.unique(labels)) - {0} for _, labels in frames]
    assert [track.label for track in made.tracks] == list(range(1, len(made.tracks) + 1))
    assert set().union(*seen) == {track.label for track in made.tracks}
    for track in made.tracks:
        assert [track.label in labels for labels in seen] == [
            track.begin <= time <= track.end for time in range(len(frames))
        ]


def test_daughters_begin_where_their_mother_ends(movie):
    made, frames = movie
    daughters = [track for track in made.tracks if track.parent]
    assert len(daughters) >= 20
    for track in daughters:
        mother = made.tracks[track.parent - 1]
        assert mother.end == track.begin - 1
        places = [
            np.argwhere(frames[time][1] == label).mean(axis=0)
            for time, label in ((mother.end, mother.label), (track.begin, track.label))
        ]
        assert np.hypot(*(places[0] - places[1])) < 16


def test_nuclei_come_move_divide_and_go(movie):
    made, frames = movie
    assert any(t.begin > 0 and t.parent == 0 for t in made.tracks)
    mothers = {t.parent for t in made.tracks}
    assert any(t.end < len(frames) - 1 and t.label not in mothers for t in made.tracks)
    assert np.mean((frames[0][1] > 0) != (frames[10][1] > 0)) > 0.05


def test_movie_is_the_same_every_time(movie):
    made, frames = movie
    for (image, labels), (image_again, labels_again) in zip(frames, made, strict=True):
        assert np.array_equal(image, image_again)
        assert np.array_equal(labels, labels_again)


def test_movie_with_more_tracks_than_labels_is_refused(monkeypatch):
    monkeypatch.setattr(synthesise_movie, "_MOST_TRACKS", 3)
    with pytest.raises(OptionError, match="more than 3 tracks"):
        list(Movie(Film(Scene((200, 200)), frames=1)))
