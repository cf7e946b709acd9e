"""A folder that came as a zip."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from ..errors import OutputError
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
                with opened.open(member) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, EOFError) as error:
        raise OutputError(output.name, *_DAMAGED) from error
