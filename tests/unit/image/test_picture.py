from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from cytomill.errors import InputError
from cytomill.image.core import Image
from cytomill.image.formats import open_images

GREY = (np.arange(40 * 30) % 251).astype("uint8").reshape(40, 30)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], -1)


def only(path: Path) -> Image:
    (image,) = open_images(path).images
    return image


def channels(path: Path) -> NDArray[Any]:
    image = only(path)
    planes = np.stack([image.read(c=c) for c in range(image.shape[1])])
    assert planes.dtype == image.dtype
    assert planes.shape == image.shape[1:2] + image.shape[3:]
    return planes


def save(path: Path, mode: str, **options: Any) -> Path:
    image = PIL.Image.fromarray(COLOUR if mode in ("RGB", "RGBA", "P", "CMYK") else GREY)
    image.convert(mode).save(path, **options)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_png_of_every_depth_keeps_its_values_and_drops_alpha(
    tmp_path: Path, dtype: str, samples: int
) -> None:
    array = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (40, 30, samples), dtype)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(array[..., 0] if samples == 1 else array))
    kept = 3 if samples > 2 else 1
    np.testing.assert_array_equal(channels(path), np.moveaxis(array[..., :kept], -1, 0))
    image = only(path)
    assert image.rgb == (kept == 3)
    assert image.axes == ("CYX" if kept == 3 else "YX")
    assert image.pixel_size is None


@pytest.mark.parametrize("transparent", [{}, {"transparency": 3}], ids=["opaque", "clear"])
def test_a_palette_is_looked_up(tmp_path: Path, transparent: dict[str, Any]) -> None:
    path = tmp_path / "a.png"
    image = PIL.Image.fromarray(COLOUR).quantize(16)
    image.save(path, bits=4, **transparent)
    expected = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    np.testing.assert_array_equal(channels(path), expected)


def test_a_colour_that_means_transparent_is_no_channel(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", "L", transparency=3)
    np.testing.assert_array_equal(channels(path), GREY[None])


def test_one_bit_is_bool(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    PIL.Image.fromarray(GREY > 100).save(path)
    assert only(path).dtype == bool
    np.testing.assert_array_equal(channels(path), (GREY > 100)[None])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_is_near_what_was_written(tmp_path: Path, mode: str, progressive: bool) -> None:
    path = save(tmp_path / "a.jpg", mode, quality=100, subsampling=0, progressive=progressive)
    expected = np.moveaxis(COLOUR, -1, 0) if mode == "RGB" else GREY[None]
    assert np.abs(channels(path).astype(int) - expected).mean() < 2


def test_the_orientation_of_a_camera_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(GREY).save(path, exif=exif)
    assert only(path).shape[3:] == GREY.shape


def test_a_rectangle_is_that_part_of_the_plane(tmp_path: Path) -> None:
    image = only(save(tmp_path / "a.png", "RGB"))
    cut = slice(3, 20), slice(5, None)
    np.testing.assert_array_equal(image.read(0, 1, 0, *cut), COLOUR[..., 1][cut])


def test_cmyk_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", "CMYK")
    with pytest.raises(InputError, match=r"a\.jpg: is a CMYK picture; convert it to RGB or grey"):
        open_images(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_short_is_refused(tmp_path: Path, name: str, part: float) -> None:
    whole = save(tmp_path / name, "RGB").read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match=name):
        channels(tmp_path / name)


def test_an_embedded_preview_does_not_hide_that_the_end_is_missing(tmp_path: Path) -> None:
    preview = io.BytesIO()
    PIL.Image.fromarray(GREY).save(preview, "JPEG")
    path = tmp_path / "a.jpg"
    PIL.Image.fromarray(COLOUR).save(path, comment=preview.getvalue())
    channels(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="cut short"):
        channels(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_any_damage_is_an_input_error_or_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = save(path, "RGB").read_bytes()
    rng = np.random.default_rng(2)
    for _ in range(60):
        broken = bytearray(whole)
        for place in rng.integers(3, len(whole), 3):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        with contextlib.suppress(InputError):
            channels(path)


def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = bytearray(save(path, "L").read_bytes())
    data[16:24] = (200_000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    with pytest.raises(InputError, match="too large for its format"):
        open_images(path)
    data[16:24] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(InputError, match="has no pixels"):
        open_images(path)
