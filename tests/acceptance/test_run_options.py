"""Every option of `cytomill run`."""

from __future__ import annotations

import json
import os
import termios
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from PIL import Image as Picture

from cytomill.image.formats import open_images


def inputs(done) -> list[str]:
    return [record["input"] for record in done.told["inputs"]]


def test_pattern_takes_what_matches(cytomill, images, tmp_path):
    (images / "a.tif").rename(images / "a.dat")
    done = cytomill("run", images, "-o", tmp_path / "out", "--pattern", "*.dat", "--json")
    assert inputs(done) == ["a.dat"]
    done = cytomill("run", images, "-o", tmp_path / "out", "--pattern", "b/*", "--json")
    assert inputs(done) == ["b/c.tif"]
    done = cytomill("run", images, "-o", tmp_path / "out", "--pattern", "*.png")
    assert (done.code, "holds nothing that matches *.png" in done.err) == (2, True)


def test_globs_are_expanded_where_the_shell_did_not(cytomill, images, tmp_path):
    done = cytomill("run", images / "**" / "*.tif", "-o", tmp_path / "out", "--json")
    assert sorted(inputs(done)) == ["a.tif", "b/c.tif", "d.tif"]


def test_split_takes_a_split_of_a_dataset(cytomill, images, tmp_path):
    dataset = {
        "name": "three",
        "images": ["a.tif", {"location": "b/c.tif"}, ["d.tif"]],
        "split": {"training": [0], "test": [1, 2]},
    }
    (images / "set.yml").write_text(yaml.safe_dump(dataset))
    done = cytomill("run", images / "set.yml", "-o", tmp_path / "out", "--split", "test", "--json")
    assert inputs(done) == ["b/c.tif", "d.tif"]
    done = cytomill("run", images / "set.yml", "-o", tmp_path / "out", "--split", "tset")
    assert (done.code, "training" in done.err) == (2, True)
    done = cytomill("run", images, "-o", tmp_path / "out", "--split", "test")
    assert (done.code, "only a dataset file" in done.err) == (2, True)


@pytest.mark.parametrize(("version", "marker"), [("0.4", ".zattrs"), ("0.5", "zarr.json")])
def test_zarr_holds_image_and_labels(cytomill, images, scene, tmp_path, version, marker):
    options = ("--format", "zarr", "--ngff", version)
    assert cytomill("run", images / "a.tif", "-o", tmp_path / "zarr", *options).code == 0
    assert cytomill("run", images / "a.tif", "-o", tmp_path / "tiff").code == 0
    store = tmp_path / "zarr" / "a.ome.zarr"
    assert (store / marker).is_file()
    with open_images(store) as file, open_images(store / "labels" / "nuclei") as labels:
        assert np.array_equal(file.images[0].read(), scene[0])
        expected = tifffile.imread(tmp_path / "tiff" / "a_labels.tif")
        assert np.array_equal(labels.images[0].read(), expected)


def test_overlay_and_geojson_are_written(cytomill, images, scene, tmp_path):
    done = cytomill("run", images / "a.tif", "-o", tmp_path, "--overlay", "--geojson", "--json")
    (record,) = done.told["inputs"]
    assert record["outputs"] == ["a_labels.tif", "a_overlay.png", "a.geojson"]
    picture = np.asarray(Picture.open(tmp_path / "a_overlay.png").convert("RGB"))
    assert picture.shape == (*scene[0].shape, 3)
    assert (picture.max(-1) != picture.min(-1)).any()
    features = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert len(features) == record["objects"]
    assert all("area" in feature["properties"]["measurements"] for feature in features)


def test_no_measure_writes_no_table(cytomill, images, tmp_path):
    done = cytomill("run", images, "-o", tmp_path / "out", "--no-measure", "--geojson", "--json")
    assert done.told["tables"] == []
    assert not list((tmp_path / "out").glob("measurements*"))
    assert done.told["objects"] > 0


