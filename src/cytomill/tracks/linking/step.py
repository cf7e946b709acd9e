"""From one frame to the next: what may follow what, given what is known of the cells so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .candidates import Floats, Indices, Looks, Pairs, Scale, pairs, scale_of
from .detections import Detections
from .divisions import Past, Triples, triples
from .drift import drift

#: Frames whose scales are averaged, by the median.
_SMOOTHED = 9

#: The units where there are too few cells to tell, in diameters of a cell.
_STEP, _SPACING = 0.25, 3.0

#: Weight of the last frame in the running means of how a cell looks.
_WEIGHT = 0.4


@dataclass(slots=True)
class Frame:
    """A frame's detections and what is known of them."""

    found: Detections
    looks: Looks
    past: Past
    #: How far all moved since the frame before, (y, x) in pixels.
    shift: Floats

    @property
    def t(self) -> int:
        """Its number."""
        return self.found.t


@dataclass(slots=True)
class Units:
    """The scale of a movie, as the frames up to now tell it."""

    _last: deque[Scale] = field(default_factory=lambda: deque(maxlen=_SMOOTHED))

    def at(self, before: Detections, after: Detections, shift: Floats) -> Scale:
        """The scale between two frames."""
        now = scale_of(before.places + shift, after.places)
        if now is not None:
            self._last.append(now)
        if self._last:
            return Scale(
                float(np.median([scale.step for scale in self._last])),
                float(np.median([scale.spacing for scale in self._last])),
            )
        area = np.concatenate([before.area, after.area])
        diameter = 2 * float(np.sqrt(np.median(area) / np.pi)) if len(area) else 1.0
        return Scale(_STEP * diameter, _SPACING * diameter)


@dataclass(slots=True)
class Step:
    """Two frames, one after the other, and the candidate links between them."""

    before: Frame
    found: Detections
    looks: Looks
    shift: Floats
    places: Floats
    scale: Scale
    pairs: Pairs

    @property
    def frames(self) -> int:
        """Frames from the one to the other: more than one where some were lost."""
        return self.found.t - self.before.t

    def triples(self, odds: Floats) -> Triples:
        """The candidate divisions, given the log odds of the links."""
        both = (self.before.looks, self.looks)
        before = self.before
        return triples(
            before.found, self.found, both, self.places, before.past, self.scale, self.pairs, odds
        )

    def frame(self, origin: Indices, born: NDArray[np.bool_]) -> Frame:
        """The later frame once it is known what came from what.

        ``origin`` is the row before of each detection, -1 for none; ``born`` says which came by a
        division, which have no past of their own.
        """
        count = len(self.found)
        follows = (origin >= 0) & ~born
        row = np.where(follows, origin, 0)
        if not len(self.before.found):
            return first(self.found, self.looks, self.shift)
        old = self.before.past
        step = (self.found.places - self.places[row]) / self.frames
        past = Past(
            velocity=np.where(follows[:, None], step, np.nan),
            area=_mean(follows, old.area[row], self.looks.area),
            brightness=_mean(follows, old.brightness[row], self.looks.brightness),
            age=np.where(follows, old.age[row] + 1, np.zeros(count)),
            born=np.where(follows, old.born[row], born),
        )
        return Frame(self.found, self.looks, past, self.shift)


def first(found: Detections, looks: Looks | None = None, shift: Floats | None = None) -> Frame:
    """A frame before which nothing is known."""
    count = len(found)
    looks = Looks.of(found) if looks is None else looks
    past = Past(
        np.full((count, 2), np.nan),
        looks.area,
        looks.brightness,
        np.zeros(count),
        np.zeros(count, bool),
    )
    return Frame(found, looks, past, np.zeros(2) if shift is None else shift)


def between(before: Frame, found: Detections, units: Units, reach: float | None = None) -> Step:
    """The step from a frame to the next; ``reach`` is as `candidates.pairs` has it."""
    looks = Looks.of(found)
    shift = drift(before.found, found)
    places = before.found.places + shift
    scale = units.at(before.found, found, shift)
    # Drift is everybody's: what a cell moves beyond it is its own and tends to go on.
    predicted = places + (found.t - before.t) * before.past.velocity
    both = (before.looks, looks)
    candidates = pairs(before.found, found, both, places, predicted, scale, reach)
    return Step(before, found, looks, shift, places, scale, candidates)


def _mean(follows: NDArray[np.bool_], old: Floats, new: Floats) -> Floats:
    mean: Floats = np.where(follows, (1 - _WEIGHT) * old + _WEIGHT * new, new)
    return mean
