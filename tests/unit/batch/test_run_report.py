from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from cytomill.batch import report as module
from cytomill.batch.journal import Journal, Record
from cytomill.batch.report import Report, files, write_manifest, write_tables
from cytomill.errors import OutputError


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path, None) as opened:
        yield opened


def measured(journal, name: str, **columns) -> Record:
    table = pa.table({"image": [name] * len(next(iter(columns.values()))), **columns})
    return Record(name, "done", "task", tables={"measurements": journal.add_rows(table)})


def test_columns_are_the_union_in_order_of_appearance(journal, tmp_path):
    records = [
        measured(journal, "a", label=[1, 2], red=[0.5, 1.5]),
        Record("b", "failed", "task"),
        measured(journal, "c", label=[1], green=[2.5]),
    ]
    csv, parquet = write_tables(tmp_path, "", records, journal)
    table = pa.parquet.read_table(parquet)
    assert table.to_pydict() == {
        "image": ["a", "a", "c"],
        "label": [1, 2, 1],
        "red": [0.5, 1.5, None],
        "green": [None, None, 2.5],
    }
    assert csv.read_text().splitlines()[0] == '"image","label","red","green"'
    assert pa.csv.read_csv(csv).equals(table)


def test_order_is_that_of_the_records_not_of_the_work(journal, tmp_path):
    late, early = (measured(journal, name, label=[1]) for name in "ba")
    _, parquet = write_tables(tmp_path, "", [early, late], journal)
    assert pa.parquet.read_table(parquet)["image"].to_pylist() == ["a", "b"]


def test_images_without_objects_leave_the_header(journal, tmp_path):
    none = pa.table({"image": pa.array([], pa.string()), "label": pa.array([], pa.int64())})
    records = [Record("a", "done", "task", tables={"measurements": journal.add_rows(none)})]
    csv, parquet = write_tables(tmp_path, "", records, journal)
    assert csv.read_text() == '"image","label"\n'
    assert pa.parquet.read_table(parquet).shape == (0, 2)


def test_rows_beyond_one_batch_are_all_there(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 10)
    records = [measured(journal, str(i), label=[*range(i)]) for i in range(9)]
    csv, parquet = write_tables(tmp_path, "", records, journal)
    table = pa.parquet.read_table(parquet)
    assert table["label"].to_pylist() == [label for i in range(9) for label in range(i)]
    assert len(csv.read_text().splitlines()) == 1 + 36


def test_tables_of_an_earlier_run_go_where_nothing_is_measured(journal, tmp_path):
    write_tables(tmp_path, "", [measured(journal, "a", label=[1])], journal)
    assert write_tables(tmp_path, "", [Record("a", "done", "task")], journal) == []
    csv, parquet, _ = files(tmp_path, "")
    assert not csv.exists()
    assert not parquet.exists()


def test_other_tables_are_files_of_their_own(journal, tmp_path):
    places = {
        "tracks": journal.add_rows(pa.table({"image": ["a"], "track": [7]})),
        "classes": journal.add_rows(pa.table({"image": ["a"], "class": ["cat"]})),
    }
    records = [Record("a", "done", "task", tables=places), measured(journal, "b", label=[1])]
    for record in records:
        journal.add(record)
    written = write_tables(tmp_path, "-1-of-2", records, journal)
    assert [path.name for path in written[::2]] == [
        "measurements-1-of-2.csv",
        "classes-1-of-2.csv",
        "tracks-1-of-2.csv",
    ]
    assert pa.parquet.read_table(written[-1])["track"].to_pylist() == [7]
    assert set(files(tmp_path, "-1-of-2", ("tracks", "classes"))) > set(written)


def test_a_file_named_as_a_table_stays_where_none_was_made(journal, tmp_path):
    (tmp_path / "classes.csv").write_text("mine")
    write_tables(tmp_path, "", [measured(journal, "a", label=[1])], journal)
    assert (tmp_path / "classes.csv").read_text() == "mine"
    assert tmp_path / "classes.csv" not in files(tmp_path, "")


def test_a_table_that_nobody_gives_any_more_goes(journal, tmp_path):
    place = journal.add_rows(pa.table({"class": ["cat"]}))
    before = Record("a", "done", "task", tables={"classes": place})
    journal.add(before)
    assert write_tables(tmp_path, "", [before], journal)
    write_tables(tmp_path, "", [Record("a", "done", "task")], journal)
    assert not (tmp_path / "classes.csv").exists()


def test_a_table_that_cannot_be_replaced_is_told(journal, tmp_path):
    (tmp_path / "measurements.csv").mkdir()
    with pytest.raises(OutputError, match=r"measurements.csv"):
        write_tables(tmp_path, "", [Record("a", "done", "task")], journal)


def test_a_manifest_has_the_head_and_an_entry_per_input(tmp_path):
    records = [
        Record("ü.tif", "done", "t", outputs=["ü_labels.tif"], seconds={"read": 0.123456}),
        Record("b.tif", "failed", "t", error="b.tif: is empty; copy it again"),
        Record("c.tif", "done", "t", notes=("Frame 3 is lost.",)),
    ]
    path = write_manifest(tmp_path, "-1-of-2", {"program": "cytomill"}, records)
    assert path.name == "manifest-1-of-2.json"
    told = json.loads(path.read_text("utf-8"))
    assert told["program"] == "cytomill"
    done, failed, noted = told["inputs"]
    assert (done["input"], done["seconds"]) == ("ü.tif", {"read": 0.1235})
    assert "error" not in done
    assert failed["error"] == "b.tif: is empty; copy it again"
    assert noted["notes"] == ["Frame 3 is lost."]
    assert not {"notes", "task", "tables", "stamp", "at", "ran"} & set(done)


def test_a_report_counts():
    records = (
        Record("a", "done", "t", objects=3),
        Record("b", "failed", "t"),
        Record("c", "done", "t", objects=4),
    )
    report = Report(records, frozenset({"a"}), 1.0)
    assert (report.done, report.objects, report.failed) == (2, 7, (records[1],))
