"""Uploads that are slow, many, or larger than any memory."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cytomill.jobs.bucket import Bucket
from cytomill.jobs.redis import connect
from cytomill.jobs.uploads import Uploads
from cytomill.kiosk.api import receiving
from cytomill.settings import Settings
from tests.kiosk import kiosk, wait_for


@pytest.fixture
def api(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url) as running:
        yield running


@pytest.fixture
def begin(api):
    """Begins to send a file of a user, and sends no more of it than a byte."""
    opened = []

    def begun(upload, number, token):
        where = urlsplit(api.url)
        connection = socket.create_connection((where.hostname, where.port), timeout=60)
        opened.append(connection)
        connection.sendall(
            f"PUT /api/v1/uploads/{upload}/files/{number} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: 1000\r\n\r\nx".encode()
        )
        return connection

    yield begun
    for connection in opened:
        connection.close()


def test_a_client_that_falls_silent_is_given_up(api, begin, monkeypatch):
    monkeypatch.setattr(receiving, "_SILENCE", 0.1)
    with api.client() as ann:
        upload = ann.post("/uploads", json={}).json()["id"]
        answer = begin(upload, 0, api.token).recv(1000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert ann.get(f"/uploads/{upload}").json()["bytes"] == 0


def test_one_with_many_slow_uploads_does_not_keep_others_out(api, begin, monkeypatch):
    monkeypatch.setattr(receiving, "_OF_A_USER", 2)
    with api.client() as ann, api.client(api.token_of("bob")) as bob:
        upload = ann.post("/uploads", json={}).json()["id"]
        for number in range(5):
            begin(upload, number, api.token)
        wait_for(lambda: ann.get(f"/uploads/{upload}").json()["files"] == 2)
        other = bob.post("/uploads", json={}).json()["id"]
        assert bob.put(f"/uploads/{other}/files/a", content=b"x").status_code == 201
        assert ann.get(f"/uploads/{upload}").json()["files"] == 2  # the rest waits unread


def resident():
    """Bytes of memory of this process, in which the API runs."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_file_passes_through_without_being_held_in_memory(api):
    size, most = 400 * 2**20, 0
    before = resident()

    def chunks():
        nonlocal most
        for _ in range(size // 2**20):
            most = max(most, resident())
            yield bytes(2**20)

    with api.client() as ann:
        upload = ann.post("/uploads", json={}).json()["id"]
        length = {"Content-Length": str(size)}
        sent = ann.put(f"/uploads/{upload}/files/a", content=chunks(), headers=length)
        assert sent.json()["bytes"] == size
        assert ann.delete(f"/uploads/{upload}").status_code == 204
    assert most - before < 150 * 2**20


def test_the_last_piece_of_100_gb_lies_where_it_belongs(tmp_path, redis_url):
    piece = 64 * 2**20
    settings = replace(Settings(), piece_bytes=piece)
    with connect(redis_url) as client:
        uploads = Uploads(client, Bucket(str(tmp_path / "bucket")), settings)
        name = uploads.create("ann").id
        file = uploads.large.start(name, "slide.tif", 1600 * piece + 5)
        began = time.monotonic()
        uploads.large.put(name, file, 1600, [b"12345"])
        assert time.monotonic() - began < 30  # nothing is written for what is missing
        assert uploads.large.have(name, file) == [(1600, 1600)]
        (unfinished,) = (tmp_path / "bucket").rglob("unfinished/*")
        assert unfinished.stat().st_size == file.bytes
        assert unfinished.stat().st_blocks * 512 < 2**20
        with unfinished.open("rb") as opened:
            opened.seek(-5, os.SEEK_END)
            assert opened.read() == b"12345"
