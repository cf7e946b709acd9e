from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from cytomill.errors import InputError, OptionError, OutputError
from cytomill.image import ngff_write
from cytomill.image.core import Image, PixelSize
from cytomill.image.formats import open_images
from cytomill.image.ngff import open_ngff, write_labelled
from cytomill.image.ngff_write import write_image
from cytomill.image.tiff import open_tiff

SPACE = {"y": {"unit": "micrometer"}, "x": {"unit": "micrometer"}, "z": {"unit": "nanometer"}}
TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def noise(shape: tuple[int, ...], dtype: str = "uint16") -> NDArray[Any]:
    return np.random.default_rng(3).integers(0, 200, shape).astype(dtype)


def describe(folder: Path, metadata: dict[str, Any], version: str) -> None:
    """Give a folder the attributes of a Zarr group."""
    folder.mkdir(parents=True, exist_ok=True)
    if version == "0.5":
        group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": metadata}}
        (folder / "zarr.json").write_text(json.dumps(group))
    else:
        (folder / ".zgroup").write_text('{"zarr_format": 2}')
        (folder / ".zattrs").write_text(json.dumps(metadata))


def make(folder: Path, array: NDArray[Any], axes: str, version: str = "0.4", **more: Any) -> Path:
    """An OME-Zarr image as other programs write it."""
    full = zarr.create_array(
        folder / "full",
        shape=array.shape,
        chunks=(*(1,) * (array.ndim - 2), 32, 32),
        dtype=array.dtype,
        zarr_format=3 if version == "0.5" else 2,
    )
    full[...] = array
    scale = [0.5 if axis == "y" else 0.25 if axis == "x" else 1000.0 for axis in axes]
    dataset: dict[str, Any] = {"path": "full"}
    multiscale: dict[str, Any] = {"version": version, "datasets": [dataset]}
    if version in ("0.4", "0.5"):
        dataset["coordinateTransformations"] = [{"type": "scale", "scale": scale}]
        multiscale["axes"] = [
            {"name": axis, "type": TYPES.get(axis, "other")} | SPACE.get(axis, {}) for axis in axes
        ]
    elif version == "0.3":
        multiscale["axes"] = list(axes)
    describe(folder, {"multiscales": [multiscale], **more}, version)
    return folder


def stack(image: Image) -> NDArray[Any]:
    planes = [image.read(t, c, z) for t, c, z in np.ndindex(image.shape[:3])]
    return np.stack(planes).reshape(image.shape)


def only(path: Path) -> Image:
    with open_images(path) as file:
        (image,) = file.images
        return image


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["yx", "cyx", "zyx", "tyx", "tczyx", "czyx", "yxc", "xy"])
def test_any_axes_are_put_in_order(tmp_path: Path, axes: str, version: str) -> None:
    sizes = {"t": 2, "c": 3, "z": 2, "y": 40, "x": 30}
    array = noise(tuple(sizes[axis] for axis in axes))
    image = only(make(tmp_path / "a.zarr", array, axes, version))
    assert image.name == "a.zarr"
    assert image.axes == "".join(axis for axis in "TCZYX" if axis.lower() in axes)
    assert image.pixel_size == PixelSize(0.5, 0.25, 1.0 if "z" in axes else None)
    order = [axes.index(axis) for axis in "tczyx" if axis in axes]
    shape = tuple(sizes[axis] if axis in axes else 1 for axis in "tczyx")
    np.testing.assert_array_equal(stack(image), array.transpose(order).reshape(shape))


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_older_versions_are_read(tmp_path: Path, version: str) -> None:
    array = noise((2, 3, 1, 20, 20))
    image = only(make(tmp_path / "a.zarr", array, "tczyx", version))
    assert image.pixel_size is None
    np.testing.assert_array_equal(stack(image), array)


def test_a_rectangle_is_that_part_of_the_plane_in_every_thread(tmp_path: Path) -> None:
    array = noise((2, 50, 70))
    image = only(make(tmp_path / "a.zarr", array, "cyx"))
    cuts = [(slice(y, y + 17), slice(x, None)) for y in range(0, 50, 19) for x in range(0, 70, 19)]
    with ThreadPoolExecutor(4) as pool:
        read = pool.map(lambda cut: image.read(0, 1, 0, *cut), cuts)
        for cut, piece in zip(cuts, read, strict=True):
            np.testing.assert_array_equal(piece, array[1][cut])


def test_omero_names_the_channels(tmp_path: Path) -> None:
    omero = {"channels": [{"label": "DAPI"}, {"label": 7}]}
    assert only(make(tmp_path / "a.zarr", noise((2, 20, 20)), "cyx", omero=omero)).channels == (
        "DAPI",
        "7",
    )


