"""Results stay in their folder, whatever a server calls them."""

from __future__ import annotations

import os
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.client.errors import UnsafeNameError
from cytomill.client.names import inside
from cytomill.client.records import Output
from cytomill.client.unpack import unpack
from cytomill.errors import OutputError

UNSAFE = [
    "",
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a/./b",
    "a//b",
    "a/",
    "..",
    "a\\..\\x",
    "a\nb",
    "a\0b",
    ".cytomill/job.json",
]


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(UnsafeNameError, match="leads out of the folder"):
        inside(tmp_path, name)


def test_a_link_that_leads_out_is_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/link").symlink_to(tmp_path)
    with pytest.raises(UnsafeNameError):
        inside(tmp_path / "out", "link/x")


@given(st.text(max_size=30))
def test_a_name_is_refused_or_stays_inside(tmp_path_factory, name):
    out = tmp_path_factory.getbasetemp() / "none"
    try:
        path = inside(out, name)
    except UnsafeNameError:
        return
    assert os.path.normpath(path) == str(path)
    assert path.is_relative_to(out)
    assert path != out


def packed(folder, members):
    path = folder / "packed.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


def test_a_folder_comes_as_a_zip(tmp_path):
    path = packed(tmp_path, {"b/a.zarr/zarr.json": "{}", "b/a.zarr/0/c": "xy"})
    unpack(path, Output("b/a.zarr", 4), tmp_path / "a")
    assert (tmp_path / "a/zarr.json").read_text() == "{}"
    assert (tmp_path / "a/0/c").read_text() == "xy"


@pytest.mark.parametrize("name", ["/x", "../x", "a.zarr/../x", "a.zarr/../../x", "a.zarr//x"])
def test_a_member_that_leads_out_is_refused(tmp_path, name):
    (tmp_path / "in").mkdir()
    with pytest.raises(UnsafeNameError):
        unpack(packed(tmp_path, {name: "x"}), Output("a.zarr", 9), tmp_path / "in/a")
    assert not list(tmp_path.rglob("x"))


def test_a_zip_of_more_than_was_told_is_refused(tmp_path):
    path = packed(tmp_path, {"a.zarr/x": "0123456789"})
    with pytest.raises(OutputError, match="more than it should have"):
        unpack(path, Output("a.zarr", 9), tmp_path / "a")


def test_a_damaged_zip_is_told(tmp_path):
    (tmp_path / "packed.zip").write_bytes(b"no zip")
    with pytest.raises(OutputError, match="came damaged"):
        unpack(tmp_path / "packed.zip", Output("a.zarr", 9), tmp_path / "a")
