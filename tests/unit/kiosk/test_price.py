from __future__ import annotations

import pytest

from cytomill.errors import OptionError
from cytomill.jobs.job import Job, State
from cytomill.kiosk.api.schemas import JobAnswer
from cytomill.kiosk.price import Price


def cost(price="3.6 EUR", **fields):
    return JobAnswer.of(Job("j", "ann", "nuclei", **fields), price=Price.of(price)).cost


def test_there_is_none_where_none_is_set():
    assert Price.of("") is None
    assert cost("") is None


def test_an_hour_of_a_thread_costs_the_price():
    price = Price.of("0.12 EUR")
    assert (price.hour, price.currency) == (0.12, "EUR")
    assert price.spent(7200) == pytest.approx(0.24)


@pytest.mark.parametrize(
    "text",
    ["EUR", "0.12", "0.12EUR", "-1 EUR", "0 EUR", "nan EUR", "1e9 EUR", "1 EUR each", "1,2 €"],
)
def test_what_is_no_price_is_told(text):
    with pytest.raises(OptionError, match="CYTOMILL_PRICE"):
        Price.of(text)


def test_what_a_job_will_cost_is_told_from_what_has_ended():
    running = {"state": State.RUNNING, "items": 10, "sealed": True}
    told = cost(**running, done=3, failed=1, seconds=40.0)
    assert (told.spent, told.expected, told.currency) == (
        pytest.approx(0.04),
        pytest.approx(0.1),
        "EUR",
    )


def test_it_is_not_told_before_an_image_has_ended_or_all_are_found():
    assert cost(state=State.RUNNING, items=10, sealed=True).expected is None
    found = cost(state=State.LISTING, items=10, done=5, seconds=5.0)
    assert (found.spent, found.expected) == (pytest.approx(0.005), None)


def test_a_job_that_has_ended_costs_no_more():
    told = cost(state=State.CANCELLED, items=10, done=1, seconds=10.0)
    assert told.expected == told.spent
