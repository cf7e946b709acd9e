"""A picture of the lineage tree: a line for each track, time down, daughters below their mother."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from ...errors import OptionError
from ...image.atomic import replacing
from ...ops.colour import colour
from ..lineage import Lineage
from .clock import Clock
from .drawing import RGB, Area, Drawing, Line, Mark, Text
from .lettering import text_width
from .tree_layout import blocks
from .tree_lines import End, Span, ends, spans
from .tree_sheet import LEFT, RIGHT, Sheet

#: Kinds of pictures, by the end of their name.
KINDS = (".png", ".svg")

#: Longest edge of a picture in pixels: what browsers and viewers open at once.
LONGEST = 4096

# Sizes of letters, and the distance of ticks, in pixels.
_SMALL, _NORMAL, _LARGE = 10, 13, 18
_TICKS_APART = 44

#: Columns narrower than this have no marks at the ends of their tracks.
_MARKED = 5

_INK: RGB = (38, 38, 42)
_FAINT: RGB = (112, 112, 118)
_GRID: RGB = (232, 232, 237)
_LOST: RGB = (252, 239, 214)


def write_tree(
    path: Path,
    lineage: Lineage,
    *,
    undivided: bool = True,
    longest: int = LONGEST,
    kind: str | None = None,
) -> None:
    """Draw the lineage tree to ``path``, as a PNG or an SVG.

    ``kind`` is ``.png`` or ``.svg``, by default the end of the path's name.

    Time runs down. Each track is a line in the colour that it has in the movie (`ops.colour`),
    dotted where the cell was not found; a bar leads from a mother to her daughters. Families with
    divisions come first, the largest at the top; tracks of families without any follow, several in
    a column, or are left out where not ``undivided``. No edge is longer than ``longest`` pixels
    (at least 800): what does not fit is left out, and the picture says so.

    Raises `OptionError` for other kinds, and `OutputError`; ``path`` appears whole or not at all.
    """
    kind = kind or path.suffix.lower()
    if kind not in KINDS:
        raise OptionError(f"{path.name}: a lineage tree is drawn as one of {', '.join(KINDS)}")
    drawing = draw_tree(lineage, undivided=undivided, longest=longest)
    with replacing(path) as temporary:
        if kind == ".svg":
            temporary.write_text(drawing.svg(), encoding="utf-8")
        else:
            PIL.Image.fromarray(drawing.pixels()).save(temporary, "PNG", optimize=True)


def draw_tree(lineage: Lineage, *, undivided: bool = True, longest: int = LONGEST) -> Drawing:
    """The drawing that `write_tree` writes."""
    sheet = Sheet.of(lineage, [b for b in blocks(lineage) if b.family or undivided], longest)
    drawing = Drawing(sheet.width, sheet.height)
    _caption(drawing, lineage, sheet)
    own, marks = spans(lineage), ends(lineage)
    for number, row in enumerate(sheet.rows):
        _grid(drawing, lineage, sheet, number)
        columns = {label: column for block in row for label, column in block.columns.items()}
        pen = _Pen(drawing, lineage, sheet, columns, sheet.top(number))
        # One kind after the other, so that none is hidden below lines.
        for label in columns:
            pen.bar(label)
        for label in columns:
            pen.track(label, own[label])
        for label in columns:
            pen.ends(label, marks.get(label, ()))
        for label in columns:
            pen.name(label, marks.get(label, ()))
    _legend(drawing, lineage, sheet, own, marks)
    return drawing


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws the tracks of a row."""

    drawing: Drawing
    lineage: Lineage
    sheet: Sheet
    columns: dict[int, float]
    top: float

    def bar(self, label: int) -> None:
        """From a mother to her daughters, at the frame where the first of them is seen."""
        tracks, founders = self.lineage.by_label, self.lineage.founders
        family = founders[label]
        below = [own for own in self.lineage.daughters.get(label, ()) if founders[own] == family]
        if not below:
            return
        at = max(tracks[label].end + 1, min(tracks[own].begin for own in below))
        self._line(label, tracks[label].end + 1, at, label, dotted=True)
        y = self.sheet.y(self.top, at)
        middle = self.sheet.x(self.columns[label])
        for own in below:
            x = self.sheet.x(self.columns[own])
            if x != middle:
                shape = Line(middle, y, x, y, colour(own), max(1, self.sheet.line - 1))
                self.drawing.shapes.append(shape)
            self._line(own, at, tracks[own].begin, own, dotted=True)

    def track(self, label: int, own: Sequence[Span]) -> None:
        """Solid where the cell was seen."""
        for span in own:
            self._line(label, span.first, span.stop, label, dotted=not span.seen)

    def ends(self, label: int, marks: Sequence[End]) -> None:
        """A ring at the border, a cross inside."""
        if self.sheet.pitch < _MARKED:
            return
        radius = min(4.0, 0.3 * self.sheet.pitch + 0.5)
        x = self.sheet.x(self.columns[label])
        places = [self.sheet.y(self.top, end.frame) for end in marks]
        if len(places) == 2 and places[1] - places[0] < 2 * radius:
            # The marks of so short a track would cover each other.
            places, marks = [sum(places) / 2], marks[:1]
        for y, end in zip(places, marks, strict=True):
            self.drawing.shapes.append(_mark(x, y, radius, colour(label), end))

    def name(self, label: int, marks: Sequence[End]) -> None:
        """The label beside the start of its track, where there is room."""
        text = str(label)
        track = self.lineage.by_label[label]
        long = (track.end + 1 - track.begin) * self.sheet.row / self.sheet.frames
        if text_width(text, _SMALL) + 6 > self.sheet.pitch or long < _SMALL + 4:
            return
        x = self.sheet.x(self.columns[label]) + self.sheet.line / 2 + 2
        y = self.sheet.y(self.top, track.begin) + _SMALL + 1
        if marks and marks[0].frame == track.begin:
            y += 4
        self.drawing.shapes.append(Text(x, y, text, _SMALL, _FAINT))

    def _line(self, column: int, first: int, stop: int, label: int, *, dotted: bool) -> None:
        if stop > first:
            x = self.sheet.x(self.columns[column])
            y0, y1 = self.sheet.y(self.top, first), self.sheet.y(self.top, stop)
            shape = Line(x, y0, x, y1, colour(label), self.sheet.line, dotted)
            self.drawing.shapes.append(shape)


