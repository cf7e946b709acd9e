from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile

from cytomill.errors import InputError
from cytomill.image import checks
from cytomill.image.formats import open_images
from cytomill.settings import settings


def fault(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_images(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    assert caught.value.advice
    return f"{caught.value.fault}; {caught.value.advice}"


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    array = np.arange(600, dtype="uint8").reshape(20, 30)
    tifffile.imwrite(tmp_path / "tiff.png", array)
    PIL.Image.fromarray(array).save(tmp_path / "png.tif", "PNG")
    for name in ("tiff.png", "png.tif"):
        with open_images(tmp_path / name) as file:
            np.testing.assert_array_equal(file.images[0].read(), array)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (0 bytes); copy it again"),
        (b"name,size\na,1\n", "is not an image: it holds text"),
        ("grüße\n".encode() * 900, "is not an image: it holds text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "run git lfs pull"),
        (b"<!doctype html><html>404</html>", "is a web page"),
        (b"<?xml version='1.0'?><OME/>", "give the image files that lie beside it"),
        (b"Salted__" + bytes(range(200)), "is encrypted"),
        (bytes(range(128, 256)) * 9, "is not an image of a known format, or is damaged"),
        (bytes(5000), "holds only zeros"),
        (b"ZISRAWFILE" + bytes(99), "is a Zeiss CZI file; convert it to OME-TIFF"),
        (b"\xda\xce\xbe\x0a" + bytes(99), "is a Nikon ND2 file; convert"),
        (b"\x70\0\0\0\x10\0\0\0\x2a", "is a Leica LIF file; convert"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "is an HDF5 file"),
        (b"PK\x03\x04" + bytes(99), "is a zip archive"),
        (b"GIF89a" + bytes(99), "is a GIF picture; export it"),
        (b"II*\0", "cannot be decoded"),
        (b"II*\0" + bytes(99), "is cut short"),
        (b"\xff\xd8\xff", "is cut short"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
    ],
)
def test_what_a_file_is_instead_of_an_image_is_said(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert said in fault(path)


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    assert "is not there; check the path" in fault(tmp_path / "a.tif")
    assert "is a folder but not OME-Zarr" in fault(tmp_path)
    os.mkfifo(tmp_path / "pipe.tif")
    assert "is no file but a device or pipe" in fault(tmp_path / "pipe.tif")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0")
    path.chmod(0)
    assert "you may not read it" in fault(path)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_planes_above_the_limit_are_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = dataclasses.replace(settings, max_pixels=500)
    monkeypatch.setattr(checks, "settings", limited)
    PIL.Image.fromarray(np.zeros((20, 30), "uint8")).save(tmp_path / name)
    assert "claims 30 x 20 pixels" in fault(tmp_path / name)


@pytest.mark.parametrize("shape", [(1, 1), (70_000, 2), (2, 70_000)])
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_odd_sizes_are_images(tmp_path: Path, shape: tuple[int, int], name: str) -> None:
    array = (np.arange(shape[0] * shape[1]) % 250).astype("uint8").reshape(shape)
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, array)
    else:
        PIL.Image.fromarray(array).save(tmp_path / name)
    with open_images(tmp_path / name) as file:
        np.testing.assert_array_equal(file.images[0].read(), array)


#: Of each file: images, axes, shape and dtype of the first, pixel size in y and z, channels.
EXPECTED: dict[str, tuple[Any, ...]] = {
    "multipage_and_imagej/giatools_input3_uint16_zyx.tiff": (
        (1, "ZYX", (1, 1, 5, 198, 356), "uint16", None, None, ())
    ),
    "multipage_and_imagej/giatools_input5_uint8_cyx.tiff": (
        (1, "CYX", (1, 2, 1, 8, 16), "uint8", 2.7228, None, ())
    ),
    "multipage_and_imagej/giatools_input7_uint8_zcyx.tif": (
        (1, "CZYX", (1, 2, 25, 50, 50), "uint8", 0.4356, 0.0545, ())
    ),
    "multipage_and_imagej/giatools_input8_uint16_tyx.tif": (
        (1, "TYX", (5, 1, 1, 49, 56), "uint16", None, None, ())
    ),
    "multipage_and_imagej/giatools_input9_qyx.tif": (
        (1, "ZYX", (1, 1, 2, 256, 256), "float32", None, None, ())
    ),
    "multipage_and_imagej/neubias_xy_rgb__cells.tif": (
        (1, "CYX", (1, 3, 1, 257, 280), "uint8", None, None, ("red", "green", "blue"))
    ),
    "multipage_and_imagej/neubias_xyc_16bit__hela-cells.tif": (
        (1, "CYX", (1, 3, 1, 512, 672), "uint16", 0.0515, None, ())
    ),
    "multipage_and_imagej/neubias_xyc_8bit__cyto_nuclei.tif": (
        (1, "CYX", (1, 2, 1, 254, 182), "uint8", None, None, ())
    ),
    "multipage_and_imagej/neubias_xyz_8bit__mitotic_plate_calibrated.tif": (
        (1, "ZYX", (1, 1, 6, 263, 263), "uint8", 0.0852, 3.0, ())
    ),
    "ome_tiff/2010-06-18x24y5z1t2c8b-text.ome.tiff": (
        (1, "CZYX", (1, 2, 5, 24, 18), "uint8", None, None, ())
    ),
    "ome_tiff/FOV7_HV110_P0500510000.ome.tiff": (
        (1, "YX", (1, 1, 1, 512, 512), "uint8", None, None, ())
    ),
    "ome_tiff/WP96_4Pos_B4-10_DAPI.ome.tiff": (
        (5, "YX", (1, 1, 1, 640, 640), "uint8", 0.2, None, ())
    ),
    "ome_tiff/galaxy_bfconvert_res.ome.tiff": (
        (1, "CYX", (1, 4, 1, 25, 26), "uint8", None, None, ())
    ),
    "ome_tiff/giatools_input11.ome.tiff": (6, "CYX", (1, 4, 1, 5, 5), "uint16", 0.65, None, ()),
    "ome_tiff/multifile/multifile-Z3.ome.tiff": (
        (1, "ZYX", (1, 1, 5, 24, 18), "uint8", None, None, ())
    ),
    "ome_tiff/viv_multi-channel.ome.tif": ((1, "CYX", (1, 3, 1, 167, 439), "int8", None, None, ())),
    "ome_zarr/bioformats-zarr/data.zarr": (
        (1, "TCZYX", (1, 3, 1, 167, 439), "int8", None, None, ())
    ),
    "ome_zarr/blobs_image_v04.ome.zarr": (
        (1, "CYX", (1, 3, 1, 12, 12), "float64", None, None, ("0", "1", "2"))
    ),
    "ome_zarr/blobs_image_v05.ome.zarr": (
        (1, "CYX", (1, 3, 1, 12, 12), "float64", None, None, ("0", "1", "2"))
    ),
    "ome_zarr/giatools_input12.zarr": (1, "ZYX", (1, 1, 2, 100, 100), "bool", None, None, ()),
    "ome_zarr/giatools_input13.zarr": (1, "CYX", (1, 2, 1, 64, 64), "uint8", None, None, ()),
    "ome_zarr/image-02.zarr": (1, "YX", (1, 1, 1, 200, 200), "float64", 1.0, None, ()),
    "ome_zarr/image-03.zarr": (1, "ZYX", (1, 1, 2, 100, 100), "float64", 1.0, 1.0, ()),
    "png16/hela_seq01_t000_gray16.png": (1, "YX", (1, 1, 1, 700, 1100), "uint16", None, None, ()),
    "png16/mode_16bit.png": (
        (1, "CYX", (1, 3, 1, 64, 128), "uint16", None, None, ("red", "green", "blue"))
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_files_are_what_they_are(formats: Path, name: str) -> None:
    count, axes, shape, dtype, pixel, depth, channels = EXPECTED[name]
    with open_images(formats / name) as file:
        assert len(file.images) == count
        image = file.images[0]
        assert (image.axes, image.shape, image.dtype) == (axes, shape, dtype)
        assert image.channels == channels
        size = image.pixel_size
        found = (size.y, size.z) if size else (None, None)
        assert [n and round(n, 4) for n in found] == [pixel, depth]
        for t, c, z in np.ndindex(image.shape[:3]):
            assert image.read(t, c, z).shape == shape[3:]


def test_real_tiffs_are_read_as_tifffile_reads_them(formats: Path) -> None:
    for path in sorted(formats.rglob("*.tif*")):
        with open_images(path) as file:
            planes = [
                image.read(t, c, z)
                for image in file.images[:1]
                for t, c, z in np.ndindex(image.shape[:3])
            ]
        if "multifile" not in path.name:
            whole = tifffile.imread(path)
            assert sum(plane.astype(float).sum() for plane in planes) == whole.sum(dtype=float)


@pytest.mark.parametrize("name", ["nd2/cluster.nd2", "oib/test.oib"])
def test_real_files_of_microscopes_are_refused_with_advice(formats: Path, name: str) -> None:
    assert "convert it to OME-TIFF" in fault(formats / name)
