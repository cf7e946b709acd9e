"""Uploads into a bucket of S3, over the wire."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

import httpx
import pytest

from cytomill.errors import PermanentError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import ConflictError
from cytomill.jobs.redis import connect
from cytomill.jobs.uploads import Uploads
from cytomill.settings import Settings
from tests.kiosk import kiosk
from tests.s3 import NAME, serving


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def bucket(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Bucket(f"s3://{NAME}/{secrets.token_hex(4)}")


@pytest.fixture
def client(redis_url):
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def uploads(client, bucket):
    return Uploads(client, bucket, replace(Settings(), piece_bytes=10))


def send(uploads, name, path, data):
    """Send a file in pieces, straight to the bucket."""
    file = uploads.large.start(name, path, len(data))
    for piece, url in enumerate(uploads.large.sign(name, file, 0, file.pieces - 1)):
        httpx.put(url, content=data[piece * 10 : piece * 10 + 10]).raise_for_status()
    return file


def test_pieces_go_to_the_cloud_itself_and_stay_objects(uploads, bucket, client):
    name = uploads.create("ann").id
    data = bytes(range(65, 90))
    file = send(uploads, name, "a/slide 1.tif", data)
    assert uploads.large.have(name, file) == [(0, 2)]
    assert list(uploads.files(name)) == []
    uploads.large.complete(name, "a/slide 1.tif")
    uploads.large.complete(name, "a/slide 1.tif")
    uploads.put(name, "a/b.tif", [b"whole"])
    whole, found = uploads.files(name)
    assert (whole.path, whole.pieces) == ("a/b.tif", ())
    assert (found.path, found.bytes, len(found.pieces)) == ("a/slide 1.tif", 25, 3)
    assert b"".join(map(bucket.get, found.pieces)) == data
    index = json.loads(bucket.get(f"{found.key}/index.json"))
    assert index == {"path": "a/slide 1.tif", "bytes": 25, "piece_bytes": 10, "pieces": 3}
    assert (uploads.get(name).files, uploads.get(name).bytes) == (2, 30)
    assert [file.path for file in uploads.page(name)[0]] == ["a/b.tif", "a/slide 1.tif"]
    assert uploads.delete(name)
    assert list(bucket.list()) == []
    assert client.keys() == []


def test_a_piece_of_another_length_is_missing_however_it_was_sent(uploads):
    name = uploads.create("ann").id
    file = send(uploads, name, "a", b"x" * 25)
    (url,) = uploads.large.sign(name, file, 1, 1)
    httpx.put(url, content=b"x" * 11).raise_for_status()
    with pytest.raises(ConflictError, match="pieces 1 are missing"):
        uploads.large.complete(name, "a")
    with pytest.raises(PermanentError):
        uploads.large.put(name, file, 1, [b"x" * 9])
    uploads.large.put(name, file, 1, [b"y" * 10])
    assert uploads.large.complete(name, "a").bytes == 25


def test_an_address_is_good_for_one_piece_and_to_write_it(uploads):
    name = uploads.create("ann").id
    file = uploads.large.start(name, "a", 25)
    first, second = uploads.large.sign(name, file, 0, 1)
    assert first.partition("?")[0] != second.partition("?")[0]
    assert "slide" not in first
    assert f"uploads/{name}/pieces/" in first


def test_a_file_takes_the_place_of_another_of_either_kind(uploads, bucket):
    name = uploads.create("ann").id
    uploads.put(name, "a", [b"small"])
    for data in (b"l" * 25, b"m" * 12):
        send(uploads, name, "a", data)
        uploads.large.complete(name, "a")
        (found,) = uploads.files(name)
        assert b"".join(map(bucket.get, found.pieces)) == data
        assert (uploads.get(name).files, uploads.get(name).bytes) == (1, len(data))
    uploads.put(name, "a", [b"small"])
    assert [found.key for found in bucket.list()] == [f"uploads/{name}/files/a"]
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 5)


def test_nothing_is_left_of_a_file_that_was_broken_off(uploads, bucket):
    def broken():
        yield b"x" * 100
        raise ConnectionResetError

    name = uploads.create("ann").id
    with pytest.raises(Exception):  # noqa: B017 - the library's own
        uploads.put(name, "a", broken())
    assert list(bucket.list()) == []
    assert (uploads.get(name).files, uploads.used("ann")) == (0, 0)


@pytest.fixture
def ann(tmp_path, redis_url, bucket):
    with kiosk(tmp_path, redis_url, bucket=bucket.url, piece_bytes=10) as api, api.client() as ann:
        yield ann


def test_over_http_large_files_do_not_pass_through_the_api(ann, bucket):
    upload = ann.post("/uploads", json={}).json()["id"]
    ann.post(f"/uploads/{upload}/large", json={"path": "a/b", "bytes": 25}).raise_for_status()
    told = ann.get(f"/uploads/{upload}/large/a/b", params={"sign": "1-2"}).json()
    for url, data in zip(told["urls"], (b"1" * 10, b"2" * 5), strict=True):
        httpx.put(url, content=data).raise_for_status()
    ann.put(f"/uploads/{upload}/large/a/b", params={"piece": 0}, content=b"0" * 10)
    assert ann.get(f"/uploads/{upload}/large/a/b").json()["have"] == [[0, 2]]
    done = ann.post(f"/uploads/{upload}/complete", json={"path": "a/b"})
    assert (done.status_code, done.json()) == (201, {"path": "a/b", "bytes": 25})
    assert ann.get(f"/uploads/{upload}/files").json()["files"] == [{"path": "a/b", "bytes": 25}]


def test_over_http_a_file_goes_to_the_cloud_as_it_comes_or_not_at_all(ann, bucket):
    upload = ann.post("/uploads", json={}).json()["id"]
    place = f"/uploads/{upload}/files"
    data = bytes(range(256)) * 2**17  # of several parts
    sent = ann.put(f"{place}/a", content=iter([data[:1000], data[1000:]]))
    assert (sent.status_code, sent.json()["bytes"]) == (201, len(data))
    assert bucket.get(f"uploads/{upload}/files/a") == data
    wrong = {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}
    for content in (b"x", data):
        answer = ann.put(f"{place}/b", content=content, headers=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "digest")
    assert [found.key for found in bucket.list()] == [f"uploads/{upload}/files/a"]
    assert ann.get(f"/uploads/{upload}").json()["bytes"] == len(data)
    assert ann.delete(f"/uploads/{upload}").status_code == 204
    assert list(bucket.list()) == []
