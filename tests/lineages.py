"""Movies for tests of tracks: lineages at random, and the labels that go with them."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytomill.image.array import from_array
from cytomill.image.core import Image, PixelSize
from cytomill.ops.track import Track
from cytomill.tracks.lineage import Lineage, Spots

#: Pixels that a cell of `pixels` is wide, and the frames after which it is back where it was.
WIDE, CIRCLE = 2, 5


def lineage_of(
    tracks: dict[Track, set[int]],
    frames: int,
    *,
    filled: frozenset[tuple[int, int]] = frozenset(),
    pixel_size: PixelSize | None = None,
    interval: float | None = None,
    lost: tuple[int, ...] = (),
) -> Lineage:
    """A lineage of ``tracks``, each with the frames of its gaps.

    ``filled`` are the label and frame of spots that were put into gaps. The k-th track is on row k.
    """
    rows = [
        (t, track.label, row, t % CIRCLE + (WIDE - 1) / 2, WIDE, (track.label, t) in filled)
        for row, (track, gaps) in enumerate(tracks.items())
        for t in range(track.begin, track.end + 1)
        if t not in gaps
    ]
    shape = (frames, max(len(tracks), 1), WIDE + CIRCLE)
    return Lineage(tuple(sorted(tracks)), Spots.of(rows), shape, pixel_size, interval, lost)


def pixels(lineage: Lineage) -> NDArray[np.uint32]:
    """The labels (t, 1, y, x) of a lineage that `lineage_of` made."""
    frames, height, width = lineage.shape
    out = np.zeros((frames, 1, height, width), np.uint32)
    spots = lineage.spots
    for t, label, y in zip(spots.t, spots.label, spots.y, strict=True):
        left = t % CIRCLE
        out[t, 0, int(y), left : left + WIDE] = label
    return out


def movie(lineage: Lineage, name: str = "movie.tif", channels: int = 1) -> Image:
    """A raw movie for a lineage: pixel values count up."""
    frames, height, width = lineage.shape
    size = frames * channels * height * width
    array = (np.arange(size) % 65_536).astype(np.uint16)
    image = from_array(array.reshape(frames, channels, height, width), "TCYX")
    return Image(name, "TCYX", image.shape, image.dtype, image.source, lineage.pixel_size)


@st.composite
def lineages(draw: st.DrawFn, most_label: int = 2_000_000_000) -> Lineage:
    """Lineages with divisions, gaps, filled spots, tracks of one frame; or without any cell."""
    random: Random = draw(st.randoms(use_true_random=False))
    frames = draw(st.integers(1, 12))
    tracks: dict[Track, set[int]] = {}
    filled: set[tuple[int, int]] = set()
    wanted = draw(st.integers(0, 12))
    labels = draw(
        st.lists(st.integers(1, most_label), min_size=wanted, max_size=wanted, unique=True)
    )
    open_ends: list[Track] = []
    for label in labels:
        parent = random.choice(open_ends) if open_ends and random.random() < 0.7 else None
        begin = random.randint(parent.end + 1 if parent else 0, frames - 1)
        end = random.randint(begin, frames - 1)
        track = Track(label, begin, end, parent.label if parent else 0)
        inside = range(begin + 1, end)
        tracks[track] = {t for t in inside if random.random() < 0.25}
        filled |= {(label, t) for t in inside if random.random() < 0.2} - {
            (label, t) for t in tracks[track]
        }
        if end < frames - 1:
            open_ends.append(track)
    size = draw(st.sampled_from([None, PixelSize(0.5, 0.5), PixelSize(0.5, 0.25)]))
    return lineage_of(
        tracks,
        frames,
        filled=frozenset(filled),
        pixel_size=size,
        interval=draw(st.sampled_from([None, 60.0, 1800.0])),
        lost=tuple(sorted(random.sample(range(frames), random.randint(0, frames // 3)))),
    )
