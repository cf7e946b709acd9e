from __future__ import annotations

from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "formats"


@pytest.fixture(scope="session")
def formats() -> Path:
    """The folder of files of many microscopes and programs."""
    if not _SHARED.is_dir():
        pytest.skip("the shared files are not on this machine")
    return _SHARED
