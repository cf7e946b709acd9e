"""The picture of the worst images: truth and prediction side by side, faults in colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..image.core import Image
from ..image.formats import open_images
from ..ops.blame import COLOURS, Verdict, judged, paint, verdicts
from .labels import Labels, compare, open_labels

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

#: Longest side of a panel on the sheet, and of the window shown of a larger image, in pixels.
_PANEL, _WINDOW = 640, 800

#: Small images are enlarged at most this many times.
_MAX_ZOOM = 4.0

#: Edge of the cells in which faults are counted to find the window with most of them, in pixels.
_CELL = 64

#: Distances on the sheet, and sizes of its letters, in pixels.
_MARGIN, _GAP, _LINE, _TEXT, _SMALL = 24, 12, 30, 18, 15

#: Grey of the brightest pixels of a microscope's image: leaves room for colours above it.
_BRIGHTEST = 170

_PAPER, _INK, _FAINT = (18, 18, 20), (238, 238, 238), (160, 160, 165)

_MEANING = {
    Verdict.MATCHED: "matched",
    Verdict.MISSED: "missed",
    Verdict.SPURIOUS: "spurious",
    Verdict.BROKEN: "split or merged",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One image of the sheet: its files, the microscope's image where there is one, its figures."""

    name: str
    figures: str
    pred: Path
    truth: Path
    raw: Path | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    figures: str
    panels: tuple[tuple[str, NDArray[np.uint8]], ...]


def draw_sheet(cases: Sequence[Case], threshold: float) -> NDArray[np.uint8]:
    """One row per case, in order: red, green, blue, uint8 of shape (y, x, 3).

    Large images are shown where their faults are densest, stacks in their worst plane. Raises
    `InputError` where a microscope's image is not of the labels' shape.
    """
    return _sheet([_row(case, threshold) for case in cases])


def _row(case: Case, threshold: float) -> _Row:
    with open_labels(case.pred) as pred, open_labels(case.truth) as truth:
        table = compare(pred, truth)
        pred_verdicts, truth_verdicts = verdicts(table, threshold)
        sides = (
            ("truth", truth, table.truth_ids, truth_verdicts),
            ("prediction", pred, table.pred_ids, pred_verdicts),
        )
        plane, y, x = _window([(side, ids, verdict) for _, side, ids, verdict in sides])
        height, width = y.stop - y.start, x.stop - x.start
        zoom = min(_PANEL / max(height, width), _MAX_ZOOM)
        grey = np.zeros((height, width), np.uint8)
        panels: list[tuple[str, NDArray[np.uint8]]] = []
        if case.raw is not None:
            grey = _grey(case.raw, truth.shape, plane, y, x)
            panels.append(("image", paint(np.zeros_like(grey), np.zeros_like(grey), grey, zoom)))
        for title, side, ids, verdict in sides:
            labels = side.read(plane, y, x)
            panels.append((title, paint(labels, judged(labels, ids, verdict), grey, zoom)))
        planes, full_height, full_width = truth.shape
    where = [f"plane {plane + 1} of {planes}"] if planes > 1 else []
    if (height, width) != (full_height, full_width):
        where.append(
            f"x {x.start} to {x.stop}, y {y.start} to {y.stop} of {full_width} x {full_height}"
        )
    return _Row(", ".join([case.name, *where]), case.figures, tuple(panels))


