from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import MODELS
from tests.unit.models.packages import V04, V05, changed, network, package

SHARED = Path(__file__).resolve().parents[3] / "shared/models/unet2d_nuclei_broad"


@pytest.fixture(autouse=True)
def empty():
    """A store without models, before and after."""
    shutil.rmtree(MODELS, ignore_errors=True)
    yield
    shutil.rmtree(MODELS, ignore_errors=True)


@pytest.fixture
def doubling(tmp_path):
    """A package whose network doubles the image, and whose test tensors say so."""
    folder = tmp_path / "doubling"
    description = changed(V05, "inputs.0.preprocessing", None)
    path = package(folder, description)
    network(folder / "net.onnx")
    np.save(folder / "out.npy", 2 * np.load(folder / "in.npy"))
    return path


def test_a_model_comes_is_shown_tested_and_goes(cytomill, doubling):
    added = cytomill("models", "add", doubling, "--name", "doubling", "--json")
    assert (added.code, added.told["name"]) == (0, "doubling")
    assert [model["name"] for model in cytomill("models", "list", "--json").told] == [
        "nuclei",
        "doubling",
    ]
    shown = cytomill("models", "show", "doubling", "--json").told
    assert [axis["name"] for axis in shown["inputs"][0]["axes"]] == ["batch", "channel", "y", "x"]
    assert shown["weights"]["onnx"]["status"] == "runs here"
    tested = cytomill("models", "test", "doubling")
    assert tested.code == 0
    assert tested.out.startswith("onnx  mask  passed: off by at most 0;")
    assert cytomill("models", "remove", "doubling").out == "doubling  removed\n"
    assert cytomill("models", "show", "doubling").code == 2


def test_a_model_that_gives_something_else_fails_its_test(cytomill, doubling):
    np.save(doubling.parent / "out.npy", np.load(doubling.parent / "in.npy"))
    done = cytomill("models", "test", doubling)
    assert done.code == 1
    assert "mask  FAILED: off by at most 63;" in done.out
    done = cytomill("models", "test", doubling, "--json")
    assert (done.code, done.told["passed"]) == (1, False)


def test_the_built_in_model_reproduces_its_test(cytomill):
    done = cytomill("models", "test", "nuclei", "--json", "--weights", "onnx")
    assert done.code == 0
    assert done.told["results"][0]["output"] == "maps"


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    "name", ["bioimageio.yaml", "v0_4_0.bioimageio.yaml", "v0_4_9.bioimageio.yaml"]
)
def test_the_zoos_reference_model_is_reproduced(cytomill, name):
    if not SHARED.is_dir():
        pytest.skip(f"the package is not at {SHARED}")
    for kind in ("onnx", "torchscript"):
        done = cytomill("models", "test", SHARED / name, "--weights", kind, "--json")
        (result,) = done.told["results"]
        assert (done.code, result["weights"]) == (0, kind)
        assert result["largest"] <= 1e-5


def test_every_refusal_is_one_line(cytomill, doubling, tmp_path):
    cytomill("models", "add", doubling, "--name", "mine")
    other = package(tmp_path / "other", changed(V04, "version", "2"))
    bad = package(tmp_path / "bad", changed(V05, "weights.onnx.sha256", "0" * 64))
    tf = changed(V05, "weights", {"tensorflow_saved_model_bundle": {"source": "tf.zip"}})
    (tmp_path / "text.txt").write_text("hello")
    for words, code, told in [
        (("add", tmp_path / "gone"), 1, "does not exist"),
        (("add", tmp_path / "text.txt"), 1, "is no model; give a folder or zip with rdf.yaml"),
        (("add", bad), 1, "net.onnx: has SHA-256"),
        (("add", other, "--name", "mine"), 2, "mine: is installed with other files"),
        (("add", other, "--name", "nuclei"), 2, "is the name of a built-in model"),
        (("add", "https://example.com/m.zip"), 2, "example.com is not among the hosts"),
        (("show", "nothing"), 2, "no model 'nothing'; the models are: nuclei, mine"),
        (("test", bad), 1, "has SHA-256"),
        (("test", "mine", "--weights", "torchscript"), 2, "mine has onnx"),
        (("test", package(tmp_path / "tf", tf)), 1, "--model-server"),
        (("remove", "nuclei"), 2, "is built in"),
        (("export", "nothing", "--triton", tmp_path / "t"), 2, "no model 'nothing'"),
    ]:
        done = cytomill("models", *words)
        assert (done.code, done.out) == (code, ""), words
        assert told in done.err
        assert done.err.count("\n") == 1


def test_a_damaged_model_does_not_hide_the_others(cytomill, doubling):
    cytomill("models", "add", doubling, "--name", "mine")
    (Path(MODELS) / "mine/net.onnx").unlink()
    done = cytomill("models", "list")
    assert done.code == 0
    assert "nuclei  " in done.out
    assert "mine  cannot be used: " in done.out
    assert "the package holds no such file" in done.out


def test_models_are_exported_for_triton(cytomill, doubling, tmp_path):
    repository = tmp_path / "repository"
    done = cytomill("models", "export", "--triton", repository, "nuclei", doubling, "--json")
    assert [(each["name"], each["weights"]) for each in done.told] == [
        ("nuclei", "onnx"),
        ("small-net", "onnx"),
    ]
    for name in ("nuclei", "small-net"):
        assert (repository / name / "1/model.onnx").is_file()
        assert f'name: "{name}"' in (repository / name / "config.pbtxt").read_text()


def test_what_is_shown_is_json_as_others_read_it(cytomill, doubling):
    for model in ("nuclei", doubling):
        shown = cytomill("models", "show", model, "--json")
        json.loads(shown.out, parse_constant=pytest.fail)


def test_several_processes_may_add_one_model(start, doubling):
    started = [
        start("models", "add", doubling, "--name", "mine", stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0].split()[0] for process in started] == ["mine"] * 3
    assert sorted(path.name for path in (Path(MODELS) / "mine").iterdir()) == [
        "in.npy",
        "net.onnx",
        "out.npy",
        "rdf.yaml",
    ]
