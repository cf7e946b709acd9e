from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest
from numpy.typing import NDArray

from cytomill.errors import InputError, OptionError, OutputError
from cytomill.image.array import from_array
from cytomill.image.core import Image, PixelSize
from cytomill.ops.colour import colour
from cytomill.ops.track import Track
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.pictures.encode import check, rate
from cytomill.tracks.pictures.movie import write_movie
from cytomill.tracks.pictures.painter import Painter

FRAMES, HEIGHT, WIDTH = 12, 90, 120


def labels_of(lineage: Lineage, radius: int = 8) -> NDArray[np.uint16]:
    """A disc at each spot."""
    stack = np.zeros((lineage.shape[0], 1, *lineage.shape[1:]), np.uint16)
    spots = lineage.spots
    for t, label, y, x in zip(spots.t, spots.label, spots.y, spots.x, strict=True):
        cv2.circle(stack[t, 0], (round(x), round(y)), radius, int(label), -1)
    return stack


def lineage(**more: Any) -> Lineage:
    """A cell that goes right and divides in frame 6, and one that stays, filled in frame 3."""
    rows: list[Any] = [(t, 1, 45, 15 + 5 * t, 200, False) for t in range(6)]
    rows += [(t, 2, 30, 45 + 3 * (t - 6), 200, False) for t in range(6, FRAMES)]
    rows += [(t, 3, 60, 45 + 3 * (t - 6), 200, False) for t in range(6, FRAMES)]
    rows += [(t, 4, 20, 100, 200, t == 3) for t in range(FRAMES)]
    tracks = (Track(1, 0, 5), Track(2, 6, 11, 1), Track(3, 6, 11, 1), Track(4, 0, 11))
    return Lineage(tracks, Spots.of(rows), (FRAMES, HEIGHT, WIDTH), **more)


def raw(whole: Lineage, dtype: Any = np.uint16) -> Image:
    return from_array((100 + 150 * (labels_of(whole)[:, 0] > 0)).astype(dtype), "TYX")


def painted(whole: Lineage, t: int, image: Image | None = None) -> NDArray[np.uint8]:
    """The frame without what is below the image; a pixel of the image is 8 in the movie."""
    image = image or raw(whole)
    return Painter(whole, labels_of(whole), image, None, 1920).paint(t)[: 8 * HEIGHT]


def near(picture: NDArray[np.uint8], rgb: tuple[int, int, int], by: int = 24) -> NDArray[np.bool_]:
    return np.asarray((np.abs(picture.astype(int) - rgb) <= by).all(axis=-1))


def box(mask: NDArray[np.bool_]) -> list[int]:
    """The rectangle around what is true: y0, x0, y1, x1."""
    y, x = np.nonzero(mask)
    return [int(y.min()), int(x.min()), int(y.max()), int(x.max())]


def read_gif(path: Path) -> list[NDArray[np.uint8]]:
    with PIL.Image.open(path) as picture:
        assert picture.format == "GIF"
        return [np.asarray(frame.convert("RGB")) for frame in PIL.ImageSequence.Iterator(picture)]


def test_outlines_lie_around_cells_in_the_colour_that_tracks_have_in_the_tree() -> None:
    picture = painted(lineage(), 0)
    for label, y, x in ((1, 45, 15), (4, 20, 100)):
        around = picture[8 * (y - 12) : 8 * (y + 12), 8 * (x - 12) : 8 * (x + 12)]
        found = box(near(around, colour(label)))
        # A disc of radius 8 around the middle of the 24 by 24 pixels.
        assert found == pytest.approx([4 * 8, 4 * 8, 20 * 8, 20 * 8], abs=10)


def test_a_cell_put_into_a_gap_is_dashed() -> None:
    seen, put = (near(painted(lineage(), t), colour(4)).sum() for t in (2, 3))
    assert 0.3 * seen < put < 0.75 * seen


def test_a_tail_shows_where_a_cell_and_its_mother_were() -> None:
    whole = lineage()
    picture = painted(whole, 11).astype(int)
    # The daughter's tail leads back to her mother, whose last place was (45, 40).
    between = picture[8 * 36 : 8 * 40, 8 * 40 : 8 * 46]
    assert np.ptp(between, axis=2).max() > 40
    before = painted(whole, 0).astype(int)[8 * 36 : 8 * 40, 8 * 40 : 8 * 46]
    assert np.ptp(before, axis=2).max() < 20


def test_new_daughters_are_joined_by_a_line_for_a_few_frames() -> None:
    whole = lineage()
    light = [
        painted(whole, t)[8 * 45, 8 * (45 + 3 * (t - 6)) : 8 * (46 + 3 * (t - 6))].min(axis=1).max()
        for t in (6, 7, 8, 9)
    ]
    assert min(light[:3]) > 120
    assert light[3] < 60


