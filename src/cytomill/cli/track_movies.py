"""Tracked movies as `evaluate --tracks` takes them, and which belong together.

A movie is a folder as the Cell Tracking Challenge has them (``01_RES``, ``01_GT``, ``01_GT/TRA``),
a stack of labels with its lineage beside it (``a_labels.tif`` and ``a_lineage.json``, or
``a_tracks.txt`` with the challenge's L B E P), or a ``.trk`` archive of DeepCell. Those of two
folders are paired by name: ``01_RES`` belongs to ``01_GT``, ``a_labels.tif`` to ``a_GT``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..image.names import is_image, natural, stem
from ..tracks.files.ctc import CtcFolder, read_tracks
from ..tracks.files.lineage_json import read_lineage
from ..tracks.files.trk import read_trk
from ..tracks.scores.gold import Gold, outlines_of
from ..tracks.scores.movie import Movie
from ..tracks.scores.validity import check
from .labels import Labels, open_labels

#: What the name of a movie may end in, that which is taken before others first.
_PRED_ENDS = ("_RES", "_labels", "_GT", "_ST")
_TRUTH_ENDS = ("_GT", "_labels", "_ST", "_RES")

#: What the lineage beside a stack of labels ends in, in place of the labels' ending.
_LINEAGES = ("_lineage.json", "_tracks.txt")

_ADVICE = (
    "give a folder with res_track.txt or man_track.txt, a .trk archive, or a_labels.tif with "
    "a_lineage.json"
)

#: Folders below the given one that are looked into.
_DEPTH = 3


@dataclass(frozen=True, slots=True)
class MoviePair:
    """A result and its truth; ``name`` is what they share."""

    name: str
    pred: Path
    truth: Path


@dataclass(frozen=True, slots=True)
class MoviePairing:
    """What was paired, in order of name, and what was not."""

    pairs: tuple[MoviePair, ...]
    lone_pred: tuple[Path, ...]
    lone_truth: tuple[Path, ...]


def pair_movies(pred: Path, truth: Path) -> MoviePairing:
    """Pair the movies of ``pred`` with those of ``truth``; each is one movie, or has some in it.

    Two movies are a pair whatever their names. A movie and a folder of some give at most one pair.
    Raises `InputError` where one of the two has no movie.
    """
    single = _is_movie(pred), _is_movie(truth)
    if all(single):
        return MoviePairing((MoviePair(_key(truth), pred, truth),), (), ())
    preds = {_key(pred): pred} if single[0] else _movies(pred, _PRED_ENDS)
    truths = {_key(truth): truth} if single[1] else _movies(truth, _TRUTH_ENDS)
    shared = sorted(preds.keys() & truths.keys(), key=natural)
    return MoviePairing(
        tuple(MoviePair(name, preds[name], truths[name]) for name in shared),
        () if single[1] else tuple(preds[name] for name in sorted(preds.keys() - truths.keys())),
        () if single[0] else tuple(truths[name] for name in sorted(truths.keys() - preds.keys())),
    )


@contextmanager
def open_movie(path: Path) -> Iterator[Movie]:
    """Open a tracked movie.

    Raises `InputError` where it is none, where its table of tracks is not right, and where labels
    and the lineage beside them do not agree.
    """
    if _is_archive(path):
        yield _Archive(path)
    elif path.is_dir() and not _is_stack(path):
        yield CtcFolder(path)
    else:
        with open_labels(path) as labels:
            yield _Stack(path, labels)


def outlines(movie: Movie) -> Gold | None:
    """The outlines beside the markers of a truth, if there are any."""
    return outlines_of(movie.path, len(movie))


def is_outlined(movie: Movie) -> bool:
    """Whether the labels of a movie are outlines themselves: all are but the challenge's truths."""
    return not (movie.path / "man_track.txt").is_file()


def broken_rules(movie: Movie, present: Sequence[NDArray[np.int64]]) -> list[str]:
    """The rules of the challenge that a movie with the labels ``present`` in its frames breaks.

    None are known of lineages as DeepCell writes them: theirs are other rules, such as for gaps,
    and were checked when they were read.
    """
    by_frames = isinstance(movie, _Archive) or (isinstance(movie, _Stack) and movie.by_frames)
    return [] if by_frames else check(movie.tracks, present)


