from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
import zarr
from click.testing import CliRunner
from PIL import Image

from cytomill.cli.evaluate import command
from cytomill.errors import CytomillError, OptionError, OutputError
from cytomill.ops.blame import COLOURS, Verdict

TRUTH = np.kron(np.arange(1, 13).reshape(3, 4), np.pad(np.ones((16, 16), int), 4)).astype(np.uint16)


class Outcome(NamedTuple):
    code: int
    out: str
    err: str
    error: BaseException | None


def evaluate(*arguments: object) -> Outcome:
    result = CliRunner().invoke(command, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(
        result.exception, (CytomillError, SystemExit)
    ):
        raise result.exception
    words = result.stderr + str(result.exception or "")
    return Outcome(result.exit_code, result.stdout, words, result.exception)


def folders(tmp_path: Path, **images: tuple[np.ndarray, np.ndarray]) -> tuple[Path, Path]:
    """Folders of predictions and truth; each image is given as (prediction, truth)."""
    pred, truth = tmp_path / "pred", tmp_path / "truth"
    pred.mkdir()
    truth.mkdir()
    for name, (predicted, true) in images.items():
        tifffile.imwrite(pred / f"{name}_labels.tif", predicted)
        tifffile.imwrite(truth / f"{name}.tif", true)
    return pred, truth


def without(labels: np.ndarray, *ids: int) -> np.ndarray:
    return np.where(np.isin(labels, ids), 0, labels).astype(labels.dtype)


def test_the_table_has_a_row_per_image_pooled_and_mean(tmp_path: Path) -> None:
    outcome = evaluate(*folders(tmp_path, a=(TRUTH, TRUTH), b=(without(TRUTH, 1, 2, 3), TRUTH)))
    assert outcome.code == 0
    rows = {line.split(" ")[0]: line.split() for line in outcome.out.splitlines() if line}
    heading = rows["image"]
    assert rows["a.tif"][heading.index("F1")] == "1.000"
    assert rows["b.tif"][heading.index("miss")] == "3"
    assert rows["b.tif"][heading.index("rec")] == "0.750"
    assert "all objects pooled    24   21" in outcome.out
    assert max(len(line) for line in outcome.out.splitlines()) <= 100
    assert outcome.err == ""


def test_long_names_are_cut_to_keep_the_table_narrow(tmp_path: Path) -> None:
    outcome = evaluate(*folders(tmp_path, **{"x" * 120 + "7": (TRUTH, TRUTH)}))
    assert max(len(line) for line in outcome.out.splitlines()) <= 100
    assert "…xxx" in outcome.out
    assert "7.tif" in outcome.out


def test_json_has_images_pooled_mean_and_errors(tmp_path: Path) -> None:
    nothing = np.zeros_like(TRUTH)
    pred, truth = folders(tmp_path, a=(TRUTH, TRUTH), b=(nothing, nothing))
    outcome = evaluate(pred, truth, "--json")
    document = json.loads(outcome.out)
    assert [each["image"] for each in document["images"]] == ["a.tif", "b.tif"]
    assert document["images"][0]["prediction_file"] == str(pred / "a_labels.tif")
    assert document["images"][1]["seg"] is None
    assert document["pooled"]["images"] == 2
    assert document["pooled"]["matched"] == 12
    assert document["mean"]["ap_0.95"] == 1
    assert document["errors"] == []


def test_csv_has_every_measure_of_every_image(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    outcome = evaluate(*folders(tmp_path, a=(without(TRUTH, 1), TRUTH)), "--csv", file)
    assert outcome.code == 0
    with file.open(encoding="utf-8", newline="") as lines:
        (line,) = csv.DictReader(lines)
    assert line["image"] == "a.tif"
    assert line["missed"] == "1"
    assert float(line["ap_0.75"]) == pytest.approx(11 / 12)


def test_the_threshold_decides_what_matches(tmp_path: Path) -> None:
    shrunk = TRUTH.copy()
    shrunk[:, ::2] = 0
    images = folders(tmp_path, a=(shrunk, TRUTH))
    for threshold, wanted in (("0.5", 12), ("0.51", 0)):
        outcome = evaluate(*images, "--threshold", threshold, "--json")
        assert json.loads(outcome.out)["pooled"]["matched"] == wanted


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint32, np.int64, np.float32, np.float64])
def test_any_type_that_holds_whole_numbers_is_read(tmp_path: Path, dtype: type) -> None:
    outcome = evaluate(*folders(tmp_path, a=(TRUTH.astype(dtype), TRUTH)), "--json")
    assert json.loads(outcome.out)["pooled"]["f1"] == 1


