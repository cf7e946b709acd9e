"""Jobs on the page in a real browser: watched, chosen, stopped, taken home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.browser import Visit, axe, fits, picture
from tests.consumers import image
from tests.kiosk import Kiosk, kiosk, submit, wait_for, work

NAMES = [f"{name}.tif" for name in "abcdef"]


@pytest.fixture
def api(tmp_path, redis_url, built_page) -> Iterator[Kiosk]:
    """A kiosk where nothing is done but what a test does."""
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page, price="36 EUR") as api:
        yield api


def test_a_job_goes_on_before_one_s_eyes(api, visit: Visit):
    from playwright.sync_api import expect

    page = visit(api.url, "/", api.token)
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    with api.client() as ann:
        job = submit(ann, name="plate 7")["id"]
    page.get_by_role("link", name="plate 7").click()
    expect(page.get_by_text("Waits for a consumer: none runs")).to_be_visible()
    work(api.backend, NAMES, most=4)
    expect(page.get_by_text("3 of 6 images")).to_be_visible()
    expect(page.get_by_text("50 %", exact=True)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Done")).to_have_count(3)
    work(api.backend, NAMES, failed=["f.tif"])
    expect(page.get_by_text("Done, some failed")).to_be_visible()
    expect(page.get_by_text("Not a TIFF file").first).to_be_visible()
    expect(page.get_by_text("EUR")).to_be_visible()
    page.get_by_role("group", name="Which images").get_by_text("Failed 1").click()
    row = page.get_by_role("listitem")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("f.tif")
    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_text("5 of 6 images")).to_be_visible()
    work(api.backend, NAMES)
    expect(page.get_by_text("Done", exact=True).first).to_be_visible()
    page.goto(f"/jobs/{job}")
    expect(page.get_by_role("listitem").filter(has_text="Done")).to_have_count(6)
    visit.expect(r"GET .*/preview.png: \d+")  # results that were made up have no picture


def test_files_dropped_on_the_jobs_begin_a_new_one(api, visit: Visit):
    from playwright.sync_api import expect

    page = visit(api.url, "/", api.token)
    expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    page.wait_for_load_state("networkidle")
    files = page.evaluate_handle(
        """() => {
            const files = new DataTransfer();
            files.items.add(new File(["no image"], "a.tif"));
            return files;
        }"""
    )
    page.dispatch_event("body", "drop", {"dataTransfer": files})
    expect(page).to_have_url(f"{api.url}/new")
    expect(page.get_by_text("a.tif").first).to_be_visible()


def test_jobs_are_paused_kept_cancelled_and_deleted(api, visit: Visit):
    from playwright.sync_api import expect

    with api.client() as ann:
        job = submit(ann, name="to stop")["id"]
    work(api.backend, NAMES, most=1)
    page = visit(api.url, f"/jobs/{job}", api.token)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused by ann")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Actions on to stop").click()
    page.get_by_role("menuitem", name="Keep for ever").click()
    expect(page.get_by_text("for ever", exact=True)).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()
    asked = page.get_by_role("dialog", name="Cancel this job?")
    asked.get_by_role("button", name="Let it go on").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    asked.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    page.get_by_role("button", name="Actions on to stop").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the job").click()
    expect(page).to_have_url(f"{api.url}/")


@pytest.mark.parametrize("look", [{}, {"dark": True, "width": 360}])
def test_the_places_of_jobs_keep_nobody_out(api, visit: Visit, look):
    from playwright.sync_api import expect

    with api.client() as ann:
        job = submit(ann, name="plate 7")["id"]
        work(api.backend, NAMES, failed=NAMES[2:4])
        submit(ann, name="waits")
    visit.expect(r"GET .*/preview.png: \d+")
    page = visit(api.url, "/", api.token, **look)
    expect(page.get_by_role("listitem").first).to_contain_text("waits")
    fits(page)
    axe(page)
    if not look:
        picture(page, "jobs")
    page.goto(f"/jobs/{job}")
    expect(page.get_by_text("such as c.tif")).to_be_visible()
    fits(page)
    axe(page)
    page.get_by_role("tab", name="Take home").click()
    expect(page.get_by_role("checkbox", name="GeoJSON")).to_be_visible()
    fits(page)
    axe(page)


def test_jobs_are_found_by_name_state_and_pipeline(api, visit: Visit):
    from playwright.sync_api import expect

    with api.client() as ann:
        for number in range(40):
            submit(ann, name=f"plate {number}", pipeline="link" if number % 2 else "nuclei")
        submit(ann, name="waits")
    page = visit(api.url, "/", api.token)
    expect(page.get_by_role("listitem").first).to_contain_text("waits")
    page.get_by_role("searchbox", name="Name contains").fill("PLATE 3")
    expect(page.get_by_role("status").filter(has_text="11 jobs")).to_be_attached()
    page.get_by_role("combobox", name="Pipeline").click()
    page.get_by_role("option", name="link").click()
    expect(page.get_by_role("listitem")).to_have_count(6)
    page.reload()
    expect(page.get_by_role("listitem")).to_have_count(6)
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Paused").click()
    page.get_by_role("button", name="Show all jobs").click()
    expect(page.get_by_role("listitem").first).to_contain_text("waits")
    for _ in range(4):
        page.keyboard.press("End")
        page.wait_for_timeout(300)
    expect(page.get_by_role("link", name="plate 0")).to_be_visible()


def test_a_hundred_thousand_images_are_scrolled(api, visit: Visit):
    from playwright.sync_api import expect

    names = [f"plate {number // 384}/site {number:06d}.tif" for number in range(100_000)]
    with api.client() as ann:
        job = submit(ann, name="screen")["id"]
    work(api.backend, names, most=60, failed=names[7:9])
    pages = []
    page = visit(api.url, f"/jobs/{job}", api.token)
    page.on("request", lambda request: pages.append("/items?" in request.url))
    rows = page.get_by_role("listitem")
    expect(rows.first).to_contain_text("site 000000")
    rows.first.get_by_role("link").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="site 099999")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="site 099998")).to_be_focused()
    before = len(pages)
    for share in range(100, 0, -2):
        page.evaluate("share => scrollTo(0, document.body.scrollHeight * share)", share / 100)
    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    middle = page.get_by_role("link", name=re.compile("site 0(49|50)"))
    expect(middle.first).to_be_visible()
    assert rows.count() < 60, "rows that nobody sees are drawn"
    assert sum(pages[before:]) < 20, "images that nobody sees are asked for"
    page.get_by_role("group", name="Which images").get_by_text("Failed 2").click()
    expect(rows).to_have_count(2)
    visit.expect(r"GET .*/preview.png: \d+")


def test_a_lost_connection_is_told_and_comes_back(tmp_path, redis_url, built_page, visit: Visit):
    from playwright.sync_api import expect

    lost = "Connection lost, trying again"
    visit.expect(r"GET .*: net::ERR_.*", r"GET .*/preview.png: \d+")
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page) as api:
        with api.client() as ann:
            job = submit(ann, name="plate 7")["id"]
        work(api.backend, NAMES, most=2)
        page = visit(api.url, f"/jobs/{job}", api.token)
        jobs = visit(api.url, "/", api.token)
        expect(page.get_by_text("1 of 6 images")).to_be_visible()
        expect(jobs.get_by_text("1 of 6 images")).to_be_visible()
    expect(page.get_by_text(lost)).to_be_visible()
    expect(jobs.get_by_text(lost)).to_be_visible()
    port = int(api.url.rpartition(":")[2])
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page, port=port) as api:
        work(api.backend, NAMES, most=2)
        expect(page.get_by_text("3 of 6 images")).to_be_visible()
        expect(page.get_by_text(lost)).to_be_hidden()
        expect(jobs.get_by_text("3 of 6 images")).to_be_visible()
        expect(jobs.get_by_text(lost)).to_be_hidden()
        work(api.backend, NAMES)
        expect(page.get_by_role("tablist")).to_be_visible()
        expect(page.get_by_text("Done", exact=True).first).to_be_visible()


def test_results_are_taken_home(own_kiosk, visit: Visit, tmp_path):
    from playwright.sync_api import expect

    api = own_kiosk
    path = image(tmp_path / "a.tif")
    with api.client() as ann:
        upload = ann.post("/uploads", json={}).json()["id"]
        ann.put(f"/uploads/{upload}/files/a.tif", content=path.read_bytes())
        told = {"pipeline": "nuclei", "name": "it's one", "options": {"pixel_size": 0.65}}
        job = ann.post("/jobs", json={**told, "inputs": [{"upload": upload}]}).json()["id"]
        wait_for(lambda: ann.get(f"/jobs/{job}").json()["state"] == "done")
    page = visit(api.url, f"/jobs/{job}", api.token)
    picture_of = page.get_by_role("listitem").locator("img")
    expect(picture_of).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("button", name="Take home").click()
    page.get_by_role("checkbox", name="GeoJSON").click()
    page.get_by_role("checkbox", name="Parquet").click()
    picture(page, "take-home")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download", exact=True).click()
    with zipfile.ZipFile(begun.value.path()) as packed:
        found = set(packed.namelist())
    assert {"a_labels.tif", "a.geojson", "measurements.csv"} <= found
    assert "measurements.parquet" not in found
    _link(api, visit, page, job)
    _same_again(api, page, path)


def _link(api: Kiosk, visit: Visit, page, job: str) -> None:
    """A colleague sees the job by a link, and cannot change it; ended, it shows nothing."""
    from playwright.sync_api import expect

    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("The link, which is shown this once").input_value()
    assert link.startswith(f"{api.url}/shared#")
    guest = visit(api.url, link)
    expect(guest.get_by_role("heading", name="it's one")).to_be_visible()
    assert guest.url == f"{api.url}/jobs/{job}"
    expect(guest.get_by_role("button", name="Take home")).to_be_visible()
    expect(guest.get_by_role("button", name=re.compile("Actions|Retry"))).to_have_count(0)
    # What is asked for after the end is refused: the picture, which may come late, is not.
    pictures = guest.get_by_role("listitem").locator("img")
    expect(pictures).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("button", name="End the link").click()
    expect(page.get_by_role("button", name="End the link")).to_have_count(0)


def _same_again(api: Kiosk, page, path: Path) -> None:
    """What the page says does the same, as a command and in Python, where the image is."""
    page.get_by_text("Python", exact=True).click()
    client = page.locator("[data-snippet='kiosk python']").inner_text()
    page.get_by_text("On my machine").click()
    page.get_by_text("Shell", exact=True).click()
    run = page.locator("[data-snippet='here shell']").inner_text()
    page.get_by_text("On this kiosk").click()
    shell = page.locator("[data-snippet='kiosk shell']").inner_text()
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told = {**os.environ, "PATH": programs, "CYTOMILL_TOKEN": api.token}
    begun = []
    for name, words in {
        "run": ["sh", "-c", run],
        "submit": ["sh", "-c", shell],
        "client": [sys.executable, "-c", client],
    }.items():
        folder = path.parent / name
        folder.mkdir()
        (folder / path.name).write_bytes(path.read_bytes())
        begun.append((folder, subprocess.Popen(words, cwd=folder, env=told)))
    labels = []
    for folder, process in begun:
        assert process.wait(120) == 0
        labels.append(tifffile.imread(folder / "results" / "a_labels.tif"))
    assert labels[0].max() > 0
    assert all(np.array_equal(labels[0], one) for one in labels)
