"""Where the bytes of an item are, written into its ``entry``: so that any consumer finds them.

An item is a file or an OME-Zarr folder of its own (an empty ``entry``), or something in a zip: a
member, told by its place so that nobody has to list the zip again, an OME-Zarr folder, told by its
name, or what was found unusable when it was listed, told by why. Or it is a movie whose frames are
files of a folder, which `frames` tells, or of a folder in a zip, told by their names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ..errors import InputError
from ..image.archive import usable_members, zip_entries
from ..image.entry import FaultSource, PathSource, Source
from ..image.frames import FramesSource
from ..image.names import shown
from ..image.series import Series
from ..image.zipmember import MemberSource, ZarrMembersSource, ZipMember
from .numbers import packed, unpacked

#: How the ``entry`` of each kind begins.
_MEMBER, _FOLDER, _FAULT, _FRAMES = "member", "folder", "fault", "frames"


def told(source: Source, zip_path: Path, name: str) -> str:
    """The ``entry`` of something in the zip at ``zip_path``, which its messages call ``name``."""
    match source:
        case MemberSource(member):
            place = [member.offset, member.packed, member.size, member.crc, member.method]
            return json.dumps([_MEMBER, member.name, *place], ensure_ascii=False)
        case ZarrMembersSource():
            return json.dumps([_FOLDER, source.name], ensure_ascii=False)
        case FaultSource():
            subject = source.subject.replace(str(zip_path), name)
            return fault(subject, source.fault, source.advice)
    raise TypeError(source)


def told_frames(folder: str, series: Series) -> str:
    """The ``entry`` of a movie whose frames are in a ``folder`` of a zip."""
    place = [folder, series.before, series.after, packed(series.written)]
    return json.dumps([_FRAMES, *place], ensure_ascii=False)


def member(entry: str) -> tuple[str, str] | None:
    """The folder and the name of a member; None for any other ``entry``."""
    if not entry.startswith(f'["{_MEMBER}"'):
        return None
    folder, _, name = str(json.loads(entry)[1]).rpartition("/")
    return folder, name


def inside(entry: str) -> str:
    """The path of what is meant in a zip; empty where that is the file itself, or many."""
    kind, *rest = json.loads(entry) if entry else [""]
    return str(rest[0]) if kind in (_MEMBER, _FOLDER) else ""


def fault(subject: str, what: str, advice: str) -> str:
    """The ``entry`` of what cannot be used."""
    return json.dumps([_FAULT, subject, what, advice], ensure_ascii=False)


def is_fault(entry: str) -> bool:
    """Whether that is known to be unusable: its bytes need not be there."""
    return entry.startswith(f'["{_FAULT}"')


def source(entry: str, path: Path) -> Source:
    """Where the bytes are, given the ``path`` of the file, folder or zip."""
    if not entry:
        return PathSource(path)
    kind, *rest = json.loads(entry)
    if kind == _MEMBER:
        name, offset, packed, size, crc, method = rest
        return MemberSource(ZipMember(path, name, offset, packed, size, crc, method))
    if kind == _FOLDER:
        found = _folders(path, path.stat().st_mtime_ns).get(rest[0])
        if found is None:
            raise InputError(path, f"has no {rest[0]} any more", "upload it again")
        return found
    if kind == _FRAMES:
        folder, before, after, runs = rest
        series = Series(before, after, unpacked(runs))
        known = _members(path, path.stat().st_mtime_ns)
        above = f"{folder}/" if folder else ""
        sources = (_frame(path, f"{above}{name}", known) for name in series.names)
        return FramesSource(shown(f"{path}/{above}".rstrip("/")), series, tuple(sources))
    return FaultSource(*rest)


def _frame(path: Path, name: str, known: Mapping[str, ZipMember]) -> Source:
    if name in known:
        return MemberSource(known[name])
    return FaultSource(shown(f"{path}/{name}"), "is not there any more", "upload it again")


@lru_cache(maxsize=4)
def _members(path: Path, stamp: int) -> Mapping[str, ZipMember]:
    """See `_folders`."""
    return usable_members(path)


@lru_cache(maxsize=4)
def _folders(path: Path, stamp: int) -> Mapping[str, ZarrMembersSource]:
    """The OME-Zarr folders of a zip by name; ``stamp`` tells one content from another."""
    return {
        entry.source.name: entry.source
        for entry in zip_entries(path, path.name, lambda _: True)
        if isinstance(entry.source, ZarrMembersSource)
    }
