from __future__ import annotations

import contextlib
import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytomill.errors import InputError
from cytomill.image.core import Image, PixelSize
from cytomill.image.formats import open_images
from cytomill.image.tiff import open_tiff

QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def noise(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> NDArray[Any]:
    values = np.random.default_rng(seed).integers(0, 200, shape)
    return (values > 100) if dtype == "bool" else values.astype(dtype)


def stack(path: Path, number: int = 0) -> NDArray[Any]:
    """A whole image by its planes, with the axes T, C, Z, Y, X."""
    with open_tiff(path) as file:
        image = file.images[number]
        planes = [image.read(t, c, z) for t, c, z in np.ndindex(image.shape[:3])]
        assert all(plane.dtype == image.dtype for plane in planes)
        return np.stack(planes).reshape(image.shape)


def only(path: Path) -> Image:
    with open_tiff(path) as file:
        (image,) = file.images
        return image


def five(array: NDArray[Any], axes: str) -> NDArray[Any]:
    """``array`` with the axes T, C, Z, Y, X."""
    order = [axes.index(axis) for axis in "TCZYX" if axis in axes]
    index = tuple(slice(None) if axis in axes else None for axis in "TCZYX")
    return array.transpose(order)[index]


@st.composite
def arrays(draw: st.DrawFn, axes: st.SearchStrategy[str], dtypes: list[str]) -> tuple[str, Any]:
    letters = draw(axes)
    sizes = [draw(st.integers(17, 40) if a in "YX" else st.integers(1, 3)) for a in letters]
    return letters, noise(tuple(sizes), draw(st.sampled_from(dtypes)), draw(st.integers(0, 9)))


outer = st.lists(st.sampled_from("TCZ"), unique=True).flatmap(st.permutations).map("".join)
DTYPES = ["bool", "uint8", "int16", "uint16", "uint32", "int64", "float16", "float32", "float64"]


@QUICK
@given(
    arrays(
        outer.map(lambda axes: axes + "YX"), [d for d in DTYPES if d not in ("int64", "float16")]
    ),
    st.sampled_from([None, "zlib", "lzw", "zstd"]),
    st.sampled_from([None, (16, 16)]),
    st.sampled_from(["<", ">"]),
)
def test_ome_tiff_gives_the_planes_that_were_written(
    tmp_path: Path, given_array: tuple[str, Any], compression: Any, tile: Any, order: Any
) -> None:
    axes, array = given_array
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        array,
        ome=True,
        metadata={"axes": axes},
        compression=compression,
        tile=tile,
        byteorder=order,
        photometric="minisblack",
    )
    np.testing.assert_array_equal(stack(path), five(array, axes))


@QUICK
@given(
    arrays(outer.map(lambda axes: axes + "YX"), DTYPES),
    st.sampled_from([None, "packbits", "zlib"]),
    st.sampled_from([None, 7]),
)
def test_plain_tiff_with_named_axes_gives_the_planes_that_were_written(
    tmp_path: Path, given_array: tuple[str, Any], compression: Any, rows: Any
) -> None:
    axes, array = given_array
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        array,
        metadata={"axes": axes},
        compression=None if array.dtype == bool else compression,
        rowsperstrip=rows,
        photometric="minisblack",
    )
    np.testing.assert_array_equal(stack(path), five(array, axes))
    assert only(path).axes == "".join(axis for axis in "TCZYX" if axis in axes)


imagej_axes = st.sets(st.sampled_from("TZC")).map(
    lambda axes: "".join(axis for axis in "TZC" if axis in axes) + "YX"
)


@QUICK
@given(arrays(imagej_axes, ["uint8", "uint16", "float32"]))
def test_imagej_hyperstack_gives_the_planes_that_were_written(
    tmp_path: Path, given_array: tuple[str, Any]
) -> None:
    axes, array = given_array
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, imagej=True, metadata={"axes": axes})
    np.testing.assert_array_equal(stack(path), five(array, axes))


