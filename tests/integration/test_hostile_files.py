"""Files made to do harm: each fails by itself, with its reason, and the others are done."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.consumers import image, lab

#: Bytes of memory that the consumer may take: of what the files claim it would be terabytes.
MEMORY = 2**30


def png(path, width, height):
    """A picture that claims to be large, in some hundred bytes."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    path.write_bytes(data)


def tiff(path, width, height):
    """An image of one strip that claims to be large; the strip has eight bytes."""
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, 8),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    place = struct.pack("<2sHI", b"II", 42, 16)
    path.write_bytes(place + bytes(8) + struct.pack("<H", len(tags)) + entries + bytes(4))


def bomb(path):
    """A zip of a few hundred kilobytes, of which a member is 300 MB of zeros."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros.tif", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(2**20))
    assert path.stat().st_size < 2**19


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    image(folder / "good.tif")
    png(folder / "pixels.png", 10**6, 10**6)
    tiff(folder / "pixels.tif", 10**6, 10**6)
    tiff(folder / "more.tif", 2**31 - 1, 2**31 - 1)
    bomb(folder / "bomb.zip")
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../../../slipped.tif", (folder / "good.tif").read_bytes())
        archive.writestr("/tmp/slipped.tif", b"x")
        archive.write(folder / "good.tif", "inside.tif")
        link = zipfile.ZipInfo("link.tif")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return folder


def test_each_fails_by_itself_with_its_reason(folder, tmp_path, redis_url):
    with lab(tmp_path, redis_url) as (made, consumers):
        consumer = consumers.start("--threads", 1)
        job = made.wait(made.submit(made.upload(folder)))
        records = made.records(job)
        assert consumer.process.poll() is None
        assert peak(consumer.process.pid) < MEMORY
    done = {name for name, told in records.items() if told.status == "done"}
    assert done == {"good.tif", "slip/inside.tif"}
    assert not list(tmp_path.rglob("slipped*"))
    for name, words in {
        "pixels.png": "too large for its format",
        "pixels.tif": "is cut short",
        "more.tif": "claims 2147483647 x 2147483647 pixels",
        "bomb/zeros.tif": "would unpack to",
        "slip/slipped.tif": "leads out of the zip",
        "slip/tmp/slipped.tif": "has an absolute path",
        "slip/link.tif": "is a link",
    }.items():
        assert words in records[name].error


def peak(process):
    """The most memory that a process has had, in bytes."""
    (line,) = re.findall(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(line) * 1024
