"""Frames: files of one plane each that are one image, its time.

A movie is worth having without a few of its frames, so a frame that cannot be used raises when it
is read, not when the movie is opened.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .core import AXES, Image, ImageFile
from .entry import Source
from .names import shown
from .planes import Form, form, only_plane
from .series import Series

#: Frames that say what all are like: where they agree, and where they do not.
_FEW, _MANY = 3, 33

_WANTED = ("but is a frame of a movie", "give it a name of its own, or leave it out")

#: Files that are asked for at once, of which most of the time may be a network's.
_AT_ONCE = 8

#: Stands for what cannot be read in the stamp and the digest of a movie.
_UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FramesSource:
    """Files of one plane each, in the order of time: ``sources`` are those of ``series``.

    ``name`` is what messages call the folder that they lie in.
    """

    name: str
    series: Series
    sources: tuple[Source, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(source.bytes for source in self.sources)

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """One image with a time for each number from the first to the last; see `Series.frames`.

        A few frames say what all are like. Raises `InputError` where two have one number, where
        none can be read, and where no form is that of most. Reading a frame that is missing,
        damaged or of another form raises it then.
        """
        if twice := self.series.twice:
            fault = f"{twice[0]} and {twice[1]} are the same frame"
            raise InputError(self.name, fault, "remove one, or give each a folder of its own")
        like = self._like()
        frames = self.series.frames
        _, channels, _, height, width = like.shape
        image = replace(
            like,
            name=self.name,
            axes="".join(axis for axis in AXES if axis in f"T{like.axes.replace('Z', '')}"),
            shape=(len(frames), channels, 1, height, width),
            source=_FramesPixels(self, frames, form(like)),
        )
        with ImageFile([image], image.source.close) as file:
            yield file

    def stamp(self) -> str:
        """SHA-256 of the names and the stamps of all files."""
        return self._hashed([source.stamp for source in self.sources])

    def digest(self) -> str:
        """SHA-256 of the names and the digests of all files, in order."""
        return self._hashed([source.digest for source in self.sources])

    def label(self, index: int) -> str:
        """What messages call the file ``index``."""
        return shown(f"{self.name}/{self.series.name(self.series.written[index])}")

    def plane(self, file: ImageFile, index: int) -> Image:
        """The image of the open file ``index``. Raises `InputError` where it is no single plane."""
        return only_plane(file, self.label(index), *_WANTED)

    def _like(self) -> Image:
        """An image as those of most frames."""
        found: list[Image] = []
        fault: InputError | None = None
        for index in _spread(len(self.sources)):
            try:
                with self.sources[index].open() as file:
                    found.append(self.plane(file, index))
            except InputError as error:
                fault = fault or error
            if len(found) == _FEW and len(set(map(form, found))) == 1:
                break
        if not found:
            raise fault or InputError(self.name, "holds no frame")
        forms = Counter(map(form, found))
        (usual, times), *others = forms.most_common()
        if 2 * times <= len(found):
            unlike = f"its frames are not alike: some are {usual}, some {others[0][0]}"
            raise InputError(self.name, unlike, "give each kind a folder of its own")
        return next(image for image in found if form(image) == usual)

    def _hashed(self, asked: Sequence[Callable[[], str]]) -> str:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            facts = list(pool.map(_tried, asked))
        if set(facts) == {_UNREADABLE}:
            asked[0]()  # says why
        sha = hashlib.sha256()
        for name, fact in zip(self.series.names, facts, strict=True):
            sha.update(f"{shown(name)}\0{fact}\n".encode())
        return sha.hexdigest()


@dataclass(frozen=True, slots=True)
class _FramesPixels:
    """Pixels of frames. Each read opens its file: a movie may have more than may be open at once.

    ``frames`` has the index of the file of each, None where it is missing.
    """

    movie: FramesSource
    frames: tuple[int | None, ...]
    form: Form

    def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
        if z or not 0 <= t < len(self.frames):
            raise IndexError(f"no plane t={t}, c={c}, z={z}")
        index = self.frames[t]
        if index is None:
            number, name = self.movie.series.missing(t)
            raise InputError(self.movie.name, shown(f"frame {number} is missing: {name}"))
        with self.movie.sources[index].open() as file:
            image = self.movie.plane(file, index)
            if form(image) != self.form:
                fault = f"is {form(image)} but most frames of its movie are {self.form}"
                raise InputError(self.movie.label(index), fault, _WANTED[1])
            return np.array(image.read(0, c, 0, y, x))

    def close(self) -> None:
        """Nothing stays open."""


def _spread(count: int) -> list[int]:
    """Some of ``count`` indices, spread evenly; the first, the middle one and the last first."""
    if count <= _MANY:
        chosen = list(range(count))
    else:
        chosen = [index * (count - 1) // (_MANY - 1) for index in range(_MANY)]
    first = [chosen[0], chosen[len(chosen) // 2], chosen[-1]]
    return list(dict.fromkeys([*first, *chosen]))


def _tried(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except InputError:
        return _UNREADABLE
