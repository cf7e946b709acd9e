"""A frame of an overlay movie: the raw image, and on it what tracking says."""

from __future__ import annotations

from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import CytomillError
from ...image.core import Image
from ...ops.colour import COLOURS, colours, palette
from ...ops.contrast import brightest, greys, shown, stretch
from ...ops.normalise import Levels, levels
from ..files.stack import Labels
from ..lineage import Lineage
from .clock import Clock
from .lettering import text_width, write_text
from .rings import SHIFT, dashes, parts_of_pixels, rings

#: Frames that a tail is long, and for which a division is shown.
TAIL, _DIVISION = 10, 3

#: Images are enlarged to this longest edge in pixels, but not more than so many times.
_ENLARGED, _LARGEST_SCALE = 1600, 8.0

#: Frames from which the contrast is found: one for the whole movie, so that it does not flicker.
_SAMPLED = 12

#: Diameters in pixels of the movie: cells above the first are outlined in two pixels, and above
#: the second they are given their labels.
_BOLD, _NAMED = 24, 30

# Lengths in pixels and colours of the strip below the image.
_LEAST_WIDTH, _LETTERS = 360, (12, 22)
_PAPER, _INK, _FAINT, _ALARM = (16, 16, 18), (236, 236, 238), (160, 160, 166), (255, 170, 60)

#: Share of the strip that the scale bar takes at most, and the lengths it has in µm.
_BAR, _BARS = 0.22, (1, 2, 5)


