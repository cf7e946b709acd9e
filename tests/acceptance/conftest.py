"""How the program is started as a user would, and images for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cytomill.cli.main import main
from cytomill.ops.synthesise import Scene, nuclei
from tests.conftest import requires


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.out)


def polite(code: int, out: str, err: str) -> Done:
    """What ended without a traceback or a warning, whatever else went wrong."""
    assert "Traceback" not in err, err
    assert "Warning" not in err, err
    assert "please report" not in err, err
    assert code in (0, 1, 2, 130), (code, err)
    return Done(code, out, err)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the program in a process of its own, which does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*args: object, **more: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*more.pop("prefix", ()), sys.executable, "-m", "cytomill", *map(str, args)],
            text=True,
            **{
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                # Started in the background, as CI may be, these tests inherit that it is ignored.
                "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                **more,
            },
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def program(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., Done]:
    """Runs the program in a process of its own."""

    def run(*args: object, **more: Any) -> Done:
        process = start(*args, **more)
        out, err = process.communicate(timeout=120)
        return polite(process.returncode, out, err)

    return run


@pytest.fixture
def cytomill(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Runs the program in this process, which saves the second that a start takes."""

    def run(*args: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["cytomill", *map(str, args)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        return polite(int(left.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def scene() -> tuple[np.ndarray, int]:
    """An image on which nuclei are easily told apart, and how many there are."""
    image, labels = nuclei(Scene((200, 200), coverage=0.25, clustering=0, overlap=0), seed=3)
    return image, int(labels.max())


@pytest.fixture
def images(tmp_path: Path, scene: tuple[np.ndarray, int]) -> Path:
    """A folder of three images that differ."""
    folder = tmp_path / "images"
    for number, name in enumerate(("a.tif", "b/c.tif", "d.tif")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / name, np.rot90(scene[0], number))
    return folder


@pytest.fixture(scope="session")
def bounded() -> list[str]:
    """Words before a command that bind even the superuser to the permissions of files."""
    if os.getuid():
        return []
    return [requires("setpriv"), "--bounding-set=-dac_override,-dac_read_search"]
