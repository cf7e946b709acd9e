"""Writing so that an output is whole or absent, never half there."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import OutputError

#: What the operating system says, in a user's words, and the way out.
_FAULTS = {
    errno.ENOSPC: ("the disk is full", "free space and run the same command again"),
    errno.EDQUOT: ("your disk quota is used up", "free space and run the same command again"),
    errno.EACCES: ("you may not write there", "change its permissions or choose another folder"),
    errno.EPERM: ("you may not write there", "change its permissions or choose another folder"),
    errno.EROFS: ("the disk is read-only", "choose a folder on another disk"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "move it or choose another folder"),
    errno.EEXIST: ("a file stands where a folder is needed", "move it or choose another folder"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "shorten the input's name"),
}

#: Letters of a name that its temporary's name repeats: the rest must fit what file systems allow.
_STEM = 40


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``path``; move it over ``path`` when the block succeeds.

    What is written there may be a file or a folder, and takes the place of a file or a folder.
    On any exception, Ctrl-C included, the temporary is removed and ``path`` is as it was. Missing
    parent folders are made. A killed program leaves no half-written output; a power cut may, as
    nothing is forced onto the disk: one `os.sync` after many outputs costs less than one for each.
    Raises `OutputError` for every `OSError` in the block, so a block must turn errors of its inputs
    into its own before they leave it.
    """
    name = f".{path.stem[:_STEM]}.{os.getpid()}.{secrets.token_hex(4)}.part"
    temporary = path.with_name(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _move(temporary, path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        _remove(temporary)


def clear_leftovers(path: Path) -> None:
    """Remove the temporaries of ``path`` that killed programs left beside it.

    Those of other paths go too where long names begin alike: only for folders that no one else
    writes to.
    """
    name = re.compile(rf"\.{re.escape(path.stem[:_STEM])}\.\d+\.[0-9a-f]{{8}}(\.old)?\.part")
    with suppress(OSError):
        for found in list(path.parent.iterdir()):
            if name.fullmatch(found.name):
                _remove(found)


def output_error(path: Path, error: OSError) -> OutputError:
    """The `OutputError` that tells a user what ``error`` means for the output ``path``."""
    reason = error.strerror or str(error) or type(error).__name__
    fault, advice = _FAULTS.get(error.errno or 0, (f"cannot be written ({reason})", ""))
    return OutputError(path, fault, advice or "check the disk and run the same command again")


def _move(temporary: Path, path: Path) -> None:
    """Put ``temporary`` in the place of ``path``; a folder there is moved aside first."""
    if not path.is_dir() and not (path.exists() and temporary.is_dir()):
        temporary.replace(path)
        return
    old = temporary.with_name(temporary.name.removesuffix(".part") + ".old.part")
    path.replace(old)
    try:
        temporary.replace(path)
    except BaseException:
        old.replace(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    """Remove a file or folder if it is there; leave what cannot be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
