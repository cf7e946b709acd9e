from __future__ import annotations

from threading import Event

from cytomill.jobs.task import Kind, Task
from cytomill.kiosk import hands
from cytomill.kiosk.hands import Hands, Held
from tests.consumers import wait_for


def task(number: int) -> Task:
    return Task("q", f"0-{number}", "job", Kind.ITEM, number)


def test_tasks_are_done_in_turn_and_what_waits_can_be_taken_back():
    go, done = Event(), []

    def do(held: Held) -> None:
        go.wait()
        done.append(held.task.item)

    pair = Hands(1, do)
    for number in range(3):
        pair.give(task(number))
    wait_for(lambda: pair.held()[0].begun)
    assert [one.item for one in pair.take_back()] == [1, 2]
    assert pair.count() == 1
    pair.give(task(3))
    go.set()
    wait_for(lambda: not pair.count())
    assert done == [0, 3]
    pair.end()


def test_a_thread_that_does_not_listen_is_replaced(monkeypatch):
    monkeypatch.setattr(hands, "_PATIENCE", 0.0)
    go, done = Event(), []

    def do(held: Held) -> None:
        if held.task.item == 0:
            go.wait()
        done.append(held.task.item)

    one = Hands(1, do)
    one.give(task(0))
    one.give(task(1))
    wait_for(lambda: one.held()[0].begun)
    one.leave_hung()
    assert one.lost == 0  # nobody told it to stop
    one.stop(one.held()[0])
    wait_for(lambda: one.leave_hung() or one.lost == 1)
    wait_for(lambda: done == [1])
    go.set()
    wait_for(lambda: one.lost == 0)
    one.give(task(2))
    wait_for(lambda: done == [1, 0, 2])
    one.end()


def test_what_is_stopped_before_it_began_is_not_begun():
    go, done = Event(), []

    def do(held: Held) -> None:
        go.wait()
        done.append((held.task.item, bool(held.stop)))

    one = Hands(1, do)
    one.give(task(0))
    one.give(task(1))
    wait_for(lambda: one.held()[0].begun)
    for held in one.held():
        one.stop(held)
    assert one.count() == 1
    go.set()
    wait_for(lambda: not one.count())
    assert done == [(0, True)]
    one.end()


def test_it_tells_how_long_tasks_take_and_how_long_there_were_none():
    go = Event()
    one = Hands(1, lambda held: go.wait(0.05 if held.task.item else 0.4) and None)
    assert one.typical == one.seconds == 0
    wait_for(lambda: one.idle() > 0.1)
    one.give(task(0))
    assert one.idle() == 0
    wait_for(lambda: not one.count())
    assert 0.4 <= one.typical == one.seconds
    first = one.typical
    for number in range(1, 4):
        one.give(task(number))
    wait_for(lambda: not one.count())
    assert one.typical < first < one.seconds
    one.end()
