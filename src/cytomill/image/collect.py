"""Collecting: from what a user names to the list of entries, the same on every system.

An input is a file, a folder with all below it, a glob, a zip or a dataset file. Only what the user
named wrongly is an error here; what turns out damaged is an entry that says so when it is opened,
so that the others are done.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from ..errors import InputError, OptionError
from .archive import is_zip, zip_entries, zip_folder
from .entry import Entry, FaultSource, PathSource, is_zarr
from .movies import with_movies
from .names import (
    clean,
    distinct_names,
    distinct_stems,
    is_image,
    is_junk,
    natural,
    shown,
)

__all__ = ["Entry", "collect", "named", "output_stems"]

_MAGIC = re.compile(r"[*?\[]")
_KINDS = "TIFF, PNG, JPEG, OME-Zarr or zip"


def collect(
    inputs: Sequence[str | Path] | str | Path,
    *,
    pattern: str | None = None,
    split: str | None = None,
    exclude: Path | None = None,
    movies: bool = False,
) -> list[Entry]:
    """The entries of ``inputs``, in their order; within an input in natural order of names.

    Without ``pattern`` a folder's and a zip's images are told by their endings, and a file named
    itself is taken whatever it is called. With ``pattern`` (``*``, ``?``, ``[]``) exactly those
    are taken of which it matches the relative path or the file name. ``split`` takes one split of
    dataset files. ``exclude`` is a folder to leave out of folders, where results are written. A
    file that several inputs reach is taken once, where it comes first. Names are distinct: a
    second ``b.tif`` from another input is ``b-2.tif``.

    With ``movies`` files of single planes whose names count the frames of a movie are one entry;
    see `series`. Files that a dataset names a truth for stay by themselves.

    Raises `InputError` for an input that does not exist or holds nothing to take, and
    `OptionError` for a split that the inputs do not have.
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    found: dict[object, Entry] = {}
    real_folder = lru_cache(maxsize=4096)(os.path.realpath)
    search = _Search(pattern, split, None if exclude is None else os.path.realpath(exclude))
    for item in given:
        for entry in search.input(os.fspath(item)):
            found.setdefault(_place(entry, real_folder), entry)
    if not found:
        unmatched = f"has no match for --pattern {pattern}" if pattern else "hold no image"
        raise InputError("the inputs", unmatched, f"give {_KINDS} files or folders of them")
    entries = list(found.values())
    if movies:
        entries = with_movies(entries, real_folder)
    names = distinct_names([entry.name for entry in entries])
    return [replace(entry, name=own) for entry, own in zip(entries, names, strict=True)]


def output_stems(entries: Sequence[Entry]) -> list[str]:
    """For every entry the path of its results less their endings, all different.

    See `names.distinct_stems`.
    """
    return distinct_stems([entry.name for entry in entries])


@dataclass(frozen=True, slots=True)
class Named:
    """What a user named: an existing ``path``, or the ``matches`` of a glob with their names."""

    path: Path | None
    matches: tuple[tuple[Path, str], ...] = ()


def named(given: str) -> Named:
    """The file or folder ``given``, ``~`` expanded, or what it matches, in natural order.

    Raises `InputError` where there is nothing.
    """
    path = Path(given)
    if not given or not os.path.lexists(path):
        path = Path(os.path.expanduser(given))  # noqa: PTH111 - Path's raises for no such user
    if given and os.path.lexists(path):
        return Named(path)
    if not _MAGIC.search(given):
        advice = "check the name; quote it if it has spaces or brackets"
        raise InputError(shown(given) or "''", "does not exist", advice)
    base, parts = _glob_base(path)
    matches = sorted({*_glob(base, parts)}, key=lambda match: natural(match.as_posix()))
    if not matches:
        raise InputError(shown(given), "matches nothing", "check the pattern, and the folder")
    return Named(None, tuple((match, match.relative_to(base).as_posix()) for match in matches))


def is_wanted(name: str, pattern: str | None) -> bool:
    """Whether something found below an input is taken; ``name`` is relative to the input."""
    if pattern is None:
        return is_image(name) or is_zip(name)
    last = name.rsplit("/", 1)[-1]
    return fnmatchcase(name, pattern) or fnmatchcase(last, pattern)


def wanted_members(name: str, pattern: str | None) -> Callable[[str], bool]:
    """Says of the members of the zip ``name``, found below an input, whether they are taken.

    A pattern that matches a zip takes the zip's images; else it is put to its members.
    """
    if pattern is None:
        return lambda member: is_wanted(member, None)
    if is_wanted(name, pattern):
        return is_image
    folder = zip_folder(name)
    return lambda member: is_wanted(f"{folder}/{member}", pattern)


