from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest
from skimage.measure import regionprops_table

from cytomill.errors import InputError
from cytomill.image.array import from_array
from cytomill.inference.load import models as load
from cytomill.ops.overlap import overlaps
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.pipelines import nuclei as module
from cytomill.pipelines.track import Track, TrackOptions
from cytomill.pipelines.trying import process
from cytomill.settings import Settings
from cytomill.testing import PipelineTests
from cytomill.tracks.files.formats import FORMATS

#: What the model takes a pixel to be, so that nothing is resampled.
MICRONS = 0.65


def film(frames=6, shape=(150, 190), seed=2, **options):
    """The frames of a movie and their true labels, (t, y, x)."""
    scene = Scene(shape, diameter=20, coverage=0.2, clustering=0, noise=0.01)
    drawn = list(Movie(Film(scene, frames=frames, speed=0.03, **options), seed))
    return tuple(np.array(each) for each in zip(*drawn, strict=True))


@pytest.fixture(scope="module")
def movie():
    return film()[0]


@pytest.fixture(scope="module")
def models():
    return load("cpu", 2)


@pytest.fixture
def followed(models, tmp_path):
    """What comes of an image, with these options."""

    def follow(image, **options):
        pipeline = Track(TrackOptions(**options))
        seen = pipeline.view(image)
        parts = pipeline.split(seen)
        return pipeline.merge(seen, (process(pipeline, seen, p, models) for p in parts), tmp_path)

    return follow


def of(pixels, axes="TYX"):
    return from_array(pixels, axes, pixel_size=MICRONS)


class Torn:
    """Pixels of which those of frame 3 cannot be read."""

    def __init__(self, source):
        self.source = source

    def read(self, t, c, z, y, x):
        if t == 3:
            raise InputError("t3.tif", "is damaged")
        return self.source.read(t, c, z, y, x)

    def close(self):
        self.source.close()


class TestTrack(PipelineTests):
    @pytest.fixture
    def pipeline(self):
        return Track(TrackOptions())

    @pytest.fixture
    def image(self, movie):
        return of(movie[:4])


class TestEverything(PipelineTests):
    """Every file of tracks that needs nothing else installed, of planes of Z as frames."""

    @pytest.fixture
    def pipeline(self):
        return Track(TrackOptions(files="ctc,lineage,trk,trackmate,geff,napari,tree,tree_svg"))

    @pytest.fixture
    def image(self, movie):
        return of(movie[:3], "ZYX")


class TestTiles(PipelineTests):
    """Frames in several parts."""

    @pytest.fixture
    def pipeline(self, monkeypatch):
        monkeypatch.setattr(module, "settings", Settings(tile=256, whole=100 * 100))
        return Track(TrackOptions(files="ctc"))

    @pytest.fixture
    def image(self):
        return of(film(2, (300, 420))[0])

    def test_there_are_several(self, pipeline, image):
        assert len(pipeline.split(image)) > 2 * image.shape[0]


def test_cells_are_found_and_followed(followed):
    pixels, truth = film(8, cycle=25)
    made = followed(of(pixels))
    labels = made.labels[:, 0]
    tables = [overlaps(found, true) for found, true in zip(labels, truth, strict=True)]
    there = sum(len(table.truth_ids) for table in tables)
    assert sum((table.iou > 0.5).sum() for table in tables) >= 0.85 * there
    kept = 0
    for label in range(1, 1 + int(truth[0].max())):  # those that are there from the first frame
        there = [t for t in range(8) if (truth[t] == label).any()]
        names = [np.bincount(labels[t][truth[t] == label]).argmax() for t in there]
        kept += len(set(names)) == 1
    assert kept >= 0.85 * truth[0].max()
    assert made.count == len(made.tables["tracks"])


@pytest.mark.parametrize(
    ("axes", "time", "times", "note"),
    [
        ("TYX", "auto", 6, ""),
        ("TYX", "z", 6, ""),
        (
            "ZYX",
            "auto",
            6,
            "has no T axis: took its 6 planes of Z as frames "
            "(--time t takes the file as one frame)",
        ),
        ("ZYX", "z", 6, "took its 6 planes of Z as frames"),
        ("ZYX", "t", 1, "took the brightest of its 6 planes of Z in each frame"),
        ("YX", "auto", 1, ""),
        ("TZYX", "auto", 3, "took the brightest of its 2 planes of Z in each frame"),
        ("TZYX", "t", 3, "took the brightest of its 2 planes of Z in each frame"),
        ("TZYX", "z", 6, "took its 2 planes of Z as frames"),
        (
            "CYX",
            "auto",
            6,
            "has no T axis: took its 6 channels as frames (--time t takes the file as one frame)",
        ),
        ("CYX", "c", 6, "took its 6 channels as frames"),
        ("CYX", "t", 1, ""),
        ("TCYX", "auto", 3, ""),
    ],
)
def test_which_axis_is_time(followed, movie, axes, time, times, note):
    shape = {
        "YX": movie.shape[1:],
        "TZYX": (3, 2, *movie.shape[1:]),
        "TCYX": (3, 2, *movie.shape[1:]),
    }.get(axes, movie.shape)
    pixels = movie[0] if axes == "YX" else movie
    made = followed(of(pixels.reshape(shape), axes), time=time, files="none")
    assert made.labels.shape == (times, 1, *movie.shape[1:])
    assert max(made.table["t"].to_pylist()) == times - 1
    assert made.notes == ((note,) if note else ())


def test_planes_of_z_give_what_frames_of_t_give(followed, movie):
    one, other = followed(of(movie)), followed(of(movie, "ZYX"))
    np.testing.assert_array_equal(one.labels[...], other.labels[...])
    assert one.tables["tracks"].equals(other.tables["tracks"])


