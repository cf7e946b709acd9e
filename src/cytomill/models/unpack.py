"""Zipped packages: unpacked once, into a folder named by the zip's hash."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from ..errors import InputError, ModelError
from ..image.archive import zip_members
from ..image.atomic import output_error
from ..image.names import shown
from ..image.zipmember import ZipMember
from ..settings import settings
from .sniff import DESCRIPTIONS

#: Files that a package may have; real ones have a few dozen.
_MOST_FILES = 10_000


def unpacked(path: Path, cache: Path) -> Path:
    """The folder in ``cache`` that holds the package of the zip ``path``; unpacks it if need be.

    Safe to call from several processes. Raises `ModelError` for a zip with anything hostile in it:
    more bytes than `settings.model_bytes`, links, encryption, paths that lead elsewhere; and
    `OutputError` where it cannot be written.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    folder = cache / digest[:32]
    if not folder.is_dir():
        members = _checked(path)
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as aside:
                _write_all(members, Path(aside, "package"))
                _rename(Path(aside, "package"), folder)
        except OSError as error:
            raise output_error(folder, error) from error
    return _root(path, folder)


def unpack(path: Path, folder: Path) -> None:
    """Unpack a zip into the new ``folder``; raises `ModelError` as `unpacked` does, `OSError`."""
    _write_all(_checked(path), folder)


def _write_all(members: list[ZipMember], folder: Path) -> None:
    folder.mkdir()
    for member in members:
        _write(member, folder / member.name)


def _rename(made: Path, folder: Path) -> None:
    """Put ``made`` in its place, unless another process was first: what it made is the same."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _checked(path: Path) -> list[ZipMember]:
    try:
        members = zip_members(path)
    except InputError as error:
        raise ModelError(str(error)) from None
    total = sum(member.size for member in members)
    if total > settings.model_bytes:
        raise ModelError(
            f"{path}: would unpack to {total:,} bytes, more than the {settings.model_bytes:,} "
            "allowed; set CYTOMILL_MODEL_BYTES higher if you trust it"
        )
    if len(members) > _MOST_FILES:
        raise ModelError(f"{path}: holds {len(members):,} files; it is no model package")
    return members


def _write(member: ZipMember, path: Path) -> None:
    chunks = member.chunks()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.writelines(chunks)
    except InputError as error:
        raise ModelError(str(error)) from None
    except (FileExistsError, NotADirectoryError):
        raise ModelError(
            f"{shown(member.label)}: is in the zip twice, or is both a file and a folder; make the "
            "zip again"
        ) from None


def _root(path: Path, folder: Path) -> Path:
    """The folder of the description that is nearest to the top."""
    found = [file for name in DESCRIPTIONS for file in folder.rglob(name) if file.is_file()]
    if not found:
        raise ModelError(f"{path}: holds no {' or '.join(DESCRIPTIONS)}; not a model package")
    least = min(len(file.parts) for file in found)
    roots = sorted({file.parent for file in found if len(file.parts) == least})
    if len(roots) > 1:
        names = ", ".join(root.name for root in roots)
        raise ModelError(f"{path}: holds several packages ({names}); zip each by itself")
    return roots[0]
