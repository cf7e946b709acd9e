"""PNG and JPEG: pictures of 8 or 16 bits, read whole."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import check_plane, reading
from .core import Image, ImageFile
from .memory import WholeSource

_PNG = b"\x89PNG\r\n\x1a\n"

#: Channels by the colour type of a PNG's header: grey, RGB, palette, both with alpha.
_PNG_COLOURS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}

#: JPEG markers that begin a frame's header: all of 0xC0 to 0xCF but tables and extensions.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class _Header:
    """What a picture says of itself; ``channels`` does not count alpha."""

    width: int
    height: int
    channels: int
    dtype: np.dtype[Any]


def open_picture(path: Path) -> ImageFile:
    """Open a PNG or JPEG file: one image of one channel, or of red, green and blue.

    Alpha is dropped, palettes are looked up, one-bit pictures are bool, a camera's orientation is
    ignored. There is no pixel size: what these formats call resolution is for printers. Raises
    `InputError`, also for CMYK.
    """
    with reading(path):
        data = path.read_bytes()
        header = _png(path, data) if data.startswith(_PNG) else _jpeg(path, data)
        check_plane(path, header.height, header.width)
    shape = (1, header.channels, 1, header.height, header.width)
    source = WholeSource(path, lambda: _decode(path, header), shape, header.dtype)
    rgb = header.channels == 3
    image = Image(
        name=path.name,
        axes="CYX" if rgb else "YX",
        shape=shape,
        dtype=header.dtype,
        source=source,
        channels=("red", "green", "blue") if rgb else (),
        rgb=rgb,
    )
    return ImageFile([image], source.close)


def _decode(path: Path, header: _Header) -> NDArray[Any]:
    """The pixels with the axes T, C, Z, Y, X."""
    data = path.read_bytes()
    if data.startswith(_PNG):
        pixels = np.asarray(imagecodecs.png_decode(data))
    elif _END_OF_IMAGE in data[_scan(data) :]:
        pixels = np.asarray(imagecodecs.jpeg8_decode(data))
    else:
        # The decoder fills what is missing with grey, and says nothing.
        raise InputError(path, "is cut short: its end is missing", "copy or export it again")
    pixels = pixels.reshape(*pixels.shape[:2], -1)[..., : header.channels]
    if header.dtype.kind == "b":
        pixels = pixels > 0
    return np.moveaxis(pixels, -1, 0)[None, :, None]


def _png(path: Path, data: bytes) -> _Header:
    """The header of a PNG file: section 11.2.2 of its specification."""
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if colour not in _PNG_COLOURS:
        raise InputError(path, f"is damaged: there is no PNG colour type {colour}", "copy it again")
    one_bit = bits == 1 and colour == 0
    dtype = np.dtype(np.uint16 if bits == 16 else np.bool_ if one_bit else np.uint8)
    return _Header(width, height, _PNG_COLOURS[colour], dtype)


def _jpeg(path: Path, data: bytes) -> _Header:
    """The header of a JPEG file's frame: annex B.2.2 of ITU-T T.81."""
    for marker, offset in _segments(data):
        if marker in _FRAMES:
            bits, height, width, samples = struct.unpack_from(">BHHB", data, offset)
            if samples == 4:
                raise InputError(path, "is a CMYK picture", "convert it to RGB or grey")
            if bits != 8 or samples not in (1, 3):
                raise InputError(
                    path, f"has {samples} samples of {bits} bits", "convert it to TIFF or PNG"
                )
            return _Header(width, height, samples, np.dtype(np.uint8))
    raise InputError(path, "is cut short: it has no picture", "copy or export it again")


def _scan(data: bytes) -> int:
    """Where the compressed pixels of a JPEG file begin."""
    return next(offset for marker, offset in _segments(data) if marker == _START_OF_SCAN)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The markers of a JPEG file up to its pixels, and where the content of each begins."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # padding before a marker
            position += 1
            continue
        yield marker, position + 4
        if marker == _START_OF_SCAN:
            return
        position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
