"""The files that a description names: each lies in the package, or is not used."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from ..image.names import shown
from .attachment import Attachment
from .fields import Field

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def located(field: Field) -> Path | None:
    """Where the file that ``field`` names is, whether or not it is there.

    None for a URL, unless the package holds a file of its last component: so packages name what
    they took along. Raises `ModelError` for a path that is absolute or leaves the package.
    """
    text = field.text()
    folder = field.file.parent
    if _URL.match(text):
        last = shown(PurePosixPath(unquote(urlsplit(text).path)).name)
        return folder / last if last and (folder / last).is_file() else None
    if text.startswith("/") or PureWindowsPath(text).drive or "\\" in text:
        raise field.fault(f"is {text!r}, and must be a path from the description's folder")
    if not text or ".." in PurePosixPath(text).parts:
        raise field.fault(f"is {text!r}, a path that leads out of the package")
    path = folder / text
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise field.fault(f"is {text!r}, a link that leads out of the package")
    return path


def hashed(field: Field | None) -> str | None:
    """A SHA-256 in lower case, None where it is not given."""
    if field is None:
        return None
    text = field.text().lower()
    if not _SHA256.fullmatch(text):
        raise field.fault(f"is {text!r}, and must be a SHA-256 of 64 hexadecimal digits")
    return text


def attached(field: Field | None, *, needed: bool) -> Attachment | None:
    """The file of a field that is a path, or a mapping of ``source`` and ``sha256``.

    None where it is not given, or is a URL; where it is not there and not ``needed``, too. Raises
    `ModelError` for a file that is needed and not there.
    """
    if field is None:
        return None
    source = field.need("source") if field.is_mapping else field
    sha256 = hashed(field.get("sha256")) if field.is_mapping else None
    path = located(source)
    if path is None:
        return None
    if not path.is_file():
        if needed:
            raise source.fault(f"is {source.text()!r}, and the package holds no such file")
        return None
    return Attachment(path, sha256)
