"""Which plane of a TIFF series is on which page, and which sample of a pixel is which channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .checks import name_axes
from .core import AXES

#: Values of the tag PhotometricInterpretation that are red, green and blue once decoded, and those
#: that are colours of another kind.
_RGB, _OTHER_COLOURS = (2, 6), {5: "CMYK", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}

#: Values of the tag ExtraSamples that mean alpha.
_ALPHA = (1, 2)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the planes of an image are in a series of pages.

    ``shape`` is (t, c, z, y, x); ``axes`` those of them that the file declares. ``pages`` are the
    axes, among T, C and Z, that pages are counted along, outermost first, and their sizes.
    ``samples`` are the samples of a pixel that are channels: the innermost part of c.
    """

    axes: str
    shape: tuple[int, int, int, int, int]
    pages: tuple[tuple[str, int], ...]
    samples: tuple[int, ...]
    rgb: bool

    def locate(self, t: int, c: int, z: int) -> tuple[int, int]:
        """The page of a plane within the series, and the sample within the page.

        Raises IndexError where there is no such plane.
        """
        for index, size in zip((t, c, z), self.shape, strict=False):
            if not 0 <= index < size:
                raise IndexError(f"no plane t={t}, c={c}, z={z} in {self.shape}")
        outer, sample = divmod(c, len(self.samples))
        wanted = {"T": t, "C": outer, "Z": z}
        page = 0
        for letter, size in self.pages:
            page = page * size + wanted[letter]
        return page, self.samples[sample]


def paged(subject: object, series: Any, composite: bool) -> Layout | None:
    """The layout of a ``tifffile.TiffPageSeries`` whose pages each hold one plane.

    ``composite`` says that samples are channels of their own, whatever the colour tags say. None
    where pages are not planes: only the whole series can be read then. Raises `InputError` for
    axes other than TCZYX and colours other than RGB.
    """
    axes, sizes = series.get_axes(False), series.get_shape(False)
    separate, depth, height, width, contiguous = series.keyframe.shaped
    found = axes.find("YX")
    if found < 0 or depth != 1 or tuple(sizes[found : found + 2]) != (height, width):
        return None
    outer = [(a, n) for a, n in zip(axes[:found], sizes[:found], strict=True) if n > 1]
    inner = [(a, n) for a, n in zip(axes[found + 2 :], sizes[found + 2 :], strict=True) if n > 1]
    if separate > 1:
        if inner or not outer or outer[-1][1] != separate:
            return None
        inner = [outer.pop()]
    if math.prod(n for _, n in inner) != separate * contiguous or len(inner) > 1:
        return None
    letter, count = inner[0] if inner else ("S", 1)
    if letter not in "SC":
        return None
    pages = [
        (name, n)
        for name, (_, n) in zip(name_axes(subject, outer, series.axes), outer, strict=True)
    ]
    samples, rgb = colours(subject, series.keyframe, count, composite or letter == "C")
    shape = _shape(pages, len(samples), height, width)
    return Layout(_declared(series, shape), shape, tuple(pages), samples, rgb and shape[1] == 3)


def whole(subject: object, series: Any) -> tuple[Layout, list[str]]:
    """The layout of any series, and the name of each axis of its array: T, C, Z, Y, X, S or "".

    Raises `InputError` for axes other than these.
    """
    given = list(zip(series.axes, series.shape, strict=True))
    count = dict(given).get("S", 1)
    planes = iter(name_axes(subject, [axis for axis in given if axis[0] != "S"], series.axes))
    names = ["S" if letter == "S" else next(planes) for letter, _ in given]
    sizes = dict(zip(names, series.shape, strict=True))
    if "Y" not in sizes or "X" not in sizes:
        raise InputError(subject, f"has no plane: its axes are {series.axes}", "export it again")
    samples, rgb = colours(subject, series.keyframe, count, False)
    shape = _shape(list(sizes.items()), len(samples), sizes["Y"], sizes["X"])
    return Layout(_declared(series, shape), shape, (), samples, rgb and shape[1] == 3), names


def canonical(array: NDArray[Any], names: Sequence[str], layout: Layout) -> NDArray[Any]:
    """A whole series' array, its axes named as by `whole`, in the axes of ``layout.shape``."""
    array = array[tuple(slice(None) if name else 0 for name in names)]
    names = [name for name in names if name]
    array = array.transpose([names.index(a) for a in (*AXES, "S") if a in names])
    array = array[tuple(slice(None) if a in names else None for a in (*AXES, "S"))]
    array = np.moveaxis(array[..., list(layout.samples)], -1, 2)
    return array.reshape(layout.shape)


def colours(
    subject: object, page: Any, count: int, composite: bool
) -> tuple[tuple[int, ...], bool]:
    """The samples of a pixel that are channels, and whether they are red, green and blue.

    Alpha is left out. Raises `InputError` for colours other than RGB.
    """
    if count == 1:
        return (0,), False
    photometric = int(page.photometric)
    if photometric in _OTHER_COLOURS:
        raise InputError(
            subject, f"is a {_OTHER_COLOURS[photometric]} picture", "convert it to RGB or grey"
        )
    if photometric in _RGB and count in (3, 4) and not composite:
        return (0, 1, 2), True
    if (
        count == 2
        and not composite
        and tuple(page.extrasamples)[:1]
        and (int(page.extrasamples[0]) in _ALPHA)
    ):
        return (0,), False
    return tuple(range(count)), False


def _shape(
    pages: Sequence[tuple[str, int]], samples: int, height: int, width: int
) -> tuple[int, int, int, int, int]:
    sizes = dict(pages)
    return (sizes.get("T", 1), sizes.get("C", 1) * samples, sizes.get("Z", 1), height, width)


def _declared(series: Any, shape: tuple[int, int, int, int, int]) -> str:
    """The axes that an image has: those of several entries, and those that the file spells out."""
    sizes = dict(zip(AXES, shape, strict=True))
    return "".join(a for a in AXES if a in "YX" or sizes[a] > 1 or a in series.axes)
