"""What every reader asks of an image before it hands it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import CytomillError, InputError
from ..settings import settings
from .core import AXES

#: Axes of unknown meaning that pages or planes are counted along.
_COUNTERS = "IQ"


def check_plane(subject: object, height: int, width: int) -> None:
    """Raise `InputError` unless a plane of this size can be an image."""
    if height < 1 or width < 1:
        raise InputError(
            subject, f"has no pixels (it is {width} wide and {height} high)", "export it again"
        )
    if height * width > settings.max_pixels:
        raise InputError(
            subject,
            f"claims {width} x {height} pixels in a plane, so it is taken to be damaged",
            "raise CYTOMILL_MAX_PIXELS if it is real",
        )


def check_dtype(subject: object, dtype: np.dtype[Any] | None) -> np.dtype[Any]:
    """The native form of a pixel type; `InputError` unless bool, integer or 16 to 64-bit float."""
    if dtype is not None and (dtype.kind in "bui" or (dtype.kind == "f" and dtype.itemsize <= 8)):
        return np.dtype(dtype.name)  # of C's several types of one size, the one all else knows
    what = "of unknown type" if dtype is None else f"of type {dtype.name}"
    if dtype is not None and dtype.kind == "c":
        what = "complex numbers"
    raise InputError(subject, f"its pixels are {what}", "convert it to integers or 32-bit floats")


def name_axes(subject: object, axes: Sequence[tuple[str, int]], declared: str) -> list[str]:
    """For each axis, given as its letter and size, its name among T, C, Z, Y, X, or "".

    ``declared`` are all axes of the file, for the message.

    A counter of pages that says nothing more (``I``, ``Q``) is Z, or T where there is a Z; the
    first of two is T, as programs write them. Other axes, and repeated ones, have no name, and one
    entry. Raises `InputError` naming an axis of more.
    """
    names: list[str] = []
    taken = {letter for letter, _ in axes}
    counters = [letter for letter, size in axes if letter in _COUNTERS and size > 1]
    spares = "ZT" if len(counters) < 2 else "TZ"
    for letter, size in axes:
        name = letter
        if letter in _COUNTERS and size > 1:
            name = next((spare for spare in spares if spare not in taken), "")
            taken.add(name)
        if name in AXES and name not in names:
            names.append(name)
            continue
        if size > 1:
            raise InputError(
                subject,
                f"has an axis {letter!r} of {size} (its axes are {declared})",
                f"only {', '.join(AXES)} can be processed: split it along {letter!r}",
            )
        names.append("")
    return names


@contextmanager
def reading(subject: object) -> Iterator[None]:
    """Turn whatever a decoder raises into an `InputError` about ``subject``."""
    try:
        yield
    except CytomillError:
        raise
    except MemoryError as error:
        raise InputError(
            subject, "does not fit in memory", "convert it to a tiled OME-TIFF or to OME-Zarr"
        ) from error
    except PermissionError as error:
        raise InputError(subject, "you may not read it", "change its permissions") from error
    except FileNotFoundError as error:
        missing = error.filename or error
        raise InputError(subject, f"a part is not there ({missing})", "copy it again") from error
    except Exception as error:
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(
            subject, f"cannot be decoded ({detail})", "it may be damaged: copy or export it again"
        ) from error
