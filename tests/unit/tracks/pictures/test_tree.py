from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from cytomill.errors import OptionError, OutputError
from cytomill.ops.colour import colour
from cytomill.ops.track import Track
from cytomill.tracks.lineage import Lineage, Spots
from cytomill.tracks.pictures.drawing import Area, Drawing, Line, Mark, Text
from cytomill.tracks.pictures.tree import draw_tree, write_tree


def lineage(
    *tracks: Track,
    frames: int = 20,
    gaps: tuple[tuple[int, int], ...] = (),
    lost: tuple[int, ...] = (),
    interval: float | None = None,
) -> Lineage:
    """Tracks in the middle of an image, but not seen in ``gaps``, frames of labels."""
    rows = [
        (t, track.label, 50, 60, 80, False)
        for track in tracks
        for t in range(track.begin, track.end + 1)
        if (t, track.label) not in gaps
    ]
    return Lineage(tracks, Spots.of(rows), (frames, 100, 120), interval=interval, lost=lost)


FAMILY = (Track(1, 0, 8), Track(2, 9, 19, 1), Track(3, 9, 15, 1), Track(4, 3, 19))


def drawn(path: Path) -> NDArray[np.uint8]:
    with PIL.Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def upright(drawing: Drawing, label: int) -> list[Line]:
    return [
        shape
        for shape in drawing.shapes
        if isinstance(shape, Line) and shape.x0 == shape.x1 and shape.colour == colour(label)
    ]


def texts(drawing: Drawing) -> list[str]:
    return [shape.text for shape in drawing.shapes if isinstance(shape, Text)]


def marks(drawing: Drawing) -> list[Mark]:
    """Those of tracks, not those of the legend."""
    colours = {colour(label) for label in range(1, 10)}
    return [s for s in drawing.shapes if isinstance(s, Mark) and s.colour in colours]


def test_every_track_is_a_line_of_its_colour_as_long_as_it_lasts(tmp_path: Path) -> None:
    whole = lineage(*FAMILY)
    write_tree(tmp_path / "tree.png", whole)
    picture = drawn(tmp_path / "tree.png")
    drawing = draw_tree(whole)
    assert picture.shape == (drawing.height, drawing.width, 3)
    frame = upright(drawing, 1)[0].y1 - upright(drawing, 1)[0].y0
    frame /= 9
    for track in FAMILY:
        (line,) = upright(drawing, track.label)
        assert line.y1 - line.y0 == pytest.approx((track.end + 1 - track.begin) * frame, abs=0.1)
        middle = picture[round((line.y0 + line.y1) / 2), round(line.x0)]
        assert tuple(middle.tolist()) == colour(track.label)


def test_a_bar_joins_a_mother_and_her_daughters() -> None:
    drawing = draw_tree(lineage(*FAMILY))
    mother, left, right = (upright(drawing, label)[0] for label in (1, 2, 3))
    bars = [
        shape
        for shape in drawing.shapes
        if isinstance(shape, Line) and shape.y0 == shape.y1 and shape.colour != (232, 232, 237)
    ]
    assert [(bar.x0, bar.x1, bar.y0) for bar in bars] == [
        (mother.x0, left.x0, left.y0),
        (mother.x0, right.x0, right.y0),
    ]
    assert left.x0 < mother.x0 < right.x0
    assert mother.y1 == left.y0 == right.y0


def test_gaps_are_dotted_and_lost_frames_shaded() -> None:
    drawing = draw_tree(lineage(*FAMILY, gaps=((5, 4), (6, 4)), lost=(12,)))
    before, gap, after = upright(drawing, 4)
    assert (before.dotted, gap.dotted, after.dotted) == (False, True, False)
    assert before.y1 == gap.y0
    assert gap.y1 == after.y0
    (shade, _) = [shape for shape in drawing.shapes if isinstance(shape, Area)]
    frame = (after.y1 - after.y0) / 13
    assert shade.y1 - shade.y0 == pytest.approx(frame, abs=0.1)
    assert {"not found", "frame could not be analysed"} <= set(texts(drawing))
    pixels = drawing.pixels()
    column = pixels[round(gap.y0) : round(gap.y1), round(gap.x0)]
    ink = (column == colour(4)).all(axis=1)
    assert 0 < ink.sum() < len(ink)


