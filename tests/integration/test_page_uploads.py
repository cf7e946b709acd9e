"""New jobs on the page in a real browser: uploads that survive what happens to them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.browser import Visit, axe, fits
from tests.kiosk import Kiosk, kiosk, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

#: Bytes above which files go in pieces, and of a piece.
WHOLE, PIECE = 2**18, 2**16


@pytest.fixture
def api(tmp_path: Path, redis_url: str, built_page: Path) -> Iterator[Kiosk]:
    """A kiosk where nothing is done, and where files go in pieces early."""
    sizes = {"form_bytes": WHOLE, "piece_bytes": PIECE}
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page, **sizes) as api:
        yield api


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """An image that goes in nine pieces."""
    path = tmp_path / "large.tif"
    pixels = np.random.default_rng(0).integers(0, 4000, (520, 512), np.uint16)
    tifffile.imwrite(path, pixels, photometric="minisblack")
    assert 8 * PIECE < path.stat().st_size < 9 * PIECE
    return path


def tiff(pixels: np.ndarray) -> bytes:
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, photometric="minisblack")
    return sink.getvalue()


def choose(page: Page, *paths: Path, folder: bool = False) -> None:
    """Give files as the dialogue of the browser does."""
    name = "Folder" if folder else "Files"
    page.locator(f"input[type=file][aria-label={name}]").set_input_files(paths)


def uploaded(api: Kiosk) -> dict[str, int]:
    """The bytes of the files of the newest upload, by their paths."""
    with api.client() as ann:
        (upload, *_) = ann.get("/uploads").json()["uploads"]
        found = ann.get(f"/uploads/{upload['id']}/files").json()["files"]
    return {file["path"]: file["bytes"] for file in found}


def newest(api: Kiosk) -> dict:
    """The newest job."""
    with api.client() as ann:
        job: dict = ann.get("/jobs").json()["jobs"][0]
        return job


class Gate:
    """Holds the pieces that a page sends after the first few, until it is opened."""

    def __init__(self, page: Page, first: int) -> None:
        self.sent: list[int] = []
        self._page = page
        self._held: list[Route] = []
        self._left: float = first
        page.route(re.compile(r"/large/.*piece="), self._one)

    def wait(self) -> None:
        """Until the first few are sent."""
        wait_for(lambda: self._left == 0 or self._page.wait_for_timeout(20))

    def open(self) -> None:
        self._left = float("inf")
        for route in self._held:
            route.continue_()

    def _one(self, route: Route) -> None:
        if self._left > 0:
            self._left -= 1
            self.sent.append(int(route.request.url.rpartition("=")[2]))
            route.continue_()
        else:
            self._held.append(route)


def test_many_files_and_folders(api: Kiosk, visit: Visit, tmp_path: Path):
    from playwright.sync_api import expect

    folder = tmp_path / "plate"
    (folder / "day 1").mkdir(parents=True)
    (folder / ".DS_Store").write_bytes(b"left by a system")
    content = tiff(np.arange(64, dtype=np.uint16).reshape(8, 8))
    for number in range(60):
        (folder / "day 1" / f"img{number}.tif").write_bytes(content)
    page = visit(api.url, "/new", api.token)
    choose(page, folder, folder=True)
    expect(page.get_by_text("60 files, ")).to_contain_text("uploaded")
    assert len(uploaded(api)) == 60
    rows = page.get_by_role("list", name="Files").get_by_role("listitem")
    assert rows.count() < 40  # those that can be seen
    expect(rows.nth(0)).to_contain_text("img0.tif")
    expect(rows.nth(2)).to_contain_text("img2.tif")  # not img10
    expect(rows.nth(0)).to_contain_text("8 × 8 px, 16 bit, pixel size unknown")

    page.get_by_role("button", name="Remove img0.tif").click()
    page.get_by_role("button", name="Run all 59 images").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f]+$"))
    (given,) = newest(api)["inputs"]
    assert len(given["paths"]) == 59
    assert newest(api)["name"] == "plate"
    page.goto("/new")
    expect(page.get_by_text("Drop images, folders or zips")).to_be_visible()


def test_files_that_are_of_no_use_are_told_in_words(api: Kiosk, visit: Visit, tmp_path: Path):
    from playwright.sync_api import expect

    good = tiff(np.ones((2, 16, 16), np.uint16))
    files = {
        "good.tif": good,
        "damaged.tif": good[:-600],
        "text.tif": b"no image at all",
        "empty.tif": b"",
        "scan.czi": b"ZISRAWFILE",
    }
    paths = [tmp_path / name for name in files]
    for path in paths:
        path.write_bytes(files[path.name])
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.tif", good)
        archive.writestr("b.tif", good)
    page = visit(api.url, "/new", api.token, width=360, dark=True)
    expect(page.get_by_role("heading", name="New job")).to_be_visible()
    axe(page)
    choose(page, *paths, tmp_path / "two.zip")
    row = page.get_by_role("listitem")
    expect(row.filter(has_text="two.zip")).to_contain_text("Zip with 2 images")
    page.get_by_text("With problems (4)").click()
    expect(row).to_have_count(4)
    expect(row.filter(has_text="damaged.tif")).to_contain_text("again")
    expect(row.filter(has_text="text.tif")).to_contain_text("not an image: it holds text")
    expect(row.filter(has_text="empty.tif")).to_contain_text("0 bytes")
    expect(row.filter(has_text="scan.czi")).to_contain_text("OME-TIFF")
    expect(page.get_by_text("2 files cannot be read")).to_be_visible()
    axe(page)
    fits(page)
    for name in ("damaged", "text"):
        page.get_by_role("button", name=f"Remove {name}.tif").click()
    page.get_by_role("button", name="Run all 3 images").click()
    expect(page).to_have_url(re.compile(r"/jobs/"))
    assert sorted(newest(api)["inputs"][0]["paths"]) == ["good.tif", "two.zip"]


def test_an_upload_is_paused_and_survives_a_lost_connection(api: Kiosk, visit: Visit, large: Path):
    from playwright.sync_api import expect

    page = visit(api.url, "/new", api.token)
    gate = Gate(page, 3)
    choose(page, large)
    gate.wait()
    page.get_by_role("button", name="Pause large.tif").click()
    expect(page.get_by_role("listitem")).to_contain_text("Paused")
    page.get_by_role("button", name="Go on with large.tif").click()
    expect(page.get_by_role("listitem")).not_to_contain_text("Paused")

    visit.expect(r".*: net::ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    gate.open()
    expect(page.get_by_text("The kiosk cannot be reached.").first).to_be_visible()
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("1 file, ")).to_contain_text("uploaded")
    assert uploaded(api) == {"large.tif": large.stat().st_size}

    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_text("Drop images, folders or zips")).to_be_visible()
    with api.client() as ann:
        wait_for(lambda: not ann.get("/uploads").json()["uploads"])


def test_an_upload_goes_on_after_the_page_was_loaded_again(
    api: Kiosk, visit: Visit, large: Path, tmp_path: Path
):
    from playwright.sync_api import expect

    small = tmp_path / "small.tif"
    small.write_bytes(tiff(np.ones((16, 16), np.uint8)))
    page = visit(api.url, "/new", api.token)
    page.on("dialog", lambda dialog: dialog.accept())
    gate = Gate(page, 4)
    choose(page, small, large)
    gate.wait()
    expect(page.get_by_role("listitem").filter(has_text="small.tif")).to_contain_text("16 × 16")
    page.get_by_role("button", name="Run when all is uploaded").wait_for()
    page.wait_for_timeout(600)  # until the list is kept
    before = list(gate.sent)
    page.reload()
    expect(page.get_by_text("1 file of your upload is still missing")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="small.tif")).to_contain_text("16 × 16")
    gate.sent.clear()
    gate.open()
    choose(page, small, large)
    expect(page.get_by_text("2 files, ")).to_contain_text("uploaded")
    assert sorted([*before, *gate.sent]) == list(range(9)), "each piece once"
    assert uploaded(api) == {path.name: path.stat().st_size for path in (large, small)}
    with api.client() as ann:
        assert len(ann.get("/uploads").json()["uploads"]) == 1


def test_two_windows_have_uploads_of_their_own(api: Kiosk, visit: Visit, tmp_path: Path):
    from playwright.sync_api import expect

    paths = [tmp_path / "first.tif", tmp_path / "second.tif"]
    for path in paths:
        path.write_bytes(tiff(np.zeros((8, 8), np.uint16)))
    first = visit(api.url, "/new", api.token)
    choose(first, paths[0])
    expect(first.get_by_text("1 file, ")).to_contain_text("uploaded")
    second = first.context.new_page()
    second.goto("/new")
    choose(second, paths[1])
    expect(second.get_by_text("1 file, ")).to_contain_text("uploaded")
    expect(second.get_by_text("first.tif")).to_have_count(0)
    assert list(uploaded(api)) == ["second.tif"]
    first.reload()
    expect(first.get_by_text("first.tif").first).to_be_visible()


def test_a_sign_in_that_ends_during_an_upload(api: Kiosk, visit: Visit, large: Path):
    from playwright.sync_api import expect

    page = visit(api.url, "/new", api.token)
    gate = Gate(page, 2)
    choose(page, large)
    gate.wait()
    visit.expect(r".*: 401")
    page.context.clear_cookies()
    gate.open()
    page.get_by_role("textbox", name="Token").fill(api.token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("1 file, ")).to_contain_text("uploaded")
    assert uploaded(api) == {"large.tif": large.stat().st_size}


def test_axes_are_corrected_one_is_tried_and_all_are_run(
    own_kiosk: Kiosk, visit: Visit, tmp_path: Path
):
    from playwright.sync_api import expect

    spots = np.full((3, 96, 96), 100, np.uint16)
    spots[:, 30:42, 30:42] = spots[:, 60:74, 56:70] = 3000
    page = visit(own_kiosk.url, "/new", own_kiosk.token)
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(tiff(spots))
    choose(page, tmp_path / "a.tif", tmp_path / "b.tif")
    row = page.get_by_role("listitem")
    expect(row.nth(0)).to_contain_text("3 planes × 96 × 96 px")
    page.get_by_role("button", name="Correct a.tif").click()
    form = page.get_by_role("dialog", name="Correct a.tif")
    form.get_by_role("combobox", name="Axis 1: 3").click()
    page.get_by_role("option", name="Time").click()
    form.get_by_role("textbox", name="Pixel size").fill("0.65")
    form.get_by_text("all images").click()
    axe(page)
    form.get_by_role("button", name="Use this").click()
    for index in (0, 1):
        expect(row.nth(index)).to_contain_text("3 time points × 96 × 96 px, 16 bit, 0.65 µm/px")

    page.get_by_role("spinbutton", name="Pixel size").or_(
        page.get_by_role("textbox", name="Pixel size")
    ).fill("9")
    page.get_by_role("button", name="Try on one image first").click()
    expect(page.get_by_text("Must be at most 5 µm.")).to_be_visible()
    page.get_by_role("textbox", name="Pixel size").fill("")
    page.get_by_role("button", name="Try on one image first").click()
    expect(page.get_by_text("objects found in")).to_be_visible()
    tried = newest(own_kiosk)
    correction = {"path": "*", "axes": "TYX", "pixel_size": 0.65}
    assert tried["inputs"][0]["paths"] == ["a.tif"]
    assert tried["inputs"][0]["corrections"] == [correction]
    assert (tried["items"], tried["done"]) == (1, 1)
    page.get_by_label("Name of the job").fill("spots")
    page.get_by_role("button", name="Run all 2 images").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f]+$"))
    job = newest(own_kiosk)
    assert job["name"] == "spots"
    assert "paths" not in job["inputs"][0]
    assert job["inputs"][0]["corrections"] == [correction]
