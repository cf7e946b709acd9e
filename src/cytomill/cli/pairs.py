"""Which prediction belongs to which truth: label images of two folders paired by name.

``a_labels.tif`` belongs to ``a.tif``, ``a.png``, ``a_labels.tif`` and ``a_masks.tif``: the words
that people add to a name to say "this is the mask" are taken off, and folders such as ``images``
and ``masks`` on the way do not count. A name that says mask goes before the same name that does
not, which may be the microscope's image. Where two files would do equally, neither is taken.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal

from ..errors import InputError

#: What label images are kept in; JPEG is not: it does not keep ids.
_SUFFIXES = (".ome.tiff", ".ome.tif", ".tiff", ".tif", ".btf", ".png", ".ome.zarr", ".zarr")

#: Files whose presence makes a folder an OME-Zarr.
_ZARR_FILES = (".zattrs", ".zgroup", ".zarray", "zarr.json")

_LABEL_WORDS = r"labels?|labell?ed|seg|segmentations?|instances?|annotations?|gt|truth"
_LABEL = re.compile(rf"[ ._-](?:cp_?)?(?:{_LABEL_WORDS}|masks?(?:[_-]?[a-z]+)*)$", re.IGNORECASE)

#: In truth a mask may also be numbered, by annotator or version; in a prediction a number tells
#: one image from another.
_TRUTH = re.compile(r"[ ._-]mask\w*$", re.IGNORECASE)
_RAW = re.compile(r"[ ._-](?:img|image|raw)$", re.IGNORECASE)

#: Frames as the Cell Tracking Challenge names images, results and truth.
_FRAME = re.compile(r"(t|mask|man_seg|man_track)(\d{3,4})")

_LABEL_FOLDER = re.compile(rf"{_LABEL_WORDS}|masks?|ground[_-]?truth", re.IGNORECASE)
_RAW_FOLDER = re.compile(r"images?|imgs?|raw", re.IGNORECASE)

#: A picture that `cytomill run --overlay` puts beside the labels.
_OVERLAY = "_overlay"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files to compare; ``name`` is the truth's path relative to what the user gave."""

    name: str
    pred: Path
    truth: Path


@dataclass(frozen=True, slots=True)
class Pairing:
    """What was paired, in order of name, and what was not: doubts, and files left alone."""

    pairs: tuple[Pair, ...]
    doubts: tuple[InputError, ...]
    lone_pred: tuple[Path, ...]
    lone_truth: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str
    folder: tuple[str, ...]
    keys: tuple[str, ...]
    labelled: bool


def pair_up(pred: Path, truth: Path, pattern: str | None = None) -> Pairing:
    """Pair the label images of ``pred`` with those of ``truth``; each is a file or a folder.

    Two files are a pair whatever their names. A file and a folder give at most one pair. Of
    folders, everything below counts; ``pattern`` is a glob on the truth's relative path or name.
    Raises `InputError` where one of the two has no label image.
    """
    if is_image(pred) and is_image(truth):
        return Pairing((Pair(truth.name, pred, truth),), (), (), ())
    wanted = _files(truth, "truth", pattern)
    return _paired(_files(pred, "pred"), wanted, bool(pattern) or is_image(truth), is_image(pred))


def raw_images(folder: Path, pairs: Iterable[Pair]) -> dict[str, Path]:
    """The microscope's image in ``folder`` of each pair that has one there, by the pair's name."""
    images = _index(each for each in _files(folder, "pred") if not each.labelled)
    found: dict[str, Path] = {}
    for pair in pairs:
        for path in (pair.pred, pair.truth):
            asked = _describe(path, PurePosixPath(pair.name).parent / path.name, "pred")
            fits = _fits(asked, images)
            if len(fits) == 1:
                found.setdefault(pair.name, fits[0].path)
    return found


def is_image(path: Path) -> bool:
    """Whether ``path`` is one image: a file, or a folder that is an OME-Zarr."""
    return not path.is_dir() or any((path / name).is_file() for name in _ZARR_FILES)


