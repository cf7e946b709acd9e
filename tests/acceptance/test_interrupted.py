"""Runs stopped, killed, locked out or out of space: what is done stays, the rest follows."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

COUNT = 30


@pytest.fixture(scope="module")
def many(tmp_path_factory, scene):
    """A folder of images that take a while."""
    folder = tmp_path_factory.mktemp("many")
    image = np.tile(scene[0], (2, 2))
    for number in range(COUNT):
        tifffile.imwrite(folder / f"{number:02}.tif", np.roll(image, number, 0))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory, many):
    """The measurements of a run that nothing disturbed."""
    import cytomill

    out = tmp_path_factory.mktemp("whole")
    report = cytomill.run(many, out)
    assert report.done == COUNT
    return (out / "measurements.csv").read_text()


def finished(out: Path) -> list[str]:
    """Names of the inputs that the journals say are done."""
    lines = [
        line
        for path in (out / ".cytomill").glob("journal*.jsonl")
        for line in path.read_text().splitlines(keepends=True)
        if line.endswith("\n")
    ]
    return [one["input"] for one in map(json.loads, lines) if one["status"] == "done"]


def wait_for(out: Path, process, count: int = 1) -> None:
    """Wait until some images are done and others are not."""
    end = time.monotonic() + 60
    while len(finished(out)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def temporary(out: Path) -> list[Path]:
    return [*out.rglob("*.part"), *(out / ".cytomill").glob("scratch*")]


def check_resumed(cytomill, many, out, whole) -> None:
    """The same command does what is left, and only that; the result is that of one run."""
    before = {path: path.stat().st_mtime_ns for path in out.glob("*_labels.tif")}
    done_before = finished(out)
    done = cytomill("run", many, "-o", out, "--json")
    assert done.code == 0
    assert done.told["skipped"] == len(done_before)
    assert done.told["done"] == COUNT
    for name in done_before:
        path = out / f"{Path(name).stem}_labels.tif"
        assert path.stat().st_mtime_ns == before[path]
    assert (out / "measurements.csv").read_text() == whole
    assert not temporary(out)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_what_is_done_and_goes_on(start, cytomill, many, tmp_path, whole, kind):
    process = start("run", many, "-o", tmp_path, "--threads", 1)
    wait_for(tmp_path, process, 2)
    process.send_signal(kind)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    *_, last = err.splitlines()
    assert last.startswith("cytomill: Stopped on request; what was finished is kept, run the same")
    assert "Traceback" not in err
    assert 2 <= len(finished(tmp_path)) < COUNT
    assert not temporary(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    statuses = [record["status"] for record in manifest["inputs"]]
    assert statuses.count("done") == len(finished(tmp_path))
    assert statuses.count("pending") == COUNT - len(finished(tmp_path))
    check_resumed(cytomill, many, tmp_path, whole)


def test_a_batch_system_stops_what_a_shell_started_in_the_background(start, many, tmp_path):
    def background() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = start("run", many, "-o", tmp_path, "--threads", 1, preexec_fn=background)
    wait_for(tmp_path, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert len(finished(tmp_path)) < COUNT


def test_a_large_image_stops_between_its_parts_and_leaves_no_scratch(start, many, scene, tmp_path):
    movie = np.tile(scene[0], (200, 2, 2))
    tifffile.imwrite(tmp_path / "movie.tif", movie, metadata={"axes": "TYX"})
    out = tmp_path / "out"
    process = start("run", tmp_path / "movie.tif", "-o", out)
    end = time.monotonic() + 60
    while not list((out / ".cytomill").glob("scratch*")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not temporary(out)
    assert not list(out.glob("*_labels.tif"))


def test_a_killed_run_leaves_nothing_half_written_and_goes_on(
    start, cytomill, many, tmp_path, whole
):
    process = start("run", many, "-o", tmp_path, "--threads", 2)
    wait_for(tmp_path, process, 2)
    process.kill()
    process.communicate()
    for path in tmp_path.glob("*_labels.tif"):
        assert tifffile.imread(path).shape == (400, 400)
    check_resumed(cytomill, many, tmp_path, whole)


def test_what_a_killed_run_left_is_cleared_up(cytomill, many, tmp_path):
    """As a run leaves it that is killed while it writes."""
    assert cytomill("run", many / "01.tif", "-o", tmp_path).code == 0
    journal = tmp_path / ".cytomill" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(lines[0] + lines[1][:40])
    left = [
        tmp_path / ".01_labels.999.0123abcd.part",
        tmp_path / ".measurements.999.0123abcd.part",
        tmp_path / ".cytomill" / "scratch-abc" / "labels.zarr",
    ]
    left[2].mkdir(parents=True)
    left[0].write_bytes(b"half")
    left[1].write_bytes(b"half")
    other = tmp_path / ".mine.part"
    other.touch()
    done = cytomill("run", many / "01.tif", "-o", tmp_path, "--json")
    assert (done.told["done"], done.told["skipped"]) == (1, 0)
    assert not [path for path in left if path.exists()]
    assert other.exists()


def test_a_second_run_into_the_folder_is_refused_while_the_first_works(
    start, cytomill, many, tmp_path
):
    process = start("run", many, "-o", tmp_path, "--threads", 1)
    wait_for(tmp_path, process)
    second = cytomill("run", many, "-o", tmp_path)
    assert second.code == 2
    assert f"is in use by another run (pid {process.pid} on " in second.err
    assert "choose another --out" in second.err
    assert cytomill("run", many, "-o", tmp_path, "--dry-run").code == 0
    _, err = process.communicate(timeout=120)
    assert (process.returncode, "failed" in err) == (0, False)


def test_a_full_disk_stops_the_run_in_words_and_it_goes_on_after(
    start, cytomill, many, small_disk, whole
):
    out = small_disk / "out"
    filler = small_disk / "filler"
    filler.write_bytes(bytes(2**20 - 150_000))
    process = start("run", many, "-o", out)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "please report" not in err
    *_, last = err.splitlines()
    assert "the disk is full; free space and run the same command again" in last
    assert 0 < len(finished(out)) < COUNT
    assert not temporary(out)
    for path in out.glob("*_labels.tif"):
        assert tifffile.imread(path).shape == (400, 400)
    filler.unlink()
    os.system(f"mount -o remount,size=8m {small_disk}")
    check_resumed(cytomill, many, out, whole)


def test_output_folders_that_cannot_be_written_are_told_at_once(
    program, cytomill, bounded, images, tmp_path
):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    for out in (closed, closed / "new"):
        done = program("run", images, "-o", out, prefix=bounded)
        assert done.code == 2
        assert f"{out}: you may not write there" in done.err
        assert len(done.err.splitlines()) == 1
    (tmp_path / "file").touch()
    done = cytomill("run", images, "-o", tmp_path / "file")
    assert (done.code, "file: is not a folder; choose another --out" in done.err) == (2, True)
    done = cytomill("run", images, "-o", "")
    assert (done.code, "--out: is empty" in done.err) == (2, True)


def test_a_file_in_the_way_of_one_image_costs_that_image_only(cytomill, images, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b").write_text("not a folder")
    done = cytomill("run", images, "-o", out)
    assert done.code == 1
    assert "b/c_labels.tif: a file stands where a folder is needed" in done.err
    assert (out / "a_labels.tif").is_file()
    assert (out / "d_labels.tif").is_file()


def test_an_earlier_result_is_not_believed_after_another_was_begun(cytomill, images, tmp_path):
    """Killed while it replaced labels, a run with other options leaves them unknown."""
    out = tmp_path / "out"
    one, two = ("--pixel-size", "0.65"), ("--pixel-size", "1.3")
    assert cytomill("run", images / "a.tif", "-o", out, *one).code == 0
    kept = tifffile.imread(out / "a_labels.tif")
    assert cytomill("run", images / "a.tif", "-o", out, *two).code == 0
    journal = out / ".cytomill" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 4
    journal.write_text("".join(lines[:3]))
    done = cytomill("run", images / "a.tif", "-o", out, *one, "--json")
    assert done.told["skipped"] == 0
    assert np.array_equal(tifffile.imread(out / "a_labels.tif"), kept)
