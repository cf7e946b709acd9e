"""Forms of files."""

from __future__ import annotations

import os

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.errors import InputError
from cytomill.kiosk.api.forms import Form

KIND = "multipart/form-data; boundary=xx"

#: Bytes that look like the boundary, or nearly.
CONTENT = st.lists(
    st.sampled_from([b"\r\n--xx", b"\r\n", b"--", b"x", b"\r", b"\n", b"\0", b"ab"]), max_size=12
).map(b"".join)


def part(name, data, field="files"):
    head = f'--xx\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


def read(body, kind=KIND, size=10**6):
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    return [(name, b"".join(data)) for name, data in Form(kind, chunks).files()]


@given(st.lists(CONTENT, max_size=4), st.integers(1, 50))
def test_files_come_out_as_they_went_in_however_they_are_cut(contents, size):
    contents = [data for data in contents if b"\r\n--xx" not in b"\r\n" + data]
    sent = [(f"a/{number} ü.tif", data) for number, data in enumerate(contents)]
    body = b"".join(part(name, data) for name, data in sent) + b"--xx--\r\n"
    assert read(body, size=size) == sent


def test_what_clients_send_is_read():
    files = [("files", (f"a/{n} (é).tif", os.urandom(3000))) for n in range(20)]
    request = httpx.Request("POST", "http://x", files=files)
    found = read(request.read(), request.headers["content-type"], size=100)
    assert found == [file for _, file in files]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("", "is no form"),
        ("application/json", "is no form"),
        ("multipart/form-data", "is no form"),
        ("multipart/form-data; boundary=", "is no form"),
        ("multipart/mixed; boundary=xx", "is no form"),
        (f"multipart/form-data; boundary={'x' * 5000}", "is no form"),
    ],
)
def test_another_body_is_refused(kind, words):
    with pytest.raises(InputError, match=words):
        read(b"--xx--\r\n", kind)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "cut short"),
        (b"garbage", "damaged"),
        (part("a", b"data"), "cut short"),
        (part("a", b"data")[:-6], "cut short"),
        (part("a", b"", "images") + b"--xx--\r\n", "images"),
        (b'--xx\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n--xx--\r\n', "files"),
        (b"--xx\r\nContent-Type: text/plain\r\n\r\nx\r\n--xx--\r\n", "no file"),
        (part("a", b"").replace(b'"a"', b'"\xff"') + b"--xx--\r\n", "not UTF-8"),
        (b"--xx\r\n" + b"A: b\r\n" * 100 + b"\r\nx\r\n--xx--\r\n", "damaged"),
        (b"--xx\r\nA: " + b"b" * 10_000 + b"\r\n\r\nx\r\n--xx--\r\n", "damaged"),
    ],
)
def test_a_damaged_form_is_told(body, words):
    with pytest.raises(InputError, match=words):
        read(body)
