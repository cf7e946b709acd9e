"""The operators' view in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import Visit, axe, fits, picture
from tests.kiosk import Kiosk, kiosk, submit, work


@pytest.fixture
def api(tmp_path, redis_url, built_page) -> Iterator[Kiosk]:
    """A kiosk where a job has ended, of which two images have failed, and a consumer works."""
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page, price="36 EUR") as api:
        with api.client() as ann:
            submit(ann)
            work(api.backend, ["a.tif", "b.tif", "c.tif"], failed=["b.tif", "c.tif"])
            job = submit(ann)["id"]
        queue = api.backend.queue
        (task,) = queue.take("one", ["nuclei"], 1, idle=True).tasks
        doing = [{"job": job, "kind": task.kind, "item": 0, "seconds": 65.0}]
        told = {"host": "node7", "process": 7, "threads": 2, "done": 3, "failed": 1}
        queue.beat("one", [task], {**told, "doing": doing})
        yield api


@pytest.mark.parametrize("look", [{}, {"dark": True, "width": 360}])
def test_an_administrator_sees_how_the_kiosk_is(api, visit: Visit, look):
    from playwright.sync_api import expect

    page = visit(api.url, "/operate", api.token_of("root", "admin"), **look)
    consumers = page.get_by_role("table", name="Consumers")
    expect(consumers.get_by_role("row", name="node7")).to_contain_text("lists of job")
    failures = page.get_by_role("table", name="Failures")
    expect(failures.get_by_role("row", name="not a TIFF file")).to_contain_text("2")
    ann = page.get_by_role("table", name="Users").get_by_role("row", name="ann")
    expect(ann).to_contain_text("1 of 1,000")
    expect(ann).to_contain_text("EUR")
    expect(page.get_by_role("img", name="1 image done and 2 images failed")).to_be_visible()
    expect(page.get_by_text("There is none: consumers run the models themselves")).to_be_visible()
    fits(page)
    axe(page)
    if not look:
        picture(page, "operate")


def test_a_failure_leads_to_its_job(api, visit: Visit):
    from playwright.sync_api import expect

    page = visit(api.url, "/operate", api.token_of("root", "admin"))
    consumers = page.get_by_role("table", name="Consumers")
    consumers.get_by_role("link").first.click()
    expect(page).to_have_url(f"{api.url}/jobs/{api.backend.queue.names()[0]}")


def test_others_do_not_see_it(api, visit: Visit):
    from playwright.sync_api import expect

    page = visit(api.url, "/operate", api.token)
    expect(page.get_by_text("This is for administrators")).to_be_visible()
    expect(page.get_by_role("link", name="Operate")).to_have_count(0)
