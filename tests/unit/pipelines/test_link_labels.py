from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from skimage.measure import regionprops_table

from cytomill.errors import InputError
from cytomill.image.array import from_array
from cytomill.image.core import PixelSize
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.pipelines import canvas
from cytomill.pipelines.link import Link, LinkOptions
from cytomill.pipelines.trying import process
from cytomill.testing import PipelineTests
from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.scores.validity import check


@pytest.fixture(scope="module")
def movie():
    """Images and true labels, (t, y, x), of cells of which some divide."""
    scene = Scene((160, 180), diameter=18, coverage=0.16, clustering=0)
    drawn = list(Movie(Film(scene, frames=8, speed=0.03, cycle=25), 3))
    return tuple(np.array(each) for each in zip(*drawn, strict=True))


@pytest.fixture
def linked(tmp_path):
    """What comes of labels, with these options."""

    def link(image, **options):
        pipeline = Link(LinkOptions(**options))
        seen = pipeline.view(image)
        partials = (process(pipeline, seen, part, {}) for part in pipeline.split(seen))
        return pipeline.merge(seen, partials, tmp_path)

    return link


def of(labels, axes="TYX"):
    return from_array(np.asarray(labels), axes)


def squares(frames=4, cells=3, size=8, shape=(60, 120)):
    """Squares far apart that go to the right, labelled from 1."""
    labels = np.zeros((frames, *shape), np.uint16)
    for t in range(frames):
        for cell in range(cells):
            x = 6 + 35 * cell + t
            labels[t, 20 : 20 + size, x : x + size] = cell + 1
    return labels


class TestLink(PipelineTests):
    @pytest.fixture
    def pipeline(self):
        return Link(LinkOptions())

    @pytest.fixture
    def image(self, movie):
        return of(movie[1])


class TestNumpy(PipelineTests):
    """Labels in the form that other programs like to give them: planes of Z, 64-bit."""

    @pytest.fixture
    def pipeline(self):
        return Link(LinkOptions(files="ctc,trackmate,geff,napari,trk"))

    @pytest.fixture
    def image(self, movie):
        return of(movie[1][:4].astype(np.int64) * 10**6, "ZYX")


def test_cells_keep_their_pixels(linked, movie):
    made = linked(of(movie[1]))
    np.testing.assert_array_equal(made.labels[:, 0] > 0, movie[1] > 0)
    for t, true in enumerate(movie[1]):
        both = np.unique(np.stack([true.ravel(), made.labels[t, 0].ravel()]), axis=1)
        assert len(both.T) == len(np.unique(true)) == len(np.unique(made.labels[t]))


def test_files_are_valid_and_hold_the_same_as_the_labels(linked, movie, tmp_path):
    made = linked(of(movie[1]), files="ctc")
    made.files["RES"](tmp_path / "RES")
    folder = CtcFolder(tmp_path / "RES")
    frames = [folder.labels(t) for t in range(len(folder))]
    np.testing.assert_array_equal(frames, made.labels[:, 0])
    assert check(folder.tracks, frames) == []
    rows = made.tables["tracks"].to_pylist()
    assert [(row["track"], row["parent"]) for row in rows] == [
        (track.label, track.parent or None) for track in folder.tracks
    ]
    assert any(track.parent for track in folder.tracks)