def test_a_daughter_found_late_hangs_on_a_dotted_line() -> None:
    drawing = draw_tree(lineage(Track(1, 0, 8), Track(2, 9, 19, 1), Track(3, 12, 19, 1)))
    late = upright(drawing, 3)
    assert [line.dotted for line in late] == [True, False]
    assert late[0].y0 == upright(drawing, 2)[0].y0


def test_no_bar_leads_back_in_time() -> None:
    drawing = draw_tree(lineage(Track(1, 0, 3, 2), Track(2, 8, 12)))
    assert len([s for s in drawing.shapes if isinstance(s, Line) and s.colour == colour(1)]) == 1


def test_ends_inside_are_crossed_and_those_at_the_border_ringed() -> None:
    rows = [(t, 1, 50, 60, 80, False) for t in range(3, 9)]
    rows += [(t, 2, 50, 2, 80, False) for t in range(9)]
    whole = Lineage((Track(1, 3, 8), Track(2, 0, 8)), Spots.of(rows), (20, 100, 120))
    found = marks(draw_tree(whole))
    assert [(mark.colour, mark.cross) for mark in found] == [
        (colour(2), False),
        (colour(1), True),
        (colour(1), True),
    ]


def test_the_marks_of_a_track_of_one_frame_do_not_cover_each_other() -> None:
    (mark,) = marks(draw_tree(lineage(Track(1, 50, 50), frames=200)))
    (line,) = upright(draw_tree(lineage(Track(1, 50, 50), frames=200)), 1)
    assert line.y0 < mark.y < line.y1


def test_tracks_without_divisions_can_be_left_out_and_the_picture_says_so() -> None:
    drawing = draw_tree(lineage(*FAMILY), undivided=False)
    assert not upright(drawing, 4)
    assert "1 track not drawn" in texts(drawing)
    assert "4 tracks · 1 division · 20 frames" in texts(drawing)


def test_time_is_in_hours_where_the_interval_is_known() -> None:
    assert {"h", "0", "2", "4", "5:00 h from top to bottom"} <= set(
        texts(draw_tree(lineage(*FAMILY, interval=900.0)))
    )
    assert "frame" in texts(draw_tree(lineage(*FAMILY)))


def test_labels_are_written_where_there_is_room() -> None:
    assert {"1", "2", "3", "4"} <= set(texts(draw_tree(lineage(*FAMILY))))
    many = [Track(1000 + i, 0, 19) for i in range(900)]
    assert not {"1000", "1500"} & set(texts(draw_tree(lineage(*many))))


def test_an_svg_has_all_lines_and_is_the_same_each_time(tmp_path: Path) -> None:
    whole = lineage(*FAMILY, gaps=((5, 4),), interval=900.0)
    for name in ("a.svg", "b.SVG"):
        write_tree(tmp_path / name, whole)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.SVG").read_text()
    root = ET.fromstring(text)
    strokes = {element.get("stroke") for element in root.iter("{http://www.w3.org/2000/svg}path")}
    for track in FAMILY:
        assert "#" + bytes(colour(track.label)).hex() in strokes
    assert len(re.findall("stroke-dasharray", text)) >= 1


def test_the_same_png_is_written_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_tree(tmp_path / name, lineage(*FAMILY))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("shape", [(0, 0, 0), (1, 1, 1), (5, 100, 100)])
def test_an_empty_lineage_is_an_empty_tree(shape: tuple[int, int, int], tmp_path: Path) -> None:
    write_tree(tmp_path / "tree.png", Lineage((), Spots.of([]), shape))
    assert drawn(tmp_path / "tree.png").size


def test_one_frame_and_long_movies_are_drawn() -> None:
    for frames in (1, 100_000):
        drawing = draw_tree(lineage(Track(1, 0, frames - 1), frames=frames))
        (line,) = upright(drawing, 1)
        assert 80 <= line.y1 - line.y0 <= 500


