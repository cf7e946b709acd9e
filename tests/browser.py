"""The page in a real browser: fixtures for every test, without an import.

    def test_jobs_are_listed(own_kiosk: Kiosk, visit: Visit) -> None:
        page = visit(own_kiosk.url, "/", own_kiosk.token)               # ann, signed in
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        axe(page)
        phone = visit(own_kiosk.url, "/", own_kiosk.token_of("bob"), width=360, dark=True)

`own_kiosk` is a whole kiosk, API and consumer, that serves the built page; `tests.labs.lab` and
`tests.kiosk.kiosk` make others, with settings. `visit` opens an address in a session of its own;
without a token nobody is signed in. At the end a test fails for what a user would not see: errors
in the console, exceptions, refused and failed requests, requests to other hosts, answers of more
than 1 MiB that are no downloads. What is meant to go wrong is told before:
``visit.expect(r"GET /api/v1/jobs/\\w+: 404")``. Playwright's ``expect`` is patient, as the machine
may be busy. When a test fails, what its pages showed is in its ``tmp_path``.

The build is that of ``scripts/page``, or lies in the folder that the environment variable PAGE
names: ``cd web && OUT=/tmp/page npm run build; PAGE=/tmp/page pytest ...``.

A module whose tests use the browser must not call ``asyncio.run``: Playwright's loop runs in its
thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from cytomill.kiosk.built_page import FOLDER, lacking
from tests.conftest import missing, requires

# What is here is imported for every test: what only these need is imported where it is used.
if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

    from tests.kiosk import Kiosk

ROOT = Path(__file__).resolve().parents[1]

#: Milliseconds after which something on the page will not come.
PATIENCE = 60_000

#: Bytes of an answer that is no download.
MOST = 2**20

#: A machine for tests has no graphics card, and its user may be the superuser.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]

#: What the browser says of every request that is refused or fails, which is judged by itself.
_TOLD_TWICE = re.compile(r"Failed to load resource: ")

#: Requests that the page itself, or the browser as it leaves, gave up.
_GIVEN_UP = ("net::ERR_ABORTED",)


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the built page."""
    folder = Path(os.environ.get("PAGE", FOLDER))
    if lacking(folder):
        missing(f"the page is not built in {folder}: {lacking(folder)}")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Not for the whole session: other tests have loops of their own in this thread."""
    chromium = requires("chromium")
    try:
        from playwright.sync_api import expect, sync_playwright
    except ModuleNotFoundError:
        missing("the package playwright is not installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def own_kiosk(tmp_path: Path, redis_url: str, built_page: Path) -> Iterator[Kiosk]:
    """A whole kiosk that holds nothing, and serves the page."""
    from tests.labs import lab

    with lab(tmp_path / "kiosk", redis_url, page=built_page) as found:
        yield found


@pytest.fixture
def visit(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Opens addresses, and sees what goes wrong there."""
    failed = request.session.testsfailed
    visiting = Visit(browser)
    try:
        yield visiting
        if request.session.testsfailed > failed:
            visiting.keep(tmp_path)
        else:
            visiting.end()
    finally:
        visiting.close()