def test_what_numbers_cells_have_means_nothing(linked, movie):
    """Shuffled in each frame, and as sparse as they like."""
    rng = np.random.default_rng(0)
    mixed = np.zeros(movie[1].shape, np.uint32)
    for t, labels in enumerate(movie[1]):
        ids = rng.choice(4 * 10**9, int(labels.max()) + 1, replace=False).astype(np.uint32) + 1
        mixed[t] = np.where(labels > 0, ids[labels], 0)
    plain, made = linked(of(movie[1])), linked(of(mixed))
    assert made.count == plain.count
    both = np.stack([plain.labels[...].ravel(), made.labels[...].ravel()])
    assert len(np.unique(both, axis=1).T) == plain.count + 1
    lines = [
        sorted((row["first_frame"], row["last_frame"]) for row in one.tables["tracks"].to_pylist())
        for one in (plain, made)
    ]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    "kind",
    [np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, float],
)
def test_labels_of_any_type_of_number_are_the_same(linked, kind):
    made = linked(of(squares().astype(kind)))
    np.testing.assert_array_equal(made.labels[:, 0], squares())


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        (np.uint32, [2**31, 2**31 + 1, 2**32 - 1]),
        (np.int64, [10**9, 3 * 10**9, 7 * 10**12]),
        (np.uint64, [1, 2**53 + 1, 2**63]),
        (np.float64, [1, 1e9, 2.0**52]),
        (np.float32, [1, 2.0**24, 1e9]),
    ],
)
def test_numbers_may_be_as_large_as_they_like(linked, kind, ids):
    large = np.array([0, *ids], kind)[squares()]
    np.testing.assert_array_equal(linked(of(large)).labels[:, 0], squares())


@pytest.mark.parametrize("kind", [np.bool_, np.uint8])
def test_of_a_mask_each_piece_is_a_cell(linked, kind):
    mask = (squares() > 0).astype(kind) * (255 if kind == np.uint8 else 1)
    made = linked(of(mask))
    np.testing.assert_array_equal(made.labels[:, 0], squares())
    one = 255 if kind == np.uint8 else 1
    why = f"label {one} on cells apart from each other: each was taken alone"
    told = [f"frame {t}: {why}" for t in range(3)]
    assert made.notes == (*told, "the same goes for 1 more")


def test_a_label_on_two_cells_is_two_cells_and_that_is_told(linked):
    labels = squares()
    labels[1][labels[1] == 3] = 1
    made = linked(of(labels))
    np.testing.assert_array_equal(made.labels[:, 0], squares())
    assert made.notes == ("frame 1: label 1 on cells apart from each other: each was taken alone",)


def test_a_scrap_of_a_cell_is_no_cell(linked):
    labels = squares()
    labels[2, 22:24, 22] = 1  # not far from the first square, and small
    made = linked(of(labels))
    np.testing.assert_array_equal(made.labels[:, 0], labels)
    assert (made.count, made.notes) == (3, ())


def test_a_scrap_belongs_to_the_largest_cell_of_its_label(linked):
    labels = np.zeros((2, 60, 90), np.uint16)
    labels[:, 10:16, 10:16] = labels[:, 30:40, 40:50] = 5
    labels[:, 50, 80] = 5
    found = linked(of(labels)).labels[0, 0]
    assert found[50, 80] == found[35, 45] != found[12, 12] > 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda labels: labels + 0.5, "has numbers that are not whole in frame 0"),
        (lambda labels: np.where(labels == 2, np.nan, labels), "has numbers that are not whole"),
        (lambda labels: np.where(labels == 2, np.inf, labels), "has numbers that are not whole"),
        (lambda labels: -labels.astype(np.int16), "has negative labels in frame 0"),
        (lambda labels: -labels.astype(np.float32), "has negative labels in frame 0"),
    ],
)
def test_pixels_that_are_no_labels_are_refused(linked, change, fault):
    with pytest.raises(InputError, match=fault) as error:
        linked(of(change(squares())))
    assert len(str(error.value).splitlines()) == 1


