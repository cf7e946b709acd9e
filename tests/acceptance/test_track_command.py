"""Movies followed as a user does it, from the sample to the score."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cytomill.cli.main import main
from cytomill.image.formats import open_images
from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.scores.validity import check

FRAMES = 10


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    """A movie ``01`` and its truth, as ``cytomill sample`` makes them."""
    folder = tmp_path_factory.mktemp("movies")
    words = ["sample", "-o", str(folder), "--kind", "movie", "--size", "220x200", "-q"]
    words += ["--frames", str(FRAMES), "--coverage", "0.2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["cytomill", *words])
        with pytest.raises(SystemExit) as left:
            main()
    assert left.value.code in (0, None)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, sample) -> Path:
    """A folder of one's own with the movie, in which commands are given."""
    shutil.copytree(sample, tmp_path / "movies")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scores(cytomill: Callable, tracked: str) -> dict:
    """How well tracks do against the truth."""
    done = cytomill("evaluate", "--tracks", tracked, "movies/01_GT", "--json")
    assert done.code == 0, done.err
    return done.told["movies"][0]


OUTPUTS = ["{}_labels.tif", "{}_RES", "{}_lineage.json", "{}_tree.png"]
TABLES = ["measurements.csv", "measurements.parquet", "tracks.csv", "tracks.parquet"]


def check_outputs(out: Path, stem: str) -> None:
    """They are all there, and speak of the same tracks."""
    for name in (*OUTPUTS, *TABLES, "manifest.json"):
        assert (out / name.format(stem)).exists(), name
    labels = tifffile.imread(out / f"{stem}_labels.tif")
    folder = CtcFolder(out / f"{stem}_RES")
    frames = [folder.labels(t) for t in range(len(folder))]
    np.testing.assert_array_equal(frames, labels)
    assert check(folder.tracks, frames) == []
    rows = (out / "tracks.csv").read_text().splitlines()
    assert len(rows) == 1 + len(folder.tracks)
    lineage = json.loads((out / f"{stem}_lineage.json").read_text())
    assert {int(label) for label in lineage} == {track.label for track in folder.tracks}
    cells = sum(len(np.unique(frame)) - 1 for frame in frames)
    assert len((out / "measurements.csv").read_text().splitlines()) == 1 + cells
    assert not list(out.rglob("*.part"))


def test_a_movie_is_followed_and_scores_well(here, cytomill):
    done = cytomill("run", "movies/01", "-p", "track", "-o", "out")
    assert done.code == 0
    check_outputs(here / "out", "01")
    assert f"files     {Path('out/01_RES')} and 2 more\n" in done.out
    score = scores(cytomill, "out/01_RES")
    assert score["tra"] > 0.88
    assert score["lnk"] > 0.85


def test_labels_are_followed_and_score_well(here, cytomill):
    for words in ([], ["--images", "movies/01"]):
        out = f"out{len(words)}"
        done = cytomill("track", "movies/01_GT/TRA", "-o", out, *words)
        assert done.code == 0
        check_outputs(here / out, "TRA")
        score = scores(cytomill, f"{out}/TRA_RES")
        assert score["det"] > 0.99
        assert score["lnk"] > 0.93
        assert score["valid"]
        assert score["divisions"] >= 5
        assert score["bc_1"] > 0.6
        header = (here / out / "measurements.csv").read_text().split("\n", 1)[0]
        assert ("intensity_mean" in header) == bool(words)


def test_the_way_frames_are_stored_changes_no_track(here, cytomill):
    frames = [tifffile.imread(path) for path in sorted(Path("movies/01_GT/TRA").glob("*.tif"))]
    for axes in ("TYX", "ZYX"):
        tifffile.imwrite(f"{axes}.ome.tif", np.array(frames), ome=True, metadata={"axes": axes})
    shutil.make_archive("zipped", "zip", "movies/01_GT/TRA")
    made = {}
    for given in ("movies/01_GT/TRA", "TYX.ome.tif", "ZYX.ome.tif", "zipped.zip"):
        out = Path(f"out-{Path(given).name}")
        done = cytomill("track", given, "-o", out, "--files", "ctc")
        assert done.code == 0
        assert ("note: ZYX.ome.tif: has no T axis: took its" in done.out) == (given[0] == "Z")
        (folder,) = out.rglob("*RES")
        made[given] = {path.name: path.read_bytes() for path in folder.iterdir()}
    one, *others = made.values()
    assert all(other == one for other in others)


