from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from cytomill.cli import sample_files
from cytomill.cli.sample import command
from cytomill.errors import OptionError, OutputError
from cytomill.image.formats import open_images


def sample(folder, *options):
    """Run the command; returns what it printed."""
    done = CliRunner().invoke(command, ["-o", str(folder), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_set_of_images_with_truth_of_the_same_names(tmp_path):
    printed = sample(tmp_path, "-n", "3", "--size", "200x130")
    assert "made 3 images" in printed
    names = [path.name for path in sorted((tmp_path / "images").iterdir())]
    assert names == ["nuclei_000.tif", "nuclei_001.tif", "nuclei_002.tif"]
    assert names == [path.name for path in sorted((tmp_path / "truth").iterdir())]
    notes = json.loads((tmp_path / "sample.json").read_text())
    for entry in notes["samples"]:
        labels = tifffile.imread(tmp_path / entry["truth"])
        assert labels.shape == tifffile.imread(tmp_path / entry["image"]).shape == (130, 200)
        assert labels.max() == entry["objects"] > 0


def test_images_are_ome_tiff_with_pixel_size_and_channel(tmp_path):
    sample(tmp_path, "-n", "1", "--size", "80x60", "--pixel-size", "0.325", "-q")
    with open_images(tmp_path / "images" / "nuclei_000.tif") as file:
        (image,) = file.images
        assert image.shape == (1, 1, 1, 60, 80)
        assert image.axes == "YX"
        assert (image.pixel_size.y, image.pixel_size.x) == (0.325, 0.325)
        assert image.channels == ("DAPI",)
        assert image.dtype == np.uint16


def test_same_seed_same_files_and_a_longer_set_begins_alike(tmp_path):
    one, two, other = tmp_path / "one", tmp_path / "two", tmp_path / "other"
    sample(one, "-n", "1", "--size", "90x90", "--seed", "5")
    sample(two, "-n", "2", "--size", "90x90", "--seed", "5")
    sample(other, "-n", "1", "--size", "90x90", "--seed", "6")
    name = "images/nuclei_000.tif"
    assert np.array_equal(tifffile.imread(one / name), tifffile.imread(two / name))
    assert not np.array_equal(tifffile.imread(one / name), tifffile.imread(other / name))
    before = (one / name).read_bytes()
    sample(one, "-n", "1", "--size", "90x90", "--seed", "5", "--overwrite")
    assert (one / name).read_bytes() == before


def test_smallest_image(tmp_path):
    sample(tmp_path, "-n", "1", "--size", "1x1")
    assert tifffile.imread(tmp_path / "images" / "nuclei_000.tif").shape == (1, 1)
    assert tifffile.imread(tmp_path / "truth" / "nuclei_000.tif").shape == (1, 1)


def test_streamed_image_is_tiled_and_the_same_as_a_whole_one(tmp_path, monkeypatch):
    options = ["-n", "1", "--size", "1100x700"]
    sample(tmp_path / "whole", *options)
    monkeypatch.setattr(sample_files, "STREAMED", 1000)
    sample(tmp_path / "tiled", *options)
    for kind in ("images", "truth"):
        with tifffile.TiffFile(tmp_path / "tiled" / kind / "nuclei_000.tif") as file:
            assert file.pages[0].is_tiled
            tiled = file.asarray()
        whole = tifffile.imread(tmp_path / "whole" / kind / "nuclei_000.tif")
        assert np.array_equal(tiled, whole)


def test_eight_bit_images_use_their_range(tmp_path):
    sample(tmp_path, "-n", "2", "--size", "300x300", "--dtype", "uint8")
    for path in (tmp_path / "images").iterdir():
        pixels = tifffile.imread(path)
        assert pixels.dtype == np.uint8
        assert np.percentile(pixels, 5) < 30
        assert pixels.max() > 90
        assert (pixels == 255).mean() < 0.01


def test_options_are_what_the_images_show(tmp_path):
    sample(tmp_path / "dense", "-n", "1", "--size", "400x400", "--coverage", "0.4")
    sample(tmp_path / "empty", "-n", "1", "--size", "400x400", "--coverage", "0")
    sample(tmp_path / "large", "-n", "1", "--size", "400x400", "--diameter", "40")
    truth = {
        name: tifffile.imread(tmp_path / name / "truth" / "nuclei_000.tif")
        for name in ("dense", "empty", "large")
    }
    assert (truth["dense"] > 0).mean() > 0.2
    assert truth["empty"].max() == 0
    areas = [np.median(np.bincount(truth[name].ravel())[1:]) for name in ("dense", "large")]
    assert areas[1] > 4 * areas[0]


def test_zarr_holds_image_and_truth(tmp_path):
    sample(tmp_path, "-n", "1", "--size", "150x100", "--format", "zarr")
    sample(tmp_path / "tiff", "-n", "1", "--size", "150x100")
    (stored,) = (tmp_path / "images").iterdir()
    assert stored.name == "nuclei_000.zarr"
    assert (stored / "labels" / "truth").is_dir()
    with open_images(stored) as file:
        pixels = file.images[0].read()
        assert file.images[0].pixel_size.x == 0.65
    assert np.array_equal(pixels, tifffile.imread(tmp_path / "tiff" / "images" / "nuclei_000.tif"))
    assert (tmp_path / "truth" / "nuclei_000.tif").is_file()


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    folder = tmp_path_factory.mktemp("movie")
    sample(folder, "--kind", "movie", "--size", "200x160", "--frames", "12", "--coverage", "0.3")
    return folder


def test_movie_keeps_the_rules_of_the_challenge(movie):
    frames = sorted(path.name for path in (movie / "01").iterdir())
    assert frames == [f"t{time:03}.tif" for time in range(12)]
    labels = [
        tifffile.imread(movie / "01_GT" / "TRA" / f"man_track{time:03}.tif") for time in range(12)
    ]
    assert np.array_equal(labels[3], tifffile.imread(movie / "01_GT" / "SEG" / "man_seg003.tif"))
    table = np.loadtxt(movie / "01_GT" / "TRA" / "man_track.txt", dtype=int)
    assert all(plane.dtype == np.uint16 and plane.shape == (160, 200) for plane in labels)
    seen = {t: set(np.unique(plane)) - {0} for t, plane in enumerate(labels)}
    ends = {label: end for label, _, end, _ in table}
    assert len(ends) == len(table)
    for label, begin, end, parent in table:
        assert {t for t in seen if label in seen[t]} == set(range(begin, end + 1))
        assert parent == 0 or ends[parent] < begin
    assert set().union(*seen.values()) == set(ends)


def test_movie_as_one_file(movie, tmp_path):
    options = ["--kind", "movie", "--size", "200x160", "--frames", "12", "--coverage", "0.3"]
    sample(tmp_path, *options, "--stack")
    with open_images(tmp_path / "images" / "movie_000.tif") as file:
        assert file.images[0].axes == "TYX"
        assert file.images[0].shape == (12, 1, 1, 160, 200)
    stack = tifffile.imread(tmp_path / "truth" / "movie_000.tif")
    frame = tifffile.imread(movie / "01_GT" / "TRA" / "man_track007.tif")
    assert np.array_equal(stack[7], frame)
    tracks = (tmp_path / "truth" / "movie_000_tracks.txt").read_text()
    assert tracks == (movie / "01_GT" / "TRA" / "man_track.txt").read_text()


def test_nothing_is_overwritten_unasked(tmp_path):
    sample(tmp_path, "-n", "1", "--size", "20x20")
    before = (tmp_path / "images" / "nuclei_000.tif").read_bytes()
    with pytest.raises(OutputError, match=r"nuclei_000.tif: is there already; .* --overwrite"):
        sample(tmp_path, "-n", "1", "--size", "30x30")
    assert (tmp_path / "images" / "nuclei_000.tif").read_bytes() == before
    sample(tmp_path, "-n", "1", "--size", "30x30", "--overwrite")
    assert tifffile.imread(tmp_path / "images" / "nuclei_000.tif").shape == (30, 30)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "big"], "--size big: must be WIDTHxHEIGHT"),
        (["--size", "0x10"], "each side must be 1 to"),
        (["--size", "500000x10"], "each side must be 1 to"),
        (["--diameter", "0"], "--diameter 0: must be 1.3 to 260 µm"),
        (["--diameter", "nan"], "--diameter nan: must be"),
        (["--pixel-size", "-1"], "--pixel-size -1: must be"),
        (["--pixel-size", "nan"], "--pixel-size nan: must be"),
        (["--frames", "3"], "add --kind movie"),
        (["--stack"], "add --kind movie"),
        (["--kind", "movie", "--format", "zarr"], "add --stack"),
        (["--kind", "movie", "-n", "100"], "at most 99 movies"),
        (["--kind", "movie", "--size", "9000x9000"], "a movie's frame has at most"),
    ],
)
def test_nonsense_is_refused_in_words_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(OptionError) as refused:
        sample(tmp_path / "out", *options)
    assert message in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        sample(tmp_path / "file" / "out", "-n", "1", "--size", "9x9")
