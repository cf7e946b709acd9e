"""Folders of the Cell Tracking Challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cytomill.errors import InputError
from cytomill.ops.track import Track
from cytomill.tracks.files.ctc import CtcFolder, read_tracks


def folder(
    path: Path, text: str = "1 0 1 0\n", frames: int = 2, start: str = "mask", **options: Any
) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    name = {"mask": "res_track.txt", "man_track": "man_track.txt"}[start]
    (path / name).write_text(text)
    for t in range(frames):
        labels = np.zeros((5, 7), np.uint16)
        labels[t, 1:3] = 1
        tifffile.imwrite(path / f"{start}{t:03}.tif", labels, **options)
    return path


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            b"1 0 4 0\n2 5 9 1\n",
            b"1 0 4 0\r\n2 5 9 1",
            b"\xef\xbb\xbf\n2\t5  9 1\r\r\n\n 1 0 4 0 \n",
        ],
    )
    def test_any_line_ends_order_blank_lines_and_byte_order_mark_are_read(
        self, tmp_path: Path, text: bytes
    ) -> None:
        path = tmp_path / "res_track.txt"
        path.write_bytes(text)
        assert read_tracks(path) == (Track(1, 0, 4), Track(2, 5, 9, 1))

    def test_of_no_tracks_is_empty(self, tmp_path: Path) -> None:
        path = tmp_path / "res_track.txt"
        path.write_text("")
        assert read_tracks(path) == ()

    @pytest.mark.parametrize(
        ("text", "line", "fault"),
        [
            ("1 0 4 0\n2 5 9", 2, "has 3 columns"),
            ("\n1 0 4 0 7", 2, "has 5 columns"),
            ("1,0,4,0", 1, "has 1 columns"),
            ("1 0 4.0 0", 1, "'4.0' is not a whole number from 0"),
            ("1 -1 4 0", 1, "'-1' is not"),
            ("0 0 4 0", 1, "0 cannot be a label"),
            ("4294967296 0 4 0", 1, "4294967296 cannot be a label"),
            ("1 5 4 0", 1, "ends in frame 4, before it begins"),
            ("1 0 4 0\n\n1 5 6 0", 3, "track 1 is also on line 1"),
            ("1 0 4 7", 1, "the parent of track 1 is 7, which has no line"),
            ("1 0 4 0\n2 4 6 1", 2, "begins in frame 4, but its parent 1 ends in frame 4"),
            ("1 0 4 1", 1, "its parent 1 ends in frame 4"),
        ],
    )
    def test_a_wrong_line_is_named(self, tmp_path: Path, text: str, line: int, fault: str) -> None:
        path = tmp_path / "man_track.txt"
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_tracks(path)
        assert error.value.subject == f"{path}:{line}"
        assert fault in error.value.fault

    def test_that_is_not_text_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "man_track.txt"
        path.write_bytes(b"1 0 \xff\xfe4 0")
        with pytest.raises(InputError, match=r"man_track.txt: is not plain text"):
            read_tracks(path)


class TestReadingAFolder:
    @pytest.mark.parametrize("start", ["mask", "man_track"])
    def test_gives_tracks_and_frames(self, tmp_path: Path, start: str) -> None:
        found = CtcFolder(folder(tmp_path, start=start))
        assert (len(found), found.shape) == (2, (5, 7))
        assert found.tracks == (Track(1, 0, 1),)
        assert np.argwhere(found.labels(1)).tolist() == [[1, 1], [1, 2]]

    def test_of_truth_finds_what_is_in_tra(self, tmp_path: Path) -> None:
        folder(tmp_path / "TRA", start="man_track")
        assert CtcFolder(tmp_path).path == tmp_path / "TRA"

    def test_orders_frames_by_number_not_by_name(self, tmp_path: Path) -> None:
        folder(tmp_path, frames=2)
        for t in range(2, 1002):
            (tmp_path / f"mask{t:03}.tif").touch()
        found = CtcFolder(tmp_path)
        assert len(found) == 1002
        assert found.file(1000).name == "mask1000.tif"
        assert found.file(999).name == "mask999.tif"

    def test_takes_labels_of_any_whole_numbers(self, tmp_path: Path) -> None:
        folder(tmp_path, frames=1, text="")
        for dtype in ("bool", "uint8", "int16", "uint32", "int64", "float32"):
            tifffile.imwrite(tmp_path / "mask000.tif", np.eye(3, dtype=dtype))
            labels = CtcFolder(tmp_path).labels(0)
            assert labels.dtype.kind == "u"
            assert labels.tolist() == np.eye(3).tolist()

    @pytest.mark.parametrize("value", [-1, 0.5, float("nan"), 2.0**33])
    def test_refuses_pixels_that_are_no_labels(self, tmp_path: Path, value: float) -> None:
        folder(tmp_path, frames=1, text="")
        tifffile.imwrite(tmp_path / "mask000.tif", np.full((4, 4), value))
        with pytest.raises(InputError, match=r"mask000.tif: has pixels that are not whole"):
            CtcFolder(tmp_path).labels(0)

    def test_refuses_frames_of_another_size(self, tmp_path: Path) -> None:
        folder(tmp_path)
        tifffile.imwrite(tmp_path / "mask001.tif", np.zeros((9, 4), np.uint8))
        with pytest.raises(InputError, match=r"mask001.tif: is 4 x 9 .* mask000.tif is 7 x 5"):
            CtcFolder(tmp_path).labels(1)

    def test_refuses_volumes(self, tmp_path: Path) -> None:
        folder(tmp_path, frames=1, text="")
        tifffile.imwrite(tmp_path / "mask000.tif", np.zeros((2, 9, 4), np.uint8))
        with pytest.raises(InputError, match=r"mask000.tif: is more than one plane"):
            CtcFolder(tmp_path).labels(0)

    def test_names_a_damaged_frame(self, tmp_path: Path) -> None:
        folder(tmp_path)
        (tmp_path / "mask001.tif").write_bytes(b"II*\0 no")
        with pytest.raises(InputError, match=r"mask001.tif: "):
            CtcFolder(tmp_path).labels(1)

    def test_names_the_frame_that_is_missing(self, tmp_path: Path) -> None:
        folder(tmp_path, frames=3)
        (tmp_path / "mask001.tif").unlink()
        with pytest.raises(InputError, match=r"has no mask001.tif, but mask002.tif"):
            CtcFolder(tmp_path)

    def test_refuses_two_files_of_one_frame(self, tmp_path: Path) -> None:
        folder(tmp_path)
        (tmp_path / "mask0001.tif").touch()
        with pytest.raises(InputError, match=r"mask001.tif: is frame 1, and so is mask0001.tif"):
            CtcFolder(tmp_path)

    def test_refuses_tracks_beyond_the_last_frame(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"track 1 ends in frame 2, but the last one is mask0"):
            CtcFolder(folder(tmp_path, "1 0 2 0"))

    def test_refuses_what_is_no_such_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is not there"):
            CtcFolder(tmp_path / "none")
        with pytest.raises(InputError, match="has neither res_track"):
            CtcFolder(tmp_path)
        (tmp_path / "res_track.txt").touch()
        with pytest.raises(InputError, match="is not a folder"):
            CtcFolder(tmp_path / "res_track.txt")
        with pytest.raises(InputError, match=r"has no mask000.tif"):
            CtcFolder(tmp_path)
        (tmp_path / "man_track.txt").touch()
        with pytest.raises(InputError, match="has both"):
            CtcFolder(tmp_path)