def _paired(
    preds: list[_File], truths: list[_File], truth_chosen: bool, pred_chosen: bool
) -> Pairing:
    truths = _masks_first(truths)
    index = _index(truths)
    claims: dict[_File, list[_File]] = defaultdict(list)
    doubts: list[InputError] = []
    doubted: set[_File] = set()
    lone: list[_File] = []
    for pred in preds:
        fits = _fits(pred, index)
        if not fits:
            lone.append(pred)
        elif len(fits) == 1:
            claims[fits[0]].append(pred)
        else:
            doubted.update(fits)
            doubts.append(_doubt(pred, "truth", fits))
    pairs: list[Pair] = []
    for truth, claimants in claims.items():
        best = [each for each in claimants if each.labelled] or claimants
        if len(best) == 1:
            pairs.append(Pair(truth.name, best[0].path, truth.path))
        else:
            doubts.append(_doubt(truth, "prediction", best))
    lone_truth = [each for each in truths if each not in claims and each not in doubted]
    return Pairing(
        tuple(sorted(pairs, key=lambda pair: pair.name)),
        tuple(doubts),
        () if truth_chosen else tuple(each.path for each in lone),
        () if pred_chosen else tuple(each.path for each in lone_truth),
    )


def _masks_first(files: list[_File]) -> list[_File]:
    """Without the files beside a mask of the same name, which are the microscope's images."""
    masks = {(each.folder, key) for each in files if each.labelled for key in each.keys}
    return [
        each
        for each in files
        if each.labelled or not any((each.folder, key) in masks for key in each.keys)
    ]


def _doubt(file: _File, what: str, fits: list[_File]) -> InputError:
    names = ", ".join(sorted(str(each.path) for each in fits))
    return InputError(
        file.path, f"more than one {what} fits its name: {names}", "keep one, or give the two files"
    )


def _fits(file: _File, index: dict[str, list[_File]]) -> list[_File]:
    """The files that share the most telling key with ``file``, in its folder or else near it."""
    for near in (False, True):
        for key in file.keys:
            fits = [
                each
                for each in index.get(key, ())
                if each.folder == file.folder
                or (near and (_ends(each.folder, file.folder) or _ends(file.folder, each.folder)))
            ]
            if fits:
                return fits
    return []


def _ends(path: tuple[str, ...], end: tuple[str, ...]) -> bool:
    return path[len(path) - len(end) :] == end if len(end) <= len(path) else False


def _index(files: Iterable[_File]) -> dict[str, list[_File]]:
    index: dict[str, list[_File]] = defaultdict(list)
    for file in files:
        for key in file.keys:
            index[key].append(file)
    return index


def _files(root: Path, role: Literal["pred", "truth"], pattern: str | None = None) -> list[_File]:
    if is_image(root):
        return [_describe(root, PurePosixPath(root.name), role)]
    found: list[_File] = []
    for folder, below, names in os.walk(root):
        here = Path(folder)
        zarrs = [name for name in below if is_image(here / name)]
        below[:] = [
            name for name in below if name not in zarrs and not name.startswith((".", "__MACOSX"))
        ]
        for name in [*zarrs, *names]:
            path = here / name
            relative = PurePosixPath(path.relative_to(root).as_posix())
            stem, known = _stem(name)
            if name.startswith(".") or not (known or name in zarrs) or stem.endswith(_OVERLAY):
                continue
            if pattern is None or fnmatchcase(str(relative), pattern) or fnmatchcase(name, pattern):
                found.append(_describe(path, relative, role))
    if not found:
        raise InputError(
            root,
            "no label image in it" + (f" fits {pattern}" if pattern else ""),
            "give TIFF, PNG or OME-Zarr labels",
        )
    return sorted(found, key=lambda file: file.name)


def _describe(path: Path, relative: PurePosixPath, role: Literal["pred", "truth"]) -> _File:
    stem, _ = _stem(relative.name)
    keys = [stem]
    for expression in (_LABEL, _TRUTH, _RAW) if role == "truth" else (_LABEL, _RAW):
        shorter = expression.sub("", keys[-1])
        if shorter and shorter != keys[-1]:
            keys.append(shorter)
    frame = _FRAME.fullmatch(keys[-1])
    labelled = (
        bool(_LABEL.search(stem))
        or bool(_TRUTH.search(stem))
        or any(_LABEL_FOLDER.fullmatch(part) for part in relative.parent.parts)
        or (frame is not None and frame[1] != "t")
    )
    if frame:
        keys.append(f"frame {frame[2]}")
    folder = tuple(
        part
        for part in relative.parent.parts
        if not (_LABEL_FOLDER.fullmatch(part) or _RAW_FOLDER.fullmatch(part))
    )
    return _File(path, str(relative), folder, tuple(keys), labelled)


def _stem(name: str) -> tuple[str, bool]:
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)], True
    return name, False
