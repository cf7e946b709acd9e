from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from cytomill.batch.journal import HIDDEN, Journal, Place, Record, read
from cytomill.batch.shard import Shard
from cytomill.errors import OutputError


def record(name: str, status: str = "done", **more: object) -> Record:
    return Record(name, status, "task", outputs=[f"{name}_labels.tif"], **more)  # type: ignore[arg-type]


def rows(journal: Journal, place: Place | None) -> pa.Table:
    assert place is not None
    return pa.concat_tables(journal.rows(place, 1000))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table = pa.table({"label": [1, 2], "area": [3.5, None]})
    with Journal(tmp_path, None) as journal:
        journal.add(record("a", "started"))
        tables = {"measurements": journal.add_rows(table)}
        journal.add(record("a", tables=tables, objects=2, seconds={"read": 0.5}, notes=("No.",)))
        journal.add(record('b, "ü"\n', "failed", error="b: no"))
    with Journal(tmp_path, None) as journal:
        assert journal.records["a"].objects == 2
        assert rows(journal, journal.records["a"].tables["measurements"]) == table
        assert journal.records["a"].notes == ("No.",)
        assert journal.records['b, "ü"\n'].error == "b: no"
        assert "a_labels.tif" in journal.made


def test_each_table_has_its_place(tmp_path: Path) -> None:
    table = pa.table({"class": ["cat"]})
    with Journal(tmp_path, None) as journal:
        assert journal.tables == set()
        journal.add(record("a", tables={"classes": journal.add_rows(table)}))
        journal.add(record("a", "started"))
    with Journal(tmp_path, None) as journal:
        assert journal.tables == {"classes"}
        assert rows(journal, journal.records["a"].tables["classes"]) == table


def test_a_journal_of_another_version_tells_whose_files_there_are(tmp_path: Path) -> None:
    with Journal(tmp_path, None) as journal:
        journal.add(record("b"))
    path = tmp_path / HIDDEN / "journal.jsonl"
    told = json.loads(path.read_text())
    del told["tables"], told["notes"]
    other = {**told, "input": "a", "outputs": ["a.tif"], "rows": None, "classes": None}
    with path.open("a") as file:
        file.write(json.dumps(other) + "\n")
    past = read(tmp_path)
    assert past.made == {"a.tif", "b_labels.tif"}
    assert {name: one.status for name, one in past.records.items()} == {"a": "started", "b": "done"}


def test_rows_come_in_pieces_of_the_size_asked_for(tmp_path: Path) -> None:
    tables = [pa.table({"label": range(n, n + 7)}) for n in range(0, 35, 7)]
    table = pa.concat_tables(tables)
    with Journal(tmp_path, None) as journal:
        places = [journal.add_rows(one) for one in (table, table[:0], table[:6])]
        assert journal.schema(places[1]) == table.schema
        pieces = list(journal.rows(places[0], 3))
        assert [len(piece) for piece in pieces] == [3] * 11 + [2]
        assert pa.concat_tables(pieces) == table
        assert list(journal.rows(places[1], 3)) == []
        assert [len(piece) for piece in journal.rows(places[2], 3)] == [3, 3]


def test_rows_that_the_disk_refuses_leave_nothing(tmp_path: Path) -> None:
    table = pa.table({"label": range(1000)})
    with Journal(tmp_path, None) as journal:
        first = journal.add_rows(table)
        path = tmp_path / HIDDEN / first[0]
        whole = path.read_bytes()
        with _files_of_at_most(len(whole) + 4000), pytest.raises(OutputError, match="written"):
            journal.add_rows(table)
        assert path.read_bytes() == whole
        second = journal.add_rows(table)
        assert rows(journal, first) == rows(journal, second) == table


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """Have the system refuse to let files grow beyond ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_start_does_not_hide_what_is_done(tmp_path: Path) -> None:
    with Journal(tmp_path, None) as journal:
        journal.add(record("a"))
        journal.add(record("a", "started"))
    with Journal(tmp_path, None) as journal:
        assert journal.records["a"].status == "done"


def test_half_a_line_of_a_killed_run_is_ignored(tmp_path: Path) -> None:
    with Journal(tmp_path, None) as journal:
        journal.add(record("a"))
    path = tmp_path / HIDDEN / "journal.jsonl"
    with path.open("a") as file:
        file.write('{"input": "b", "status": "do')
    with Journal(tmp_path, None) as journal:
        assert set(journal.records) == {"a"}
        journal.add(record("c"))
    with Journal(tmp_path, None) as journal:
        assert set(journal.records) == {"a", "c"}


def test_two_runs_into_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        Journal(tmp_path, None),
        pytest.raises(OutputError, match=r"in use by another run \(pid \d+"),
    ):
        Journal(tmp_path, None)
    Journal(tmp_path, None).close()


def test_shares_run_side_by_side_but_not_twice_nor_beside_the_whole(tmp_path: Path) -> None:
    with Journal(tmp_path, Shard(1, 2)), Journal(tmp_path, Shard(2, 2)):
        with pytest.raises(OutputError, match="in use"):
            Journal(tmp_path, Shard(1, 2))
        with pytest.raises(OutputError, match="in use"):
            Journal(tmp_path, None)


def test_the_whole_knows_what_shares_did(tmp_path: Path) -> None:
    for index in (1, 2):
        with Journal(tmp_path, Shard(index, 2)) as journal:
            journal.add(record(f"item{index}"))
    with Journal(tmp_path, None) as journal:
        assert set(journal.records) == {"item1", "item2"}


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="is not a folder"):
        Journal(tmp_path / "out", None)


def test_the_latest_word_counts_whichever_journal_it_is_in(tmp_path: Path) -> None:
    for shard, status in ((Shard(1, 1), "done"), (None, "failed"), (Shard(2, 2), "done")):
        with Journal(tmp_path, shard) as journal:
            journal.add(record("a", status))
            assert read(tmp_path).records["a"].status == status
    with Journal(tmp_path, None) as journal:
        assert journal.records["a"].status == "done"


def test_a_start_of_other_work_hides_what_was_done(tmp_path: Path) -> None:
    with Journal(tmp_path, None) as journal:
        journal.add(record("a"))
        journal.add(Record("a", "started", "another task", outputs=["a_labels.tif"]))
        journal.add(record("a", "started"))
    assert read(tmp_path).records["a"].status == "started"


def test_a_run_of_the_whole_clears_up_after_killed_runs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with Journal(tmp_path, Shard(1, 2)) as journal:
            journal.add(record(name, "started"))
    with Journal(tmp_path, None) as journal:
        journal.add(record("b"))
    left = [tmp_path / ".a_labels.1.0123abcd.part", tmp_path / HIDDEN / "scratch-1"]
    kept = [tmp_path / ".b_labels.1.0123abcd.part", tmp_path / ".a_labels.mine.part"]
    for path in left + kept:
        path.mkdir()
    with Journal(tmp_path, Shard(2, 2)):
        assert all(path.exists() for path in left)
    with Journal(tmp_path, None):
        assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    assert read(tmp_path / "out").records == {}
    assert not list(tmp_path.iterdir())