@pytest.mark.parametrize("tile", [None, (32, 48)])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_rectangle_is_that_part_of_the_plane(
    tmp_path: Path, tile: Any, compression: Any, samples: int, planar: Any
) -> None:
    shape = (70, 90) if samples == 1 else (70, 90, 3) if planar == "contig" else (3, 70, 90)
    array = noise(shape)
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"photometric": "rgb", "planarconfig": planar} if samples > 1 else {}
    tifffile.imwrite(path, array, tile=tile, compression=compression, rowsperstrip=9, **options)
    channels = np.moveaxis(array, -1, 0) if shape[-1] == 3 else array.reshape(-1, 70, 90)
    cuts = [slice(None), slice(3, 41), slice(69, 70), slice(60, 1000), slice(5, 5)]
    with open_tiff(path) as file:
        image = file.images[0]
        for (c, plane), y, x in itertools.product(enumerate(channels), cuts, cuts):
            np.testing.assert_array_equal(image.read(0, c, 0, y, x), plane[y, x])


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_many_threads_read_one_file(tmp_path: Path, compression: Any) -> None:
    array = noise((12, 64, 64))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, metadata={"axes": "TYX"}, compression=compression)
    with open_tiff(path) as file, ThreadPoolExecutor(8) as pool:
        (image,) = file.images
        frames = [index % 12 for index in range(96)]
        for t, plane in zip(frames, pool.map(image.read, frames), strict=True):
            np.testing.assert_array_equal(plane, array[t])


def test_a_large_plane_is_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    tifffile.imwrite(path, shape=(40_000, 40_000), dtype="uint16", bigtiff=True)
    with path.open("r+b") as file:
        with tifffile.TiffFile(path) as tif:
            start = tif.pages.first.dataoffsets[0]
        file.seek(start + (30_000 * 40_000 + 20_000) * 2)
        file.write(b"\x07\x00")
    with open_tiff(path) as opened:
        (image,) = opened.images
        assert image.shape[3:] == (40_000, 40_000)
        piece = image.read(0, 0, 0, slice(29_999, 30_010), slice(19_999, 20_010))
    assert piece.sum() == piece[1, 1] == 7


def test_of_a_pyramid_the_full_resolution_is_the_image(tmp_path: Path) -> None:
    array = noise((2, 128, 128))
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        options: dict[str, Any] = {"tile": (32, 32), "photometric": "minisblack"}
        writer.write(array, subifds=2, metadata={"axes": "CYX"}, **options)
        writer.write(array[:, ::2, ::2], subfiletype=1, **options)
        writer.write(array[:, ::4, ::4], subfiletype=1, **options)
    np.testing.assert_array_equal(stack(path)[0, :, 0], array)


def test_smaller_copies_on_pages_of_their_own_are_no_images(tmp_path: Path) -> None:
    array = noise((128, 128))
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(array, metadata=None)
        writer.write(array[::2, ::2], subfiletype=1, metadata=None)
    assert only(path).shape[3:] == (128, 128)


