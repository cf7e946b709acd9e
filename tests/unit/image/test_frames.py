from __future__ import annotations

import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from cytomill.errors import InputError
from cytomill.image.collect import Entry, collect, output_stems
from cytomill.image.core import Image
from cytomill.image.frames import FramesSource


def plane(value: int, shape: tuple[int, ...] = (6, 7), dtype: str = "uint16") -> NDArray[Any]:
    return np.full(shape, value, dtype)


def write(folder: Path, *numbers: int, name: str = "t{:03d}.tif") -> Path:
    """A frame for each number, filled with it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        tifffile.imwrite(folder / name.format(number), plane(number))
    return folder


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def only(*inputs: Path) -> Entry:
    (entry,) = collect(inputs, movies=True)
    return entry


def values(image: Image) -> list[int | str]:
    """The first pixel of every frame, or why it cannot be read."""
    found: list[int | str] = []
    for t in range(image.shape[0]):
        try:
            found.append(int(image.read(t)[0, 0]))
        except InputError as error:
            found.append(str(error))
    return found


def test_frames_of_a_folder_are_one_movie_called_after_it(tmp_path):
    folder = write(tmp_path / "01", *range(12))
    for given in ([folder], [tmp_path], [Path(f"{folder}/t*.tif")], sorted(folder.iterdir())):
        entry = only(*given)
        assert entry.name == "01"
        assert output_stems([entry]) == ["01"]
        with entry.open() as file:
            (image,) = file.images
            assert (image.axes, image.shape, image.dtype) == ("TYX", (12, 1, 1, 6, 7), np.uint16)
            assert values(image) == list(range(12))
            part = image.read(5, 0, 0, slice(1, 3), slice(2, 4))
            np.testing.assert_array_equal(part, plane(5, (2, 2)))
            for wrong in ((12, 0, 0), (-1, 0, 0), (0, 0, 1)):
                with pytest.raises(IndexError):
                    image.read(*wrong)


def test_without_movies_every_file_is_an_image(tmp_path):
    write(tmp_path, 0, 1)
    assert [entry.name for entry in collect([tmp_path])] == ["t000.tif", "t001.tif"]


def test_a_zip_is_a_folder(tmp_path):
    folder = write(tmp_path / "in", 0, 1, 3)
    flat = only(zipped(folder, tmp_path / "scan.zip"))
    assert flat.name == "scan"
    deep = only(zipped(write(tmp_path / "deep" / "01", 0, 1).parent, tmp_path / "two.zip"))
    assert deep.name == "two/01"
    outside = only(folder)
    assert flat.digest() == outside.digest()
    assert flat.bytes == outside.bytes > 0
    with flat.open() as file:
        assert values(file.images[0]) == [0, 1, values(file.images[0])[2], 3]
        with pytest.raises(InputError, match=r"scan\.zip: frame 2 is missing: t002\.tif"):
            file.images[0].read(2)


def test_cell_tracking_challenge_folders_are_movies_and_label_movies(tmp_path):
    write(tmp_path / "01", 0, 1)
    tracks = write(tmp_path / "01_GT" / "TRA", 0, 1, name="man_track{:03d}.tif")
    (tracks / "man_track.txt").write_text("1 0 1 0\n")
    write(tmp_path / "01_GT" / "SEG", 0, 1, name="man_seg{:03d}.tif")
    write(tmp_path / "01_ST" / "SEG", 0, 1, name="man_seg{:03d}.tif")
    found = collect([tmp_path], movies=True)
    names = ["01", "01_GT/SEG", "01_GT/TRA", "01_ST/SEG"]
    assert [entry.name for entry in found] == names
    assert output_stems(found) == names
    assert only(tracks).name == "TRA"


def test_movies_stand_in_the_order_of_their_first_files_among_others(tmp_path):
    write(tmp_path / "b", 0, 1)
    write(tmp_path / "b" / "c", 0)
    tifffile.imwrite(tmp_path / "a.tif", plane(1))
    tifffile.imwrite(tmp_path / "b" / "overview.tif", plane(1))
    for stack in ("movie1.tif", "movie2.tif"):
        tifffile.imwrite(tmp_path / "b" / stack, plane(1, (4, 6, 7)), photometric="minisblack")
    names = [entry.name for entry in collect([tmp_path], movies=True)]
    assert names == ["a.tif", "b/c/t000.tif", "b/movie1.tif", "b/movie2.tif", "b/overview.tif", "b"]


def test_two_movies_of_one_name_are_told_apart(tmp_path):
    one, two = write(tmp_path / "x" / "01", 0, 1), write(tmp_path / "y" / "01", 0, 1)
    assert [entry.name for entry in collect([one, two], movies=True)] == ["01", "01-2"]


def test_channels_of_a_frame_are_channels_of_the_movie(tmp_path):
    for t in range(3):
        array = np.arange(2 * 6 * 7, dtype=np.uint8).reshape(2, 6, 7) + t
        tifffile.imwrite(
            tmp_path / f"t{t}.ome.tif",
            array,
            metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}},
        )
    with only(tmp_path).open() as file:
        (image,) = file.images
        assert (image.axes, image.shape) == ("TCYX", (3, 2, 1, 6, 7))
        assert image.channels == ("DAPI", "GFP")
        assert image.read(2, 1)[0, 0] == 44


def test_colour_pictures_are_frames(tmp_path):
    for t in range(2):
        picture = np.full((6, 7, 3), t, np.uint8)
        (tmp_path / f"{t}.png").write_bytes(imagecodecs.png_encode(picture))
    with only(tmp_path).open() as file:
        (image,) = file.images
        assert (image.axes, image.shape, image.rgb) == ("TCYX", (2, 3, 1, 6, 7), True)


def test_a_missing_frame_is_told_when_it_is_read(tmp_path):
    with only(write(tmp_path / "m", 0, 1, 3)).open() as file:
        (image,) = file.images
        assert image.shape[0] == 4
        with pytest.raises(InputError, match=r"m: frame 2 is missing: t002\.tif$"):
            image.read(2)
        assert image.read(3)[0, 0] == 3


def test_numbers_in_regular_steps_are_frames_that_follow_each_other(tmp_path):
    with only(write(tmp_path, 0, 5, 10)).open() as file:
        assert values(file.images[0]) == [0, 5, 10]


@pytest.mark.parametrize(
    ("array", "fault"),
    [
        (
            plane(1, (5, 7)),
            "t001.tif: is 5×7 uint16 with 1 channel but most frames of its movie are "
            "6×7 uint16 with 1 channel",
        ),
        (plane(1, dtype="uint8"), "is 6×7 uint8 with 1 channel but most"),
        (plane(1, (4, 6, 7)), "t001.tif: has 1 times and 4 depths but is a frame of a movie"),
    ],
)
def test_a_frame_unlike_the_others_is_told_when_it_is_read(tmp_path, array, fault):
    write(tmp_path, 0, 2, 3)
    tifffile.imwrite(tmp_path / "t001.tif", array, photometric="minisblack")
    with only(tmp_path).open() as file:
        found = values(file.images[0])
        assert fault in str(found.pop(1))
        assert found == [0, 2, 3]


@pytest.mark.parametrize("content", [b"", b"not an image", b"II*\0\x08\0\0\0\1\0"])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_damaged_frame_is_told_when_it_is_read(tmp_path, content, number):
    write(tmp_path, 0, 1, 2, 3)
    (tmp_path / f"t{number:03d}.tif").write_bytes(content)
    entry = only(tmp_path)
    assert entry.digest() == only(tmp_path).digest()
    with entry.open() as file:
        found = values(file.images[0])
        assert f"t{number:03d}.tif" in str(found.pop(number))
        assert found == [n for n in range(4) if n != number]


def test_a_frame_that_is_gone_is_told_and_leaves_the_movie_a_digest(tmp_path):
    entry = only(write(tmp_path, 0, 1, 2))
    before = entry.digest(), entry.stamp()
    (tmp_path / "t001.tif").unlink()
    assert entry.digest() != before[0]
    assert entry.stamp() != before[1]
    with entry.open() as file:
        assert "does not exist" in str(values(file.images[0])[1])


def test_frames_of_which_no_form_is_that_of_most_are_no_movie(tmp_path):
    write(tmp_path, 0)
    tifffile.imwrite(tmp_path / "t001.tif", plane(1, (5, 5)))
    with pytest.raises(InputError, match="are not alike"), only(tmp_path).open():
        pass


def test_the_form_is_that_of_most_frames_wherever_the_others_are(tmp_path):
    write(tmp_path, *range(3, 100))
    for odd in (0, 1, 2):
        tifffile.imwrite(tmp_path / f"t{odd:03d}.tif", plane(1, (5, 5)))
    with only(tmp_path).open() as file:
        assert file.images[0].shape == (100, 1, 1, 6, 7)


def test_a_movie_without_one_readable_frame_says_why(tmp_path):
    for name in ("t0.tif", "t1.tif"):
        (tmp_path / name).touch()
    entry = only(tmp_path)
    with pytest.raises(InputError, match=r"t0\.tif: is empty"), entry.open():
        pass


def test_one_number_written_twice_is_told(tmp_path):
    write(tmp_path, 1, 2)
    write(tmp_path, 1, name="t{}.tif")
    fault = r"t001\.tif and t1\.tif are the same frame"
    with pytest.raises(InputError, match=fault), only(tmp_path).open():
        pass


def test_one_frame_is_an_image(tmp_path):
    assert only(write(tmp_path, 0)).name == "t000.tif"


def test_files_that_are_no_images_do_not_matter(tmp_path):
    write(tmp_path / "01", 0, 1)
    (tmp_path / "01" / "t002.txt").write_text("notes")
    with only(tmp_path).open() as file:
        assert file.images[0].shape[0] == 2


def test_a_pattern_chooses_the_frames(tmp_path):
    write(tmp_path / "01", 0, 1, name="t{:03d}_c0.tif")
    write(tmp_path / "01", 0, 1, name="t{:03d}_c1.tif")
    (entry,) = collect([tmp_path], pattern="*_c1.tif", movies=True)
    assert entry.name == "01"
    assert isinstance(entry.source, FramesSource)
    assert entry.source.series.names == ["t000_c1.tif", "t001_c1.tif"]


def test_ten_thousand_frames_are_opened_by_a_few(tmp_path, monkeypatch):
    first = write(tmp_path, 0) / "t000.tif"
    for number in range(1, 10_000):
        os.link(first, tmp_path / f"t{number:03d}.tif")
    opened = 0
    real = tifffile.TiffFile.__init__

    def counted(self: tifffile.TiffFile, *args: Any, **kwargs: Any) -> None:
        nonlocal opened
        opened += 1
        real(self, *args, **kwargs)

    monkeypatch.setattr(tifffile.TiffFile, "__init__", counted)
    with only(tmp_path).open() as file:
        assert file.images[0].shape[0] == 10_000
        assert opened < 5
        assert file.images[0].read(9_999)[0, 0] == 0


def test_frames_are_read_by_several_threads_and_processes(tmp_path):
    entry = pickle.loads(pickle.dumps(only(write(tmp_path, *range(20)))))
    with entry.open() as file, ThreadPoolExecutor(8) as pool:
        (image,) = file.images
        order = [n % 20 for n in range(100)]
        planes = list(pool.map(image.read, order))
    assert [int(found[0, 0]) for found in planes] == order
