"""A zip that is made while it is sent is one that any program reads."""

from __future__ import annotations

import io
import subprocess
import tracemalloc
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from cytomill.kiosk.api.zipping import Member, zipped
from tests.conftest import requires

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40
)


def read(members):
    return zipfile.ZipFile(io.BytesIO(b"".join(zipped(members))))


@given(st.dictionaries(NAMES, st.lists(st.binary(max_size=300), max_size=4), max_size=5))
def test_what_goes_in_comes_out(files):
    files = {name.replace("\\", "_"): chunks for name, chunks in files.items()}
    with read([Member(name, chunks) for name, chunks in files.items()]) as found:
        assert found.testzip() is None
        assert found.namelist() == list(files)
        for name, chunks in files.items():
            assert found.read(name) == b"".join(chunks)


def test_chunks_of_any_size_are_parted_into_blocks():
    sizes = (0, 1, 65535, 65536, 200_000)
    files = {f"{size}": bytes(size) for size in sizes}
    with read([Member(name, [data]) for name, data in files.items()]) as found:
        assert {name: found.read(name) for name in found.namelist()} == files


def test_other_programs_read_it(tmp_path):
    path = tmp_path / "results.zip"
    path.write_bytes(b"".join(zipped([Member("µ/a.tif", [b"a" * 70_000]), Member("b", [])])))
    found = subprocess.run(
        [requires("unzip"), "-t", path], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_members_are_read_only_when_it_is_their_turn():
    begun = []

    def chunks(number):
        begun.append(number)
        yield bytes(100_000)

    sent = zipped(Member(str(number), chunks(number)) for number in range(10))
    next(sent)
    assert begun == [0, 1, 2]
    next(sent)
    assert len(begun) < 10


def test_memory_does_not_grow_with_the_number_of_files():
    def peak(count):
        tracemalloc.start()
        for _ in zipped(Member(f"{number:09d}", (b"x",)) for number in range(count)):
            pass
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    # A directory of this many takes twice what of it is kept in memory.
    assert peak(25_000) < 3 * 2**20


def test_more_files_than_the_old_format_counts():
    count = 70_000
    with read(Member(str(number), ()) for number in range(count)) as found:
        assert len(found.namelist()) == count
