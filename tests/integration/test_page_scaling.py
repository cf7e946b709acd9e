"""What the page tells of workers that come and go, to operators and to those who wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cytomill.scaling.board import Board, PoolStatus, Status
from cytomill.scaling.driver import Trouble
from cytomill.scaling.snapshot import Role
from tests.browser import Visit, axe, fits
from tests.kiosk import Kiosk, kiosk, submit

REFUSED = Trouble("consumers", "SLURM refuses the account physics", "ask for one", 1000.0, None)

CONSUMERS = PoolStatus(
    "consumers", Role.CONSUMER, (), 3, "9 tasks", 3, 0, 0, 0, 0, 8, "Resources", 1.5, 31.0
)
SERVERS = PoolStatus("model-servers", Role.MODEL_SERVER, (), 0, "none", 0, 0, 0, 0, 0, 1)


@pytest.fixture
def api(tmp_path, redis_url, built_page) -> Iterator[Kiosk]:
    """A kiosk where a job waits, and no worker runs."""
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page) as api:
        with api.client() as ann:
            submit(ann)
        yield api


def tell(api: Kiosk, *pools: PoolStatus) -> None:
    Board(api.backend.redis).write(Status(time.time(), "throughput", "SLURM", pools, (), "EUR"))


@pytest.mark.parametrize("look", [{}, {"dark": True, "width": 360}])
def test_an_administrator_sees_what_is_amiss_with_workers(api, visit: Visit, look):
    from playwright.sync_api import expect

    tell(api, replace(CONSUMERS, troubles=(REFUSED,)), SERVERS)
    page = visit(api.url, "/operate", api.token_of("root", "admin"), **look)
    row = page.get_by_role("table", name="Workers").get_by_role("row", name="consumers")
    expect(row).to_contain_text("3 of 8")
    expect(row).to_contain_text("3 asked for (Resources)")
    expect(row).to_contain_text("1.50 EUR")
    alert = page.get_by_role("alert").filter(has_text="SLURM refuses the account physics")
    expect(alert).to_contain_text("ask for one")
    expect(page.get_by_text("None runs now. Up to 8 are started")).to_be_visible()
    fits(page)
    axe(page)
    page.close()


def test_who_waits_is_told_what_for_as_it_changes(api, visit: Visit):
    from playwright.sync_api import expect

    tell(api, CONSUMERS, SERVERS)
    page = visit(api.url, "/", api.token)
    told = "aits for consumers: 3 asked for, SLURM says Resources"
    expect(page.get_by_text(f"w{told}")).to_be_visible()
    page.get_by_role("listitem").get_by_role("link").click()
    expect(page.get_by_text(f"W{told}")).to_be_visible()
    tell(api, replace(CONSUMERS, asked=0, starting=3), SERVERS)
    expect(page.get_by_text("Waits for consumers: 3 starting")).to_be_visible()
    page.close()