def test_several_series_are_several_images(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for size in (20, 30):
            options: dict[str, Any] = {
                "axes": "YX",
                "PhysicalSizeX": size / 100,
                "PhysicalSizeY": size / 100,
            }
            writer.write(noise((size, size)), metadata=options, photometric="minisblack")
    with open_tiff(path) as file:
        assert [image.name for image in file.images] == ["a.ome.tif/0", "a.ome.tif/1"]
        assert [image.pixel_size for image in file.images] == [
            PixelSize(0.2, 0.2),
            PixelSize(0.3, 0.3),
        ]
    assert stack(path, 1).shape == (1, 1, 1, 30, 30)


def test_pages_that_nothing_is_said_of_are_planes_of_z(tmp_path: Path) -> None:
    array = noise((4, 20, 20))
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for plane in array:
            writer.write(plane, metadata=None)
    assert only(path).axes == "ZYX"
    np.testing.assert_array_equal(stack(path)[0, 0], array)


def test_of_two_axes_that_nothing_is_said_of_the_first_is_time(tmp_path: Path) -> None:
    array = noise((3, 7, 20, 30))
    tifffile.imwrite(tmp_path / "a.tif", array)
    with open_tiff(tmp_path / "a.tif") as file:
        assert (file.images[0].axes, file.images[0].shape) == ("TZYX", (3, 1, 7, 20, 30))
    np.testing.assert_array_equal(stack(tmp_path / "a.tif")[:, 0], array)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_are_channels_and_alpha_is_dropped(
    tmp_path: Path, alpha: bool, planar: Any, compression: Any
) -> None:
    array = noise((30, 40, 4 if alpha else 3), "uint8")
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        array if planar == "contig" else np.moveaxis(array, -1, 0),
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        extrasamples=["unassalpha"] if alpha else None,
    )
    image = only(path)
    assert image.rgb
    assert image.channels == ("red", "green", "blue")
    np.testing.assert_array_equal(stack(path)[0, :, 0], np.moveaxis(array[..., :3], -1, 0))


def test_grey_with_alpha_is_grey(tmp_path: Path) -> None:
    array = noise((30, 40, 2), "uint8")
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, array, photometric="minisblack", planarconfig="contig", extrasamples=["assocalpha"]
    )
    assert not only(path).rgb
    np.testing.assert_array_equal(stack(path)[0, :, 0], array[None, ..., 0])


def test_samples_of_no_colour_are_channels(tmp_path: Path) -> None:
    array = noise((30, 40, 5), "uint8")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, photometric="minisblack", planarconfig="contig")
    assert not only(path).rgb
    np.testing.assert_array_equal(stack(path)[0, :, 0], np.moveaxis(array, -1, 0))


def test_jpeg_tiles_are_decoded(tmp_path: Path) -> None:
    array = np.full((64, 96, 3), (200, 100, 50), "uint8")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, photometric="rgb", compression="jpeg", tile=(32, 32))
    found = stack(path)[0, :, 0].astype(int)
    assert np.abs(found - np.moveaxis(array, -1, 0)).max() < 6


@pytest.mark.parametrize("photometric", ["separated", "cielab"])
def test_other_colours_are_refused(tmp_path: Path, photometric: Any) -> None:
    path = tmp_path / "a.tif"
    samples = 4 if photometric == "separated" else 3
    tifffile.imwrite(path, noise((20, 20, samples), "uint8"), photometric=photometric)
    with pytest.raises(InputError, match="convert it to RGB or grey"):
        open_tiff(path)


def test_axes_that_cannot_be_processed_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((2, 20, 20)), metadata={"axes": "RYX"})
    with pytest.raises(InputError, match=r"an axis 'R' of 2 \(its axes are RYX\)"):
        open_tiff(path)


def test_axes_that_are_not_in_planes_are_put_in_order(tmp_path: Path) -> None:
    array = noise((20, 30, 2))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, metadata={"axes": "YXC"}, photometric="minisblack")
    assert only(path).axes == "CYX"
    np.testing.assert_array_equal(stack(path)[0, :, 0], np.moveaxis(array, -1, 0))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_pixels_are_refused(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((20, 20), dtype))
    with pytest.raises(InputError, match=r"a\.tif: its pixels are complex numbers; convert"):
        open_tiff(path)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("micron", 0.5), ("um", 0.5), ("\\u00B5m", 0.5), ("nm", 0.0005), ("mm", 500.0)],
)
def test_imagej_calibration_is_the_pixel_size(tmp_path: Path, unit: str, expected: float) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        noise((3, 20, 20)),
        imagej=True,
        resolution=(2.0, 2.0),
        metadata={"axes": "ZYX", "unit": unit, "spacing": 4.0},
    )
    size = only(path).pixel_size
    assert size is not None
    assert (size.y, size.x, size.z) == pytest.approx((expected, expected, 8 * expected))


