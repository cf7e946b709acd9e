"""Building pyramids beside the requests: once, in bounded room, in the order that is asked for."""

from __future__ import annotations

import errno
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from cytomill.errors import InputError, TemporaryError
from cytomill.image.array import from_array
from cytomill.kiosk.view import building
from cytomill.kiosk.view import pyramid as module
from cytomill.kiosk.view.building import Buildable, Builder
from cytomill.kiosk.view.errors import NotYetError
from cytomill.kiosk.view.geometry import Place
from cytomill.kiosk.view.halving import mean
from cytomill.kiosk.view.pyramid import Pyramid

PATIENCE = 30.0
PIXELS = np.random.default_rng(0).integers(0, 60_000, (3, 1300, 2100), np.uint16)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    monkeypatch.setattr(module, "SMALL", 0)


@pytest.fixture
def builder(tmp_path):
    found = Builder(tmp_path / "built", 2**30)
    yield found
    found.close()


class Source:
    """Pixels that are read one rectangle at a time as they are let."""

    def __init__(self, error=None):
        self.image = from_array(PIXELS, "CYX")
        self.go, self.error = threading.Event(), error
        self.opened, self.planes = 0, []

    def read(self, t, c, z, y, x):
        assert self.go.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        if not self.planes or self.planes[-1] != c:
            self.planes.append(c)
        return PIXELS[c, y, x]

    def close(self):
        pass

    def buildable(self, key="a"):
        def reopen(stack):
            self.opened += 1
            return self.pyramid()

        return Buildable(key, reopen)

    def pyramid(self):
        return Pyramid.of_pixels(replace(self.image, source=self))


def built(builder, source, place, key="a"):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return builder.chunk(source.buildable(key), source.pyramid(), place)
        except NotYetError:
            time.sleep(0.01)
    raise AssertionError("it was not built")


def wanted(builder, source):
    while builder.want(source.buildable(), 0, 0, 0) < 1:
        time.sleep(0.01)


def test_all_levels_are_built_of_a_plane(builder):
    source = Source()
    assert builder.want(source.buildable(), 0, 1, 0) == 0
    with pytest.raises(NotYetError, match="0%"):
        builder.chunk(source.buildable(), source.pyramid(), Place(2, 0, 1, 0, 0, 0))
    source.go.set()
    for level in (2, 3):
        expected = mean(PIXELS[1], level)
        for row in range(-(-expected.shape[0] // 512)):
            for column in range(-(-expected.shape[1] // 512)):
                found = built(builder, source, Place(level, 0, 1, 0, row, column))
                cut = expected[512 * row :, 512 * column :][:512, :512]
                np.testing.assert_array_equal(found, cut)
    assert builder.want(source.buildable(), 0, 1, 0) == 1
    assert (source.opened, source.planes) == (1, [1])


def test_planes_of_a_file_are_built_while_it_is_open_the_last_wanted_first(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_THREADS", 1)
    builder, source = Builder(tmp_path / "built", 2**30), Source()
    builder.want(source.buildable(), 0, 0, 0)
    while not source.opened:
        time.sleep(0.01)
    builder.want(source.buildable(), 0, 1, 0)
    builder.want(source.buildable(), 0, 2, 0)
    source.go.set()
    for c in (0, 1, 2):
        assert built(builder, source, Place(3, 0, c, 0, 0, 0)).size
    assert (source.opened, source.planes) == (1, [0, 2, 1])
    builder.close()


def test_a_fault_of_the_file_is_told_and_not_tried_again(builder):
    source = Source(InputError("a.tif", "is damaged"))
    source.go.set()
    with pytest.raises(InputError, match="is damaged"):
        built(builder, source, Place(2, 0, 0, 0, 0, 0))
    with pytest.raises(InputError, match="is damaged"):
        builder.want(source.buildable(), 0, 0, 0)
    assert source.opened == 1


def test_a_fault_that_passes_is_told_once(builder):
    source = Source(OSError(errno.ENOSPC, "No space left"))
    source.go.set()
    with pytest.raises(TemporaryError, match="its disk is full"):
        wanted(builder, source)
    source.error = None
    assert built(builder, source, Place(3, 0, 0, 0, 0, 0)).shape == (163, 263)


def test_what_was_longest_unused_goes(tmp_path):
    source = Source()
    source.go.set()
    pyramid = source.pyramid()
    limit = building._estimate(pyramid) * 2
    builder = Builder(tmp_path / "built", limit)
    try:
        place = Place(3, 0, 0, 0, 0, 0)
        for c in (0, 1, 0, 2):
            assert built(builder, source, replace(place, c=c)).size
        held = sum(path.stat().st_size for path in (tmp_path / "built").rglob("*-*"))
        assert 0 < held <= limit
        builder.chunk(source.buildable(), pyramid, place)
        assert 1 in source.planes
        source.planes.clear()
        assert built(builder, source, replace(place, c=1)).size
        assert source.planes == [1]
    finally:
        builder.close()
    assert not list((tmp_path / "built").iterdir())


def test_what_nobody_looks_at_for_long_goes(builder, tmp_path, monkeypatch):
    source = Source()
    source.go.set()
    assert built(builder, source, Place(3, 0, 0, 0, 0, 0)).size
    wanted(builder, source)
    builder.sweep()
    assert len(list((tmp_path / "built").rglob("3-*"))) == 1
    monkeypatch.setattr(building, "_IDLE", 0.0)
    builder.sweep()
    assert not list((tmp_path / "built").rglob("3-*"))
    assert built(builder, source, Place(3, 0, 0, 0, 0, 0)).size


def test_closing_does_not_wait_for_what_is_being_built(tmp_path):
    builder, source = Builder(tmp_path / "built", 2**30), Source()
    builder.want(source.buildable(), 0, 0, 0)
    while not source.opened:
        time.sleep(0.01)
    closing = threading.Thread(target=builder.close)
    closing.start()
    source.go.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
