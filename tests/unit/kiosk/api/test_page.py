"""What is answered outside of the API: files of the page, itself, or that it is missing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from cytomill.kiosk.api.page import Page
from cytomill.kiosk.built_page import lacking

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROGRAM = {"Accept": "*/*"}
INDEX = b"<!doctype html><title>the page</title>"
SCRIPT = b"console.log(1);" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page, built."""
    made = tmp_path / "page"
    (made / "assets").mkdir(parents=True)
    (made / "index.html").write_bytes(INDEX)
    (made / "icon.svg").write_bytes(b"<svg/>")
    (made / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (made / "assets" / "app-1a2b.js.gz").write_bytes(b"as gzip has it")
    (made / "assets" / "app-1a2b.js.br").write_bytes(b"as brotli has it")
    (tmp_path / "secret.txt").write_text("secret")
    return made


@dataclass
class Answer:
    """What was sent: nothing is unpacked, as a client would."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


class Client:
    """Asks for a path as it is given: a client would mend what leads elsewhere."""

    def __init__(self, folder: Path, issuer: str = "") -> None:
        self._app = Starlette(routes=[Page(issuer, folder)])

    def __call__(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> Answer:
        told, answer = headers or {}, Answer()
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in told.items()],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            answer.status = message.get("status", answer.status)
            answer.headers |= {k.decode(): v.decode() for k, v in message.get("headers", [])}
            answer.content += message.get("body", b"")

        asyncio.run(self._app(scope, receive, send))
        return answer


@pytest.fixture
def page(folder: Path) -> Client:
    return Client(folder)


@pytest.mark.parametrize("address", ["/", "/jobs/1/images/2", "/new", "/index.html"])
def test_wherever_a_browser_goes_it_gets_the_page(page: Client, address: str) -> None:
    answer = page(address, BROWSER)
    assert (answer.status, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/v1/jobs", "/assets/gone-1a2b.js"])
def test_what_is_the_apis_or_gone_is_not_the_page(page: Client, address: str) -> None:
    assert page(address, BROWSER).status == 404


def test_programs_that_ask_for_what_is_not_there_are_told_so(page: Client) -> None:
    assert page("/robots.txt", PROGRAM).status == 404
    assert page("/", PROGRAM).content == INDEX
    assert page("/new", BROWSER, "POST").status == 404


def test_names_with_a_digest_are_kept_for_ever(page: Client) -> None:
    answer = page("/assets/app-1a2b.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page("/icon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "coding", "content"),
    [
        ("gzip, deflate, br", "br", b"as brotli has it"),
        ("gzip;q=1.0, br;q=0", "gzip", b"as gzip has it"),
        ("GZIP", "gzip", b"as gzip has it"),
        ("zstd, identity", None, SCRIPT),
        ("", None, SCRIPT),
    ],
)
def test_a_browser_gets_the_smallest_that_it_takes(
    page: Client, accepted: str, coding: str | None, content: bytes
) -> None:
    answer = page("/assets/app-1a2b.js", {"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.content == content


def test_what_a_browser_has_is_not_sent_again(page: Client, folder: Path) -> None:
    tag = page("/").headers["etag"]
    again = page("/", {"If-None-Match": f'"other", {tag}'})
    assert (again.status, again.content) == (304, b"")
    packed = page("/assets/app-1a2b.js", {"Accept-Encoding": "gzip"})
    assert packed.headers["etag"] != page("/assets/app-1a2b.js").headers["etag"]
    (folder / "index.html").write_bytes(INDEX + b"<p>another</p>")
    assert page("/", {"If-None-Match": tag}).content.endswith(b"<p>another</p>")


def test_head_is_get_without_the_content(page: Client) -> None:
    for address in ("/", "/new", "/assets/app-1a2b.js"):
        got, head = page(address, BROWSER), page(address, BROWSER, "HEAD")
        assert head.content == b""
        assert (head.status, head.headers) == (got.status, got.headers)


@pytest.mark.parametrize(
    "address",
    ["/../secret.txt", "/assets/../../secret.txt", "//secret.txt", "/\0", "/..\\secret.txt"],
)
def test_nothing_outside_of_its_folder_is_read(page: Client, address: str) -> None:
    assert page(address, PROGRAM).status == 404
    assert b"secret" not in page(address, BROWSER).content


def test_the_page_may_speak_to_its_kiosk_alone(page: Client) -> None:
    headers = page("/").headers
    policy = dict(one.split(" ", 1) for one in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]


def test_the_page_may_speak_to_a_provider_of_sign_in(folder: Path) -> None:
    answer = Client(folder, "https://login.example.org:8443/realms/lab")("/")
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self' https://login.example.org:8443;" in policy
    assert "form-action 'self' https://login.example.org:8443;" in policy


def test_a_page_that_is_not_built_says_how(tmp_path: Path) -> None:
    unbuilt = Client(tmp_path)
    answer = unbuilt("/new", BROWSER)
    assert answer.status == 503
    assert b"run scripts/page" in answer.content
    assert answer.headers["cache-control"] == "no-store"
    assert unbuilt("/icon.svg").status == 404
    (tmp_path / "index.html").write_bytes(INDEX)
    assert unbuilt("/new", BROWSER).content == INDEX


def test_a_package_without_its_page_is_damaged(tmp_path: Path, folder: Path) -> None:
    assert lacking(folder) == ""
    assert "pip install --force-reinstall" in lacking(tmp_path / "none", tmp_path)
