"""The whole way through the page, as somebody goes it who has read nothing: from the address home.

With the environment variable PICTURES the pictures of docs/page.md are taken on the way.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from playwright.sync_api import Locator, Page, expect

from cytomill.ops.synthesise import Scene, nuclei
from tests.browser import Visit, axe, drop, picture
from tests.kiosk import Kiosk, submit, wait_for

NAME = "Plate 7"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files and a zip, as people have them; of one the axes are not what it says."""
    folder = tmp_path_factory.mktemp("cells")
    planes = [
        nuclei(Scene((400, 500), coverage=0.25, clustering=0, overlap=0), seed=seed)[0]
        for seed in range(4)
    ]
    size = {"PhysicalSizeX": 0.65, "PhysicalSizeY": 0.65}
    stained = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}, **size}
    tifffile.imwrite(folder / "control.ome.tif", planes[0], metadata={"axes": "YX", **size})
    tifffile.imwrite(
        folder / "stained.ome.tif", np.stack([planes[1], planes[1] // 3]), metadata=stained
    )
    # What is time was written as depth.
    tifffile.imwrite(
        folder / "movie.tif", np.stack(planes)[:, :200, :200], imagej=True, metadata={"axes": "ZYX"}
    )
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        for number in (2, 3):
            file = BytesIO()
            tifffile.imwrite(file, planes[number])
            packed.writestr(f"more/{number}.tif", file.getvalue())
    return folder


def given(page: Page, name: str) -> Locator:
    """The row of a file on the page of a new job."""
    return page.get_by_role("list", name="Files").get_by_role("listitem").filter(has_text=name)


def test_from_the_address_to_a_result(
    own_kiosk: Kiosk, visit: Visit, cells: Path, tmp_path: Path
) -> None:
    page = visit(own_kiosk.url, "/")
    signs_in(page, own_kiosk.token)
    gives_images(page, cells)
    corrects_an_axis(page)
    chooses(page)
    job = watches(page)
    looks(page, own_kiosk, job)
    page.goto(f"/jobs/{job}")
    takes_home(page, tmp_path, objects_of(own_kiosk, job))


def signs_in(page: Page, token: str) -> None:
    page.get_by_role("heading", name="Sign in").wait_for()
    picture(page, "sign-in")
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("main").get_by_role("link", name="New job").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New job")


def gives_images(page: Page, cells: Path) -> None:
    axe(page)
    drop(page, sorted(cells.iterdir()))
    expect(given(page, "control.ome.tif")).to_contain_text("500 × 400 px, 16 bit, 0.65 µm/px")
    expect(given(page, "stained.ome.tif")).to_contain_text("2 channels × 500 × 400 px")
    expect(given(page, "movie.tif")).to_contain_text("4 planes × 200 × 200 px")
    expect(given(page, "more.zip")).to_contain_text("Zip with 2 images; the first: 500 × 400 px")
    pictures = page.get_by_role("list", name="Files").locator("img")
    expect(pictures).to_have_count(4)
    for one in pictures.all():
        wait_for(lambda one=one: one.evaluate("one => one.complete && one.naturalWidth > 0"))
    axe(page)
    picture(page, "files")


def corrects_an_axis(page: Page) -> None:
    page.get_by_role("button", name="Correct movie.tif").click()
    page.get_by_role("combobox", name="Axis 1: 4").click()
    page.get_by_role("option", name="Time").click()
    picture(page, "correct")
    axe(page)
    page.get_by_role("button", name="Use this").click()
    expect(given(page, "movie.tif")).to_contain_text("4 time points × 200 × 200 px")
    expect(given(page, "movie.tif")).to_contain_text("(corrected)")


def chooses(page: Page) -> None:
    page.get_by_role("radio", name=re.compile("^Nuclei")).check()
    page.get_by_role("heading", name="Analysis").scroll_into_view_if_needed()
    page.get_by_label("Name of the job").fill(NAME)
    picture(page, "pipeline")
    page.get_by_role("button", name="Try on one image first").click()
    found = page.get_by_text(re.compile(r"\d+ objects found in"))
    expect(found).to_be_visible()
    axe(page)
    page.get_by_alt_text("What was found").scroll_into_view_if_needed()
    picture(page, "try")
    page.get_by_role("button", name="Run all 5 images").click()


def watches(page: Page) -> str:
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    expect(page.get_by_text(re.compile(r"^([1-5] of )?5 images$")).first).to_be_visible()
    rows = page.get_by_role("listitem")
    expect(rows.filter(has_text="control.ome.tif")).to_be_visible()
    expect(page.get_by_text("Done 5")).to_be_visible()
    expect(rows.locator("img")).to_have_count(5)
    picture(page, "watch")
    expect(page.get_by_role("heading", level=1).locator("xpath=..")).to_contain_text("Done")
    axe(page)
    return page.url.rpartition("/")[2]


def looks(page: Page, kiosk: Kiosk, job: str) -> None:
    page.get_by_role("link", name=re.compile("control.ome.tif")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("control.ome.tif")
    table = page.get_by_role("grid", name="Measurements")
    selected = table.get_by_role("row", selected=True)
    label, right, down = cell_in_the_middle(kiosk, job)
    image = page.get_by_role("application")
    box = image.bounding_box()
    assert box is not None
    zoom = (
        float(re.search(r"(\d+) %", page.get_by_label("Image", exact=True).inner_text())[1]) / 100
    )
    place = {"x": box["width"] / 2 + zoom * right, "y": box["height"] / 2 + zoom * down}
    expect(table.get_by_role("row")).not_to_have_count(1)
    image.click(position=place)
    expect(selected.get_by_role("gridcell").first).to_have_text(str(label))
    axe(page)
    picture(page, "look")
    beside = str(label + 1)
    table.get_by_role("gridcell", name=beside, exact=True).first.click()
    expect(page.get_by_text(f"Cell {beside} selected")).to_be_visible()


def cell_in_the_middle(kiosk: Kiosk, job: str) -> tuple[int, float, float]:
    """The cell nearest to the middle of the first image, and how far right and below it lies."""
    with kiosk.client() as ann:
        (url,) = (
            one["url"]
            for one in ann.get(f"/jobs/{job}/items/0").json()["outputs"]
            if one["name"].endswith("_labels.tif")
        )
        labels = tifffile.imread(BytesIO(ann.get(url.removeprefix("/api/v1")).content))
    y, x = np.nonzero(labels)
    middle = np.array(labels.shape) / 2
    label = labels[y, x][np.hypot(y - middle[0], x - middle[1]).argmin()]
    down, right = np.argwhere(labels == label).mean(0) + 0.5 - middle
    return int(label), float(right), float(down)


def objects_of(kiosk: Kiosk, job: str) -> int:
    with kiosk.client() as ann:
        return int(ann.get(f"/jobs/{job}").json()["objects"])


def takes_home(page: Page, folder: Path, objects: int) -> None:
    page.get_by_role("button", name="Take home").click()
    page.get_by_role("checkbox", name="OME-Zarr").check()
    page.get_by_role("checkbox", name="Parquet").uncheck()
    axe(page)
    picture(page, "home")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download", exact=True).click()
    path = folder / "results.zip"
    coming.value.save_as(path)
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert "control.ome.zarr/labels/.zattrs" in names
        assert not [name for name in names if name.endswith(".parquet")]
        rows = opened.read("measurements.csv").decode().splitlines()[1:]
        for name in ("control", "stained", "more/more/2", "more/more/3", "movie"):
            opened.extract(f"{name}_labels.tif", folder)
            with tifffile.TiffFile(folder / f"{name}_labels.tif") as file:
                assert file.series[0].axes == ("TYX" if name == "movie" else "YX")
                assert file.asarray().max() > 10
    assert len(rows) == objects


def test_another_job_is_cancelled(
    own_kiosk: Kiosk, visit: Visit, tmp_path: Path, images: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as packed:
        for number in range(500):
            packed.write(images / "a.tif", f"{number:03d}.tif")
    with own_kiosk.client() as ann:
        upload = ann.post("/uploads", json={"name": "many"}).json()["id"]
        ann.put(f"/uploads/{upload}/files/many.zip", content=(tmp_path / "many.zip").read_bytes())
        body = {"pipeline": "nuclei", "inputs": [{"upload": upload}], "name": "Too many"}
        job = ann.post("/jobs", json=body).json()["id"]
    page = visit(own_kiosk.url, "/", own_kiosk.token)
    card = page.get_by_role("list", name="Jobs").get_by_role("listitem").filter(has_text="Too many")
    card.get_by_role("button", name="Actions on Too many").click()
    page.get_by_role("menuitem", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Let it go on").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    card.get_by_role("link", name="Too many").click()
    page.get_by_role("button", name="Cancel").click()
    axe(page)
    page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("Cancelled", exact=True).first).to_be_visible()
    with own_kiosk.client() as ann:
        told = ann.get(f"/jobs/{job}").json()
    assert told["state"] == "cancelled"
    assert told["done"] < 500


def test_what_is_one_users_is_nothing_to_another(
    own_kiosk: Kiosk, visit: Visit, tmp_path: Path
) -> None:
    with own_kiosk.client() as ann:
        job = submit(ann, name="Ann's own")["id"]
    page = visit(own_kiosk.url, "/", own_kiosk.token_of("bob"))
    expect(page.get_by_text("No jobs yet")).to_be_visible()
    visit.expect(rf"GET /api/v1/jobs/{job}\S*: 404", r"GET /api/v1/events\S*: 404")
    for path in (f"/jobs/{job}", f"/jobs/{job}/images/0"):
        page.goto(path)
        expect(page.get_by_role("main")).to_contain_text("somebody else")
        assert "Ann's own" not in page.inner_text("body")
