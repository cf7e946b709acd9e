"""Beside an image: its table, charts and tracks, and how they and the image find each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import tifffile

from tests.browser import Visit, axe
from tests.kiosk import Kiosk, kiosk
from tests.viewed import make

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Pixels from one cell to the next, and of a cell.
PITCH, SIDE = 50, 40

#: Cells along an edge of the image.
CELLS = 8

AREAS = np.random.default_rng(7).permutation(900)[: CELLS**2] + 100

#: Label, first and last frame, parent: 1 divides into 2 and 3, and 4 is alone.
TRACKS = [(1, 0, 2, None), (2, 3, 5, 1), (3, 3, 5, 1), (4, 0, 5, None)]


@dataclass(frozen=True)
class Looked:
    """A kiosk with an image and a movie that ann can look at: their addresses on the page."""

    kiosk: Kiosk
    still: str
    movie: str


@pytest.fixture(scope="module")
def looked(tmp_path_factory, module_redis, built_page) -> Iterator[Looked]:
    folder = tmp_path_factory.mktemp("data")
    with kiosk(folder / "kiosk", module_redis, page=built_page) as api, api.client() as ann:
        places = []
        for name, pipeline in (("still", "nuclei"), ("movie", "track")):
            file = folder / name / "a.tif"
            file.parent.mkdir()
            labels, tables = _still() if name == "still" else _movie()
            pixels = (labels[:, 0] % 7 * 30 + 10).astype(np.uint8)
            tifffile.imwrite(file, pixels, metadata={"axes": "TYX"})
            found = make(api, ann, file, labels=[labels], tables=tables, pipeline=pipeline)
            places.append(f"/jobs/{found.job}/images/0")
        yield Looked(api, *places)


def _still():
    y, x = np.mgrid[: CELLS * PITCH, : CELLS * PITCH]
    inside = (y % PITCH < SIDE) & (x % PITCH < SIDE)
    labels = ((y // PITCH * CELLS + x // PITCH + 1) * inside).astype(np.int32)[None, None]
    label = np.arange(1, CELLS**2 + 1)
    rows, columns = np.divmod(label - 1, CELLS)
    table = _table(label, 0 * label, rows * PITCH + SIDE / 2, columns * PITCH + SIDE / 2, AREAS)
    return labels, {"measurements": table}


def _movie():
    """Each track is on rows of its own; what divides is a frame further right in each frame."""
    labels = np.zeros((6, 1, 200, 200), np.int32)
    spots = []
    for label, start, end, _ in TRACKS:
        for t in range(start, end + 1):
            labels[t, 0, label * 40 : label * 40 + 30, t * 20 : t * 20 + 30] = label
            spots.append((label, t, label * 40 + 15.0, t * 20 + 15.0, 900.0))
    track, start, end, parent = zip(*TRACKS, strict=True)
    tracks = pa.table(
        {
            "image": ["a.tif"] * len(TRACKS),
            "track": pa.array(track, pa.uint32()),
            "parent": pa.array(parent, pa.uint32()),
            "founder": pa.array([1, 1, 1, 4], pa.uint32()),
            "generation": pa.array([0, 1, 1, 0], pa.int32()),
            "first_frame": pa.array(start, pa.int32()),
            "last_frame": pa.array(end, pa.int32()),
        }
    )
    columns = (np.array(one) for one in zip(*spots, strict=True))
    return labels, {"measurements": _table(*columns), "tracks": tracks}


def _table(label, t, y, x, area):
    return pa.table(
        {
            "image": ["a.tif"] * len(label),
            "t": pa.array(t, pa.int32()),
            "z": pa.array(0 * t, pa.int32()),
            "label": pa.array(label, pa.uint32()),
            "area": pa.array(area, pa.float64()),
            "centroid-0": pa.array(y, pa.float64()),
            "centroid-1": pa.array(x, pa.float64()),
            "equivalent_diameter_area": pa.array(np.sqrt(4 * area / np.pi), pa.float64()),
        }
    )


def rows_of(page: Page):
    return page.get_by_role("grid", name="Measurements").locator("tbody tr")


def first_cells(page: Page) -> list[int]:
    """The labels of the rows at the top."""
    return [int(one) for one in rows_of(page).locator("td:first-child").all_inner_texts()[:5]]


def test_a_row_selects_its_cell_and_a_cell_its_row(looked: Looked, visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit(looked.kiosk.url, looked.still, looked.kiosk.token)
    expect(page.get_by_text("64 cells", exact=True)).to_be_visible()
    row = rows_of(page).filter(has=page.locator("td:first-child", has_text=re.compile("^5$")))
    row.click()
    expect(page.get_by_text("Cell 5 selected")).to_be_visible()
    expect(row).to_have_attribute("aria-selected", "true")
    axe(page)

    area = page.get_by_role("button", name="Area")
    area.click()
    expect(page.get_by_role("columnheader", name="Area")).to_have_attribute(
        "aria-sort", "ascending"
    )
    area.click()
    largest = (np.argsort(-AREAS)[:5] + 1).tolist()
    expect(rows_of(page).first.locator("td").first).to_have_text(str(largest[0]))
    assert first_cells(page) == largest

    # A cell whose row is far below, a little off the middle of the image.
    image = page.get_by_label(re.compile("^Image. Arrow keys"))
    box = image.bounding_box()
    assert box is not None
    image.click(position={"x": box["width"] / 2 + 20, "y": box["height"] / 2 + 20})
    expect(page.get_by_text("Cell 37 selected")).to_be_visible()
    chosen = page.locator("tr[aria-selected=true]")
    expect(chosen.locator("td").first).to_have_text("37")
    expect(chosen).to_be_in_viewport()

    grid = page.get_by_role("grid", name="Measurements")
    grid.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Cell {largest[0]} selected")).to_be_visible()


def test_a_box_in_a_chart_selects_the_cells_in_it(looked: Looked, visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit(looked.kiosk.url, looked.still, looked.kiosk.token)
    page.get_by_role("tab", name="Charts").click()
    chart = page.get_by_role("img", name=re.compile("Histogram of Area"))
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 90, steps=6)
    page.mouse.up()
    told = page.get_by_role("tabpanel").get_by_text(re.compile(r"^\d+ cells selected$"))
    expect(told).to_be_visible()
    ends = [
        float(page.get_by_role("textbox", name=re.compile(f"^Area.* {end}$")).input_value())
        for end in ("from", "to")
    ]
    inside = int(np.count_nonzero((ends[0] <= AREAS) & (ends[1] >= AREAS)))
    assert 0 < inside < len(AREAS)
    expect(told).to_have_text(f"{inside} cells selected")
    axe(page)

    page.get_by_role("tab", name="Table").click()
    page.get_by_role("switch", name="Only selected").click()
    expect(page.get_by_text(f"{inside} cells, {inside} selected")).to_be_visible()
    page.get_by_role("button", name="Take rows").click()
    with page.expect_download() as taken:
        page.get_by_role("menuitem", name=re.compile("Download")).click()
    lines = Path(taken.value.path()).read_text("utf-8").splitlines()
    assert len(lines) == inside + 1
    area = lines[0].split(",").index("area")
    found = [float(line.split(",")[area]) for line in lines[1:]]
    assert all(ends[0] <= one <= ends[1] for one in found)


def test_the_tree_tells_who_came_of_whom(looked: Looked, visit: Visit) -> None:
    from playwright.sync_api import expect

    page = visit(looked.kiosk.url, looked.movie, looked.kiosk.token)
    page.get_by_role("tab", name="Tracks").click()
    expect(page.get_by_text("4 tracks in 2 families, 1 division")).to_be_visible()
    lanes = page.get_by_role("treeitem")
    expect(lanes).to_have_count(4)
    told = [
        (lane.get_attribute("aria-label"), lane.get_attribute("aria-level")) for lane in lanes.all()
    ]
    assert told == [
        ("Track 2, frames 4 to 6, daughter of 1", "2"),
        ("Track 1, frames 1 to 3, 2 daughters: 2, 3", "1"),
        ("Track 3, frames 4 to 6, daughter of 1", "2"),
        ("Track 4, frames 1 to 6", "1"),
    ]
    lanes.nth(2).locator("text").click(force=True)
    expect(page.get_by_text("Cell 3 selected")).to_be_visible()
    expect(page.get_by_text("4 of 6")).to_be_visible()
    axe(page)

    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Cell 1 selected")).to_be_visible()
    expect(lanes.nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("3 of 6")).to_be_visible()

    page.get_by_text("List", exact=True).click()
    line = page.get_by_role("grid", name="Tracks").locator("tr[aria-selected=true] td")
    expect(line).to_have_text(["1", "1", "3", "3", "–", "2, 3"])
