from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cytomill.errors import InputError, OptionError
from cytomill.image.beside import beside
from cytomill.image.entry import Entry, PathSource

LABELS = np.arange(3 * 8 * 10, dtype=np.uint16).reshape(3, 8, 10)
RAW = (LABELS * 7 + 5).astype(np.uint16)


def saved(path: Path, pixels, axes="TYX", **metadata) -> Entry:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels, ome=True, metadata={"axes": axes, **metadata})
    return Entry(path.name, PathSource(path))


def opened(labels, image):
    (both,) = beside([labels], [image])
    return both.open()


def test_labels_are_the_first_channel_and_those_of_the_image_follow(tmp_path):
    raw = np.stack([RAW, RAW + 1], axis=1)
    metadata = {
        "Channel": {"Name": ["DAPI", "GFP"]},
        "PhysicalSizeX": 0.5,
        "PhysicalSizeY": 0.5,
        "TimeIncrement": 60.0,
    }
    one = saved(tmp_path / "a_labels.ome.tif", LABELS)
    with opened(one, saved(tmp_path / "a.ome.tif", raw, "TCYX", **metadata)) as file:
        (image,) = file.images
        assert image.shape == (3, 3, 1, 8, 10)
        assert image.axes == "TCYX"
        assert image.channels == ("labels", "DAPI", "GFP")
        assert (image.pixel_size.x, image.interval) == (0.5, 60.0)
        for t in range(3):
            np.testing.assert_array_equal(image.read(t, 0), LABELS[t])
            np.testing.assert_array_equal(image.read(t, 1), RAW[t])
            np.testing.assert_array_equal(image.read(t, 2), RAW[t] + 1)
        part = image.read(1, 2, 0, slice(2, 5), slice(1, 9))
        np.testing.assert_array_equal(part, RAW[1, 2:5, 1:9] + 1)


@pytest.mark.parametrize(
    ("labels", "image", "both"),
    [
        (np.uint8, np.uint16, np.uint16),
        (np.uint32, np.uint8, np.uint32),
        (np.uint16, np.float32, np.float32),
        (np.uint32, np.float32, np.float64),
    ],
)
def test_there_is_room_for_the_pixels_of_both(tmp_path, labels, image, both):
    one = saved(tmp_path / "a.tif", LABELS.astype(labels))
    with opened(one, saved(tmp_path / "b.tif", RAW.astype(image))) as file:
        assert file.images[0].dtype == both
        assert file.images[0].read(0, 1).dtype == image


@pytest.mark.parametrize(
    ("first", "second"),
    [("TYX", "ZYX"), ("ZYX", "TYX"), ("ZYX", "ZYX"), ("CYX", "TYX"), ("TYX", "CYX")],
)
def test_planes_of_z_and_channels_go_with_frames_of_t(tmp_path, first, second):
    labels = saved(tmp_path / "a.ome.tif", LABELS, first)
    with opened(labels, saved(tmp_path / "b.ome.tif", RAW, second)) as file:
        (image,) = file.images
        assert image.shape == (3, 2, 1, 8, 10)
        np.testing.assert_array_equal(image.read(2, 1), RAW[2])


def test_the_name_is_that_of_the_labels_and_both_count(tmp_path):
    labels, image = saved(tmp_path / "a.tif", LABELS), saved(tmp_path / "b.tif", RAW)
    (both,) = beside([labels], [image])
    assert both.name == "a.tif"
    assert both.bytes == labels.bytes + image.bytes
    before = both.stamp(), both.digest()
    saved(tmp_path / "b.tif", RAW + 1)
    assert both.digest() != before[1]
    assert both.stamp() != before[0]


@pytest.mark.parametrize(
    ("pixels", "axes", "fault"),
    [
        (RAW[:2], "TYX", "has 3 frames of 8×10 but its image has 2 frames of 8×10"),
        (RAW[:, :7], "TYX", "has 3 frames of 8×10 but its image has 3 frames of 7×10"),
        (RAW[0], "YX", "but its image has 1 frame of 8×10"),
        (np.stack([RAW, RAW], 1), "TZYX", "but its image has 3 frames of 2 planes of 8×10"),
    ],
)
def test_movies_of_different_sizes_do_not_belong_together(tmp_path, pixels, axes, fault):
    labels = saved(tmp_path / "a.ome.tif", LABELS)
    image = saved(tmp_path / "b.ome.tif", pixels, axes)
    with pytest.raises(InputError, match=fault) as error, opened(labels, image):
        pass
    assert str(error.value).startswith("a.ome.tif: ")
    assert "--images" in str(error.value)


def test_labels_with_channels_are_none(tmp_path):
    labels = saved(tmp_path / "a.ome.tif", np.stack([LABELS, LABELS], 1), "TCYX")
    with (
        pytest.raises(InputError, match="is no label image: it has channels"),
        opened(labels, saved(tmp_path / "b.ome.tif", RAW)),
    ):
        pass


@pytest.mark.parametrize("bad", ["a.tif", "b.tif"])
def test_what_is_wrong_with_one_of_them_is_told_of_that_one(tmp_path, bad):
    entries = {name: saved(tmp_path / name, LABELS) for name in ("a.tif", "b.tif")}
    (tmp_path / bad).write_bytes(b"no image")
    with pytest.raises(InputError, match=bad), opened(entries["a.tif"], entries["b.tif"]):
        pass


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_files_are_closed_when_they_are_done_with(tmp_path):
    labels, image = saved(tmp_path / "a.tif", LABELS), saved(tmp_path / "b.tif", RAW)
    before = open_files()
    for _ in range(3):
        with opened(labels, image) as file:
            file.images[0].read(0, 1)
            assert open_files() > before
        assert open_files() == before


def names(pairs):
    return [(one.name, one.source.image.path.name) for one in pairs]


def entries(*given):
    return [Entry(name, PathSource(Path(name))) for name in given]


@pytest.mark.parametrize(
    ("labels", "images", "expected"),
    [
        (["a.tif"], ["b.tif"], ["b.tif"]),
        (["b_labels.tif", "a_masks.tif"], ["a.tif", "b.tif"], ["b.tif", "a.tif"]),
        (["x/b.ome.tif", "x/a.tif"], ["y/A.TIF", "y/b.tiff"], ["b.tiff", "A.TIF"]),
        (["b_cp_masks.tif", "a.ome.zarr"], ["a.ome.tif", "b.tif"], ["b.tif", "a.ome.tif"]),
        # Names that do not tell: their places do.
        (["b.tif", "a.tif"], ["a.tif", "c.tif"], ["a.tif", "c.tif"]),
        (["x/a.tif", "y/a.tif"], ["x/a.tif", "y/a.tif"], ["a.tif", "a.tif"]),
        (["b_mask.tif", "b_labels.tif"], ["b.tif", "c.tif"], ["b.tif", "c.tif"]),
    ],
)
def test_names_tell_what_belongs_together_and_else_places_do(labels, images, expected):
    made = beside(entries(*labels), entries(*images))
    assert [one.name for one in made] == labels
    assert [one.source.image.path.name for one in made] == expected


@pytest.mark.parametrize("count", [0, 1, 3])
def test_there_is_one_image_for_each_movie_of_labels(count):
    with pytest.raises(OptionError, match=f"2 label movies but {count} of images"):
        beside(entries("a.tif", "b.tif"), entries(*"xyz"[:count]))
