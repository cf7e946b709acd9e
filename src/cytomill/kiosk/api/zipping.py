"""One zip, made while it is sent: of any number of files of any size, in little memory.

Members are stored in blocks of Deflate without compression, whose end can be told without knowing
their size before; every size and offset is of ZIP64. The directory at the end of the zip is kept in
a temporary file: that of a million members has 100 MB.
"""

from __future__ import annotations

import struct
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: A stored block: whether it is the last, its length, and that with all bits turned.
_BLOCK = struct.Struct("<BHH")
_BLOCK_BYTES = 0xFFFF

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_64 = struct.Struct("<HHQQ")
_AFTER = struct.Struct("<4sIQQ")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_CENTRAL_64 = struct.Struct("<HHQQQ")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")

#: The version of the format that has ZIP64; made on Unix.
_VERSION, _UNIX = 45, 3 << 8

#: Sizes follow the content; names are UTF-8.
_FLAGS = 0x0008 | 0x0800

_DEFLATE = 8
_MODE = 0o100644 << 16
_SEE_64, _SEE_64_SHORT = 0xFFFFFFFF, 0xFFFF

#: Bytes of the directory that are kept in memory.
_IN_MEMORY = 2**20

#: Bytes of it that are read at once.
_CHUNK = 2**16

#: Bytes that are sent at once: a server spends as much on a few as on many.
_SENT = 2**18


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a zip: its path, and its content."""

    name: str
    chunks: Iterable[bytes]


def zipped(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of a zip of ``members``, each of which is read when it is its turn."""
    waiting, size = [], 0
    for part in _parts(members):
        waiting.append(part)
        size += len(part)
        if size >= _SENT:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _parts(members: Iterable[Member]) -> Iterator[bytes]:
    now = time.gmtime()
    moment = (
        now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec // 2,
        max(0, now.tm_year - 1980) << 9 | now.tm_mon << 5 | now.tm_mday,
    )
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as directory:
        offset = count = 0
        for member in members:
            name = member.name.encode()
            start = offset
            head = _LOCAL.pack(
                b"PK\3\4",
                _VERSION,
                _FLAGS,
                _DEFLATE,
                *moment,
                0,
                _SEE_64,
                _SEE_64,
                len(name),
                _LOCAL_64.size,
            )
            head += name + _LOCAL_64.pack(1, 16, 0, 0)
            yield head
            checksum = size = packed = 0
            for block in _blocks(member.chunks):
                checksum = zlib.crc32(block, checksum)
                size += len(block)
                packed += _BLOCK.size + len(block)
                yield _BLOCK.pack(0, len(block), len(block) ^ _BLOCK_BYTES) + block
            packed += _BLOCK.size
            after = _AFTER.pack(b"PK\7\x08", checksum, packed, size)
            yield _BLOCK.pack(1, 0, _BLOCK_BYTES) + after
            offset += len(head) + packed + len(after)
            count += 1
            entry = _CENTRAL.pack(
                b"PK\1\2",
                _UNIX | _VERSION,
                _VERSION,
                _FLAGS,
                _DEFLATE,
                *moment,
                checksum,
                _SEE_64,
                _SEE_64,
                len(name),
                _CENTRAL_64.size,
                0,
                0,
                0,
                _MODE,
                _SEE_64,
            )
            directory.write(entry + name + _CENTRAL_64.pack(1, 24, size, packed, start))
        length = directory.tell()
        directory.seek(0)
        while chunk := directory.read(_CHUNK):
            yield chunk
        yield _END_64.pack(
            b"PK\6\6", 44, _UNIX | _VERSION, _VERSION, 0, 0, count, count, length, offset
        )
        yield _LOCATOR.pack(b"PK\6\7", 0, offset + length, 1)
        few = min(count, _SEE_64_SHORT)
        yield _END.pack(b"PK\5\6", 0, 0, few, few, _SEE_64, _SEE_64, 0)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK_BYTES):
            yield bytes(chunk[start : start + _BLOCK_BYTES])
