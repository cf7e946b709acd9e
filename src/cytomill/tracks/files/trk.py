"""The ``.trk`` archive of DeepCell: a tar.gz of raw pixels, tracked labels and the lineage.

``raw.npy`` has the axes (t, y, x, channel) and the movie's own type, ``tracked.npy`` (t, y, x, 1)
and int32, and ``lineage.json`` is that of `lineage_json`.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...image.checks import reading
from ...image.core import Image
from ..lineage import Lineage
from . import lineage_json
from .stack import Labels

#: How hard gzip tries: more takes three times as long for a twentieth less.
_LEVEL = 4

_ADVICE = "give a .trk archive of one movie, as of deepcell-tracking"


@dataclass(frozen=True, slots=True, eq=False)
class Trk:
    """What an archive holds: ``raw`` is (t, y, x, channel), ``labels`` (t, z, y, x) with one z."""

    lineage: Lineage
    raw: NDArray[Any]
    labels: NDArray[Any]


def write_trk(path: Path, lineage: Lineage, labels: Labels, image: Image) -> None:
    """Write the archive to ``path``, a frame at a time.

    deepcell-tracking itself reads all of it into memory.
    """
    frames, channels, _, height, width = image.shape
    dtype = image.dtype.newbyteorder("<")
    raw = (
        np.stack([image.read(t, c) for c in range(channels)], axis=-1).astype(dtype)
        for t in range(frames)
    )
    tracked = (labels[t, 0].astype("<i4")[..., None] for t in range(frames))
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        size = sum(map(len, lineage_json.lines(lineage)))
        text = (line.encode("ascii") for line in lineage_json.lines(lineage))
        _add(tar, "lineage.json", size, text)
        _add_array(tar, "raw.npy", (frames, height, width, channels), dtype, raw)
        _add_array(tar, "tracked.npy", (frames, height, width, 1), np.dtype("<i4"), tracked)


def read_trk(path: Path) -> Trk:
    """Read the archive at ``path`` into memory; nothing is unpacked onto the disk.

    Raises `InputError` where it is damaged, lacks a part, holds several movies or anything but
    plain numbers, or where lineage and labels do not agree.
    """
    found: dict[str, Any] = {}
    with reading(path), tarfile.open(path, "r:*") as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            data = tar.extractfile(member) if member.isfile() else None
            if data is None:
                continue
            if name == "lineages.json":
                raise InputError(path, "holds several movies (lineages.json)", _ADVICE)
            if name == "lineage.json":
                found[name] = data.read()
            elif name in ("raw.npy", "tracked.npy"):
                found[name] = _array(path, name, data, member.size)
    for name in ("lineage.json", "raw.npy", "tracked.npy"):
        if name not in found:
            raise InputError(path, f"has no {name}", _ADVICE)
    raw, tracked = found["raw.npy"], found["tracked.npy"]
    if (
        raw.shape[:3] != tracked.shape[:3]
        or tracked.shape[3] != 1
        or tracked.dtype.kind not in "ui"
    ):
        raise InputError(
            path,
            f"has labels of shape {tracked.shape} and type {tracked.dtype} for pixels of shape "
            f"{raw.shape}",
            "both are (t, y, x, channel), labels whole numbers in one channel",
        )
    labels = tracked.transpose(0, 3, 1, 2)
    return Trk(lineage_json.parse(path, found["lineage.json"], labels), raw, labels)


class _Chunks:
    """Pieces of bytes as a file to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def read(self, size: int) -> bytes:
        taken = []
        while size:
            if not self._rest:
                self._rest = memoryview(next(self._pieces, b""))
                if not self._rest:
                    break
            taken.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(taken[-1])
        return b"".join(taken)


def _add(tar: tarfile.TarFile, name: str, size: int, pieces: Iterator[bytes]) -> None:
    """Add a member of ``size`` bytes that is the same whenever and by whomever it is written."""
    member = tarfile.TarInfo(name)
    member.size = size
    tar.addfile(member, _Chunks(pieces))  # type: ignore[arg-type]  # reading is all it does


def _add_array(
    tar: tarfile.TarFile,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    frames: Iterator[NDArray[Any]],
) -> None:
    """Add an array in NumPy's format, of which the first axis is ``frames``."""
    about = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, about)
    head = header.getvalue()

    def pieces() -> Iterator[bytes]:
        yield head
        for frame in frames:
            yield frame.tobytes()

    _add(tar, name, len(head) + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize, pieces())


def _array(path: Path, name: str, data: Any, size: int) -> NDArray[Any]:
    """The array of four axes in a member of ``size`` bytes."""
    version = np.lib.format.read_magic(data)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise InputError(path, f"its {name} has the unknown version {version}", _ADVICE)
    shape, fortran, dtype = read(data)
    if dtype.hasobject or dtype.kind not in "buif":
        raise InputError(path, f"its {name} holds {dtype}, not plain numbers", _ADVICE)
    count = int(np.prod(shape, dtype=object))
    if len(shape) != 4 or count * dtype.itemsize > size:
        raise InputError(path, f"its {name} is cut short or has no four axes", _ADVICE)
    flat = np.frombuffer(data.read(count * dtype.itemsize), dtype, count)
    return flat.reshape(shape, order="F" if fortran else "C")
