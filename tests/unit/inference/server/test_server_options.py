from __future__ import annotations

from pathlib import Path

import pytest

from cytomill.errors import OptionError
from cytomill.inference.server.options import Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": Path("/no/such/folder")}, "--models /no/such/folder: is not a folder"),
        ({"memory": 0}, "--memory 0: must be at least 1"),
        ({"queue_bytes": 0}, "--queue-bytes 0: must be at least 1"),
        ({"batch": -1}, "--batch -1: must be at least 1"),
        ({"delay": 61}, "--delay 61: must be 0 to 60 seconds"),
        ({"delay": float("nan")}, "--delay nan: must be 0 to 60 seconds"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Options(**options)