def test_several_labels_may_be_of_one_movie(here, cytomill):
    labels = ["movies/01_GT/TRA", "movies/01_GT/SEG"]
    twice = ["--images", "movies/01"] * 2
    done = cytomill("track", *labels, *twice, "-o", "out", "--format", "zarr", "--files", "ctc")
    assert done.code == 0
    raw = tifffile.imread("movies/01/t009.tif")
    for name in ("TRA", "SEG"):
        with open_images(Path(f"out/{name}.ome.zarr")) as file:
            assert file.images[0].channels[0] == "labels"
            np.testing.assert_array_equal(file.images[0].read(9, 1), raw)


def test_what_is_done_is_not_done_again(here, cytomill):
    words = ["track", "movies/01_GT/TRA", "--images", "movies/01", "-o", "out", "--json"]
    assert cytomill(*words).told["skipped"] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("out").rglob("*RES/*")}
    told = cytomill(*words).told
    assert (told["done"], told["skipped"]) == (1, 1)
    assert told["inputs"][0]["outputs"] == [name.format("TRA") for name in OUTPUTS]
    assert {path: path.stat().st_mtime_ns for path in Path("out").rglob("*RES/*")} == before
    assert cytomill(*words, "--max-gap", "1").told["skipped"] == 0
    assert cytomill(*words, "--max-gap", "1").told["skipped"] == 1
    # The image is part of the input.
    first = Path("movies/01/t000.tif")
    tifffile.imwrite(first, tifffile.imread(first) + 1)
    assert cytomill(*words, "--max-gap", "1").told["skipped"] == 0


def test_a_dry_run_says_what_would_be_and_does_nothing(here, cytomill):
    done = cytomill("track", "movies/01_GT", "-o", "out", "--dry-run", "--files", "ctc,geff")
    assert done.code == 0
    assert done.out.splitlines() == [
        "SEG -> SEG_labels.tif, SEG_RES, SEG_tracks.geff",
        "TRA -> TRA_labels.tif, TRA_RES, TRA_tracks.geff",
        "2 inputs, 2 to do; nothing was done (--dry-run)",
    ]
    assert not Path("out").exists()


def test_labels_alone_are_written_where_no_file_is_wished(here, cytomill):
    words = ["-o", "out", "--files", "none", "--no-measure"]
    assert cytomill("track", "movies/01_GT/TRA", *words).code == 0
    assert sorted(path.name for path in Path("out").iterdir() if path.name[0] != ".") == [
        "TRA_labels.tif",
        "manifest.json",
        "tracks.csv",
        "tracks.parquet",
    ]


def test_a_movie_with_damaged_and_missing_frames_is_followed_around_them(here, cytomill):
    Path("movies/01/t003.tif").write_bytes(b"II*\0")
    Path("movies/01/t006.tif").unlink()
    done = cytomill("run", "movies/01", "-p", "track", "-o", "out")
    assert done.code == 0
    (note,) = [line for line in done.out.splitlines() if line.startswith("note: ")]
    assert note.startswith(
        "note: 01: frames 3, 6 (from 0) could not be analysed (movies/01/t003.tif: "
    )
    assert note.endswith("): tracks go on across")
    check_outputs(here / "out", "01")
    score = scores(cytomill, "out/01_RES")
    assert score["tra"] > 0.75


def test_a_frame_of_another_size_is_none_of_the_movie(here, cytomill):
    path = Path("movies/01/t005.tif")
    tifffile.imwrite(path, tifffile.imread(path)[:100])
    done = cytomill("run", "movies/01", "-p", "track", "-o", "out", "--json")
    assert done.code == 0
    (told,) = done.told["notes"]
    assert told["input"] == "01"
    assert told["note"].startswith("frame 5 (from 0) could not be analysed (movies/01/t005.tif: ")


def test_a_single_frame_is_a_movie_too(here, cytomill):
    done = cytomill("run", "movies/01/t000.tif", "-p", "track", "-o", "out")
    assert done.code == 0
    assert len(list(Path("out").rglob("*RES/mask*.tif"))) == 1