def test_the_contrast_is_the_same_in_all_frames() -> None:
    whole = lineage()
    array = np.asarray(raw(whole).read(0))[None].repeat(FRAMES, axis=0).copy()
    array[7] = 60_000  # a flash
    array[8] = 0  # no light
    image = from_array(array, "TYX")
    dark = [int(painted(whole, t, image)[8 * 80, 8 * 10, 0]) for t in (0, 6, 11)]
    bright = [int(painted(whole, t, image)[8 * 40, 8 * 16, 0]) for t in (0, 6, 11)]
    assert len(set(dark)) == 1
    assert len(set(bright)) == 1
    assert bright[0] - dark[0] > 200


def strip(whole: Lineage, t: int) -> NDArray[np.uint8]:
    return Painter(whole, labels_of(whole), raw(whole), None, 1920).paint(t)[8 * HEIGHT :]


def test_below_the_image_are_the_frame_its_time_and_the_scale() -> None:
    size = PixelSize(0.5, 0.5)
    bare, timed, scaled = (
        (strip(lineage(**more), 2) > 128).any(axis=2)
        for more in ({}, {"interval": 600.0}, {"pixel_size": size})
    )
    assert bare[:, :200].any()
    assert timed.sum() > 1.5 * bare.sum()
    # 10 µm are 20 pixels of the image, 160 of the movie.
    assert not bare[:, 480:].any()
    edges = np.diff(scaled.astype(int), axis=1, prepend=0, append=0)
    starts, stops = (np.nonzero(edges == way)[1] for way in (1, -1))
    assert (stops - starts).max() == 160


def test_a_frame_that_was_lost_is_black_where_it_cannot_be_read_and_said_to_be_lost() -> None:
    class Broken:
        def read(self, t: int, c: int, z: int, y: slice, x: slice) -> NDArray[Any]:
            if t == 5:
                raise InputError("movie.tif", "is damaged")
            return np.full((HEIGHT, WIDTH), 7, np.uint8)[y, x]

        def close(self) -> None: ...

    shape = (FRAMES, 1, 1, HEIGHT, WIDTH)
    image = Image("movie.tif", "TYX", shape, np.dtype(np.uint8), Broken())
    whole = lineage(lost=(5,))
    assert painted(whole, 5, image).size
    orange = near(strip(whole, 5), (255, 170, 60))
    assert orange.any()
    assert not near(strip(whole, 4), (255, 170, 60)).any()
    with pytest.raises(InputError, match="is damaged"):
        painted(lineage(), 5, image)


@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (np.full((3, 40, 50), np.nan, np.float32), "TYX"),
        (np.full((3, 40, 50), 7, np.uint16), "TYX"),
        (np.full((3, 40, 50), -7, np.int64), "TYX"),
        (np.zeros((3, 40, 50), bool), "TYX"),
        (np.zeros((3, 2, 40, 50), np.float16), "TCYX"),
        (np.zeros((1, 1, 1), np.uint8), "TYX"),
        (np.zeros((2, 3, 2000), np.uint8), "TYX"),
        (np.zeros((2, 2500, 2), np.uint8), "TYX"),
    ],
)
@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_odd_movies_are_written(array: NDArray[Any], axes: str, kind: str, tmp_path: Path) -> None:
    image = from_array(array, axes)
    shape = (image.shape[0], *image.shape[3:])
    path = tmp_path / f"movie.{kind}"
    write_movie(path, Lineage((), Spots.of([]), shape), np.zeros(shape, np.uint8)[:, None], image)
    if kind == "gif":
        assert len(read_gif(path)) == shape[0]
    else:
        assert len(read_mp4(path)[0]) == shape[0]


def test_of_a_colour_movie_the_brightest_channel_is_shown() -> None:
    array = np.zeros((FRAMES, 3, HEIGHT, WIDTH), np.uint8)
    array[:, 2, 70:, :40] = 200
    image = from_array(array, "TCYX")
    image = Image(**{name: getattr(image, name) for name in image.__slots__} | {"rgb": True})
    assert painted(lineage(), 0, image)[8 * 80, 8 * 20].min() > 200


def read_mp4(path: Path) -> tuple[list[NDArray[np.uint8]], Any]:
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in box.decode(stream)]
        seconds = float(stream.duration * stream.time_base)
        return frames, (stream.codec_context.name, stream.codec_context.pix_fmt, seconds)


