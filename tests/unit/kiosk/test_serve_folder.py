"""The folder of a kiosk on one machine: made, checked, and had by one kiosk alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from cytomill.errors import OptionError, OutputError
from cytomill.kiosk.serve_folder import DataFolder

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "kiosk")


def test_it_is_made_for_this_user_alone(folder: DataFolder) -> None:
    folder.make(pytest.fail)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.redis.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.path.iterdir()) == ["bucket", "logs", "redis"]
    folder.make(pytest.fail)


def test_a_socket_without_a_password_is_nobody_elses(folder: DataFolder) -> None:
    folder.redis.mkdir(parents=True)
    folder.redis.chmod(0o755)
    folder.make(pytest.fail)
    assert folder.redis.stat().st_mode & 0o777 == 0o700


def test_a_file_in_its_place_is_told(folder: DataFolder) -> None:
    folder.path.write_text("")
    with pytest.raises(OptionError, match=f"--data {folder.path}: cannot be written"):
        folder.make(pytest.fail)


def test_a_full_disk_is_told_before_the_start(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 2**20))
    with pytest.raises(OutputError, match=r"only 1 MiB are free.*make room"):
        folder.make(pytest.fail)


def test_little_room_is_told_and_used(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 3 * 2**30))
    folder.make(said.append)
    assert said == [f"{folder.path}: only 3.0 GiB are free; jobs pause when none are"]


def test_a_second_kiosk_is_refused_and_told_who_has_it(folder: DataFolder) -> None:
    folder.make(pytest.fail)
    with folder.lock(), pytest.raises(OptionError, match=f"in use by process {os.getpid()};"):
        folder.lock().__enter__()
    with folder.lock():
        pass


def test_the_parts_of_a_killed_kiosk_are_waited_for(folder: DataFolder) -> None:
    folder.make(pytest.fail)
    text = (
        "import subprocess, sys\nfrom pathlib import Path\n"
        "from cytomill.kiosk.serve_folder import DataFolder\n"
        f"with DataFolder(Path({str(folder.path)!r})).lock() as held:\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(0.5)'],"
        " pass_fds=[held])\n"
        "    print('up', flush=True)\n    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"up\n"
        first.kill()
    with folder.lock():
        assert (folder.path / "lock").read_text() == f"{os.getpid()}\n"


def test_only_this_user_can_read_the_token(folder: DataFolder) -> None:
    folder.make(pytest.fail)
    assert folder.read_token() == ""
    folder.write_token("cm_first")
    folder.write_token("cm_second")
    assert folder.read_token() == "cm_second"
    assert folder.token.stat().st_mode & 0o777 == 0o600