def test_bad_inputs_are_told_in_a_line_each(here, cytomill):
    Path("notes.txt").write_text("my notes")
    Path("x.tif").write_text("my notes")
    Path("texts").mkdir()
    Path("empty").mkdir()
    for t in range(3):
        Path(f"texts/t{t}.tif").write_text("my notes")
    expected = {
        "none.tif": (2, "cytomill: none.tif: does not exist"),
        "empty": (2, "cytomill: empty: holds no TIFF"),
        "notes.txt": (1, "failed: notes.txt: is not an image: it holds text"),
        "x.tif": (1, "failed: x.tif: is not an image: it holds text"),
        "texts": (1, "failed: texts/t0.tif: is not an image: it holds text"),
    }
    for given, (code, line) in expected.items():
        for words in (["track", given], ["run", given, "-p", "track"]):
            done = cytomill(*words, "-o", "out", "-q")
            assert (done.code, done.out) == (code, ""), words
            assert done.err.startswith(line), words
            assert len(done.err.splitlines()) == 1, words


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--images", "none.tif"], 2, "cytomill: none.tif: does not exist"),
        (["--images", "movies/01/t000.tif"], 1, "failed: movies/01_GT/TRA: has 10 frames of "),
        (
            ["--images", "movies/01", "--images", "movies/01_GT/SEG"],
            2,
            "cytomill: --images: there are 1 label movies but 2 of images",
        ),
        (["--files", "excel"], 2, "cytomill: link: option files='excel': excel is none of ctc, "),
        (["--max-gap", "-1"], 2, "cytomill: link: option max_gap=-1: "),
        (["--frame-interval", "0"], 2, "cytomill: link: option frame_interval=0.0: "),
    ],
)
def test_what_cannot_be_is_told_in_a_line(here, cytomill, words, code, line):
    done = cytomill("track", "movies/01_GT/TRA", "-o", "out", "-q", *words)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(line)
    assert len(done.err.splitlines()) == 1


def test_a_raw_movie_given_as_labels_is_refused(here, cytomill):
    done = cytomill("track", "movies/01", "-o", "out", "-q")
    assert done.code == 1
    assert "it is no label image; run the pipeline track on the raw movie" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("words", [["run", "movie.ome.tif", "-p", "track"], ["track", "mask.tif"]])
def test_a_run_that_is_stopped_leaves_nothing_half_written(here, start, words):
    frames = [tifffile.imread(path) for path in sorted(Path("movies/01").glob("*.tif"))]
    masks = [tifffile.imread(path) for path in sorted(Path("movies/01_GT/TRA").glob("*.tif"))]
    for name, planes in (("movie.ome.tif", frames), ("mask.tif", masks)):
        tiled = np.tile(np.array(planes), (12, 2, 3))
        tifffile.imwrite(name, tiled, metadata={"axes": "TYX"}, compression="zlib")
    process = start(*words, "-o", "out")
    out, end = Path("out"), time.monotonic() + 60
    while not list((out / ".cytomill").glob("scratch*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not [*out.rglob("*.part"), *(out / ".cytomill").glob("scratch*")]
    # It may have been done just then.
    there = {path.name for path in out.glob("m*_*")}
    stem = Path(words[1]).name.split(".")[0]
    assert there in (set(), {name.format(stem) for name in OUTPUTS})


def test_axes_of_labels_are_what_the_user_says(cytomill, here):
    labels = np.stack(
        [tifffile.imread(path) for path in sorted(here.glob("movies/01_GT/TRA/*.tif"))]
    )
    # Frames that a program wrote last: without a word they would be columns.
    tifffile.imwrite("last.tif", np.moveaxis(labels, 0, -1), photometric="minisblack")
    tifffile.imwrite("first.tif", labels, photometric="minisblack")
    common = ("--files", "none", "-q")
    assert cytomill("track", "last.tif", "-o", "a", "--axes", "YXT", *common).code == 0
    assert cytomill("track", "first.tif", "-o", "b", *common).code == 0
    found, expected = (tifffile.imread(f"{name}_labels.tif") for name in ("a/last", "b/first"))
    assert np.array_equal(found, expected)
