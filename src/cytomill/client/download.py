"""Fetching the results of a job into a folder, as a run on this machine leaves them.

What is there and whole is not fetched again: files appear whole or not at all, and a mark in the
folder says of which job they are. Nothing is written outside the folder, whatever names come.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import OutputError
from ..image.atomic import output_error, replacing
from .fetch import fetch
from .http import SILENT, Http, part
from .items import items
from .names import HIDDEN, inside
from .records import Item, Job, Output
from .together import each
from .unpack import unpack, unpack_results

#: The file that says of which job the results are.
_MARK = "job.json"

#: Seconds that a kiosk may take to make the results of one image in another format.
_MAKING = 3600.0

_FOREIGN = ("holds what no download made", "choose another folder, or say to overwrite")

#: Called as items come: how many have their files, and how many there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Results:
    """The results of ``job`` in the folder ``out``.

    ``fetched`` files came over the wire and ``kept`` were there. ``manifest`` and ``tables`` are
    files, None and empty where the job has none yet. ``noted`` are items that are done but have
    notes; ``faults`` are files that say what could not be made in the formats asked for.
    """

    job: Job
    out: Path
    failed: tuple[Item, ...]
    fetched: int
    kept: int
    manifest: Path | None = None
    tables: tuple[Path, ...] = ()
    noted: tuple[Item, ...] = ()
    faults: tuple[Path, ...] = ()

    @property
    def done(self) -> int:
        """Inputs that are finished."""
        return self.job.done

    @property
    def objects(self) -> int:
        """Objects found in all inputs."""
        return self.job.objects


class Downloader:
    """Fetches the results of one job."""

    def __init__(self, http: Http, job: Job, out: Path, *, overwrite: bool = False) -> None:
        self._http, self._job, self._out = http, job, out
        self._overwrite = overwrite
        self._mark = _read_mark(out)
        self._fetched = self._kept = self._items = 0
        self._noted: list[Item] = []

    async def fetch(self, parallel: int, progress: Progress | None = None) -> Results:
        """Fetch what is not there. Raises `OutputError`, and as `Http.call` does."""
        if not self._overwrite:
            check_own(self._out)
        self._write_mark()

        async def one(item: Item) -> None:
            for output in item.outputs:
                await self._output(item, output)
            if item.notes:
                self._noted.append(item)
            self._items += 1
            if progress is not None:
                progress(self._items, self._job.done)

        await each(items(self._http, self._job.id, state="done"), one, parallel)
        report = await self._report()
        failed = [one async for one in items(self._http, self._job.id, state="failed")]
        self._write_mark(finished=self._job.finished)
        return Results(
            self._job,
            self._out,
            tuple(failed),
            self._fetched,
            self._kept,
            next((path for path in report if path.name == "manifest.json"), None),
            tuple(filter(_is_table, report)),
            tuple(sorted(self._noted, key=lambda item: item.index)),
        )

    async def fetch_formats(self, formats: Sequence[str]) -> Results:
        """Fetch all results in ``formats``, which the kiosk may have to make. Raises as `fetch`."""
        if not self._overwrite:
            check_own(self._out)
        self._write_mark()
        packed = self._out / HIDDEN / "results.zip.part"
        wanted = quote(",".join(formats), safe=",")
        address = f"/jobs/{part(self._job.id)}/results.zip?formats={wanted}"
        try:
            await self._file(address, packed, None, silent=_MAKING)
            paths = await asyncio.to_thread(unpack_results, packed, self._out)
        finally:
            packed.unlink(missing_ok=True)
        failed = [one async for one in items(self._http, self._job.id, state="failed")]
        return Results(
            self._job,
            self._out,
            tuple(failed),
            len(paths),
            0,
            next((path for path in paths if path == self._out / "manifest.json"), None),
            tuple(path for path in paths if path.parent == self._out and _is_table(path)),
            faults=tuple(path for path in paths if path.name.endswith("_error.txt")),
        )

    async def _output(self, item: Item, output: Output) -> None:
        target = inside(self._out, output.name)
        address = f"/jobs/{part(self._job.id)}/items/{item.index}/outputs/{part(output.name)}"
        if not output.folder:
            if self._there(target, output.bytes):
                self._kept += 1
            else:
                await self._file(address, target, output.bytes, signed=True)
            return
        if self._there(target, None):
            self._kept += 1
            return
        # A folder comes as a zip, whose bytes are not told.
        packed = target.with_name(f".{target.name}.zip.part")
        try:
            await self._file(address, packed, None)
            with replacing(target) as temporary:
                await asyncio.to_thread(unpack, packed, output, temporary)
        finally:
            packed.unlink(missing_ok=True)

    async def _report(self) -> list[Path]:
        """The files about the job as a whole: they change when failed items are tried again."""
        address = f"/jobs/{part(self._job.id)}/report"
        same = self._mark.get("finished") == self._job.finished != 0
        paths = []
        for output in map(Output.parse, await self._http.get(address)):
            target = inside(self._out, output.name)
            if same and self._there(target, output.bytes):
                self._kept += 1
            else:
                await self._file(f"{address}/{part(output.name)}", target, output.bytes)
            paths.append(target)
        return paths

    def _there(self, target: Path, count: int | None) -> bool:
        """Whether an earlier download left all ``count`` bytes, or a folder, where it is None."""
        if self._mark.get("job") != self._job.id or not target.exists():
            return False
        return target.is_dir() if count is None else target.stat().st_size == count

    async def _file(
        self,
        address: str,
        target: Path,
        count: int | None,
        *,
        signed: bool = False,
        silent: float = SILENT,
    ) -> None:
        with replacing(target) as temporary, temporary.open("wb") as file:
            await fetch(self._http, address, file, count, signed=signed, silent=silent)
        self._fetched += 1

    def _write_mark(self, **more: Any) -> None:
        path = self._out / HIDDEN / _MARK
        told = {"server": self._http.server.url, "job": self._job.id, **more}
        try:
            self._out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self._out, error) from error
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(told) + "\n", encoding="utf-8")


def check_own(out: Path) -> None:
    """Raise `OutputError` where a folder holds what no download made, or is no folder."""
    try:
        if out.exists() and not _read_mark(out) and any(out.iterdir()):
            raise OutputError(out, *_FOREIGN)
    except OSError as error:
        raise output_error(out, error) from error


def _is_table(path: Path) -> bool:
    return path.suffix in (".csv", ".parquet")


def _read_mark(out: Path) -> dict[str, Any]:
    """What an earlier download says of the folder; empty where there was none."""
    try:
        told = json.loads((out / HIDDEN / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
