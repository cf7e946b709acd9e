"""Series: files of a folder that are the frames of one movie, told by their names.

The rule, which a run and a kiosk share: the names of the frames are equal but for one number. Of
several numbers that differ it is the one after a word for time (``t``, ``frame``), else after one
for an image (``img``), else the last. Numbers of channels and of places (``ch``, ``w``, ``pos``)
never count frames: channels in files of their own are movies of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .names import clean, natural, stem

#: A number in a name; more digits are no counter's.
_NUMBER = re.compile(r"(?<![0-9])([0-9]{1,18})(?![0-9])")

#: The word that a number comes after.
_WORD = re.compile(r"([A-Z]+|[A-Z]?[a-z]+)[^A-Za-z0-9]*$")

#: How likely a number after a word, in lower case, counts frames; of others see `_OTHER`.
_LIKELY = {
    **dict.fromkeys(("t", "tp", "time", "timepoint", "timelapse", "frame", "fr", "sk"), 4),
    **dict.fromkeys(("img", "image", "im"), 3),
    **dict.fromkeys(("z", "s", "p", "m", "slice", "plane"), 1),
    **dict.fromkeys(("c", "ch", "chan", "channel", "w", "wl", "wave", "wavelength"), 0),
    **dict.fromkeys(("xy", "pos", "position", "site", "well", "field", "fov", "row", "col"), 0),
    **dict.fromkeys(("scene", "series", "stage", "tile"), 0),
}
_OTHER = 2

#: Numbers of which fewer than one in so many are there do not count frames.
_SPARSE = 10

#: Files of a series that are opened before it is called damaged.
_TRIES = 3

#: What is left over of a name at the place of its number.
_EDGES = " _-.="


@dataclass(frozen=True, slots=True)
class Series:
    """Names equal but for a number: ``before``, the number as ``written``, ``after``.

    ``written`` is ordered by value.
    """

    before: str
    after: str
    written: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return [self.name(text) for text in self.written]

    def name(self, number: str) -> str:
        """The name with a number as written."""
        return f"{self.before}{number}{self.after}"

    @property
    def frames(self) -> tuple[int | None, ...]:
        """For every frame the index of its file; None where the file is missing.

        Frames go from the first number to the last, in steps of the greatest that leads to all.
        Where more than nine of ten would be missing the numbers are taken for something else, such
        as clock times, and the files follow each other.
        """
        numbers = [int(text) for text in self.written]
        step = self._step
        count = (numbers[-1] - numbers[0]) // step + 1
        if count > _SPARSE * len(numbers):
            return tuple(range(len(numbers)))
        frames: list[int | None] = [None] * count
        for index, number in enumerate(numbers):
            frames[(number - numbers[0]) // step] = index
        return tuple(frames)

    def missing(self, frame: int) -> tuple[int, str]:
        """The number of a frame that is missing, and what its file would be called."""
        number = int(self.written[0]) + frame * self._step
        return number, self.name(f"{number:0{len(self.written[0])}d}")

    @property
    def twice(self) -> tuple[str, str] | None:
        """Two names with the same number, if there are any."""
        for one, other in zip(self.written, self.written[1:], strict=False):
            if int(one) == int(other):
                return self.name(one), self.name(other)
        return None

    @property
    def label(self) -> str:
        """What the names have in common, without the word for the number: ``exp_s1``.

        Empty where that is nothing.
        """
        before = self.before
        word = _WORD.search(before)
        if word is not None and _LIKELY.get(word[1].lower(), _OTHER) > _OTHER:
            before = before[: word.start()]
        return stem(f"_{before.rstrip(_EDGES)}{self.after}").strip(_EDGES)

    @property
    def _step(self) -> int:
        first, *rest = (int(text) for text in self.written)
        return math.gcd(*(number - first for number in rest)) or 1


class Place(NamedTuple):
    """Where a file lies: what tells its ``folder`` from others, the folder's name, its own."""

    folder: Hashable
    above: str
    file: str


class Movie(NamedTuple):
    """Files that are one movie: its name, and which they are, in the order of ``series``."""

    name: str
    series: Series
    files: tuple[int, ...]


