"""Zips: their images, listed without unpacking and with every hostile form refused.

A member that is refused becomes an entry whose ``open`` says why, so that the others are done.
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..settings import settings
from .entry import Entry, FaultSource, unreadable
from .names import ZARR_MARKERS, clean, distinct_names, is_junk, natural, shown, stem
from .zipmember import DEFLATED, STORED, MemberSource, ZarrMembersSource, ZipMember, in_order

#: Members of at most this many bytes may be packed at any ratio.
_SMALL = 64 * 2**20

#: Bytes of a member's local header before its name.
_HEADER = 30

#: Names of methods of packing that are not read.
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 99: "AES"}


@dataclass(frozen=True, slots=True)
class _Listed:
    """A member: its name as given with ``/``, its clean name in the zip, its record, its fault."""

    given: str
    name: str
    info: zipfile.ZipInfo
    fault: tuple[str, str] | None


def is_zip(name: str) -> bool:
    """Whether a name ends like a zip's."""
    return name.lower().endswith(".zip")


def zip_folder(name: str) -> str:
    """The name that a zip's members are below: ``z`` of ``z.zip``."""
    return name[: -len(".zip")] if is_zip(name) and Path(name).suffix else name


def zip_entries(path: Path, name: str, wanted: Callable[[str], bool]) -> list[Entry]:
    """The images of a zip, in natural order; empty where it holds none.

    ``name`` is the entry name of the zip itself, ``z.zip``; its members are named ``z/a/b.tif``.
    ``wanted`` says of ``a/b.tif`` whether it is taken. An OME-Zarr folder is one entry. A damaged
    zip is one entry, whose ``open`` raises the `InputError`.
    """
    folder = zip_folder(name)
    try:
        members = _all_listed(path)
    except InputError as error:
        return [_faulty(name, path, "", error.fault, error.advice)]
    roots = _zarr_roots(members)
    singles: list[_Listed] = []
    groups: dict[str, list[_Listed]] = {}
    for member in members:
        root = _root_of(member.name, roots)
        if root is None:
            singles.append(member)
        else:
            groups.setdefault(root, []).append(member)
    found = [entry for member in singles if (entry := _single(path, folder, member, wanted))]
    for root, inside in groups.items():
        whole = f"{folder}/{root}" if root else f"{stem(folder)}.zarr"
        taken = wanted(root) or wanted(f"{root}.zarr") if root else wanted(Path(whole).name)
        if taken and not any(map(is_junk, filter(None, root.split("/")))):
            found.append(_group(path, whole, root, inside))
    total = sum(entry.bytes for entry in found)
    if total > settings.zip_bytes:
        return [
            _faulty(
                name,
                path,
                "",
                f"would unpack to {total:,} bytes, more than the {settings.zip_bytes:,} allowed",
                "unpack it yourself, or set CYTOMILL_ZIP_BYTES higher",
            )
        ]
    found.sort(key=lambda entry: natural(entry.name))
    names = distinct_names([entry.name for entry in found])
    return [replace(entry, name=own) for entry, own in zip(found, names, strict=True)]


def zip_members(path: Path) -> list[ZipMember]:
    """All files of a zip, whatever they are, in its order.

    Raises `InputError` for a zip that cannot be read and for one with a member that is refused.
    """
    found = []
    for member in _all_listed(path):
        if member.fault is not None:
            raise InputError(shown(f"{path}/{member.given}"), *member.fault)
        found.append(_member(path, member))
    return found


def usable_members(path: Path) -> dict[str, ZipMember]:
    """The files of a zip that are not refused, by their clean names; of equal ones the last.

    Raises `InputError` for a zip that cannot be read.
    """
    return {
        member.name: _member(path, member) for member in _all_listed(path) if member.fault is None
    }


