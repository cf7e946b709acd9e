"""Where results go: never out of their folder, whatever a server calls them."""

from __future__ import annotations

import os
from pathlib import Path

from ..image.names import shown
from .errors import UnsafeNameError

#: The folder of what is about a folder of results itself.
HIDDEN = ".cytomill"


def inside(out: Path, name: str) -> Path:
    """The path of the result ``name`` in ``out``. Raises `UnsafeNameError` were it elsewhere."""
    parts = name.split("/")
    if shown(name) != name or "\\" in name or parts[0] == HIDDEN:
        raise UnsafeNameError(name)
    if any(one in ("", ".", "..") for one in parts):
        raise UnsafeNameError(name)
    path = out.joinpath(*parts)
    # A link that lies there may lead anywhere.
    if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(out)):
        raise UnsafeNameError(name)
    return path
