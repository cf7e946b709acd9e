"""Pyramids: what is read from a file, what has to be built, and that both are the same."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cytomill.errors import InputError
from cytomill.image import ngff_write
from cytomill.image.array import from_array
from cytomill.image.formats import open_images
from cytomill.image.reduced import grain_of
from cytomill.kiosk.view import pyramid as module
from cytomill.kiosk.view.geometry import Place
from cytomill.kiosk.view.halving import mean, nearest
from cytomill.kiosk.view.pyramid import Pyramid

PIXELS = np.random.default_rng(0).integers(0, 60_000, (1300, 1550), np.uint16)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """All planes are too large to be made at once."""
    monkeypatch.setattr(module, "SMALL", 0)


@pytest.fixture
def opened(tmp_path):
    files = []

    def write(pixels=PIXELS, **options):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, pixels, **options)
        files.append(open_images(path))
        return files[-1].images[0]

    yield write
    for file in files:
        file.close()


def levels_of(pixels, halve=mean):
    found = [pixels]
    while max(found[-1].shape) > 512:
        found.append(halve(found[-1], 1))
    return found


def built(pyramid):
    return np.concatenate([pixels for _, pixels in pyramid.rows(0, 0, 0)])


def chunks(pyramid, level):
    rows, columns = pyramid.geometry.chunks(level)
    return np.block(
        [
            [pyramid.read(Place(level, 0, 0, 0, row, column)) for column in range(columns)]
            for row in range(rows)
        ]
    )


FORMS = [
    {},
    {"tile": (256, 256), "compression": "zlib"},
    {"compression": "zlib", "rowsperstrip": 100},
    {"compression": "lzw", "rowsperstrip": 1},
    {"tile": (1024, 1024)},
]


@pytest.mark.parametrize("options", FORMS)
@pytest.mark.parametrize("kind", ["pixels", "labels"])
def test_two_levels_are_read_and_the_rest_is_built(opened, options, kind):
    image = opened(**options)
    pixels = kind == "pixels"
    pyramid = Pyramid.of_pixels(image) if pixels else Pyramid.of_labels(image)
    expected = levels_of(PIXELS, mean if pixels else nearest)
    assert pyramid.first == 2
    np.testing.assert_array_equal(chunks(pyramid, 0), expected[0])
    np.testing.assert_array_equal(chunks(pyramid, 1), expected[1])
    assert pyramid.read(Place(2, 0, 0, 0, 0, 0)) is None
    np.testing.assert_array_equal(built(pyramid), expected[2])


@pytest.mark.parametrize("piece", [1, 10_000, 10**6])
def test_what_is_built_does_not_depend_on_the_pieces_it_is_read_in(opened, monkeypatch, piece):
    monkeypatch.setattr(module, "_READ", piece)
    pyramid = Pyramid.of_pixels(opened(PIXELS[:1100, :1300], compression="zlib", rowsperstrip=7))
    np.testing.assert_array_equal(built(pyramid), levels_of(PIXELS[:1100, :1300])[2])


@pytest.mark.parametrize("rows", [200, 600, 1300])
def test_levels_are_all_built_of_strips_that_are_too_large_for_a_chunk(opened, monkeypatch, rows):
    monkeypatch.setattr(module, "_GRAIN", 10**5)
    image = opened(compression="zlib", rowsperstrip=rows)
    read = []
    pixels = image.source.read

    def counted(t, c, z, y, x):
        read.append(y)
        return pixels(t, c, z, y, x)

    monkeypatch.setattr(type(image.source), "read", lambda _, *place: counted(*place))
    pyramid = Pyramid.of_pixels(image)
    assert (pyramid.first, pyramid.bases) == (0, ())
    np.testing.assert_array_equal(built(pyramid), PIXELS)
    # Each strip is unpacked for at most two pieces.
    assert len(read) <= 2 * -(-1300 // rows) + 2


def test_the_levels_of_a_file_are_used(tmp_path, monkeypatch):
    path = tmp_path / "a.ome.tif"
    # Darker than the means would be, so that it shows where a level came from.
    own = [level // 2 if i else level for i, level in enumerate(levels_of(PIXELS))]
    with tifffile.TiffWriter(path, ome=True) as writer:
        options = {"tile": (256, 256), "compression": "zlib", "metadata": {"axes": "YX"}}
        writer.write(own[0], subifds=len(own) - 1, **options)
        for level in own[1:]:
            writer.write(level, subfiletype=1, tile=(256, 256))
    with open_images(path) as file:
        pyramid = Pyramid.of_pixels(file.images[0])
        assert pyramid.first is None
        for level, expected in enumerate(own):
            np.testing.assert_array_equal(chunks(pyramid, level), expected)


def test_the_levels_of_a_zarr_folder_are_used(tmp_path):
    path = tmp_path / "a.ome.zarr"
    ngff_write.write_image(path, from_array(np.stack([PIXELS, PIXELS // 2]), "CYX"))
    with open_images(path) as file:
        pyramid = Pyramid.of_pixels(file.images[0])
        assert [base.level for base in pyramid.bases] == [0, 1]
        assert pyramid.first is None
        assert grain_of(file.images[0].source) == (1024, 1024)
        for level, expected in enumerate(levels_of(PIXELS)):
            assert np.abs(chunks(pyramid, level) - expected.astype(float)).max() <= 1


def test_levels_of_another_kind_are_not_used(tmp_path):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(PIXELS, subifds=2, tile=(256, 256), metadata={"axes": "YX"})
        writer.write(mean(PIXELS, 1).astype(np.uint8), subfiletype=1, tile=(256, 256))
        writer.write(PIXELS[::3, ::3], subfiletype=1, tile=(256, 256))
    with open_images(path) as file:
        pyramid = Pyramid.of_pixels(file.images[0])
        assert [base.level for base in pyramid.bases] == [0]
        np.testing.assert_array_equal(chunks(pyramid, 1), mean(PIXELS, 1))


def test_levels_that_a_file_lacks_are_made_of_those_it_has(tmp_path):
    path = tmp_path / "a.ome.tif"
    full = np.random.default_rng(1).integers(0, 250, (4099, 4100), np.uint8)
    quarter = mean(full, 2)[:1024, :1025]  # rounded down, as other programs do
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(full, subifds=1, tile=(256, 256), metadata={"axes": "YX"})
        writer.write(quarter, subfiletype=1, tile=(256, 256))
    with open_images(path) as file:
        pyramid = Pyramid.of_pixels(file.images[0])
        assert [base.level for base in pyramid.bases] == [0, 2]
        assert pyramid.first == 4
        np.testing.assert_array_equal(chunks(pyramid, 1), mean(full, 1))
        level = chunks(pyramid, 2)
        assert level.shape == (1025, 1025)
        np.testing.assert_array_equal(level[:1024, :1025], quarter)
        np.testing.assert_array_equal(level[1024], level[1023])
        assert chunks(pyramid, 3).shape == (513, 513)
        assert built(pyramid).shape == (257, 257)


def test_what_only_can_be_read_whole_has_a_limit(tmp_path, monkeypatch):
    import PIL.Image

    path = tmp_path / "a.png"
    PIL.Image.fromarray(PIXELS.astype(np.uint8)).save(path)
    monkeypatch.setattr(module, "_GRAIN", 10**6)
    with open_images(path) as file:
        pyramid = Pyramid.of_pixels(file.images[0])
        pyramid.check_whole()
        np.testing.assert_array_equal(built(pyramid), PIXELS.astype(np.uint8))
        monkeypatch.setattr(module, "_WHOLE", PIXELS.size - 1)
        with pytest.raises(InputError, match="too large to be looked at"):
            pyramid.check_whole()
