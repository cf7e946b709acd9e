from __future__ import annotations

import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cytomill.errors import InputError
from cytomill.image import archive, zipmember
from cytomill.image.collect import Entry, collect
from cytomill.image.entry import CHUNK
from cytomill.settings import Settings


def tiff(value: int = 1) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.full((3, 4), value, np.uint8))
    return buffer.getvalue()


def make(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def pixel(entry: Entry) -> int:
    with entry.open() as file:
        return int(file.images[0].read()[0, 0])


def fault(entry: Entry) -> str:
    with pytest.raises(InputError) as caught:
        entry.open().__enter__()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Settings(zip_bytes=10_000, zip_ratio=20)
    monkeypatch.setattr(archive, "settings", limits)
    monkeypatch.setattr(archive, "_SMALL", 1000)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_images_in_natural_order(tmp_path: Path, method: int) -> None:
    path = make(
        tmp_path / "z.zip", {"b/i10.tif": tiff(10), "b/i2.tif": tiff(2), "a.txt": b"x"}, method
    )
    entries = collect([path])
    assert names(entries) == ["z/b/i2.tif", "z/b/i10.tif"]
    assert [pixel(entry) for entry in entries] == [2, 10]
    assert entries[0].bytes == len(tiff())


def test_a_zip_in_a_folder_is_like_a_folder(tmp_path: Path) -> None:
    make(tmp_path / "z.zip", {"a/x.tif": tiff(), "a/y.dat": b"y"})
    assert names(collect([tmp_path])) == ["z/a/x.tif"]
    assert names(collect([tmp_path], pattern="z/a/*.dat")) == ["z/a/y.dat"]
    assert names(collect([tmp_path], pattern="*.zip")) == ["z/a/x.tif"]
    assert names(collect([tmp_path / "z.zip"], pattern="a/*")) == ["z/a/x.tif", "z/a/y.dat"]


def test_a_member_has_the_digest_of_the_file_and_leaves_nothing_behind(
    tmp_path: Path, temporary: Path
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff())
    entry, file = collect([make(tmp_path / "z.zip", {"a.tif": tiff()}), tmp_path / "a.tif"])
    assert entry.digest() == file.digest()
    assert entry.stamp()
    with entry.open():
        assert list(temporary.rglob("a.tif"))
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    "name", ["a,b.tif", "a b [1].tif", "zelle-µ-細胞.tif", "a'b&c.tif", "x" * 250 + ".tif"]
)
def test_names_of_any_kind_are_opened(tmp_path: Path, name: str) -> None:
    (entry,) = collect([make(tmp_path / "z.zip", {name: tiff(7)})])
    assert entry.name == f"z/{name}"
    assert pixel(entry) == 7


def test_names_without_the_utf8_flag_are_read_as_their_writers_meant(tmp_path: Path) -> None:
    path = make(tmp_path / "z.zip", {"AAAA.tif": tiff(1), "BB.tif": tiff(2)})
    data = path.read_bytes().replace(b"AAAA", "µé".encode()).replace(b"BB", b"\xe6\x84")
    path.write_bytes(data)
    assert set(names(collect([path]))) == {"z/µé.tif", "z/µä.tif"}


def test_backslashes_of_windows_separate(tmp_path: Path) -> None:
    path = make(tmp_path / "z.zip", {"a\\": b"", "a\\b.tif": tiff(3)})
    (entry,) = collect([path])
    assert entry.name == "z/a/b.tif"
    assert pixel(entry) == 3


def test_what_systems_leave_in_zips_is_skipped(tmp_path: Path) -> None:
    path = make(tmp_path / "z.zip", {"__MACOSX/._a.tif": b"", "._b.tif": b"", "a.tif": tiff()})
    assert names(collect([path])) == ["z/a.tif"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../evil.tif", "leads out of the zip"),
        ("a/../../evil.tif", "leads out of the zip"),
        ("..\\evil.tif", "leads out of the zip"),
        ("/etc/evil.tif", "absolute path"),
        ("C:\\evil.tif", "absolute path"),
        ("\\\\server\\evil.tif", "absolute path"),
        ("inner.zip", "zip in a zip"),
    ],
)
def test_a_hostile_member_fails_alone(tmp_path: Path, name: str, words: str) -> None:
    entries = collect([make(tmp_path / "z.zip", {name: tiff(), "ok.tif": tiff(5)})])
    assert len(entries) == 2
    (bad,) = [entry for entry in entries if entry.name != "z/ok.tif"]
    assert words in fault(bad)
    assert name.replace("\\", "/") in fault(bad)
    assert ".." not in bad.name.split("/")
    assert pixel(next(entry for entry in entries if entry.name == "z/ok.tif")) == 5


@pytest.mark.parametrize(
    ("kind", "words"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "not a regular")]
)
def test_links_and_pipes_are_refused(tmp_path: Path, kind: int, words: str) -> None:
    info = zipfile.ZipInfo("l.tif")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    (entry,) = collect([tmp_path / "z.zip"])
    assert words in fault(entry)


