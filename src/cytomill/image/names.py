"""Names of inputs: which are images, how they sort, and what their results are called."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

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

#: What of a name is no part of its stem, a longer ending before a shorter one.
_ENDINGS = [ending for suffix in IMAGE_SUFFIXES for ending in (f".ome{suffix}", suffix)]

#: Files of which one at the top of a folder says that the folder is Zarr, version 2 or 3.
ZARR_MARKERS = (".zattrs", ".zgroup", ".zarray", "zarr.json")

#: Names that systems leave in folders and zips.
_JUNK = {"__macosx", "thumbs.db", "desktop.ini"}

#: Bytes of one component of a result's path. File systems allow 255; a result's name adds its
#: kind, and its temporary name a process number.
_COMPONENT = 180

#: Endings of results. A folder of inputs with such an ending could be in a result's place.
_RESULT_SUFFIX = re.compile(r"\.(tiff?|png|zarr|json|geojson|csv|parquet)$", re.IGNORECASE)

#: A part of a path that is empty or leads elsewhere.
_UNCLEAN = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")

#: Control characters, line separators, and what Python makes of names that are not UTF-8.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def shown(text: object) -> str:
    """``text`` on one line that any terminal and any UTF-8 file can hold."""
    return _UNPRINTABLE.sub("_", str(text))


def clean(path: str) -> str:
    """A posix path that stays below where it is put: no root, no ``..``, printable."""
    if path.isascii() and path.isprintable() and not _UNCLEAN.search(path):
        return path  # the rule
    parts = shown(path).split("/")
    return "/".join([part for part in parts if part not in ("", ".", "..")]) or "_"


def is_junk(part: str) -> bool:
    """Whether a file or folder name is hidden, unfinished, or left by a system."""
    lowered = part.lower()
    return part.startswith(".") or lowered.endswith(".part") or lowered in _JUNK


def is_image(name: str) -> bool:
    """Whether a name ends like an image's."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def natural(path: str) -> tuple[object, ...]:
    """The key that sorts ``img2`` before ``img10``, folder by folder, the same on every system."""
    *folders, last = path.split("/")
    return (*map(_folder_pieces, folders), _pieces(last)), path


def stem(name: str) -> str:
    """A name without its image ending: ``a/b`` of ``a/b.ome.tif``."""
    lowered = name.lower()
    if not lowered.endswith(IMAGE_SUFFIXES):
        return name
    for ending in _ENDINGS:
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
    keys = [_folded(short) for short in stems]
    sharing: dict[str, set[str]] = {}
    for key, count in Counter(keys).items():
        if count > 1:
            sharing[key] = set()
    for key, name in zip(keys, names, strict=True):
        if key in sharing:
            sharing[key].add(_folded(_placed(name)))
    chosen = [
        _placed(name) if len(sharing.get(key, ())) > 1 else short
        for key, short, name in zip(keys, stems, names, strict=True)
    ]
    return _numbered(chosen, _folded, "{}-{}".format)


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names, those given before numbered: a second ``a.tif`` becomes ``a-2.tif``."""

    def number(name: str, count: int) -> str:
        base = stem(name)
        return f"{base}-{count}{name[len(base) :]}"

    return _numbered(names, str, number)


def series_stems(stem: str, images: int, taken: Collection[str]) -> list[str]:
    """Output stems of the images of a file: of several they end in ``_s0``, ``_s1``…

    ``taken`` holds the stems of all inputs, case folded: ``a_s0.tif`` may lie beside ``a.tif``.
    """
    if images == 1:
        return [stem]
    end = "_s"
    while any(f"{stem}{end}{i}".casefold() in taken for i in range(images)):
        end = f"_{end}"
    return [f"{stem}{end}{i}" for i in range(images)]


def _numbered(
    names: Sequence[str], folded: Callable[[str], str], number: Callable[[str, int], str]
) -> list[str]:
    """Names made distinct under ``folded``; a number never makes a name that another one has."""
    keys = [folded(name) for name in names]
    claimed = set(keys)
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    result = []
    for name, own in zip(names, keys, strict=True):
        choice, key = name, own
        if own in taken:
            while key in taken or key in claimed:
                counts[own] += 1
                choice = number(name, counts[own] + 1)
                key = folded(choice)
        taken.add(key)
        result.append(choice)
    return result


def _pieces(part: str) -> tuple[object, ...]:
    """Text and numbers in turn; a number as its length and digits, which may be thousands."""
    pieces = re.split("([0-9]+)", part.casefold())
    return tuple(
        (len(piece.lstrip("0")), piece.lstrip("0")) if index % 2 else piece
        for index, piece in enumerate(pieces)
    )


#: With a memory, for a million files in a few folders.
_folder_pieces = lru_cache(maxsize=4096)(_pieces)


def _placed(path: str) -> str:
    """``path`` with components that any file system takes and that no result's file can be."""
    *folders, last = clean(path).split("/")
    return "/".join([*map(_placed_folder, folders), _fitted(last)])


@lru_cache(maxsize=4096)
def _placed_folder(part: str) -> str:
    return _fitted(_RESULT_SUFFIX.sub(r"_\1", part))


def _fitted(part: str) -> str:
    if len(part) <= _COMPONENT // 4:
        return part
    return part.encode()[:_COMPONENT].decode(errors="ignore")


def _folded(path: str) -> str:
    """Equal for two paths that a file system may take for one."""
    if path.isascii():  # the rule, and ten times as fast
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
