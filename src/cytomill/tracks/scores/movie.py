"""Scoring a movie of labels against its truth, a frame at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...ops.overlap import Overlaps, overlaps
from ...ops.track import Track
from ..files.ctc import read_labels
from .gold import Gold
from .score import Comparison, Seg, compare_tracks


class Movie(Protocol):
    """A tracked movie: what `ctc.CtcFolder` is."""

    path: Path
    tracks: tuple[Track, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of every frame."""
        ...

    def __len__(self) -> int:
        """The number of frames."""
        ...

    def labels(self, t: int) -> NDArray[Any]:
        """The labels of frame ``t``, (y, x), unsigned."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Centres in pixels of the nodes of `Matches`: (n, 2), y and x, of the prediction and truth."""

    pred: NDArray[np.float64]
    truth: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What reading two movies gave.

    ``seg`` is None where the truth has no outlines. ``present`` are the labels in each frame of the
    prediction and of the truth, those near the edge too.
    """

    comparison: Comparison
    seg: Seg | None
    places: Places
    present: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]


def compare_movies(
    pred: Movie,
    truth: Movie,
    outlines: Gold | None = None,
    border: int = 0,
    *,
    outlined: bool = False,
) -> Reading:
    """Compare two movies, with one frame of each in memory.

    SEG is measured on ``outlines``, or, where the truth itself is ``outlined``, on all of its
    labels: those of a truth of the challenge are often mere markers. Of objects that lie wholly
    within ``border`` pixels of the edge of the image neither those of the prediction nor those of
    the truth count: the field of interest of the challenge, "Naming and file content conventions".
    Raises `InputError` where the movies differ in frames or size, or a file cannot be read.
    """
    _check_alike(pred, truth, border)
    frames = _Frames(pred, truth, outlines, border, outlined)
    comparison = compare_tracks(frames.overlaps(), pred.tracks, truth.tracks)
    return Reading(
        comparison,
        frames.seg if outlined or outlines is not None else None,
        Places(*(np.concatenate([np.empty((0, 2)), *each]) for each in frames.places)),
        frames.present,
    )


class _Frames:
    """The frames of two movies as they go by, and what was seen of them."""

    def __init__(
        self, pred: Movie, truth: Movie, outlines: Gold | None, border: int, outlined: bool
    ) -> None:
        self._pred, self._truth, self._border = pred, truth, border
        self._outlines, self._outlined = outlines, outlined
        self.seg = Seg()
        self.places: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
        self.present: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])

    def overlaps(self) -> Iterator[Overlaps]:
        for t in range(len(self._truth)):
            images = self._pred.labels(t), self._truth.labels(t)
            mine, true = (inside(image, self._border) for image in images)
            table = overlaps(mine, true)
            if self._outlined:
                self.seg += table
            for path in self._outlines.files(t) if self._outlines is not None else ():
                self.seg += overlaps(mine, inside(self._outline(path), self._border))
            ids = [_ids(image) for image in images] if self._border else _both(table)
            for present, found in zip(self.present, ids, strict=True):
                present.append(found)
            for places, image in zip(self.places, (mine, true), strict=True):
                places.append(centres(image))
            yield table

    def _outline(self, path: Path) -> NDArray[Any]:
        labels = read_labels(path)
        if labels.shape != self._truth.shape:
            raise _sizes(path, labels.shape, self._truth.path, self._truth.shape)
        return labels


def _both(table: Overlaps) -> list[NDArray[np.int64]]:
    """The ids in the prediction and in the truth."""
    return [table.pred_ids.astype(np.int64), table.truth_ids.astype(np.int64)]


def inside(labels: NDArray[Any], border: int) -> NDArray[Any]:
    """``labels`` (y, x) without the objects that lie wholly within ``border`` pixels of the edge.

    Raises ValueError where nothing is further inside than that.
    """
    if not border:
        return labels
    field = labels[border:-border, border:-border]
    if border < 0 or not field.size:
        raise ValueError(f"a border of {border} pixels leaves nothing of {labels.shape}")
    kept = labels.copy()
    kept[np.isin(labels, np.setdiff1d(_ids(labels), _ids(field)))] = 0
    return kept


def centres(labels: NDArray[Any]) -> NDArray[np.float64]:
    """The centres of all objects of an image (y, x), in order of id: (n, 2), y and x."""
    width = labels.shape[1]
    pixels = labels.reshape(-1)
    # By stretches of equal pixels of a row, which are ten times fewer than pixels.
    new = np.ones(pixels.size, bool)
    new[1:] = pixels[1:] != pixels[:-1]
    new[::width] = True
    starts = np.flatnonzero(new)
    lengths = np.diff(starts, append=pixels.size)
    ids = pixels[starts]
    seen = ids != 0
    starts, lengths = starts[seen], lengths[seen]
    _, which = np.unique(ids[seen], return_inverse=True)
    area = np.bincount(which, lengths)
    rows, columns = starts // width, starts % width + (lengths - 1) / 2
    places = [np.bincount(which, lengths * at) / area for at in (rows, columns)]
    return np.stack(places, axis=1)


def _ids(labels: NDArray[Any]) -> NDArray[np.int64]:
    """The ids in an image, ascending, without 0."""
    if labels.dtype.itemsize <= 2:
        found = np.flatnonzero(np.bincount(labels.reshape(-1), minlength=1))
    else:
        found = np.unique(labels)
    return np.asarray(found[found != 0], np.int64)


def _check_alike(pred: Movie, truth: Movie, border: int) -> None:
    if len(pred) != len(truth):
        raise InputError(
            pred.path,
            f"has {len(pred)} frames, but {truth.path} has {len(truth)}",
            "give the result and the truth of one movie, with all its frames",
        )
    if pred.shape != truth.shape:
        raise _sizes(pred.path, pred.shape, truth.path, truth.shape)
    if 2 * border >= min(truth.shape):
        raise InputError(
            truth.path,
            f"has nothing further than {border} pixels inside its edge",
            "give a smaller --border",
        )


def _sizes(
    path: Path, shape: tuple[int, ...], other: Path, expected: tuple[int, ...]
) -> InputError:
    return InputError(
        path,
        f"is {shape[1]} x {shape[0]} pixels, but {other} is {expected[1]} x {expected[0]}",
        "compare labels of the same movie at the same scale",
    )
