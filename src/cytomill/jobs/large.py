"""Large files of uploads: sent in pieces, in any order, several at once, and any of them again.

In a bucket that is a folder the pieces are written in their places in one file, which is renamed
when all are there. In a cloud they stay objects, which may be sent to the cloud itself, and an
index says how they go together.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from ..image.names import shown
from . import layout
from .bucket import Bucket
from .errors import BucketAwayError, BucketFullError, ConflictError, MissingError
from .upload_paths import clean_path, path_digest
from .upload_state import LargeFile, UploadState

#: What lies beside the pieces of a file: its path and their number and length.
INDEX = "index.json"

#: Addresses that are signed at once, and seconds that they are good for.
MOST_SIGNED, SIGNED_SECONDS = 1000, 6 * 3600


class LargeFiles:
    """The large files of uploads; safe to use from several threads and processes.

    Methods raise `MissingError` where there is no such upload or file, and `InputError` for a path
    that cannot be.
    """

    def __init__(self, state: UploadState, bucket: Bucket, piece_bytes: int) -> None:
        self._state, self._bucket, self._piece_bytes = state, bucket, piece_bytes

    def start(self, name: str, path: str, size: int) -> LargeFile:
        """Begin a file of ``size`` bytes, or go on with one.

        Raises `ConflictError` where one of another size was begun, and `QuotaError`.
        """
        path = clean_path(path)
        if size < 1:
            raise InputError(shown(path), "has no bytes to send in pieces", "send it whole")
        digest = path_digest(path)
        known = self._state.large_file(name, digest)
        if known is not None and known.whole:
            self.remove(name, known)
        file = self._state.large(name, digest, LargeFile(path, size, self._piece_bytes))
        if file.bytes != size:
            raise ConflictError(
                f"{shown(path)}: was begun with {file.bytes:,} bytes, not {size:,}; send it whole "
                "with another name, or in another upload"
            )
        return file

    def find(self, name: str, path: str) -> LargeFile:
        """A file that was begun."""
        path = clean_path(path)
        file = self._state.large_file(name, path_digest(path))
        if file is None or file.whole:
            raise MissingError(f"{shown(path)}: was not begun, or is whole already")
        return file

    def have(self, name: str, file: LargeFile) -> list[tuple[int, int]]:
        """The pieces that are there, as ranges from the first to the last."""
        digest = path_digest(file.path)
        if self._unfinished(name, digest) is None:
            return _ranges(self._objects(name, file))
        bits = self._state.have(name, digest)
        return _ranges(piece for piece in range(file.pieces) if _bit(bits, piece))

    def check_piece(self, file: LargeFile, piece: int, size: int | None = None) -> int:
        """Bytes of a piece. Raises `InputError` where there is none such, or not of ``size``."""
        if not 0 <= piece < file.pieces:
            last = file.pieces - 1
            raise InputError(shown(file.path), f"has no piece {piece}", f"send 0 to {last}")
        wanted = file.length(piece)
        if size is not None and size != wanted:
            fault = f"piece {piece} has {wanted:,} bytes, not {size:,}"
            raise InputError(shown(file.path), fault, "send all of it and no more")
        return wanted

    def put(self, name: str, file: LargeFile, piece: int, chunks: Iterable[bytes]) -> None:
        """Write a piece. Raises `InputError` where ``chunks`` has not its length."""
        digest = path_digest(file.path)
        exact = self._exact(file, piece, chunks)
        unfinished = self._unfinished(name, digest)
        if unfinished is None:
            key = _piece_key(name, digest, piece)
            self._bucket.put_stream(key, exact)
            if not self._state.piece(name, digest):
                self._bucket.delete([key])
                raise MissingError
            return
        with self._disk(), _opened(unfinished) as opened:
            place = piece * file.piece_bytes
            for chunk in exact:
                view = memoryview(chunk)
                while view:
                    done = os.pwrite(opened, view, place)
                    view, place = view[done:], place + done
        if not self._state.piece(name, digest, piece):
            self._bucket.delete([_unfinished_key(name, digest)])
            raise MissingError

    def sign(self, name: str, file: LargeFile, first: int, last: int) -> list[str] | None:
        """Where pieces ``first`` to ``last`` may be put with no token, None in a folder."""
        self.check_piece(file, first)
        self.check_piece(file, last)
        if not first <= last < first + MOST_SIGNED:
            fault = f"pieces {first} to {last} cannot be signed at once"
            raise InputError(shown(file.path), fault, f"ask for at most {MOST_SIGNED}")
        digest = path_digest(file.path)
        urls = []
        for piece in range(first, last + 1):
            url = self._bucket.sign(_piece_key(name, digest, piece), "PUT", SIGNED_SECONDS)
            if url is None:
                return None
            urls.append(url)
        return urls

    def complete(self, name: str, path: str) -> LargeFile:
        """Make a whole file of the pieces; again for one that is whole, nothing is done.

        Raises `ConflictError` where pieces are missing.
        """
        path = clean_path(path)
        digest, ticket = path_digest(path), secrets.token_hex(8)
        if not self._state.claim(name, digest, ticket):
            raise ConflictError(f"{shown(path)}: is being put together; ask again in a moment")
        try:
            self._state.begin(name, digest, ticket)
            try:
                return self._complete(name, path, digest, ticket)
            finally:  # where nothing was written the ticket is left
                self._state.end(name, digest, ticket, written=False, size=0)
        finally:
            self._state.unclaim(name, digest)

    def _complete(self, name: str, path: str, digest: str, ticket: str) -> LargeFile:
        key = f"{layout.upload_files(name)}/{path}"
        file = self._state.large_file(name, digest)
        if file is None:
            size = self._bucket.size(key)
            if size is None:
                raise MissingError(f"{shown(path)}: was not begun")
            return LargeFile(path, size, self._piece_bytes, whole=True)
        if file.whole:
            return file
        absent = _absent(self.have(name, file), file.pieces)
        if absent:
            told = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in absent[:20])
            more = ", ..." if len(absent) > 20 else ""
            raise ConflictError(f"{shown(path)}: pieces {told}{more} are missing; send them")
        self._join(name, file, key, digest, ticket)
        return LargeFile(path, file.bytes, file.piece_bytes, whole=True)

    def whole(self, name: str) -> list[LargeFile]:
        """The files that are whole and stay in pieces, ordered by their paths."""
        found = (file for file in self._state.large_files(name).values() if file.whole)
        return sorted(found, key=lambda file: file.path)

    def keys(self, name: str, file: LargeFile) -> tuple[str, tuple[str, ...]]:
        """The folder of a file's pieces, and their keys in order."""
        digest = path_digest(file.path)
        pieces = tuple(_piece_key(name, digest, piece) for piece in range(file.pieces))
        return layout.upload_pieces(name, digest), pieces

    def remove(self, name: str, file: LargeFile) -> None:
        """Remove a file that is whole and in pieces: another takes its place."""
        digest = path_digest(file.path)
        folder = layout.upload_pieces(name, digest)
        self._bucket.delete([f"{folder}/{INDEX}"])  # first: without it the pieces are no file
        self._bucket.delete_folder(folder)
        self._state.close(name, digest, None, size=-file.bytes, files=-1)

    def _join(self, name: str, file: LargeFile, key: str, digest: str, ticket: str) -> None:
        replaced = self._bucket.size(key)
        unfinished = self._unfinished(name, digest)
        kept = None
        if unfinished is None:
            kept = LargeFile(file.path, file.bytes, file.piece_bytes, whole=True)
            index = {
                "path": file.path,
                "bytes": file.bytes,
                "piece_bytes": file.piece_bytes,
                "pieces": file.pieces,
            }
            text = json.dumps(index, ensure_ascii=False)
            self._bucket.put(f"{layout.upload_pieces(name, digest)}/{INDEX}", text.encode())
            self._bucket.delete([key])
        elif unfinished.exists():
            self._bucket.put_file(key, unfinished, move=True)
        elif replaced == file.bytes:  # it was renamed by one stopped before it could say so
            replaced = None
        else:
            self._state.close(name, digest, None, size=-file.bytes)
            raise MissingError(f"{shown(file.path)}: its pieces were removed; begin again")
        gone = replaced or 0
        if not (
            self._state.end(name, digest, ticket, written=True, size=0, replaced=gone)
            and self._state.close(name, digest, kept, files=int(replaced is None))
        ):
            self._bucket.delete_folder(layout.upload(name))
            raise MissingError

    def _unfinished(self, name: str, digest: str) -> Path | None:
        """The file that pieces are written into, of a bucket that is a folder."""
        return self._bucket.path(_unfinished_key(name, digest))

    def _objects(self, name: str, file: LargeFile) -> Iterator[int]:
        """The pieces that are objects of the right length."""
        folder = layout.upload_pieces(name, path_digest(file.path))
        for found in self._bucket.list(folder):
            text = found.key[len(folder) + 1 :]
            if text.isdigit() and int(text) < file.pieces and found.size == file.length(int(text)):
                yield int(text)

    def _exact(self, file: LargeFile, piece: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, which together have the length of the piece."""
        wanted, sent = self.check_piece(file, piece), 0
        for chunk in chunks:
            sent += len(chunk)
            if sent > wanted:
                fault = f"piece {piece} has {wanted:,} bytes, and more were sent"
                raise InputError(shown(file.path), fault, "send all of it and no more")
            yield chunk
        self.check_piece(file, piece, sent)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise BucketFullError(
                    f"the disk of the bucket is full ({error.strerror}); make room, then go on"
                ) from None
            raise BucketAwayError(
                f"the bucket cannot be written ({error.strerror or error}); check the disk"
            ) from None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        yield opened
    finally:
        os.close(opened)


def _unfinished_key(name: str, digest: str) -> str:
    return f"{layout.upload(name)}/unfinished/{digest}"


def _piece_key(name: str, digest: str, piece: int) -> str:
    return f"{layout.upload_pieces(name, digest)}/{piece:06d}"


def _bit(bits: bytes, place: int) -> bool:
    return place // 8 < len(bits) and bool(bits[place // 8] >> (7 - place % 8) & 1)


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges from the first to the last."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _absent(have: list[tuple[int, int]], pieces: int) -> list[tuple[int, int]]:
    """What ranges of ``pieces`` leave out."""
    found, next_one = [], 0
    for first, last in [*have, (pieces, pieces)]:
        if first > next_one:
            found.append((next_one, first - 1))
        next_one = last + 1
    return found
