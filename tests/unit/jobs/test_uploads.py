"""Uploads, in a real Redis and a folder."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cytomill.errors import InputError, OptionError
from cytomill.jobs import uploads as module
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import (
    BucketFullError,
    ConflictError,
    MissingError,
    QueueAwayError,
    QueueFullError,
    QuotaError,
)
from cytomill.jobs.job import Job
from cytomill.jobs.queue import Queue
from cytomill.jobs.redis import connect
from cytomill.jobs.tokens import Tokens
from cytomill.jobs.uploads import Uploads
from cytomill.settings import Settings

SETTINGS = replace(Settings(), piece_bytes=10, user_bytes=1000)


@pytest.fixture
def client(redis_url):
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def bucket(tmp_path):
    return Bucket(str(tmp_path / "bucket"))


@pytest.fixture
def uploads(client, bucket):
    return Uploads(client, bucket, SETTINGS)


def content(bucket, name):
    """Path and bytes of all that an upload has in the bucket."""
    return {
        found.key.removeprefix(f"uploads/{name}/"): bucket.get(found.key)
        for found in bucket.list(f"uploads/{name}")
    }


def test_a_file_lies_where_it_is_listed(uploads, bucket):
    name = uploads.create("ann", "plate 1").id
    put = uploads.put(name, "./well A1//a.tif", [b"12", b"", b"345"], size=5)
    assert (put.path, put.bytes) == ("well A1/a.tif", 5)
    assert list(uploads.files(name)) == [put]
    assert bucket.get(put.key) == b"12345"
    found = uploads.get(name)
    assert (found.owner, found.name, found.bytes, found.files) == ("ann", "plate 1", 5, 1)
    assert found.expires - found.created == pytest.approx(7 * 86_400, abs=60)


@pytest.mark.parametrize("size", [None, 3])
def test_a_file_takes_the_place_of_another(uploads, bucket, size):
    name = uploads.create("ann").id
    uploads.put(name, "a", [b"x" * 100])
    uploads.put(name, "a", [b"new"], size=size)
    assert content(bucket, name) == {"files/a": b"new"}
    assert (uploads.get(name).bytes, uploads.get(name).files, uploads.used("ann")) == (3, 1, 3)


def test_nothing_is_left_of_a_file_that_was_broken_off(uploads, bucket, client):
    def broken():
        yield b"x" * 100
        raise ConnectionResetError("gone")

    name = uploads.create("ann").id
    uploads.put(name, "a", [b"old"])
    before = sorted(client.keys())
    for size in (None, 200):
        for path in ("a", "b"):
            with pytest.raises(ConnectionResetError):
                uploads.put(name, path, broken(), size=size)
    assert content(bucket, name) == {"files/a": b"old"}
    assert (uploads.get(name).bytes, uploads.get(name).files, uploads.used("ann")) == (3, 1, 3)
    assert sorted(client.keys()) == before


def test_two_that_write_one_path_at_once_leave_one_whole_file(uploads, bucket):
    name = uploads.create("ann").id
    together = threading.Barrier(4)

    def send(number):
        def chunks():
            together.wait(30)
            for _ in range(20):
                yield bytes([number])

        return uploads.put(name, "a", chunks(), size=20)

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(send, range(4)))) == 4
    (data,) = content(bucket, name).values()
    assert len(data) == 20
    assert len(set(data)) == 1
    assert uploads.get(name).files == 1
    assert uploads.get(name).bytes >= 20  # never less than there is
    assert uploads.delete(name)
    assert uploads.used("ann") == 0


def test_a_user_has_so_many_bytes_in_all_uploads_and_no_more(uploads, bucket):
    first, second = uploads.create("ann").id, uploads.create("ann").id
    uploads.put(first, "a", [b"x" * 600])
    for size in (None, 401):
        with pytest.raises(QuotaError, match="1,000 bytes"):
            uploads.put(second, "b", [b"x" * 400, b"x"], size=size)
    assert content(bucket, second) == {}
    uploads.put(second, "b", [b"x" * 400])
    with pytest.raises(QuotaError):
        uploads.large.start(second, "c", 1)
    uploads.put(uploads.create("bob").id, "b", [b"x" * 1000], size=1000)
    uploads.delete(first)
    assert uploads.used("ann") == 400


def test_what_is_too_much_is_refused_before_it_is_read(uploads):
    def untouched():
        raise AssertionError("it was read")
        yield b""

    with pytest.raises(QuotaError):
        uploads.put(uploads.create("ann").id, "a", untouched(), size=1001)


def test_many_at_once_do_not_get_past_the_quota(uploads, bucket):
    name = uploads.create("ann").id

    def send(number):
        try:
            uploads.put(name, str(number), [b"x" * 90] * 2, size=180)
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(12))) == 5
    assert uploads.used("ann") == sum(map(len, content(bucket, name).values())) == 900


def test_a_full_disk_is_told_and_leaves_nothing(uploads, bucket, monkeypatch):
    name = uploads.create("ann").id
    file = uploads.large.start(name, "l", 15)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        patch.setattr(os, "pwrite", full)
        with pytest.raises(BucketFullError):
            uploads.put(name, "a", [b"x"])
        with pytest.raises(BucketFullError):
            uploads.large.put(name, file, 0, [b"x" * 10])
    assert "files/a" not in content(bucket, name)
    assert uploads.large.have(name, file) == []
    assert uploads.used("ann") == 15


def test_an_upload_is_deleted_with_all_it_has(uploads, bucket, client):
    name = uploads.create("ann").id
    uploads.put(name, "a/b", [b"x"])
    file = uploads.large.start(name, "l", 15)
    uploads.large.put(name, file, 0, [b"x" * 10])
    assert uploads.delete(name)
    assert uploads.delete(name)
    assert uploads.get(name) is None
    assert uploads.list("ann") == uploads.list() == []
    assert list(bucket.list()) == []
    assert client.keys() == []


def test_a_deletion_that_was_stopped_half_way_is_gone_on_with(uploads, bucket, client, monkeypatch):
    queue = Queue(client)
    name = uploads.create("ann").id
    uploads.put(name, "a", [b"x"])

    def stopped(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "delete_folder", stopped)
        with pytest.raises(KeyboardInterrupt):
            uploads.delete(name)
    assert uploads.get(name) is None
    assert queue.expired() == [("upload", name)]
    with pytest.raises(MissingError):
        uploads.put(name, "b", [b"x"])
    assert uploads.delete(name)
    assert queue.expired() == []
    assert client.keys() == []


def test_a_file_that_comes_while_its_upload_is_deleted_does_not_stay(uploads, bucket, client):
    name = uploads.create("ann").id
    file = uploads.large.start(name, "l", 15)

    def late():
        uploads.delete(name)
        yield b"x" * 10

    with pytest.raises(MissingError):
        uploads.large.put(name, file, 0, late())
    name = uploads.create("ann").id
    with pytest.raises(MissingError):
        uploads.put(name, "a", late())
    assert not bucket.path("uploads").exists()
    assert client.keys() == []


@pytest.mark.parametrize("days", [0.0, 1.0])
def test_an_upload_in_use_is_not_deleted(client, bucket, days):
    uploads = Uploads(client, bucket, replace(SETTINGS, upload_days=days))
    queue = Queue(client)
    name = uploads.create("ann").id
    uploads.put(name, "a", [b"x"])
    job = Job("0" * 24, "ann", "nuclei")
    assert uploads.hold(name, job.id)
    assert not uploads.delete(name)  # it is about to be submitted
    queue.submit(job)
    assert not uploads.delete(name)
    assert queue.expired() == []  # it does not keep the janitor busy
    assert uploads.get(name).files == 1
    assert queue.cancel(queue.job(job.id))
    assert uploads.delete(name)


def test_an_upload_expires_and_begins_its_days_anew_when_it_is_used(client, bucket):
    queue = Queue(client)
    brief = Uploads(client, bucket, replace(SETTINGS, upload_days=1e-9))
    name = brief.create("ann").id
    assert queue.expired() == [("upload", name)]
    client.hset(f"{{cytomill}}:upload:{name}", "days", 1)
    assert brief.touch(name)
    assert queue.expired() == []
    assert not brief.touch("0" * 24)


def test_uploads_are_listed_by_owner_newest_first_in_pages(uploads):
    names = [uploads.create("ann", str(number)).id for number in range(5)]
    uploads.create("bob")
    assert [upload.id for upload in uploads.list("ann")] == names[::-1]
    first = uploads.list("ann", count=2)
    rest = uploads.list("ann", before=first[-1].created)
    assert [upload.id for upload in first + rest] == names[::-1]
    assert len(uploads.list()) == 6


def test_files_come_in_natural_order_and_in_pages(uploads):
    name = uploads.create("ann").id
    for path in ("img10.tif", "img2.tif", "a/z.tif", "é.tif", "B.tif"):
        uploads.put(name, path, [b"x"])
    paths = [file.path for file in uploads.files(name)]
    assert paths == ["a/z.tif", "B.tif", "img2.tif", "img10.tif", "é.tif"]
    seen, after = [], ""
    while after is not None:
        page, after = uploads.page(name, after=after, limit=2)
        seen += [file.path for file in page]
    assert seen == sorted(paths)


def test_a_file_cannot_be_a_folder_too(uploads):
    name = uploads.create("ann").id
    uploads.put(name, "a", [b"x"])
    with pytest.raises(ConflictError):
        uploads.put(name, "a/b", [b"x"])
    assert uploads.get(name).bytes == 1


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "x\0", ""])
def test_no_file_gets_out_of_its_upload(uploads, bucket, path, tmp_path):
    name = uploads.create("ann").id
    with pytest.raises(InputError):
        uploads.put(name, path, [b"x"])
    with pytest.raises(InputError):
        uploads.large.start(name, path, 10)
    assert list(tmp_path.rglob("x*")) == []


def test_what_cannot_be_is_refused(uploads, monkeypatch):
    for name in ("a\nb", "x" * 201):
        with pytest.raises(OptionError, match="one line"):
            uploads.create("ann", name)
    for name in ("", "*", "a:large", "0" * 23):
        assert uploads.get(name) is None
    monkeypatch.setattr(module, "MOST", 1)
    uploads.create("ann")
    with pytest.raises(QuotaError, match="1 uploads"):
        uploads.create("ann")


def test_without_redis_it_is_said_and_nothing_is_left(own_redis, tmp_path):
    with connect(own_redis.url) as client:
        uploads = Uploads(client, Bucket(str(tmp_path / "b")), SETTINGS)
        name = uploads.create("ann").id
        uploads.put(name, "a", [b"x"])
        own_redis.kill()
        with pytest.raises(QueueAwayError):
            uploads.get(name)
        with pytest.raises(QueueAwayError):
            uploads.put(name, "b", [b"x"])
        own_redis.start()
        uploads.put(name, "b", [b"x"])
        assert [file.path for file in uploads.files(name)] == ["a", "b"]


def test_in_a_full_memory_an_upload_can_still_be_ended_and_deleted(own_redis, tmp_path):
    with connect(own_redis.url) as client:
        bucket = Bucket(str(tmp_path / "b"))
        uploads, tokens = Uploads(client, bucket, SETTINGS), Tokens(client)
        name = uploads.create("ann").id
        secret, made = tokens.create("ann")

        def filling():
            client.config_set("maxmemory", 1)
            yield b"x"

        uploads.put(name, "a", filling(), size=1)
        assert tokens.check(secret) is not None
        with pytest.raises(QueueFullError):
            uploads.put(name, "b", [b"x"])
        assert [file.path for file in uploads.files(name)] == ["a"]
        assert uploads.delete(name)
        assert tokens.revoke(made.id)
        assert client.keys() == []
