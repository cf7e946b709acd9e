"""What is sent of the inputs that a user names: that which a run on this machine takes."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytomill.client.plan import plan
from cytomill.errors import InputError
from cytomill.image.collect import collect


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder of all that may be in one."""
    monkeypatch.chdir(tmp_path)
    top = tmp_path / "images"
    for name in ("a.tif", "img10.tif", "img2.tif", "b/c.PNG", "b/notes.txt", ".hidden.tif"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(name.encode())
    for name in (".zgroup", "0/.zarray", "0/0/0"):
        path = top / "b/cells.zarr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    with zipfile.ZipFile(top / "more.zip", "w") as packed:
        packed.writestr("d.tif", b"d")
    return top


def sent(*inputs, **options):
    return [[file.name for file in group.files] for group in plan(list(inputs), **options)]


def test_a_folder_keeps_its_relative_paths_in_natural_order(tree):
    assert sent("images") == [
        [
            "a.tif",
            "b/c.PNG",
            "b/cells.zarr/.zgroup",
            "b/cells.zarr/0/.zarray",
            "b/cells.zarr/0/0/0",
            "img2.tif",
            "img10.tif",
            "more.zip",
        ]
    ]


def test_files_named_one_by_one_keep_their_order(tree):
    assert sent("images/img2.tif", "images/img10.tif", "images/a.tif") == [
        ["img2.tif", "img10.tif"],
        ["a.tif"],
    ]


def test_files_of_one_name_go_apart(tree):
    shutil.copy("images/a.tif", "images/b/a.tif")
    assert sent("images/a.tif", "images/b/a.tif") == [["a.tif"], ["a.tif"]]


def test_many_files_out_of_order_go_together(tree):
    names = [f"images/x{number}.tif" for number in range(200, 100, -1)]
    for name in names:
        Path(name).touch()
    (group,) = sent(*names)
    assert group == [f"x{number}.tif" for number in range(101, 201)]


def test_a_file_that_several_inputs_reach_is_sent_once(tree):
    Path("link.tif").symlink_to(tree / "a.tif")
    assert sent("images/a.tif", "link.tif", "images/b/../a.tif") == [["a.tif"]]


def test_a_pattern_chooses_and_zips_are_sent_whole(tree):
    (group,) = plan("images", pattern="img*")
    assert [file.name for file in group.files] == ["img2.tif", "img10.tif", "more.zip"]
    assert group.pattern == "img*"


def test_a_file_named_itself_is_taken_whatever_its_name(tree):
    (group,) = plan("images/b/notes.txt")
    assert ([file.name for file in group.files], group.pattern) == (["notes.txt"], "*")


def test_globs_and_zarr_folders(tree):
    assert sent("images/img*.tif") == [["img2.tif", "img10.tif"]]
    (group,) = sent("images/b/cells.zarr")
    assert group == ["cells.zarr/.zgroup", "cells.zarr/0/.zarray", "cells.zarr/0/0/0"]


def test_the_folder_of_results_is_left_out(tree):
    (tree / "out").mkdir()
    (tree / "out/a_labels.tif").touch()
    assert "out/a_labels.tif" not in sent("images", exclude="images/out")[0]
    with pytest.raises(InputError, match="is where the results are written"):
        plan("images/out", exclude="images/out")


def test_frames_named_one_by_one_go_folder_by_folder(tree):
    names = [f"{folder}/t{number}.tif" for folder in ("02", "01") for number in (10, 1, 9)]
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    mixed = [names[0], names[3], *names]
    groups = plan(mixed, movies=True)
    assert [group.folder for group in groups] == ["02", "01"]
    for group in groups:
        assert [file.name for file in group.files] == ["t1.tif", "t9.tif", "t10.tif"]


def test_the_folder_of_files_without_one_in_their_names_is_told(tree, monkeypatch):
    def folders(*inputs):
        return [group.folder for group in plan(list(inputs))]

    assert folders("images") == ["images"]
    assert folders("images/img*.tif") == ["images"]
    assert folders("ima*/img*.tif") == [""]
    assert folders("images/a.tif") == ["images"]
    monkeypatch.chdir(tree)
    assert folders(".") == folders("a.tif") == folders("b/..") == ["images"]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("nowhere.tif", "does not exist"),
        ("no*.tif", "matches nothing"),
        ("empty", "holds no TIFF"),
        ("pipe", "is not a file"),
        ("set.yml", "a dataset file, which a kiosk does not take"),
    ],
)
def test_what_cannot_be_sent_is_named(tree, given, fault):
    Path("empty").mkdir()
    os.mkfifo("pipe")
    Path("set.yml").write_text("images: [images/a.tif]")
    with pytest.raises(InputError, match=fault) as raised:
        plan(given)
    assert str(raised.value).startswith(given)


def test_a_pattern_that_matches_nothing(tree):
    with pytest.raises(InputError, match="holds nothing that matches x"):
        plan("images/b", pattern="x*")
    with pytest.raises(InputError, match="no match for --pattern x"):
        plan("images/a.tif", pattern="x*")


def test_the_name_of_a_group_changes_with_its_files(tree):
    (before,) = plan("images")
    assert plan("images")[0].name == before.name
    os.utime(tree / "a.tif", ns=(1, 1))
    assert plan("images")[0].name != before.name


@given(
    st.lists(st.text(st.sampled_from("aB1é.-/"), min_size=1, max_size=12), min_size=1, max_size=8),
    st.sampled_from([None, "a*", "*1*"]),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_sent_is_what_a_run_would_take(tmp_path_factory, names, pattern):
    top = tmp_path_factory.mktemp("tree")
    for name in names:
        parts = [part for part in name.split("/") if part.strip(".")]
        path = top.joinpath(*parts or "a").with_suffix(".tif")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError:  # a file stands where a folder is needed
            continue
    try:
        wanted = [entry.name for entry in collect(top, pattern=pattern)]
    except InputError as error:
        with pytest.raises(InputError, match=str(error).partition(": ")[2][:15].replace("*", ".")):
            plan(top, pattern)
        return
    assert [file.name for group in plan(top, pattern) for file in group.files] == wanted
