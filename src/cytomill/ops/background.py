"""The background of an image, told from its intensities alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The background's level is where the densest fifth of all intensities lies.
_DENSEST = 0.2

#: Quantiles by which intensities are described.
_QUANTILES = 1000

#: Rounds in which the level is moved to the middle of what lies around it.
_ROUNDS = 2

#: Of a normal distribution, half of what is below the middle is this many deviations from it.
_HALF = 0.6745

#: A background is plain where it is most of the image, where its noise spans this many grey levels,
#: and where it is hardly skewed: light from out of focus has a long tail to the bright.
_LEAST_SHARE, _LEAST_STEPS, _MOST_SKEW = 0.6, 3.0, 1.75


@dataclass(frozen=True, slots=True)
class Background:
    """A background: ``level`` and ``spread``, its middle and standard deviation in intensities.

    ``share`` is the part of the image within three spreads of the level, 0..1. ``skew`` is how many
    times as many pixels lie 1.5 to 3 spreads above the level as below it. ``steps`` is the spread
    in grey levels that occur.
    """

    level: float
    spread: float
    share: float
    skew: float
    steps: float

    @property
    def is_plain(self) -> bool:
        """Whether all that it shows is the noise of a camera, finely resolved."""
        return self.share >= _LEAST_SHARE and self.steps >= _LEAST_STEPS and self.skew <= _MOST_SKEW


def background(values: NDArray[Any]) -> Background | None:
    """The background of an image of whose pixels ``values`` (n,), all finite, are a sample.

    None where there is none to be told: few intensities, or a level at the very bottom.
    """
    found, counts = np.unique(values, return_counts=True)
    if len(found) < 2 * _LEAST_STEPS:
        return None
    # A pixel's intensity was rounded: equal ones are spread evenly over their grey level.
    grey = found.astype(np.float64)
    middles = (grey[1:] + grey[:-1]) / 2
    edges = np.concatenate([[2 * grey[0] - middles[0]], middles, [2 * grey[-1] - middles[-1]]])
    below = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])

    def share(intensity: float) -> float:
        return float(np.interp(intensity, edges, below))

    def quantile(at: float) -> float:
        return float(np.interp(at, below, edges))

    places = np.interp(np.linspace(0, 1, _QUANTILES + 1), below, edges)
    step = round(_DENSEST * _QUANTILES)
    densest = int(np.argmin(places[step:] - places[:-step]))
    level = (places[densest] + places[densest + step]) / 2
    spread = _spread(level, share, quantile)
    for _ in range(_ROUNDS):
        level = quantile((share(level - 1.5 * spread) + share(level + 1.5 * spread)) / 2)
        spread = _spread(level, share, quantile)
    if not spread > 0:
        return None
    low, high = share(level - 3 * spread), share(level + 3 * spread)
    left, right = share(level - 1.5 * spread) - low, high - share(level + 1.5 * spread)
    inside = int(np.count_nonzero((grey >= level - spread) & (grey <= level + spread)))
    return Background(
        level=level,
        spread=spread,
        share=high - low,
        skew=right / max(left, 1 / counts.sum()),
        steps=inside / 2,
    )


def _spread(
    level: float, share: Callable[[float], float], quantile: Callable[[float], float]
) -> float:
    """The standard deviation of a normal distribution, from what lies below its middle."""
    return (level - quantile(share(level) / 2)) / _HALF