def test_every_field_of_a_plate_is_an_image(tmp_path: Path) -> None:
    plate = tmp_path / "p.zarr"
    wells = ["A/1", "B/12"]
    describe(plate, {"plate": {"wells": [{"path": well} for well in wells]}}, "0.4")
    for number, well in enumerate(wells):
        describe(plate / well, {"well": {"images": [{"path": "0"}, {"path": "1"}]}}, "0.4")
        for field in range(2):
            make(plate / well / str(field), noise((20, 20)) + 10 * number + field, "yx")
    with open_images(plate) as file:
        assert [image.name for image in file.images] == [
            "p.zarr/A/1/0",
            "p.zarr/A/1/1",
            "p.zarr/B/12/0",
            "p.zarr/B/12/1",
        ]
        np.testing.assert_array_equal(file.images[3].read(), noise((20, 20)) + 11)


@pytest.mark.parametrize("listed", [None, ["1", "0"]])
def test_a_collection_is_its_images_described_by_ome_xml(
    tmp_path: Path, listed: list[str] | None
) -> None:
    folder = tmp_path / "c.zarr"
    describe(folder, {"bioformats2raw.layout": 3}, "0.4")
    describe(folder / "OME", {"series": listed} if listed else {}, "0.4")
    for number in range(2):
        make(folder / str(number), noise((1, 1, 1, 20, 20)), "tczyx", "0.2")
    (folder / "OME" / "METADATA.ome.xml").write_text(
        "<OME><Image><Pixels PhysicalSizeX='2' SizeZ='1'><Channel Name='A'/></Pixels></Image>"
        "<Image><Pixels PhysicalSizeX='3' SizeZ='1'><Channel Name='B'/></Pixels></Image></OME>"
    )
    with open_images(folder) as file:
        names = [f"c.zarr/{name}" for name in (listed or ["0", "1"])]
        assert [image.name for image in file.images] == names
        assert [image.channels for image in file.images] == [("A",), ("B",)]
        assert [image.pixel_size for image in file.images] == [
            PixelSize(2.0, 2.0),
            PixelSize(3.0, 3.0),
        ]


def test_axes_that_cannot_be_processed_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an axis 'A' of 2"):
        open_ngff(make(tmp_path / "a.zarr", noise((2, 20, 20)), "ayx"))


def test_metadata_must_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    make(tmp_path / "secret.zarr", noise((20, 20)), "yx")
    folder = tmp_path / "p.zarr"
    describe(folder, {"plate": {"wells": [{"path": "../secret.zarr"}]}}, "0.4")
    with pytest.raises(InputError, match="points outside itself"):
        open_ngff(folder)


@pytest.mark.parametrize(
    "attributes",
    ["", "{", "[]", "{}", '{"multiscales": []}', '{"multiscales": [{}]}', '{"multiscales": 1}'],
)
def test_damaged_metadata_is_told(tmp_path: Path, attributes: str) -> None:
    folder = make(tmp_path / "a.zarr", noise((20, 20)), "yx")
    (folder / ".zattrs").write_text(attributes)
    with pytest.raises(InputError, match=r"a\.zarr: "):
        open_images(folder)


def test_a_missing_array_and_a_damaged_chunk_are_told(tmp_path: Path) -> None:
    folder = make(tmp_path / "a.zarr", noise((20, 20)), "yx")
    image = only(folder)
    chunk = next(path for path in (folder / "full").rglob("*") if path.name[0].isdigit())
    chunk.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"a\.zarr: cannot be decoded"):
        stack(image)
    (folder / "full" / ".zarray").unlink()
    with pytest.raises(InputError, match=r"a\.zarr"):
        open_images(folder)


def test_a_folder_that_is_not_ome_zarr_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(InputError, match="is a folder but not OME-Zarr"):
        open_images(tmp_path / "a.zarr")
    zarr.create_array(tmp_path / "b.zarr", shape=(20, 20), chunks=(20, 20), dtype="uint8")
    with pytest.raises(InputError, match="says nothing of images"):
        open_images(tmp_path / "b.zarr")


# Writing


def source(tmp_path: Path, axes: str, shape: tuple[int, ...], **options: Any) -> Image:
    path = tmp_path / "in.tif"
    array = noise(shape)
    tifffile.imwrite(path, array, metadata={"axes": axes}, photometric="minisblack", **options)
    with open_tiff(path) as file:
        return file.images[0]


