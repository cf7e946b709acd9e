from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cytomill.errors import OutputError
from cytomill.image.atomic import output_error, replacing


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with replacing(target) as part:
        part.write_text("whole")
        assert not target.exists()
        assert part.parent == target.parent
        assert part.name.startswith(".")
        assert part.name.endswith(".part")
        assert str(os.getpid()) in part.name
    assert target.read_text() == "whole"
    assert names(target.parent) == ["a.txt"]


@pytest.mark.parametrize("before", ["file", "folder"])
@pytest.mark.parametrize("after", ["file", "folder"])
def test_what_is_written_takes_the_place_of_what_was_there(
    tmp_path: Path, before: str, after: str
) -> None:
    target = tmp_path / "a"
    for kind, text in ((before, "old"), (after, "new")):
        with replacing(target) as part:
            if kind == "folder":
                part.mkdir()
                (part / text).write_text(text)
            else:
                part.write_text(text)
    assert names(tmp_path) == ["a"]
    assert names(target) == ["new"] if after == "folder" else target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_a_failed_block_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as part:
            part.mkdir()
            (part / "half").write_text("new")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert names(tmp_path) == ["a"]
    assert target.read_text() == "old"


def test_a_full_disk_is_told_with_the_way_out(tmp_path: Path) -> None:
    def fill() -> None:
        with replacing(tmp_path / "a.tif") as part:
            part.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"a\.tif: the disk is full; free space and run"):
        fill()
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_real_full_disk_is_recognised(tmp_path: Path) -> None:
    def fill() -> None:
        with replacing(tmp_path / "a"), open("/dev/full", "w") as full:  # noqa: PTH123
            full.write("x" * 100_000)

    with pytest.raises(OutputError, match="disk is full"):
        fill()


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")

    def write() -> None:
        with replacing(tmp_path / "out" / "a"):
            pass

    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_every_fault_has_a_way_out(number: int) -> None:
    error = output_error(Path("a"), OSError(number, os.strerror(number)))
    assert error.fault
    assert error.advice


def test_a_long_name_fits_beside_itself(tmp_path: Path) -> None:
    target = tmp_path / ("é" * 120 + ".tif")
    with replacing(target) as part:
        part.write_text("")
    assert target.exists()


def test_a_killed_process_leaves_no_output(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "from cytomill.image.atomic import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as part:\n"
        "    part.write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    target = tmp_path / "a.tif"
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert not target.exists()
    assert all(name.startswith(".") and name.endswith(".part") for name in names(tmp_path))
