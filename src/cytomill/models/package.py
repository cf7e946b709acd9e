"""Model packages on disk, in whatever form they come."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ModelError
from . import v04, v05
from .card import DESCRIPTIONS
from .description import Description
from .fields import Field

_FORMAT = re.compile(r"(\d+)\.(\d+)(\.\d+)?")


def read(source: Path) -> Description:
    """The package at ``source``: its folder, or its description; raises `ModelError`."""
    return read_folder(source) if source.is_dir() else read_description(source)


def read_folder(folder: Path) -> Description:
    """The package in ``folder``; raises `ModelError`."""
    path = next((folder / name for name in DESCRIPTIONS if (folder / name).is_file()), None)
    if path is None:
        raise ModelError(f"{folder}: holds no {' or '.join(DESCRIPTIONS)}; not a model package")
    return read_description(path)


def read_description(file: Path) -> Description:
    """The package that ``file`` describes, in whose folder it lies; raises `ModelError`."""
    top = Field.read(file)
    version = top.need("format_version")
    match = _FORMAT.fullmatch(version.text())
    if match is None:
        raise version.fault(f"is {version.text()!r}, and must be a version such as 0.5.4")
    number = (int(match[1]), int(match[2]))
    if number == (0, 4):
        return v04.parse(top)
    if number == (0, 5):
        return v05.parse(top)
    way = (
        "write it in 0.5 with 'bioimageio update-format'"
        if number < (0, 4)
        else "install a newer Cytomill"
    )
    raise version.fault(f"is {version.text()}, and formats 0.4 and 0.5 are read; {way}")
