"""The bucket over the wire."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from cytomill.errors import InputError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import BucketAwayError, BucketFullError, MissingError
from cytomill.testing import BucketTests
from tests.s3 import NAME, S3Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


class TestABucketOfS3(BucketTests):
    @pytest.fixture
    def bucket(self, environment: None) -> Bucket:
        return Bucket(f"s3://{NAME}/{secrets.token_hex(4)}/below")


def test_a_prefix_keeps_buckets_apart():
    one, other = Bucket(f"s3://{NAME}/one"), Bucket(f"s3://{NAME}/on")
    one.put("a", b"1")
    assert list(other.list()) == []
    assert [found.key for found in Bucket(f"s3://{NAME}").list("one")] == ["one/a"]
    with pytest.raises(MissingError):
        other.get("a")


def test_more_objects_than_a_page_are_listed_and_deleted():
    bucket = Bucket(f"s3://{NAME}/pages")
    for number in range(1005):
        bucket.put(f"{number:04d}", b"")
    assert [found.key for found in bucket.list()] == [f"{number:04d}" for number in range(1005)]
    bucket.delete_folder("")
    assert list(bucket.list()) == []


def test_what_consoles_make_to_show_a_folder_is_no_object(server: S3Server):
    bucket = Bucket(f"s3://{NAME}/console")
    for key in ("x.zarr/", "x.zarr/0/", "x.zarr/0/c"):
        httpx.put(f"{server.url}/{NAME}/console/{key}", content=b"").raise_for_status()
    bucket.put("x.tif", b"")
    assert [found.key for found in bucket.list()] == ["x.tif", "x.zarr/0/c"]
    assert bucket.find("x.zarr") is None


def test_a_key_of_another_program_that_is_no_path_is_told(server: S3Server):
    bucket = Bucket(f"s3://{NAME}/foreign")
    bucket.put("good/a", b"1")
    httpx.put(f"{server.url}/{NAME}/foreign/bad//a", content=b"").raise_for_status()
    with pytest.raises(InputError, match=r"foreign/bad//a.*; rename that object"):
        list(bucket.list())
    assert [found.key for found in bucket.list("good")] == ["good/a"]


def test_a_bucket_that_is_not_there_is_told():
    bucket = Bucket("s3://no-such-bucket")
    for call in (
        lambda: bucket.put("a", b""),
        lambda: bucket.put_stream("a", iter([b"1"])),
        lambda: bucket.get("a"),
        lambda: bucket.stream("a"),
        lambda: list(bucket.list()),
        lambda: bucket.delete(["a"]),
        bucket.ping,
    ):
        with pytest.raises(BucketAwayError, match=r"no bucket s3://no-such-bucket; make it"):
            call()


def test_a_server_that_does_not_answer_is_told(monkeypatch):
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        bucket = Bucket(f"s3://{NAME}")
        with pytest.raises(BucketAwayError, match=r"does not answer .*; check its address"):
            bucket.get("a")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A server that gives every request the answer that is put in the list."""
    answers: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            code, _, body = answers[0].partition(b" ")
            self.send_response(int(code))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield answers
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (b"403 <Error><Code>AccessDenied</Code></Error>", BucketAwayError, "refuses these keys"),
        (b"401 <Error><Code>BadToken</Code></Error>", BucketAwayError, "refuses these keys"),
        (b"403 <Error><Code>QuotaExceeded</Code></Error>", BucketFullError, "is full; delete jobs"),
        (b"507 <Error><Code>StorageFull</Code></Error>", BucketFullError, "is full; delete jobs"),
        (b"500 <Error><Code>Internal</Code></Error>", BucketAwayError, "does not answer"),
    ],
)
def test_what_a_server_refuses_is_told(answering, answer: bytes, kind: type[Exception], told: str):
    answering.append(answer)
    with pytest.raises(kind, match=told) as raised:
        Bucket(f"s3://{NAME}").put("a", b"1")
    assert "\n" not in str(raised.value)
    assert "test" not in str(raised.value), "keys are not shown"


def test_an_address_ends(server: S3Server):
    url = Bucket(f"s3://{NAME}").sign("a", "GET", 60)
    assert url is not None
    told = httpx.URL(url).params
    assert told["X-Amz-Expires"] == "60"
    assert url.startswith(server.url)
