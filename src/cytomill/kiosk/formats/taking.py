"""The results of a job in chosen formats, file by file: what is stored as it is, the rest made.

One image's files are made at a time, one format after the other, in a temporary folder, and are
gone when they were read.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ...jobs import layout
from ...jobs.errors import MissingError
from ...jobs.items import Item, read_page
from ...pipelines.faults import reason
from ...tracks.files import formats as tracks
from ..opening import stems
from ..plans import Recent
from ..record import ItemRecord, Output
from .catalog import others
from .kept import JobKept, Kept
from .writers import WRITERS

#: Bytes of a file that are read at once.
_CHUNK = 2**18

#: What the names of the tables of a job end in.
_TABLES = {"csv": ".csv", "parquet": ".parquet"}

_MANIFEST = "manifest.json"

#: A file: its path in the folder of results, and its bytes.
File = tuple[str, Iterator[bytes]]


@dataclass(frozen=True)
class Taking:
    """Takes the results of a job in the formats ``wanted``."""

    kept: JobKept
    wanted: frozenset[str]

    @property
    def of_images(self) -> bool:
        """Whether there is anything to take of single images."""
        return bool(self.wanted - _TABLES.keys())

    def tables(self) -> Iterator[File]:
        """The manifest, and the tables of all images; before the job has ended, what is missing."""
        bucket, folder = self.kept.backend.bucket, layout.report(self.kept.job.id)
        ends = tuple(end for name, end in _TABLES.items() if name in self.wanted)
        found = [one.key for one in bucket.list(folder)]
        for key in found:
            name = key.removeprefix(f"{folder}/")
            if name == _MANIFEST or (ends and name.endswith(ends)):
                yield name, bucket.stream(key)
        if ends and not found:
            yield "tables_error.txt", _told(["the tables are made when all images have ended"])

    def images(self, index: int, attempt: int, record: ItemRecord) -> Iterator[File]:
        """The files of the images of an item; what cannot be had is told in a file of text."""
        try:
            page, row = divmod(index, layout.PAGE)
            item = self._pages.get(page, lambda: self._page(page))[row]
        except MissingError as error:
            yield f"{index}_error.txt", _told([reason(error, str(index))])
            return
        names = stems(item, max(1, record.images))
        faults: list[str] = []
        yield from self._stored(record, names, faults)
        for number, stem in enumerate(names):
            with ExitStack() as stack:
                own = Kept(self.kept, item, index, attempt, record, number, stem, stack)
                yield from self._made(own, faults)
        if faults:
            yield f"{item.stem}_error.txt", _told(faults)

    def _page(self, page: int) -> list[Item]:
        return read_page(self.kept.backend.bucket, self.kept.job.id, page)

    @cached_property
    def _pages(self) -> Recent[int, list[Item]]:
        return Recent(1)

    @cached_property
    def _ends(self) -> dict[str, str]:
        """The format of each stored file by what its name ends in."""
        pipeline, outputs = self.kept.pipeline, self.kept.outputs
        kinds = {
            "labels": outputs.format,
            "maps": outputs.format,
            "arrays": "arrays",
            "overlays": "overlay",
            "outlines": "geojson",
            "files": "files",
        }
        ends = outputs.ends(pipeline.products)
        found = {end: str(kinds[kind]) for end, kind in ends.items()}
        free = set(others(pipeline))
        for one in tracks.FORMATS.values():
            if f"_{one.end}" in found and one.end not in free:
                found[f"_{one.end}"] = one.name
        return found

    def _stored(self, record: ItemRecord, names: list[str], faults: list[str]) -> Iterator[File]:
        """The files that are stored in a format that is wanted."""
        formats = {f"{stem}{end}": kind for stem in names for end, kind in self._ends.items()}
        for one in record.outputs:
            if formats.get(one.name) not in self.wanted:
                continue
            try:
                yield from self._opened(one)
            except MissingError as error:
                faults.append(reason(error, one.name))

    def _opened(self, one: Output) -> Iterator[File]:
        bucket = self.kept.backend.bucket
        if not one.folder:
            yield one.name, bucket.stream(one.key)
            return
        for inside in bucket.list(one.key):
            yield one.name + inside.key.removeprefix(one.key), bucket.stream(inside.key)

    def _made(self, own: Kept, faults: list[str]) -> Iterator[File]:
        """The files of an image in the formats that are not stored."""
        for name in sorted((self.wanted & WRITERS.keys()) - set(self._ends.values())):
            with tempfile.TemporaryDirectory(prefix="cytomill-") as folder:
                path = Path(folder, "0")
                try:
                    ends = WRITERS[name](own, path)
                except Exception as error:  # one image must not take the others with it
                    told = reason(error, own.name).replace(folder, own.stem)
                    faults.append(f"{name}: {told}")
                    continue
                for end in ends:
                    made = path.with_name(path.name + end)
                    yield from _read(made, f"{own.stem}{end}")
                    _remove(made)


def _read(path: Path, name: str) -> Iterator[File]:
    """A file, or the files of a folder, under ``name``."""
    if path.is_file():
        yield name, _chunks(path)
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield f"{name}/{file.relative_to(path).as_posix()}", _chunks(file)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _remove(path: Path) -> None:
    remove: Callable[[Path], object] = shutil.rmtree if path.is_dir() else Path.unlink
    remove(path)


def _told(faults: list[str]) -> Iterator[bytes]:
    yield "".join(f"{fault}\n" for fault in faults).encode()
