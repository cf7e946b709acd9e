from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from cytomill.inference.server.request import Code, ServerError
from cytomill.inference.server.shared_memory import Place, Regions


@contextmanager
def refused(*words, code=Code.INVALID_ARGUMENT):
    with pytest.raises(ServerError) as told:
        yield
    for word in words:
        assert word in str(told.value)
    assert told.value.code is code


@pytest.fixture
def memory():
    """A file of 100 bytes in shared memory, whose name is its key."""
    path = Path(f"/dev/shm/cytomill-test-{os.getpid()}")
    path.write_bytes(bytes(range(100)))
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def regions(memory):
    made = Regions(allowed=True)
    made.register("r", memory.name, 10, 50)
    return made


def test_a_region_is_read_and_written(regions, memory):
    assert bytes(regions.read(Place("r", 5, 3))) == bytes([15, 16, 17])
    regions.write(Place("r", 0, 4), memoryview(b"abcd"))
    assert memory.read_bytes()[8:16] == b"\x08\x09abcd\x0e\x0f"


@pytest.mark.parametrize(("offset", "size"), [(0, 51), (50, 1), (51, 0), (2**62, 1), (10, 2**62)])
def test_nothing_beyond_a_region_is_touched(regions, offset, size):
    with refused("'r'", "50 bytes"):
        regions.read(Place("r", offset, size))


def test_an_output_needs_room(regions, memory):
    before = memory.read_bytes()
    with refused("4 bytes", "3 were set aside"):
        regions.write(Place("r", 0, 3), memoryview(b"abcd"))
    with refused("50 bytes"):
        regions.write(Place("r", 48, 4), memoryview(b"abcd"))
    assert memory.read_bytes() == before


@pytest.mark.parametrize(
    "key", ["", "/", ".", "..", "../../etc/passwd", "/../x", "a/b", "a\0b", "//etc/passwd"]
)
def test_no_key_leads_out_of_shared_memory(key):
    with refused("not a name of shared memory"):
        Regions(allowed=True).register("r", key, 0, 1)


def test_links_and_pipes_are_no_shared_memory(memory):
    link = memory.with_name(f"{memory.name}-link")
    pipe = memory.with_name(f"{memory.name}-pipe")
    link.symlink_to("/etc/hostname")
    os.mkfifo(pipe)
    try:
        for path in (link, pipe):
            with refused(path.name):
                Regions(allowed=True).register("r", path.name, 0, 1)
    finally:
        link.unlink()
        pipe.unlink()


@pytest.mark.parametrize(
    ("offset", "size"), [(0, 101), (100, 1), (90, 11), (0, 0), (-1, 1), (2**63, 1)]
)
def test_a_region_lies_within_its_shared_memory(memory, offset, size):
    with refused("100 bytes"):
        Regions(allowed=True).register("r", memory.name, offset, size)


def test_a_region_that_shrank_is_refused_rather_than_fatal(regions, memory):
    os.truncate(memory, 20)
    with refused("smaller"):
        regions.read(Place("r", 0, 50))
    with refused("smaller"):
        regions.write(Place("r", 40, 4), memoryview(b"abcd"))
    assert len(memory.read_bytes()) == 20


def test_regions_come_and_go(regions, memory):
    regions.register("s", f"/{memory.name}", 0, 100)
    with refused("registered", code=Code.FAILED_PRECONDITION):
        regions.register("s", memory.name, 0, 100)
    assert list(regions.status()) == ["r", "s"]
    assert list(regions.status("s")) == ["s"]
    regions.unregister("r")
    regions.unregister("never was")
    with refused("'r'", "not registered"):
        regions.read(Place("r", 0, 1))
    regions.unregister()
    assert not regions.status()


def test_files_are_closed_when_out_of_use(memory):
    def opened():
        files = Path("/proc/self/fd").iterdir()
        return sum(file.is_symlink() and str(file.readlink()) == str(memory) for file in files)

    regions = Regions(allowed=True)
    for _ in range(3):
        regions.register("r", memory.name, 0, 1)
        assert opened() == 1
        regions.unregister()
        with refused():
            regions.register("r", memory.name, 0, 1000)
        assert opened() == 0


def test_forgetful_clients_are_told(memory):
    regions = Regions(allowed=True)
    for number in range(512):
        regions.register(f"{number}", memory.name, 0, 1)
    with refused("unregister", code=Code.RESOURCE_EXHAUSTED):
        regions.register("one more", memory.name, 0, 1)


def test_it_can_be_switched_off(memory):
    regions = Regions(allowed=False)
    for call in (
        lambda: regions.register("r", memory.name, 0, 1),
        lambda: regions.read(Place("r", 0, 1)),
        regions.status,
        regions.unregister,
    ):
        with refused("--shared-memory", code=Code.UNIMPLEMENTED):
            call()
