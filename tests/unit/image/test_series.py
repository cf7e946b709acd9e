from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.image.series import Movie, Place, Series, series_of, together


def grouped(*names: str) -> set[frozenset[str]]:
    return {frozenset(names[index] for index in files) for _, files in series_of(names)}


def movies(*names: str, above: str = "f", plane: bool | None = True) -> list[str]:
    places = [Place("f", above, name) for name in names]
    return [
        one.name if isinstance(one, Movie) else names[one]
        for one in together(places, lambda _: plane)
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("t000.tif t001.tif", ["t000.tif t001.tif"]),
        ("t10.tif t9.tif t8.tif", ["t8.tif t9.tif t10.tif"]),
        (
            "a_s1_t1.tif a_s1_t2.tif a_s2_t1.tif a_s2_t2.tif",
            ["a_s1_t1.tif a_s1_t2.tif", "a_s2_t1.tif a_s2_t2.tif"],
        ),
        ("t1_c0.tif t1_c1.tif t2_c0.tif t2_c1.tif", ["t1_c0.tif t2_c0.tif", "t1_c1.tif t2_c1.tif"]),
        ("Time1_7.tif Time2_7.tif Time1_8.tif", ["Time1_7.tif Time2_7.tif"]),
        ("img1_5.tif img2_5.tif img1_6.tif", ["img1_5.tif img2_5.tif"]),
        ("a1_5.tif a1_6.tif a2_5.tif", ["a1_5.tif a1_6.tif"]),
        ("a_ch00.tif a_ch01.tif", []),
        ("a_w1.tif a_w2.tif", []),
        ("xy1.tif xy2.tif", []),
        ("z1.tif z2.tif", ["z1.tif z2.tif"]),
        ("a1_b7.tif a2_b8.tif", []),
        ("a1.tif b2.tif", []),
        ("a1.tif a2.png", []),
        ("a.tif b.tif", []),
        ("a1.tif", []),
        ("a.tf2 a.tf8", []),
        ("movie.001 movie.002", ["movie.001 movie.002"]),
        ("t1.ome.tif t2.ome.tif", ["t1.ome.tif t2.ome.tif"]),
    ],
)
def test_names_equal_but_for_the_number_that_counts_frames_are_a_series(names, expected):
    found = series_of(names.split())
    assert sorted(" ".join(series.names) for series, _ in found) == expected


PARTS = st.tuples(
    st.sampled_from(["", "a", "exp_", "t", "img", "ch"]),
    st.integers(0, 12),
    st.sampled_from(["_t", "_c", "-", "x"]),
    st.integers(0, 3),
    st.sampled_from(["{}", "{:03d}"]),
    st.sampled_from([".tif", ".png"]),
)
NAMES = st.lists(
    st.builds(lambda a: f"{a[0]}{a[4].format(a[1])}{a[2]}{a[3]}{a[5]}", PARTS), unique=True
)


@given(NAMES, st.randoms())
def test_series_do_not_depend_on_the_order_of_files(names, random):
    shuffled = list(names)
    random.shuffle(shuffled)
    assert grouped(*shuffled) == grouped(*names)


@given(NAMES, st.sets(st.integers(0, 20)))
def test_every_file_is_in_exactly_one_entry(names, stacks):
    found = together(
        [Place(name[0], "", name) for name in names], lambda index: index not in stacks
    )
    files = [one.files if isinstance(one, Movie) else (one,) for one in found]
    assert sorted(index for inside in files for index in inside) == list(range(len(names)))
    for one in found:
        if isinstance(one, Movie):
            assert [names[index] for index in one.files] == one.series.names
            assert one.files[0] not in stacks


@given(st.lists(st.integers(0, 10**6), min_size=2, unique=True))
def test_every_file_of_a_series_is_one_frame_in_order(numbers):
    written = tuple(str(number) for number in sorted(numbers))
    series = Series("t", ".tif", written)
    frames = series.frames
    assert [index for index in frames if index is not None] == list(range(len(numbers)))
    assert len(frames) <= 10 * len(numbers)
    for frame, index in enumerate(frames):
        if index is None:
            number, name = series.missing(frame)
            assert name == f"t{number:0{len(written[0])}d}.tif"
            assert min(numbers) < number < max(numbers)
            assert number not in numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("000 001 003", (0, 1, None, 2)),
        ("000 005 010", (0, 1, 2)),
        ("000 005 015", (0, 1, None, 2)),
        ("8 9 11", (0, 1, None, 2)),
        ("20260101120000 20260101120512 20260101121015", (0, 1, 2)),
    ],
)
def test_frames_go_from_the_first_number_to_the_last_in_regular_steps(written, expected):
    assert Series("t", ".tif", tuple(written.split())).frames == expected


def test_a_missing_frame_is_told_by_its_name():
    series = Series("a_t", "_w1.tif", ("000", "005", "015"))
    assert series.missing(2) == (10, "a_t010_w1.tif")


def test_a_movie_is_called_after_its_folder():
    assert movies("t0.tif", "t1.tif", above="DATA/01") == ["DATA/01"]
    assert movies("t0.tif", "overview.tif", "t1.tif", above="01") == ["01", "overview.tif"]


def test_of_several_in_a_folder_each_has_what_its_names_have_in_common():
    names = ("exp_s1_t001.tif", "exp_s2_t001.tif", "exp_s1_t002.tif", "exp_s2_t002.tif")
    assert movies(*names) == ["f/exp_s1", "f/exp_s2"]
    assert movies("t1_ch00.tif", "t2_ch00.tif", "a1.tif", "a2.tif") == ["f/ch00", "f/a"]
    assert movies("1.tif", "2.tif", "b1.tif", "b2.tif") == ["f/1", "f/b"]


def test_without_a_folder_a_movie_has_the_name_of_its_files():
    assert movies("exp_t1.tif", "exp_t2.tif", above="") == ["exp"]
    assert movies("t1.tif", "t2.tif", above="") == ["movie"]


def test_files_of_many_planes_are_movies_of_their_own():
    assert movies("movie1.tif", "movie2.tif", plane=False) == ["movie1.tif", "movie2.tif"]


def test_files_that_cannot_be_read_are_taken_for_frames():
    assert movies("t1.tif", "t2.tif", plane=None) == ["f"]


def test_one_file_of_a_series_is_opened_and_the_next_where_it_is_damaged():
    asked: list[int] = []

    def is_plane(index: int) -> bool | None:
        asked.append(index)
        return None if index == 1 else True

    together([Place("f", "f", f"t{9999 - n}.tif") for n in range(10_000)], is_plane)
    assert asked == [9999]
    asked.clear()
    together([Place("f", "f", name) for name in ("t2.tif", "t1.tif", "t3.tif")], is_plane)
    assert asked == [1, 0]


def test_numbers_of_more_digits_than_count_anything_are_text():
    assert movies(f"{'1' * 5000}.tif", f"{'1' * 4999}2.tif") == [
        f"{'1' * 5000}.tif",
        f"{'1' * 4999}2.tif",
    ]


def test_the_same_frame_twice_is_found():
    assert Series("t", ".tif", ("001", "1", "2")).twice == ("t001.tif", "t1.tif")
    assert Series("t", ".tif", ("1", "2")).twice is None
