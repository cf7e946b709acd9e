"""Large files in pieces, in a real Redis and a folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.errors import InputError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import ConflictError, MissingError, QuotaError
from cytomill.jobs.large import _absent, _ranges
from cytomill.jobs.redis import connect
from cytomill.jobs.uploads import Uploads
from cytomill.settings import Settings

PIECES = [bytes([65 + number]) * 10 for number in range(9)] + [b"Z" * 3]
SIZE = 93


@pytest.fixture
def client(redis_url):
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def bucket(tmp_path):
    return Bucket(str(tmp_path / "bucket"))


@pytest.fixture
def uploads(client, bucket):
    return Uploads(client, bucket, replace(Settings(), piece_bytes=10, user_bytes=1000))


@pytest.fixture
def name(uploads):
    return uploads.create("ann").id


def test_pieces_come_in_any_order_at_once_and_again(uploads, bucket, name):
    file = uploads.large.start(name, "big/slide.tif", SIZE)
    assert (file.pieces, file.length(0), file.length(9)) == (10, 10, 3)
    numbers = [7, 3, 9, 0, 1, 3, 8, 2, 6, 4, 5, 0]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: uploads.large.put(name, file, n, [PIECES[n]]), numbers))
    done = uploads.large.complete(name, "big/slide.tif")
    assert (done.path, done.bytes) == ("big/slide.tif", SIZE)
    (found,) = uploads.files(name)
    assert (found.path, found.bytes, found.pieces) == ("big/slide.tif", SIZE, ())
    assert bucket.get(found.key) == b"".join(PIECES)
    assert [one.key for one in bucket.list()] == [found.key]
    assert (uploads.get(name).files, uploads.get(name).bytes, uploads.used("ann")) == (1, 93, 93)


def test_to_begin_again_is_to_go_on(uploads, name):
    file = uploads.large.start(name, "a", SIZE)
    for piece in (0, 1, 2, 5, 9):
        uploads.large.put(name, file, piece, [PIECES[piece]])
    again = uploads.large.start(name, "./a", SIZE)
    assert uploads.large.have(name, again) == [(0, 2), (5, 5), (9, 9)]
    assert uploads.used("ann") == SIZE
    with pytest.raises(ConflictError, match="was begun with 93 bytes, not 94"):
        uploads.large.start(name, "a", 94)


def test_it_cannot_be_completed_with_pieces_missing(uploads, name):
    file = uploads.large.start(name, "a", SIZE)
    for piece in (1, 2, 5):
        uploads.large.put(name, file, piece, [PIECES[piece]])
    with pytest.raises(ConflictError, match=r"a: pieces 0, 3-4, 6-9 are missing; send them"):
        uploads.large.complete(name, "a")
    assert list(uploads.files(name)) == []


def test_to_complete_again_does_nothing(uploads, bucket, name):
    file = uploads.large.start(name, "a", 13)
    for piece in (0, 1):
        uploads.large.put(name, file, piece, [b"x" * file.length(piece)])
    assert uploads.large.complete(name, "a") == uploads.large.complete(name, "a")
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 13)
    with pytest.raises(MissingError, match="not begun"):
        uploads.large.complete(name, "b")


def test_several_may_complete_it_at_once(uploads, bucket, name):
    file = uploads.large.start(name, "a", 13)
    for piece in (0, 1):
        uploads.large.put(name, file, piece, [b"x" * file.length(piece)])

    def complete(_):
        try:
            return uploads.large.complete(name, "a").bytes
        except ConflictError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(complete, range(8)))
    assert 13 in answers
    assert answers <= {13, "a: is being put together; ask again in a moment"}
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 13)


def test_one_that_was_stopped_while_it_completed_is_completed_again(
    uploads, bucket, name, monkeypatch
):
    file = uploads.large.start(name, "a", 13)
    for piece in (0, 1):
        uploads.large.put(name, file, piece, [b"x" * file.length(piece)])
    place = bucket.put_file

    def stopped(*arguments, **options):
        place(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "put_file", stopped)
        with pytest.raises(KeyboardInterrupt):
            uploads.large.complete(name, "a")
    assert uploads.large.complete(name, "a").bytes == 13
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 13)


def test_pieces_that_somebody_removed_are_missed(uploads, bucket, name):
    file = uploads.large.start(name, "a", 13)
    for piece in (0, 1):
        uploads.large.put(name, file, piece, [b"x" * file.length(piece)])
    bucket.delete_folder(f"uploads/{name}/unfinished")
    with pytest.raises(MissingError, match="begin again"):
        uploads.large.complete(name, "a")
    assert uploads.used("ann") == 0
    assert uploads.large.have(name, uploads.large.start(name, "a", 13)) == []


@pytest.mark.parametrize("length", [0, 9, 11, 1000])
def test_a_piece_of_another_length_is_refused(uploads, name, length):
    file = uploads.large.start(name, "a", SIZE)
    with pytest.raises(InputError, match="piece 1 has 10 bytes"):
        uploads.large.put(name, file, 1, [b"x"] * length)
    with pytest.raises(InputError, match="piece 1 has 10 bytes"):
        uploads.large.check_piece(file, 1, length)
    assert uploads.large.have(name, file) == []


def test_no_byte_is_written_past_a_piece(uploads, bucket, name):
    file = uploads.large.start(name, "a", SIZE)
    uploads.large.put(name, file, 1, [PIECES[1]])
    with pytest.raises(InputError, match="more were sent"):
        uploads.large.put(name, file, 0, [PIECES[0], b"?"])
    uploads.large.put(name, file, 0, [PIECES[0]])
    (unfinished,) = bucket.list(f"uploads/{name}")
    assert bucket.get(unfinished.key) == PIECES[0] + PIECES[1]


@pytest.mark.parametrize("piece", [-1, 10, 10**12])
def test_there_are_no_other_pieces(uploads, name, piece):
    file = uploads.large.start(name, "a", SIZE)
    with pytest.raises(InputError, match=f"no piece {piece}"):
        uploads.large.put(name, file, piece, [b"x"])


def test_what_is_claimed_is_counted(uploads, name):
    with pytest.raises(QuotaError):
        uploads.large.start(name, "a", 2**50)
    with pytest.raises(InputError, match="no bytes"):
        uploads.large.start(name, "a", 0)
    uploads.large.start(name, "a", 1000)
    with pytest.raises(QuotaError):
        uploads.put(name, "b", [b"x"])


def test_a_folder_has_no_addresses_to_sign(uploads, name):
    file = uploads.large.start(name, "a", SIZE)
    assert uploads.large.sign(name, file, 0, 9) is None
    with pytest.raises(InputError, match="cannot be signed"):
        uploads.large.sign(name, file, 5, 4)


def test_a_file_takes_the_place_of_another_of_either_kind(uploads, bucket, name):
    def large(path, data):
        file = uploads.large.start(name, path, len(data))
        for piece in range(file.pieces):
            start = piece * 10
            uploads.large.put(name, file, piece, [data[start : start + 10]])
        uploads.large.complete(name, path)

    uploads.put(name, "a", [b"small"])
    large("a", b"l" * 25)
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 25)
    large("a", b"m" * 12)
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 12)
    uploads.put(name, "a", [b"small"])
    assert (uploads.get(name).files, uploads.get(name).bytes) == (1, 5)
    assert [bucket.get(one.key) for one in bucket.list()] == [b"small"]


@given(st.sets(st.integers(0, 40)), st.integers(1, 41))
def test_what_is_missing_is_what_is_not_there(numbers, pieces):
    there = sorted(number for number in numbers if number < pieces)
    ranges = _ranges(there)
    assert [n for first, last in ranges for n in range(first, last + 1)] == there
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(ranges))
    absent = [n for first, last in _absent(ranges, pieces) for n in range(first, last + 1)]
    assert sorted(absent + there) == list(range(pieces))
