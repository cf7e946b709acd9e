"""The contract of drivers as tests: subclass `DriverTests`, or `WatchingTests` for one that only
watches what an engine does by itself, and give the fixture ``rig``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from typing import ClassVar, Protocol

import pytest

from cytomill.scaling.driver import Driver
from cytomill.scaling.snapshot import Pool, State, Worker

#: Seconds after which a test has hung: an engine may look at its jobs once a minute.
PATIENCE = 180.0

#: What a worker's name may have, to be a word of a command line, part of a key and of a host name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

#: A worker for rigs: ``python -c WORKER FOLDER NAME``. Once it can be asked to stop there is the
#: file NAME.up in FOLDER, see `Rig.alive`. Asked to stop it takes a moment for what it has in hand,
#: then leaves the file NAME: see `Rig.finished`.
WORKER = """\
import pathlib, signal, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def end(*_):
    time.sleep(0.3)
    (folder / name).touch()
    sys.exit()
signal.signal(signal.SIGTERM, end)
(folder / f"{name}.up").touch()
while True:
    time.sleep(60)
"""


class Rig(Protocol):
    """An engine, and a driver of one installation on it."""

    @property
    def pool(self) -> Pool:
        """Of which three workers may be there at once."""
        ...

    @property
    def driver(self) -> Driver: ...

    def another(self) -> Driver:
        """A driver of the same installation, as the next autoscaler makes it.

        The first was not closed, as one that was killed was not, and is not asked any more.
        """
        ...

    def stranger(self) -> Driver:
        """A driver of another installation of the same user on the same engine."""
        ...

    def begin(self, count: int) -> None:
        """Have workers of the pool come: by the driver, or by the engine where that owns them."""
        ...

    def alive(self) -> Collection[str]:
        """Ids of the workers that are up and have not ended, of all installations."""
        ...

    def kill(self, worker: Worker) -> None:
        """End a worker at once, as the death of its machine does."""
        ...

    def finished(self, worker: Worker) -> bool:
        """Whether a worker that ended could finish what it had in hand."""
        ...

    def refuse(self) -> None:
        """Have the engine take no new workers."""
        ...

    def accept(self) -> None:
        """Undo `refuse`."""
        ...

    def away(self) -> None:
        """Have the engine not answer."""
        ...

    def back(self) -> None:
        """Undo `away`."""
        ...


def until(true: Callable[[], object], told: Callable[[], object] = lambda: "") -> None:
    """Until ``true()`` is; ``told`` says what there is where it never comes."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"it has not come: {told()}"
        time.sleep(0.05)


def ids(workers: Sequence[Worker]) -> set[str]:
    """Their ids, of which no two may be the same."""
    found = {one.id for one in workers}
    assert len(found) == len(workers)
    return found


def came(rig: Rig, count: int, driver: Driver | None = None) -> list[Worker]:
    """The workers, once ``count`` of them run."""
    asked = driver or rig.driver
    until(
        lambda: len(set(rig.alive()) & ids(asked.workers())) == count,
        lambda: (asked.workers(), asked.troubles()),
    )
    found = list(asked.workers())
    assert len(found) == count
    return found


class WatchingTests:
    """What holds of every driver."""

    #: Whether workers go on when their driver is gone; where not they end with it.
    outlives: ClassVar[bool] = True

    #: Whether the engine is a service that can be away.
    apart: ClassVar[bool] = True

    def test_at_first_there_is_nothing(self, rig: Rig) -> None:
        assert list(rig.driver.workers()) == []
        assert list(rig.driver.troubles()) == []

    def test_workers_are_told_with_their_pool_and_age(self, rig: Rig) -> None:
        # Engines tell whole seconds, by clocks of their own.
        before = time.time() - 2
        rig.begin(3)
        found = came(rig, 3)
        for one in found:
            assert one.pool == rig.pool.name
            assert before <= one.since <= time.time() + 2
            assert one.state in (State.ASKED, State.STARTING, State.READY)
            assert _NAME.fullmatch(one.id), one.id
            assert one.busy == 0

    def test_a_worker_keeps_its_name_and_age(self, rig: Rig) -> None:
        rig.begin(2)
        first = {one.id: one.since for one in came(rig, 2)}
        again = {one.id: one.since for one in came(rig, 2)}
        assert again.keys() == first.keys()
        for name, since in again.items():
            assert since == pytest.approx(first[name], abs=2)

    def test_one_that_was_killed_is_not_told_any_more_and_others_are(self, rig: Rig) -> None:
        rig.begin(2)
        killed, left = came(rig, 2)
        rig.kill(killed)
        until(lambda: killed.id not in ids(rig.driver.workers()))
        assert left.id in ids(rig.driver.workers())
        assert left.id in rig.alive()

    def test_the_next_driver_has_the_workers_of_one_that_was_killed(self, rig: Rig) -> None:
        if not self.outlives:
            pytest.skip("its workers end with it")
        rig.begin(2)
        before = {one.id: one for one in came(rig, 2)}
        after = {one.id: one for one in came(rig, 2, rig.another())}
        assert after.keys() == before.keys()
        for name, one in after.items():
            assert one.pool == before[name].pool
            assert one.since == pytest.approx(before[name].since, abs=2)

    def test_closed_it_leaves_to_an_engine_what_is_the_engine_s(self, rig: Rig) -> None:
        rig.begin(2)
        names = ids(came(rig, 2))
        rig.driver.close()
        if self.outlives:
            assert names <= set(rig.alive())
            assert ids(came(rig, 2, rig.another())) == names
        else:
            until(lambda: not names & set(rig.alive()))

    def test_another_installation_sees_none_of_it(self, rig: Rig) -> None:
        rig.begin(2)
        came(rig, 2)
        stranger = rig.stranger()
        assert list(stranger.workers()) == []
        assert list(stranger.troubles()) == []

    def test_while_its_engine_is_away_it_tells_what_it_knew_and_that(self, rig: Rig) -> None:
        if not self.apart:
            pytest.skip("its engine cannot be away")
        rig.begin(2)
        names = ids(came(rig, 2))
        rig.away()
        until(lambda: rig.driver.troubles() or not rig.driver.workers())
        assert ids(rig.driver.workers()) == names
        for trouble in rig.driver.troubles():
            assert trouble.cause
            assert trouble.advice
        rig.back()
        until(lambda: not rig.driver.troubles(), rig.driver.troubles)
        assert ids(rig.driver.workers()) == names


