"""Intensity normalisation: what an image's counts become before a network sees them.

A plane's 1st percentile becomes 0 and its 99.8th becomes 1. Percentiles are of the whole plane,
never of a tile, so that tiles of one plane agree. Between them the scale is linear or, to show dim
nuclei beside bright ones, logarithmic from the noise of the background on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from .background import background

#: How intensities between the levels are scaled: ``auto`` is logarithmic for an image that is as
#: the camera gave it and whose background shows noise alone, else linear.
Contrast = Literal["linear", "log", "auto"]

#: Percentiles of a plane that map to 0 and 1.
LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.8

#: Pixels from which percentiles are estimated: 2^16 leaves 130 above the 99.8th.
SAMPLE = 2**16

#: A plane of more pixels than this is sampled by blocks, so that most of it is never read.
WHOLE = 2**24

#: Edge of such a block in pixels, and blocks along each axis.
_BLOCK, _BLOCKS = 512, 8

#: A logarithmic scale is linear up to this many standard deviations of the background's noise, but
#: at least up to this share of the span between the levels.
_NOISE, _LEAST_KNEE = 4.0, 0.04


@dataclass(frozen=True, slots=True)
class Levels:
    """Intensities of one plane that become 0 and 1.

    Where there is a ``knee``, the scale is linear up to about that intensity above ``low``, and
    logarithmic beyond; without one it is linear.
    """

    low: float
    high: float
    knee: float | None = None


def levels(
    shape: tuple[int, int],
    read: Callable[[slice, slice], NDArray[Any]],
    contrast: Contrast = "linear",
) -> Levels:
    """The levels of a plane of ``shape`` (y, x) whose rectangles ``read(y, x)`` returns.

    NaN and infinite pixels are left out. A constant plane has ``low == high``.
    """
    height, width = shape
    if height * width <= WHOLE:
        sample = _thin(read(slice(0, height), slice(0, width)))
    else:
        blocks = [
            _thin(read(slice(y, y + _BLOCK), slice(x, x + _BLOCK)), SAMPLE // _BLOCKS**2)
            for y in _starts(height)
            for x in _starts(width)
        ]
        sample = np.concatenate([block.ravel() for block in blocks])
    values = sample.ravel()
    if values.dtype == bool:
        values = values.view(np.uint8)
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return Levels(0.0, 0.0)
    low, high = (float(v) for v in _percentiles(values, [LOW_PERCENTILE, HIGH_PERCENTILE]))
    return Levels(low, high, _knee(values, high - low, contrast))


def _knee(values: NDArray[Any], span: float, contrast: Contrast) -> float | None:
    """See `Levels`; None where the scale is to be linear."""
    if contrast == "linear" or not span > 0:
        return None
    dark = background(values)
    if contrast == "auto" and not (dark and dark.is_plain):
        return None
    return max(_NOISE * dark.spread if dark else 0.0, _LEAST_KNEE * span)


def _percentiles(values: NDArray[Any], at: list[float]) -> NDArray[np.float64]:
    """`numpy.percentile`, in a fifth of the time for small whole numbers: they can be counted."""
    if values.dtype not in (np.uint8, np.uint16):
        return np.percentile(values, at)
    place = np.array(at) / 100 * (values.size - 1)
    before = np.floor(place).astype(np.int64)
    ranks = np.minimum([before, before + 1], values.size - 1)
    least, most = np.searchsorted(np.cumsum(np.bincount(values)), ranks, side="right")
    return least + (most - least) * (place - before)


def _starts(extent: int) -> list[int]:
    """First pixels of the blocks along an axis: evenly spaced, none twice."""
    last = max(extent - _BLOCK, 0)
    return sorted({round(i * last / (_BLOCKS - 1)) for i in range(_BLOCKS)})


def _thin(pixels: NDArray[Any], target: int = SAMPLE) -> NDArray[Any]:
    step = max(1, int(np.sqrt(pixels.size / target)))
    return pixels[::step, ::step]


def normalise(
    pixels: NDArray[Any], between: Levels, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Scale ``pixels`` (y, x) so that ``between`` becomes 0..1; float32 (y, x), ``out`` if given.

    With a knee ``k``, a value ``v`` of this linear scale becomes ``asinh(v / k) / asinh(1 / k)``,
    ``k`` being the knee in units of that scale (Lupton, Gunn and Szalay, Astron. J. 118, 1999).

    Then values above 1 are compressed to ``1 + ln x``, values below -1 become -1, and NaN becomes
    0: where nuclei are so few that the high percentile falls on background, they would otherwise
    reach a network at hundreds of times the intensity it was trained on. A constant plane becomes
    zeros.
    """
    if out is None:
        out = np.empty(pixels.shape, np.float32)
    span = between.high - between.low
    gain = 1 / span if span > 0 else 0.0
    bend = np.float32(span / between.knee if between.knee else 0)
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        # Float32 can hold neither the range of doubles nor the last digits of long integers.
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = ((pixels.astype(np.float64) - between.low) * gain).astype(np.float32)
        return _normalise(scaled, np.float32(0), np.float32(1), bend, out)
    with np.errstate(over="ignore"):
        low, steep = np.float32(between.low), np.float32(gain)
    # Each combination of type, layout and writability would be compiled anew.
    pixels = np.require(pixels, requirements=["C", "W", "A"])
    if pixels.dtype == np.float32:
        return _normalise(pixels, low, steep, bend, out)
    # Fewer values than pixels: work each out once.
    values = np.arange(int(pixels.max(initial=0)) + 1, dtype=np.float32)[None]
    return _look_up(_normalise(values, low, steep, bend, values)[0], pixels, out)


@numba.njit(nogil=True, cache=True)
def _normalise(
    pixels: NDArray[np.float32],
    low: np.float32,
    gain: np.float32,
    bend: np.float32,
    out: NDArray[np.float32],
) -> NDArray[np.float32]:
    height, width = pixels.shape
    one = np.float32(1)
    unbend = one / np.arcsinh(bend) if bend > 0 else one
    for y in range(height):
        for x in range(width):
            value = (pixels[y, x] - low) * gain
            if bend > 0:
                value = np.arcsinh(value * bend) * unbend
            # Written so that NaN fails the first comparison and becomes 0.
            if value > one:
                value = one + np.log(value)
            elif value < -one:
                value = -one
            elif not value <= one:
                value = np.float32(0)
            out[y, x] = value
    return out


@numba.njit(nogil=True, cache=True)
def _look_up(
    table: NDArray[np.float32], pixels: NDArray[np.unsignedinteger], out: NDArray[np.float32]
) -> NDArray[np.float32]:
    height, width = pixels.shape
    for y in range(height):
        for x in range(width):
            out[y, x] = table[pixels[y, x]]
    return out


def soft_knee(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """`normalise` of an array that is scaled already; float32, any shape."""
    flat = x.reshape(1, -1)
    return _normalise(
        flat, np.float32(0), np.float32(1), np.float32(0), np.empty_like(flat)
    ).reshape(x.shape)
