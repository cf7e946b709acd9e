"""Sending files to a kiosk: in parallel, large ones in pieces, none that is there already."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..errors import InputError, PermanentError
from ..image.names import shown
from ..settings import settings
from .errors import AnswerError
from .http import Http, part
from .plan import File, Group
from .records import Stored, Upload
from .together import each

#: Bytes up to which a file is read at once, and sent with its digest.
_SMALL = 8 * 2**20

#: Files of up to so many bytes, such as the chunks of OME-Zarr, go many at a time: a request for
#: each would take longer than they do.
_TINY, _FORM_FILES, _FORM_BYTES = 2**18, 200, 2**23

#: Names that a form holds as they are.
_PLAIN = re.compile(r"[A-Za-z0-9._/ -]+")

#: Bytes that are read and sent at a time of larger ones.
_CHUNK = 2**20

#: Uploads, and files of one, that the kiosk lists at a time, and pieces that it signs at a time.
_LISTED, _FILES, _SIGNED = 1000, 100_000, 16

#: Times that a file is completed: should the kiosk miss pieces, they are sent again.
_ROUNDS = 3

#: Called as bytes go out: how many were sent, or were there already, and how many there are.
Progress = Callable[[int, int], None]


class Tally:
    """The bytes of all files that are sent together."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._sent = total, progress, 0

    def add(self, count: int) -> None:
        """``count`` more bytes are there; fewer where they must be sent again."""
        self._sent += count
        if self._progress is not None:
            self._progress(self._sent, self._total)


class Uploader:
    """Sends groups of files to one kiosk, at most ``parallel`` requests at once."""

    def __init__(self, http: Http, parallel: int) -> None:
        self._http = http
        self._parallel = parallel
        self._turn = asyncio.Semaphore(parallel)

    async def send(
        self, groups: Sequence[Group], name: str = "", progress: Progress | None = None
    ) -> list[Stored]:
        """Send what is not there of ``groups``, an upload for each; returns them as inputs."""
        tally = Tally(sum(group.bytes for group in groups), progress)
        tally.add(0)
        known = {upload.name: upload async for upload in uploads(self._http)}
        stored = []
        for group in groups:
            told = f"{name} {group.name}".strip()
            upload = known.get(told)
            have = await self._files(upload) if upload else {}
            if upload is None:
                upload = Upload.parse(
                    await self._http.call("POST", "/uploads", told={"name": told})
                )
            missing = []
            for file in group.files:
                if have.get(file.name) == file.bytes:
                    tally.add(file.bytes)
                else:
                    missing.append(file)
            sending = _Sending(self._http, upload.id, self._turn, self._parallel, tally)
            await each(_together(missing), sending.files, self._parallel)
            stored.append(Stored(upload=upload.id, pattern=group.pattern, folder=group.folder))
        return stored

    async def _files(self, upload: Upload) -> dict[str, int]:
        """Bytes of the whole files of an upload, by name."""
        found: dict[str, int] = {}
        after = None
        while True:
            path = f"/uploads/{part(upload.id)}/files"
            page = await self._http.get(path, after=after, limit=_FILES)
            found |= {one["path"]: one["bytes"] for one in page["files"]}
            after = page.get("next")
            if after is None:
                return found


async def uploads(http: Http) -> AsyncIterator[Upload]:
    """One's own uploads, newest first."""
    before = None
    while True:
        page = await http.get("/uploads", before=before, limit=_LISTED)
        for one in page["uploads"]:
            yield Upload.parse(one)
        before = page.get("next")
        if before is None:
            return


