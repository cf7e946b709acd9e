"""Labels that the user already has, of any segmenter, followed through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..image.beside import LABELS
from ..image.core import Image
from ..image.view import blank, without_first
from ..inference.runtime import Models
from ..ops.grid import Box
from ..ops.measure import measure
from ..ops.pieces import pieces
from .base import Options, Part, Partial
from .stopwatch import Stopwatch
from .tracking import Tracking, TrackingOptions

#: A piece of an object is a cell of its own where it has this share of the largest piece.
_CELL = 0.25

#: Labels that may be on several cells each in a frame with more than two cells to a label: raw
#: images have more.
_MANY = 20


class LinkOptions(TrackingOptions):
    """Options of the ``link`` pipeline."""


class Link(Tracking[LinkOptions]):
    """Link label images: each frame has a number for each cell, 0 for background."""

    name: ClassVar[str] = "link"
    summary: ClassVar[str] = "Follows the cells of label images, of any segmenter, through time."
    models: ClassVar[tuple[str, ...]] = ()
    flattens: ClassVar[bool] = False
    Options: ClassVar[type[Options]] = LinkOptions

    def split(self, image: Image) -> Sequence[Part]:
        """See `Pipeline.split`: frames. Raises `InputError` for what cannot be labels."""
        if image.rgb:
            raise InputError(
                image.name,
                "is a colour picture; label images have one number for each cell",
                "save the labels as integers, or run the pipeline track on the raw movie",
            )
        if image.shape[1] > 1 and image.channels[:1] != (LABELS,):
            raise InputError(
                image.name,
                f"has {image.shape[1]} channels; label images have one",
                "save the labels alone, or give the microscope's movie with --images",
            )
        plane = Box(0, 0, *image.shape[3:])
        return [Part(t, t, 0, plane) for t in range(image.shape[0])]

    def process(self, image: Image, part: Part, models: Models) -> Partial:
        """See `Pipeline.process`: the objects of a frame, measured."""
        watch = Stopwatch()
        with watch("read"):
            given = whole_numbers(image.read(part.t), image.name, part.t)
        with watch("label"):
            labels, count, torn = _cells(given)
            if len(torn) > _MANY and count > 2 * len(np.unique(given)):
                raise InputError(
                    image.name,
                    f"has {len(torn)} labels on several cells each in frame {part.t}: it is no "
                    "label image",
                    "run the pipeline track on the raw movie",
                )
        with watch("measure"):
            beside = [image.read(part.t, c) for c in range(1, image.shape[1])]
            columns = measure(labels, beside, count)
        notes = [_told(part.t, torn)] if torn else []
        return Partial(
            part.index,
            part.t,
            part.z,
            part.core,
            labels,
            count,
            columns,
            watch.seconds,
            {"notes": notes},
        )

    def _crowded(self, image: Image) -> bool:
        return image.channels[:1] != (LABELS,)  # labels have one channel

    def _measured(self, image: Image) -> tuple[str, ...]:
        return image.channels[1:]

    def _bright(self, image: Image) -> int | None:
        if image.shape[1] == 1:
            return None
        # Of channels without a name that speaks of nuclei the first one is taken.
        found = replace(image, channels=image.channels[1:]).channel(None)
        return min(found, image.shape[1] - 2)

    def _raw(self, image: Image) -> tuple[Image, int | None]:
        bright = self._bright(image)
        return (blank(image), 0) if bright is None else (without_first(image), bright)

    def _channel(self, image: Image) -> int | None:
        bright = self._bright(image)
        return 0 if bright is None else bright + 1


def whole_numbers(labels: NDArray[Any], name: str, t: int) -> NDArray[Any]:
    """The labels of a frame, as integers from 0. Raises `InputError` where they are none."""
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if labels.dtype.kind == "u":
        return labels
    real = labels.dtype.kind == "f"
    if real and (not np.isfinite(labels).all() or (labels != np.floor(labels)).any()):
        raise InputError(
            name,
            f"has numbers that are not whole in frame {t}: it is no label image",
            "save labels as integers, or run the pipeline track on the raw movie",
        )
    if labels.min(initial=0) < 0:
        raise InputError(name, f"has negative labels in frame {t}", "number the cells from 1")
    if real and labels.max(initial=0) >= 2.0**63:
        raise InputError(name, f"has too large labels in frame {t}", "number the cells from 1")
    return labels.astype(np.int64) if real else labels


def _cells(given: NDArray[Any]) -> tuple[NDArray[np.int32], int, list[int]]:
    """The cells numbered from 1, their number, and the labels that several had.

    Pieces of one label that do not touch are cells of their own, but for mere scraps.
    """
    found, number = pieces(given)
    _, first, area = np.unique(found, return_index=True, return_counts=True)
    if len(area) == number + 1:  # the background, where there is any
        first, area = first[1:], area[1:]
    label = given.ravel()[first]
    # By label, and of one label the largest piece first; ids go by label, then by place.
    order = np.lexsort((np.arange(number), -area, label))
    leads = np.ones(number, bool)
    leads[1:] = label[order][1:] != label[order][:-1]
    group = np.cumsum(leads) - 1
    largest = area[order][leads][group] if number else area
    alone = leads | (area[order] >= _CELL * largest)
    cell = np.empty(number + 1, np.int32)
    cell[0] = 0
    # A scrap belongs to the largest piece of its label.
    ids = np.cumsum(alone)
    cell[order + 1] = np.where(alone, ids, ids[leads][group] if number else ids)
    torn = np.unique(label[order][alone & ~leads])
    return cell[found], int(alone.sum()), torn.tolist()


def _told(t: int, torn: Sequence[int]) -> str:
    first = ", ".join(str(label) for label in torn[:3])
    more = f" and {len(torn) - 3} more" if len(torn) > 3 else ""
    word = "label" if len(torn) == 1 else "labels"
    return f"frame {t}: {word} {first}{more} on cells apart from each other: each was taken alone"