class DriverTests(WatchingTests):
    """What holds of those that start and stop workers."""

    def test_all_that_are_asked_for_are_there_at_once(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 3)
        assert len(ids(rig.driver.workers())) == 3
        came(rig, 3)

    def test_none_asked_for_none_come(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 0)
        rig.driver.stop([])
        assert list(rig.driver.workers()) == []

    def test_more_may_be_asked_for_later(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 1)
        (first,) = came(rig, 1)
        rig.driver.start(rig.pool, 2)
        assert first.id in ids(came(rig, 3))

    def test_one_that_is_stopped_finishes_and_others_go_on(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 2)
        stopped, left = came(rig, 2)
        rig.driver.stop([stopped])
        states = {one.id: one.state for one in rig.driver.workers()}
        assert states.get(stopped.id, State.DRAINING) is State.DRAINING
        assert states[left.id] is not State.DRAINING
        until(lambda: ids(rig.driver.workers()) == {left.id}, rig.driver.workers)
        until(lambda: stopped.id not in rig.alive())
        assert rig.finished(stopped)
        assert left.id in rig.alive()
        assert list(rig.driver.troubles()) == []

    def test_stopped_before_they_came_they_never_come(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 2)
        rig.driver.stop(rig.driver.workers())
        until(lambda: not rig.driver.workers(), rig.driver.workers)
        until(lambda: not rig.alive(), rig.alive)
        assert list(rig.driver.troubles()) == []

    def test_stopping_twice_or_what_has_ended_does_nothing(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 2)
        gone, left = came(rig, 2)
        rig.driver.stop([gone])
        rig.driver.stop([gone])
        until(lambda: ids(rig.driver.workers()) == {left.id}, rig.driver.workers)
        rig.driver.stop([gone])
        assert ids(came(rig, 1)) == {left.id}

    def test_names_are_not_given_twice(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 2)
        before = came(rig, 2)
        rig.driver.stop(before)
        until(lambda: not rig.driver.workers(), rig.driver.workers)
        rig.driver.start(rig.pool, 2)
        assert not ids(came(rig, 2)) & ids(before)

    def test_it_stops_none_of_another_installation(self, rig: Rig) -> None:
        rig.driver.start(rig.pool, 1)
        (mine,) = came(rig, 1)
        stranger = rig.stranger()
        stranger.stop([mine])
        stranger.close()
        assert ids(came(rig, 1)) == {mine.id}
        assert not rig.finished(mine)

    def test_the_next_driver_stops_what_the_last_one_started(self, rig: Rig) -> None:
        if not self.outlives:
            pytest.skip("its workers end with it")
        rig.driver.start(rig.pool, 2)
        came(rig, 2)
        after = rig.another()
        stopped, left = came(rig, 2, after)
        after.stop([stopped])
        until(lambda: ids(after.workers()) == {left.id}, after.workers)
        until(lambda: stopped.id not in rig.alive())
        assert rig.finished(stopped)

    def test_what_is_refused_is_told_and_tried_again(self, rig: Rig) -> None:
        """As the autoscaler does it: asking for what is missing, over and over."""
        rig.refuse()
        driver = rig.driver

        def asked() -> int:
            found = [one for one in driver.workers() if one.state is not State.DRAINING]
            assert len(found) <= 2
            driver.start(rig.pool, 2 - len(found))
            return len(rig.alive())

        begun = time.time()
        asked()
        until(driver.troubles)
        for _ in range(3):
            asked()
        (trouble,) = driver.troubles()
        assert trouble.pool == rig.pool.name
        assert trouble.cause
        assert trouble.advice
        assert begun - 2 <= trouble.since <= time.time() + 2
        assert not rig.alive()
        rig.accept()
        until(lambda: asked() == 2, driver.troubles)
        assert ids(came(rig, 2)) == set(rig.alive())
        until(lambda: not driver.troubles(), driver.troubles)
