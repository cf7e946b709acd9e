"""Whatever is killed, whenever: every image is done once, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.common import ROOT
from cytomill.errors import OptionError
from cytomill.kiosk import redis_server
from tests.conftest import missing

#: Images, and parts that are killed while they are done.
IMAGES, KILLS = 150, 10


@pytest.mark.parametrize("seed", [0])
def test_a_job_survives_the_death_of_every_part(tmp_path: Path, seed: int) -> None:
    try:
        redis_server.find()
    except OptionError as error:
        missing(str(error))
    command = [sys.executable, "-m", "benchmarks.chaos", "--images", IMAGES, "--kills", KILLS]
    command += ["--seed", seed, "--results", tmp_path, "--scratch", tmp_path]
    words = [str(word) for word in command]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads((tmp_path / "chaos.json").read_text())
    assert found["items"] == IMAGES
    assert len(found["kills"]) >= KILLS
    assert {fault: count for fault, count in found["faults"].items() if count} == {}
    assert "Traceback" not in ran.stderr
