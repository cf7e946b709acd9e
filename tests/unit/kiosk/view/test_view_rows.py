"""Tables of items on this machine: written once, and removed when nobody looks at them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from cytomill.errors import TemporaryError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.items import Item
from cytomill.jobs.job import Job
from cytomill.kiosk import record
from cytomill.kiosk.view import rows as module
from cytomill.kiosk.view.errors import NotYetError
from cytomill.kiosk.view.rows import Measurements, Wanted
from cytomill.kiosk.view.target import Target

JOB = Job(id="0" * 24, owner="ann", pipeline="nuclei")


@pytest.fixture
def bucket(tmp_path):
    return Bucket(str(tmp_path / "bucket"))


@pytest.fixture
def measurements(bucket, tmp_path):
    found = Measurements(bucket, tmp_path / "tables")
    yield found
    found.close()
    assert not list((tmp_path / "tables").iterdir())


def target(bucket, index):
    """An item with a row whose area is its number."""
    told = record.ItemRecord(f"{index}.tif", "done", images=1)
    table = pa.table({"image": [told.name], "label": [1], "area": [float(index)]})
    record.write(bucket, JOB.id, index, 1, told, {"measurements": table})
    return Target(JOB, index, Item(told.name, "k", "s"), 1, told)


def area(measurements, target):
    table, rows = measurements.rows(target, 0, Wanted())
    return table.columns["area"].told(rows)


def test_a_table_is_written_once_for_all_who_ask(measurements, bucket, monkeypatch):
    written, write = [], module.write
    monkeypatch.setattr(module, "write", lambda *given: written.append(1) or write(*given))
    one = target(bucket, 7)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: area(measurements, one), range(40))) == [[7.0]] * 40
    assert len(written) == 1


def test_what_was_longest_unused_goes(measurements, bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_TABLES", 2)
    targets = [target(bucket, index) for index in range(5)]
    for one in targets:
        assert area(measurements, one) == [float(one.index)]
    assert len(list((tmp_path / "tables").glob("*/*"))) == 2
    table, found = measurements.rows(targets[4], 0, Wanted())
    with monkeypatch.context() as patch:
        patch.setattr(module, "_IDLE", 0.0)
        measurements.sweep()
    assert not list((tmp_path / "tables").glob("*/*"))
    with pytest.raises(NotYetError, match="ask again"):
        table.columns["area"].told(found)
    assert area(measurements, targets[4]) == [4.0]


def test_one_that_is_larger_than_all_may_be_is_there(measurements, bucket, monkeypatch):
    monkeypatch.setattr(module, "_BYTES", 0)
    one = target(bucket, 3)
    assert area(measurements, one) == area(measurements, one) == [3.0]


def test_a_full_disk_is_told_and_tried_again(measurements, bucket, monkeypatch):
    one = target(bucket, 3)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write", full)
        with pytest.raises(TemporaryError, match="No space left"):
            area(measurements, one)
    assert area(measurements, one) == [3.0]


def test_an_item_that_is_not_done_has_no_rows(measurements, bucket):
    waiting = Target(JOB, 0, Item("a.tif", "k", "s"))
    assert measurements.count(waiting, 0) == 0
    assert measurements.columns(waiting, 0) == []
    assert np.size(measurements.tracks(waiting, 0)[1]) == 0
