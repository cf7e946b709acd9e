"""Listing: from the inputs of a job to its items, with the names that a run would give them.

Nothing of a job's state is needed but the bucket, so that a listing whose consumer died is done
again and goes on where that one stopped.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..batch.outputs import Outputs
from ..errors import InputError, OptionError
from ..image.archive import is_zip, zip_entries
from ..image.collect import is_wanted, wanted_members
from ..image.correction import Correction
from ..image.movies import holds_plane
from ..image.names import (
    ZARR_MARKERS,
    clean,
    distinct_names,
    distinct_stems,
    is_junk,
    natural,
)
from ..image.series import Place, together
from ..jobs import layout
from ..jobs.bucket import Bucket
from ..jobs.errors import MissingError
from ..jobs.items import Item, write_page
from ..jobs.job import Job
from ..jobs.uploads import Uploads
from ..pipelines.base import Products
from .backend import Backend
from .cache import Cache
from .corrections import Corrections
from .frames import told_objects
from .inputs import located
from .place import fault, inside, member, told, told_frames


class _Found(NamedTuple):
    """Something to process; of a million the names take less than records would."""

    name: str
    key: str
    source: str
    entry: str
    right: Correction | None = None


#: How the stems of a file's images end where there are several.
_SERIES = re.compile("(_+)s[0-9]+$")

#: The end of the name of an OME-Zarr folder, in the path of a file in it.
_ZARR = re.compile(r"\.zarr/", re.IGNORECASE)

#: Files of an input: their path in it, and their key.
_Files = Iterable[tuple[str, str]]


class Listing:
    """Lists the items of jobs."""

    def __init__(self, backend: Backend, uploads: Uploads, cache: Cache) -> None:
        self._backend, self._uploads, self._cache = backend, uploads, cache

    def list(
        self,
        job: Job,
        outputs: Outputs,
        products: Products,
        wanted: Callable[[], bool],
        *,
        movies: bool = False,
    ) -> None:
        """Find the items of ``job``, write their pages and tell the queue of each.

        With ``movies`` files that are frames of one are an item, as `image.collect` has it. Pages
        that an earlier listing told of are left as they are. Ends early once ``wanted`` is false.
        Raises `InputError` where nothing is found, `OptionError` for inputs that there are
        not and where two items would have a file of one name, `QuotaError`.
        """
        seen: set[tuple[str, str, str]] = set()
        every: list[_Found] = []
        for given in job.inputs:
            found = [one for one in self._input(given) if _is_new(one, seen)]
            every += self._with_movies(found, given) if movies else found
        if not every:
            patterns = [given["pattern"] for given in job.inputs if given.get("pattern")]
            what = f"have no match for {', '.join(patterns)}" if patterns else "hold no image"
            if not patterns and any(given.get("paths") for given in job.inputs):
                what = "hold no image at the paths that were chosen"
            raise InputError("the inputs", what, "give TIFF, PNG, JPEG, OME-Zarr or zip files")
        seen.clear()
        names = distinct_names([one.name for one in every])
        stems = distinct_stems(names)
        outputs.check_stems(products, stems)
        taken = _beside(stems)
        total = len(every)
        for first in range(job.items // layout.PAGE * layout.PAGE, total, layout.PAGE):
            if not wanted():
                return
            rows = slice(first, first + layout.PAGE)
            page = [
                _item(one, name, stem, tuple(taken.get(stem, ())))
                for one, name, stem in zip(every[rows], names[rows], stems[rows], strict=True)
            ]
            write_page(self._backend.bucket, job.id, first // layout.PAGE, page)
            most = self._backend.settings.job_items
            last = first + len(page) == total
            if self._backend.queue.extend(job, first, len(page), last=last, most=most) < 0:
                return

    def _input(self, given: Any) -> Iterator[_Found]:
        """What is found in one input of a job."""
        pattern = given.get("pattern") or None
        said = Corrections(given)
        if "upload" in given:
            name = given["upload"]
            if not self._uploads.touch(name):
                raise OptionError(f"upload {name} is gone; upload the files again")
            files = ((file.path, file.key) for file in self._uploads.files(name))
            ours = self._backend.bucket
            return self._folder("", ours, "image", files, pattern, said, ordered=True)
        source, prefix = given["source"], str(given.get("prefix") or "").strip("/")
        bucket = self._backend.sources.get(source)
        if bucket is None:
            raise OptionError(f"there is no source {source!r} here")
        if prefix and bucket.size(prefix) is not None:
            return self._single(source, bucket, prefix, pattern, said)
        own = prefix.rsplit("/", 1)[-1] or source
        skip = len(prefix) + 1 if prefix else 0
        files = ((found.key[skip:], found.key) for found in bucket.list(prefix))
        return self._folder(source, bucket, own, files, pattern, said, ordered=False)

    def _with_movies(self, found: Sequence[_Found], given: Any) -> Iterator[_Found]:
        """What is found in an input, with those that are frames of a movie as one."""
        source = given.get("source", "")
        own = str(given.get("prefix") or "").strip("/").rsplit("/", 1)[-1] or source
        own = own or str(given.get("folder") or "")
        places = [_place(one, own) for one in found]
        for one in together(places, lambda index: self._holds_plane(found[index])):
            if isinstance(one, int):
                yield found[one]
                continue
            first = found[one.files[0]]
            if inside := member(first.entry):
                entry = told_frames(inside[0], one.series)
            else:
                keys = (found[index].key for index in one.files)
                entry = told_objects(one.series, dict(zip(one.series.names, keys, strict=True)))
            yield _Found(one.name, first.key, source, entry, first.right)

    def _holds_plane(self, one: _Found) -> bool | None:
        bucket = self._backend.sources[one.source] if one.source else self._backend.bucket
        item = Item(one.name, one.key, "", one.source, one.entry)
        try:
            with located(self._cache, bucket, item) as source:
                return holds_plane(source)
        except MissingError:
            return None

    def _single(
        self, source: str, bucket: Bucket, key: str, pattern: str | None, said: Corrections
    ) -> Iterator[_Found]:
        """A file that the user named: it is taken whatever it is called."""
        path = key.rsplit("/", 1)[-1]
        name = clean(path)
        if is_zip(name):
            wanted = functools.partial(is_wanted, pattern=pattern)
            yield from self._zip(source, bucket, path, key, wanted, said)
        elif pattern is None or is_wanted(name, pattern):
            yield _Found(name, key, source, "", said.of(path))

    def _folder(
        self,
        source: str,
        bucket: Bucket,
        own: str,
        files: _Files,
        pattern: str | None,
        said: Corrections,
        *,
        ordered: bool,
    ) -> Iterator[_Found]:
        """What is found among the files of a folder called ``own``, in natural order of names.

        ``said`` chooses among them too. ``ordered`` says that the files are in that order.
        """
        found: list[_Found] = []
        singles, folders = _grouped(files)
        zips = [(path, key) for path, key in singles if is_zip(path)]
        # Those whose members have the same names, in the order in which a run finds them.
        zips.sort(reverse=True)
        zips.sort(key=lambda file: file[0].count("/"))
        for path, key in zips:
            if not said.takes_inside(path):
                continue
            ordered = False
            chosen = wanted_members(path, pattern)
            found += self._zip(source, bucket, path, key, chosen, said)
        for path, key in singles:
            if is_zip(path) or not said.takes(path):
                continue
            if is_wanted(path, pattern) or (pattern is None and said.names(path)):
                found.append(_Found(clean(path), key, source, "", said.of(path)))
        for root, key in folders:
            ordered = False
            name = root or (own if own.lower().endswith(".zarr") else f"{own}.zarr")
            if (is_wanted(name, pattern) or is_wanted(f"{name}.zarr", pattern)) and said.takes(
                name
            ):
                found.append(_Found(clean(name), key, source, "", said.of(name)))
        if not ordered:
            found.sort(key=lambda one: natural(one.name))
        return iter(found)

    def _zip(
        self,
        source: str,
        bucket: Bucket,
        path: str,
        key: str,
        chosen: Callable[[str], bool],
        said: Corrections,
    ) -> Iterator[_Found]:
        """The images of the zip at ``path``; one that cannot be used is an item that says so."""
        name = clean(path)
        try:
            with self._cache.local(bucket, key) as local:
                for entry in zip_entries(local, name, chosen):
                    found = told(entry.source, local, name)
                    own = f"{path}/{inside(found)}".rstrip("/")
                    if said.takes(own):
                        yield _Found(entry.name, key, source, found, said.of(own))
        except MissingError:
            yield _Found(name, key, source, fault(name, "is not there any more", "upload it again"))


def _item(one: _Found, name: str, stem: str, taken: tuple[str, ...]) -> Item:
    right = one.right or Correction()
    return Item(
        name,
        one.key,
        stem,
        one.source,
        one.entry,
        taken,
        right.axes or "",
        right.pixel_size or 0.0,
    )


def _is_new(one: _Found, seen: set[tuple[str, str, str]]) -> bool:
    """Whether no input before reached it."""
    before = len(seen)
    seen.add((one.source, one.key, one.entry))
    return len(seen) > before


def _place(one: _Found, own: str) -> Place | None:
    """Where a file of an input, whose folder is called ``own``, lies; None for what is no file."""
    above, _, name = one.name.rpartition("/")
    if inside := member(one.entry):
        folder, file = inside
        return Place((one.key, folder), above, file)
    if one.entry or name.lower().endswith(".zarr"):
        return None
    return Place(above, above or own, name)


def _grouped(files: _Files) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Files by themselves, and the OME-Zarr folders that the others are in, with their keys.

    Of a folder that ends in ``.zarr`` no file is kept in mind: there may be millions.
    """
    singles: list[tuple[str, str]] = []
    roots: dict[str, str] = {}
    marked: dict[str, str] = {}
    for path, key in files:
        if match := _ZARR.search(path):
            root = path[: match.end() - 1]
            roots.setdefault(root, key[: len(key) - len(path) + len(root)])
            continue
        folder, _, last = path.rpartition("/")
        if last in ZARR_MARKERS:
            marked[folder] = key[: len(key) - len(last) - 1]
        elif not is_junk(last):
            singles.append((path, key))
    roots |= marked
    outermost = {root: key for root, key in roots.items() if not _inside(root, marked)}
    if marked:
        singles = [(path, key) for path, key in singles if not _inside(path, marked)]
    return (
        [(path, key) for path, key in singles if not _is_hidden(path.rpartition("/")[0])],
        [(root, key) for root, key in outermost.items() if not _is_hidden(root)],
    )


def _inside(path: str, roots: Container[str]) -> bool:
    """Whether a file or folder lies in one of the folders."""
    if path and "" in roots:
        return True
    folders = path.split("/")[:-1]
    return any("/".join(folders[:depth]) in roots for depth in range(1, len(folders) + 1))


@lru_cache(maxsize=4096)
def _is_hidden(folder: str) -> bool:
    """Whether a folder, or one that it is in, is hidden or left by a system."""
    return bool(folder) and any(map(is_junk, folder.split("/")))


def _beside(stems: Sequence[str]) -> dict[str, list[str]]:
    """For stems such as ``a`` those stems ``a_s0`` that the images of a file could be given too.

    They are case folded.
    """
    found: dict[str, list[str]] = {}
    if not any(map(_SERIES.search, stems)):
        return found
    folded = {stem.casefold(): stem for stem in stems}
    for own in folded:
        if match := _SERIES.search(own):
            for end in range(match.start(), match.end(1)):
                if owner := folded.get(own[:end]):
                    found.setdefault(owner, []).append(own)
    return found
