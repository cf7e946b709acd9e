from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.errors import InputError, OptionError
from cytomill.image.collect import Entry, collect, output_stems
from cytomill.image.entry import FaultSource
from cytomill.image.names import is_junk, natural, series_stems


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def named(*texts: str) -> list[Entry]:
    return [Entry(text, FaultSource(text, "is only a name")) for text in texts]


def test_a_folder_is_taken_in_natural_order_with_its_subfolders(tmp_path: Path) -> None:
    put(tmp_path, "img10.tif", "img2.tif", "b/x.PNG", "a/y.ome.tiff", "img2b.jpeg", "notes.txt")
    assert names(collect([tmp_path])) == [
        "a/y.ome.tiff",
        "b/x.PNG",
        "img2.tif",
        "img2b.jpeg",
        "img10.tif",
    ]


def test_what_systems_and_killed_runs_leave_behind_is_skipped(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.tif",
        ".b.tif",
        "._a.tif",
        "__MACOSX/a.tif",
        "Thumbs.db",
        "c.tif.part",
        ".d/e.tif",
    )
    assert names(collect([tmp_path], pattern="*")) == ["a.tif"]


def test_a_pattern_takes_exactly_what_it_matches_whatever_the_suffix(tmp_path: Path) -> None:
    put(tmp_path, "a/x_w1.dat", "a/x_w2.tif", "x_w1.tif")
    assert names(collect([tmp_path], pattern="*_w1*")) == ["a/x_w1.dat", "x_w1.tif"]
    assert names(collect([tmp_path], pattern="a/*")) == ["a/x_w1.dat", "a/x_w2.tif"]
    assert names(collect([*tmp_path.rglob("*.*")], pattern="*_w2.tif")) == ["x_w2.tif"]


@pytest.mark.parametrize("folder", ["plate.zarr", "plate", "v3"])
def test_a_zarr_folder_is_one_entry(tmp_path: Path, folder: str) -> None:
    marker = {"plate": ".zattrs", "v3": "zarr.json"}.get(folder, "0/0")
    put(tmp_path / folder, marker, "0/a.tif")
    assert names(collect([tmp_path])) == [folder]
    assert names(collect([tmp_path / folder])) == [folder]


def test_a_named_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    put(tmp_path, "a.dat")
    assert names(collect([tmp_path / "a.dat"])) == ["a.dat"]


def test_brackets_in_real_names_are_not_a_glob(tmp_path: Path) -> None:
    put(tmp_path, "day [1]/cells [a].tif", "day [1]/b.tif", "day 1/c.tif")
    folder = tmp_path / "day [1]"
    assert names(collect([f"{folder}/cells [a].tif"])) == ["cells [a].tif"]
    assert names(collect([str(folder)])) == ["b.tif", "cells [a].tif"]
    assert names(collect([f"{folder}/*.tif"])) == ["b.tif", "cells [a].tif"]


def test_a_glob_names_by_what_follows_its_fixed_folder(tmp_path: Path) -> None:
    put(tmp_path, "p10/a.tif", "p2/a.tif", "p2/deep/c.tif", "other/a.tif")
    assert names(collect([f"{tmp_path}/p*/a.tif"])) == ["p2/a.tif", "p10/a.tif"]
    assert names(collect([f"{tmp_path}/p?"])) == ["p2/a.tif", "p2/deep/c.tif"]
    assert names(collect([f"{tmp_path}/**/c.tif"])) == ["p2/deep/c.tif"]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(put(tmp_path, "a.tif")))
    assert names(collect(["~/a.tif", "~/*.tif"])) == ["a.tif"]


@pytest.mark.parametrize(
    "given", ["missing.tif", "missing/*.tif", "*.tif", "", "~nobody/x", "a\0b", "x" * 5000]
)
def test_an_input_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="; check "):
        collect([given])


def test_nothing_to_take_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no TIFF"):
        collect([tmp_path])
    put(tmp_path, "a.tif")
    with pytest.raises(InputError, match=r"holds nothing that matches \*\.png; check --pattern"):
        collect([tmp_path], pattern="*.png")
    with pytest.raises(InputError, match=r"--pattern \*\.png"):
        collect([tmp_path / "a.tif"], pattern="*.png")
    with pytest.raises(InputError):
        collect([])


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    put(tmp_path, "a/b/x.tif")
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "a/too").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to("self")
    assert names(collect([tmp_path])) == ["a/b/x.tif"]
    assert names(collect([f"{tmp_path}/**/x.tif"])) == ["a/b/x.tif"]


def test_a_file_reached_twice_is_taken_once(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "b.tif")
    (tmp_path / "c.tif").symlink_to("a.tif")
    assert names(collect([tmp_path / "b.tif", tmp_path, f"{tmp_path}/*.tif"])) == ["b.tif", "a.tif"]


def test_a_broken_link_and_a_pipe_are_entries_that_fail(tmp_path: Path) -> None:
    put(tmp_path, "ok.tif")
    (tmp_path / "gone.tif").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.tif")
    gone, ok, pipe = collect([tmp_path])
    assert ok.name == "ok.tif"
    with pytest.raises(InputError, match=r"gone\.tif: is a link to nothing"):
        gone.open().__enter__()
    with pytest.raises(InputError, match=r"pipe\.tif: is not a regular file"):
        pipe.digest()