@pytest.mark.parametrize("unit", [b"\xb5m", b"\xc2\xb5m", b"\xe2\xb5m", b"microns"])
def test_every_spelling_of_a_micrometre_is_read(tmp_path: Path, unit: bytes) -> None:
    path = tmp_path / "a.tif"
    description = b"ImageJ=1.54f\nunit=" + unit + b"\n"
    options: dict[str, Any] = {"resolution": (4, 2), "resolutionunit": "NONE", "metadata": None}
    tifffile.imwrite(path, noise((20, 20)), description=description, **options)
    assert only(path).pixel_size == PixelSize(0.5, 0.25)


@pytest.mark.parametrize("unit", ["pixel", "px", "furlong"])
def test_a_unit_that_is_no_length_is_no_pixel_size(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"resolution": (10_000, 20_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, noise((20, 20)), imagej=True, metadata={"unit": unit}, **options)
    assert only(path).pixel_size is None


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((20_000, 40_000), "CENTIMETER", PixelSize(0.25, 0.5)),
        ((50_800, 50_800), "INCH", PixelSize(0.5, 0.5)),
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        ((20_000, 20_000), "NONE", None),
        ((10_000, 10_000), "CENTIMETER", None),
        ((0, 0), "CENTIMETER", None),
    ],
)
def test_resolution_tags_are_believed_where_they_are_plausible(
    tmp_path: Path, resolution: Any, unit: str, expected: PixelSize | None
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((20, 20)), resolution=resolution, resolutionunit=unit)
    assert only(path).pixel_size == expected


def test_ome_gives_units_and_channel_names(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "ZCYX",
        "PhysicalSizeX": 250,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "PhysicalSizeZ": 0.002,
        "PhysicalSizeZUnit": "mm",
        "Channel": {"Name": ["DAPI", "GFP"]},
    }
    tifffile.imwrite(path, noise((3, 2, 20, 20)), ome=True, metadata=metadata)
    image = only(path)
    assert image.pixel_size == PixelSize(0.5, 0.25, 2.0)
    assert image.channels == ("DAPI", "GFP")


def test_imagej_labels_name_the_channels_where_there_is_one_for_each(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for names, expected in ((["a", "b"], ("a", "b")), (["a", "a"], ()), (["a"], ())):
        tifffile.imwrite(
            path, noise((2, 20, 20)), imagej=True, metadata={"axes": "CYX", "Labels": names}
        )
        assert only(path).channels == expected


@pytest.fixture
def ome_set(tmp_path: Path) -> tuple[Path, NDArray[Any]]:
    """Three files of an OME-TIFF set, a plane of Z in each, that all describe the set."""
    array = noise((3, 20, 30))
    tiffdata = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{folder}z{z}.ome.tif">urn:uuid:{z:08}-0000-0000-0000-000000000000</UUID>'
        "</TiffData>"
        for z, folder in enumerate(("", "elsewhere/", "../"))
    )
    for z in range(3):
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{z:08}-0000-0000-0000-000000000000"><Image ID="Image:0"><Pixels '
            'ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="30" SizeY="20" SizeZ="3" '
            'SizeC="1" SizeT="1" PhysicalSizeX="0.5" PhysicalSizeZ="2">'
            f'<Channel ID="Channel:0" Name="DAPI"/>{tiffdata}</Pixels></Image></OME>'
        )
        tifffile.imwrite(tmp_path / f"z{z}.ome.tif", array[z], description=xml, metadata=None)
    return tmp_path, array


def test_a_set_of_files_is_one_image(ome_set: tuple[Path, NDArray[Any]]) -> None:
    folder, array = ome_set
    for z in range(3):
        np.testing.assert_array_equal(stack(folder / f"z{z}.ome.tif")[0, 0], array)
    assert only(folder / "z1.ome.tif").pixel_size == PixelSize(0.5, 0.5, 2.0)