@pytest.mark.parametrize("count", [1, 2, 5])
def test_shares_are_the_whole_and_the_whole_redoes_none(cytomill, images, tmp_path, count):
    out = tmp_path / "out"
    shares = []
    for index in range(1, count + 1):
        done = cytomill("run", images, "-o", out, "--shard", f"{index}/{count}", "--json")
        assert done.code == 0
        shares += inputs(done)
        assert (out / f"manifest-{index}-of-{count}.json").is_file()
    assert sorted(shares) == ["a.tif", "b/c.tif", "d.tif"]
    whole = cytomill("run", images, "-o", out, "--json")
    assert (whole.told["skipped"], whole.told["done"]) == (3, 3)
    assert cytomill("run", images, "-o", tmp_path / "one").code == 0
    table = (out / "measurements.csv").read_text()
    assert table == (tmp_path / "one" / "measurements.csv").read_text()
    again = cytomill("run", images, "-o", out, "--shard", f"{count}/{count}", "--json")
    assert again.told["skipped"] == len(again.told["inputs"])


def test_dry_run_says_what_would_be_done_and_leaves_nothing(cytomill, images, tmp_path):
    out = tmp_path / "out"
    done = cytomill("run", images, "-o", out, "--dry-run", "--overlay")
    assert "b/c.tif -> b/c_labels.tif, b/c_overlay.png" in done.out
    assert "3 inputs, 3 to do; nothing was done" in done.out
    assert not out.exists()
    assert cytomill("run", images / "a.tif", "-o", out).code == 0
    before = sorted(out.rglob("*"))
    done = cytomill("run", images, "-o", out, "--dry-run", "--json", "--shard", "1/2")
    assert [(one["input"], one["done"]) for one in done.told] == [("a.tif", True), ("d.tif", False)]
    assert sorted(out.rglob("*")) == before


def test_json_is_all_there_is_on_standard_output(program, images, tmp_path):
    (images / "bad.tif").write_text("no")
    done = program("run", images, "-o", tmp_path / "out", "--json")
    assert done.code == 1
    assert (done.told["done"], len(done.told["failed"])) == (3, 1)
    assert done.told["failed"][0]["input"] == "bad.tif"
    assert "4/4 images, 1 failed" in done.err