def attributes(folder: Path, version: str) -> dict[str, Any]:
    if version == "0.4":
        found: dict[str, Any] = json.loads((folder / ".zattrs").read_text())
        return found
    group = json.loads((folder / "zarr.json").read_text())
    ome: dict[str, Any] = group["attributes"]["ome"]
    assert ome["version"] == version
    return ome


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_image_and_labels_come_back(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngff_write, "_CHUNK", 32)
    monkeypatch.setattr(ngff_write, "_BLOCK", 64)
    monkeypatch.setattr(ngff_write, "_SMALLEST", 30)
    path = tmp_path / "in.tif"
    array = noise((2, 2, 1, 75, 90))
    tifffile.imwrite(path, array, metadata={"axes": "TCZYX"}, photometric="minisblack")
    labels = np.random.default_rng(0).integers(0, 9, (2, 1, 75, 90)).astype("uint32")
    stored = zarr.create_array(
        tmp_path / "l.zarr", shape=labels.shape, chunks=(1, 1, 50, 50), dtype="uint32"
    )
    stored[:] = labels
    out = tmp_path / "out" / "a.zarr"
    size = PixelSize(0.5, 0.25)
    with open_tiff(path) as file:
        image = file.images[0].with_pixel_size(size)
        write_labelled(out, stored, image, name="nuclei", version=version)

    again = only(out)
    assert (again.axes, again.pixel_size) == ("TCZYX", size)
    np.testing.assert_array_equal(stack(again), array)
    found = only(out / "labels" / "nuclei")
    assert (found.axes, found.pixel_size, found.dtype.name) == ("TZYX", size, "uint32")
    np.testing.assert_array_equal(stack(found)[:, 0], labels)
    small = np.asarray(zarr.open_array(out / "labels" / "nuclei" / "2", mode="r"))
    np.testing.assert_array_equal(small, labels[:, :, ::4, ::4])
    half = np.asarray(zarr.open_array(out / "1", mode="r"))
    assert half.shape == (2, 2, 1, 38, 45)
    even = array[..., :74, :].reshape(2, 2, 1, 37, 2, 45, 2).mean((4, 6))
    np.testing.assert_array_equal(half[..., :37, :], np.rint(even))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_metadata_is_what_the_specification_asks_for(tmp_path: Path, version: str) -> None:
    path, out = tmp_path / "in.tif", tmp_path / "a.zarr"
    tifffile.imwrite(path, noise((2, 1030, 20)), metadata={"axes": "CYX"})
    labels = np.ones((1, 1, 1030, 20), "uint16")
    with open_tiff(path) as file:
        image = file.images[0].with_pixel_size(PixelSize(0.5, 0.25))
        write_labelled(out, labels, image, name="nuclei", version=version)

    metadata = attributes(out, version)
    (multiscale,) = metadata["multiscales"]
    assert multiscale["axes"] == [
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    scales = [one["coordinateTransformations"][0]["scale"] for one in multiscale["datasets"]]
    assert scales == [[1.0, 0.5, 0.25], [1.0, 1.0, 0.5]]
    assert len(metadata["omero"]["channels"]) == 2
    for channel in metadata["omero"]["channels"]:
        assert set(channel["window"]) == {"min", "max", "start", "end"}
        assert len(channel["color"]) == 6
    assert attributes(out / "labels", version)["labels"] == ["nuclei"]
    nuclei = attributes(out / "labels" / "nuclei", version)
    assert nuclei["image-label"]["source"] == {"image": "../../"}
    assert len(nuclei["multiscales"][0]["datasets"]) == 2
    array = zarr.open_array(out / "0", mode="r")
    assert array.metadata.zarr_format == (2 if version == "0.4" else 3)
    if version == "0.4":
        assert json.loads((out / "0" / ".zarray").read_text())["dimension_separator"] == "/"
        assert multiscale["version"] == "0.4"
    else:
        assert json.loads((out / "0" / "zarr.json").read_text())["dimension_names"] == [*"cyx"]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32"])
def test_every_type_of_pixel_can_be_written(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "in.tif"
    array = noise((1030, 24)) > 99 if dtype == "bool" else (noise((1030, 24)) // 2).astype(dtype)
    if dtype.startswith("float"):
        array[0, :2] = np.nan, np.inf
    tifffile.imwrite(path, array)
    out = tmp_path / "a.zarr"
    with open_tiff(path) as file:
        write_labelled(out, np.ones((1, 1, 1030, 24), "uint16"), file.images[0], name="n")
    np.testing.assert_array_equal(only(out).read(), array)


def test_an_image_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    image = source(tmp_path, "YX", (600, 60))  # its file is closed
    out = tmp_path / "out" / "a.zarr"
    with pytest.raises(InputError, match="is closed"):
        write_labelled(out, np.ones((1, 1, 600, 60), "uint16"), image, name="n")
    assert list(out.parent.iterdir()) == []


def test_other_versions_and_places_that_cannot_be_are_told(tmp_path: Path) -> None:
    image = source(tmp_path, "YX", (60, 60))
    with pytest.raises(OptionError, match=r"0\.3 cannot be written; choose 0\.4 or 0\.5"):
        write_labelled(tmp_path / "a.zarr", np.ones((1, 1, 9, 9)), image, name="n", version="0.3")
    (tmp_path / "o").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_labelled(tmp_path / "o" / "a.zarr", np.ones((1, 1, 9, 9)), image, name="n")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_image_alone_comes_back(tmp_path: Path, version: str) -> None:
    path, out = tmp_path / "in.tif", tmp_path / "a.zarr"
    array = noise((2, 50, 40)).astype("float32")
    tifffile.imwrite(path, array, metadata={"axes": "CYX"}, photometric="minisblack")
    with open_tiff(path) as file:
        write_image(out, file.images[0], version=version)
    again = only(out)
    np.testing.assert_array_equal(stack(again)[0, :, 0], array)
    assert not (out / "labels").exists()
