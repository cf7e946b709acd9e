from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cytomill.errors import OptionError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import BucketAwayError, BucketFullError, ConflictError, MissingError
from cytomill.testing import BucketTests


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


@pytest.fixture
def bucket(folder: Path) -> Bucket:
    return Bucket(str(folder))


class TestAFolder(BucketTests):
    @pytest.fixture
    def bucket(self, tmp_path: Path) -> Bucket:
        return Bucket(str(tmp_path / "bucket"))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("form", ["{0}", "{0}/", "file://{0}", "file://localhost{0}"])
def test_a_folder_has_these_addresses(form: str, bucket: Bucket, folder: Path):
    Bucket(form.format(folder)).put("a", b"1")
    assert bucket.get("a") == b"1"


def test_a_folder_may_be_in_the_home_and_have_a_name_of_any_kind(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Bucket("~/my lab:1").put("a", b"1")
    assert Bucket(f"file://{tmp_path}/my%20lab:1").get("a") == b"1"


@pytest.mark.parametrize("url", ["ftp://host/a", "file://host/a", "s3://", "gs:///", "http://a/b"])
def test_what_is_no_address_of_a_bucket_is_told(url: str):
    with pytest.raises(OptionError, match=f"^{url}: is no"):
        Bucket(url)


def test_nothing_is_made_before_something_is_put(bucket: Bucket, folder: Path):
    assert list(bucket.list()) == []
    assert bucket.size("a") is None
    bucket.delete(["a"])
    bucket.delete_folder("a")
    bucket.delete_folder("")
    bucket.sweep()
    assert not folder.exists()


def test_a_path_is_no_file_and_folder_at_once(bucket: Bucket, tmp_path: Path):
    bucket.put("a/b", b"1")
    (tmp_path / "file").write_bytes(b"2")
    for key in ("a", "a/b/c"):
        with pytest.raises(ConflictError, match=f"{key}: a path cannot be a file and a folder"):
            bucket.put(key, b"2")
        with pytest.raises(ConflictError, match=f"{key}: a path cannot be a file and a folder"):
            bucket.put_file(key, tmp_path / "file", move=True)
    assert bucket.get("a/b") == b"1"
    assert (tmp_path / "file").exists()


def test_links_are_not_followed(bucket: Bucket, folder: Path, tmp_path: Path):
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "key").write_bytes(b"secret")
    bucket.put("own/file", b"1")
    (folder / "file").symlink_to(secret / "key")
    (folder / "folder").symlink_to(secret)
    (folder / "own/up").symlink_to("../..")
    (folder / "loop").symlink_to("loop")
    assert [found.key for found in bucket.list()] == ["own/file"]
    for key in ("file", "folder/key", "own/up/outside/key", "loop"):
        assert bucket.size(key) is None
        for read in (bucket.get, bucket.stream, bucket.path):
            with pytest.raises(MissingError):
                read(key)
        with pytest.raises(MissingError):
            bucket.download(key, tmp_path / "copy")
    assert list(bucket.list("folder")) == []
    with pytest.raises(MissingError):
        bucket.put("folder/new", b"1")
    bucket.delete(["folder/key", "file"])
    bucket.delete_folder("folder")
    bucket.delete_folder("")
    assert files(secret) == ["key"]


def test_what_is_no_file_is_no_object(bucket: Bucket, folder: Path):
    bucket.put("a", b"1")
    os.mkfifo(folder / "pipe")
    with pytest.raises(MissingError):
        bucket.get("pipe")
    assert [found.key for found in bucket.list()] == ["a"]


def test_files_that_can_have_no_key_are_left_out(bucket: Bucket, folder: Path):
    bucket.put("a", b"1")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_bytes(b"")
    (folder / "a\nb").write_bytes(b"")
    deep = folder.joinpath(*["d"] * 460)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"")
    assert [found.key for found in bucket.list()] == ["a"]


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_will_do(bucket: Bucket, folder: Path, monkeypatch, code: int):
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("cytomill.jobs.folder.fcntl.flock", refuse)
    (folder / ".part").mkdir(parents=True)
    (folder / ".part/other").write_bytes(b"of another machine, perhaps at work")
    bucket.put("a", b"1")
    bucket.sweep()
    assert bucket.get("a") == b"1"
    assert files(folder) == [".part", ".part/other", "a"]


