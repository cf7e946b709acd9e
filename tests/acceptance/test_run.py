"""What `cytomill run` leaves behind: labels, tables, manifest; and what a second run does."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import tifffile

from cytomill.image.formats import open_images
from cytomill.models.registry import find
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.version import __version__


def ids(labels) -> int:
    return len(np.unique(labels)) - 1


def rows(out):
    """The table, once it is sure that CSV and Parquet hold the same."""
    parquet = pyarrow.parquet.read_table(out / "measurements.parquet")
    convert = pyarrow.csv.ConvertOptions(column_types=parquet.schema)
    assert pyarrow.csv.read_csv(out / "measurements.csv", convert_options=convert).equals(parquet)
    return parquet


@pytest.fixture
def done(cytomill, images, tmp_path):
    """A finished run: its folder."""
    assert cytomill("run", images, "-o", tmp_path / "out", "--pixel-size", 0.65).code == 0
    return tmp_path / "out"


def test_labels_tables_and_manifest_agree(done, scene):
    manifest = json.loads((done / "manifest.json").read_text())
    table = rows(done)
    assert [r["input"] for r in manifest["inputs"]] == ["a.tif", "b/c.tif", "d.tif"]
    for record in manifest["inputs"]:
        (output,) = record["outputs"]
        labels = tifffile.imread(done / output)
        assert labels.dtype == np.uint16
        assert labels.shape == scene[0].shape
        assert 0.8 * scene[1] <= ids(labels) <= 1.2 * scene[1]
        of_image = table.filter(pyarrow.compute.field("image") == record["input"])
        assert record["objects"] == ids(labels) == len(of_image)
        assert of_image["label"].to_pylist() == list(np.unique(labels)[1:])
        areas = np.bincount(labels.ravel())[of_image["label"].to_numpy()]
        assert of_image["area"].to_pylist() == areas.tolist()
        assert np.allclose(of_image["area_um2"], areas * 0.65**2)


def test_manifest_tells_what_was_done_with_what(done, images):
    manifest = json.loads((done / "manifest.json").read_text())
    model = find("nuclei")
    assert (manifest["program"], manifest["version"]) == ("cytomill", __version__)
    assert manifest["options"] == {
        "channel": None,
        "pixel_size": 0.65,
        "contrast": "linear",
        "measure": True,
    }
    told = manifest["models"]["nuclei"]
    assert told["version"] == model.version
    assert told["sha256"][model.weights.path.name] == model.weights.sha256
    (ran,) = told["ran"]
    assert ran.split(" on ")[0] in told["sha256"]
    for record in manifest["inputs"]:
        content = (images / record["input"]).read_bytes()
        assert record["sha256"] == hashlib.sha256(content).hexdigest()
        assert {"read", "predict", "label", "measure", "write"} <= set(record["seconds"])
        assert record["status"] == "done"
        assert "error" not in record


def test_second_run_skips_and_says_the_same(cytomill, done, images):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*_labels.tif")}
    manifest, table = json.loads((done / "manifest.json").read_text()), rows(done)
    again = cytomill("run", images, "-o", done, "--pixel-size", 0.65)
    assert again.code == 0
    assert "0 done" in again.out
    assert "3 done before" in again.out
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*_labels.tif")} == before
    now = json.loads((done / "manifest.json").read_text())
    assert {**now, "seconds": 0} == {**manifest, "seconds": 0}
    assert rows(done).equals(table)


@pytest.mark.parametrize(
    ("change", "skipped"),
    [
        ("nothing", 3),
        ("touch", 3),
        ("content", 2),
        ("delete output", 2),
        ("option", 0),
        ("overwrite", 0),
        ("overlay", 0),
    ],
)
def test_exactly_what_changed_is_redone(cytomill, done, images, scene, change, skipped):
    options = ["--pixel-size", "0.65"]
    if change == "touch":
        os.utime(images / "a.tif", (1, 1))
    elif change == "content":
        tifffile.imwrite(images / "a.tif", scene[0][:150])
    elif change == "delete output":
        (done / "b" / "c_labels.tif").unlink()
    elif change == "option":
        options[1] = "0.7"
    elif change in ("overwrite", "overlay"):
        options.append(f"--{change}")
    again = cytomill("run", images, "-o", done, *options, "--json")
    assert again.code == 0
    assert (again.told["skipped"], again.told["done"]) == (skipped, 3)
    labels = tifffile.imread(done / "a_labels.tif")
    assert labels.shape == ((150, 200) if change == "content" else (200, 200))
    assert (done / "b" / "c_labels.tif").is_file()


def test_a_share_does_not_believe_what_a_later_run_replaced(cytomill, images, tmp_path):
    share = ("run", images, "-o", tmp_path / "out", "--shard", "1/1", "--json")
    assert cytomill(*share, "--pixel-size", 0.65).told["skipped"] == 0
    assert cytomill("run", images, "-o", tmp_path / "out", "--pixel-size", 1.3).code == 0
    assert cytomill(*share, "--pixel-size", 0.65).told["skipped"] == 0


def test_files_of_other_origin_are_not_replaced_unasked(cytomill, images, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a_labels.tif").write_text("mine")
    first = cytomill("run", images, "-o", out)
    assert first.code == 1
    assert "a_labels.tif: exists and was not made by a run into this folder" in first.err
    assert "--overwrite" in first.err
    assert (out / "a_labels.tif").read_text() == "mine"
    assert (out / "d_labels.tif").is_file()
    assert cytomill("run", images, "-o", out, "--overwrite").code == 0
    assert tifffile.imread(out / "a_labels.tif").any()


@pytest.mark.parametrize("name", ["measurements.csv", "measurements.parquet", "manifest.json"])
def test_tables_of_other_origin_stop_a_run_before_it_begins(cytomill, images, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    for more in ((), ("--dry-run",)):
        done = cytomill("run", images, "-o", out, *more)
        assert done.code == 2
        assert f"{name}: exists and was not made by a run" in done.err
    assert [path.name for path in out.iterdir()] == [name]
    assert (out / name).read_text() == "mine"


def test_tables_of_measured_runs_do_not_outlive_a_run_without(cytomill, done, images):
    assert cytomill("run", images, "-o", done, "--no-measure").code == 0
    assert not list(done.glob("measurements*"))


def test_pixel_size_and_axes_are_kept(cytomill, tmp_path, scene):
    image = scene[0]
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.55, "PhysicalSizeZ": 2.0}
    stacks = {
        "tzyx": ("TZYX", np.stack([np.stack([image, image.T])] * 3), "TZYX"),
        "czyx": ("CZYX", np.stack([np.stack([image, image.T])] * 3), "ZYX"),
        "zcyx": ("ZCYX", np.stack([np.stack([image, image.T])] * 3), "ZYX"),
        "cyx": ("CYX", np.stack([image, image.T]), "YX"),
        "one_frame": ("TYX", image[None], "YX"),
    }
    (tmp_path / "in").mkdir()
    for name, (axes, pixels, _) in stacks.items():
        tifffile.imwrite(
            tmp_path / "in" / f"{name}.ome.tif", pixels, ome=True, metadata={"axes": axes, **size}
        )
    done = cytomill("run", tmp_path / "in", "-o", tmp_path / "out")
    assert done.code == 0, done.err
    for name, (axes, pixels, expected) in stacks.items():
        with open_images(tmp_path / "out" / f"{name}_labels.tif") as file:
            (labels,) = file.images
            assert (labels.pixel_size.y, labels.pixel_size.x) == (0.55, 0.5)
            read = dict(zip("TCZYX", labels.shape, strict=True))
        given = dict(zip(axes, pixels.shape, strict=True))
        assert read == {"T": 1, "Z": 1, **given, "C": 1}, name
        stack = tifffile.imread(tmp_path / "out" / f"{name}_labels.tif")
        assert stack.ndim == len(expected)
        assert stack.max() == ids(stack) > 10


def test_a_given_pixel_size_is_written(cytomill, images, tmp_path):
    for kind, name in (("tiff", "a_labels.tif"), ("zarr", "a.ome.zarr")):
        options = ("--pixel-size", "0.5", "--format", kind)
        assert cytomill("run", images / "a.tif", "-o", tmp_path / kind, *options).code == 0
        with open_images(tmp_path / kind / name) as file:
            assert file.images[0].pixel_size.x == 0.5


def test_channels_of_all_images_are_columns(cytomill, tmp_path, scene):
    image = scene[0]
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "1.tif", image)
    for name, channels in (("2", ["GFP", "DAPI"]), ("3", ["DAPI", "Cy5"])):
        order = [image if c == "DAPI" else np.zeros_like(image) for c in channels]
        metadata = {"axes": "CYX", "Channel": {"Name": channels}}
        tifffile.imwrite(
            tmp_path / "in" / f"{name}.ome.tif", np.stack(order), ome=True, metadata=metadata
        )
    assert cytomill("run", tmp_path / "in", "-o", tmp_path / "out").code == 0
    table = rows(tmp_path / "out")
    columns = [name for name in table.column_names if name.startswith("intensity_mean")]
    assert columns == [f"intensity_mean-{c}" for c in ("0", "GFP", "DAPI", "Cy5")]
    for column, there in zip(columns, ("1", "2", "23", "3"), strict=True):
        known = table.filter(pyarrow.compute.is_valid(table[column]))
        assert {name[0] for name in known["image"].to_pylist()} == set(there)
    assert pyarrow.compute.min(table["intensity_mean-DAPI"]).as_py() > 0


def test_every_series_of_a_file_has_labels_of_its_own(cytomill, tmp_path, scene):
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(scene[0], metadata={"axes": "YX"})
        writer.write(scene[0][:120], metadata={"axes": "YX"})
    done = cytomill("run", path, "-o", tmp_path / "out", "--json")
    (record,) = done.told["inputs"]
    assert record["outputs"] == ["two_s0_labels.tif", "two_s1_labels.tif"]
    shapes = [tifffile.imread(tmp_path / "out" / name).shape for name in record["outputs"]]
    assert shapes == [(200, 200), (120, 200)]
    images = rows(tmp_path / "out")["image"].to_pylist()
    assert list(dict.fromkeys(images)) == ["two.ome.tif#0", "two.ome.tif#1"]
    assert len(images) == record["objects"]


@pytest.mark.parametrize("pixel_size", [1.3, 0.65, 0.325])
def test_nuclei_are_found_at_every_magnification(cytomill, tmp_path, pixel_size):
    """10x, 20x and 40x, told by the file alone."""
    zoom = 0.65 / pixel_size
    scene = Scene(
        (int(320 * zoom),) * 2, 16 * zoom, 0.2, clustering=0, overlap=0, blur=max(0.7, zoom)
    )
    image, truth = nuclei(scene, seed=1)
    size = {"axes": "YX", "PhysicalSizeX": pixel_size, "PhysicalSizeY": pixel_size}
    tifffile.imwrite(tmp_path / "a.ome.tif", image, ome=True, metadata=size)
    assert cytomill("run", tmp_path / "a.ome.tif", "-o", tmp_path / "out").code == 0
    found = ids(tifffile.imread(tmp_path / "out" / "a_labels.tif"))
    assert found == pytest.approx(ids(truth), rel=0.25)


def test_nothing_temporary_stays(cytomill, done, images):
    (images / "broken.tif").write_text("no pixels")
    assert cytomill("run", images, "-o", done).code == 1
    hidden = {path.name for path in (done / ".cytomill").iterdir()}
    assert hidden == {"lock", "journal.jsonl", "rows.arrows"}
    assert not list(done.rglob("*.part"))
