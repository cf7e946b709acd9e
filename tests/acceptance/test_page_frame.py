"""The frame of the page, in a browser: it comes, within its budget, for everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import Visit, axe, fits
from tests.kiosk import Kiosk

#: Compressed bytes that may be loaded before there is something to see.
BUDGET = 300_000


def test_a_first_look_is_quick_to_load(own_kiosk: Kiosk, visit: Visit) -> None:
    page = visit(own_kiosk.url, "/", own_kiosk.token)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    sizes = {
        request.url.removeprefix(own_kiosk.url): request.sizes()["responseBodySize"]
        for request in visit.finished
        if "/api/" not in request.url
    }
    assert any(path.endswith(".js") for path in sizes)
    assert any(path.endswith(".css") for path in sizes)
    assert sum(sizes.values()) <= BUDGET, sizes


def test_whoever_is_not_signed_in_sees_nothing(own_kiosk: Kiosk, visit: Visit) -> None:
    page = visit(own_kiosk.url, "/jobs/0123456789abcdef01234567")
    page.wait_for_url("**/sign-in**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert "0123456789abcdef" not in page.inner_text("body")


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_for_everybody(own_kiosk: Kiosk, visit: Visit, width: int, dark: bool) -> None:
    page = visit(own_kiosk.url, "/", own_kiosk.token, width=width, dark=dark)
    for path in ("/", "/new", "/tokens", "/nowhere"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        fits(page)
        axe(page)
