"""What goes wrong on the way is said on the page: at the file it is about, with what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from playwright.sync_api import Error, Locator, Page, Route, expect

from benchmarks.kiosk_server import Kiosk as Served
from cytomill.jobs.tokens import Tokens
from cytomill.kiosk.built_page import FOLDER
from tests.browser import Visit, axe, drop
from tests.kiosk import Kiosk, wait_for
from tests.labs import lab

#: What the browser says of requests to a kiosk that is away, or was cut off from it.
AWAY = r"(GET|POST|PUT|HEAD) /\S*: (net::ERR_\w+|50[0234])"


#: Pieces of 256 KiB that the large image has.
PIECES = 23


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """An image of 6 MB that cannot be made smaller."""
    rng = np.random.default_rng(1)
    tifffile.imwrite(tmp_path / "large.tif", rng.integers(0, 2**16, (1500, 2000), np.uint16))
    return tmp_path / "large.tif"


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Files").get_by_role("listitem").filter(has_text=name)


class Gate:
    """Lets so many pieces of files through; others wait until it is opened."""

    def __init__(self, page: Page, number: int) -> None:
        self.waiting: list[Route] = []
        self._left: float = number
        page.route(re.compile(r"/api/v1/uploads/\w+/(files|large)"), self._came)

    def open(self) -> None:
        """Let all through, those that wait and those that will come."""
        self._left = float("inf")
        for route in self.waiting:
            _let_through(route)

    def _came(self, route: Route) -> None:
        if route.request.method != "PUT":
            _let_through(route)
        elif self._left:
            self._left -= 1
            _let_through(route)
        else:
            self.waiting.append(route)


def _let_through(route: Route) -> None:
    with suppress(Error):  # those of a page that was left are gone
        route.continue_()


def until(page: Page, true: Callable[[], object]) -> None:
    """Wait for what the browser tells: it does with an answer."""
    wait_for(lambda: page.evaluate("0") or true())


def test_what_is_no_image_is_told_at_the_file(
    own_kiosk: Kiosk, visit: Visit, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "letter.tif").write_text("Dear Ann, these are the images that you wanted. " * 9)
    cut = (images / "a.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(cut[: len(cut) // 2])
    page = visit(own_kiosk.url, "/new", own_kiosk.token)
    drop(page, [images / "a.tif", *(tmp_path / f"{n}.tif" for n in ("empty", "letter", "cut"))])
    expect(row(page, "a.tif")).to_contain_text("200 × 200 px")
    expect(row(page, "empty.tif")).to_contain_text(re.compile("empty", re.IGNORECASE))
    expect(row(page, "letter.tif")).to_contain_text(re.compile("not an image.*text", re.I))
    expect(row(page, "cut.tif")).to_contain_text(re.compile("cut short|damaged|decode", re.I))
    axe(page)


def test_what_is_too_much_is_told_at_the_file(
    tmp_path: Path, redis_url: str, built_page: Path, visit: Visit, images: Path, large: Path
) -> None:
    with lab(tmp_path / "kiosk", redis_url, page=built_page, user_bytes=2**20) as kiosk:
        page = visit(kiosk.url, "/new", kiosk.token)
        visit.expect(r"(POST|PUT) /api/v1/uploads\S*: (413|429)")
        drop(page, [images / "a.tif", large])
        expect(row(page, "a.tif")).to_contain_text("200 × 200 px")
        expect(row(page, "large.tif")).to_contain_text(re.compile(r"MB|MiB|bytes|room|quota", re.I))
        expect(page.get_by_role("button", name="Try large.tif again")).to_be_visible()
        visit.end()


def test_a_full_disk_is_told(
    tmp_path: Path, small_disk: Path, redis_url: str, built_page: Path, visit: Visit, large: Path
) -> None:
    bucket = str(small_disk / "bucket")
    with lab(tmp_path / "kiosk", redis_url, page=built_page, bucket=bucket) as kiosk:
        page = visit(kiosk.url, "/new", kiosk.token)
        visit.expect(r"(POST|PUT) /api/v1/uploads\S*: 507")
        drop(page, [large])
        expect(page.get_by_role("main")).to_contain_text(re.compile("full", re.IGNORECASE))
        expect(page.get_by_role("button", name=re.compile("again")).first).to_be_visible()
        visit.end()


def test_a_channel_that_is_not_there_is_told_at_the_image(
    own_kiosk: Kiosk, visit: Visit, images: Path
) -> None:
    page = visit(own_kiosk.url, "/new", own_kiosk.token)
    drop(page, [images / "a.tif", images / "d.tif"])
    page.get_by_role("textbox", name="Channel").or_(
        page.get_by_role("combobox", name="Channel")
    ).first.fill("GFP")
    page.get_by_role("button", name="Run all 2 images").click()
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    images_of_job = page.get_by_role("listitem").filter(has_text="a.tif")
    expect(images_of_job.first).to_contain_text(re.compile("no channel 'GFP'", re.IGNORECASE))


@pytest.fixture
def in_pieces(tmp_path: Path, redis_url: str, built_page: Path) -> Iterator[Kiosk]:
    """A kiosk to which files of more than 256 KiB are sent in pieces of that."""
    some = {"form_bytes": 2**18, "piece_bytes": 2**18}
    with lab(tmp_path / "kiosk", redis_url, page=built_page, **some) as found:
        yield found


def sent(visit: Visit) -> list[str]:
    """The pieces that have arrived so far."""
    return [one.url for one in visit.finished if one.method == "PUT" and "piece=" in one.url]


def test_a_reload_goes_on_where_it_was(in_pieces: Kiosk, visit: Visit, large: Path) -> None:
    page = visit(in_pieces.url, "/new", in_pieces.token)
    gate = Gate(page, 4)
    drop(page, [large])
    until(page, lambda: len(sent(visit)) >= 2)
    page.wait_for_timeout(600)  # until the list is kept
    page.reload()
    # The browser was given the file, and remembers it: nobody has to choose it again.
    expect(row(page, "large.tif")).to_contain_text(" of 6 MB")
    axe(page)
    gate.open()
    # The kiosk may take a while to see that those of the page that was left will never be whole.
    expect(row(page, "large.tif")).to_contain_text("2,000 × 1,500 px", timeout=240_000)
    pieces = sent(visit)
    assert len(set(pieces)) == PIECES
    # Those that were on their way when the page was left are sent again, and no others.
    assert len(pieces) <= PIECES + 2


def test_an_upload_goes_on_after_the_sign_in_has_ended(
    in_pieces: Kiosk, visit: Visit, large: Path
) -> None:
    tokens = Tokens(in_pieces.backend.redis)
    secret, token = tokens.create("ann")
    page = visit(in_pieces.url, "/new", secret)
    gate = Gate(page, 2)
    drop(page, [large])
    until(page, lambda: gate.waiting)
    visit.expect(r"\w+ /api/v1/\S*: 401")
    tokens.revoke(token.id)
    gate.open()
    expect(page.get_by_text(re.compile("sign-in has ended", re.IGNORECASE)).first).to_be_visible()
    axe(page)
    page.get_by_label("Token", exact=True).fill(in_pieces.token)
    page.get_by_role("button", name="Sign in").click()
    expect(row(page, "large.tif")).to_contain_text("2,000 × 1,500 px")


def test_a_lost_connection_is_told_and_recovers(
    in_pieces: Kiosk, visit: Visit, large: Path
) -> None:
    page = visit(in_pieces.url, "/new", in_pieces.token)
    gate = Gate(page, 2)
    drop(page, [large])
    until(page, lambda: gate.waiting)
    visit.expect(AWAY)
    page.context.set_offline(True)
    gate.open()
    expect(page.get_by_text("It is tried again by itself")).to_be_visible()
    page.context.set_offline(False)
    expect(row(page, "large.tif")).to_contain_text("2,000 × 1,500 px")


@pytest.fixture
def served(tmp_path: Path, built_page: Path) -> Iterator[Served]:
    """A kiosk as it is started, which can be killed and started again."""
    if built_page != FOLDER:
        pytest.skip("cytomill serve shows the page of the package")
    with Served(tmp_path / "kiosk", ["--in-process"]) as running:
        yield running


def test_a_kiosk_that_is_restarted_is_found_again(
    served: Served, visit: Visit, images: Path
) -> None:
    url, token = f"http://127.0.0.1:{served.port}", (served.data / "token").read_text().strip()
    upload = served.upload([images / "a.tif"])
    served.submit(upload, name="Before it")
    page = visit(url, "/", token)
    expect(page.get_by_role("link", name="Before it")).to_be_visible()
    visit.expect(AWAY)
    served.kill()
    expect(page.get_by_text("Connection lost, trying again")).to_be_visible()
    served.start()
    served.submit(upload, name="After the restart")
    expect(page.get_by_text("Connection lost, trying again")).to_have_count(0)
    expect(page.get_by_role("link", name="After the restart")).to_be_visible()