def series_of(names: Sequence[str]) -> list[tuple[Series, tuple[int, ...]]]:
    """The series among the ``names`` of the files of a folder, and which names are in each.

    At least two are; every name is in at most one, whatever their order.
    """
    alike: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
    for index, name in enumerate(names):
        short = stem(name)
        pieces = _NUMBER.split(short)
        if len(pieces) > 1:
            texts = (*pieces[::2], name[len(short) :])
            alike.setdefault(texts, []).append((index, pieces[1::2]))
    found = []
    for texts, members in alike.items():
        slot = _slot(texts, [numbers for _, numbers in members])
        if slot is None:
            continue
        groups: dict[tuple[str, ...], list[tuple[int, str, int]]] = {}
        for index, numbers in members:
            rest = (*numbers[:slot], "", *numbers[slot + 1 :])
            groups.setdefault(rest, []).append((int(numbers[slot]), numbers[slot], index))
        for rest, group in groups.items():
            if len(group) > 1:
                group.sort()
                series = Series(
                    _joined(texts[: slot + 1], rest[:slot]),
                    _joined(texts[slot + 1 :], rest[slot + 1 :]),
                    tuple(text for _, text, _ in group),
                )
                found.append((series, tuple(index for _, _, index in group)))
    return found


def together(
    places: Sequence[Place | None], is_plane: Callable[[int], bool | None]
) -> list[int | Movie]:
    """Of the files at ``places`` those that are no frames, and the movies of those that are.

    In the order given, a movie where its first file comes. ``is_plane`` says of a file whether it
    holds a single plane, None where it cannot be read; it is asked of one file of a series, or a
    few where they are damaged. None in ``places`` is no file. A movie is called after its folder;
    of several in a folder each has in that folder the name that its files have in common.
    """
    folders: dict[Hashable, list[int]] = {}
    for index, place in enumerate(places):
        if place is not None:
            folders.setdefault(place.folder, []).append(index)
    begins: dict[int, Movie] = {}
    frames: set[int] = set()
    for inside in folders.values():
        own = [place for index in inside if (place := places[index]) is not None]
        found = [
            (series, tuple(inside[member] for member in members))
            for series, members in series_of([place.file for place in own])
        ]
        found = [(series, files) for series, files in found if _are_planes(files, is_plane)]
        found.sort(key=lambda one: natural(one[0].names[0]))
        for series, files in found:
            first = min(files)
            name = _name(own[inside.index(first)].above, series, alone=len(found) == 1)
            begins[first] = Movie(name, series, files)
            frames.update(files)
    return [
        begins.get(index, index)
        for index in range(len(places))
        if index in begins or index not in frames
    ]


def _name(above: str, series: Series, *, alone: bool) -> str:
    if alone and above:
        return clean(above)
    own = series.label or ("movie" if alone else stem(series.names[0]))
    return clean(f"{above}/{own}" if above else own)


def _are_planes(files: Sequence[int], is_plane: Callable[[int], bool | None]) -> bool:
    """Whether the first that can be read holds a plane; damaged ones are taken for frames."""
    answers = (is_plane(index) for index in files[:_TRIES])
    return next((answer for answer in answers if answer is not None), True)


def _slot(texts: Sequence[str], numbers: Sequence[Sequence[str]]) -> int | None:
    """Which of the numbers of names with the same ``texts`` counts frames; None for none."""
    if len(numbers) < 2:
        return None
    ranked = [
        (likely, slot)
        for slot, values in enumerate(zip(*numbers, strict=True))
        if len(set(values)) > 1 and (likely := _likely(texts[slot]))
    ]
    return max(ranked)[1] if ranked else None


def _likely(text: str) -> int:
    word = _WORD.search(text)
    return _OTHER if word is None else _LIKELY.get(word[1].lower(), _OTHER)


def _joined(texts: Sequence[str], numbers: Sequence[str]) -> str:
    """Texts with numbers between them, or after them."""
    pairs = zip(texts, (*numbers, *[""] * (len(texts) - len(numbers))), strict=True)
    return "".join(text + number for text, number in pairs)
