from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cytomill.errors import InputError, PermanentError, TemporaryError
from cytomill.image.entry import PathSource
from cytomill.kiosk.retelling import Retold, retold


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A file that can be opened and not be read."""
    path = tmp_path / "bucket" / "x.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, np.arange(3000, dtype=np.uint16).reshape(50, 60), compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        (offset,), (count,) = file.pages[0].dataoffsets, file.pages[0].databytecounts
    data[offset : offset + count] = b"\xff" * count
    path.write_bytes(data)
    return path


def test_what_is_caught_while_an_image_is_read_speaks_of_the_name_too(damaged):
    source = Retold(PathSource(damaged), str(damaged), "plate/a.tif")
    with source.open() as file:
        # Caught here, as a pipeline does that goes on without a frame.
        with pytest.raises(InputError) as raised:
            file.images[0].read()
        assert str(raised.value).startswith("plate/a.tif: cannot be decoded")
        assert str(damaged) not in str(raised.value)
    assert source.bytes == damaged.stat().st_size
    assert source.digest() == PathSource(damaged).digest()


def test_what_is_not_there_is_told_by_name(tmp_path):
    source = Retold(PathSource(tmp_path / "no.tif"), str(tmp_path / "no.tif"), "a.tif")
    for ask in (source.stamp, source.digest, lambda: source.open().__enter__()):
        with pytest.raises(InputError, match=r"^a\.tif: does not exist"):
            ask()


def test_kinds_of_errors_stay():
    with pytest.raises(PermanentError, match=r"^b: is broken$"), retold("/x/y", "b"):
        raise PermanentError("/x/y: is broken")
    with pytest.raises(PermanentError, match=r"^/z: is broken$"), retold("/x/y", "b"):
        raise PermanentError("/z: is broken")
    with pytest.raises(TemporaryError, match=r"^/x/y: is away$"), retold("/x/y", "b"):
        raise TemporaryError("/x/y: is away")
