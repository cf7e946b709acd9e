"""What all tests share: real data, and real programs that may be missing."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

# Before anything reads the settings: tests must not touch the models that a user installed.
MODELS = os.environ["CYTOMILL_MODELS"] = tempfile.mkdtemp(prefix="cytomill-models-")

# Before gRPC is loaded: clients in this process must not have a say in the processes it forks, on
# whose standard error gRPC would write.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_unconfigure() -> None:
    """Remove the models that tests installed."""
    shutil.rmtree(MODELS, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real microscopy, which is not part of the repository, not even in CI."""
    if not SHARED.is_dir():
        pytest.skip(f"real data are not at {SHARED}")
    return SHARED


def requires(program: str) -> str:
    """The path of ``program``; without it the test is skipped, and fails where CI is true."""
    found = shutil.which(program)
    return found or missing(f"the program {program} is not installed")


def missing(reason: str) -> NoReturn:
    """Skip for want of a real part; on CI, where every part is meant to be, fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}, and must be on CI")
    pytest.skip(reason)
