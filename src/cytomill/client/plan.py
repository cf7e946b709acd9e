"""From the inputs that a user names to the files to send: what `cytomill run` would take of them.

Inputs are grouped so that the kiosk lists what it was sent in the order, and under the names, that
a run on this machine gives them: a folder or a glob is a group, and so are files that follow each
other in natural order. Where they are frames of movies, those of one folder are a group.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from ..errors import InputError
from ..image.archive import is_zip
from ..image.collect import named
from ..image.entry import is_zarr
from ..image.movies import folder_name
from ..image.names import clean, is_image, is_junk, natural, shown

#: Groups that files named one by one may make: beyond it they go as one, in natural order.
_GROUPS = 20

#: Ending of a file that tells of the OME-TIFF files beside it.
_COMPANION = ".companion.ome"

#: A pattern that takes files whatever their names.
_ANY = "*"


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: where it lies, its name at the kiosk, its bytes, when it was changed."""

    path: Path
    name: str
    bytes: int
    changed: int


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are sent as one upload. ``pattern`` is put to them there, unless empty.

    ``folder`` is what the folder is called that those without a folder in their names are in.
    """

    label: str
    files: tuple[File, ...]
    pattern: str = ""
    folder: str = ""

    @property
    def bytes(self) -> int:
        """The sum of theirs."""
        return sum(file.bytes for file in self.files)

    @property
    def name(self) -> str:
        """A name that only the same files, unchanged, have: by it what was sent is found again."""
        sha = hashlib.sha256()
        for file in self.files:
            sha.update(f"{file.name}\0{file.bytes}\0{file.changed}\n".encode())
        return f"{self.label[:80]} {sha.hexdigest()[:16]}"


def plan(
    inputs: Sequence[str | Path] | str | Path,
    pattern: str | None = None,
    exclude: str | Path | None = None,
    *,
    movies: bool = False,
) -> list[Group]:
    """The groups of ``inputs``: files, folders, globs and zips; see `cytomill.run`.

    ``pattern`` chooses within folders and zips; the folder ``exclude`` is left out. A file that
    several inputs reach is taken once. With ``movies`` files named one by one go folder by folder.
    Raises `InputError` for an input that does not exist, cannot be read or holds nothing to take.
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    search = _Search(pattern, exclude)
    groups: list[Group] = []
    alone: list[_Found] = []
    apart = _by_folder if movies else _grouped
    for one in (os.fspath(one) for one in given):
        found = named(one)
        if found.path is not None and _single(found.path):
            alone += search.fresh(search.file(found.path, found.path.name))
            continue
        groups += apart(alone, search)
        alone = []
        if found.path is not None:
            inside = search.folder(found.path, "")
            if not inside:
                raise search.nothing(found.path)
        else:
            inside = [one for path, name in found.matches for one in search.any(path, name)]
        groups += _group(search.fresh(inside), search.pattern)
    groups += apart(alone, search)
    if not groups:
        fault = f"has no match for --pattern {pattern}" if pattern else "hold no image"
        raise InputError("the inputs", fault, "give TIFF, PNG, JPEG, OME-Zarr or zip files")
    return groups


@dataclass(frozen=True, slots=True)
class _Found:
    """What is taken as one: a file, or the files of an OME-Zarr folder; ``odd`` names no image."""

    path: Path
    name: str
    files: tuple[File, ...]
    odd: bool = False