def directory(data: bytes, nth: int = 0) -> int:
    at = -1
    for _ in range(nth + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    return at


def patched(path: Path, at: int, layout: str, value: int) -> None:
    """Change a field of the first member's record in the zip's directory."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, directory(bytes(data)) + at, value)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("at", "layout", "value", "words"),
    [
        (8, "<H", 1, "is encrypted; unpack"),
        (10, "<H", 9, "packed with Deflate64"),
        (16, "<I", 123, "is damaged"),
        (24, "<I", 5, "is damaged"),
        (20, "<I", 5, "is damaged"),
        (20, "<I", 10**6, "shares its bytes"),
        (42, "<I", 3, "shares its bytes|is damaged"),
    ],
)
def test_a_damaged_or_encrypted_member_fails_alone(
    tmp_path: Path, at: int, layout: str, value: int, words: str
) -> None:
    path = make(tmp_path / "z.zip", {"a.tif": tiff(), "b.tif": tiff(), "c.tif": tiff(4)})
    patched(path, at, layout, value)
    first, _, last = collect([path])
    assert any(word in fault(first) for word in words.split("|"))
    assert "z.zip/a.tif" in fault(first)
    assert pixel(last) == 4


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "z.zip", {"a.tif": tiff(), "b.tif": tiff()})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, directory(bytes(data), 1) + 42, 0)
    path.write_bytes(data)
    assert all("shares its bytes" in fault(entry) for entry in collect([path]))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_a_file_that_is_no_zip_is_an_entry_that_fails(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "z.zip").write_bytes(content)
    (entry,) = collect([tmp_path / "z.zip"])
    assert entry.name == "z.zip"
    assert "z.zip: is not a zip, or is damaged; make the zip again" in fault(entry)


def test_a_cut_zip_fails(tmp_path: Path) -> None:
    path = make(tmp_path / "z.zip", {"a.tif": tiff()})
    path.write_bytes(path.read_bytes()[:-30])
    assert "damaged" in fault(collect([path])[0])


def test_a_zip_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no TIFF"):
        collect([make(tmp_path / "z.zip", {"a.txt": b"a"})])


@pytest.mark.usefixtures("small_limits")
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    one = collect([make(tmp_path / "1.zip", {"a.tif": bytes(5000), "b.tif": tiff(6)})])
    assert "times its size, more than the 20 allowed; " in fault(one[0])
    assert pixel(one[1]) == 6
    (many,) = collect([make(tmp_path / "2.zip", {f"{i}.tif": bytes(900) for i in range(20)})])
    assert "would unpack to 18,000 bytes, more than the 10,000 allowed" in fault(many)


def test_a_member_never_unpacks_to_more_than_it_declares(tmp_path: Path) -> None:
    path = make(tmp_path / "z.zip", {"a.tif": bytes(50 * CHUNK)})
    patched(path, 24, "<I", 10)
    (entry,) = collect([path])
    assert isinstance(entry.source, zipmember.MemberSource)
    chunks = entry.source.member.chunks()
    with pytest.raises(InputError, match="is damaged"):
        next(chunks)


def test_duplicated_names_are_both_kept(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        file.writestr("a.tif", tiff(1))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.tif", tiff(2))
    entries = collect([tmp_path / "z.zip"])
    assert names(entries) == ["z/a.tif", "z/a-2.tif"]
    assert sorted(map(pixel, entries)) == [1, 2]


@pytest.mark.parametrize(
    ("root", "name"), [("p/a.zarr/", "z/p/a.zarr"), ("p/plate/", "z/p/plate"), ("", "z.zarr")]
)
def test_a_zarr_folder_in_a_zip_is_one_entry(tmp_path: Path, root: str, name: str) -> None:
    path = make(tmp_path / "z.zip", {f"{root}.zattrs": b"{}", f"{root}0/0/a.tif": tiff()})
    (entry,) = collect([path])
    assert entry.name == name
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path / "there")
    folder = tmp_path / "there" / root
    (same,) = collect([folder])
    assert entry.digest() == same.digest()
    assert entry.bytes == same.bytes


def test_a_zarr_folder_in_a_zip_is_opened(tmp_path: Path) -> None:
    shared = Path(__file__).parents[4] / "shared/data/formats/ome_zarr/blobs_image_v05.ome.zarr"
    if not shared.is_dir():
        pytest.skip("needs ../shared/data")
    members = {
        f"day 1/{path.relative_to(shared.parent)}": path.read_bytes()
        for path in shared.rglob("*")
        if path.is_file()
    }
    (zipped,) = collect([make(tmp_path / "z.zip", members)])
    (folder,) = collect([shared])
    with zipped.open() as one, folder.open() as two:
        np.testing.assert_array_equal(one.images[0].read(), two.images[0].read())


def test_a_bad_image_in_a_zip_is_told_by_its_name_in_the_zip(
    tmp_path: Path, temporary: Path
) -> None:
    (entry,) = collect([make(tmp_path / "z.zip", {"a/b.tif": b"text"})])
    assert "z.zip/a/b.tif: " in fault(entry)
    assert str(temporary) not in fault(entry)
    assert not list(temporary.iterdir())


HOSTILE = st.lists(
    st.text(st.sampled_from("./\\:ab\0\n~é"), max_size=8).map(lambda text: f"{text}x.tif"),
    min_size=1,
    max_size=4,
    unique=True,
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_no_name_leads_out_of_the_temporary_folder(
    tmp_path_factory: pytest.TempPathFactory, hostile: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "temporary").mkdir()
    path = home / "z.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, name in enumerate(hostile):
            info = zipfile.ZipInfo(f"{number}.tif")
            info.filename = name
            file.writestr(info, tiff(number))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(home / "temporary"))
        for entry in zip_entries(path):
            assert not entry.name.startswith("/")
            assert ".." not in entry.name.split("/")
            try:
                with entry.open():
                    written = {p for p in home.rglob("*") if p.is_file()}
            except InputError:
                written = {p for p in home.rglob("*") if p.is_file()}
            assert all(p == path or home / "temporary" in p.parents for p in written)
    assert set(home.rglob("*")) == {home / "temporary", path}


def zip_entries(path: Path) -> list[Entry]:
    return archive.zip_entries(path, "z.zip", lambda name: name.endswith(".tif"))