def test_emptied_folders_go(bucket: Bucket, folder: Path):
    bucket.put("a/b/c", b"1")
    bucket.put("a/d/e/f", b"1")
    bucket.delete(["a/b/c"])
    bucket.delete_folder("a/d/e")
    assert files(folder) == [".part"]


def test_a_file_is_moved_without_a_copy(bucket: Bucket, folder: Path, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "zarr").mkdir()
    (tmp_path / "zarr/0").write_bytes(b"2")
    before = [(tmp_path / name).stat().st_ino for name in ("file", "zarr")]
    bucket.put_file("a/file", tmp_path / "file", move=True)
    bucket.put_file("a/zarr", tmp_path / "zarr", move=True)
    assert [(folder / "a" / name).stat().st_ino for name in ("file", "zarr")] == before


def test_a_file_is_moved_from_another_disk(bucket: Bucket, folder: Path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == folder.parent.stat().st_dev:
        pytest.skip("there is no other disk")
    source = memory / f"cytomill-{os.getpid()}"
    (source / "b").mkdir(parents=True)
    (source / "b/c").write_bytes(b"1")
    bucket.put_file("a", source, move=True)
    assert not source.exists()
    assert bucket.get("a/b/c") == b"1"


WRITER = """
import sys
from cytomill.jobs.bucket import Bucket
def chunks():
    yield b"x" * 1000
    print("writing", flush=True)
    sys.stdin.read()
    yield b""
Bucket(sys.argv[1]).put_stream("a", chunks())
"""


@pytest.fixture
def writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of writing the object "a"; it ends when its input does."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def test_what_a_killed_writer_left_is_swept(bucket: Bucket, folder: Path, writer):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert list(bucket.list()) == []
    assert len(files(folder)) == 2
    bucket.sweep()
    assert files(folder) == [".part"]


def test_what_is_being_written_is_not_swept(bucket: Bucket, folder: Path, writer):
    bucket.sweep()
    writer.communicate("")
    assert writer.returncode == 0
    assert bucket.get("a") == b"x" * 1000
    assert files(folder) == [".part", "a"]


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (errno.ENOSPC, BucketFullError, "is full .*; delete jobs"),
        (errno.EDQUOT, BucketFullError, "is full .*; delete jobs"),
        (errno.EACCES, BucketAwayError, "cannot be used .*; give this user the right"),
        (errno.EROFS, BucketAwayError, "cannot be used .*; mount it writable"),
        (errno.EIO, BucketAwayError, "cannot be used .*; check the disk"),
    ],
)
def test_faults_of_the_disk_are_told_and_leave_nothing(
    bucket: Bucket, folder: Path, monkeypatch, code: int, kind: type[Exception], told: str
):
    bucket.put("a", b"before")

    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr("cytomill.jobs.folder.os.write", fail)
        for write in (lambda: bucket.put("a", b"1"), lambda: bucket.ping()):
            with pytest.raises(kind, match=told):
                write()
    assert bucket.get("a") == b"before"
    assert files(folder) == [".part", "a"]


def test_a_file_in_the_place_of_the_bucket_is_told(bucket: Bucket, folder: Path):
    folder.write_bytes(b"")
    for write in (lambda: bucket.put("a", b""), bucket.ping):
        with pytest.raises(BucketAwayError, match=str(folder)):
            write()


def test_a_full_disk_is_told_and_works_again_when_there_is_room(small_disk: Path):
    bucket = Bucket(str(small_disk / "bucket"))
    bucket.put("a", b"a" * 600_000)
    with pytest.raises(BucketFullError, match="is full"):
        bucket.put("b", b"b" * 600_000)
    with pytest.raises(BucketFullError, match="is full"):
        bucket.put_stream("a", iter([b"c" * 300_000] * 3))
    assert bucket.get("a") == b"a" * 600_000
    bucket.delete(["a"])
    bucket.put("b", b"b" * 600_000)
    assert [found.key for found in bucket.list()] == ["b"]