def test_an_mp4_is_what_browsers_play_and_has_all_frames(tmp_path: Path) -> None:
    whole = lineage(interval=600.0)
    write_movie(tmp_path / "movie.mp4", whole, labels_of(whole), raw(whole))
    frames, (codec, pixels, seconds) = read_mp4(tmp_path / "movie.mp4")
    assert (codec, pixels, len(frames)) == ("h264", "yuv420p", FRAMES)
    assert 5 <= seconds <= 20
    data = (tmp_path / "movie.mp4").read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    painter = Painter(whole, labels_of(whole), raw(whole), None, 1920)
    assert frames[0].shape[:2] == painter.size
    for t in (0, 7):
        difference = np.abs(frames[t].astype(int) - painter.paint(t))
        assert difference.mean() < 3
    # OpenCV's player, which knows nothing of ours, sees the same.
    player = cv2.VideoCapture(str(tmp_path / "movie.mp4"))
    assert int(player.get(cv2.CAP_PROP_FRAME_COUNT)) == FRAMES
    player.release()


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_the_same_movie_is_written_each_time(kind: str, tmp_path: Path) -> None:
    whole = lineage()
    for name in ("a", "b"):
        write_movie(tmp_path / f"{name}.{kind}", whole, labels_of(whole), raw(whole))
    assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_gif_has_all_frames_in_the_colours_of_tracks(tmp_path: Path) -> None:
    whole = lineage()
    write_movie(tmp_path / "movie.gif", whole, labels_of(whole), raw(whole))
    frames = read_gif(tmp_path / "movie.gif")
    assert len(frames) == FRAMES
    assert max(frames[0].shape) <= 720
    for label in (2, 3, 4):
        assert near(frames[8], colour(label), 0).sum() > 20


def test_of_a_long_movie_a_gif_shows_every_so_many_frames(tmp_path: Path) -> None:
    whole = Lineage((), Spots.of([]), (500, 4, 4))
    image = from_array(np.zeros((500, 4, 4), np.uint8), "TYX")
    write_movie(tmp_path / "movie.gif", whole, np.zeros((500, 1, 4, 4), np.uint8), image)
    assert len(read_gif(tmp_path / "movie.gif")) == 167


def test_large_frames_are_made_smaller_and_read_a_frame_at_a_time() -> None:
    read: list[int] = []

    class Labels:
        def __getitem__(self, index: Any) -> NDArray[np.uint32]:
            read.append(index[0])
            frame = np.zeros((3000, 4000), np.uint32)
            frame[1000:2000, 1000:2000] = 70_000
            return frame

    rows = [(t, 70_000, 1499.5, 1499.5, 1e6, False) for t in range(2)]
    whole = Lineage((Track(70_000, 0, 1),), Spots.of(rows), (2, 3000, 4000))
    image = from_array(np.broadcast_to(np.uint8(3), (2, 3000, 4000)), "TYX")
    painter = Painter(whole, Labels(), image, None, 1920)
    assert max(painter.size) == 1920
    assert box(near(painter.paint(1), colour(70_000))) == pytest.approx([480, 480, 960, 960], abs=3)
    assert read == [1]


def test_the_longest_edge_holds_for_upright_movies_too() -> None:
    whole = Lineage((), Spots.of([]), (1, 3000, 40))
    image = from_array(np.zeros((1, 3000, 40), np.uint8), "TYX")
    painter = Painter(whole, np.zeros((1, 1, 3000, 40), np.uint8), image, None, 1920)
    assert max(painter.size) <= 1920
    assert painter.paint(0).shape == (*painter.size, 3)
    assert all(edge % 2 == 0 for edge in painter.size)


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 17, 18, 92, 240, 600])
def test_a_movie_lasts_5_to_20_seconds(frames: int) -> None:
    assert 5 <= frames / rate(frames) <= 20
    assert rate(frames) <= 30


def test_a_long_movie_is_no_faster_than_screens() -> None:
    assert rate(100_000) == Fraction(30)


def test_unknown_kinds_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="a movie is mp4 or gif, not avi"):
        check("avi")
    with pytest.raises(OptionError, match="not avi"):
        write_movie(tmp_path / "a.avi", lineage(), None, raw(lineage()))
    check("gif")
    check(".GIF")


def test_the_kind_can_be_told_where_the_name_does_not(tmp_path: Path) -> None:
    whole = lineage()
    write_movie(tmp_path / "a.part", whole, labels_of(whole), raw(whole), kind=".gif")
    assert len(read_gif(tmp_path / "a.part")) == FRAMES


def test_without_pyav_an_mp4_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(OptionError, match=r"pip install cytomill\[movie\]"):
        check("mp4")
    check("gif")


def test_a_pyav_without_an_encoder_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytomill.tracks.pictures.encode._CODEC", "no-such-codec")
    with pytest.raises(OptionError, match=r"cannot write H\.264"):
        check("mp4")


def test_a_movie_without_frames_is_refused(tmp_path: Path) -> None:
    image = from_array(np.zeros((1, 4, 4), np.uint8), "TYX")
    empty = Image("a.tif", "TYX", (0, 1, 1, 4, 4), image.dtype, image.source)
    with pytest.raises(InputError, match=r"a\.tif: has no frames"):
        write_movie(tmp_path / "a.gif", Lineage((), Spots.of([]), (0, 4, 4)), None, empty)


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_a_folder_that_cannot_be_written_is_told(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    whole = lineage()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_movie(tmp_path / "file" / f"a.{kind}", whole, labels_of(whole), raw(whole))
