"""Names of inputs: which are images, how they sort, and what their results are called."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

#: Endings of the files that are images, in lower case. ``.zarr`` is a folder.
IMAGE_SUFFIXES = (
    ".tif",
    ".tiff",
    ".btf",
    ".tf2",
    ".tf8",
    ".png",
    ".jpg",
    ".jpeg",
    ".zarr",
)

#: Files of which one at the top of a folder says that the folder is Zarr, version 2 or 3.
ZARR_MARKERS = (".zattrs", ".zgroup", ".zarray", "zarr.json")

#: Names that systems leave in folders and zips.
_JUNK = {"__macosx", "thumbs.db", "desktop.ini"}

#: Bytes of one component of a result's path. File systems allow 255; a result's name adds its
#: kind, and its temporary name a process number.
_COMPONENT = 180

#: Endings of results. A folder of inputs with such an ending could be in a result's place.
_RESULT_SUFFIX = re.compile(r"\.(tiff?|png|zarr|json|geojson|csv|parquet)$", re.IGNORECASE)

#: Control characters, line separators, and what Python makes of names that are not UTF-8.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def shown(text: object) -> str:
    """``text`` on one line that any terminal and any UTF-8 file can hold."""
    return _UNPRINTABLE.sub("_", str(text))


def clean(path: str) -> str:
    """A posix path that stays below where it is put: no root, no ``..``, printable."""
    parts = (shown(part) for part in path.split("/"))
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "_"


def is_junk(part: str) -> bool:
    """Whether a file or folder name is hidden, unfinished, or left by a system."""
    lowered = part.lower()
    return part.startswith(".") or lowered.endswith(".part") or lowered in _JUNK


def is_image(name: str) -> bool:
    """Whether a name ends like an image's."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def natural(path: str) -> tuple[object, ...]:
    """The key that sorts ``img2`` before ``img10``, folder by folder, the same on every system."""
    return tuple(_pieces(part) for part in path.split("/")), path


def stem(name: str) -> str:
    """A name without its image ending: ``a/b`` of ``a/b.ome.tif``."""
    lowered = name.lower()
    for suffix in IMAGE_SUFFIXES:
        for ending in (f".ome{suffix}", suffix):
            kept = name[: -len(ending)]
            if lowered.endswith(ending) and kept and not kept.endswith("/"):
                return kept
    return name


def distinct_stems(names: Sequence[str]) -> list[str]:
    """For every name the path of its results less their endings: ``a/b`` for ``a/b.tif``.

    All differ, also where case and Unicode forms do not count (macOS, Windows). Names that share
    a stem keep their extensions (``b.tif``, ``b.png``); equal names are numbered (``b``, ``b-2``).
    The stems depend on the whole list and its order, so they are decided before it is divided.
    """
    stems = [_placed(stem(name)) for name in names]
    fulls = [_placed(name) for name in names]
    sharing: dict[str, set[str]] = {}
    for short, full in zip(stems, fulls, strict=True):
        sharing.setdefault(_folded(short), set()).add(_folded(full))
    chosen = [
        full if len(sharing[_folded(short)]) > 1 else short
        for short, full in zip(stems, fulls, strict=True)
    ]
    return _numbered(chosen, _folded, "{}-{}".format)


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names, those given before numbered: a second ``a.tif`` becomes ``a-2.tif``."""

    def number(name: str, count: int) -> str:
        base = stem(name)
        return f"{base}-{count}{name[len(base) :]}"

    return _numbered(names, str, number)


def _numbered(
    names: Sequence[str], folded: Callable[[str], str], number: Callable[[str, int], str]
) -> list[str]:
    """Names made distinct under ``folded``; a number never makes a name that another one has."""
    claimed = {folded(name) for name in names}
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    result = []
    for name in names:
        choice = name
        if folded(name) in taken:
            while folded(choice) in taken or folded(choice) in claimed:
                counts[folded(name)] += 1
                choice = number(name, counts[folded(name)] + 1)
        taken.add(folded(choice))
        result.append(choice)
    return result


def _pieces(part: str) -> tuple[object, ...]:
    """Text and numbers in turn; a number as its length and digits, which may be thousands."""
    pieces = re.split("([0-9]+)", part.casefold())
    return tuple(
        (len(piece.lstrip("0")), piece.lstrip("0")) if index % 2 else piece
        for index, piece in enumerate(pieces)
    )


def _placed(path: str) -> str:
    """``path`` with components that any file system takes and that no result's file can be."""
    *folders, last = clean(path).split("/")
    return "/".join(
        [_fitted(_RESULT_SUFFIX.sub(r"_\1", part)) for part in folders] + [_fitted(last)]
    )


def _fitted(part: str) -> str:
    return part.encode()[:_COMPONENT].decode(errors="ignore")


def _folded(path: str) -> str:
    """Equal for two paths that a file system may take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
