"""What KEDA's triggers may ask for, and for how long a decision holds."""

from __future__ import annotations

import threading

import pytest

from cytomill.errors import OptionError
from cytomill.scaling.keda import StaleError, Wanted
from cytomill.scaling.keda.asked import asked
from cytomill.scaling.policy import Wish
from cytomill.scaling.snapshot import Pool, Role

CONSUMERS = Pool("consumers", Role.CONSUMER, most=100)
SLIDES = Pool("slides_big", Role.CONSUMER, pipelines=("zoo", "nuclei"))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _wanted() -> tuple[Wanted, Clock]:
    clock = Clock()
    return Wanted([CONSUMERS, SLIDES], fresh=15, clock=clock), clock


def test_a_decision_holds_for_a_while_only() -> None:
    wanted, clock = _wanted()
    wanted.tell({"consumers": Wish(7, "")})
    clock.now += 15
    assert wanted.count(CONSUMERS) == 7
    assert wanted.fresh()
    clock.now += 1
    assert not wanted.fresh()
    with pytest.raises(StaleError, match=r"last decided 16 s ago; see its log"):
        wanted.count(CONSUMERS)


def test_what_is_not_known_is_no_zero() -> None:
    wanted, _ = _wanted()
    assert not wanted.fresh()
    with pytest.raises(StaleError, match="has not decided yet"):
        wanted.count(CONSUMERS)
    wanted.tell({"consumers": Wish(0, "")})
    assert wanted.count(CONSUMERS) == 0
    with pytest.raises(StaleError, match="about pool slides_big"):
        wanted.count(SLIDES)


def test_who_waits_hears_of_a_decision_at_once() -> None:
    wanted, _ = _wanted()
    number = wanted.wait(-1, 60)
    telling = threading.Timer(0.05, wanted.tell, [{"consumers": Wish(1, "")}])
    telling.start()
    assert wanted.wait(number, 60) != number
    telling.join()
    assert wanted.wait(number + 1, 0.01) == number + 1


@pytest.mark.parametrize(
    "metadata",
    [
        {"pool": "slides_big"},
        {"pool": "slides_big", "pipeline": "zoo", "scalerAddress": "a:1", "enableTLS": "true"},
        {"poolFromEnv": "slides_big", "scalerAddressFromEnv": "a:1"},
    ],
)
def test_what_may_be_asked(metadata: dict[str, str]) -> None:
    one = asked(metadata, _wanted()[0])
    assert one.pool is SLIDES
    assert one.metric == "cytomill-slides-big"


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "metadata pool: is missing"),
        ({"pool": ""}, "metadata pool: is missing"),
        ({"pool": "gpu"}, "there is no such pool; those here are consumers, slides_big"),
        ({"pool": "slides_big", "pipeline": "track"}, "takes tasks of zoo, nuclei only"),
        ({"pool": "consumers", "pools": "gpu"}, "metadata pools: is not known"),
    ],
)
def test_what_may_not(metadata: dict[str, str], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        asked(metadata, _wanted()[0])
