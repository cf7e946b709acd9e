"""`cytomill run --model`: any model of the BioImage Model Zoo, as a user would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
import tifffile
import yaml
from onnx import helper
from PIL import Image as Picture

import cytomill as package
from cytomill.image.formats import open_images
from tests import zoo
from tests.model_server import serving

ZOO = Path(__file__).resolve().parents[3] / "shared" / "models" / "unet2d_nuclei_broad"

real = pytest.mark.skipif(
    not ZOO.is_dir(), reason=f"the model is not part of the repository, nor at {ZOO}"
)


@pytest.fixture
def model(tmp_path):
    return zoo.probability(tmp_path / "models" / "bright")


@real
def test_the_zoos_reference_model_runs_on_images_of_any_size(cytomill, tmp_path):
    pixels = np.load(ZOO / "test_input.npy")[0, 0]
    expected = np.load(ZOO / "test_output.npy")[0, 0]
    (tmp_path / "in").mkdir()
    for name, size in (("given", 512), ("odd", 500), ("one", 1)):
        tifffile.imwrite(tmp_path / "in" / f"{name}.tif", pixels[:size, :size].astype("u2"))
    done = cytomill("run", tmp_path / "in", "-o", tmp_path / "out", "--model", ZOO, "--json")
    assert done.code == 0, done.err
    outputs = {record["input"]: record["outputs"] for record in done.told["inputs"]}
    assert outputs["odd.tif"] == ["odd_labels.tif", "odd_probability.tif"]
    found = tifffile.imread(tmp_path / "out" / "given_probability.tif")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    labels = tifffile.imread(tmp_path / "out" / "odd_labels.tif")
    assert labels.shape == (500, 500)
    assert labels.max() > 30
    assert tifffile.imread(tmp_path / "out" / "one_labels.tif").shape == (1, 1)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (told,) = manifest["models"].values()
    assert told["sha256"]["weights.onnx"].startswith("85f5ac80")
    assert any("weights.onnx on cpu" in ran for ran in told["ran"])


def test_maps_labels_and_pictures_are_written(cytomill, images, model, tmp_path):
    options = ("--overlay", "--geojson", "--json")
    done = cytomill("run", images / "a.tif", "-o", tmp_path / "out", "--model", model, *options)
    (record,) = done.told["inputs"]
    names = ["a_labels.tif", "a_probability.tif", "a_overlay.png", "a.geojson"]
    assert record["outputs"] == names
    with open_images(tmp_path / "out" / "a_probability.tif") as file:
        probability = file.images[0].read()
        assert probability.dtype == np.float32
        assert (probability >= 0).all()
        assert (probability <= 1).all()
    labels = tifffile.imread(tmp_path / "out" / "a_labels.tif")
    assert labels.max() == record["objects"] > 3
    assert ((labels > 0) <= (probability >= 0.5)).all()
    table = pyarrow.csv.read_csv(tmp_path / "out" / "measurements.csv")
    assert table.num_rows == record["objects"]
    assert np.asarray(Picture.open(tmp_path / "out" / "a_overlay.png")).shape[:2] == labels.shape


def test_zarr_holds_labels_and_each_map(cytomill, images, model, tmp_path):
    options = ("--model", model, "--format", "zarr", "--json")
    done = cytomill("run", images / "a.tif", "-o", tmp_path / "out", *options)
    (record,) = done.told["inputs"]
    assert record["outputs"] == ["a.ome.zarr", "a_probability.ome.zarr"]
    with open_images(tmp_path / "out" / "a_probability.ome.zarr") as file:
        assert file.images[0].dtype == np.float32
    with open_images(tmp_path / "out" / "a.ome.zarr" / "labels" / "model") as file:
        assert file.images[0].read().max() == record["objects"]


def test_a_package_may_be_a_folder_a_zip_or_its_description(
    cytomill, images, model, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))  # where zips are unpacked
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", model)
    found = []
    for number, source in enumerate((model, packed, model / "rdf.yaml")):
        out = tmp_path / f"out{number}"
        done = cytomill("run", images / "a.tif", "-o", out, "--model", source)
        assert done.code == 0, done.err
        found.append(tifffile.imread(out / "a_labels.tif"))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_what_is_done_is_not_redone_until_the_model_changes(cytomill, images, model, tmp_path):
    run = ("run", images, "-o", tmp_path / "out", "--model", model, "--json")
    assert cytomill(*run).told["skipped"] == 0
    assert cytomill(*run).told["skipped"] == 3
    planned = cytomill(*run, "--dry-run").told
    assert planned[0] == {
        "input": "a.tif",
        "outputs": ["a_labels.tif", "a_probability.tif"],
        "done": True,
    }
    path = model / "rdf.yaml"
    described = yaml.safe_load(path.read_text())
    described["inputs"][0]["preprocessing"][0]["kwargs"]["eps"] = 0.5
    path.write_text(yaml.safe_dump(described))
    assert cytomill(*run).told["skipped"] == 0
    assert cytomill(*run, "--threshold", "0.7").told["skipped"] == 0


def test_classes_are_a_table_of_all_images(cytomill, images, tmp_path):
    model = zoo.package(
        tmp_path / "kind",
        [
            helper.make_node("GlobalAveragePool", ["raw"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Neg", ["flat"], ["negative"]),
            helper.make_node("Concat", ["flat", "negative"], ["kind"], axis=1),
        ],
        [zoo.tensor("raw")],
        [zoo.tensor("kind", "bc", ("bright", "dark"), like="raw")],
    )
    out = tmp_path / "out"
    done = cytomill("run", images, "-o", out, "--model", model)
    assert done.code == 0, done.err
    assert str(out / "classes.csv") in done.out
    table = pyarrow.csv.read_csv(out / "classes.csv")
    assert table["image"].to_pylist() == ["a.tif", "b/c.tif", "d.tif"]
    assert table["class"].to_pylist() == ["bright"] * 3
    assert not (out / "measurements.csv").exists()
    refused = cytomill("run", images, "-o", out, "--model", model, "--overlay")
    assert (refused.code, "--overlay: shows labels" in refused.err) == (2, True)


def test_an_image_that_does_not_fit_fails_alone(cytomill, images, tmp_path):
    model = zoo.same(tmp_path / "three", ("a", "b", "c"))
    pixels, axes = np.zeros((3, 20, 30), "u1"), {"axes": "CYX"}
    tifffile.imwrite(images / "e.tif", pixels, metadata=axes, photometric="minisblack")
    done = cytomill("run", images, "-o", tmp_path / "out", "--model", model, "--json")
    assert done.code == 1
    assert done.told["done"] == 1
    for failed in done.told["failed"]:
        assert (
            "has 1 channel, and model three takes 3 channels (in a, in b, in c)" in failed["error"]
        )


def test_not_a_number_fails_an_image_in_one_line(cytomill, images, tmp_path):
    model = zoo.package(
        tmp_path / "root",
        [
            helper.make_node("Neg", ["raw"], ["negative"]),
            helper.make_node("Sqrt", ["negative"], ["root"]),
        ],
        [zoo.tensor("raw")],
        [zoo.tensor("root", like="raw")],
    )
    done = cytomill("run", images / "a.tif", "-o", tmp_path / "out", "--model", model)
    assert done.code == 1
    assert "a.tif: model root gives values for it that are no numbers (output root" in done.err
    assert not (tmp_path / "out" / "a_root.tif").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--labels", "none", "--threshold", "0.3"), "--threshold: has no effect"),
        (("--labels", "none", "--no-maps"), "gives nothing but maps"),
        (("--boundary", "edge"), "--boundary edge: name a channel of an output"),
        (("--labels", "watershed"), "watershed"),
        (("--min-area", "0"), "min_area"),
        (("--chanel", "1"), "--chanel"),
        (("-p", "nuclei"), "nuclei has no option 'model'"),
    ],
)
def test_options_that_do_not_fit_stop_the_run(cytomill, images, model, tmp_path, options, told):
    done = cytomill("run", images, "-o", tmp_path / "out", "--model", model, *options)
    assert (done.code, told in done.err) == (2, True), done.err
    assert not (tmp_path / "out").exists()


def test_models_that_cannot_be_run_stop_the_run(cytomill, images, model, tmp_path):
    def told(source) -> str:
        done = cytomill("run", images, "-o", tmp_path / "out", "--model", source)
        assert done.code == 2, done.err
        return done.err.splitlines()[-1]  # the runtimes' libraries may write a log before it

    assert "no model 'no-such-model'" in told("no-such-model")
    assert "does not exist" in told(tmp_path / "nowhere")
    path = model / "rdf.yaml"
    good = path.read_text()
    described = yaml.safe_load(good)
    described["outputs"][0]["postprocessing"] = [{"id": "unheard_of"}]
    path.write_text(yaml.safe_dump(described))
    assert "unheard_of" in told(model)
    path.write_text(good)
    (model / "net.onnx").write_bytes(b"no network")
    assert "net.onnx" in told(model)
    assert "--model" in cytomill("run", "--help").out
    assert cytomill("run", images, "-o", tmp_path / "out", "-p", "model").code == 2


def test_python_runs_models_too(images, scene, model, tmp_path):
    report = package.run(images / "a.tif", tmp_path / "out", model=str(model), labels="components")
    assert report.objects == report.records[0].objects > 3
    labels = package.segment(scene[0], model=str(model))
    assert np.array_equal(labels, tifffile.imread(tmp_path / "out" / "a_labels.tif"))
    with pytest.raises(package.CytomillError, match="gives no labels"):
        package.segment(scene[0], model=str(model), labels="none")


def test_a_model_server_gives_the_same(cytomill, images, model, tmp_path):
    with serving(model.parent, errors=tmp_path / "errors") as server:
        there = ("--model-server", f"grpc://{server.grpc}", "--json")
        done = cytomill("run", images, "-o", tmp_path / "there", "--model", model, *there)
    assert done.code == 0, done.err
    assert done.told["wire_bytes"]["sent"] > 0
    assert cytomill("run", images, "-o", tmp_path / "here", "--model", model).code == 0
    for name in ("a_labels.tif", "a_probability.tif"):
        one, other = (tifffile.imread(tmp_path / place / name) for place in ("there", "here"))
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_inputs_whose_files_would_clash_are_refused(cytomill, images, model, tmp_path):
    shutil.copy(images / "a.tif", images / "a_probability.tif")
    run = ("run", images, "-o", tmp_path / "out", "--model", model)
    done = cytomill(*run, "--format", "zarr")
    assert (done.code, "a_probability.ome.zarr: would be a file of two inputs" in done.err) == (
        2,
        True,
    )
    assert cytomill(*run, "--dry-run").code == 0
