"""The models that a server can offer: where each comes from, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import CytomillError
from ...models.bare import SUFFIXES, card_of
from ...models.library import built_in, is_name
from ...models.package import read

#: Files that hold a whole model.
_SUFFIXES = (".zip", *SUFFIXES)

#: What the name of the view that takes raw pixels ends in.
PIXELS = ".pixels"

#: The version of a file that says none.
_UNVERSIONED = "1"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from.

    ``stamp`` changes with any of its files; ``fault`` says why it cannot be read, in one line.
    """

    name: str
    version: str
    path: Path
    stamp: tuple[tuple[str, int, int], ...] = ()
    fault: str = ""

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(size for _, _, size in self.stamp)


def scan(folder: Path | None, known: Mapping[str, Source] | None = None) -> dict[str, Source]:
    """The models of ``folder`` and the built-in ones, by name; the folder's win.

    What is ``known`` already and has not changed is not read again.
    """
    found = {name: _read(name, path, known) for name, path in built_in().items()}
    own: dict[str, Source] = {}
    for path in sorted(folder.iterdir()) if folder else ():
        if path.name.startswith(".") or not (path.is_dir() or path.suffix in _SUFFIXES):
            continue
        name = path.name if path.is_dir() else path.stem
        if name in own:
            fault = f"{own[name].path} and {path} would have one name; rename one"
            own[name] = Source(name, own[name].version, path, fault=fault)
        else:
            own[name] = _read(name, path, known)
    return found | own


def _read(name: str, path: Path, known: Mapping[str, Source] | None) -> Source:
    stamp = _stamp(path)
    old = (known or {}).get(name)
    if old is not None and old.path == path and old.stamp == stamp:
        return old
    if not is_name(name) or name.endswith(PIXELS):
        fault = f"{path}: a model's name has letters, digits, '.', '_' and '-'; rename it"
        return Source(name, _UNVERSIONED, path, stamp, fault)
    if bare(path):
        return Source(name, _UNVERSIONED, path, stamp)
    try:
        return Source(name, read(path).version or _UNVERSIONED, path, stamp)
    except CytomillError as error:
        return Source(name, _UNVERSIONED, path, stamp, str(error))


def bare(path: Path) -> bool:
    """Whether it is a network that nobody describes, and that says itself what it takes."""
    return path.suffix == ".onnx" and not card_of(path).is_file()


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path, card_of(path)]
    stats = ((str(file), file.stat()) for file in files if file.is_file())
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
