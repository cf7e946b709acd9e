"""Members of a zip: read by their place in it, without listing the zip again.

A member is its offset, sizes and checksum. Processes share nothing, and ten thousand members cost
no more than ten thousand reads. Sizes are those of the zip's directory and are enforced while
reading, so a member never unpacks to more than was checked when it was listed.
"""

from __future__ import annotations

import errno
import hashlib
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, OutputError
from .core import ImageFile
from .entry import CHUNK, tree_digest, unreadable
from .names import shown

#: The methods of packing that are read.
STORED, DEFLATED = 0, 8

_DAMAGED = ("is damaged in its zip", "download or make the zip again")


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A packed file: ``offset`` of its header, ``packed`` and unpacked ``size`` in bytes."""

    archive: Path
    name: str
    offset: int
    packed: int
    size: int
    crc: int
    method: int

    @property
    def label(self) -> str:
        """How messages call it: ``z.zip/a/b.tif``."""
        return shown(f"{self.archive}/{self.name}")

    def chunks(self) -> Iterator[bytes]:
        """The unpacked content.

        Raises `InputError` where it is damaged; the checksum is known only after the last chunk.
        """
        size, crc = 0, 0
        try:
            for chunk in self._unpacked():
                size, crc = size + len(chunk), zlib.crc32(chunk, crc)
                if size > self.size:
                    break
                yield chunk
        except zlib.error:
            raise InputError(self.label, *_DAMAGED) from None
        except OSError as error:
            raise unreadable(self.archive, error) from None
        if (size, crc) != (self.size, self.crc):
            raise InputError(self.label, *_DAMAGED)

    def _unpacked(self) -> Iterator[bytes]:
        with self.archive.open("rb") as file:
            file.seek(self.offset)
            header = file.read(30)
            if len(header) < 30 or header[:4] != b"PK\x03\x04":
                raise InputError(self.label, *_DAMAGED)
            file.seek(sum(struct.unpack("<HH", header[26:30])), 1)
            left = self.packed
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            while left and (raw := file.read(min(CHUNK, left))):
                left -= len(raw)
                if self.method == STORED:
                    yield raw
                    continue
                while raw and not inflater.eof:
                    yield inflater.decompress(raw, CHUNK)
                    raw = inflater.unconsumed_tail
            if self.method == DEFLATED:
                yield inflater.flush()


@dataclass(frozen=True, slots=True)
class MemberSource:
    """One file in a zip."""

    member: ZipMember

    @property
    def bytes(self) -> int:
        """The unpacked size."""
        return self.member.size

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open file, unpacked to a temporary folder until it is closed."""
        name = Path(self.member.name).name
        with _temporary_folder() as folder:
            path = folder / f"{name[:-12][:80]}{name[-12:]}"
            _unpack(self.member, path)
            with _opened(path, self.member.label) as file:
                yield file

    def stamp(self) -> str:
        """Size and checksum."""
        return f"{self.member.size}-{self.member.crc:08x}"

    def digest(self) -> str:
        """Of the unpacked content."""
        sha = hashlib.sha256()
        for chunk in self.member.chunks():
            sha.update(chunk)
        return sha.hexdigest()


@dataclass(frozen=True, slots=True)
class ZarrMembersSource:
    """An OME-Zarr folder in a zip: ``members`` with names relative to it, sorted by name."""

    archive: Path
    name: str
    members: tuple[tuple[str, ZipMember], ...]

    @property
    def bytes(self) -> int:
        """The unpacked size."""
        return sum(member.size for _, member in self.members)

    @contextmanager
    def open(self) -> Iterator[ImageFile]:
        """The open folder, unpacked to a temporary folder until it is closed."""
        with _temporary_folder() as folder:
            root = folder / "image.zarr"
            for name, member in self.members:
                _unpack(member, root / name)
            with _opened(root, shown(f"{self.archive}/{self.name}")) as file:
                yield file

    def stamp(self) -> str:
        """Sizes and checksums of all members."""
        return tree_digest(
            (name, member.size, [b"%08x" % member.crc]) for name, member in self.members
        )

    def digest(self) -> str:
        """As of the same folder outside a zip."""
        return tree_digest((name, member.size, member.chunks()) for name, member in self.members)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cytomill-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _unpack(member: ZipMember, path: Path) -> None:
    """Write one member to ``path``; raises `OutputError` where there is no room for it."""
    chunks = member.chunks()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.writelines(chunks)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                tempfile.gettempdir(),
                f"no room to unpack {member.label} ({member.size:,} bytes)",
                "free space, or set TMPDIR to a folder with more",
            ) from None
        raise InputError(
            member.label,
            "cannot be unpacked: its name is too long, or both a file and a folder",
            "unpack the zip yourself and give the folder",
        ) from None


@contextmanager
def _opened(path: Path, label: str) -> Iterator[ImageFile]:
    """The file at a temporary ``path``, with faults told of ``label`` instead."""
    from .formats import open_images

    try:
        with open_images(path) as file:
            yield file
    except InputError as error:
        if str(path) not in str(error):
            raise
        told = (
            text.replace(str(path), label) for text in (error.subject, error.fault, error.advice)
        )
        raise InputError(*told) from None


def in_order(members: Sequence[tuple[str, ZipMember]]) -> tuple[tuple[str, ZipMember], ...]:
    """Members as a folder's files sort, so that a zipped folder has the digest of the folder."""
    return tuple(sorted(members, key=lambda item: Path(item[0])))
