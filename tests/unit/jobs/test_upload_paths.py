"""Paths in uploads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.errors import InputError
from cytomill.image.names import natural
from cytomill.jobs.keys import check
from cytomill.jobs.upload_paths import LONGEST, clean_path, order, path_digest

PARTS = st.text(st.sampled_from("aAbBß0129 ._-é"), min_size=1, max_size=8)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("", "is no path"),
        ("/", "absolute"),
        ("/etc/passwd", "absolute"),
        ("//host/share", "absolute"),
        ("C:/a.tif", "absolute"),
        ("c:a.tif", "absolute"),
        ("..", "leads out"),
        ("../a.tif", "leads out"),
        ("a/../../b.tif", "leads out"),
        ("a/..", "leads out"),
        ("a\\..\\b.tif", "backslash"),
        ("a\0.tif", "control characters"),
        ("a\n.tif", "control characters"),
        ("a\x7f.tif", "control characters"),
        ("a\x85.tif", "control characters"),
        ("a\u2028.tif", "control characters"),
        ("a\ud800.tif", "not UTF-8"),
        (".", "is no path"),
        ("./.", "is no path"),
        ("a" * 256, "more than 255 bytes"),
        ("é" * 128, "more than 255 bytes"),
        ("/".join(["abcdefghi"] * 103), "more than 850 bytes"),
    ],
)
def test_a_path_that_cannot_be_is_refused_with_its_reason(path, fault):
    with pytest.raises(InputError, match=fault):
        clean_path(path)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("a.tif", "a.tif"),
        ("./a//b.tif", "a/b.tif"),
        ("slide.zarr/.zattrs", "slide.zarr/.zattrs"),
        ("..a/b..", "..a/b.."),
        ("a b/ü (1) #2?.tif", "a b/ü (1) #2?.tif"),
        ("é" * 127, "é" * 127),
    ],
)
def test_others_are_taken_as_they_are(path, cleaned):
    assert clean_path(path) == cleaned


@given(st.text(max_size=60))
def test_what_is_taken_stays_below_the_upload_and_can_be_a_key(path):
    try:
        cleaned = clean_path(path)
    except InputError:
        return
    parts = cleaned.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert clean_path(cleaned) == cleaned
    assert check(f"uploads/{'0' * 24}/files/{cleaned}")
    assert len(cleaned.encode()) <= LONGEST


@given(st.lists(PATHS, max_size=12))
def test_files_are_ordered_as_inputs_of_a_run_are(paths):
    assert sorted(paths, key=order) == sorted(paths, key=natural)


def test_a_digest_has_nothing_of_the_path():
    assert len(path_digest("patient name.tif")) == 64
