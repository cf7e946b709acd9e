"""Tracks and large tables, page by page, and never more than a megabyte."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import tifffile

from tests.integration.test_api_jobs import problem
from tests.kiosk import kiosk
from tests.viewed import make

CELLS = 6000
COLUMNS = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory, module_redis):
    """Asks about an item with a large table, and tracks of which each third divides."""
    folder = tmp_path_factory.mktemp("tracks")
    tifffile.imwrite(folder / "a.tif", np.zeros((5, 20, 20), np.uint8), metadata={"axes": "TYX"})
    random = np.random.default_rng(0)
    rows = {f"column {number}": random.normal(0, 1e5, CELLS) for number in range(COLUMNS)}
    names = {"image": ["a.tif"] * CELLS, "kind": [f"kind {one}" * 30 for one in range(CELLS)]}
    label = np.arange(1, 10)
    tracks = pa.table(
        {
            "image": ["a.tif"] * 9,
            "track": pa.array(label[::-1], pa.uint32()),
            "parent": pa.array([None if one < 4 else one // 3 for one in label[::-1]], pa.uint32()),
            "founder": pa.array([one if one < 4 else one // 3 for one in label[::-1]], pa.uint32()),
            "generation": pa.array([int(one > 3) for one in label[::-1]], pa.int32()),
            "first_frame": pa.array([int(one > 3) for one in label[::-1]], pa.int32()),
            "last_frame": pa.array([2] * 9, pa.int32()),
            "speed": np.zeros(9),
        }
    )
    tables = {"measurements": pa.table({**names, **rows}), "tracks": tracks}
    with (
        kiosk(folder / "kiosk", module_redis, user_requests=10**6) as api,
        api.client() as client,
    ):
        item = make(api, client, folder / "a.tif", pipeline="track", tables=tables)

        def asked(below, **query):
            answer = client.get(item.path(below), params=query)
            assert len(answer.content) <= 10**6
            return answer

        yield asked


def test_tracks_are_told_with_their_parents_and_children(made):
    told = made("tracks").json()
    assert told["next"] is None
    assert [one["label"] for one in told["tracks"]] == list(range(1, 10))
    first, *_, last = told["tracks"]
    assert first == {
        "label": 1, "start": 0, "end": 2, "parent": None, "children": [4, 5],
        "generation": 0, "founder": 1,
    }  # fmt: skip
    assert (last["parent"], last["children"], last["start"]) == (3, [], 1)
    (image,) = made("view").json()["images"]
    assert image["tracks"] is True


def test_tracks_come_in_pages(made):
    everything = made("tracks").json()["tracks"]
    found, after = [], 0
    while after is not None:
        page = made("tracks", after=after, limit=4).json()
        assert len(page["tracks"]) <= 4
        found += page["tracks"]
        after = page["next"]
    assert found == everything


def test_all_rows_are_read_page_by_page(made):
    found, after, pages = [], 0, 0
    while after is not None:
        page = made("measurements", after=after, limit=5000).json()
        assert page["rows"] == CELLS
        found += page["columns"]["kind"]
        after, pages = page["next"], pages + 1
    assert found == [f"kind {one}" * 30 for one in range(CELLS)]
    assert pages > 2


def test_numbers_have_six_digits(made):
    values = made("measurements", columns="column 3", limit=100).json()["columns"]["column 3"]
    expected = np.random.default_rng(0).normal(0, 1e5, (COLUMNS, CELLS))[3, :100]
    assert values == [float(f"{one:.6g}") for one in expected]


def test_rows_are_sorted_by_numbers_and_by_texts(made):
    numbers = made("measurements", columns="column 1", sort="column 1", descending=True).json()
    values = numbers["columns"]["column 1"]
    assert values == sorted(values, reverse=True)
    texts = made("measurements", columns="kind", sort="kind", limit=50).json()["columns"]["kind"]
    assert texts == sorted(f"kind {one}" * 30 for one in range(CELLS))[:50]


def test_a_sample_is_of_all_rows(made):
    names = "column 0,column 1"
    found = made("measurements", columns=names, sample=1000).json()
    assert (found["rows"], found["next"]) == (CELLS, None)
    every = made("measurements", columns="column 0", limit=50_000).json()["columns"]["column 0"]
    assert found["columns"]["column 0"] == every[::6]
    # More than fit are fewer.
    assert len(made("measurements", sample=CELLS).json()["columns"]["kind"]) < CELLS


def test_columns_that_are_not_there_are_refused(made):
    for query in ({"columns": "kind,none"}, {"sort": "none"}, {"sort": "image"}):
        told = problem(made("measurements", **query), 422, "option")["detail"]
        assert "there is no such column" in told
