"""Items that are open: once for all, not more than may be, and not what is there no more."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cytomill.kiosk.view import opened as module
from cytomill.kiosk.view.errors import NotYetError
from cytomill.kiosk.view.opened import OpenItems


class Files:
    """Files that count how often they are opened and closed."""

    def __init__(self, size=1):
        self.size, self.version = size, "1"
        self.begun, self.closed = [], []
        self.go = threading.Event()
        self.go.set()

    def opening(self, name):
        def opened(stack):
            self.begun.append(name)
            assert self.go.wait(30)
            stack.callback(self.closed.append, name)
            return name, self.size

        return opened

    def use(self, items, name):
        return items.use(name, lambda: self.version, self.opening(name))


@pytest.fixture
def items():
    found = OpenItems(3, 100)
    yield found
    found.close()


def test_an_item_is_opened_once_for_all(items):
    files = Files()

    def look(_):
        with files.use(items, "a") as found:
            return found

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(50))) == {"a"}
    assert (files.begun, files.closed) == (["a"], [])


def test_there_are_not_more_than_may_be(items):
    files = Files()
    for name in "abcad":
        with files.use(items, name):
            pass
    assert files.closed == ["b"]
    large = Files(60)
    for name in "ef":
        with large.use(items, name):
            pass
    assert len(files.closed + large.closed) == 5


def test_what_is_used_stays_open(items):
    files = Files()
    with files.use(items, "a"):
        for name in "bcdef":
            with files.use(items, name):
                pass
        assert "a" not in files.closed
    items.close()
    assert sorted(files.closed) == list("abcdef")


def test_what_changed_is_opened_anew(items, monkeypatch):
    files = Files()
    with files.use(items, "a"):
        files.version = "2"
        with files.use(items, "a"):  # nobody asks so soon
            assert files.begun == ["a"]
        monkeypatch.setattr(module, "_FRESH", 0)
        with files.use(items, "a"):
            assert files.begun == ["a", "a"]
        assert files.closed == []
    assert files.closed == ["a"]


def test_what_nobody_looks_at_is_closed(items, monkeypatch):
    files = Files()
    with files.use(items, "a"):
        pass
    items.sweep()
    assert files.closed == []
    monkeypatch.setattr(module, "_IDLE", 0)
    items.sweep()
    assert files.closed == ["a"]


def test_who_asks_for_what_takes_long_is_told_to_ask_again(items, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    files = Files()
    files.go.clear()
    for _ in range(3):
        with pytest.raises(NotYetError, match="being fetched"), files.use(items, "a"):
            pass
    files.go.set()
    monkeypatch.setattr(module, "_PATIENCE", 30)
    with files.use(items, "a") as found:
        assert found == "a"
    assert files.begun == ["a"]


def test_what_could_not_be_opened_is_tried_again(items):
    def fails(stack):
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"), items.use("a", lambda: "", fails):
            pass
    files = Files()
    with files.use(items, "a"):
        assert files.begun == ["a"]


def test_a_fault_within_the_block_is_the_callers(items):
    files = Files()
    with pytest.raises(TimeoutError), files.use(items, "a"):
        raise TimeoutError
    with files.use(items, "a"):
        assert time.monotonic()
    assert files.begun == ["a"]
