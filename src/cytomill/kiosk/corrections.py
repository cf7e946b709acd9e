"""Which files of an input are taken, and what its user says of them, by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..image.correction import Correction, named_axes

#: The path that stands for all.
ALL = "*"


class Corrections:
    """What is said of the files of an input ``given`` with a job, and which are taken."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        said = given.get("corrections", ())
        self._said = {_plain(one["path"]): _correction(one) for one in said}
        #: The paths that are taken; None for all.
        self.paths = frozenset(map(_plain, given["paths"])) if given.get("paths") else None
        self._above = {above for path in self.paths or () for above in _upwards(path)}

    def of(self, path: str) -> Correction | None:
        """What is right of the file or member at ``path``; None where nothing is said."""
        if not self._said:
            return None
        found = next((self._said[one] for one in _upwards(path) if one in self._said), None)
        return found or self._said.get(ALL)

    def takes(self, path: str) -> bool:
        """Whether the file, folder or member at ``path`` is taken."""
        return self.paths is None or any(one in self.paths for one in _upwards(path))

    def names(self, path: str) -> bool:
        """Whether the file at ``path`` itself was named: it is taken whatever it is called."""
        return self.paths is not None and path in self.paths

    def takes_inside(self, path: str) -> bool:
        """Whether something in the zip at ``path`` may be taken."""
        return self.paths is None or path in self._above or self.takes(path)


def _correction(said: Mapping[str, Any]) -> Correction:
    axes = said.get("axes")
    return Correction(named_axes(axes) if axes is not None else None, said.get("pixel_size"))


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _upwards(path: str) -> Iterator[str]:
    """``path``, the folder that it is in, and so on."""
    while path:
        yield path
        path = path.rpartition("/")[0]