def test_a_raw_movie_is_refused(linked, movie):
    for depth in (np.uint16, np.uint8):
        pixels = movie[0] if depth is np.uint16 else (movie[0] // 64).astype(depth)
        with pytest.raises(InputError, match="in frame 0: it is no label image; run the pipeline"):
            linked(of(pixels))


def test_floats_too_large_to_be_labels_are_refused(linked):
    labels = squares().astype(float)
    labels[labels == 2] = 1e30
    with pytest.raises(InputError, match="has too large labels in frame 0"):
        linked(of(labels))


def test_pictures_and_channels_are_refused():
    pipeline = Link(LinkOptions())
    picture = replace(of(np.zeros((2, 3, 9, 9), np.uint8), "TCYX"), rgb=True)
    with pytest.raises(InputError, match="is a colour picture"):
        pipeline.split(picture)
    with pytest.raises(InputError, match=r"has 3 channels; label images have one.*--images"):
        pipeline.split(of(np.zeros((2, 3, 9, 9), np.uint8), "TCYX"))
    with pytest.raises(InputError, match=r"has 2 frames of 3 planes of Z.*--time z"):
        pipeline.view(of(np.zeros((2, 3, 9, 9), np.uint8), "TZYX"))


@pytest.mark.parametrize(
    ("axes", "time", "times", "note"),
    [
        ("TYX", "auto", 4, ""),
        ("TYX", "z", 4, ""),
        (
            "ZYX",
            "auto",
            4,
            "has no T axis: took its 4 planes of Z as frames "
            "(--time t takes the file as one frame)",
        ),
        ("ZYX", "z", 4, "took its 4 planes of Z as frames"),
        ("TZYX", "z", 4, "took its 2 planes of Z as frames"),
        (
            "CYX",
            "auto",
            4,
            "has no T axis: took its 4 channels as frames (--time t takes the file as one frame)",
        ),
        ("CYX", "c", 4, "took its 4 channels as frames"),
        ("YX", "auto", 1, ""),
    ],
)
def test_which_axis_is_time(linked, axes, time, times, note):
    labels = squares()[:times]
    shape = {"YX": (60, 120), "TZYX": (2, 2, 60, 120)}.get(axes, labels.shape)
    made = linked(of(labels.reshape(shape), axes), time=time)
    np.testing.assert_array_equal(made.labels[:, 0], labels)
    assert made.notes == ((note,) if note else ())


def test_a_stack_that_is_one_frame_is_refused_where_it_is_said_to_be(linked):
    with pytest.raises(InputError, match="4 planes of Z"):
        linked(of(squares(), "ZYX"), time="t")
    with pytest.raises(InputError, match="4 channels; label images have one"):
        linked(of(squares(), "CYX"), time="t")


def test_cells_that_are_missed_are_filled_in_where_wished(linked):
    labels = squares(6)
    whole = labels.copy()
    labels[2:4][labels[2:4] == 2] = 0
    made = linked(of(labels))
    np.testing.assert_array_equal(made.labels[:, 0], whole)
    rows = made.table.to_pylist()
    filled = [(row["t"], row["track"]) for row in rows if row["filled"]]
    assert filled == [(2, 2), (3, 2)]
    assert len(rows) == 18
    assert made.tables["tracks"].to_pylist()[1]["filled"] == 2
    plain = linked(of(labels), fill=False)
    np.testing.assert_array_equal(plain.labels[:, 0], labels)
    assert len(plain.table) == 16
    assert plain.tables["tracks"].to_pylist()[1]["missing"] == 2
    short = linked(of(labels), max_gap=1)
    assert [row["last_frame"] for row in short.tables["tracks"].to_pylist()] == [5, 1, 5, 5]


def test_debris_that_is_seen_too_short_is_left_out(linked):
    labels = squares(6)
    labels[2, 45:50, 5:10] = 9
    assert linked(of(labels)).count == 4
    made = linked(of(labels), min_frames=2)
    np.testing.assert_array_equal(made.labels[:, 0], squares(6))
    assert (made.count, len(made.table), len(made.tables["tracks"])) == (3, 18, 3)
    assert linked(of(labels), min_frames=7).count == 0


def test_relatives_stay_however_short_they_are_seen(linked, movie):
    """And tracks are numbered anew, so that parents are still those."""
    plain, made = (linked(of(movie[1]), min_frames=n).tables["tracks"] for n in (1, 9))
    related = [row for row in plain.to_pylist() if row["parent"] or row["daughters"]]
    assert len(related) > 2
    assert len(made) == len(related)
    for row, other in zip(made.to_pylist(), related, strict=True):
        assert (row["first_frame"], row["last_frame"]) == (
            other["first_frame"],
            other["last_frame"],
        )
        assert bool(row["parent"]) == bool(other["parent"])


def test_a_frame_that_cannot_be_read_is_bridged_and_told(linked):
    class Torn:
        def __init__(self, source):
            self.source = source

        def read(self, t, c, z, y, x):
            if t in (0, 2):
                raise InputError("mask.tif", "is damaged")
            return self.source.read(t, c, z, y, x)

        def close(self):
            self.source.close()

    image = of(squares(5))
    made = linked(replace(image, source=Torn(image.source)))
    assert made.notes == (
        "frames 0, 2 (from 0) could not be analysed (mask.tif: is damaged): tracks go on across",
    )
    np.testing.assert_array_equal(made.labels[1:, 0], squares(5)[1:])
    assert not made.labels[0].any()


@pytest.mark.parametrize("empty", [[0], [3], [1], [0, 1, 2, 3]])
def test_frames_without_cells_are_no_fault(linked, empty, tmp_path):
    labels = squares()
    labels[empty] = 0
    made = linked(of(labels), fill=False)
    np.testing.assert_array_equal(made.labels[:, 0] > 0, labels > 0)
    assert made.count == (3 if len(empty) < 4 else 0)
    for name, write in made.files.items():
        write(tmp_path / name)


def test_the_image_beside_labels_is_measured_and_shown(linked, movie):
    raw, labels = movie
    dark = np.full_like(raw, 100)
    stack = np.stack([labels, dark, raw], axis=1)
    image = replace(
        of(stack, "TCYX"), channels=("labels", "Phase", "DAPI"), pixel_size=PixelSize(0.5, 0.5)
    )
    made = linked(image, fill=False)
    # The channel that shows nuclei is the one that tells cells apart.
    assert made.channel == 2
    table = made.table
    names = [name for name in table.column_names if name.startswith("intensity_mean")]
    assert len(names) == 2
    for t in range(len(raw)):
        expected = regionprops_table(
            made.labels[t, 0].astype(int), raw[t], properties=("label", "area", "intensity_mean")
        )
        rows = [row for row in table.to_pylist() if row["t"] == t]
        assert [row["track"] for row in rows] == expected["label"].tolist()
        assert [row[names[1]] for row in rows] == pytest.approx(expected["intensity_mean"])
        assert [row[names[0]] for row in rows] == [100] * len(rows)
        assert [row["area"] for row in rows] == pytest.approx(expected["area"])


def test_files_with_pixels_have_those_of_the_image_alone(linked, movie, tmp_path):
    raw, labels = movie
    stack = np.stack([labels, raw // 2, raw], axis=1)
    image = replace(of(stack, "TCYX"), channels=("labels", "Phase", "DAPI"))
    made = linked(image, files="trk")
    made.files["tracks.trk"](tmp_path / "a.trk")
    with tarfile.open(tmp_path / "a.trk") as archive:
        pixels = np.load(io.BytesIO(archive.extractfile("raw.npy").read()))
    np.testing.assert_array_equal(pixels, np.stack([raw // 2, raw], axis=-1))


def test_movies_too_large_for_memory_are_the_same(linked, monkeypatch):
    labels = squares(6)
    labels[2:4][labels[2:4] == 2] = 0
    plain = linked(of(labels))
    monkeypatch.setattr(canvas, "IN_MEMORY", 10)
    made = linked(of(labels))
    np.testing.assert_array_equal(made.labels[:, 0], plain.labels[:, 0])
    assert made.table.equals(plain.table)


def test_without_measuring_there_are_tracks_and_no_measurements(linked):
    made = linked(of(squares()), measure=False)
    assert made.table is None
    assert len(made.tables["tracks"]) == 3


def test_cells_do_not_divide_where_they_do_not(linked, movie):
    made = linked(of(movie[1]), divisions=False)
    assert not any(made.tables["tracks"]["parent"].to_pylist())


def test_no_cell_moves_further_than_it_may(linked):
    labels = squares()
    assert linked(of(labels), max_distance=1.5).count == 3
    assert linked(of(labels), max_distance=0.5).count == 12