@pytest.mark.parametrize(
    ("value", "fault"),
    [(0.5, "not whole"), (np.nan, "not whole"), (np.inf, "above"), (-1, "negative")],
)
def test_numbers_that_are_no_labels_are_refused(tmp_path: Path, value: float, fault: str) -> None:
    bad = TRUTH.astype(np.float32)
    bad[0, 0] = value
    outcome = evaluate(*folders(tmp_path, a=(bad, TRUTH)))
    assert outcome.code == 1
    assert "a_labels.tif" in outcome.err
    assert fault in outcome.err


def test_one_bad_image_is_named_and_the_others_are_scored(tmp_path: Path) -> None:
    pred, truth = folders(tmp_path, a=(TRUTH, TRUTH), b=(TRUTH[:, :50], TRUTH), c=(TRUTH, TRUTH))
    (pred / "c_labels.tif").write_text("no picture")
    outcome = evaluate(pred, truth, "--json")
    assert outcome.code == 1
    assert "b_labels.tif: is 50 x 72 pixels, but" in outcome.err
    assert "c_labels.tif" in outcome.err
    document = json.loads(outcome.out)
    assert [each["image"] for each in document["images"]] == ["a.tif"]
    assert len(document["errors"]) == 2


def test_truth_without_prediction_fails_unless_allowed(tmp_path: Path) -> None:
    pred, truth = folders(tmp_path, a=(TRUTH, TRUTH))
    tifffile.imwrite(truth / "b.tif", TRUTH)
    outcome = evaluate(pred, truth)
    assert outcome.code == 1
    assert "b.tif: has no prediction" in outcome.err
    assert "a.tif" in outcome.out
    allowed = evaluate(pred, truth, "--allow-missing")
    assert allowed.code == 0
    assert "b.tif" in allowed.err


def test_a_prediction_without_truth_is_noted(tmp_path: Path) -> None:
    pred, truth = folders(tmp_path, a=(TRUTH, TRUTH))
    tifffile.imwrite(pred / "z_labels.tif", TRUTH)
    outcome = evaluate(pred, truth)
    assert outcome.code == 0
    assert "z_labels.tif" in outcome.err


def test_folders_with_nothing_in_common_fail_in_one_line(tmp_path: Path) -> None:
    pred, truth = folders(tmp_path)
    tifffile.imwrite(pred / "a.tif", TRUTH)
    tifffile.imwrite(truth / "b.tif", TRUTH)
    outcome = evaluate(pred, truth)
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.count("\n") == 0


def test_a_mask_in_place_of_labels_is_warned_of(tmp_path: Path) -> None:
    mask = np.where(TRUTH > 0, 255, 0).astype(np.uint8)
    outcome = evaluate(*folders(tmp_path, a=(mask, TRUTH)))
    assert outcome.code == 0
    assert "a_labels.tif: one id in several pieces looks like a mask" in outcome.err


def test_a_single_object_is_no_mask(tmp_path: Path) -> None:
    one = np.where(TRUTH == 1, 1, 0).astype(np.uint8)
    assert evaluate(*folders(tmp_path, a=(one, one))).err == ""


def test_a_colour_picture_is_refused(tmp_path: Path) -> None:
    pred, truth = folders(tmp_path, a=(TRUTH, TRUTH))
    (pred / "a_labels.tif").unlink()
    colours = np.random.default_rng(0).integers(0, 255, (*TRUTH.shape, 3), np.uint8)
    Image.fromarray(colours).save(pred / "a_labels.png")
    outcome = evaluate(pred, truth)
    assert outcome.code == 1
    assert "colour picture" in outcome.err


def test_a_stack_is_one_image(tmp_path: Path) -> None:
    stack = np.stack([TRUTH, TRUTH])
    outcome = evaluate(*folders(tmp_path, a=(stack, stack)), "--json")
    assert json.loads(outcome.out)["pooled"]["truth"] == 12


def multiscale(group: zarr.Group, labels: np.ndarray) -> None:
    group.create_array("0", data=labels)
    axes = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    scale = {"type": "scale", "scale": [1.0, 1.0]}
    datasets = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]


def test_labels_inside_an_ome_zarr_are_read(tmp_path: Path) -> None:
    pred, truth = folders(tmp_path)
    tifffile.imwrite(truth / "a.tif", TRUTH)
    root = zarr.open_group(str(pred / "a.zarr"), mode="w", zarr_format=2)
    multiscale(root, TRUTH * 100)
    labels = root.create_group("labels")
    labels.attrs["labels"] = ["nuclei"]
    multiscale(labels.create_group("nuclei"), TRUTH)
    outcome = evaluate(pred, truth, "--json")
    assert json.loads(outcome.out)["pooled"]["f1"] == 1
    multiscale(labels.create_group("cells"), TRUTH)
    outcome = evaluate(pred, truth)
    assert outcome.code == 1
    assert "more than one label image" in outcome.err
    assert evaluate(pred / "a.zarr" / "labels" / "cells", truth / "a.tif").code == 0