class _Stack:
    """A stack of labels, and the lineage beside it, as a movie."""

    def __init__(self, path: Path, labels: Labels) -> None:
        self.path, self._labels = path, labels
        self.shape = labels.shape[1:]
        lineage = _lineage_of(path)
        if lineage is None:
            wanted = _beside(path)[0].name
            raise InputError(path, f"has no {wanted} beside it", "give labels with their lineage")
        #: Whether the lineage has all frames of each track, not the first and last.
        self.by_frames = lineage.suffix == ".json"
        if self.by_frames:
            self.tracks = read_lineage(lineage, _Planes(labels)).tracks
        else:
            self.tracks = read_tracks(lineage)

    def __len__(self) -> int:
        return self._labels.shape[0]

    def labels(self, t: int) -> NDArray[Any]:
        return self._labels.read(t, slice(None))


class _Archive:
    """A ``.trk`` archive as a movie; all of it is in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        trk = read_trk(path)
        self.tracks = trk.lineage.tracks
        self._labels = trk.labels
        self.shape = trk.lineage.shape[1:]

    def __len__(self) -> int:
        return len(self._labels)

    def labels(self, t: int) -> NDArray[Any]:
        return np.asarray(self._labels[t, 0], np.uint32)


class _Planes:
    """Labels as readers of lineages take them: (t, 1, y, x)."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self.shape = (labels.shape[0], 1, *labels.shape[1:])

    def __getitem__(self, index: tuple[int, int]) -> NDArray[Any]:
        return self._labels.read(index[0], slice(None))


def _is_movie(path: Path) -> bool:
    return _is_challenge(path) or _is_stack(path)


def _is_challenge(path: Path) -> bool:
    """Whether a folder is one of the challenge's."""
    names = ("res_track.txt", "man_track.txt", "TRA/man_track.txt")
    return any((path / name).is_file() for name in names)


def _is_stack(path: Path) -> bool:
    """Whether a path is one file, or an OME-Zarr."""
    markers = (".zattrs", ".zgroup", ".zarray", "zarr.json")
    return path.is_file() or any((path / name).is_file() for name in markers)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".trk"


def _beside(path: Path) -> list[Path]:
    """Where the lineage of a stack of labels may be."""
    name = re.sub(r"_labels$", "", stem(path.name))
    return [path.with_name(name + end) for end in _LINEAGES]


def _lineage_of(path: Path) -> Path | None:
    return next((each for each in _beside(path) if each.is_file()), None)


def _key(path: Path) -> str:
    """What a movie's name shares with that of its counterpart."""
    if _is_archive(path):
        return path.stem.removesuffix("_tracks")
    name = path.parent.name if path.name == "TRA" else stem(path.name)
    return re.sub("_(RES|GT|ST|labels)$", "", name)


def _movies(root: Path, ends: tuple[str, ...]) -> dict[str, Path]:
    """The movies in a folder by what their names share; of several that do, the first of ``ends``.

    The folder that a movie lies in counts, those named by the challenge's word for it do not.
    """
    found: dict[str, tuple[int, Path]] = {}
    for path in _search(root):
        short = stem(path.name) if _is_stack(path) else path.name
        rank = next((rank for rank, end in enumerate(ends) if short.endswith(end)), len(ends))
        above = path.parent.relative_to(root).as_posix()
        key = _key(path) if above == "." else f"{above}/{_key(path)}"
        if key not in found or rank < found[key][0]:
            found[key] = rank, path
    if not found:
        frames = any(root.glob("mask[0-9]*.tif")) or any(root.glob("man_track[0-9]*.tif"))
        raise InputError(
            root,
            "has frames but no res_track.txt" if frames else "has no tracked movie in it",
            _ADVICE,
        )
    return {key: path for key, (_, path) in found.items()}


def _search(root: Path) -> Iterator[Path]:
    """Every movie at or below a folder, none of them inside another."""
    for folder, below, names in os.walk(root):
        here = Path(folder)
        movies = sorted(name for name in below if _is_challenge(here / name))
        stacks = [name for name in [*names, *below] if is_image(name)]
        archives = [name for name in names if _is_archive(here / name)]
        yield from (here / name for name in movies)
        yield from (here / name for name in sorted(stacks) if _lineage_of(here / name))
        yield from (here / name for name in sorted(archives))
        deep = len(here.relative_to(root).parts) >= _DEPTH
        below[:] = (
            []
            if deep
            else [
                name for name in sorted(below) if name not in (*movies, *stacks) and name[0] != "."
            ]
        )
