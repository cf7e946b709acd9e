"""The lineage.json of DeepCell and its Kiosk."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from cytomill.errors import InputError
from cytomill.ops.track import Track
from cytomill.tracks.files.lineage_json import read_lineage, write_lineage
from cytomill.tracks.lineage import Lineage
from tests.lineages import lineage_of, lineages, pixels

COLUMNS = ("t", "label", "y", "x", "area", "filled")


def assert_same(found: Lineage, wanted: Lineage) -> None:
    assert found.tracks == wanted.tracks
    for name in COLUMNS:
        ours, theirs = getattr(found.spots, name), getattr(wanted.spots, name)
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs), name
    about = ("shape", "pixel_size", "interval", "lost")
    assert [getattr(found, name) for name in about] == [getattr(wanted, name) for name in about]


@settings(deadline=None, max_examples=60)
@given(lineages())
def test_any_lineage_is_read_back_with_its_labels(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lineage.json"
        write_lineage(path, lineage)
        found = read_lineage(
            path,
            pixels(lineage),
            pixel_size=lineage.pixel_size,
            interval=lineage.interval,
            lost=lineage.lost,
        )
        assert_same(found, lineage)


def test_has_what_the_kiosk_has_and_what_is_ours(tmp_path: Path) -> None:
    tracks = {Track(2, 0, 3): {1}, Track(5, 5, 5, 2): set(), Track(7, 4, 6, 2): set()}
    lineage = lineage_of(tracks, 8, filled=frozenset({(2, 2)}))
    write_lineage(tmp_path / "lineage.json", lineage)
    found = json.loads((tmp_path / "lineage.json").read_text())
    assert list(found) == ["2", "5", "7"]
    assert found["2"] == {
        "label": 2,
        "frames": [0, 2, 3],
        "daughters": [5, 7],
        "capped": True,
        "frame_div": 4,
        "parent": None,
        "founder": 2,
        "generation": 0,
        "filled": [2],
    }
    assert (found["7"]["parent"], found["7"]["capped"], found["7"]["frame_div"]) == (2, False, None)
    assert (found["7"]["founder"], found["7"]["generation"]) == (2, 1)


def test_of_no_tracks_is_an_empty_object(tmp_path: Path) -> None:
    lineage = lineage_of({}, 3)
    write_lineage(tmp_path / "lineage.json", lineage)
    assert (tmp_path / "lineage.json").read_text() == "{}\n"
    assert_same(read_lineage(tmp_path / "lineage.json", pixels(lineage)), lineage)


def test_of_the_kiosk_is_read(tmp_path: Path) -> None:
    theirs = {
        "1": {
            "label": 1,
            "frames": [0, 1],
            "daughters": [2],
            "capped": True,
            "frame_div": 2,
            "parent": None,
        },
        "2": {
            "label": 2,
            "frames": [2],
            "daughters": [],
            "capped": False,
            "frame_div": None,
            "parent": 1,
        },
    }
    path = tmp_path / "lineage.json"
    path.write_text(json.dumps(theirs))
    lineage = lineage_of({Track(1, 0, 1): set(), Track(2, 2, 2, 1): set()}, 3)
    assert_same(read_lineage(path, pixels(lineage)), lineage)


GOOD: dict[str, Any] = {"label": 1, "frames": [0, 1]}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is no lineage"),
        ("[]", "is no lineage"),
        ('{"1": {"frames": [0]}}', "1 label: Field required"),
        ('{"1": {"label": 1, "frames": []}}', "1 frames: "),
        ('{"1": {"label": 1, "frames": [-1]}}', "1 frames 0: "),
        ('{"1": {"label": 3000000000, "frames": [0]}}', "1 label: "),
        (json.dumps({"1": GOOD, "2": GOOD}), "has two tracks of one label"),
        (json.dumps({"1": GOOD | {"parent": 4}}), "the parent 4 of track 1 has no entry"),
        (json.dumps({"1": GOOD | {"parent": 1}}), "the parent 1 of track 1 does not end before"),
        (
            json.dumps({"1": GOOD, "2": {"label": 2, "frames": [1], "parent": 1}}),
            "the parent 1 of track 2 does not end before",
        ),
        (json.dumps({"1": GOOD | {"frames": [0]}}), "track 1 is not in frame 1 of the file"),
        (
            json.dumps({"1": GOOD | {"frames": [0, 1, 2]}}),
            "track 1 is not in frame 2 of the labels",
        ),
        (json.dumps({"1": GOOD | {"frames": [0, 1, 9]}}), "has frame 9, but the labels have 3"),
    ],
)
def test_a_damaged_file_or_other_labels_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "lineage.json"
    path.write_text(text)
    labels = pixels(lineage_of({Track(1, 0, 1): set()}, 3))
    with pytest.raises(InputError) as error:
        read_lineage(path, labels)
    assert fault in str(error.value)
    assert "\n" not in str(error.value)
