"""`cytomill.track`: arrays followed in Python."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import cytomill
from cytomill.errors import InputError, OptionError
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie


@pytest.fixture(scope="module")
def movie():
    """Images and labels (t, y, x)."""
    scene = Scene((140, 150), diameter=18, coverage=0.16, clustering=0)
    drawn = list(Movie(Film(scene, frames=8, speed=0.03, cycle=25), 3))
    return tuple(np.array(each) for each in zip(*drawn, strict=True))


def test_labels_are_followed(movie):
    tracked = cytomill.track(movie[1])
    assert (tracked.labels.dtype, tracked.labels.shape) == (np.uint16, movie[1].shape)
    np.testing.assert_array_equal(tracked.labels > 0, movie[1] > 0)
    assert tracked.lineage.shape == movie[1].shape
    assert len(tracked.tracks) == len(tracked.lineage.tracks) == tracked.labels.max()
    cells = sum(len(np.unique(frame)) - 1 for frame in tracked.labels)
    assert len(tracked.measurements) == len(tracked.lineage.spots) == cells
    assert tracked.notes == ()


def test_they_are_as_the_command_has_them(movie, cytomill, tmp_path):
    """The fixture hides the package: this is the command."""
    import cytomill as package

    tifffile.imwrite(tmp_path / "a.tif", movie[1], metadata={"axes": "TYX"})
    assert cytomill("track", tmp_path / "a.tif", "-o", tmp_path, "--files", "none").code == 0
    tracked = package.track(movie[1])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a_labels.tif"), tracked.labels)


@pytest.mark.parametrize("channels", [None, 1, 2])
def test_images_are_measured(movie, channels):
    images = movie[0] if channels is None else np.stack([movie[0]] * channels, axis=1)
    tracked = cytomill.track(movie[1], images, pixel_size=0.5, interval=600)
    names = [n for n in tracked.measurements.column_names if n.startswith("intensity_mean")]
    assert len(names) == (channels or 1)
    row = tracked.tracks.to_pylist()[0]
    assert row["end_h"] == pytest.approx(row["last_frame"] / 6)
    assert row["area_mean_um2"] == pytest.approx(row["area_mean"] / 4)


def test_options_are_those_of_the_pipeline(movie):
    labels = movie[1].copy()
    labels[4] = 0
    assert cytomill.track(labels).labels[4].any()
    assert not cytomill.track(labels, fill=False).labels[4].any()
    assert cytomill.track(labels, measure=False).measurements is None
    with pytest.raises(OptionError, match="link has no option 'max_gaps'; its options are: "):
        cytomill.track(labels, max_gaps=3)
    with pytest.raises(OptionError, match="frame_interval"):
        cytomill.track(labels, interval=-1)


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (np.zeros((9, 9), int), "has 2 axes"),
        (np.zeros((2, 2, 9, 9), int), "has 4 axes"),
        (np.full((2, 9, 9), 0.5), "has numbers that are not whole in frame 0"),
        (np.full((2, 9, 9), -1), "has negative labels in frame 0"),
        (np.zeros((0, 9, 9), int), "is empty"),
    ],
)
def test_arrays_that_are_no_labels_are_refused(labels, fault):
    with pytest.raises(InputError, match=fault):
        cytomill.track(labels)


def test_images_of_another_size_are_refused(movie):
    with pytest.raises(InputError, match="has 8 frames of 140×150 but its image has 7 frames of"):
        cytomill.track(movie[1], movie[0][:7])
