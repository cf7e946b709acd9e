from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cytomill.jobs.bucket import Bucket
from cytomill.jobs.errors import MissingError
from cytomill.kiosk import record
from cytomill.kiosk.record import ItemRecord, Output

TABLE = pa.table({"image": ["a", "b"], "area": [1.0, 2.0]})
CLASSES = pa.table({"image": ["a"], "class": ["round"]})


class Far(Bucket):
    """A folder that is reached as a cloud is."""

    def path(self, key: str) -> None:
        """Nowhere on this machine."""


@pytest.fixture(params=[Bucket, Far])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    return request.param(str(tmp_path))


def told(outputs: int = 1) -> ItemRecord:
    made = tuple(
        Output(f"é{i}_labels.tif", f"jobs/j/{i}", i, folder=i % 2 == 1) for i in range(outputs)
    )
    return ItemRecord(
        "é.tif",
        "done",
        objects=3,
        images=1,
        seconds={"read": 0.1},
        sha256="ab",
        outputs=made,
        wire_bytes={"sent": 1},
        ran={"m": "x"},
        notes=("Frame 3 is lost.",),
    )


@pytest.mark.parametrize("table", [TABLE, TABLE[:0], None])
@pytest.mark.parametrize("tables", [{}, {"classes": CLASSES}, {"b": TABLE[:0], "a": CLASSES}])
@pytest.mark.parametrize("outputs", [1, 3000])  # more than is read at first
def test_what_is_written_is_read(bucket, table, tables, outputs):
    measured = {} if table is None else {"measurements": table}
    record.write(bucket, "j", 4, 2, told(outputs), {**tables, **measured})
    assert record.read(bucket, "j", 4, 2) == told(outputs)
    assert record.rows(bucket, "j", 4, 2) == table
    with record.opened(bucket, "j", 4, 2) as contents:
        assert contents.record == told(outputs)
        assert contents.tables == tables
        assert contents.schema == (table.schema if table is not None else None)


def test_metadata_of_a_table_are_kept(bucket):
    table = TABLE.replace_schema_metadata({"unit": "µm"})
    record.write(bucket, "j", 0, 1, told(), {"measurements": table})
    found = record.rows(bucket, "j", 0, 1)
    assert found.schema.equals(table.schema, check_metadata=True)


def test_rows_come_in_the_pieces_they_were_written_in(bucket):
    table = pa.concat_tables([TABLE] * 3)
    record.write(bucket, "j", 0, 1, told(), {"classes": CLASSES, "measurements": table})
    with record.opened(bucket, "j", 0, 1) as contents:
        assert [len(rows) for rows in contents.rows] == [2, 2, 2]


def test_an_attempt_without_a_record_is_missing(bucket):
    with pytest.raises(MissingError):
        record.read(bucket, "j", 0, 1)
    with pytest.raises(MissingError), record.opened(bucket, "j", 0, 1):
        pass