def test_an_interval_and_a_pixel_size_that_are_given_go_before_those_of_the_file(followed, movie):
    image = replace(of(movie), interval=60.0)
    known = followed(image).tables["tracks"].to_pylist()[0]
    assert known["end_h"] == pytest.approx(known["last_frame"] / 60)
    given = followed(image, frame_interval=6, pixel_size=0.5).tables["tracks"].to_pylist()[0]
    assert given["end_h"] == pytest.approx(given["last_frame"] / 10)
    assert given["area_mean_um2"] == pytest.approx(given["area_mean"] / 4)
    assert followed(of(movie)).tables["tracks"].to_pylist()[0]["end_h"] is None


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ("none", ()),
        ("ctc", ("RES",)),
        (" lineage , ctc ,", ("RES", "lineage.json")),
        ("ctc,ctc", ("RES",)),
        ("all", tuple(one.end for one in FORMATS.values())),
    ],
)
def test_files_are_chosen_by_name(monkeypatch, given, ends):
    for name, one in FORMATS.items():
        monkeypatch.setitem(FORMATS, name, replace(one, check=lambda: None))
    pipeline = Track(TrackOptions(files=given))
    assert pipeline.products.files == ends


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("ctc,excel", "excel is none of ctc, lineage, trk,"),
        ("all,ctc", "all is none of"),
        ("", "names no file; give none for no files"),
        (" , ", "names no file"),
    ],
)
def test_files_that_there_are_not_are_refused(given, why):
    with pytest.raises(ValueError, match=why):
        TrackOptions(files=given)


def test_a_frame_that_cannot_be_read_is_bridged_and_told(followed, movie):
    image = of(movie)
    torn = replace(image, source=Torn(image.source))
    made, whole = followed(torn), followed(image)
    assert made.notes == (
        "frame 3 (from 0) could not be analysed (t3.tif: is damaged): tracks go on across",
    )
    assert not whole.notes
    # Cells are put into the lost frame, and those around it keep their tracks.
    there = len(np.unique(whole.labels[3])) - 1
    assert len(np.unique(made.labels[3])) - 1 >= 0.7 * there
    rows = [row for row in made.table.to_pylist() if row["t"] == 3]
    assert len(rows) >= 0.7 * there
    assert all(row["filled"] for row in rows)
    assert not [row for row in made.table.to_pylist() if row["filled"] and row["t"] != 3]
    assert not followed(torn, fill=False).labels[3].any()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "mp4"])
def test_every_file_is_written_of_a_movie_with_a_frame_lost(followed, movie, tmp_path, name):
    image = of(movie[:4])
    (write,) = followed(replace(image, source=Torn(image.source)), files=name).files.values()
    write(tmp_path / "file")
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("tile", [100 * 100, 2**62])
def test_a_movie_without_any_frame_that_can_be_read_fails(followed, movie, monkeypatch, tile):
    class Gone:
        def read(self, t, c, z, y, x):
            raise InputError("movie.tif", "is damaged")

        def close(self):
            pass

    monkeypatch.setattr(module, "settings", Settings(tile=256, whole=tile))
    with pytest.raises(InputError, match="is damaged"):
        followed(replace(of(movie), source=Gone()))


def test_without_measuring_there_are_tracks_and_no_measurements(followed, movie):
    plain, made = followed(of(movie)), followed(of(movie), measure=False)
    assert made.table is None
    assert made.tables["tracks"].equals(plain.tables["tracks"])
    np.testing.assert_array_equal(made.labels[...], plain.labels[...])


def test_a_movie_without_cells_has_no_tracks(followed, tmp_path):
    rng = np.random.default_rng(0)
    made = followed(of(rng.normal(200, 2, (3, 120, 130)).astype(np.uint16)))
    assert (made.count, len(made.table), len(made.tables["tracks"])) == (0, 0, 0)
    for name, write in made.files.items():
        write(tmp_path / name)
    assert (tmp_path / "RES/res_track.txt").read_text() == ""
    assert len(list((tmp_path / "RES").glob("mask*.tif"))) == 3


def test_tiles_of_large_frames_leave_no_seams(followed, monkeypatch):
    pixels, _ = film(3, (560, 600))
    monkeypatch.setattr(module, "settings", Settings(whole=2**62))
    whole = followed(of(pixels))
    monkeypatch.setattr(module, "settings", Settings(tile=256, whole=1))
    tiled = followed(of(pixels))
    assert abs(tiled.count - whole.count) <= 0.01 * whole.count
    shape = ("label", "area", "centroid")
    for t in range(3):
        expected = regionprops_table(tiled.labels[t, 0].astype(int), properties=shape)
        rows = tiled.table.filter(pc.equal(tiled.table["t"], t))
        for name, values in expected.items():
            assert rows[name].to_pylist() == pytest.approx(values, abs=1e-6), name
    names = set()
    for t in range(3):
        table = overlaps(tiled.labels[t, 0], whole.labels[t, 0])
        good = table.iou > 0.9
        assert good.sum() >= 0.99 * len(table.truth_ids)
        pairs = zip(
            table.pred_ids[table.pred[good]], table.truth_ids[table.truth[good]], strict=True
        )
        names |= set(pairs)
    # A track of the one is a track of the other.
    assert len(names) <= 1.02 * whole.count


@pytest.mark.parametrize("whole", [1, 2**62])
def test_a_frame_that_is_lost_is_lost_in_tiles_too(followed, monkeypatch, whole):
    monkeypatch.setattr(module, "settings", Settings(tile=256, whole=whole))
    image = of(film(5, (280, 300))[0])
    made = followed(replace(image, source=Torn(image.source)))
    (note,) = made.notes
    assert note.startswith("frame 3 (from 0) could not be analysed (t3.tif: is damaged)")
    assert made.count > 0