def many_tracks(count: int, frames: int) -> Lineage:
    """Families of three generations, and as many tracks without divisions."""
    rng = np.random.default_rng(1)
    tracks: list[Track] = []
    third = frames // 3
    while len(tracks) < count:
        label = len(tracks) + 1
        if rng.random() < 0.5:
            begin = int(rng.integers(0, frames))
            tracks.append(Track(label, begin, min(frames - 1, begin + 20)))
            continue
        tracks.append(Track(label, 0, third - 1))
        tracks += [Track(label + i, third, 2 * third - 1, label) for i in (1, 2)]
        tracks += [
            Track(label + i, 2 * third, frames - 1, label + i // 5 + 1) for i in (3, 4, 5, 6)
        ]
    return Lineage(tuple(tracks), Spots.of([]), (frames, 2000, 2000))


@pytest.mark.parametrize(("count", "complete"), [(500, True), (3000, True), (100_000, False)])
def test_many_tracks_fit_the_size_or_the_picture_says_what_does_not(
    count: int, complete: bool
) -> None:
    whole = many_tracks(count, 60)
    drawing = draw_tree(whole)
    assert max(drawing.width, drawing.height) <= 4096
    left_out = [text for text in texts(drawing) if text.endswith("not drawn")]
    assert bool(left_out) != complete
    lines = [shape for shape in drawing.shapes if isinstance(shape, Line) and shape.x0 == shape.x1]
    shown = len(whole.tracks)
    if left_out:
        shown -= int(re.sub(r"\D", "", left_out[0]))
    assert len(lines) == shown
    for shape in lines:
        assert 0 < shape.x0 < drawing.width
        assert 0 < shape.y0 < shape.y1 < drawing.height


def test_a_family_wider_than_the_picture_is_drawn_in_narrower_columns() -> None:
    daughters = [Track(2 + i, 10, 19, 1) for i in range(6000)]
    drawing = draw_tree(lineage(Track(1, 0, 9), *daughters))
    assert drawing.width <= 4096
    assert "6,001 tracks · 1 division · 20 frames" in texts(drawing)
    assert not any(text.endswith("not drawn") for text in texts(drawing))


def test_the_longest_edge_can_be_chosen() -> None:
    drawing = draw_tree(many_tracks(3000, 60), longest=1000)
    assert max(drawing.width, drawing.height) <= 1000


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"tree\.pdf: .*\.png, \.svg"):
        write_tree(tmp_path / "tree.pdf", lineage(*FAMILY))
    assert not list(tmp_path.iterdir())


def test_the_kind_can_be_told_where_the_name_does_not(tmp_path: Path) -> None:
    write_tree(tmp_path / "a.part", lineage(*FAMILY), kind=".svg")
    assert (tmp_path / "a.part").read_text().startswith("<svg")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        write_tree(tmp_path / "file" / "tree.png", lineage(*FAMILY))


def ink(picture: Any) -> Any:
    return (picture < 128).any(axis=2)


def test_shapes_are_drawn_where_they_are_said_to_be() -> None:
    drawing = Drawing(40, 30)
    drawing.shapes += [
        Line(5, 2, 5, 12, (0, 0, 0), 2),
        Line(10, 20, 20, 20, (0, 0, 0)),
        Area(30, 5, 34, 9, (9, 9, 9)),
        Mark(30, 20, 4, (0, 0, 0)),
    ]
    found = ink(drawing.pixels())
    assert found[2:12, 4:6].all()
    assert not found[12:, 4:6].any()
    assert found[20, 11:19].all() or found[19, 11:19].all()
    assert found[5:9, 30:34].all()
    assert not found[20, 30]
    assert found[18:22, 25:28].any()


def test_text_is_cut_off_at_the_edge_and_a_micrometre_is_not_a_metre() -> None:
    def written(text: str, x: float = 2) -> NDArray[np.bool_]:
        drawing = Drawing(40, 24, [Text(x, 16, text, 14, (0, 0, 0))])
        return np.asarray(ink(drawing.pixels()))

    assert written("µm")[16:].sum() > written("um")[16:].sum()
    assert written("µm")[:16].sum() >= written("um")[:16].sum()
    assert not written("frame", -300).any()
    assert written("frame", 36).any()
