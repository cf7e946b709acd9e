"""The viewer in a real browser: what is drawn, what changes it, what a click selects."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

from tests.browser import Visit, axe, fits
from tests.kiosk import Kiosk, kiosk, wait_for
from tests.viewed import Made, make

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

#: Edge of the cells, and from one to the next.
EDGE, PITCH = 60, 100

RANDOM = np.random.default_rng(8)


@pytest.fixture(scope="module")
def api(tmp_path_factory, module_redis, built_page):
    folder = tmp_path_factory.mktemp("kiosk")
    with kiosk(folder, module_redis, page=built_page, user_requests=10**6) as running:
        yield running


def cells(height: int, width: int) -> NDArray[np.uint16]:
    """Labels of a plane: squares, from 1 in rows."""
    y, x = np.ogrid[:height, :width]
    label = y // PITCH * (width // PITCH) + x // PITCH + 1
    return (label * ((y % PITCH < EDGE) & (x % PITCH < EDGE))).astype(np.uint16)


def shown(
    api: Kiosk,
    path: Any,
    pixels: NDArray[Any],
    axes: str,
    labels: NDArray[Any] | None = None,
    **more: Any,
) -> Made:
    """An image in a kiosk, with ``labels`` (t, z, y, x) of it."""
    tifffile.imwrite(path, pixels, metadata={"axes": axes, "PhysicalSizeX": 0.5}, tile=(256, 256))
    with api.client() as ann:
        return make(api, ann, path, labels=[] if labels is None else [labels], **more)


def look(visit: Visit, api: Kiosk, made: Made, **options: Any) -> Page:
    return visit(api.url, f"/jobs/{made.job}/images/0", api.token, **options)


def canvas(page: Page) -> Locator:
    return page.get_by_role("application", name="Image.")


def drawn(page: Page) -> NDArray[np.int16]:
    """The pixels (y, x, rgb) of the middle of the image, as they are on the screen."""
    box = canvas(page).bounding_box()
    assert box is not None
    clip = {"x": box["x"] + box["width"] / 4, "y": box["y"] + box["height"] / 4}
    clip |= {"width": box["width"] / 2, "height": box["height"] / 2}
    picture = PIL.Image.open(BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
    return np.asarray(picture.convert("RGB")).astype(np.int16)


def coloured(pixels: NDArray[np.int16]) -> float:
    """The share of pixels that are not grey."""
    return float((np.ptp(pixels, axis=2) > 40).mean())


def until(page: Page, true: Callable[[NDArray[np.int16]], object]) -> NDArray[np.int16]:
    """What is drawn once ``true`` of it."""
    found: list[NDArray[np.int16]] = []

    def look_again() -> object:
        page.wait_for_timeout(50)
        found.append(drawn(page))
        return true(found[-1])

    wait_for(look_again)
    return found[-1]


def place(page: Page, shape: tuple[int, int], y: float, x: float) -> tuple[float, float]:
    """Where a pixel of an image that is shown whole lies on the page."""
    box = canvas(page).bounding_box()
    assert box is not None
    height, width = shape
    scale = 0.96 * min(box["width"] / width, box["height"] / height)
    left = box["x"] + box["width"] / 2 + (x + 0.5 - width / 2) * scale
    return left, box["y"] + box["height"] / 2 + (y + 0.5 - height / 2) * scale


def test_an_image_is_drawn_with_its_labels(api, visit, tmp_path):
    from playwright.sync_api import expect

    labels = cells(600, 800)
    pixels = np.where(labels > 0, 2000, 300).astype(np.uint16) + RANDOM.integers(
        0, 50, labels.shape, np.uint16
    )
    made = shown(api, tmp_path / "a.ome.tif", pixels, "YX", labels[None, None], objects=48)
    page = look(visit, api, made)
    expect(page.get_by_role("heading", level=1)).to_have_text("a.ome.tif")
    outlines = until(page, lambda seen: coloured(seen) > 0.005 and seen.mean() > 20)
    assert coloured(outlines) < 0.2
    expect(page.get_by_role("img", name="Scale bar")).to_be_visible()

    page.get_by_text("Off", exact=True).click()
    until(page, lambda seen: coloured(seen) == 0 and seen.mean() > 20)
    page.get_by_text("Filled", exact=True).click()
    filled = until(page, lambda seen: coloured(seen) > 2 * coloured(outlines))
    slider = page.get_by_role("slider", name="Opacity of the labels")
    slider.press("Home")
    plain = until(page, lambda seen: coloured(seen) == 0)
    assert np.abs(filled - plain).mean() > 5

    brightest = page.get_by_role("textbox", name="brightest at")
    brightest.fill("6000")
    brightest.press("Enter")
    darker = until(page, lambda seen: seen.mean() < 0.6 * plain.mean())
    page.get_by_role("button", name="by what is here").click()
    until(page, lambda seen: seen.mean() > darker.mean())
    page.get_by_role("button", name="Reset").click()
    until(page, lambda seen: 0 < coloured(seen) < 0.2)


def test_a_click_selects_the_cell_that_is_there(api, visit, tmp_path):
    from playwright.sync_api import expect

    labels = cells(600, 800)
    pixels = np.where(labels > 0, 200, 20).astype(np.uint8)
    made = shown(api, tmp_path / "a.ome.tif", pixels, "YX", labels[None, None])
    page = look(visit, api, made)
    before = until(page, lambda seen: coloured(seen) > 0.005)
    for y, x in ((330, 430), (125, 620)):
        page.mouse.click(*place(page, (600, 800), y, x))
        expect(page.get_by_text(f"Cell {labels[y, x]} selected")).to_be_visible()
    page.mouse.move(*place(page, (600, 800), 333, 421))
    expect(page.get_by_text(f"Cell {labels[333, 421]}", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"x 42[01], y 33[23]"))).to_be_visible()
    expect(page.get_by_text("value 200")).to_be_visible()

    canvas(page).focus()
    for key in ("0", "ArrowRight", "+", "Escape"):
        page.keyboard.press(key)
    expect(page.get_by_text("selected", exact=False)).to_have_count(0)
    until(page, lambda seen: np.abs(seen - before).mean() > 1)
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^Cell \d+ selected"))).to_have_count(
        int(labels[300, 400 + round(0.15 * 800)] > 0)
    )

    with page.expect_download() as saving:
        page.get_by_role("button", name="Save picture").click()
    assert saving.value.suggested_filename == "a.ome.png"
    picture = np.asarray(PIL.Image.open(saving.value.path()).convert("RGB"))
    assert coloured(picture.astype(np.int16)) > 0.001


def test_sliders_go_through_time_and_depth(api, visit, tmp_path):
    from playwright.sync_api import expect

    # Each plane has a grey of its own: 20, 60, 100, then 140, 180, 220.
    planes = np.array([[20, 60, 100], [140, 180, 220]], np.uint8)
    pixels = np.broadcast_to(planes[:, :, None, None], (2, 3, 300, 400)).copy()
    pixels[:, :, :20, :20] = 255
    pixels[:, :, -20:, -20:] = 0
    made = shown(api, tmp_path / "m.ome.tif", pixels, "TZYX")
    page = look(visit, api, made)
    page.get_by_role("textbox", name="black at").fill("0")
    page.get_by_role("textbox", name="brightest at").fill("255")
    page.get_by_role("textbox", name="brightest at").press("Enter")

    def grey(wanted: int) -> None:
        until(page, lambda seen: abs(float(np.median(seen)) - wanted) < 3)

    grey(60)
    page.get_by_role("slider", name="Depth").press("End")
    grey(100)
    expect(page.get_by_text("3 of 3")).to_be_visible()
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    grey(220)
    page.get_by_role("slider", name="Depth").press("Home")
    grey(140)
    page.get_by_role("button", name="Play", exact=True).click()
    grey(20)
    grey(140)
    page.get_by_role("button", name="Stop", exact=True).click()


def test_of_a_slide_only_what_is_seen_is_loaded(api, visit, tmp_path):
    from playwright.sync_api import expect

    labels = cells(5000, 5000)
    pixels = np.where(labels > 0, 200, 20).astype(np.uint8)
    made = shown(api, tmp_path / "s.ome.tif", pixels, "YX", labels[None, None], objects=2500)
    visit.expect(r"GET .*\.zarr/.*: 503")  # what is still being made
    page = look(visit, api, made)
    until(page, lambda seen: seen.mean() > 20)
    expect(page.get_by_text("overview is being made")).to_have_count(0)

    def chunks(level: str) -> int:
        wanted = re.compile(rf"\.zarr/{level}/\d+/\d+/\d+/\d+/\d+$")
        return sum(bool(wanted.search(one.url)) for one in visit.finished)

    page.wait_for_load_state("networkidle")
    assert chunks("0") == 0
    assert 0 < chunks(r"\d+") <= 30
    canvas(page).focus()
    for _ in range(10):
        page.keyboard.press("+")
    wait_for(lambda: page.wait_for_timeout(50) or chunks("0") > 0)
    page.wait_for_load_state("networkidle")
    assert chunks("0") <= 40  # of 200
    x, y = place(page, (5000, 5000), 2499.5, 2499.5)
    page.mouse.click(x + 40, y + 40)
    expect(page.get_by_text(re.compile(r"^Cell \d+ selected"))).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (360, False)])
def test_it_is_for_everybody(api, visit, tmp_path, width, dark):
    from playwright.sync_api import expect

    labels = cells(300, 400)
    pixels = np.stack([np.where(labels > 0, 200, 20)] * 2).astype(np.uint8)
    made = shown(api, tmp_path / "a.ome.tif", pixels, "CYX", labels[None, None])
    page = look(visit, api, made, width=width, dark=dark)
    until(page, lambda seen: seen.mean() > 5)
    fits(page)
    axe(page)
    if width < 1000:
        page.get_by_role("button", name="Display").click()
        expect(page.get_by_role("dialog", name="Display")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    fits(page)
    axe(page)


def test_what_has_failed_says_why(api, visit, tmp_path):
    from playwright.sync_api import expect

    pixels = RANDOM.integers(0, 200, (300, 400), np.uint8)
    made = shown(api, tmp_path / "a.ome.tif", pixels, "YX", done=False)
    page = look(visit, api, made)
    until(page, lambda seen: seen.mean() > 20)
    expect(page.get_by_text("it was not meant to be")).to_be_visible()
    page.goto(f"/jobs/{made.job}/images/7")
    visit.expect(r"GET .*/items/7.*: 404")
    expect(page.get_by_role("heading", name="There is nothing to show")).to_be_visible()
    expect(page.get_by_text("has no image 7")).to_be_visible()