def test_a_lone_file_of_a_set_is_what_it_holds(
    ome_set: tuple[Path, NDArray[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, array = ome_set
    alone = Path(shutil.copy(folder / "z1.ome.tif", tmp_path_factory.mktemp("alone")))
    image = only(alone)
    assert image.axes == "YX"
    assert image.channels == ("DAPI",)
    np.testing.assert_array_equal(stack(alone)[0, 0], array[1:2])


def test_a_renamed_file_is_still_itself(tmp_path: Path) -> None:
    array = noise((2, 20, 20))
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, array, ome=True, metadata={"axes": "CYX", "PhysicalSizeX": 0.5})
    xml = tifffile.tiffcomment(path)
    uuid = '<UUID FileName="before.ome.tif">urn:uuid:1</UUID>'
    named = xml.replace('PlaneCount="2"/>', f'PlaneCount="2">{uuid}</TiffData>')
    assert named != xml
    tifffile.tiffcomment(path, named.encode())
    np.testing.assert_array_equal(stack(path)[0, :, 0], array)
    assert only(path).pixel_size == PixelSize(0.5, 0.5)


def test_a_time_lapse_that_was_stopped_has_its_whole_frames(tmp_path: Path) -> None:
    array = noise((5, 20, 20))
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, array, ome=True, metadata={"axes": "TYX"})
    xml = tifffile.tiffcomment(path)
    for before, after in (
        ("XYCZT", "XYCTZ"),
        ('SizeT="5"', 'SizeT="4"'),
        ('SizeC="1"', 'SizeC="2"'),
    ):
        assert before in xml
        xml = xml.replace(before, after)
    tifffile.tiffcomment(path, xml.encode())
    assert only(path).shape == (2, 2, 1, 20, 20)
    np.testing.assert_array_equal(stack(path).reshape(4, 20, 20), array[:4])


@pytest.mark.parametrize("kind", ["plain", "ome", "imagej", "compressed", "stack"])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "ome": {"ome": True},
        "imagej": {"imagej": True},
        "compressed": {"compression": "zlib", "rowsperstrip": 8},
        "stack": {"metadata": None},
    }
    array = noise((6, 64, 64))
    tifffile.imwrite(path, array, photometric="minisblack", **kinds[kind])
    whole = path.read_bytes()
    for cut in (len(whole) - 1000, len(whole) // 2, 200, 20, 9, 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"a\.tif: "):
            stack(path)


def test_any_damage_is_an_input_error_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    rng = np.random.default_rng(5)
    kinds: list[dict[str, Any]] = [{"ome": True}, {"imagej": True}, {"compression": "zlib"}]
    for options in kinds:
        tifffile.imwrite(path, noise((3, 40, 40), "uint8"), photometric="minisblack", **options)
        whole = path.read_bytes()
        for _ in range(40):
            broken = bytearray(whole)
            for place in rng.integers(4, min(600, len(whole)), 4):
                broken[place] = rng.integers(256)
            path.write_bytes(broken)
            with contextlib.suppress(InputError), open_tiff(path) as file:
                for image in file.images:
                    image.read(y=slice(0, 50), x=slice(0, 50))


def test_no_log_line_of_the_decoder_reaches_the_user(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((6, 64, 64)), imagej=True)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(InputError, match="cut short"):
        open_tiff(path)
    assert not caplog.records
    with tifffile.TiffFile(path) as tif:
        assert tif.series  # others may still want to know
    assert caplog.records


def test_a_plane_of_no_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((20, 30)))
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags["ImageLength"].overwrite(0)
    with pytest.raises(InputError, match="it is 30 wide and 0 high"):
        open_tiff(path)


def test_opening_by_content_gives_the_same(tmp_path: Path) -> None:
    array = noise((20, 20))
    path = tmp_path / "no_suffix"
    tifffile.imwrite(path, array)
    with open_images(path) as file:
        np.testing.assert_array_equal(file.images[0].read(), array)
