"""The .trk archive of DeepCell."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cytomill.errors import InputError
from cytomill.ops.track import Track
from cytomill.tracks.files.trk import read_trk, write_trk
from cytomill.tracks.lineage import Lineage
from tests.lineages import lineage_of, movie, pixels


@pytest.fixture
def lineage() -> Lineage:
    tracks = {Track(1, 0, 2): {1}, Track(2, 3, 4, 1): set(), Track(70_000, 3, 3, 1): set()}
    return lineage_of(tracks, 5, filled=frozenset({(2, 4)}))


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def archive(path: Path, parts: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def npy(array: np.ndarray) -> bytes:  # type: ignore[type-arg]
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def test_holds_pixels_labels_and_lineage_as_numpy_and_json_read_them(
    tmp_path: Path, lineage: Lineage
) -> None:
    image = movie(lineage, channels=2)
    write_trk(tmp_path / "a.trk", lineage, pixels(lineage), image)
    parts = members(tmp_path / "a.trk")
    assert list(parts) == ["lineage.json", "raw.npy", "tracked.npy"]
    raw, tracked = (np.load(io.BytesIO(parts[f"{name}.npy"])) for name in ("raw", "tracked"))
    assert raw.dtype == np.uint16
    assert raw.shape == (5, 3, 7, 2)
    assert np.array_equal(raw[3, :, :, 1], image.read(3, 1))
    assert tracked.dtype == np.int32
    assert np.array_equal(tracked, pixels(lineage)[:, 0, :, :, None])
    assert [int(label) for label in json.loads(parts["lineage.json"])] == [1, 2, 70_000]


def test_is_read_back(tmp_path: Path, lineage: Lineage) -> None:
    image = movie(lineage)
    write_trk(tmp_path / "a.trk", lineage, pixels(lineage), image)
    found = read_trk(tmp_path / "a.trk")
    assert found.lineage.tracks == lineage.tracks
    assert found.lineage.spots.filled.tolist() == lineage.spots.filled.tolist()
    assert np.array_equal(found.labels, pixels(lineage))
    assert np.array_equal(found.raw[2, :, :, 0], image.read(2))


def test_of_no_cells_is_read_back(tmp_path: Path) -> None:
    lineage = lineage_of({}, 1)
    write_trk(tmp_path / "a.trk", lineage, pixels(lineage), movie(lineage))
    assert read_trk(tmp_path / "a.trk").lineage.tracks == ()


def test_is_the_same_to_the_byte_whenever_written(tmp_path: Path, lineage: Lineage) -> None:
    for name in ("a.trk", "b.part"):
        write_trk(tmp_path / name, lineage, pixels(lineage), movie(lineage))
    assert (tmp_path / "a.trk").read_bytes() == (tmp_path / "b.part").read_bytes()
    # Where gzip keeps the time of writing, and where tar keeps it of a member.
    assert (tmp_path / "a.trk").read_bytes()[4:8] == bytes(4)
    with tarfile.open(tmp_path / "a.trk") as tar:
        assert {member.mtime for member in tar} == {0}


class TestRefuses:
    def good(self) -> dict[str, bytes]:
        lineage = lineage_of({Track(1, 0, 0): set()}, 1)
        labels = pixels(lineage)[:, 0, :, :, None]
        return {
            "lineage.json": b'{"1": {"label": 1, "frames": [0]}}',
            "raw.npy": npy(labels.astype(np.float32)),
            "tracked.npy": npy(np.asfortranarray(labels)),
        }

    def test_nothing_of_a_good_one(self, tmp_path: Path) -> None:
        assert read_trk(archive(tmp_path / "a.trk", self.good())).lineage.tracks == (
            Track(1, 0, 0),
        )

    def test_pickles(self, tmp_path: Path) -> None:
        parts = self.good() | {"raw.npy": npy(np.array([[[[print]]]], object))}
        with pytest.raises(InputError, match=r"raw.npy holds object, not plain numbers"):
            read_trk(archive(tmp_path / "a.trk", parts))

    def test_arrays_that_claim_more_than_is_there(self, tmp_path: Path) -> None:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<i4", "fortran_order": False, "shape": (10**6, 10**6, 10**6, 1)}
        )
        parts = self.good() | {"tracked.npy": header.getvalue()}
        with pytest.raises(InputError, match=r"tracked.npy is cut short"):
            read_trk(archive(tmp_path / "a.trk", parts))

    @pytest.mark.parametrize("name", ["lineage.json", "raw.npy", "tracked.npy"])
    def test_archives_that_lack_a_part(self, tmp_path: Path, name: str) -> None:
        parts = self.good()
        del parts[name]
        with pytest.raises(InputError, match=f"has no {name}"):
            read_trk(archive(tmp_path / "a.trk", parts))

    def test_links_in_place_of_files(self, tmp_path: Path) -> None:
        parts = self.good()
        del parts["lineage.json"]
        path = archive(tmp_path / "a.trk", parts)
        with tarfile.open(path, "a") as tar:
            member = tarfile.TarInfo("lineage.json")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
        with pytest.raises(InputError, match=r"has no lineage.json"):
            read_trk(path)

    def test_archives_of_several_movies(self, tmp_path: Path) -> None:
        parts = self.good()
        parts["lineages.json"] = parts.pop("lineage.json")
        with pytest.raises(InputError, match="holds several movies"):
            read_trk(archive(tmp_path / "a.trks", parts))

    def test_labels_of_another_shape_than_the_pixels(self, tmp_path: Path) -> None:
        parts = self.good() | {"raw.npy": npy(np.zeros((2, 9, 9, 1)))}
        with pytest.raises(InputError, match="has labels of shape"):
            read_trk(archive(tmp_path / "a.trk", parts))

    def test_what_is_no_archive(self, tmp_path: Path) -> None:
        (tmp_path / "a.trk").write_bytes(b"no archive")
        with pytest.raises(InputError, match=r"a.trk: cannot be decoded"):
            read_trk(tmp_path / "a.trk")