@dataclass(frozen=True, slots=True)
class _Sending:
    """Sends files of one upload."""

    http: Http
    upload: str
    turn: asyncio.Semaphore
    parallel: int
    tally: Tally

    async def files(self, files: Sequence[File]) -> None:
        """Send small files as one form, or one file, whole or in pieces."""
        if len(files) == 1:
            await self._file(files[0])
            return
        async with self.turn:
            form = await asyncio.to_thread(
                lambda: [(file.name, _read(file, 0, file.bytes)) for file in files]
            )
            await self.http.call("POST", f"/uploads/{part(self.upload)}/files", form=form)
            self.tally.add(sum(file.bytes for file in files))

    async def _file(self, file: File) -> None:
        if file.bytes > settings.piece_bytes:
            await self._pieces(file)
            return
        path = f"/uploads/{part(self.upload)}/files/{part(file.name)}"
        async with self.turn:
            if file.bytes > _SMALL:
                body = _Chunks(file, 0, file.bytes, self.tally)
                headers = {"Content-Length": str(file.bytes)}
                await self.http.call("PUT", path, body=body, headers=headers)
            else:
                content = await asyncio.to_thread(_read, file, 0, file.bytes)
                digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
                headers = {"Content-Digest": f"sha-256=:{digest}:"}
                await self.http.call("PUT", path, body=content, headers=headers)
                self.tally.add(file.bytes)

    async def _pieces(self, file: File) -> None:
        path = f"/uploads/{part(self.upload)}/large"
        told = {"path": file.name, "bytes": file.bytes}
        counted: set[int] = set()
        for attempt in range(1, _ROUNDS + 1):
            state = await self.http.call("POST", path, told=told)
            size, count = state["piece_bytes"], state["pieces"]
            have = {piece for first, last in state["have"] for piece in range(first, last + 1)}
            self.tally.add(sum(_length(file, size, piece) for piece in have - counted))
            counted |= have
            missing = [piece for piece in range(count) if piece not in have]
            for _, batch in groupby(missing, key=lambda piece: piece // _SIGNED):
                await self._batch(file, size, list(batch))
            counted |= set(missing)
            try:
                done = f"/uploads/{part(self.upload)}/complete"
                await self.http.call("POST", done, told={"path": file.name})
            except AnswerError as error:
                if error.status != 409 or attempt == _ROUNDS:
                    raise
                await asyncio.sleep(attempt)  # it may be at it still
            else:
                return

    async def _batch(self, file: File, size: int, pieces: Sequence[int]) -> None:
        """Send some pieces, straight to where they are kept if the kiosk signs addresses."""
        path = f"/uploads/{part(self.upload)}/large/{part(file.name)}"
        urls: dict[int, str] = {}
        if self.http.direct:
            state = await self.http.get(path, sign=f"{pieces[0]}-{pieces[-1]}")
            urls = dict(_signed(state.get("urls"), pieces))
            self.http.direct = bool(urls)

        async def send(piece: int) -> None:
            length = _length(file, size, piece)
            async with self.turn:
                body = _Chunks(file, piece * size, length, self.tally)
                direct = self.http.direct and piece in urls
                if direct and await self.http.put_signed(urls[piece], body, length):
                    return
                headers = {"Content-Length": str(length)}
                await self.http.call(
                    "PUT", path, params={"piece": piece}, body=body, headers=headers
                )

        await each(pieces, send, self.parallel)


def _together(files: Iterable[File]) -> Iterator[list[File]]:
    """Files that are sent with one request, in their order but for those that go alone."""
    form, size = list[File](), 0
    for file in files:
        if file.bytes > _TINY or not _PLAIN.fullmatch(file.name):
            yield [file]
            continue
        if len(form) == _FORM_FILES or size + file.bytes > _FORM_BYTES:
            yield form
            form, size = [], 0
        form.append(file)
        size += file.bytes
    if form:
        yield form


class _Chunks:
    """A range of a file, from its beginning each time that it is called."""

    def __init__(self, file: File, start: int, length: int, tally: Tally) -> None:
        self._file, self._start, self._length, self._tally = file, start, length, tally
        self._sent = 0

    async def __call__(self) -> AsyncIterator[bytes]:
        self._tally.add(-self._sent)
        self._sent = 0
        while self._sent < self._length:
            count = min(_CHUNK, self._length - self._sent)
            chunk = await asyncio.to_thread(_read, self._file, self._start + self._sent, count)
            yield chunk
            self._sent += count
            self._tally.add(count)


def _length(file: File, size: int, piece: int) -> int:
    """Bytes of a piece: all have ``size`` but the last."""
    return min(size, file.bytes - piece * size)


def _signed(urls: Any, pieces: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The signed address of each piece, where the kiosk gives some."""
    if urls is None:
        return
    first = pieces[0]
    if not isinstance(urls, list) or len(urls) != pieces[-1] - first + 1:
        raise PermanentError("the kiosk signed other pieces than asked; update cytomill")
    for piece in pieces:
        yield piece, urls[piece - first]


def _read(file: File, start: int, count: int) -> bytes:
    """``count`` bytes from ``start``. Raises `InputError` where the file is not as it was."""
    try:
        with file.path.open("rb") as opened:
            opened.seek(start)
            content = opened.read(count)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise InputError(shown(file.path), reason, "ask for permission, or leave it out") from error
    if len(content) < count:
        advice = "wait until it is written, and run the same command again"
        raise InputError(shown(file.path), "was changed while it was sent", advice)
    return content