@dataclass
class Visit:
    """The sessions of a browser that one test has."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    finished: list[Request] = field(default_factory=list)

    def __call__(
        self,
        url: str,
        path: str = "/",
        token: str | None = None,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        **options: Any,
    ) -> Page:
        """The page at ``path`` of the kiosk at ``url``, for whoever has ``token``.

        ``options`` are those of Playwright's ``new_context``.
        """
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            base_url=url,
            **options,
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if token is None:
            self.expect(r"GET /api/v1/me: 401")
        else:
            sign_in(context, token)
        self._watch(context, urlsplit(url).netloc)
        page = context.new_page()
        page.goto(path)
        return page

    def expect(self, *patterns: str) -> None:
        """What may go wrong, as regular expressions of all of a complaint."""
        self.expected += patterns

    def end(self) -> None:
        """Fail for what went wrong, and end the sessions.

        The fixture does so after a test. A kiosk that ends before the fixture does needs it done
        first: pages that are open ask for things, and would complain that nobody answers.
        """
        self._judge()
        self.finished.clear()
        self.close()

    def _judge(self) -> None:
        for page in self._pages():
            page.evaluate("0")  # what the browser has to tell comes with its next answer
        for one in self.finished:
            self._weigh(one)
        found = [
            told
            for told in dict.fromkeys(self.complaints)
            if not any(re.fullmatch(pattern, told) for pattern in self.expected)
        ]
        assert not found, "the page has complaints:\n" + "\n".join(found)

    def keep(self, folder: Path) -> None:
        """Keep what the pages show now."""
        for number, page in enumerate(self._pages()):
            page.screenshot(path=folder / f"page-{number}.png", full_page=True)
        (folder / "complaints.txt").write_text("\n".join(self.complaints))

    def close(self) -> None:
        """End the sessions."""
        while self.contexts:
            self.contexts.pop().close()

    def _pages(self) -> list[Page]:
        return [page for context in self.contexts for page in context.pages]

    def _watch(self, context: BrowserContext, host: str) -> None:
        complain = self.complaints.append

        def asked(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
                complain(f"another host is asked: {request.url}")

        def failed(request: Request) -> None:
            if request.failure not in _GIVEN_UP:
                complain(f"{_place(request)}: {request.failure}")

        def logged(message: ConsoleMessage) -> None:
            if message.type == "error" and not _TOLD_TWICE.match(message.text):
                complain(f"console: {message.text}")

        context.on("request", asked)
        context.on("requestfinished", lambda request: self.finished.append(request))
        context.on("requestfailed", failed)
        context.on("console", logged)
        context.on("weberror", lambda error: complain(f"exception: {error.error}"))

    def _weigh(self, request: Request) -> None:
        from playwright.sync_api import Error

        try:
            answer = request.response()
        except Error:  # the page was closed by itself
            return
        if answer is None:
            return
        if answer.status >= 400:
            self.complaints.append(f"{_place(request)}: {answer.status}")
        size = request.sizes()["responseBodySize"]
        if size > MOST and "attachment" not in answer.headers.get("content-disposition", ""):
            self.complaints.append(f"{_place(request)}: {size:,} bytes at once")


def _place(request: Request) -> str:
    return f"{request.method} {urlsplit(request.url).path}"


def sign_in(context: BrowserContext, token: str) -> None:
    """Have all pages of a session belong to whoever has ``token``."""
    answer = context.request.post("/api/v1/session", data={"token": token})
    assert answer.ok, answer.text()


def drop(page: Page, paths: Sequence[Path]) -> None:
    """Drop files and folders of this machine into the middle of the page, as a hand would."""
    # What takes them comes after the rest of the page.
    page.get_by_role("button", name="Choose files").wait_for()
    size = page.viewport_size
    assert size is not None
    told = {
        "x": size["width"] / 2,
        "y": size["height"] / 2,
        "data": {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1},
    }
    session = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": step, **told})
    session.detach()


def axe(page: Page) -> None:
    """Fail where the page, as it is now, keeps somebody out: WCAG 2.1 AA and good practice."""
    program = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not program.is_file():
        missing("axe-core is not in web/node_modules: scripts/web")
    page.evaluate(program.read_text("utf-8"))
    found = page.evaluate(
        "async tags => (await axe.run(document, {runOnly: {type: 'tag', values: tags},"
        " resultTypes: ['violations']})).violations",
        ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    )
    told = [
        f"{rule['id']}: {rule['help']}\n  {node['html'][:200]}\n  {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
    assert not told, f"{page.url} keeps somebody out:\n" + "\n".join(told)


def fits(page: Page) -> None:
    """Fail where one has to scroll sideways."""
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert over <= 0, f"{page.url} is {over} pixels too wide"


def picture(page: Page, name: str) -> None:
    """Draw ``docs/images/page/NAME.png`` anew, where the environment variable PICTURES is set.

    Tests leave the documentation as it is; ``scripts/pictures`` sets it.
    """
    if not os.environ.get("PICTURES"):
        return
    from PIL import Image

    path = ROOT / "docs" / "images" / "page" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.wait_for_function("() => [...document.images].every(one => one.complete)")
    page.wait_for_function("() => !document.querySelector('[class*=Skeleton-root][data-visible]')")
    image = Image.open(BytesIO(page.screenshot(animations="disabled")))
    # A palette takes a third of the bytes, and nobody sees the difference.
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
