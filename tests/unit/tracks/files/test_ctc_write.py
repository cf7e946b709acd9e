"""Results as the Cell Tracking Challenge takes them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings

from cytomill.ops.track import Track
from cytomill.tracks.files.ctc import CtcFolder
from cytomill.tracks.files.ctc_write import write_ctc
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.scores.validity import check
from tests.lineages import lineage_of, lineages, pixels


def written(path: Path, lineage: Lineage) -> CtcFolder:
    write_ctc(path / "RES", lineage, pixels(lineage))
    return CtcFolder(path / "RES")


@settings(deadline=None, max_examples=40)
@given(lineages())
def test_any_lineage_is_valid_and_shows_the_same_cells(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = written(Path(folder), lineage)
        frames = [found.labels(t) for t in range(len(found))]
        if lineage.tracks:
            assert check(found.tracks, frames) == []
        stack = pixels(lineage)[:, 0]
        assert np.array_equal(np.array(frames) != 0, stack != 0)
        # Every piece is of one track, and its parent is the piece before or of the parent.
        origin = {
            int(new): int(old)
            for frame, old_frame in zip(frames, stack, strict=True)
            for new, old in zip(frame[frame != 0], old_frame[frame != 0], strict=True)
        }
        assert len(origin) == len(found.tracks)
        begins: dict[int, int] = {}
        for track in sorted(found.tracks, key=lambda one: one.begin):
            old = origin[track.label]
            above = origin.get(track.parent, 0)
            assert above == (old if old in begins else lineage.by_label[old].parent)
            begins.setdefault(old, track.begin)
        assert begins == {track.label: track.begin for track in lineage.tracks}


def test_labels_stay_and_gaps_begin_new_ones(tmp_path: Path) -> None:
    lineage = lineage_of({Track(3, 0, 6): {2, 3, 5}, Track(7, 7, 7, 3): set()}, 8)
    found = written(tmp_path, lineage)
    assert found.tracks == (Track(3, 0, 1), Track(7, 7, 7, 9), Track(8, 4, 4, 3), Track(9, 6, 6, 8))
    assert (
        tmp_path / "RES" / "res_track.txt"
    ).read_bytes() == b"3 0 1 0\n7 7 7 9\n8 4 4 3\n9 6 6 8\n"


def test_filled_gaps_are_not_cut(tmp_path: Path) -> None:
    lineage = lineage_of({Track(1, 0, 3): set()}, 4, filled=frozenset({(1, 2)}))
    assert written(tmp_path, lineage).tracks == (Track(1, 0, 3),)


def test_labels_beyond_16_bits_are_numbered_anew(tmp_path: Path) -> None:
    lineage = lineage_of({Track(5, 0, 1): set(), Track(70_000, 2, 2, 5): set()}, 3)
    found = written(tmp_path, lineage)
    assert found.tracks == (Track(1, 0, 1), Track(2, 2, 2, 1))
    assert [sorted(set(found.labels(t).flat)) for t in range(3)] == [[0, 1], [0, 1], [0, 2]]


def test_more_tracks_than_16_bits_hold_take_32(tmp_path: Path) -> None:
    count = 65_536
    label = np.arange(1, count + 1, dtype=np.int32)
    zeros = np.zeros(count)
    spots = Spots(label * 0, label, zeros, zeros, zeros, zeros.astype(bool))
    lineage = Lineage(tuple(Track(i, 0, 0) for i in label.tolist()), spots, (1, 4, 4))
    frame = np.zeros((1, 1, 256, 256), np.uint32)
    frame[0, 0] = np.arange(1, count + 1).reshape(256, 256)
    write_ctc(tmp_path / "RES", lineage, frame)
    mask = tifffile.imread(tmp_path / "RES" / "mask000.tif")
    assert mask.dtype == np.uint32
    np.testing.assert_array_equal(mask, frame[0, 0])


def test_masks_are_16_bits_and_compressed_with_a_file_for_every_frame(tmp_path: Path) -> None:
    lineage = lineage_of({Track(1, 1, 1): set()}, 3, lost=(2,))
    written(tmp_path, lineage)
    names = sorted(path.name for path in (tmp_path / "RES").iterdir())
    assert names == ["mask000.tif", "mask001.tif", "mask002.tif", "res_track.txt"]
    with tifffile.TiffFile(tmp_path / "RES" / "mask001.tif") as tif:
        (page,) = tif.pages
        assert page.dtype == np.uint16
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert not {"DateTime", "Software"} & {tag.name for tag in page.tags}


@pytest.mark.parametrize(("frames", "last"), [(1000, "mask999.tif"), (1001, "mask1000.tif")])
def test_names_have_four_digits_beyond_a_thousand_frames(
    tmp_path: Path, frames: int, last: str
) -> None:
    written(tmp_path, lineage_of({Track(1, 0, 0): set()}, frames))
    names = {path.name for path in (tmp_path / "RES").iterdir()}
    assert last in names
    assert ("mask0000.tif" in names) == (frames > 1000)


def test_a_movie_without_cells_has_empty_masks_and_an_empty_text(tmp_path: Path) -> None:
    found = written(tmp_path, lineage_of({}, 2))
    assert found.tracks == ()
    assert not found.labels(1).any()
