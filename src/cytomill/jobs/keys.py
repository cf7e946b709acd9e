"""What a key of a bucket may be, so that every kind of bucket holds it unchanged."""

from __future__ import annotations

import re

from ..errors import InputError

#: Bytes of a component, which file systems allow, and of a whole key: S3 allows 1024, of which a
#: bucket's prefix takes some.
COMPONENT, WHOLE = 255, 900

#: The folder at the top of a bucket for what is not whole yet: it is never listed.
UNFINISHED = ".part"

#: Control characters, which cannot be in the XML that S3 lists objects with, and the halves of
#: characters that Python makes of names that are not UTF-8.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def check(key: str) -> str:
    """``key`` itself. Raises `InputError` where no object can have it."""
    parts = key.split("/")
    if "" in parts or "." in parts or ".." in parts or parts[0] == UNFINISHED:
        raise InputError(repr(key), "is not a clean path", "leave out '.', '..' and a '/' too many")
    if _UNFIT.search(key):
        raise InputError(repr(key), "has control characters or is not UTF-8", "rename it")
    if len(key) > COMPONENT // 4:
        _check_length(key, parts)
    return key


def check_folder(prefix: str) -> str:
    """``prefix`` itself, a key or empty for the whole bucket. Raises `InputError`."""
    return prefix and check(prefix)


def is_name(name: str) -> bool:
    """Whether a file's name may be a component of a key, but for its length."""
    return not _UNFIT.search(name)


def _check_length(key: str, parts: list[str]) -> None:
    long = max(parts, key=lambda part: len(part.encode()))
    if len(long.encode()) > COMPONENT:
        raise InputError(
            repr(key), f"a name in it has more than {COMPONENT} bytes in UTF-8", "shorten it"
        )
    if len(key.encode()) > WHOLE:
        raise InputError(
            repr(key), f"has more than {WHOLE} bytes in UTF-8", "shorten its folders' names"
        )