def test_large_images_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytomill.cli.labels._BLOCK", 1)
    monkeypatch.setattr("cytomill.cli.labels._ROWS", 10)
    outcome = evaluate(*folders(tmp_path, a=(without(TRUTH, 5), TRUTH)), "--json")
    assert json.loads(outcome.out)["pooled"]["matched"] == 11


def test_every_command_of_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "evaluate.md").read_text(encoding="utf-8")
    pred, _ = folders(tmp_path, a=(TRUTH, TRUTH), b=(without(TRUTH, 1), TRUTH))
    pred.rename(tmp_path / "labels")
    (tmp_path / "images").mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / "images" / name, TRUTH)
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^cytomill evaluate ((?!--tracks).*)$", guide, re.MULTILINE)
    assert len(commands) == 5
    for line in commands:
        outcome = evaluate(*shlex.split(line))
        assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / "worst.png").is_file()
    assert (tmp_path / "scores.csv").is_file()


# --- the picture -------------------------------------------------------------------------------


def read(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture)


def colours_in(file: Path) -> set[tuple[int, ...]]:
    return set(map(tuple, np.unique(read(file).reshape(-1, 3), axis=0).tolist()))


def test_the_picture_shows_the_worst_images_first(tmp_path: Path) -> None:
    file = tmp_path / "worst.png"
    images = folders(
        tmp_path, good=(TRUTH, TRUTH), bad=(TRUTH * 0, TRUTH), odd=(without(TRUTH, 1), TRUTH)
    )
    assert evaluate(*images, "--picture", file, "--worst", 1).code == 0
    one = len(read(file))
    assert set(COLOURS.values()) <= colours_in(file)
    assert evaluate(*images, "--picture", file).code == 0
    assert len(read(file)) > 2.5 * one


def test_the_picture_draws_on_the_images_where_given(tmp_path: Path) -> None:
    file, raw = tmp_path / "worst.png", tmp_path / "raw"
    raw.mkdir()
    images = folders(tmp_path, a=(without(TRUTH, 1), TRUTH))
    evaluate(*images, "--picture", file)
    narrow = read(file).shape[1]
    ramp = np.arange(TRUTH.size, dtype=np.uint16).reshape(TRUTH.shape)
    tifffile.imwrite(raw / "a.tif", ramp)
    assert evaluate(*images, "--picture", file, "--images", raw).err == ""
    assert read(file).shape[1] > 1.4 * narrow
    greys = {colour for colour in colours_in(file) if len(set(colour)) == 1}
    assert len(greys) > 100


def test_an_image_of_another_size_fails_after_the_table(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    tifffile.imwrite(raw / "a.tif", TRUTH[:40])
    images = folders(tmp_path, a=(TRUTH, TRUTH))
    outcome = evaluate(*images, "--picture", tmp_path / "worst.png", "--images", raw)
    assert outcome.code == 1
    assert "a.tif" in outcome.out
    assert "not of the labels' size" in outcome.err


def test_a_large_image_is_shown_where_it_is_worst(tmp_path: Path) -> None:
    truth = np.zeros((2, 1500, 1200), np.uint16)
    truth[0, :100, :100], truth[1, 1400:1450, 1000:1050] = 1, 2
    file = tmp_path / "worst.png"
    outcome = evaluate(
        *folders(tmp_path, a=(without(truth, 2), truth)), "--picture", file, "--worst", 1
    )
    assert outcome.code == 0
    pixels = read(file)[100:]
    assert (pixels == COLOURS[Verdict.MISSED]).all(axis=-1).any()
    assert not (pixels == COLOURS[Verdict.MATCHED]).all(axis=-1).any()
    assert pixels.shape[0] < 800


# --- usage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--threshold", "0"),
        ("--threshold", "nan"),
        ("--worst", "3"),
        ("--images", "."),
        ("--picture", "worst.jpg"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(tmp_path: Path, options) -> None:
    assert isinstance(evaluate(*folders(tmp_path, a=(TRUTH, TRUTH)), *options).error, OptionError)


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert evaluate(tmp_path / "nowhere", tmp_path).code == 2


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    file = tmp_path / "taken" / "scores.csv"
    file.parent.touch()
    outcome = evaluate(*folders(tmp_path, a=(TRUTH, TRUTH)), "--csv", file)
    assert isinstance(outcome.error, OutputError)
    assert str(file) in outcome.err