class _Search:
    """How files are chosen, as `image.collect` does."""

    def __init__(self, pattern: str | None, exclude: str | Path | None) -> None:
        self.pattern = pattern or ""
        self._exclude = None if exclude is None else Path(os.path.realpath(exclude))
        self._seen: set[str] = set()
        self._real = lru_cache(maxsize=4096)(os.path.realpath)

    def wanted(self, name: str) -> bool:
        """Whether what is found under ``name`` is taken."""
        if not self.pattern:
            return is_image(name) or is_zip(name)
        last = name.rsplit("/", 1)[-1]
        return fnmatchcase(name, self.pattern) or fnmatchcase(last, self.pattern)

    def nothing(self, path: Path) -> InputError:
        """The error for a folder of which nothing is taken."""
        if self.pattern:
            fault = f"holds nothing that matches {self.pattern}"
            return InputError(shown(path), fault, "check --pattern")
        if self._left_out(os.path.realpath(path)):
            advice = "leave it out of the inputs, or write to another folder (-o)"
            return InputError(shown(path), "is where the results are written", advice)
        advice = "choose files with --pattern '*.ext'"
        return InputError(shown(path), "holds no TIFF, PNG, JPEG, OME-Zarr or zip", advice)

    def fresh(self, found: Iterable[_Found]) -> list[_Found]:
        """Those that no input reached before."""
        new = []
        for one in found:
            place = self._place(one.path)
            if place not in self._seen:
                self._seen.add(place)
                new.append(one)
        return new

    def _place(self, path: Path) -> str:
        if path.is_symlink() or path.name in ("", ".."):
            return os.path.realpath(path)
        return os.path.join(self._real(path.parent), path.name)  # noqa: PTH118 - a million times

    def _left_out(self, real: str) -> bool:
        return self._exclude is not None and Path(real).is_relative_to(self._exclude)

    def any(self, path: Path, name: str) -> list[_Found]:
        """What is found at a path that a glob matches."""
        return self.file(path, name) if _single(path) else self.folder(path, name)

    def file(self, path: Path, name: str) -> list[_Found]:
        """A file or OME-Zarr folder that was named itself: taken whatever its name."""
        if path.suffix.lower() in (".yml", ".yaml") and path.is_file():
            advice = "give the images or the folder that it lists, or use 'cytomill run'"
            raise InputError(shown(path), "is a dataset file, which a kiosk does not take", advice)
        if self.pattern and not is_zip(name) and not self.wanted(name):
            return []
        if path.is_dir():
            return [_Found(path, clean(name), tuple(_tree(path, clean(name))))]
        odd = not self.pattern and not is_image(name) and not is_zip(name)
        return [_Found(path, clean(name), (_file(path, clean(name)),), odd)]

    def folder(self, top: Path, prefix: str) -> list[_Found]:
        """What is taken of a folder and those below it, in natural order."""
        pending = [(top, prefix)]
        seen, found = set(), []
        while pending:
            folder, above = pending.pop()
            real = os.path.realpath(folder)
            if real in seen or self._left_out(real):
                continue
            seen.add(real)
            for path in _listed(folder):
                name = f"{above}/{path.name}" if above else path.name
                if is_junk(path.name):
                    continue
                if path.is_dir() and not is_zarr(path):
                    pending.append((path, name))
                elif path.is_dir():
                    if self.wanted(name) or self.wanted(f"{name}.zarr"):
                        found.append(_Found(path, clean(name), tuple(_tree(path, clean(name)))))
                elif self.wanted(name) or is_zip(name) or name.lower().endswith(_COMPANION):
                    found.append(_Found(path, clean(name), (_file(path, clean(name)),)))
        if all(one.name.lower().endswith(_COMPANION) for one in found):
            return []
        return sorted(found, key=lambda one: natural(one.name))


def _single(path: Path) -> bool:
    return not path.is_dir() or is_zarr(path)


def _group(found: Sequence[_Found], pattern: str) -> list[Group]:
    """The one group of ``found``; none where it is empty."""
    files = tuple(file for one in found for file in one.files)
    if not files:
        return []
    label = found[0].name.split("/")[0] if len(found) == 1 else "images"
    folder = next((folder_name(one.path.parent) for one in found if "/" not in one.name), "")
    return [Group(label, files, pattern, shown(folder))]


def _by_folder(found: Sequence[_Found], search: _Search) -> list[Group]:
    """The groups of what was named one by one, as the frames of movies are."""
    folders: dict[tuple[str, bool], list[_Found]] = {}
    for one in found:
        folders.setdefault((os.path.realpath(one.path.parent), one.odd), []).append(one)
    return [
        group
        for inside in folders.values()
        for group in _grouped(sorted(inside, key=lambda one: natural(one.name)), search)
    ]


def _grouped(found: Sequence[_Found], search: _Search) -> list[Group]:
    """The groups of what was named one by one."""
    runs: list[list[_Found]] = []
    for one in found:
        last = runs[-1][-1] if runs else None
        follows = last is not None and last.odd == one.odd
        if follows and last is not None and natural(last.name) < natural(one.name):
            runs[-1].append(one)
        else:
            runs.append([one])
    distinct = {one.name for one in found}
    if len(runs) > _GROUPS and len(distinct) == len(found) and not any(one.odd for one in found):
        runs = [sorted(found, key=lambda one: natural(one.name))]
    return [group for run in runs for group in _group(run, _ANY if run[0].odd else search.pattern)]


def _tree(top: Path, name: str) -> Iterator[File]:
    """The files of an OME-Zarr folder, all of them, in the order of their names."""
    pending = [(top, name)]
    while pending:
        folder, above = pending.pop()
        for path in _listed(folder):
            below = f"{above}/{path.name}"
            if path.is_dir():
                pending.append((path, below))
            elif not path.name.endswith(".part") and path.name != ".DS_Store":
                yield _file(path, below)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        reason = f"cannot be listed ({error.strerror or error})"
        raise InputError(shown(folder), reason, "ask for permission, or leave it out") from error


def _file(path: Path, name: str) -> File:
    try:
        status = path.stat()
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise InputError(shown(path), reason, "ask for permission, or leave it out") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(shown(path), "is not a file", "leave it out")
    return File(path, name, status.st_size, status.st_mtime_ns)
