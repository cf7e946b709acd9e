from __future__ import annotations

import pytest

from cytomill.kiosk import waiting as module
from cytomill.kiosk.waiting import For, Waiting


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_what_is_waited_for_is_said_once_a_minute_and_when_it_is_over(clock):
    said: list[str] = []
    waiting = Waiting(said.append)
    for _ in range(59):
        waiting.waits(For.BUCKET, "s3://secret is away", "does not answer")
        clock.now += 1
    assert said == ["waits: s3://secret is away"]
    clock.now += 1
    waiting.waits(For.BUCKET, "s3://secret is away", "does not answer")
    assert said[1:] == ["still waits: s3://secret is away"]
    waiting.goes_on(For.BUCKET)
    waiting.goes_on(For.BUCKET)
    assert said[2:] == ["goes on: the place of images and results answers again"]


def test_what_changes_all_the_time_is_not_said_all_the_time(clock):
    said: list[str] = []
    waiting = Waiting(said.append)
    for number in range(30):
        waiting.waits(For.MODEL_SERVER, f"server {number} is away")
        clock.now += 1
    assert said == [f"waits: server {number} is away" for number in (0, 10, 20)]


def test_users_are_told_no_more_than_they_may_know(clock):
    waiting = Waiting(lambda _: None)
    assert waiting.told == ""
    waiting.waits(For.MODEL_SERVER, "grpc://10.0.0.1 is away", "does not answer")
    waiting.waits(For.QUEUE, "redis://:secret@host is away")
    assert waiting.told == "a model server, which does not answer; the queue"
    assert For.QUEUE in waiting
    waiting.goes_on(For.QUEUE)
    assert For.QUEUE not in waiting
    assert waiting.told == "a model server, which does not answer"


def test_what_is_not_met_again_is_not_waited_for_for_ever(clock):
    """The job that needed it may have been cancelled."""
    waiting = Waiting(lambda _: None)
    waiting.waits(For.SOURCE, "away", "does not answer")
    clock.now += 250
    waiting.waits(For.SOURCE, "away", "does not answer")
    clock.now += 250
    assert waiting.told == "a source of images, which does not answer"
    clock.now += 60
    assert waiting.told == ""