def _mark(x: float, y: float, radius: float, ink: RGB, end: End) -> Mark:
    return Mark(x, y, radius if end.border else 0.8 * radius, ink, cross=not end.border)


def _caption(drawing: Drawing, lineage: Lineage, sheet: Sheet) -> None:
    """What the picture shows of how much."""
    frames = lineage.shape[0]
    told = [
        _count(len(lineage.tracks), "track"),
        _count(len(lineage.divisions), "division"),
        _count(frames, "frame"),
    ]
    length = Clock(frames, lineage.interval).tell(frames)
    drawing.shapes.append(Text(LEFT, 28, " · ".join(told), _LARGE, _INK))
    below = [f"{length} from top to bottom"] if length else []
    drawn = sum(len(block.columns) for row in sheet.rows for block in row)
    if missing := len(lineage.tracks) - drawn:
        below.append(f"{_count(missing, 'track')} not drawn")
    drawing.shapes.append(Text(LEFT, 47, " · ".join(below), _NORMAL, _FAINT))


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}" + ("s" if number != 1 else "")


def _grid(drawing: Drawing, lineage: Lineage, sheet: Sheet, number: int) -> None:
    """The axis of time to the left of a row, its lines across, and the frames that were lost."""
    top, right = sheet.top(number), max(sheet.right, sheet.width - RIGHT)
    left = LEFT - 4
    for lost in lineage.lost:
        y0, y1 = sheet.y(top, lost), sheet.y(top, lost + 1)
        drawing.shapes.append(Area(left, y0, right, max(y1, y0 + 1), _LOST))
    clock = Clock(lineage.shape[0], lineage.interval)
    for frame, name in clock.ticks(int(sheet.row // _TICKS_APART)):
        y = sheet.y(top, frame)
        drawing.shapes.append(Line(left, y, right, y, _GRID))
        drawing.shapes.append(Text(left - 6, y + 5, name, _NORMAL, _FAINT, "right"))
    drawing.shapes.append(Text(left - 6, top - 10, clock.unit, _NORMAL, _INK, "right"))


def _legend(
    drawing: Drawing,
    lineage: Lineage,
    sheet: Sheet,
    own: Mapping[int, Sequence[Span]],
    marks: Mapping[int, Sequence[End]],
) -> None:
    """What marks mean, of those that are there."""
    y = sheet.height - 16
    left = float(LEFT)
    middle = y - 5
    borders = {end.border for found in marks.values() for end in found}
    entries: list[tuple[str, Line | Mark | Area]] = []
    if sheet.pitch >= _MARKED:
        if True in borders:
            entries.append(("enters or leaves at the border", Mark(0, middle, 4, _INK)))
        if False in borders:
            entries.append(("appears or ends inside", Mark(0, middle, 3.2, _INK, cross=True)))
    if any(not span.seen for found in own.values() for span in found):
        line = Line(0, middle - 8, 0, middle + 7, _INK, sheet.line, dotted=True)
        entries.append(("not found", line))
    if lineage.lost:
        entries.append(("frame could not be analysed", Area(-6, middle - 5, 6, middle + 5, _LOST)))
    for text, shape in entries:
        match shape:
            case Line(_, y0, _, y1, ink, width, dotted):
                drawing.shapes.append(Line(left + 6, y0, left + 6, y1, ink, width, dotted))
            case Mark(_, at, radius, ink, cross):
                drawing.shapes.append(Mark(left + 6, at, radius, ink, cross))
            case Area(_, y0, _, y1, ink):
                drawing.shapes.append(Area(left, y0, left + 12, y1, ink))
        drawing.shapes.append(Text(left + 18, y, text, _NORMAL, _FAINT))
        left += 18 + text_width(text, _NORMAL) + 26
