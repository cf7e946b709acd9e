"""The contract of buckets as tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..errors import InputError
from ..jobs.bucket import Bucket
from ..jobs.errors import MissingError
from ..jobs.keys import COMPONENT, UNFINISHED, WHOLE

#: Names that back ends of other programs have lost, quoted or changed.
_AWKWARD = (
    "a b",
    " a ",
    "a%20b",
    "100%",
    "a#b",
    "a?b=c&d",
    "a+b",
    "a,b;c",
    "a:b@c",
    "a\\b",
    "[a]{b}|^`",
    "\"a'<b>*",
    "..a",
    "a.",
    ".a",
    "~",
    "é",
    "e\u0301",
    "日本/細胞",
    "😀",
    "a" + UNFINISHED,
)

_REFUSED = (
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "./a",
    "a/..",
    "../a",
    "a\0b",
    "a\nb",
    "\udcff",
    "é" * (COMPONENT // 2 + 1),
    "/".join(["a" * 99] * (WHOLE // 100 + 1)),
    f"{UNFINISHED}/a",
)

_names = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\ufffe\uffff"),
    min_size=1,
    max_size=50,
).filter(lambda name: name not in (".", ".."))
_keys = st.lists(_names, min_size=1, max_size=3).map("/".join)


class BucketTests:
    """Subclass it and give the fixture ``bucket``: an empty one for each test."""

    @pytest.fixture
    def bucket(self) -> Bucket:
        """The bucket under test."""
        raise NotImplementedError

    def test_what_is_put_is_got(self, bucket: Bucket) -> None:
        """Whole, by any of the ways, and by another process that has only the address."""
        data = bytes(range(256)) * 5000
        bucket.put("a/b.bin", data)
        assert bucket.get("a/b.bin") == data
        assert b"".join(bucket.stream("a/b.bin")) == data
        assert bucket.size("a/b.bin") == len(data)
        assert Bucket(bucket.url).get("a/b.bin") == data

    def test_an_object_may_be_empty(self, bucket: Bucket) -> None:
        """It is there all the same."""
        bucket.put("empty", b"")
        bucket.put_stream("none", iter(()))
        for key in ("empty", "none"):
            assert bucket.size(key) == 0
            assert bucket.get(key) == b""
            assert list(bucket.stream(key)) in ([], [b""])
        assert [found.size for found in bucket.list()] == [0, 0]

    def test_arrays_need_no_copy(self, bucket: Bucket) -> None:
        """A view of any type is its bytes."""
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        bucket.put("array", array.data)
        assert bucket.get("array") == array.tobytes()

    def test_the_last_that_is_put_is_there(self, bucket: Bucket) -> None:
        """It takes the place of what was there."""
        bucket.put("a", b"long before")
        bucket.put("a", b"now")
        assert bucket.get("a") == b"now"
        assert [found.size for found in bucket.list()] == [3]

    def test_what_is_not_there_is_missing(self, bucket: Bucket) -> None:
        """A folder of objects is no object."""
        bucket.put("a/b", b"1")
        for key in ("b", "a", "a/b2", "c/d/e"):
            assert bucket.size(key) is None
            with pytest.raises(MissingError, match=key):
                bucket.get(key)
            with pytest.raises(MissingError, match=key):
                bucket.stream(key)
            with pytest.raises(MissingError, match=key):
                bucket.stream(key, 1, 2)

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, 0), (0, 1), (0, 10), (3, None), (3, 4), (9, 1), (9, 5), (10, None), (12, 3), (0, 99)],
    )
    def test_a_range_gives_the_bytes_there_are(
        self, bucket: Bucket, start: int, length: int | None
    ) -> None:
        """Beyond the end there are none."""
        data = b"0123456789"
        bucket.put("digits", data)
        expected = data[start : None if length is None else start + length]
        assert b"".join(bucket.stream("digits", start, length)) == expected

    def test_a_large_object_streams_in_and_out(self, bucket: Bucket, tmp_path: Path) -> None:
        """In chunks of any size, of which none has to be the whole."""
        chunks = [bytes([number]) * 5_000_003 for number in range(8)]
        assert bucket.put_stream("large", iter(chunks)) == sum(map(len, chunks))
        assert bucket.size("large") == sum(map(len, chunks))
        got = list(bucket.stream("large"))
        assert len(got) > 1
        assert b"".join(got) == b"".join(chunks)
        assert b"".join(bucket.stream("large", 5_000_000, 9)) == b"\0" * 3 + b"\1" * 6

    def test_what_breaks_off_leaves_nothing(self, bucket: Bucket) -> None:
        """And what was there stays."""

        def broken() -> Iterator[bytes]:
            yield b"x" * 20_000_000
            raise ValueError("the source broke off")

        bucket.put("old", b"old")
        for key in ("old", "new"):
            with pytest.raises(ValueError, match="the source broke off"):
                bucket.put_stream(key, broken())
        assert bucket.get("old") == b"old"
        assert [found.key for found in bucket.list()] == ["old"]

    def test_readers_see_objects_whole(self, bucket: Bucket) -> None:
        """Whatever several writers of the same one do."""
        pages = [bytes([65 + number]) * 200_000 for number in range(4)]
        bucket.put("page", pages[0])

        def write(number: int) -> None:
            for _ in range(5):
                bucket.put("page", pages[number])

        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(write, number) for number in range(4)]
            while not all(writer.done() for writer in writers):
                assert bucket.get("page") in pages
            for writer in writers:
                writer.result()

    def test_writers_do_not_mind_who_removes_their_neighbours(self, bucket: Bucket) -> None:
        """An emptied folder may be gone at any moment."""

        def turn(number: int) -> None:
            for _ in range(20):
                bucket.put(f"a/b/{number}", b"1")
                assert bucket.get(f"a/b/{number}") == b"1"
                bucket.delete([f"a/b/{number}"])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(turn, range(4)))
        assert list(bucket.list()) == []

    def test_objects_are_listed_in_the_order_of_their_bytes(self, bucket: Bucket) -> None:
        """Folders and files as if there were no folders."""
        keys = [
            "a",
            "a-b",
            "b.txt",
            "b/c",
            "b/a/z",
            "b0",
            "é",
            "z/é/1",
            "z/é.1",
            "Z",
            "b/a.z",
            "😀",
        ]
        for key in keys:
            bucket.put(key, key.encode())
        found = list(bucket.list())
        assert [one.key for one in found] == sorted(keys, key=str.encode)
        assert [one.size for one in found] == [len(one.key.encode()) for one in found]
        assert all(abs(one.modified - time.time()) < 3600 for one in found)

    def test_an_object_is_found_as_it_is_listed(self, bucket: Bucket) -> None:
        """And has another version when it was put again."""
        bucket.put("a/b", b"1")
        before = bucket.find("a/b")
        assert before is not None
        assert [before] == list(bucket.list())
        bucket.put("a/b", b"2")
        after = bucket.find("a/b")
        assert after is not None
        assert after.version != before.version
        assert bucket.find("a") is None
        assert bucket.find("c") is None

    def test_a_folder_is_listed_with_what_is_below(self, bucket: Bucket) -> None:
        """And not what only begins with its name."""
        for key in ("a/1", "a/b/2", "a2/3", "a.txt"):
            bucket.put(key, b"")
        assert [found.key for found in bucket.list("a")] == ["a/1", "a/b/2"]
        assert [found.key for found in bucket.list("a/b")] == ["a/b/2"]
        assert list(bucket.list("nothing/here")) == []

    def test_objects_are_deleted_whether_there_or_not(self, bucket: Bucket) -> None:
        """Any number at once; twice is as good as once."""
        for number in range(20):
            bucket.put(f"d/{number}", b"1")
        bucket.put("kept", b"1")
        keys = ["no/such", *(f"d/{number}" for number in range(20)), "d/20"]
        for _ in range(2):
            bucket.delete(iter(keys))
            assert [found.key for found in bucket.list()] == ["kept"]

    def test_a_folder_is_deleted_with_all_below(self, bucket: Bucket) -> None:
        """And nothing else; what is not there is no fault."""
        for key in ("a/1", "a/b/2", "a2/3", "c/a/4", "a.txt"):
            bucket.put(key, b"")
        for _ in range(2):
            bucket.delete_folder("a")
            assert [found.key for found in bucket.list()] == ["a.txt", "a2/3", "c/a/4"]
        bucket.delete_folder("a.txt")
        assert bucket.size("a.txt") == 0, "an object is no folder"
        bucket.delete_folder("")
        assert list(bucket.list()) == []

    def test_a_deleted_folders_name_may_be_an_objects(self, bucket: Bucket) -> None:
        """No empty folder stays in its way."""
        bucket.put("a/b/c", b"1")
        bucket.delete(["a/b/c"])
        bucket.put("a", b"2")
        assert bucket.get("a") == b"2"

    @pytest.mark.parametrize("move", [False, True])
    def test_a_file_is_put(self, bucket: Bucket, tmp_path: Path, move: bool) -> None:
        """In place of one that is there; it stays or is gone, as was asked."""
        file = tmp_path / "file"
        file.write_bytes(b"12345" * 100_000)
        bucket.put("to/file", b"before")
        bucket.put_file("to/file", file, move=move)
        assert bucket.get("to/file") == b"12345" * 100_000
        assert file.exists() == (not move)
        bucket.put("to/file", b"again")
        assert move or file.read_bytes() == b"12345" * 100_000

    @pytest.mark.parametrize("move", [False, True])
    def test_a_folder_is_put(self, bucket: Bucket, tmp_path: Path, move: bool) -> None:
        """With all that is below, and into one that is there."""
        folder = tmp_path / "zarr"
        (folder / "0/c").mkdir(parents=True)
        (folder / "zarr.json").write_bytes(b"{}")
        (folder / "0/c/1").write_bytes(b"1")
        bucket.put("x.zarr/0/c/0", b"0")
        for key in ("x.zarr", "y.zarr"):
            bucket.put_file(key, folder, move=move and key == "y.zarr")
        assert folder.exists() == (not move)
        found = {one.key: bucket.get(one.key) for one in bucket.list()}
        assert found == {
            "x.zarr/0/c/0": b"0",
            "x.zarr/0/c/1": b"1",
            "x.zarr/zarr.json": b"{}",
            "y.zarr/0/c/1": b"1",
            "y.zarr/zarr.json": b"{}",
        }

    def test_objects_and_folders_are_downloaded(self, bucket: Bucket, tmp_path: Path) -> None:
        """To files and folders of the same bytes."""
        bucket.put("x.zarr/zarr.json", b"{}")
        for number in range(12):
            bucket.put(f"x.zarr/0/{number}", bytes([number]))
        bucket.download("x.zarr/zarr.json", tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == b"{}"
        bucket.download("x.zarr", tmp_path / "folder")
        assert (tmp_path / "folder/zarr.json").read_bytes() == b"{}"
        for number in range(12):
            assert (tmp_path / f"folder/0/{number}").read_bytes() == bytes([number])
        with pytest.raises(MissingError):
            bucket.download("x", tmp_path / "none")
        assert not (tmp_path / "none").exists()

    @pytest.mark.parametrize("key", _AWKWARD)
    def test_any_name_is_kept_as_it_is(self, bucket: Bucket, key: str) -> None:
        """Quoted by nobody."""
        self._round_trip(bucket, f"top/{key}/{key}")

    @given(key=_keys)
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def test_keys_round_trip(self, bucket: Bucket, key: str) -> None:
        """Every one that is not refused."""
        self._round_trip(bucket, f"top/{key}")

    def _round_trip(self, bucket: Bucket, key: str) -> None:
        bucket.put(key, key.encode())
        assert bucket.get(key) == key.encode()
        assert [found.key for found in bucket.list()] == [key]
        assert [found.key for found in bucket.list("top")] == [key]
        bucket.delete([key])
        assert bucket.size(key) is None
        assert list(bucket.list()) == []

    def test_the_longest_names_are_kept(self, bucket: Bucket) -> None:
        """Their length is that of their bytes."""
        self._round_trip(bucket, "top/" + "é" * (COMPONENT // 2))
        self._round_trip(bucket, "top/" + "/".join(["a" * 99] * (WHOLE // 100 - 1)))
        self._round_trip(bucket, "top" + "/a" * (WHOLE // 2 - 2))

    @pytest.mark.parametrize("key", _REFUSED)
    def test_keys_that_lead_elsewhere_are_refused(
        self, bucket: Bucket, key: str, tmp_path: Path
    ) -> None:
        """By every method, before anything is done."""
        for call in (
            lambda: bucket.put(key, b""),
            lambda: bucket.put_file(key, tmp_path),
            lambda: bucket.put_stream(key, iter(())),
            lambda: bucket.get(key),
            lambda: bucket.stream(key),
            lambda: bucket.size(key),
            lambda: bucket.delete([key]),
            lambda: bucket.path(key),
            lambda: bucket.download(key, tmp_path / "none"),
            lambda: bucket.sign(key, "GET", 60),
            *((lambda: bucket.list(key), lambda: bucket.delete_folder(key)) if key else ()),
        ):
            with pytest.raises(InputError):
                call()

    def test_a_path_if_any_is_where_the_bytes_lie(self, bucket: Bucket) -> None:
        """To be read without a copy."""
        bucket.put("a/b", b"1")
        path = bucket.path("a/b")
        assert path is None or path.read_bytes() == b"1"

    def test_an_address_if_any_lets_read_and_write(self, bucket: Bucket) -> None:
        """Whoever has it, without keys."""
        key = "a b/100% é#?.bin"
        put, get = bucket.sign(key, "PUT", 60), bucket.sign(key, "GET", 60)
        assert (put is None) == (get is None)
        if put is None or get is None:
            return
        httpx.put(put, content=b"signed").raise_for_status()
        assert bucket.get(key) == b"signed"
        assert httpx.get(get).raise_for_status().content == b"signed"

    def test_asking_for_it_leaves_nothing(self, bucket: Bucket) -> None:
        """Nor does it or a sweep take anything."""
        bucket.put("a", b"1")
        bucket.ping()
        bucket.sweep()
        assert [found.key for found in bucket.list()] == ["a"]
