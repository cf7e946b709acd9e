"""Bad input gets one line that names the file, the fault and the way out; the rest is done."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

GOOD = "good image, ünïcode [1].tif"


def zero_size(path: Path) -> None:
    """A TIFF that says it is 0 pixels wide."""
    tifffile.imwrite(path, np.zeros((4, 4), np.uint8))
    data = path.read_bytes()
    width = struct.pack("<HHI", 256, 4, 1)
    short = struct.pack("<HHI", 256, 3, 1)
    at = max(data.find(width), data.find(short)) + 8
    path.write_bytes(data[:at] + bytes(4) + data[at + 4 :])


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.fixture(scope="module")
def bad(tmp_path_factory, scene):
    """One run over a good image and all bad ones: its exit code, lines of errors and manifest."""
    folder = tmp_path_factory.mktemp("bad") / "in"
    folder.mkdir()
    image = scene[0]
    tifffile.imwrite(folder / GOOD, image)
    (folder / "empty.tif").touch()
    tifffile.imwrite(folder / "half.tif", image)
    cut(folder / "half.tif", image.nbytes // 2)
    tifffile.imwrite(folder / "packed_half.tif", image, compression="zlib", tile=(64, 64))
    cut(folder / "packed_half.tif", (folder / "packed_half.tif").stat().st_size // 2)
    tifffile.imwrite(folder / "head.tif", image)
    cut(folder / "head.tif", 9)
    (folder / "text.tif").write_text("These are not pixels.\n" * 50)
    (folder / "random.tif").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "openssl.tif").write_bytes(b"Salted__" + np.random.default_rng(1).bytes(5000))
    (folder / "zeros.tif").write_bytes(bytes(5000))
    zero_size(folder / "no_width.tif")
    tifffile.imwrite(folder / "complex.tif", image.astype(np.complex64))
    tifffile.imwrite(
        folder / "axes.tif", np.zeros((3, 2, 32, 32), np.uint8), metadata={"axes": "AHYX"}
    )
    Picture.fromarray(image.astype(np.uint8)).save(folder / "half.png")
    cut(folder / "half.png", 300)
    (folder / "broken.zarr").mkdir()
    (folder / "broken.zarr" / ".zattrs").write_text("{")
    (folder / "dangling.tif").symlink_to("nowhere.tif")
    os.mkfifo(folder / "pipe.tif")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    Path(os.fsdecode(os.fsencode(folder) + b"/latin\xe9.tif")).write_text("no pixels")
    out = folder.parent / "out"
    command = [sys.executable, "-m", "cytomill", "run", folder, "-o", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done, json.loads((out / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("name", "fault", "way_out"),
    [
        ("empty.tif", "is empty", "copy it again"),
        ("half.tif", "is cut short", "copy"),
        ("packed_half.tif", "is cut short", "copy"),
        ("head.tif", "cannot be decoded", "copy"),
        ("text.tif", "it holds text", "leave it out"),
        ("random.tif", "known format, or is damaged or encrypted", "give TIFF"),
        ("openssl.tif", "is encrypted", "decrypt it"),
        ("zeros.tif", "only zeros", "copy it again"),
        ("no_width.tif", "has no pixels", "export it again"),
        ("complex.tif", "complex numbers", "convert it"),
        ("axes.tif", "has an axis 'A' of 3", "split it along 'A'"),
        ("half.png", "", ""),
        ("broken.zarr", "", ""),
        ("dangling.tif", "is a link to nothing", "leave it out"),
        ("pipe.tif", "is not a regular file", "leave it out"),
        ("broken.zip", "is not a zip, or is damaged", "make the zip again"),
        ("latin_.tif", "it holds text", "leave it out"),
    ],
)
def test_one_line_names_the_file_the_fault_and_the_way_out(bad, name, fault, way_out):
    done, manifest = bad
    lines = [line for line in done.stderr.splitlines() if f"/{name}: " in line]
    assert len(lines) == 1
    assert lines[0].startswith("failed: ")
    assert fault in lines[0]
    assert way_out in lines[0].partition(";")[2]
    (record,) = [record for record in manifest["inputs"] if record["input"] == name]
    assert record["status"] == "failed"
    assert f"failed: {record['error']}" == lines[0]


def test_the_good_image_among_bad_ones_is_done(bad, scene):
    done, manifest = bad
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert "please report" not in done.stderr
    assert {r["input"] for r in manifest["inputs"] if r["status"] == "done"} == {GOOD}
    assert "17 failed" in done.stdout


STRANGE = {
    "one_pixel": np.full((1, 1), 7, np.uint16),
    "tall": np.ones((70_000, 2), np.uint8),
    "wide": np.ones((2, 70_000), np.uint8),
    "constant": np.full((40, 50), 1000, np.uint16),
    "zeros": np.zeros((40, 50), np.uint8),
    "all_nan": np.full((40, 50), np.nan, np.float32),
    "all_inf": np.full((40, 50), -np.inf, np.float64),
    "largest": np.full((40, 50), np.iinfo(np.uint64).max, np.uint64),
}


def some_nan(image: np.ndarray) -> np.ndarray:
    pixels = image.astype(np.float32)
    pixels[::7, ::5] = np.nan
    return pixels


def some_inf(image: np.ndarray) -> np.ndarray:
    pixels = image.astype(np.float64)
    pixels[:3, :3], pixels[-3:, -3:] = np.inf, -np.inf
    return pixels


def grey(image: np.ndarray) -> np.ndarray:
    return np.clip(image // 64, 0, 255).astype(np.uint8)


USABLE = {
    "some_nan": some_nan,
    "some_inf": some_inf,
    "huge": lambda image: image.astype(np.float64) * 1e300,
    "tiny": lambda image: image.astype(np.float64) * 1e-300,
    "half": lambda image: image.astype(np.float16),
    "double": lambda image: image.astype(np.float64),
    "signed": lambda image: image.astype(np.int32) - 30_000,
    "int64": lambda image: image.astype(np.int64) << 20,
    "uint64": lambda image: image.astype(np.uint64),
    "big_endian": lambda image: image.astype(">u2"),
    "bool": lambda image: image > 2000,
    "rgb": lambda image: np.stack([0 * grey(image), 0 * grey(image), grey(image)], -1),
    "rgba": lambda image: np.stack([*[grey(image)] * 3, 0 * grey(image)], -1),
}


def write(path: Path, pixels: np.ndarray) -> None:
    if pixels.ndim == 3:
        extra = ["unassalpha"] * (pixels.shape[2] - 3)
        tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=extra)
    else:
        tifffile.imwrite(path, pixels)


def test_images_without_nuclei_are_done_and_empty(cytomill, tmp_path):
    (tmp_path / "in").mkdir()
    for name, pixels in STRANGE.items():
        write(tmp_path / "in" / f"{name}.tif", pixels)
    done = cytomill("run", tmp_path / "in", "-o", tmp_path / "out", "--overlay", "--geojson")
    assert done.code == 0, done.err
    for name, pixels in STRANGE.items():
        labels = tifffile.imread(tmp_path / "out" / f"{name}_labels.tif")
        assert labels.shape == pixels.shape
        assert labels.max() <= 1


def test_every_pixel_type_gives_the_nuclei(cytomill, tmp_path, scene):
    image, count = scene
    (tmp_path / "in").mkdir()
    for name, made in USABLE.items():
        write(tmp_path / "in" / f"{name}.tif", made(image))
    done = cytomill("run", tmp_path / "in", "-o", tmp_path / "out", "--overlay")
    assert done.code == 0, done.err
    for name in USABLE:
        labels = tifffile.imread(tmp_path / "out" / f"{name}_labels.tif")
        assert labels.shape == image.shape
        assert 0.7 * count <= len(np.unique(labels)) - 1 <= 1.3 * count, name


def test_channel_that_is_not_there_fails_with_those_that_are(cytomill, tmp_path, scene):
    path = tmp_path / "two.tif"
    pixels = np.stack([scene[0], scene[0][::-1]])
    names = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(path, pixels, ome=True, metadata=names)
    for wanted in ("Cy5", "2", "-1", "²"):
        done = cytomill("run", path, "-o", tmp_path / "out", f"--channel={wanted}")
        assert done.code == 1
        assert f"failed: two.tif: has no channel '{wanted}'; its channels are: 0 DAPI, 1 GFP" in (
            done.err
        )


def test_a_pixel_size_that_cannot_be_is_told(cytomill, tmp_path, scene):
    metadata = {"axes": "YX", "PhysicalSizeX": 254.0, "PhysicalSizeY": 254.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", scene[0], ome=True, metadata=metadata)
    done = cytomill("run", tmp_path / "a.ome.tif", "-o", tmp_path / "out")
    assert done.code == 1
    assert "a.ome.tif: says its pixels are 254 µm wide" in done.err
    assert "--pixel-size" in done.err
    assert cytomill("run", tmp_path, "-o", tmp_path / "out", "--pixel-size", "0.65").code == 0


def test_unreadable_images_are_named_and_the_others_done(program, bounded, images, tmp_path):
    (images / "a.tif").chmod(0)
    (images / "b").chmod(0)
    try:
        done = program("run", images, "-o", tmp_path / "out", prefix=bounded)
    finally:
        (images / "b").chmod(0o755)
    assert done.code == 1
    assert "a.tif: may not be read; ask for permission" in done.err
    assert "/b: may not be listed; ask for permission" in done.err
    assert (tmp_path / "out" / "d_labels.tif").is_file()


def test_inputs_that_do_not_exist_are_wrong_usage(cytomill, images, tmp_path):
    (tmp_path / "none").mkdir()
    for given, fault in (
        (tmp_path / "nowhere", "nowhere: does not exist; check the name"),
        (tmp_path / "*.png", "matches nothing"),
        (tmp_path / "none", "holds no TIFF"),
        ("", "does not exist"),
    ):
        done = cytomill("run", images, given, "-o", tmp_path / "out")
        assert done.code == 2
        assert fault in done.err
        assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_same_names_from_several_inputs_are_kept_apart(cytomill, images, scene, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(images, other)
    tifffile.imwrite(images / "a.png.tif", scene[0][:100])
    Picture.fromarray(grey(scene[0])[:90]).save(images / "a.png")
    done = cytomill("run", images, other, "-o", tmp_path / "out", "--json")
    assert done.code == 0
    outputs = [name for record in done.told["inputs"] for name in record["outputs"]]
    assert len(outputs) == len(set(outputs)) == 8
    written = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.tif")}
    assert written == set(outputs)