@dataclass(frozen=True, slots=True)
class _Search:
    """How entries are chosen."""

    pattern: str | None
    split: str | None
    exclude: str | None

    def input(self, given: str) -> list[Entry]:
        """The entries of one input."""
        found = named(given)
        if found.path is not None:
            return self.named(found.path)
        return [entry for match, name in found.matches for entry in self.entries(match, name)]

    def named(self, path: Path) -> list[Entry]:
        """The entries of an existing file or folder that the user named."""
        if not path.is_dir() or is_zarr(path):
            name = path.name or path.resolve().name
            entries = self.entries(path, name)
            if not entries and is_zip(name):
                raise self.empty(path)
            return entries
        if self.exclude is not None and _within(os.path.realpath(path), self.exclude):
            advice = "leave it out of the inputs, or write to another folder (-o)"
            raise InputError(shown(path), "is where the results are written", advice)
        entries = self.entries(path, "")
        if not entries:
            raise self.empty(path)
        return entries

    def empty(self, path: Path) -> InputError:
        if self.pattern is not None:
            return InputError(
                shown(path), f"holds nothing that matches {self.pattern}", "check --pattern"
            )
        return InputError(shown(path), f"holds no {_KINDS}", "choose files with --pattern '*.ext'")

    def entries(self, path: Path, name: str) -> list[Entry]:
        """The entries of a file or folder; ``name`` is "" for a folder that is an input itself."""
        if path.is_dir() and not is_zarr(path):
            if self.split is not None:
                raise _no_split(path)
            return sorted(self.folder(path, name), key=lambda entry: natural(entry.name))
        if path.suffix.lower() in (".yml", ".yaml") and path.is_file():
            from .dataset import dataset_entries

            listed = dataset_entries(path, self.split)
            return [entry for entry in listed if self.pattern is None or self.wanted(entry.name)]
        if self.split is not None:
            raise _no_split(path)
        if is_zip(name) and path.is_file():
            return zip_entries(path, clean(name), self.wanted)
        taken = self.pattern is None or self.wanted(name)
        return [Entry(clean(name), PathSource(path))] if taken else []

    def wanted(self, name: str) -> bool:
        """Whether something found below an input is taken; ``name`` is relative to the input."""
        return is_wanted(name, self.pattern)

    def folder(self, top: Path, prefix: str) -> Iterator[Entry]:
        """The entries below a folder, in no order."""
        pending = [(top, prefix)]
        seen = set()
        while pending:
            folder, above = pending.pop()
            real = os.path.realpath(folder)
            if real in seen or (self.exclude is not None and _within(real, self.exclude)):
                continue
            seen.add(real)
            try:
                with os.scandir(folder) as listing:
                    items = sorted(listing, key=lambda item: item.name, reverse=True)
            except OSError:
                source = FaultSource(shown(folder), "may not be listed", "ask for permission")
                yield Entry(clean(above), source)
                continue
            for item in items:
                if is_junk(item.name):
                    continue
                path, name = Path(item.path), f"{above}/{item.name}" if above else item.name
                if not _is_folder(item):
                    yield from self.below(path, name)
                elif not is_zarr(path):
                    pending.append((path, name))
                elif self.wanted(name) or self.wanted(f"{name}.zarr"):
                    yield Entry(clean(name), PathSource(path))

    def below(self, path: Path, name: str) -> Iterator[Entry]:
        """The entries of a file in a folder."""
        if is_zip(name) and path.is_file():
            yield from zip_entries(path, clean(name), wanted_members(name, self.pattern))
        elif self.wanted(name):
            yield Entry(clean(name), PathSource(path))


def _no_split(path: Path) -> OptionError:
    return OptionError(
        f"--split: {shown(path)} is not a dataset; only a dataset file (.yml) has splits"
    )


def _place(entry: Entry, real_folder: Callable[[Path], str]) -> object:
    """Equal for two entries of the same content in the same place.

    ``real_folder`` is ``os.path.realpath`` with a memory, for a million files in a few folders.
    """
    if not isinstance(entry.source, PathSource):
        return entry.source
    path = entry.source.path
    if path.is_symlink() or path.name in ("", ".."):
        return os.path.realpath(path)
    return os.path.join(real_folder(path.parent), path.name)  # noqa: PTH118 - a million times


def _within(real: str, folder: str) -> bool:
    return real == folder or real.startswith(folder.rstrip(os.sep) + os.sep)


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _glob_base(path: Path) -> tuple[Path, tuple[str, ...]]:
    """The longest existing folder that ``path`` starts with literally, and the rest."""
    base = Path(path.anchor)
    for count, part in enumerate(path.parts[bool(path.anchor) :]):
        if not (base / part).is_dir():
            return base, path.parts[bool(path.anchor) :][count:]
        base /= part
    return base, ()


def _glob(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """What ``parts`` match below ``folder``; ``**`` is any number of folders, each taken once."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        for below in _folders(folder):
            yield from _glob(below, rest or ("*",))
    elif os.path.lexists(folder / part):
        yield from _glob(folder / part, rest)
    elif _MAGIC.search(part):
        for name in _listed(folder):
            if fnmatchcase(name, part) and (part.startswith(".") or not is_junk(name)):
                yield from _glob(folder / name, rest)


def _folders(top: Path) -> Iterator[Path]:
    pending, seen = [top], set()
    while pending:
        folder = pending.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        yield folder
        names = (name for name in _listed(folder) if not is_junk(name))
        pending += [folder / name for name in names if (folder / name).is_dir()]


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder), reverse=True)  # noqa: PTH208 - names, not paths
    except OSError:
        return []
