"""The overlay movie: the raw frames, each cell outlined in the colour of its track, with a tail."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...image.atomic import replacing
from ...image.core import Image
from ..files.stack import Labels
from ..lineage import Lineage
from .encode import KINDS, check, encode_gif, encode_mp4, rate
from .painter import Painter

__all__ = ["KINDS", "LONGEST", "check", "write_movie"]

#: Longest edge of an MP4 in pixels: what screens show and all players play.
LONGEST = 1920

#: Of GIFs, which hardly compress, all pixels of a movie together, its longest edge at most and at
#: least, and the number of frames: of longer movies every second is shown, or every third, ...
_GIF_PIXELS, _GIF_LONGEST, _GIF_SHORTEST, _GIF_FRAMES = 2.4e7, 720, 360, 240


def write_movie(
    path: Path,
    lineage: Lineage,
    labels: Labels,
    image: Image,
    channel: int | None = None,
    *,
    kind: str | None = None,
) -> None:
    """Write the overlay movie to ``path``, as an MP4 or a GIF: ``kind``, or the end of its name.

    ``labels`` (t, z, y, x), read by slices, are those of tracks; ``image`` is the raw movie,
    ``channel`` the channel shown (see `Painter`). Cells have the colours that they have in the
    lineage tree (`ops.colour`), tails show where they were in the last frames, white lines join
    new daughters, cells put into gaps are dashed. The contrast is the same in all frames. An MP4
    has all frames, a GIF as many as keep it below some ten megabytes. A few frames are in memory;
    the same input gives the same GIF, and with the same PyAV the same MP4.

    Raises `OptionError` (see `check`), `InputError` where a frame that was not lost cannot be
    read or there is none, and `OutputError`; ``path`` appears whole or not at all.
    """
    kind = kind or path.suffix.lower()
    check(kind)
    count = image.shape[0]
    if not count:
        raise InputError(image.name, "has no frames", "give a movie with one frame or more")
    step, longest = 1, LONGEST
    if kind == ".gif":
        step = -(-count // _GIF_FRAMES)
        longest = _gif_longest(len(range(0, count, step)), image.shape[3:])
    painter = Painter(lineage, labels, image, channel, longest)
    chosen = range(0, count, step)
    frames = (painter.paint(t) for t in chosen)
    with replacing(path) as temporary:
        if kind == ".gif":
            encode_gif(temporary, frames, rate(len(chosen)))
        else:
            encode_mp4(temporary, frames, painter.size, rate(len(chosen)))


def _gif_longest(frames: int, plane: tuple[int, ...]) -> int:
    """The longest edge with which a GIF of so many frames is not too large."""
    share = min(plane) / max(plane)
    edge = np.sqrt(_GIF_PIXELS / frames / max(share, 0.1))
    return int(min(max(edge, _GIF_SHORTEST), _GIF_LONGEST))
