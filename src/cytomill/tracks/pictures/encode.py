"""Frames into files that play: MP4 by PyAV, GIF by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from ...errors import OptionError
from ...ops.colour import COLOURS, palette

#: Kinds of movies, by the end of their name.
KINDS = (".mp4", ".gif")

#: What all browsers, players and slides play.
_CODEC: Final = "h264"

#: Bits per second at most, which only noise needs: 20 seconds are 30 MB.
_BITRATE = {"maxrate": "12M", "bufsize": "24M"}

#: Seconds that a movie should last, and frames per second that it has at most: what screens show.
_SECONDS, _SHORTEST, _FASTEST = 12, 5, 30

#: How many shades of each colour a GIF has: tails fade. The rest of its 256 colours are greys.
_SHADES = (1.0, 0.72, 0.45)

#: Bits of red, green and blue that decide about the colour in a GIF: its greys are so few that
#: noise does not blow up the file.
_BITS = 5


def check(kind: str) -> None:
    """See that movies of ``kind``, such as ``mp4``, can be made here; call it before any work.

    Raises `OptionError` for unknown kinds, and where a library is missing.
    """
    kind = "." + kind.lower().removeprefix(".")
    if kind not in KINDS:
        known = " or ".join(one[1:] for one in KINDS)
        raise OptionError(f"a movie is {known}, not {kind[1:] or 'without a kind'}")
    if kind == ".mp4":
        try:
            import av  # only who wants such movies has it

            av.codec.Codec(_CODEC, "w")
        except ImportError as error:
            raise OptionError(
                "MP4 movies need PyAV; run: pip install cytomill[movie], or ask for a GIF"
            ) from error
        except ValueError as error:
            raise OptionError(
                "the FFmpeg that PyAV has here cannot write H.264; "
                "install PyAV from its wheels, or ask for a GIF"
            ) from error


def rate(frames: int) -> Fraction:
    """Frames per second with which a movie lasts 5 to 20 seconds, or longer where it must."""
    if frames < _SHORTEST:
        return Fraction(max(frames, 1), _SHORTEST)
    return Fraction(min(max(round(frames / _SECONDS), 1), _FASTEST))


def encode_mp4(
    path: Path, frames: Iterator[NDArray[np.uint8]], size: tuple[int, int], per_second: Fraction
) -> None:
    """Write ``frames``, uint8 (y, x, 3) of the even ``size`` (y, x), as H.264 in MP4.

    The pixel format (yuv420p), the colours (BT.709) and the index at the file's start are what
    browsers and slides need. One thread encodes: how many there are would change the bytes.
    """
    import av
    from av.video.reformatter import ColorRange, Colorspace

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as box:
        stream = box.add_stream(_CODEC, rate=per_second)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.thread_count = 1
        codec.colorspace = codec.color_primaries = codec.color_trc = int(Colorspace.ITU709)
        codec.color_range = int(ColorRange.MPEG)
        codec.options = {"crf": "25", "preset": "veryfast", **_BITRATE}
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            frame.pts, frame.time_base = number, 1 / per_second
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


def encode_gif(path: Path, frames: Iterator[NDArray[np.uint8]], per_second: Fraction) -> None:
    """Write ``frames``, uint8 (y, x, 3), as a GIF that begins anew when it has ended.

    The encoder keeps all frames, a byte for each pixel.
    """
    pictures = (_indexed(frame) for frame in frames)
    next(pictures).save(
        path,
        "GIF",
        save_all=True,
        append_images=pictures,
        duration=10 * max(2, round(100 / per_second)),
        loop=0,
        optimize=False,
    )


def _indexed(frame: NDArray[np.uint8]) -> PIL.Image.Image:
    table, nearest = _gif_colours()
    red, green, blue = np.moveaxis(frame >> (8 - _BITS), -1, 0).astype(np.int32)
    picture = PIL.Image.fromarray(nearest[red << 2 * _BITS | green << _BITS | blue])
    picture.putpalette(table.tobytes())
    return picture


@cache
def _gif_colours() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The 256 colours of a GIF, and for all colours of `_BITS` bits which of them is nearest."""
    shades = np.concatenate([palette() * shade for shade in _SHADES])
    greys = np.linspace(0, 255, 256 - len(_SHADES) * COLOURS)
    table = np.concatenate((np.repeat(greys[:, None], 3, axis=1), shades)).round()
    steps = (np.arange(2**_BITS) + 0.5) * 2 ** (8 - _BITS)
    asked = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    # The square of the distance, less what is the same for all of the table.
    distance = (table**2).sum(axis=1) - 2 * asked @ table.T
    return table.astype(np.uint8), distance.argmin(axis=1).astype(np.uint8)
