"""Folders that came as a zip."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from ..errors import OutputError
from ..image.atomic import replacing
from .names import inside
from .records import Output

_DAMAGED = ("came damaged", "run the same command again")


def unpack(packed: Path, output: Output, target: Path) -> None:
    """Unpack the zip ``packed`` of the folder ``output`` to ``target``.

    Its members bear the name of the output. Raises `OutputError` for a zip that is damaged or holds
    more than the output has, `UnsafeNameError` for a member that belongs elsewhere.
    """
    try:
        with zipfile.ZipFile(packed) as opened:
            members = opened.infolist()
            if sum(member.file_size for member in members) > output.bytes:
                raise OutputError(output.name, "came with more than it should have", _DAMAGED[1])
            target.mkdir()
            for member in members:
                # What does not begin so is absolute after this, and refused.
                path = inside(target, member.filename.removeprefix(f"{output.name}/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(opened, member, path)
    except (zipfile.BadZipFile, EOFError) as error:
        raise OutputError(output.name, *_DAMAGED) from error


def unpack_results(packed: Path, out: Path) -> list[Path]:
    """Unpack the zip ``packed`` of results into the folder ``out``; the files, each whole.

    Raises `OutputError` for a zip that is damaged, `UnsafeNameError` for a member that belongs
    elsewhere.
    """
    paths = []
    try:
        with zipfile.ZipFile(packed) as opened:
            for member in opened.infolist():
                path = inside(out, member.filename)
                with replacing(path) as temporary:
                    _write(opened, member, temporary)
                paths.append(path)
    except (zipfile.BadZipFile, EOFError) as error:
        raise OutputError("the results", *_DAMAGED) from error
    return paths


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    with opened.open(member) as source, path.open("wb") as file:
        shutil.copyfileobj(source, file)
