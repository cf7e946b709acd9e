"""Outlines that were drawn of some frames of a movie, or of some cells in them: what SEG needs.

The Cell Tracking Challenge keeps them in ``SEG`` beside the markers of its truth, which are often
mere seeds: ``man_seg012.tif`` has outlines of frame 12; ``man_seg_012_003.tif``, of frame 12 in
plane 3, is for movies in three dimensions.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import InputError
from ...image.checks import reading

_NAME = re.compile(r"man_seg_?([0-9]{3,})(?:_([0-9]{3,}))?\.tiff?", re.IGNORECASE)


class Gold:
    """The label images in ``folder``, by frame.

    Raises `InputError` where there is none, or one is of a plane or a frame that a movie of
    ``frames`` frames with one plane has not.
    """

    def __init__(self, folder: Path, frames: int) -> None:
        self._files: dict[int, list[Path]] = {}
        with reading(folder):
            paths = sorted(folder.iterdir())
        for path in paths:
            match = _NAME.fullmatch(path.name)
            if match is None:
                continue
            if int(match[1]) >= frames:
                raise InputError(
                    path, f"is of a frame after the last, {frames - 1}", "frames count from 0"
                )
            if match[2] and int(match[2]):
                raise InputError(
                    path, f"is of plane {int(match[2])}, but frames have one", "score movies in 2D"
                )
            self._files.setdefault(int(match[1]), []).append(path)
        if not self._files:
            raise InputError(
                folder, "has no man_seg000.tif or the like", "give the folder as it was published"
            )

    def files(self, t: int) -> list[Path]:
        """The label images of frame ``t``: one, or none."""
        return self._files.get(t, [])


def outlines_of(folder: Path, frames: int) -> Gold | None:
    """The outlines beside the markers in ``folder``, if there are any."""
    beside = folder.parent / "SEG"
    return Gold(beside, frames) if folder.name == "TRA" and beside.is_dir() else None