def _all_listed(path: Path) -> list[_Listed]:
    """The files of a zip with their faults; raises `InputError` where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos, end = archive.infolist(), archive.start_dir
    except OSError as error:
        raise unreadable(path, error) from None
    except Exception:
        # A damaged directory makes zipfile raise BadZipFile, struct.error, UnicodeDecodeError,
        # NotImplementedError, OverflowError and others; to the user they are one fault.
        raise InputError(path, "is not a zip, or is damaged", "make the zip again") from None
    overlapping = _overlapping(infos, end)
    return [
        member
        for info in infos
        if (member := _listed(info, info.header_offset in overlapping)) is not None
    ]


def _listed(info: zipfile.ZipInfo, overlaps: bool) -> _Listed | None:
    """A member with its fault; None for a folder."""
    given = _text(info).replace("\\", "/")
    if given.endswith("/") or (info.external_attr & 0x10 and info.file_size == 0):
        return None
    return _Listed(given, clean(given), info, _fault(info, given, overlaps))


def _text(info: zipfile.ZipInfo) -> str:
    """The name of a member, whose encoding many programs do not declare.

    Without the UTF-8 flag a name should be in code page 437, and Python reads it so; yet Info-ZIP
    and macOS leave the flag out of UTF-8 names. Text in another code page is hardly ever valid
    UTF-8, so a name that is, is.
    """
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _fault(info: zipfile.ZipInfo, name: str, overlaps: bool) -> tuple[str, str] | None:
    """What is wrong with a member, and the way out."""
    mode = info.external_attr >> 16
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path", "make the zip again with relative paths"
    if ".." in name.split("/"):
        return "has a path that leads out of the zip", "make the zip again without .."
    if info.flag_bits & 0x2041:
        return "is encrypted", "unpack the zip with its password and give the folder"
    if stat.S_ISLNK(mode):
        return "is a link", "make the zip again with the file that it points to"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is not a regular file", "make the zip again without it"
    if overlaps:
        return "shares its bytes with another member", "download or make the zip again"
    if info.compress_type not in (STORED, DEFLATED):
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return f"is packed with {method}", "make the zip again with Deflate, the usual method"
    if info.file_size > _SMALL and info.file_size > settings.zip_ratio * info.compress_size:
        ratio = info.file_size // max(info.compress_size, 1)
        return (
            f"would unpack to {ratio:,} times its size, more than the {settings.zip_ratio} allowed",
            "unpack it yourself, or set CYTOMILL_ZIP_RATIO higher",
        )
    return None


def _overlapping(infos: Sequence[zipfile.ZipInfo], end: int) -> set[int]:
    """Offsets of members that reach into the next member, or into the directory at ``end``."""
    starts = sorted(infos, key=lambda info: info.header_offset)
    offsets = [info.header_offset for info in starts] + [end]
    found = set()
    for info, following in zip(starts, offsets[1:], strict=True):
        if info.header_offset + _HEADER + info.compress_size > following:
            found |= {info.header_offset, following}
    return found


def _zarr_roots(members: Sequence[_Listed]) -> set[str]:
    """The folders that are Zarr; the zip itself is the empty name."""
    roots = set()
    for member in members:
        *folders, last = member.name.split("/")
        if last in ZARR_MARKERS:
            roots.add("/".join(folders))
        for depth, folder in enumerate(folders, 1):
            if folder.lower().endswith(".zarr"):
                roots.add("/".join(folders[:depth]))
    return roots


def _root_of(name: str, roots: set[str]) -> str | None:
    """The outermost Zarr folder that ``name`` is in."""
    if not roots:
        return None
    folders = name.split("/")[:-1]
    return next(
        (root for depth in range(len(folders) + 1) if (root := "/".join(folders[:depth])) in roots),
        None,
    )


def _single(
    path: Path, folder: str, member: _Listed, wanted: Callable[[str], bool]
) -> Entry | None:
    name = f"{folder}/{member.name}"
    if any(map(is_junk, member.name.split("/"))):
        return None
    if not wanted(member.name):
        return None
    if member.fault is not None:
        return _faulty(name, path, member.given, *member.fault)
    if is_zip(name):
        return _faulty(
            name,
            path,
            member.given,
            "is a zip in a zip",
            "unpack the outer zip and give the folder",
        )
    return Entry(name, MemberSource(_member(path, member)))


def _group(path: Path, name: str, root: str, inside: Sequence[_Listed]) -> Entry:
    """An OME-Zarr folder."""
    for member in inside:
        if member.fault is not None:
            return _faulty(name, path, member.given, *member.fault)
    skip = len(root) + 1 if root else 0
    relative = [(member.name[skip:], _member(path, member)) for member in inside]
    twice = [key for key, count in Counter(key for key, _ in relative).items() if count > 1]
    if twice:
        return _faulty(
            name, path, f"{root}/{twice[0]}", "is in the zip twice", "make the zip again"
        )
    return Entry(name, ZarrMembersSource(path, root, in_order(relative)))


def _member(path: Path, listed: _Listed) -> ZipMember:
    info = listed.info
    return ZipMember(
        path,
        listed.name,
        info.header_offset,
        info.compress_size,
        info.file_size,
        info.CRC,
        info.compress_type,
    )


def _faulty(name: str, path: Path, member: str, fault: str, advice: str) -> Entry:
    subject = f"{path}/{member}" if member else str(path)
    return Entry(name, FaultSource(shown(subject), fault, advice))