def test_quiet_says_nothing_but_errors(program, images, tmp_path):
    done = program("run", images, "-o", tmp_path / "out", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    (images / "bad.tif").write_text("no")
    done = program("run", images, "-o", tmp_path / "out", "-q")
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert "bad.tif: " in line


def test_a_terminal_shows_a_bar(start, images, tmp_path):
    (images / "bad.tif").write_text("no")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = start("run", images, "-o", tmp_path / "out", stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # raised where the other side is closed
        while read := os.read(ours, 4096):
            shown += read
    os.close(ours)
    process.communicate()
    assert process.returncode == 1
    assert b"4/4" in shown
    assert b"images/s" in shown
    assert b"bad.tif: is not an image" in shown
    assert b"Traceback" not in shown


def test_results_that_cannot_be_told_are_no_traceback(start, images, tmp_path):
    with Path("/dev/full").open("w") as full:
        process = start("run", images / "a.tif", "-o", tmp_path / "out", stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert "cytomill: standard output: No space left on device" in err
    assert "Traceback" not in err


def test_threads_change_nothing_but_time(cytomill, images, tmp_path):
    tables = []
    for count in (1, 7, 500):
        done = cytomill("run", images, "-o", tmp_path / f"{count}", "--threads", count)
        assert done.code == 0
        tables.append((tmp_path / f"{count}" / "measurements.csv").read_text())
    assert tables[0] == tables[1] == tables[2]


def test_channel_is_chosen_by_name_or_number(cytomill, tmp_path, scene):
    pixels = np.stack([np.zeros_like(scene[0]), scene[0], scene[0][::-1]])
    metadata = {"axes": "CYX", "Channel": {"Name": ["empty", "Hoechst 33342", "GFP"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, ome=True, metadata=metadata)
    labels = {}
    for wanted in (None, "0", "1", "hoechst 33342", "2", "gfp"):
        option = () if wanted is None else ("--channel", wanted)
        assert cytomill("run", tmp_path / "a.ome.tif", "-o", tmp_path / "o", *option).code == 0
        labels[wanted] = tifffile.imread(tmp_path / "o" / "a_labels.tif")
    assert not labels["0"].any()
    assert np.array_equal(labels[None], labels["1"])
    assert np.array_equal(labels["hoechst 33342"], labels["1"])
    assert np.array_equal(labels["gfp"], labels["2"])
    assert not np.array_equal(labels["1"], labels["2"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--pixel-size", "0"], "pixel_size=0.0"),
        (["--pixel-size", "-1"], "pixel_size=-1.0"),
        (["--pixel-size", "nan"], "pixel_size=nan"),
        (["--pixel-size", "inf"], "pixel_size=inf"),
        (["--pixel-size", "300"], "pixel_size=300.0"),
        (["--pixel-size", "wide"], "'--pixel-size'"),
        (["--pixel-size", "1", "--pixel-size", "0"], "pixel_size=0.0"),
        (["--shard", "0/2"], "--shard 0/2: must be I/N"),
        (["--shard", "3/2"], "--shard 3/2: must be I/N"),
        (["--shard", "half"], "--shard half: must be I/N"),
        (["--threads", "0"], "'--threads'"),
        (["--device", "tpu"], "'--device'"),
        (["--format", "png"], "'--format'"),
        (["--ngff", "0.5"], "--ngff 0.5: only OME-Zarr has it; add --format zarr"),
        (["--ngff", "0.6", "--format", "zarr"], "'--ngff'"),
        (["--pipeline", "cells"], "no pipeline 'cells'; the pipelines are:"),
        (["--pipeline"], "requires an argument"),
        (["--overlays"], "--overlay"),
        (["--no-overlay"], "No such option"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(cytomill, images, tmp_path, options, told):
    done = cytomill("run", images, "-o", tmp_path / "out", *options)
    assert done.code == 2
    assert told in done.err
    assert not (tmp_path / "out").exists()


def test_cuda_without_a_device_is_refused_in_words(cytomill, images, tmp_path):
    from cytomill.inference.onnxrt import has_cuda

    if has_cuda():
        pytest.skip("there may be a CUDA device")
    done = cytomill("run", images, "-o", tmp_path / "out", "--device", "cuda")
    assert done.code == 2
    assert done.err.startswith("cytomill: --device cuda: ONNX Runtime sees no CUDA device; install")


def test_what_is_missing_is_told(cytomill, images, tmp_path):
    done = cytomill("run", images)
    assert (done.code, "'--out'" in done.err) == (2, True)
    done = cytomill("run", "-o", tmp_path / "out")
    assert (done.code, "INPUT" in done.err) == (2, True)
    done = cytomill("walk", images)
    assert (done.code, "walk" in done.err) == (2, True)


def test_the_output_folder_may_lie_in_the_input_folder(cytomill, images):
    for _ in range(2):
        done = cytomill("run", images, "-o", images / "results", "--json", "--overlay")
        assert inputs(done) == ["a.tif", "b/c.tif", "d.tif"]
    done = cytomill("run", images / "results", "-o", images / "results")
    assert (done.code, "is where the results are written" in done.err) == (2, True)


def test_axes_are_what_the_user_says(cytomill, images, tmp_path):
    plane = tifffile.imread(images / "a.tif")
    tifffile.imwrite(tmp_path / "s.tif", np.stack([plane, plane[::-1]]), photometric="minisblack")
    run = ("run", tmp_path / "s.tif", "-o", tmp_path / "out", "--json")
    assert cytomill(*run).told["done"] == 1
    with open_images(tmp_path / "out" / "s_labels.tif") as file:
        assert file.images[0].axes == "ZYX"
    done = cytomill(*run, "--axes", "tyx")
    assert (done.told["done"], done.told["skipped"]) == (1, 0)
    with open_images(tmp_path / "out" / "s_labels.tif") as file:
        assert file.images[0].axes == "TYX"
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["axes"] == "TYX"
    assert cytomill(*run, "--axes", "TYX").told["skipped"] == 1
    assert cytomill(*run).told["skipped"] == 0


@pytest.mark.parametrize(
    ("axes", "code", "words"),
    [
        ("TYQ", 2, "Q is no axis"),
        ("TTYX", 2, "T is there twice"),
        ("", 2, "Y is missing"),
        ("TYX", 1, "a.tif: has 2 axes, YX"),
    ],
)
def test_axes_that_cannot_be_are_said(cytomill, images, tmp_path, axes, code, words):
    done = cytomill("run", images / "a.tif", "-o", tmp_path / "out", "--axes", axes)
    assert done.code == code
    assert words in done.err + done.out
