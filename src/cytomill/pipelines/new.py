"""The beginning of a user's own pipeline: a file that works, and is there to be changed."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from ..errors import OptionError
from ..image.atomic import output_error
from . import template
from .registry import names

#: What is good as a name of a file, of a class, and of an analysis on a command line.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")


def write(name: str, folder: Path) -> Path:
    """Write the pipeline ``name`` into ``folder``, which is made; returns the new file.

    Raises `OptionError` for a name that is not usable or taken, and where the file is there;
    `OutputError`.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise OptionError(
            f"{name!r} cannot be a pipeline's name: small letters, digits and '_' can, a letter "
            "first, at most 50, and no word of Python"
        )
    path = folder.expanduser() / f"{name}.py"
    if path.exists():
        raise OptionError(f"{path}: is there already; change it, remove it or choose another name")
    if name in names():
        raise OptionError(f"there is a pipeline {name!r} already; choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_text(name))
    except FileExistsError:
        raise OptionError(f"{path}: is there already; choose another name") from None
    except OSError as error:
        raise output_error(path, error) from error
    return path


def _text(name: str) -> str:
    """The template with another name: of the file, its classes, and in its words."""
    text = Path(template.__file__).read_text(encoding="utf-8")
    kind = "".join(part.capitalize() for part in name.split("_"))
    return text.replace("template", name).replace("Template", kind)
