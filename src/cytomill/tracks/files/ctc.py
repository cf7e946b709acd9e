"""Folders of the Cell Tracking Challenge: a label image per frame, and a text file of the tracks.

Results are ``mask000.tif``… with ``res_track.txt``, truths ``man_track000.tif``… with
``man_track.txt``; a line of the text is ``L B E P``, see `ops.track.Track`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...image.checks import reading
from ...image.core import Image
from ...image.formats import open_images
from ...ops.overlap import MAX_ID
from ...ops.track import Track

#: The text of a result and of a truth, and what the names of their label images begin with.
_KINDS = {"res_track.txt": "mask", "man_track.txt": "man_track"}

_FRAME = re.compile(r"(mask|man_track)([0-9]{3,})\.tiff?", re.IGNORECASE)

_ADVICE = "a line has four whole numbers: label, first frame, last frame, parent or 0"


class CtcFolder:
    """A folder of tracks, read a frame at a time.

    ``path`` is a folder with ``res_track.txt`` or ``man_track.txt`` and label images; that of a
    whole truth, which has them in ``TRA``, will do. Raises `InputError` naming the file and line
    where the text is not right, and the file where one is missing; `labels` and `shape` where a
    label image is not right. Whether labels and tracks agree is not looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path, text = _text_of(path)
        self._files = _frames_of(self.path, _KINDS[text])
        self.tracks = read_tracks(self.path / text)
        late = next((track for track in self.tracks if track.end >= len(self._files)), None)
        if late is not None:
            raise InputError(
                self.path / text,
                f"track {late.label} ends in frame {late.end}, but the last one is "
                f"{self._files[-1].name}",
                "frames are counted from 0: copy the missing ones or mend the line",
            )

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._files)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Height and width of the first frame, which all must have."""
        with open_images(self._files[0]) as file:
            return _plane(self._files[0], file.images).shape[3:]

    def file(self, t: int) -> Path:
        """The label image of frame ``t``."""
        return self._files[t]

    def labels(self, t: int) -> NDArray[Any]:
        """The labels of frame ``t``: (y, x), uint8, uint16 or uint32."""
        path = self._files[t]
        pixels = read_labels(path)
        if pixels.shape != self.shape:
            (height, width), (high, wide) = pixels.shape, self.shape
            raise InputError(
                path,
                f"is {width} x {height} pixels, but {self._files[0].name} is {wide} x {high}",
                "all frames of a movie have one size",
            )
        return pixels


def read_labels(path: Path) -> NDArray[Any]:
    """The labels of a file that is one frame: (y, x), uint8, uint16 or uint32.

    Raises `InputError` where the file is not one grey plane of whole numbers from 0.
    """
    with open_images(path) as file:
        return _ids(path, _plane(path, file.images).read())


def read_tracks(path: Path) -> tuple[Track, ...]:
    """The tracks of a ``res_track.txt`` or ``man_track.txt``, in order of label.

    Blank lines, a byte order mark and any line ends are allowed. Raises `InputError` naming the
    file and line where a line is not four whole numbers, a track has no frame, two have one label,
    or a parent is no track or does not end before its daughter begins.
    """
    try:
        with reading(path):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
    except InputError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            raise InputError(path, "is not plain text", _ADVICE) from error
        raise
    found: dict[int, tuple[int, Track]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            track = _parsed(path, number, line)
            if track.label in found:
                raise InputError(
                    f"{path}:{number}",
                    f"track {track.label} is also on line {found[track.label][0]}",
                    "a label has one line",
                )
            found[track.label] = number, track
    for number, track in found.values():
        _check_parent(f"{path}:{number}", track, found)
    return tuple(track for _, (_, track) in sorted(found.items()))


def _parsed(path: Path, number: int, line: str) -> Track:
    fields = line.split()
    place = f"{path}:{number}"
    if len(fields) != 4:
        raise InputError(place, f"has {len(fields)} columns", _ADVICE)
    wrong = next((field for field in fields if not re.fullmatch("[0-9]{1,10}", field)), None)
    if wrong is not None:
        raise InputError(place, f"{wrong[:40]!r} is not a whole number from 0", _ADVICE)
    track = Track(*map(int, fields))
    if not 1 <= track.label <= MAX_ID:
        raise InputError(place, f"{track.label} cannot be a label", f"labels are 1 to {MAX_ID}")
    if track.begin > track.end:
        raise InputError(
            place, f"track {track.label} ends in frame {track.end}, before it begins", _ADVICE
        )
    return track


def _check_parent(place: str, track: Track, found: dict[int, tuple[int, Track]]) -> None:
    """Raise `InputError` unless the parent is 0 or a track that ends before this one begins."""
    if not track.parent:
        return
    if track.parent not in found:
        raise InputError(
            place,
            f"the parent of track {track.label} is {track.parent}, which has no line",
            "give its line, or 0 where there is no parent",
        )
    parent = found[track.parent][1]
    if parent.end >= track.begin:
        raise InputError(
            place,
            f"track {track.label} begins in frame {track.begin}, but its parent {parent.label} "
            f"ends in frame {parent.end}",
            "a parent ends before its daughters begin",
        )


def _text_of(path: Path) -> tuple[Path, str]:
    """The folder that has the tracks' text, and the name of the text."""
    if not path.is_dir():
        fault = "is not a folder" if path.exists() else "is not there"
        raise InputError(path, fault, "give a folder with res_track.txt or man_track.txt")
    for folder in (path, path / "TRA"):
        texts = [text for text in _KINDS if (folder / text).is_file()]
        if len(texts) > 1:
            raise InputError(
                folder,
                "has both res_track.txt and man_track.txt",
                "put them in folders of their own",
            )
        if texts:
            return folder, texts[0]
    raise InputError(
        path,
        "has neither res_track.txt nor man_track.txt",
        "give a folder of results or of truth, as of the Cell Tracking Challenge",
    )


