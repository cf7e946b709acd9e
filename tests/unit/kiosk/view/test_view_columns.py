"""Tables on disk, a file for each column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.kiosk.view.columns import _rounded, rows_of, write
from cytomill.kiosk.view.units import unit_of


@pytest.fixture
def table(tmp_path):
    found = pa.table(
        {
            "image": ["a", "b", "a", "b"],
            "label": pa.array([1, 2, 3, None], pa.uint32()),
            "area": pa.array([2.5, np.nan, None, -1e300]),
            "border": [True, False, None, True],
            "kind": ["x", None, "a", "x"],
        }
    )
    pieces = [found.slice(0, 3), found.slice(3)]
    return write(tmp_path, found.schema, iter(pieces))


def told(table, name, rows=(0, 1, 2, 3)):
    return table.columns[name].told(np.array(rows))


def test_values_are_those_that_were_written(table):
    assert table.rows == 4
    assert told(table, "label") == [1, 2, 3, None]
    assert told(table, "area") == [2.5, None, None, -1e300]
    assert told(table, "border") == [1, 0, None, 1]
    assert told(table, "kind", (3, 2, 1)) == ["x", "a", None]
    assert all(isinstance(one, int) for one in told(table, "label", (0, 1, 2)))


def test_rows_of_an_image(table):
    assert rows_of(table, "b").tolist() == [1, 3]
    assert rows_of(table, None).tolist() == [0, 1, 2, 3]
    assert rows_of(table, "c").tolist() == []


def test_what_is_not_known_comes_last(table):
    rows = np.arange(4, dtype=np.int32)
    assert table.columns["area"].order(rows, descending=False).tolist() == [3, 0, 1, 2]
    assert table.columns["area"].order(rows, descending=True).tolist() == [0, 3, 1, 2]
    assert table.columns["kind"].order(rows, descending=False).tolist() == [2, 0, 3, 1]
    assert table.columns["kind"].order(rows, descending=True).tolist() == [0, 3, 2, 1]


def test_limits_are_of_numbers_alone(table):
    rows = np.arange(4)
    assert table.columns["label"].limits(rows) == (1, 3)
    assert table.columns["area"].limits(rows[1:3]) == (None, None)
    assert table.columns["kind"].limits(rows) == (None, None)


def test_a_table_without_rows_has_columns(tmp_path):
    table = write(tmp_path, pa.schema([("image", pa.string()), ("area", pa.float64())]), [])
    assert (table.rows, [*table.columns]) == (0, ["image", "area"])
    assert rows_of(table, "a").tolist() == []
    assert table.columns["area"].limits(np.empty(0, int)) == (None, None)


@given(st.lists(st.floats(-1e200, 1e200), min_size=1, max_size=20))
def test_numbers_are_rounded_to_six_digits(values):
    found = _rounded(np.array(values))
    for one, exact in zip(found, values, strict=True):
        assert one == pytest.approx(exact, rel=5.1e-6, abs=1e-190)
        assert len(f"{one:.15g}".lstrip("-0.").partition("e")[0].replace(".", "").rstrip("0")) <= 6


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("area", "px"), ("area_um2", "µm²"), ("centroid-0_um", "µm"), ("age_h", "h"),
        ("speed_um_per_h", "µm/h"), ("orientation", "rad"), ("label", ""), ("solidity", ""),
        ("intensity_mean-DAPI", ""),
    ],
)  # fmt: skip
def test_units(name, unit):
    assert unit_of(name) == unit
