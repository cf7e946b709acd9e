"""The cache of inputs, of a bucket that is no folder."""

from __future__ import annotations

import errno
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cytomill.errors import TemporaryError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import BucketAwayError, MissingError
from cytomill.kiosk.cache import Cache
from tests.s3 import NAME, S3Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(environment: None) -> Bucket:
    return Bucket(f"s3://{NAME}/{secrets.token_hex(4)}")


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were downloaded, in order."""
    keys: list[str] = []
    real = Bucket.download

    def download(self: Bucket, key: str, path: Path) -> None:
        keys.append(key)
        real(self, key, path)

    monkeypatch.setattr(Bucket, "download", download)
    return keys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def held(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_bucket_that_is_a_folder_needs_no_copy(tmp_path: Path, folder: Path):
    bucket = Bucket(str(tmp_path / "bucket"))
    bucket.put("a/b.tif", b"1")
    with Cache(folder, 10).local(bucket, "a/b.tif") as path:
        assert path == bucket.path("a/b.tif")
    with pytest.raises(MissingError), Cache(folder, 10).local(bucket, "a/c.tif"):
        pass
    assert not folder.exists()


def test_an_object_is_fetched_once(bucket: Bucket, folder: Path, downloads: list[str]):
    bucket.put("a/b.ome.tif", b"bytes")
    cache = Cache(folder, 100)
    for _ in range(3):
        with cache.local(bucket, "a/b.ome.tif") as path:
            assert path.name == "b.ome.tif"
            assert path.read_bytes() == b"bytes"
    assert downloads == ["a/b.ome.tif"]


def test_what_was_put_again_is_fetched_again(bucket: Bucket, folder: Path):
    cache = Cache(folder, 100)
    for data in (b"one", b"two"):
        bucket.put("a.tif", data)
        with cache.local(bucket, "a.tif") as path:
            assert path.read_bytes() == data


def test_buckets_do_not_mix(bucket: Bucket, folder: Path):
    other = Bucket(bucket.url + "-other")
    bucket.put("a", b"here")
    other.put("a", b"there")
    cache = Cache(folder, 100)
    with cache.local(bucket, "a") as one, cache.local(other, "a") as two:
        assert (one.read_bytes(), two.read_bytes()) == (b"here", b"there")


def test_a_folder_is_fetched_whole(bucket: Bucket, folder: Path):
    bucket.put("plate/x.ome.zarr/zarr.json", b"{}")
    bucket.put("plate/x.ome.zarr/0/c/0", b"0")
    cache = Cache(folder, 100)
    with cache.local(bucket, "plate/x.ome.zarr") as path:
        assert path.name == "x.ome.zarr"
        assert (path / "zarr.json").read_bytes() == b"{}"
        assert (path / "0/c/0").read_bytes() == b"0"
    bucket.put("plate/x.ome.zarr/0/c/0", b"1")
    with cache.local(bucket, "plate/x.ome.zarr") as path:
        assert (path / "0/c/0").read_bytes() == b"1"


def in_pieces(bucket: Bucket, key: str, pieces: list[bytes]) -> None:
    for number, piece in enumerate(pieces):
        bucket.put(f"{key}/{number:06d}", piece)
    index = {
        "path": "day 1/large é.ome.tif",
        "bytes": sum(map(len, pieces)),
        "piece_bytes": len(pieces[0]),
        "pieces": len(pieces),
    }
    bucket.put(f"{key}/index.json", json.dumps(index).encode())


def test_a_file_in_pieces_is_put_together(bucket: Bucket, folder: Path):
    pieces = [bytes([number]) * 1000 for number in range(12)] + [b"end"]
    in_pieces(bucket, "uploads/u/pieces/d", pieces)
    with Cache(folder, 10**6).local(bucket, "uploads/u/pieces/d") as path:
        assert path.name == "large é.ome.tif"
        assert path.read_bytes() == b"".join(pieces)


def test_a_file_of_which_a_piece_is_missing_is_none(bucket: Bucket, folder: Path):
    in_pieces(bucket, "p", [b"12", b"34", b"5"])
    bucket.delete(["p/000001"])
    missing = pytest.raises(MissingError, match="not all of its pieces")
    with missing, Cache(folder, 100).local(bucket, "p"):
        pass
    assert held(folder) == []


def test_what_is_not_there_is_missing(bucket: Bucket, folder: Path):
    cache = Cache(folder, 100)
    with pytest.raises(MissingError), cache.local(bucket, "no/such.tif"):
        pass
    assert held(folder) == []


def test_the_longest_unused_goes(bucket: Bucket, folder: Path, downloads: list[str]):
    for name in "abc":
        bucket.put(name, name.encode() * 40)
    cache = Cache(folder, 100)
    for name in "abacbab":
        with cache.local(bucket, name) as path:
            assert path.read_bytes() == name.encode() * 40
    # a b | c takes the place of b | b that of a | a that of c
    assert downloads == ["a", "b", "c", "b", "a"]
    assert held(folder) == ["a", "b"]


def test_what_is_in_use_stays(bucket: Bucket, folder: Path):
    for name in "abc":
        bucket.put(name, name.encode() * 40)
    cache = Cache(folder, 50)
    with cache.local(bucket, "a") as one, cache.local(bucket, "b") as two:
        with cache.local(bucket, "c"):
            pass
        assert one.read_bytes() == b"a" * 40
        assert two.read_bytes() == b"b" * 40
    with cache.local(bucket, "c"):
        assert held(folder) == ["c"]


def test_many_at_once_fetch_once(bucket: Bucket, folder: Path, downloads: list[str]):
    bucket.put("a", b"1" * 3_000_000)
    cache = Cache(folder, 10**7)
    together = threading.Barrier(8)

    def read(_: int) -> int:
        together.wait()
        with cache.local(bucket, "a") as path:
            return len(path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(8))) == [3_000_000] * 8
    assert downloads == ["a"]


def test_a_fault_leaves_nothing_and_is_told_to_all(
    bucket: Bucket, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    bucket.put("a", b"1")
    cache = Cache(folder, 100)
    begun, go_on = threading.Event(), threading.Event()

    def fail(self: Bucket, key: str, path: Path) -> None:
        path.write_bytes(b"half")
        begun.set()
        assert go_on.wait(30)
        raise BucketAwayError

    def read(_: int) -> bytes:
        with cache.local(bucket, "a") as path:
            return path.read_bytes()

    with monkeypatch.context() as patch, ThreadPoolExecutor(3) as pool:
        patch.setattr(Bucket, "download", fail)
        futures = [pool.submit(read, number) for number in range(3)]
        assert begun.wait(30)
        go_on.set()
        for future in futures:
            with pytest.raises(BucketAwayError):
                future.result()
    assert held(folder) == []
    assert read(0) == b"1"


def test_a_full_disk_is_told_when_nothing_can_go(
    bucket: Bucket, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    bucket.put("a", b"1")
    bucket.put("b", b"2")
    cache = Cache(folder, 100)
    with cache.local(bucket, "a"):
        pass
    real = Bucket.download
    tries: list[list[str]] = []

    def full(self: Bucket, key: str, path: Path) -> None:
        tries.append(held(folder))
        if "a" in tries[-1] or always:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, key, path)

    monkeypatch.setattr(Bucket, "download", full)
    always = False
    with cache.local(bucket, "b") as path:
        assert path.read_bytes() == b"2"
    assert tries == [["a"], []]
    always = True
    told = pytest.raises(
        TemporaryError, match=r"an input of 1 bytes cannot be copied there \(No space"
    )
    with told, cache.local(bucket, "a"):
        pass
    assert held(folder) == []


def test_a_place_that_cannot_be_written_is_told(bucket: Bucket, folder: Path):
    bucket.put("a", b"1")
    folder.write_bytes(b"a file")
    told = pytest.raises(TemporaryError, match=f"^{folder}: an input of 1 bytes cannot be copied")
    with told, Cache(folder, 100).local(bucket, "a"):
        pass


PROCESS = """
import sys
from pathlib import Path
from cytomill.jobs.bucket import Bucket
from cytomill.kiosk.cache import Cache
cache = Cache(Path(sys.argv[1]), 100)
with cache.local(Bucket(sys.argv[2]), "a"):
    print("in use", flush=True)
    sys.stdin.read()
"""


def test_what_a_dead_process_left_is_cleared_and_no_living_ones(bucket: Bucket, folder: Path):
    bucket.put("a", b"1")
    bucket.put("b", b"2")

    def started() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(folder), bucket.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "in use\n"
        return process

    dead, living = started(), started()
    try:
        dead.kill()
        dead.communicate()
        assert held(folder) == ["a", "a"]
        with Cache(folder, 100).local(bucket, "b"):
            assert held(folder) == ["a", "b"]
        living.communicate("")
        assert living.returncode == 0
    finally:
        for process in (dead, living):
            process.kill()
            process.communicate()
    assert held(folder) == [], "both removed theirs when they ended"