class Painter:
    """Paints the frames of a movie, which fit a square of ``longest`` pixels.

    ``labels`` (t, z, y, x) is read by slices, ``image`` a frame at a time. ``channel`` is the
    channel shown, None the nuclear stain, or of a colour picture the brightest of its three.
    """

    def __init__(
        self, lineage: Lineage, labels: Labels, image: Image, channel: int | None, longest: int
    ) -> None:
        self._lineage, self._labels, self._image = lineage, labels, image
        self._channels = shown(image, channel)
        height, width = image.shape[3:]
        # Noise, made larger, only makes the file larger.
        scale = min(longest, max(_ENLARGED, height, width)) / max(height, width)
        self._letters = min(max(round(scale * width / 60), _LETTERS[0]), _LETTERS[1])
        strip = round(2.2 * self._letters)
        self._scale = min(scale, max(1, longest - strip) / height, _LARGEST_SCALE)
        self._shape = max(1, round(height * self._scale)), max(1, round(width * self._scale))
        self._width = _even(max(self._shape[1], min(_LEAST_WIDTH, longest)))
        #: Height and width of a frame, both even, as video needs.
        self.size = _even(self._shape[0] + strip), self._width
        self._left = (self._width - self._shape[1]) // 2
        self._levels = self._find_levels()
        self._clock = Clock(lineage.shape[0], lineage.interval)
        self._lost = frozenset(lineage.lost)
        spots = lineage.spots
        self._first = np.searchsorted(spots.t, np.arange(lineage.shape[0] + 1))
        self._before = _before(lineage)
        self._places = (np.stack((spots.x, spots.y), axis=1) + 0.5) * self._scale
        self._apart = _apart(lineage)
        across = 2 * np.sqrt(np.median(spots.area) / np.pi) if len(spots) else 0.0
        self._across = across * self._scale

    def paint(self, t: int) -> NDArray[np.uint8]:
        """The frame ``t`` as red, green and blue: uint8 (y, x, 3) of `size`."""
        canvas = np.full((*self.size, 3), _PAPER, np.uint8)
        picture = canvas[: self._shape[0], self._left : self._left + self._shape[1]]
        # OpenCV draws on whole arrays only.
        drawn = np.ascontiguousarray(self._backdrop(t))
        self._tails(drawn, t)
        self._outlines(drawn, t)
        self._divisions(drawn, t)
        self._names(drawn, t)
        picture[:] = drawn
        self._strip(canvas, t)
        return canvas

    def _here(self, t: int) -> slice:
        """The spots of the frame ``t``."""
        return slice(int(self._first[t]), int(self._first[t + 1]))

    def _read(self, t: int, y: slice = slice(None), x: slice = slice(None)) -> NDArray[Any]:
        depth = self._image.shape[2] // 2
        return brightest([self._image.read(t, c, depth, y, x) for c in self._channels])

    def _find_levels(self) -> Levels:
        """The medians of frames: a flash, or a frame without light, changes nothing."""
        frames = [t for t in range(self._image.shape[0]) if t not in set(self._lineage.lost)]
        chosen = sorted({frames[i * len(frames) // _SAMPLED] for i in range(_SAMPLED) if frames})
        found = []
        for t in chosen:
            between = levels(self._image.shape[3:], partial(self._read, t))
            if between.high > between.low:
                found.append((between.low, between.high))
        low, high = np.median(found, axis=0).tolist() if found else (0.0, 0.0)
        return Levels(low, high)

    def _backdrop(self, t: int) -> NDArray[np.uint8]:
        """The raw image in grey; black where a lost frame cannot even be read."""
        try:
            plane = self._read(t)
        except CytomillError:
            if t not in self._lost:
                raise
            return np.zeros((*self._shape, 3), np.uint8)
        grey = greys(256)[stretch(plane, self._levels, 255)]
        how = cv2.INTER_AREA if self._scale < 1 else cv2.INTER_CUBIC
        resized = cv2.resize(grey, self._shape[::-1], interpolation=how)
        return np.repeat(resized[..., None], 3, axis=2)

    def _outlines(self, canvas: NDArray[np.uint8], t: int) -> None:
        """Each cell in the colour of its track, dashed where it was put into a gap."""
        ids = np.asarray(self._labels[t, 0])
        scale = self._scale
        if scale < 1:
            rows, columns = (
                np.minimum((np.arange(there) + 0.5) / scale, edge - 1).astype(np.int64)
                for there, edge in zip(self._shape, ids.shape, strict=True)
            )
            ids, scale = ids[np.ix_(rows, columns)], 1.0
        here = self._here(t)
        filled = set(self._lineage.spots.label[here][self._lineage.spots.filled[here]].tolist())
        whole: dict[int, list[NDArray[np.int32]]] = {}
        parts: dict[int, list[NDArray[np.int32]]] = {}
        for label, line in rings(ids, scale):
            if label in filled:
                parts.setdefault(label % COLOURS, []).extend(dashes(line, scale))
            else:
                whole.setdefault(label % COLOURS, []).append(line)
        for groups, closed in ((whole, True), (parts, False)):
            for index, lines in groups.items():
                self._draw(canvas, lines, palette()[index].tolist(), self._line, closed)

    def _tails(self, canvas: NDArray[np.uint8], t: int) -> None:
        """Where each cell of the frame, and before that its mother, was: the older, the darker."""
        spots = self._lineage.spots
        here = self._here(t)
        index = spots.label[here] % COLOURS
        now = np.arange(here.start, here.stop)
        steps = []
        for age in range(TAIL):
            before = self._before[now]
            kept = (before >= 0) & (spots.t[before] >= t - TAIL)
            now, before, index = now[kept], before[kept], index[kept]
            segments = parts_of_pixels(np.stack((self._places[before], self._places[now]), axis=1))
            steps.append((1 - 0.75 * age / TAIL, index, segments))
            now = before
        for light, which, segments in reversed(steps):
            for one in np.unique(which).tolist():
                ink = (light * palette()[one]).tolist()
                self._draw(canvas, list(segments[which == one]), ink, self._line, False)

    def _divisions(self, canvas: NDArray[np.uint8], t: int) -> None:
        """A white line between new daughters."""
        spots = self._lineage.spots
        here = self._here(t)
        places = dict(zip(spots.label[here].tolist(), self._places[here], strict=True))
        for begin in range(max(0, t - _DIVISION + 1), t + 1):
            for daughters in self._apart.get(begin, ()):
                line = [places[label] for label in daughters if label in places]
                if len(line) > 1:
                    light = 255 - 50 * (t - begin)
                    self._draw(
                        canvas, [parts_of_pixels(np.array(line))], [light] * 3, self._line, False
                    )

    def _names(self, canvas: NDArray[np.uint8], t: int) -> None:
        """Labels on cells, where these are large enough."""
        if self._across < _NAMED:
            return
        here = self._here(t)
        label = self._lineage.spots.label[here]
        size = min(max(int(self._across / 3.4), 10), 18)
        for one, (x, y), ink in zip(label, self._places[here], colours(label), strict=True):
            light = (255 - (255 - ink.astype(int)) // 3).tolist()
            write_text(canvas, x, y + 0.35 * size, str(one), size, light, "middle", _PAPER)

    def _strip(self, canvas: NDArray[np.uint8], t: int) -> None:
        """Below the image the frame, its time, and the scale."""
        size = self._letters
        base = self.size[0] - round(0.75 * size)
        time = self._clock.tell(t)
        told = f"frame {t}" + (f" · {time}" if time else "")
        write_text(canvas, size, base, told, size, _INK)
        if t in self._lost:
            x = 2 * size + text_width(told, size)
            write_text(canvas, x, base, "could not be analysed", size, _ALARM)
        pixel = self._lineage.pixel_size or self._image.pixel_size
        if pixel is None or not pixel.x > 0:
            return
        per_micron = self._scale / pixel.x
        length = _round_length(_BAR * self._width / per_micron)
        right, wide = self._width - size, max(1, round(length * per_micron))
        thick = max(2, size // 6)
        y = base - round(0.35 * size)
        canvas[y - thick // 2 : y - thick // 2 + thick, right - wide : right] = _INK
        name = f"{length:g} µm"
        write_text(canvas, right - wide - size // 2, base, name, size, _INK, "right")

    @property
    def _line(self) -> int:
        return 2 if self._across >= _BOLD else 1

    @staticmethod
    def _draw(
        canvas: NDArray[np.uint8],
        lines: list[NDArray[np.int32]],
        ink: list[float],
        width: int,
        closed: bool,
    ) -> None:
        cv2.polylines(canvas, lines, closed, ink, width, cv2.LINE_AA, SHIFT)


def _even(length: int) -> int:
    return length + length % 2


def _before(lineage: Lineage) -> NDArray[np.int64]:
    """For each spot the one before it in its track, or of its mother the last; or -1."""
    spots = lineage.spots
    order = np.lexsort((spots.t, spots.label))
    label = spots.label[order]
    before = np.full(len(spots), -1)
    same = label[1:] == label[:-1]
    before[order[1:][same]] = order[:-1][same]
    for track in lineage.tracks:
        if track.parent:
            first = int(np.searchsorted(label, track.label))
            last = int(np.searchsorted(label, track.parent, "right")) - 1
            if (
                first < len(label)
                and label[first] == track.label
                and last >= 0
                and label[last] == track.parent
                and spots.t[order[last]] < spots.t[order[first]]
            ):
                before[order[first]] = order[last]
    return before


def _apart(lineage: Lineage) -> dict[int, list[tuple[int, ...]]]:
    """The daughters of divisions, by the frame in which the last of them is seen first."""
    found: dict[int, list[tuple[int, ...]]] = {}
    for mother in lineage.divisions:
        daughters = lineage.daughters[mother]
        begin = max(lineage.by_label[label].begin for label in daughters)
        found.setdefault(begin, []).append(daughters)
    return found


def _round_length(most: float) -> float:
    """The longest of 1, 2, 5, 10, ... µm (or a tenth of these, and so on) up to ``most``."""
    power = float(10.0 ** np.floor(np.log10(most)))
    return max(step * power for step in _BARS if step * power <= most * (1 + 1e-9))
