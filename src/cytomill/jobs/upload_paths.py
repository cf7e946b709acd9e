"""Paths in uploads: what a user may call a file, and how files are ordered."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from ..errors import InputError
from ..image.names import shown
from .keys import COMPONENT, WHOLE

#: Bytes of a whole path: a key has some before it.
LONGEST = WHOLE - 50

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
_NUMBER = re.compile("([0-9]+)")


def clean_path(path: str) -> str:
    """``path`` below an upload: posix, without a root, ``.``, ``..`` or anything unprintable.

    Raises `InputError` where it is none: what leads elsewhere is a mistake or an attack, and is not
    mended.
    """
    if not path:
        raise InputError("''", "is no path", "name the file")
    told = shown(path[:200])
    if "\\" in path:
        raise InputError(told, "has a backslash", "write / between folders")
    if path.startswith("/") or _DRIVE.match(path):
        raise InputError(told, "is an absolute path", "give one below the folder you upload")
    if _CONTROL.search(path):
        raise InputError(told, "has control characters, or is not UTF-8", "rename it")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise InputError(told, "leads out of the upload", "leave out '..'")
    if not parts:
        raise InputError(told, "is no path", "name the file")
    if any(len(part.encode()) > COMPONENT for part in parts):
        raise InputError(
            told, f"a name in it has more than {COMPONENT} bytes in UTF-8", "shorten it"
        )
    cleaned = "/".join(parts)
    if len(cleaned.encode()) > LONGEST:
        raise InputError(
            told, f"has more than {LONGEST} bytes in UTF-8", "shorten its folders' names"
        )
    return cleaned


def path_digest(path: str) -> str:
    """What stands for ``path`` in keys: SHA-256 in hex."""
    return hashlib.sha256(path.encode()).hexdigest()


def order(path: str) -> str:
    """Sorts as `names.natural`, in a tenth of its memory: an upload may have a million files."""
    *folders, last = path.split("/")
    return "".join([*map(_known_folder, folders), _folder(last)]) + "\0\0" + path


def _folder(part: str) -> str:
    """Each piece, ended by what sorts before all that may follow; a number after its length."""
    found = []
    for index, piece in enumerate(_NUMBER.split(part.casefold())):
        digits = piece.lstrip("0")
        found.append(f"{len(digits):04d}{digits}\0" if index % 2 else f"{piece}\0")
    return "".join(found) + "\x01"


#: With a memory, for a million files in a few folders.
_known_folder = lru_cache(maxsize=4096)(_folder)
