"""Movies among entries: files of a folder, also of one in a zip, that are frames of one movie."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import InputError
from .entry import Entry, PathSource, Source
from .frames import FramesSource
from .names import shown
from .series import Place, together
from .zipmember import MemberSource


def with_movies(entries: Sequence[Entry], real_folder: Callable[[Path], str]) -> list[Entry]:
    """The entries with those that are frames of a movie as one; see `series`.

    ``real_folder`` tells one folder from others. Files with a truth stay by themselves.
    """
    made = []
    places = [_place(entry, real_folder) for entry in entries]
    for one in together(places, lambda index: holds_plane(entries[index].source)):
        if isinstance(one, int):
            made.append(entries[one])
            continue
        sources = tuple(entries[index].source for index in one.files)
        made.append(Entry(one.name, FramesSource(_folder(sources[0]), one.series, sources)))
    return made


def holds_plane(source: Source) -> bool | None:
    """Whether a file holds a single plane, of any channels; None where it cannot be read."""
    try:
        with source.open() as file:
            return len(file.images) == 1 and file.images[0].shape[::2][:2] == (1, 1)
    except InputError:
        return None


def folder_name(folder: Path) -> str:
    """What a folder is called, also ``.`` and one that ends in ``..``."""
    return folder.name if folder.name not in ("", "..") else Path(os.path.realpath(folder)).name


def _place(entry: Entry, real_folder: Callable[[Path], str]) -> Place | None:
    """Where a file that could be a frame lies; None for what is not one file."""
    if entry.truth is not None:
        return None
    above = entry.name.rpartition("/")[0]
    match entry.source:
        case PathSource(path) if path.suffix.lower() != ".zarr":
            return Place(real_folder(path.parent), above or folder_name(path.parent), path.name)
        case MemberSource(member):
            inside, _, name = member.name.rpartition("/")
            return Place((member.archive, inside), above, name)
    return None


def _folder(source: Source) -> str:
    """What messages call the folder that a file is in."""
    match source:
        case PathSource(path):
            return shown(path.parent)
        case MemberSource(member):
            return member.label.rpartition("/")[0]
    raise TypeError(source)
