"""Rows of measurements by what a table and its charts ask for: some cells, ranges, where one is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import tifffile

from tests.kiosk import kiosk
from tests.viewed import make

ROWS = 3000


@pytest.fixture(scope="module")
def rows(tmp_path_factory, module_redis):
    """What the API answers about the measurements of a movie of two frames, of a query."""
    folder = tmp_path_factory.mktemp("rows")
    label = np.arange(ROWS) % 1500 + 1
    table = pa.table(
        {
            "image": ["a.tif"] * ROWS,
            "t": pa.array(np.arange(ROWS) // 1500, pa.int32()),
            "z": pa.array(np.zeros(ROWS), pa.int32()),
            "label": pa.array(label, pa.uint32()),
            "area": pa.array([None, *np.random.default_rng(1).permutation(ROWS - 1)], pa.float64()),
        }
    )
    tifffile.imwrite(folder / "a.tif", np.zeros((2, 20, 20), np.uint8), metadata={"axes": "TYX"})
    with (
        kiosk(folder / "kiosk", module_redis, user_requests=10**6) as api,
        api.client() as client,
    ):
        made = make(api, client, folder / "a.tif", tables={"measurements": table})

        def asked(status: int = 200, **query):
            answer = client.get(made.path("measurements"), params=query)
            assert answer.status_code == status, answer.text
            return answer.json()

        yield asked


def test_rows_of_some_cells(rows):
    found = rows(label=[7, 3, 9999], columns="label,t")
    assert found["columns"] == {"label": [3, 7, 3, 7], "t": [0, 0, 1, 1]}
    assert rows(label=[7], t=1, columns="t")["columns"] == {"t": [1]}


def test_rows_within_ranges_that_all_hold(rows):
    area = np.array(rows(columns="area", limit=ROWS)["columns"]["area"][1:])
    found = rows(within="100:1200.5:area", columns="area", limit=ROWS)
    inside = area[(area >= 100) & (area <= 1200.5)]
    assert found["columns"]["area"] == inside.tolist()
    assert found["rows"] == len(inside)
    both = rows(within=["100:1200.5:area", "1:9:label"], columns="label,area")["columns"]
    assert max(both["label"]) <= 9
    assert 0 < len(both["label"]) <= 18


def test_a_sample_of_what_is_within_ranges(rows):
    found = rows(within="100:1200:area", columns="area", sample=50)
    assert (found["rows"], len(found["columns"]["area"]), found["next"]) == (1101, 50, None)
    assert min(found["columns"]["area"]) >= 100
    assert rows(within="-9:-1:area", columns="area", sample=50)["columns"] == {"area": []}


def test_the_place_of_a_cell_in_any_order(rows):
    for query in ({}, {"sort": "area", "descending": True}, {"t": 1, "sort": "area"}):
        order = rows(**query, columns="label,t", limit=ROWS)["columns"]
        place = rows(**query, find=42, find_t=1, find_z=0, limit=1)["place"]
        assert (order["label"][place], order["t"][place]) == (42, 1)
    assert rows(t=0, find=42, find_t=1)["place"] is None
    assert rows(find=0)["place"] is None


def test_a_range_that_is_none_is_said(rows):
    for text in ("5:area", "a:9:area", "1:2:", "nan:2:area", "1:2:volume"):
        assert text.rpartition(":")[2] in rows(422, within=text)["detail"]
    assert rows(422, within=["1:2:area"] * 5)
    assert rows(422, label=list(range(501)))