def _window(
    sides: Sequence[tuple[Labels, NDArray[np.uint32], NDArray[np.uint8]]],
) -> tuple[int, slice, slice]:
    """The plane, rows and columns, at most `_WINDOW` a side, with the most faulty pixels."""
    import cv2

    planes, height, width = sides[0][0].shape
    cells = np.zeros((planes, -(-height // _CELL), -(-width // _CELL)), np.float32)
    for plane, rows in sides[0][0].blocks():
        faulty = np.zeros((rows.stop - rows.start, width), bool)
        for labels, ids, verdict in sides:
            faulty |= judged(labels.read(plane, rows), ids, verdict) > Verdict.MATCHED
        sums = np.add.reduceat(
            np.add.reduceat(faulty, np.arange(0, faulty.shape[0], _CELL), axis=0, dtype=np.int32),
            np.arange(0, width, _CELL),
            axis=1,
        )
        first = rows.start // _CELL
        cells[plane, first : first + len(sums)] = sums
    side = _WINDOW // _CELL
    near = np.stack(
        [
            cv2.boxFilter(each, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
            for each in cells
        ]
    )
    # Every window around a group of faults holds all of it: the middle one has it in its centre.
    ties = np.argwhere(near == near.max())
    middle = np.abs(ties - np.median(ties, axis=0)).sum(axis=1).argmin()
    worst, row, column = (int(index) for index in ties[middle])
    return worst, _span(row, height), _span(column, width)


def _span(cell: int, length: int) -> slice:
    size = min(_WINDOW, length)
    start = min(max(cell * _CELL - size // 2, 0), length - size)
    return slice(start, start + size)


def _grey(
    path: Path, shape: tuple[int, int, int], plane: int, y: slice, x: slice
) -> NDArray[np.uint8]:
    """The microscope's image as grey, its darkest percent black, a little dimmed under colours."""
    with open_images(path) as file:
        image = file.images[0]
        if (len(image.planes), *image.shape[3:]) != shape:
            raise InputError(path, "is not of the labels' size", "leave out --images")
        t, z = image.planes[plane]
        pixels = _read(image, t, z, y, x)
    low, high = np.percentile(pixels, (1, 99.8))
    scaled = np.clip((pixels - low) / max(high - low, 1e-9), 0, 1)
    dimmed: NDArray[np.uint8] = (_BRIGHTEST * np.sqrt(scaled)).astype(np.uint8)
    return dimmed


def _read(image: Image, t: int, z: int, y: slice, x: slice) -> NDArray[np.float32]:
    channels = range(image.shape[1]) if image.rgb else [image.channel(None)]
    planes = [image.read(t, c, z, y, x).astype(np.float32) for c in channels]
    return np.nan_to_num(np.mean(planes, axis=0, dtype=np.float32))


def _sheet(rows: Sequence[_Row]) -> NDArray[np.uint8]:
    from PIL import Image as Picture
    from PIL import ImageDraw, ImageFont

    font, small = ImageFont.load_default(_TEXT), ImageFont.load_default(_SMALL)
    columns = max(len(row.panels) for row in rows)
    panel = max(pixels.shape[1] for row in rows for _, pixels in row.panels)
    width = 2 * _MARGIN + columns * panel + (columns - 1) * _GAP
    heights = [3 * _LINE + max(pixels.shape[0] for _, pixels in row.panels) for row in rows]
    picture = Picture.new("RGB", (width, 2 * _MARGIN + _LINE + sum(heights)), _PAPER)
    pen = ImageDraw.Draw(picture)
    _legend(pen, font)
    top = _MARGIN + _LINE
    for row, height in zip(rows, heights, strict=True):
        _line(pen, (_MARGIN, top + _LINE // 3), row.name, font, _INK, width - 2 * _MARGIN)
        pen.text((_MARGIN, top + _LINE * 4 // 3), row.figures, _FAINT, small, anchor="la")
        for index, (title, pixels) in enumerate(row.panels):
            left, upper = _MARGIN + index * (panel + _GAP), top + 2 * _LINE + _LINE // 2
            picture.paste(Picture.fromarray(pixels), (left, upper))
            edge = (left - 1, upper - 1, left + pixels.shape[1], upper + pixels.shape[0])
            pen.rectangle(edge, outline=(70, 70, 74))
            box = pen.textbbox((left + 8, upper + 6), title, small, anchor="la")
            pen.rectangle((box[0] - 5, box[1] - 4, box[2] + 5, box[3] + 4), fill=_PAPER)
            pen.text((left + 8, upper + 6), title, _INK, small, anchor="la")
        top += height
    return np.asarray(picture)


def _legend(pen: ImageDraw.ImageDraw, font: Any) -> None:
    left = _MARGIN
    for verdict, meaning in _MEANING.items():
        box = (left, _MARGIN, left + _TEXT, _MARGIN + _TEXT)
        pen.rectangle(box, outline=COLOURS[verdict], width=3)
        pen.text((left + _TEXT + 8, _MARGIN + _TEXT // 2), meaning, _INK, font, anchor="lm")
        left += _TEXT + 8 + int(pen.textlength(meaning, font)) + _MARGIN


def _line(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    ink: tuple[int, int, int],
    room: int,
) -> None:
    """One line of text, its beginning left out where it is too long: names differ at the end."""
    shown = text
    while shown and pen.textlength(shown, font) > room:
        text = text[1:]
        shown = "..." + text
    pen.text(at, shown, ink, font, anchor="la")
