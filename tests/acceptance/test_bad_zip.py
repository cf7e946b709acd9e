"""Zips with hostile and strange members: each is told, nothing escapes, the rest is done."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import warnings
import zipfile

import pytest
import tifffile

GOOD = ["a,b.tif", "a b/c d.tif", "[1].tif", "ünïcode λ.tif", "twice.tif", "twice-2.tif"]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.fixture(scope="module")
def zipped(tmp_path_factory, scene):
    """One run over a zip: how it ended, its manifest, and the folder around it."""
    around = tmp_path_factory.mktemp("zip")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, scene[0][:100, :100])
    image = buffer.getvalue()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(around / "plate 1.zip", "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        warnings.simplefilter("ignore")  # zipfile warns of the name that is there twice
        for name in (*GOOD[:5], "twice.tif", "../up.tif", "/absolute.tif", "C:\\drive.tif"):
            archive.writestr(name, image)
        archive.writestr(link("link.tif"), "/etc/passwd")
        archive.writestr("bomb.tif", bytes(70 * 2**20))
        archive.writestr("inner.zip", b"PK")
        archive.writestr("__MACOSX/._a.tif", b"junk")
        archive.writestr(".hidden.tif", b"junk")
        archive.writestr("notes.txt", b"not asked for")
    (around / "cwd").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "cytomill", "run", around / "plate 1.zip", "-o", around / "out"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=around / "cwd",
    )
    return done, json.loads((around / "out" / "manifest.json").read_text()), around


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ("../up.tif", "has a path that leads out of the zip"),
        ("/absolute.tif", "has an absolute path"),
        ("C:/drive.tif", "has an absolute path"),
        ("link.tif", "is a link"),
        ("bomb.tif", "times its size, more than the 200 allowed"),
        ("inner.zip", "is a zip in a zip"),
    ],
)
def test_a_hostile_member_is_told_in_one_line(zipped, member, fault):
    done, _, _ = zipped
    lines = [line for line in done.stderr.splitlines() if f"plate 1.zip/{member}: " in line]
    assert len(lines) == 1
    assert fault in lines[0]
    assert ";" in lines[0]


def test_the_other_members_are_done(zipped):
    done, manifest, _ = zipped
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    names = {r["input"] for r in manifest["inputs"] if r["status"] == "done"}
    assert names == {f"plate 1/{name}" for name in GOOD}
    assert sum(r["status"] == "failed" for r in manifest["inputs"]) == 6


def test_nothing_is_written_outside_the_output_folder(zipped):
    _, manifest, around = zipped
    assert {path.name for path in around.iterdir()} == {"plate 1.zip", "cwd", "out"}
    assert not list((around / "cwd").iterdir())
    outputs = {name for record in manifest["inputs"] for name in record["outputs"]}
    found = {p.relative_to(around / "out").as_posix() for p in (around / "out").rglob("*_labels*")}
    assert found == outputs
    assert len(outputs) == len(GOOD)


def test_an_encrypted_member_is_told(cytomill, tmp_path, scene):
    tifffile.imwrite(tmp_path / "a.tif", scene[0])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.tif", "a.tif")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    done = cytomill("run", tmp_path / "a.zip", "-o", tmp_path / "out")
    assert done.code == 1
    assert "a.zip/a.tif: is encrypted; unpack the zip with its password" in done.err


def test_a_full_temporary_disk_is_told_and_costs_one_member(program, small_disk, tmp_path, scene):
    tifffile.imwrite(tmp_path / "large.tif", scene[0].repeat(6, 0).repeat(6, 1))
    tifffile.imwrite(tmp_path / "small.tif", scene[0])
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("large.tif", "small.tif"):
            archive.write(tmp_path / name, name)
    env = {"TMPDIR": str(small_disk), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = program("run", tmp_path / "a.zip", "-o", tmp_path / "out", "--threads", 1, env=env)
    assert done.code == 1
    assert "no room to unpack" in done.err
    assert "TMPDIR" in done.err
    assert (tmp_path / "out" / "a" / "small_labels.tif").is_file()
    assert not list(small_disk.iterdir())