def test_the_output_folder_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a.tif", "out/a_labels.tif", "output/b.tif")
    out = tmp_path / "out"
    assert names(collect([tmp_path], exclude=out)) == ["a.tif", "output/b.tif"]
    assert names(collect([f"{tmp_path}/*"], exclude=out)) == ["a.tif", "output/b.tif"]
    with pytest.raises(InputError, match="where the results are written"):
        collect([out], exclude=out)


def test_split_is_only_for_datasets(tmp_path: Path) -> None:
    put(tmp_path, "a.tif")
    for path in (tmp_path, tmp_path / "a.tif"):
        with pytest.raises(OptionError, match="is not a dataset"):
            collect([path], split="test")


def test_equal_names_of_two_inputs_are_numbered(tmp_path: Path) -> None:
    put(tmp_path, "1/b.tif", "2/b.tif", "2/b-2.tif")
    entries = collect([tmp_path / "1", tmp_path / "2"])
    assert names(entries) == ["b.tif", "b-2.tif", "b-3.tif"]


def test_names_that_no_file_may_hold_are_made_printable(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff\n.tif")).write_bytes(b"x")
    (entry,) = collect([tmp_path])
    assert entry.name == "a__.tif"
    assert len(entry.digest()) == 64


def test_an_entry_travels_to_another_process_and_opens_its_image(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    (entry,) = pickle.loads(pickle.dumps(collect([tmp_path])))
    assert entry.bytes == (tmp_path / "a.tif").stat().st_size
    with entry.open() as file:
        np.testing.assert_array_equal(file.images[0].read(), pixels)


def test_stamp_and_digest_follow_the_content(tmp_path: Path) -> None:
    put(tmp_path, "a.zarr/.zattrs", "a.zarr/0/0")
    (entry,) = collect([tmp_path])
    before = entry.stamp(), entry.digest()
    put(tmp_path, "a.zarr/0/1")
    assert entry.stamp() != before[0]
    assert entry.digest() != before[1]


def test_a_file_that_went_away_is_one_line(tmp_path: Path) -> None:
    (entry,) = collect([put(tmp_path, "a.tif")])
    (tmp_path / "a.tif").unlink()
    assert entry.bytes == 0
    for ask in (entry.stamp, entry.digest, lambda: entry.open().__enter__()):
        with pytest.raises(InputError, match=r"a\.tif: does not exist; "):
            ask()


def test_stems_lose_their_image_suffix() -> None:
    given = named("a/b.ome.tif", "a/c.OME.ZARR", "d.v2.png", "e.dat", "f.zarr")
    assert output_stems(given) == ["a/b", "a/c", "d.v2", "e.dat", "f"]


def test_stems_that_clash_keep_the_extension_or_are_numbered() -> None:
    assert output_stems(named("b.tif", "b.png", "c.tif")) == ["b.tif", "b.png", "c"]
    assert output_stems(named("b.tif", "B.tif", "b-2.tif")) == ["b", "B-3", "b-2"]


def test_a_folder_never_lies_where_a_result_will() -> None:
    assert output_stems(named("a.tif", "a_labels.tif/b.tif")) == ["a", "a_labels_tif/b"]


def test_stems_leave_room_for_their_endings() -> None:
    (stem,) = output_stems(named("é" * 125 + ".tif"))
    assert len(stem.encode()) <= 180


PARTS = st.text("abAB1é_-. ", min_size=1, max_size=4).filter(lambda t: t.strip(". ") != "")
NAMES = st.lists(
    st.builds(
        lambda folders, last, suffix: "/".join([*folders, last + suffix]),
        st.lists(PARTS, max_size=1),
        PARTS,
        st.sampled_from([".tif", ".TIF", ".png", ".ome.tif", ".zarr", ".dat", "-2.tif"]),
    ),
    max_size=12,
)


@given(NAMES)
def test_stems_are_always_distinct_and_repeatable(texts: list[str]) -> None:
    stems = output_stems(named(*texts))
    assert len({stem.casefold() for stem in stems}) == len(texts)
    assert stems == output_stems(named(*texts))


@given(
    st.lists(st.text("ab019²٣/.", max_size=8)).flatmap(
        lambda t: st.tuples(st.just(t), st.permutations(t))
    )
)
def test_natural_order_does_not_depend_on_the_order_given(
    two: tuple[list[str], list[str]],
) -> None:
    assert sorted(two[0], key=natural) == sorted(two[1], key=natural)


@settings(max_examples=40, deadline=None)
@given(NAMES)
def test_a_folder_is_taken_completely_and_the_same_each_time(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for text in texts:
        path = folder / text
        if not any(parent.is_file() for parent in path.parents) and not path.exists():
            put(folder, text)
    whole = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not any(is_junk(part) for part in path.relative_to(folder).parts)
    }
    if whole:
        found = names(collect([folder], pattern="*"))
        assert set(found) == whole
        assert found == names(collect([folder], pattern="*")) == sorted(found, key=natural)


def test_stems_of_several_images_avoid_those_of_other_inputs():
    assert series_stems("a", 1, ()) == ["a"]
    assert series_stems("a", 2, ()) == ["a_s0", "a_s1"]
    assert series_stems("A", 2, {"a", "a_s1"}) == ["A__s0", "A__s1"]
