from __future__ import annotations

from pathlib import Path

import pytest

from cytomill.cli.pairs import pair_up, raw_images
from cytomill.errors import InputError


def folder(root: Path, *names: str) -> Path:
    for name in names:
        file = root / name
        if name.endswith(".zarr"):
            file.mkdir(parents=True)
            file = file / ".zattrs"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def paired(tmp_path: Path, preds: list[str], truths: list[str], pattern: str | None = None):
    pred, truth = folder(tmp_path / "pred", *preds), folder(tmp_path / "truth", *truths)
    found = pair_up(pred, truth, pattern)
    pairs = {
        each.pred.relative_to(pred).as_posix(): each.truth.relative_to(truth).as_posix()
        for each in found.pairs
    }
    return pairs, found


@pytest.mark.parametrize(
    ("pred", "truth"),
    [
        ("a_labels.tif", "a.tif"),
        ("a_labels.tif", "a.png"),
        ("a_labels.tif", "a_labels.tif"),
        ("a_labels.tif", "a_masks.tif"),
        ("a_labels.tif", "a_mask_final.tif"),
        ("a_labels.tif", "a_mask01.tif"),
        ("a_labels.ome.tif", "a.ome.tiff"),
        ("a_labels.tif", "a.TIF"),
        ("a.tif", "a_mask.tif"),
        ("a_img_labels.tif", "a_masks.tif"),
        ("a_cp_masks.png", "a.png"),
        ("a.zarr", "a_labels.tif"),
        ("a.ome.zarr", "a.ome.zarr"),
        ("images/a_labels.tif", "masks/a.tif"),
        ("plate/a_labels.tif", "a.tif"),
        ("a_labels.tif", "masks/a.tif"),
        ("w1/images/a_labels.tif", "w1/a.tif"),
        ("t012_labels.tif", "man_seg012.tif"),
        ("mask012.tif", "man_track012.tif"),
        ("cell_mask_001_labels.tif", "cell_mask_001.tif"),
        ("größe 1,(2)_labels.tif", "größe 1,(2).tif"),
    ],
)
def test_names_that_belong_together(tmp_path: Path, pred: str, truth: str) -> None:
    assert paired(tmp_path, [pred], [truth])[0] == {pred: truth}


@pytest.mark.parametrize(
    ("pred", "truth"),
    [
        ("a_labels.tif", "b.tif"),
        ("w1/a_labels.tif", "w2/a.tif"),
        ("cell_mask_003_labels.tif", "cell_mask_001.tif"),
        ("t012_labels.tif", "man_seg013.tif"),
    ],
)
def test_names_that_do_not(tmp_path: Path, pred: str, truth: str) -> None:
    pairs, found = paired(tmp_path, [pred], [truth])
    assert pairs == {}
    assert len(found.lone_pred) == len(found.lone_truth) == 1


def test_sub_folders_keep_equal_names_apart(tmp_path: Path) -> None:
    pairs, _ = paired(tmp_path, ["x/a_labels.tif", "y/a_labels.tif"], ["x/a.tif", "y/a.tif"])
    assert pairs == {"x/a_labels.tif": "x/a.tif", "y/a_labels.tif": "y/a.tif"}


def test_a_mask_goes_before_the_image_beside_it(tmp_path: Path) -> None:
    truths = ["a.tif", "a_masks.tif", "images/b.tif", "masks/b.tif"]
    pairs, found = paired(tmp_path, ["a_labels.tif", "b_labels.tif"], truths)
    assert pairs == {"a_labels.tif": "a_masks.tif", "b_labels.tif": "masks/b.tif"}
    assert found.lone_truth == ()


def test_two_truths_that_fit_equally_are_a_doubt(tmp_path: Path) -> None:
    pairs, found = paired(tmp_path, ["a_labels.tif"], ["a.png", "a.tif"])
    assert pairs == {}
    assert "more than one truth fits" in str(found.doubts[0])
    assert "a.png" in str(found.doubts[0])
    assert found.lone_truth == ()


def test_two_predictions_that_fit_equally_are_a_doubt(tmp_path: Path) -> None:
    pairs, found = paired(tmp_path, ["a_labels.png", "a_labels.tif"], ["a.tif"])
    assert pairs == {}
    assert "more than one prediction fits" in str(found.doubts[0])


def test_results_beside_their_images_are_told_from_them(tmp_path: Path) -> None:
    preds = ["a.tif", "a_labels.tif", "a_overlay.png", "measurements.csv", ".a.tif.part"]
    assert paired(tmp_path, preds, ["a.tif"])[0] == {"a_labels.tif": "a.tif"}


def test_every_numbered_mask_without_prediction_is_named(tmp_path: Path) -> None:
    _, found = paired(tmp_path, ["c_mask_001_labels.tif"], ["c_mask_001.tif", "c_mask_002.tif"])
    assert [path.name for path in found.lone_truth] == ["c_mask_002.tif"]


def test_a_pattern_chooses_truth_by_name_or_path(tmp_path: Path) -> None:
    pairs, found = paired(tmp_path, ["x/a.tif", "y/a.tif"], ["x/a.tif", "y/a.tif"], "x/*")
    assert pairs == {"x/a.tif": "x/a.tif"}
    assert found.lone_pred == ()


def test_two_files_are_a_pair_whatever_their_names(tmp_path: Path) -> None:
    root = folder(tmp_path, "a.tif", "b.zarr")
    (pair,) = pair_up(root / "a.tif", root / "b.zarr").pairs
    assert (pair.pred.name, pair.truth.name) == ("a.tif", "b.zarr")


def test_a_file_finds_its_partner_in_a_folder_and_asks_for_no_other(tmp_path: Path) -> None:
    pred = folder(tmp_path / "pred", "a_labels.tif", "b_labels.tif")
    truth = folder(tmp_path / "truth", "a.tif", "b.tif")
    one, other = pair_up(pred / "a_labels.tif", truth), pair_up(pred, truth / "b.tif")
    assert [each.name for each in (*one.pairs, *other.pairs)] == ["a.tif", "b.tif"]
    assert one.lone_truth == other.lone_pred == ()


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    truth = folder(tmp_path / "truth", "a.tif")
    with pytest.raises(InputError, match="no label image in it"):
        pair_up(folder(tmp_path / "pred", "notes.txt"), truth)


def test_a_pattern_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path, "a.tif")
    with pytest.raises(InputError, match=r"fits \*\.png"):
        pair_up(root, root, "*.png")


def test_images_are_found_by_the_name_of_either_file(tmp_path: Path) -> None:
    images = folder(tmp_path / "images", "a.tif", "t003.tif", "a_masks.tif")
    pred = folder(tmp_path / "pred", "a_labels.tif", "t003_labels.tif")
    truth = folder(tmp_path / "truth", "a_masks.tif", "man_seg003.tif")
    found = raw_images(images, pair_up(pred, truth).pairs)
    assert {name: path.name for name, path in found.items()} == {
        "a_masks.tif": "a.tif",
        "man_seg003.tif": "t003.tif",
    }