def _frames_of(folder: Path, start: str) -> tuple[Path, ...]:
    """The label images whose names begin with ``start``, that of frame t at t."""
    found: dict[int, Path] = {}
    with reading(folder):
        names = sorted(each.name for each in folder.iterdir())
    for name in names:
        match = _FRAME.fullmatch(name)
        if match is None or match[1].lower() != start:
            continue
        frame = int(match[2])
        if frame in found:
            raise InputError(
                folder / name,
                f"is frame {frame}, and so is {found[frame].name}",
                "remove one of them",
            )
        found[frame] = folder / name
    if not found:
        raise InputError(
            folder, f"has no {start}000.tif", f"frames are {start}000.tif, {start}001.tif …"
        )
    missing = next((frame for frame in range(len(found)) if frame not in found), None)
    if missing is not None:
        raise InputError(
            folder,
            f"has no {start}{missing:03}.tif, but {found[max(found)].name}",
            "there must be a label image for every frame, from 0 on",
        )
    return tuple(found[frame] for frame in range(len(found)))


def _plane(path: Path, images: Iterable[Image]) -> Image:
    """The only image of a file, if it is a single grey plane."""
    several = list(images)
    if len(several) != 1 or several[0].shape[:3] != (1, 1, 1):
        raise InputError(
            path, "is more than one plane", "a frame is a label image of height and width"
        )
    return several[0]


def _ids(path: Path, pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels of any whole numbers as unsigned ones."""
    if pixels.dtype.kind == "b":
        return pixels.view(np.uint8)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 4:
        return pixels
    whole = pixels.dtype.kind != "f" or np.array_equal(pixels, np.trunc(pixels))
    if not whole or pixels.min(initial=0) < 0 or pixels.max(initial=0) > MAX_ID:
        raise InputError(
            path,
            f"has pixels that are not whole numbers from 0 to {MAX_ID}",
            "labels are 0 for background and those of the tracks",
        )
    return pixels.astype(np.uint32)
