from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from cytomill.errors import InputError
from cytomill.image.array import from_array
from cytomill.image.core import Image, PixelSize
from cytomill.image.tiff import open_tiff
from cytomill.image.tiff_write import write_image, write_labels


def only(path: Path) -> Image:
    with open_tiff(path) as file:
        (image,) = file.images
        return image


def stack(path: Path) -> NDArray[Any]:
    """A whole label image by its planes, with the axes T, Z, Y, X."""
    with open_tiff(path) as file:
        image = file.images[0]
        times, _, depths, height, width = image.shape
        planes = [image.read(t, 0, z) for t in range(times) for z in range(depths)]
        return np.stack(planes).reshape(times, depths, height, width)


def labelled(shape: tuple[int, ...], dtype: str = "uint16") -> NDArray[Any]:
    return np.random.default_rng(1).integers(0, 500, shape).astype(dtype)


def image_of(tmp_path: Path, axes: str, labels: NDArray[Any], size: PixelSize | None) -> Image:
    sizes = dict(zip("TZYX", labels.shape, strict=True)) | {"C": 2}
    path = tmp_path / "in.tif"
    array = np.zeros([sizes[axis] for axis in axes], "uint8")
    tifffile.imwrite(path, array, metadata={"axes": axes}, photometric="minisblack")
    return only(path).with_pixel_size(size)


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
@pytest.mark.parametrize("axes", ["YX", "CYX", "TYX", "ZYX", "TZYX", "TCZYX"])
def test_labels_come_back_with_the_axes_of_the_image(tmp_path: Path, axes: str, dtype: str) -> None:
    shape = (3 if "T" in axes else 1, 2 if "Z" in axes else 1, 50, 60)
    labels = labelled(shape, dtype)
    size = PixelSize(0.5, 0.25, 2.0 if "Z" in axes else None)
    path = tmp_path / "out" / "a_labels.tif"
    write_labels(path, labels, image_of(tmp_path, axes, labels, size))

    kept = axes.replace("C", "")
    written = tifffile.imread(path)
    assert written.dtype == dtype
    np.testing.assert_array_equal(
        written, labels.reshape([n for a, n in zip("TZYX", shape, strict=True) if a in kept])
    )
    again = only(path)
    assert again.axes == kept
    assert again.pixel_size == size
    np.testing.assert_array_equal(stack(path), labels)


def test_labels_are_ome_with_a_size_in_micrometres(tmp_path: Path) -> None:
    labels = labelled((1, 2, 50, 60))
    path = tmp_path / "a_labels.tif"
    write_labels(path, labels, image_of(tmp_path, "ZYX", labels, PixelSize(0.5, 0.25, 2.0)))
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        assert tif.pages.first.compression == 8
        pixels = next(ElementTree.fromstring(tif.ome_metadata or "").iterfind(".//{*}Pixels"))
    expected = {
        "SizeX": "60",
        "SizeY": "50",
        "SizeZ": "2",
        "SizeT": "1",
        "SizeC": "1",
        "Type": "uint16",
        "PhysicalSizeX": "0.25",
        "PhysicalSizeY": "0.5",
        "PhysicalSizeZ": "2.0",
        "PhysicalSizeXUnit": "µm",
    }
    assert {key: pixels.get(key) for key in expected} == expected


def test_labels_without_a_pixel_size_claim_none(tmp_path: Path) -> None:
    labels = labelled((1, 1, 50, 60))
    write_labels(tmp_path / "a.tif", labels, image_of(tmp_path, "YX", labels, None))
    assert only(tmp_path / "a.tif").pixel_size is None


def test_labels_that_lie_in_zarr_are_streamed_in_tiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cytomill.image.tiff_write._STREAMED", 0)
    monkeypatch.setattr("cytomill.image.tiff_write._TILE", 64)
    labels = labelled((2, 1, 150, 201), "uint32")
    stored = zarr.create_array(
        tmp_path / "l.zarr", shape=labels.shape, chunks=(1, 1, 70, 70), dtype="uint32"
    )
    stored[:] = labels
    path = tmp_path / "a.tif"
    write_labels(path, stored, image_of(tmp_path, "TYX", labels, None))
    with tifffile.TiffFile(path) as tif:
        assert tif.pages.first.tilewidth == 64
    np.testing.assert_array_equal(tifffile.imread(path), labels[:, 0])
    np.testing.assert_array_equal(stack(path), labels)


def test_no_more_than_a_tile_of_a_large_plane_is_read_at_once(tmp_path: Path) -> None:
    class Watched:
        shape, dtype = (1, 1, 4100, 4200), np.dtype("uint16")
        read: ClassVar[set[tuple[int, ...]]] = set()

        def __getitem__(self, key: Any) -> NDArray[Any]:
            part = np.broadcast_to(np.uint16(7), self.shape)[key]
            self.read.add(part.shape)
            return part

    labels = labelled((1, 1, 9, 9))
    write_labels(tmp_path / "a.tif", Watched(), image_of(tmp_path, "YX", labels, None))
    assert Watched.read == {(1024, 1024), (1024, 104), (4, 1024), (4, 104)}
    assert (tifffile.imread(tmp_path / "a.tif") == 7).all()


def test_labels_that_cannot_be_read_leave_no_file(tmp_path: Path) -> None:
    class Broken:
        shape, dtype = (1, 1, 5000, 5000), np.dtype("uint16")

        def __getitem__(self, key: Any) -> NDArray[Any]:
            if key[2].start:
                raise InputError("chunk", "is damaged")
            return np.zeros((1024, min(1024, 5000 - key[3].start)), "uint16")

    labels = labelled((1, 1, 9, 9))
    with pytest.raises(InputError, match="is damaged"):
        write_labels(tmp_path / "out" / "a.tif", Broken(), image_of(tmp_path, "YX", labels, None))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("streamed", [2**24, 0], ids=["strips", "tiles"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_images_come_back_with_their_axes_and_channels(
    tmp_path: Path, dtype: str, streamed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cytomill.image.tiff_write._STREAMED", streamed)
    array = (labelled((3, 2, 50, 60)) % 100 - (dtype[0] != "u") * 50).astype(dtype)
    image = replace(
        from_array(array, "ZCYX"), channels=("a", "b"), pixel_size=PixelSize(0.5, 0.25, 2.0)
    )
    write_image(tmp_path / "a.tif", image)
    with open_tiff(tmp_path / "a.tif") as file:
        (again,) = file.images
        assert (again.axes, again.channels, again.dtype) == ("CZYX", ("a", "b"), np.dtype(dtype))
        assert again.pixel_size == image.pixel_size
        planes = [[again.read(0, c, z) for c in range(2)] for z in range(3)]
        np.testing.assert_array_equal(np.array(planes), array)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_ome


@pytest.mark.parametrize(
    ("dtype", "stored"), [("bool", "uint8"), ("float16", "float32"), ("int64", "float64")]
)
def test_types_that_ome_tiff_has_not_become_wider(tmp_path: Path, dtype: str, stored: str) -> None:
    array = (labelled((9, 9)) % 2).astype(dtype)
    write_image(tmp_path / "a.tif", from_array(array))
    written = tifffile.imread(tmp_path / "a.tif")
    assert written.dtype == stored
    np.testing.assert_array_equal(written, array)
