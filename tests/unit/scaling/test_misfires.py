"""Workers that never become ready or end at once are told of, and tried ever more slowly."""

from __future__ import annotations

import pytest

from cytomill.scaling.driver import Trouble
from cytomill.scaling.misfires import Misfires
from cytomill.scaling.snapshot import Pool, Role, Snapshot, State, Worker

POOL = Pool("consumers", Role.CONSUMER, most=8, startup=10.0)


class Story:
    """What is seen from second to second."""

    def __init__(self, patience: float = 100.0) -> None:
        self.misfires = Misfires(patience)
        self.now = 0.0
        self.there: dict[str, Worker] = {}
        self.stopped: set[str] = set()

    def at(self, now: float) -> None:
        self.now = now
        seen = Snapshot(now, (POOL,), tuple(self.there.values()), ())
        self.misfires.look(seen, self.stopped)

    def come(self, name: str, state: State = State.STARTING, ends: float | None = None) -> None:
        since = self.there[name].since if name in self.there else self.now
        self.there[name] = Worker(name, POOL.name, state, since, ends=ends)

    def die(self, name: str, now: float) -> None:
        del self.there[name]
        self.at(now)

    def held(self) -> bool:
        return self.misfires.held(POOL, self.now)

    def causes(self) -> list[str]:
        return [one.cause for one in self.misfires.troubles([])]


@pytest.fixture
def story() -> Story:
    return Story()


def short_lives(story: Story, count: int, *, after: float = 1.0) -> None:
    for number in range(count):
        name = f"{story.now}-{number}"
        story.come(name)
        story.at(story.now + after)
        story.die(name, story.now + after)


def test_two_that_end_at_once_are_bad_luck_and_three_are_not(story: Story) -> None:
    short_lives(story, 2)
    assert not story.held()
    assert story.causes() == []
    short_lives(story, 1)
    assert story.held()
    assert story.causes() == ["its workers end as soon as they are started, 3 in a row"]


def test_it_is_tried_again_later_and_later(story: Story) -> None:
    waits = []
    short_lives(story, 3)
    for _ in range(9):
        begun = story.now
        while story.held():
            story.at(story.now + 1)
        waits.append(story.now - begun)
        short_lives(story, 1, after=0.1)
    assert waits[0] == pytest.approx(10, abs=1)
    assert waits[1] == pytest.approx(20, abs=1)
    assert max(waits) == pytest.approx(600, abs=1)


def test_ten_that_end_together_are_one_try(story: Story) -> None:
    for number in range(10):
        story.come(str(number))
    story.at(1)
    story.there.clear()
    story.at(2)
    (trouble,) = story.misfires.troubles([])
    assert trouble.again == pytest.approx(12)


def test_one_that_lives_ends_the_row(story: Story) -> None:
    short_lives(story, 3)
    while story.held():
        story.at(story.now + 1)
    story.come("good")
    story.at(story.now + 5)
    story.come("good", State.READY)
    story.at(story.now + 5)
    assert story.causes()
    story.at(story.now + 61)
    assert story.causes() == []


def test_a_sound_one_of_before_does_not_hide_a_row(story: Story) -> None:
    story.come("old", State.READY)
    story.at(1)
    story.at(200)
    short_lives(story, 3)
    assert story.held()


def test_a_row_that_nobody_goes_on_is_forgotten(story: Story) -> None:
    short_lives(story, 3)
    story.at(story.now + 10 + 599)
    assert story.causes()
    story.at(story.now + 2)
    assert story.causes() == []


def test_ends_that_were_asked_for_or_foreseen_are_none_of_it(story: Story) -> None:
    for number in range(4):
        story.come(f"stopped {number}")
        story.come(f"drains {number}", State.DRAINING)
        story.come(f"timed {number}", State.READY, ends=3)
        story.stopped.add(f"stopped {number}")
    story.at(1)
    story.there.clear()
    story.at(4)
    assert story.causes() == []


def test_one_that_worked_for_a_while_may_end(story: Story) -> None:
    for number in range(4):
        story.come(str(number), State.READY)
    story.at(1)
    story.at(70)
    story.there.clear()
    story.at(72)
    assert story.causes() == []


def test_one_that_never_becomes_ready_is_told_and_ended(story: Story) -> None:
    story.come("slow")
    story.at(1)
    story.at(100)
    assert story.misfires.overdue() == []
    story.at(102)
    assert [one.id for one in story.misfires.overdue()] == ["slow"]
    assert story.held()
    assert story.causes() == ["its workers did not become ready in 2 minutes"]


def test_one_that_waits_for_a_place_has_all_the_time(story: Story) -> None:
    story.come("queued", State.ASKED)
    story.at(1)
    story.at(10_000)
    assert story.misfires.overdue() == []
    story.come("queued", State.STARTING)
    story.at(10_050)
    story.at(10_149)
    assert story.misfires.overdue() == []


def test_one_that_waited_for_a_place_and_went_has_not_failed(story: Story) -> None:
    """An engine may give it another name when it has one."""
    for number in range(4):
        story.come(f"asked-{number}", State.ASKED)
    story.at(1)
    story.there.clear()
    story.at(2)
    assert story.causes() == []


def test_what_the_driver_says_of_a_pool_stands_for_it(story: Story) -> None:
    short_lives(story, 3)
    own = Trouble(POOL.name, "ended with exit code 1", "last words", 1.0)
    (trouble,) = story.misfires.troubles([own])
    assert trouble.cause == own.cause
    assert trouble.again == pytest.approx(story.now + 10, abs=1)
