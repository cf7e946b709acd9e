"""``cytomill evaluate --tracks``: tables, files, pairs, and what is refused."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from cytomill.cli.evaluate import command
from cytomill.errors import CytomillError, OptionError, OutputError
from cytomill.image.array import from_array
from cytomill.ops.track import Track
from cytomill.tracks.files.lineage_json import read_lineage, write_lineage
from cytomill.tracks.files.trk import write_trk
from cytomill.tracks.lineage import Lineage, Spots
from tests.unit.tracks.random_lineages import Movie, table

TRUTH = table([[1, 0, 4]] * 3 + [[2, 3, 4]] * 3, {2: 1, 3: 1})

#: The division one frame late, one cell lost in the last frame, and one that is not there.
POOR = table([[1, 0, 4]] * 4 + [[2, 3, 4], [2, 3, 0]], {2: 1, 3: 1})


class Outcome(NamedTuple):
    code: int
    out: str
    err: str
    error: BaseException | None


def evaluate(*arguments: object) -> Outcome:
    result = CliRunner().invoke(command, ["--tracks", *map(str, arguments)])
    if result.exception is not None and not isinstance(
        result.exception, (CytomillError, SystemExit)
    ):
        raise result.exception
    words = result.stderr + str(result.exception or "")
    return Outcome(result.exit_code, result.stdout, words, result.exception)


def result(folder: Path, made: Movie, start: str = "mask", text: str = "res_track.txt") -> Path:
    folder.mkdir(parents=True)
    for t in range(len(made.cells)):
        tifffile.imwrite(folder / f"{start}{t:03}.tif", made.frame(t))
    lines = [f"{one.label} {one.begin} {one.end} {one.parent}" for one in made.tracks]
    (folder / text).write_text("\n".join([*lines, ""]))
    return folder


def truth(folder: Path, made: Movie, seg: Sequence[int] = ()) -> Path:
    result(folder / "TRA", made, "man_track", "man_track.txt")
    for t in seg:
        (folder / "SEG").mkdir(exist_ok=True)
        tifffile.imwrite(folder / "SEG" / f"man_seg{t:03}.tif", made.frame(t))
    return folder


def stack(folder: Path, name: str, made: Movie) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_labels.tif"
    tifffile.imwrite(path, np.stack(made.stack()), metadata={"axes": "TYX"})
    rows = [
        (t, label, 0.0, 0.0, 9.0, False)
        for t, row in enumerate(made.cells)
        for label in sorted(set(row) - {0})
    ]
    height, width = made.frame(0).shape
    lineage = Lineage(made.tracks, Spots.of(rows), (len(made.cells), height, width))
    write_lineage(folder / f"{name}_lineage.json", lineage)
    return path


@pytest.fixture
def movies(tmp_path: Path) -> tuple[Path, Path]:
    return result(tmp_path / "01_RES", POOR), truth(tmp_path / "01_GT", TRUTH, seg=(0, 4))


def columns(outcome: Outcome, name: str = "01") -> dict[str, str]:
    """The cells of the rows of a movie by their headings; those of the first table win."""
    found: dict[str, str] = {}
    for block in outcome.out.split("\n\n"):
        lines = block.splitlines()
        row = next((line.split() for line in lines if line.startswith(f"{name} ")), None)
        if lines[0].startswith("movie") and row:
            found = dict(zip(lines[0].split(), row, strict=True)) | found
    return found


def test_the_tables_have_a_row_for_the_movie(movies: tuple[Path, Path]) -> None:
    outcome = evaluate(*movies)
    assert outcome.code == 0
    assert outcome.err == ""
    told = columns(outcome)
    # One cell too few where the daughters begin, one at the end: 2 of 15.
    assert told["DET"] == "0.867"
    assert told["cells"] == "15"
    assert (told["divisions"], told["found"], told["F1(0)"], told["F1(1)"]) == (
        *("1", "1"),
        *("0.000", "1.000"),
    )
    assert told["SEG"] == "1.000"
    assert max(len(line) for line in outcome.out.splitlines()) <= 100
    assert "01: 3 true tracks are not followed throughout" in outcome.out


def test_a_perfect_result_has_nothing_to_look_at(tmp_path: Path) -> None:
    outcome = evaluate(result(tmp_path / "r", TRUTH), truth(tmp_path / "t", TRUTH))
    assert columns(outcome, "t")["OP_CLB"] == "1.000"
    assert columns(outcome, "t")["SEG"] == "–"
    assert "throughout" not in outcome.out
    assert "missed divisions" not in outcome.out


def test_the_tolerance_is_the_users(movies: tuple[Path, Path]) -> None:
    outcome = evaluate(*movies, "--tolerance", 0)
    assert columns(outcome)["found"] == "0"
    assert "01: missed divisions after frame 2" in outcome.out


def test_json_has_movies_mean_and_errors(movies: tuple[Path, Path]) -> None:
    document = json.loads(evaluate(*movies, "--json", "--border", 0).out)
    assert set(document) == {"border", "tolerance", "movies", "mean", "errors"}
    (movie,) = document["movies"]
    assert movie["movie"] == "01"
    assert movie["valid"] is True
    assert movie["missed_cells"] == 2
    assert movie["op_clb"] == document["mean"]["op_clb"]
    assert document["mean"]["movies"] == 1
    assert document["errors"] == []


def test_files_of_scores_and_of_errors_are_written(
    movies: tuple[Path, Path], tmp_path: Path
) -> None:
    scores, errors = tmp_path / "scores.csv", tmp_path / "errors.csv"
    assert evaluate(*movies, "--csv", scores, "--errors", errors).code == 0
    with scores.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["missed_cells"] == "2"
    with errors.open(newline="") as file:
        rows = list(csv.DictReader(file))
    missed = [row for row in rows if row["kind"] == "missed cell"]
    assert missed[-1] == {
        "movie": "01",
        "kind": "missed cell",
        "frame": "5",
        "y": "2.0",
        "x": "10.0",
        "label": "",
        "true_label": "4",
    }


def test_a_perfect_result_has_a_list_of_errors_without_rows(tmp_path: Path) -> None:
    errors = tmp_path / "errors.csv"
    folders = result(tmp_path / "r", TRUTH), truth(tmp_path / "t", TRUTH)
    assert evaluate(*folders, "--errors", errors).code == 0
    assert errors.read_text() == "movie,kind,frame,y,x,label,true_label\n"


def test_movies_of_two_folders_are_paired_by_name(tmp_path: Path) -> None:
    for name, made in {"01": POOR, "02": TRUTH}.items():
        result(tmp_path / f"out/{name}_RES", made)
        truth(tmp_path / f"data/{name}_GT", TRUTH)
        truth(tmp_path / f"data/{name}_ST", POOR)  # silver truth is not taken where there is gold
    outcome = evaluate(tmp_path / "out", tmp_path / "data")
    assert outcome.code == 0
    assert columns(outcome, "02")["TRA"] == "1.000"
    assert columns(outcome, "01")["TRA"] != "1.000"
    assert [line.split()[0] for line in outcome.out.splitlines()[:5]][-1] == "mean"


def test_a_movie_is_found_in_the_folder_of_its_truth(tmp_path: Path) -> None:
    result(tmp_path / "out/02_RES", TRUTH)
    truth(tmp_path / "data/HeLa/01_GT", TRUTH)
    gold = truth(tmp_path / "data/HeLa/02_GT", TRUTH)
    outcome = evaluate(tmp_path / "out", gold)
    assert columns(outcome, "02")["TRA"] == "1.000"


def test_a_missing_prediction_is_an_error_unless_allowed(tmp_path: Path) -> None:
    result(tmp_path / "out/01_RES", TRUTH)
    result(tmp_path / "out/07_RES", TRUTH)
    for name in ("01", "02"):
        truth(tmp_path / f"data/{name}_GT", TRUTH)
    outcome = evaluate(tmp_path / "out", tmp_path / "data")
    assert outcome.code == 1
    assert "02_GT: has no prediction; track it, or leave it out" in outcome.err
    assert "note: no truth for, not scored:" in outcome.err
    allowed = evaluate(tmp_path / "out", tmp_path / "data", "--allow-missing")
    assert allowed.code == 0
    assert "02_GT" in allowed.err


def test_the_markers_folder_is_the_truth_too(movies: tuple[Path, Path]) -> None:
    pred, true = movies
    assert evaluate(pred, true / "TRA").out == evaluate(pred, true).out


@pytest.mark.parametrize("zarr", [False, True])
def test_labels_with_their_lineage_are_a_movie(tmp_path: Path, zarr: bool) -> None:
    pred, true = stack(tmp_path / "p", "a", POOR), stack(tmp_path / "t", "a", TRUTH)
    if zarr:
        import zarr as library

        shutil.move(pred, tmp_path / "old.tif")
        pred = pred.with_suffix(".zarr")
        group = library.open_group(pred, mode="w", zarr_format=2)
        group.create_array("0", data=np.stack(POOR.stack()))
        axes = [{"name": name, "type": "space"} for name in "tyx"]
        axes[0]["type"] = "time"
        scales = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}]}
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [scales]}]
    every = range(len(TRUTH.cells))
    challenge = evaluate(result(tmp_path / "a_RES", POOR), truth(tmp_path / "a_GT", TRUTH, every))
    assert columns(evaluate(pred, true), "a") == columns(challenge, "a")
    assert columns(evaluate(tmp_path / "p", tmp_path / "t"), "a") == columns(challenge, "a")


def test_the_truth_of_a_sampled_stack_is_a_movie(tmp_path: Path) -> None:
    pred = stack(tmp_path / "results", "movie_000", TRUTH)
    folder = tmp_path / "truth"
    folder.mkdir()
    tifffile.imwrite(folder / "movie_000.tif", np.stack(TRUTH.stack()), metadata={"axes": "TYX"})
    result(tmp_path / "r", TRUTH)
    shutil.copy(tmp_path / "r/res_track.txt", folder / "movie_000_tracks.txt")
    for outcome in (evaluate(pred, folder), evaluate(pred.parent, folder)):
        assert columns(outcome, "movie_000")["OP_CLB"] == "1.000"


def test_a_lineage_of_deepcell_may_have_gaps(tmp_path: Path) -> None:
    cells = ((1, 0, 4),) * 3 + ((1, 0, 0),) + ((1, 0, 4),) * 2
    made = Movie(cells, (Track(1, 0, 5), Track(4, 0, 5)))
    pred, true = stack(tmp_path / "p", "a", made), stack(tmp_path / "t", "a", made)
    outcome = evaluate(pred, true)
    assert outcome.err == ""
    assert columns(outcome, "a")["OP_CLB"] == "1.000"
    # As the challenge writes it: another label after the gap, with the first as its parent.
    cut = table([[1, 0, 4]] * 3 + [[1, 0, 0]] + [[1, 0, 5]] * 2, {5: 4})
    assert columns(evaluate(result(tmp_path / "a_RES", cut), true), "a")["OP_CLB"] == "1.000"


def test_archives_of_deepcell_are_movies(tmp_path: Path) -> None:
    made = np.stack(TRUTH.stack())
    (tmp_path / "t").mkdir()
    path = tmp_path / "t/a_tracks.trk"
    stack(tmp_path / "p", "a", TRUTH)
    image = from_array(made, "TYX")
    labels = made[:, None].astype(np.uint32)
    write_trk(path, read_lineage(tmp_path / "p/a_lineage.json", labels), labels, image)
    assert columns(evaluate(tmp_path / "p", path), "a")["OP_CLB"] == "1.000"
    assert columns(evaluate(tmp_path / "p", tmp_path / "t"), "a")["OP_CSB"] == "1.000"


def test_a_result_that_breaks_a_rule_is_scored_with_a_warning(movies: tuple[Path, Path]) -> None:
    pred, true = movies
    (pred / "res_track.txt").write_text("1 0 5 0\n2 4 5 1\n3 4 5 1\n".replace("1 0 5", "1 0 3"))
    outcome = evaluate(pred, true)
    assert outcome.code == 0
    assert "01_RES: label 4 is in frames 0 to 4 but has no track" in outcome.err
    document = json.loads(evaluate(pred, true, "--json").out)
    assert document["movies"][0]["valid"] is False
    assert document["movies"][0]["warnings"]


def test_of_many_faults_the_first_are_told(movies: tuple[Path, Path]) -> None:
    pred, true = movies
    (pred / "res_track.txt").write_text("".join(f"{label} 0 0 0\n" for label in range(10, 20)))
    err = evaluate(pred, true).err.splitlines()
    assert len(err) == 6
    assert all(line.startswith("warning: ") for line in err)
    assert "more faults" in err[-1]


def test_an_empty_result_scores_nothing_and_is_told(tmp_path: Path) -> None:
    pred = result(tmp_path / "r", table([[0, 0, 0]] * 6, {}))
    outcome = evaluate(pred, truth(tmp_path / "t", TRUTH))
    assert outcome.code == 0
    assert "warning" in outcome.err
    assert "there is no track: nothing was found" in outcome.err
    assert columns(outcome, "t")["TRA"] == "0.000"


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("01_RES/res_track.txt", None, "01_RES: has frames but no res_track.txt; give"),
        ("01_RES/res_track.txt", "1 0 5\n", "res_track.txt:1: has 3 columns"),
        ("01_RES/res_track.txt", "1 0 5 0\n4 0 x 0\n", "res_track.txt:2: 'x' is not a whole"),
        ("01_RES/res_track.txt", "1 0 9 0\n", "track 1 ends in frame 9, but the last one is"),
        ("01_RES/mask003.tif", None, "has no mask003.tif"),
        ("01_RES/mask005.tif", None, "track 2 ends in frame 5, but the last one is mask004.tif"),
        ("01_RES/mask002.tif", "no image", "mask002.tif"),
        ("01_GT/TRA/man_track.txt", "1 0 5 0\n", "01_GT: label 1 is not in frames 3 to 5"),
    ],
)
def test_bad_input_is_told_in_one_line(
    movies: tuple[Path, Path], file: str, text: str | None, told: str
) -> None:
    path = movies[0].parent / file
    path.unlink() if text is None else path.write_text(text)
    outcome = evaluate(*movies)
    assert outcome.code == 1
    assert isinstance(outcome.error, CytomillError)
    assert told in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_frames_and_sizes_must_be_those_of_the_truth(tmp_path: Path) -> None:
    true = truth(tmp_path / "t", TRUTH)
    short = evaluate(result(tmp_path / "s", table([[1, 0, 4]] * 5, {})), true)
    assert "s: has 5 frames, but" in short.err
    wide = evaluate(result(tmp_path / "w", table([[1, 0, 4, 0]] * 6, {})), true)
    assert "w: is 17 x 5 pixels, but" in wide.err
    assert (
        "give a smaller --border" in evaluate(result(tmp_path / "r", POOR), true, "--border", 9).err
    )


def test_a_truth_without_cells_is_refused(tmp_path: Path) -> None:
    outcome = evaluate(
        result(tmp_path / "r", POOR), truth(tmp_path / "t", table([[0] * 3] * 6, {}))
    )
    assert outcome.code == 1
    assert "t: has no cell; nothing can be scored against it" in outcome.err


def test_labels_without_a_lineage_are_refused(tmp_path: Path, movies: tuple[Path, Path]) -> None:
    path = stack(tmp_path / "p", "a", POOR)
    (tmp_path / "p" / "a_lineage.json").unlink()
    outcome = evaluate(path, movies[1])
    assert "a_labels.tif: has no a_lineage.json beside it" in outcome.err
    assert "has no tracked movie in it" in evaluate(tmp_path / "p", movies[1]).err


def test_folders_that_share_no_name_are_refused(tmp_path: Path) -> None:
    result(tmp_path / "out/01_RES", POOR)
    truth(tmp_path / "data/02_GT", TRUTH)
    outcome = evaluate(tmp_path / "out", tmp_path / "data")
    assert "no movie in it has the name of one in" in outcome.err


@pytest.mark.parametrize(
    "option",
    [("--threshold", 0.5), ("--pattern", "*"), ("--picture", "a.png"), ("--worst", 3)],
)
def test_options_for_images_are_refused(
    movies: tuple[Path, Path], option: tuple[str, object]
) -> None:
    outcome = evaluate(*movies, *option)
    assert isinstance(outcome.error, OptionError)
    assert "is not for tracks (--tracks)" in outcome.err


@pytest.mark.parametrize("option", [("--border", 0), ("--tolerance", 0), ("--errors", "e.csv")])
def test_options_for_tracks_are_refused_without_tracks(
    movies: tuple[Path, Path], option: tuple[str, object]
) -> None:
    words = [str(each) for each in (*movies, *option)]
    error = CliRunner().invoke(command, words).exception
    assert isinstance(error, OptionError)
    assert "is about tracks; give --tracks too" in str(error)


def test_a_tolerance_that_is_not_looked_at_is_refused(movies: tuple[Path, Path]) -> None:
    outcome = evaluate(*movies, "--tolerance", 4)
    assert isinstance(outcome.error, OptionError)
    assert "--tolerance 4: must be 0 to 3 frames" in outcome.err


def test_a_file_that_cannot_be_written_is_told(movies: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = evaluate(*movies, "--errors", tmp_path / "file" / "errors.csv")
    assert isinstance(outcome.error, OutputError)
