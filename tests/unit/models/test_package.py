from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import yaml

from cytomill.errors import ModelError, OptionError
from cytomill.models import library, unpack
from cytomill.models.description import Fixed, Open, Relative, Step, Stepped
from cytomill.models.package import check_files, read
from cytomill.settings import settings
from tests.unit.models.packages import V05, changed, network, package, sha256


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An empty folder of installed models."""
    own = replace(settings, models=tmp_path / "store")
    monkeypatch.setattr(library, "settings", own)
    return tmp_path / "store"


def zipped(folder, path, inside=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, inside + str(file.relative_to(folder)))
    return path


def test_a_name_a_folder_and_a_description_are_read(tmp_path, store):
    path = package(tmp_path / "p", V05)
    package(store / "mine", V05)
    assert read("nuclei").name == "Cytomill nuclei"
    assert read("mine").folder == store / "mine"
    for source in (path, path.parent, str(path), str(path.parent)):
        assert read(source).source == path


def test_a_description_may_have_any_name(tmp_path):
    path = package(tmp_path, V05, "v0_5.bioimageio.yaml")
    assert read(path).source == path


def test_a_built_in_name_goes_before_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    package(tmp_path / "nuclei", V05)
    assert read("nuclei").name == "Cytomill nuclei"
    assert read("./nuclei").name == "Small Net"


@pytest.mark.parametrize("inside", ["", "small-net/", "a/b/"])
def test_a_zip_is_unpacked_once(tmp_path, store, inside):
    package(tmp_path / "p", V05)
    path = zipped(tmp_path / "p", tmp_path / "p.zip", inside)
    with ThreadPoolExecutor(4) as pool:
        (source,) = set(pool.map(lambda _: read(path).source, range(4)))
    assert source.is_relative_to(store)
    assert len(list((store / ".unpacked").iterdir())) == 1
    assert source.parent.joinpath("in.npy").read_bytes() == (tmp_path / "p/in.npy").read_bytes()


def test_a_zip_with_an_outer_file_of_any_ending_is_a_package(tmp_path):
    package(tmp_path / "p", V05)
    path = zipped(tmp_path / "p", tmp_path / "download")
    assert read(path).name == "Small Net"


def test_hostile_zips_are_refused(tmp_path, monkeypatch, store):
    def refused(told, *members, **options):
        path = tmp_path / "h.zip"
        with zipfile.ZipFile(path, "w", **options) as archive:
            archive.writestr("rdf.yaml", "a: 1")
            for member, data in members:
                archive.writestr(member, data)
        with pytest.raises(ModelError, match=told):
            read(path)

    refused("leads out of the zip", ("../up", "x"))
    refused("has an absolute path", ("/etc/x", "x"))
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    refused("is a link", (link, "/etc/passwd"))
    refused("times its size", ("bomb", b"\0" * (65 * 2**20)), compression=zipfile.ZIP_DEFLATED)
    refused("is in the zip twice, or is both", ("a", "x"), ("a/b", "x"))
    monkeypatch.setattr(unpack, "settings", replace(settings, model_bytes=1000))
    refused("would unpack to 1,504 bytes, more than the 1,000 allowed", ("a", "x" * 1500))
    assert not list((store / ".unpacked").glob("*"))


def test_a_zip_of_several_packages_is_refused(tmp_path):
    for name in ("one", "two"):
        package(tmp_path / "p" / name, V05)
    with pytest.raises(ModelError, match=r"holds several packages .one, two.; zip each by itself"):
        read(zipped(tmp_path / "p", tmp_path / "p.zip"))


def test_what_is_no_model_is_told_with_the_way_out(tmp_path):
    for name, data, told in [
        ("a.txt", b"hello", "is no model; give a folder or zip with rdf.yaml"),
        ("a.onnx", b"", "is no model"),
        ("b.onnx", b"version https://git-lfs.github.com/spec/v1\n", "run 'git lfs pull'"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "holds Keras weights"),
        ("a.zip", b"PK\x03\x04junk", "is not a zip, or is damaged"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=told):
            read(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "state.pt", "w") as archive:
        archive.writestr("state/data.pkl", b"x")
    with pytest.raises(ModelError, match="state dict or pickle, which runs code"):
        read(tmp_path / "state.pt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty: holds no rdf.yaml or bioimageio.yaml, nor one"):
        read(tmp_path / "empty")
    with pytest.raises(ModelError, match=r"gone: does not exist"):
        read(tmp_path / "gone")


def test_an_unknown_name_is_told_with_those_there_are(store):
    package(store / "mine", V05)
    with pytest.raises(OptionError, match="no model 'yours'; the models are: nuclei, mine"):
        read("yours")


def test_hashes_are_compared(tmp_path):
    path = package(tmp_path, V05)
    right = sha256(tmp_path / "net.onnx")
    for key, told in (("weights.onnx", "net.onnx"), ("inputs.0.test_tensor", "in.npy")):
        wrong = changed(V05, f"{key}.sha256", "0" * 64)
        path = package(tmp_path, wrong)
        with pytest.raises(ModelError, match=rf"{told}: has SHA-256 .*, its description says 0000"):
            check_files(read(path))
    check_files(read(package(tmp_path, changed(V05, "weights.onnx.sha256", right.upper()))))


CARD = {
    "name": "Cells",
    "pixel_size": 0.5,
    "inputs": [{"axes": "bcyx", "shape": ["any", 1, "16n", "64+16n"], "normalise": [1, 99.8]}],
    "outputs": [
        {
            "axes": "bcyx",
            "channels": ["inside", "border"],
            "halo": 32,
            "scale": 0.5,
            "activation": "softmax",
        }
    ],
    "labels": {"from": "inside"},
}


def card(folder, content, name="cells"):
    network(folder / f"{name}.onnx")
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / f"{name}.onnx"


def test_bare_weights_are_read_with_their_card(tmp_path):
    path = card(tmp_path, CARD)
    for source in (path, path.with_suffix(".yaml"), tmp_path):
        model = read(source)
        assert (model.name, model.format, model.usable[0].path) == ("Cells", "card", path)
    (one,), (out,) = model.inputs, model.outputs
    assert [axis.size for axis in one.axes] == [Open(), Fixed(1), Stepped(16, 16), Stepped(64, 16)]
    assert [axis.size for axis in out.axes] == [
        Open(),
        Fixed(2),
        Relative("input", "y", 0.5),
        Relative("input", "x", 0.5),
    ]
    assert [(axis.scale, axis.unit) for axis in one.axes[2:]] == [(0.5, "micrometer")] * 2
    assert [(axis.scale, axis.halo) for axis in out.axes[2:]] == [(1.0, 32)] * 2
    assert out.axes[1].names == ("inside", "border")
    percentiles = {"axes": ["y", "x"], "min_percentile": 1, "max_percentile": 99.8}
    assert one.steps[1] == Step("scale_range", percentiles)
    assert out.steps[0] == Step("softmax", {"axis": "channel"})
    assert model.config["cytomill"] == {"labels": {"from": "inside"}, "pixel_size": 0.5}


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_torchscript_is_known_by_its_content(tmp_path):
    torch = pytest.importorskip("torch")
    path = card(tmp_path, CARD).with_suffix(".pt")
    path.with_suffix(".onnx").unlink()
    torch.jit.script(torch.nn.ReLU()).save(str(path))
    assert read(path).usable[0].kind == "torchscript"


def test_a_card_may_list_operators_and_test_tensors(tmp_path):
    np.save(tmp_path / "t.npy", np.zeros(1))
    content = changed(CARD, "inputs.0.normalise", None)
    content = changed(content, "inputs.0.preprocessing", [{"id": "clip", "kwargs": {"min": 0}}])
    model = read(card(tmp_path, changed(content, "inputs.0.test", "t.npy")))
    assert [step.operator for step in model.inputs[0].steps] == [
        "ensure_dtype",
        "clip",
        "ensure_dtype",
    ]
    assert model.inputs[0].test.path == tmp_path / "t.npy"


def test_weights_without_a_card_are_told_to_get_one(tmp_path):
    with pytest.raises(ModelError, match=r"net.onnx: has no card; write net.yaml beside it"):
        read(network(tmp_path / "net.onnx"))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("colour", "red", "has an unknown key 'colour'; the keys are name, version"),
        ("inputs.0.halo", 3, r"inputs\[0\]: has an unknown key 'halo'"),
        ("inputs", None, "lacks 'inputs'"),
        ("inputs.0.axes", "bcyk", r"inputs\[0\].axes: is 'bcyk', and must be different letters"),
        ("inputs.0.shape", [1, 1], "lists 2 sizes for the axes bcyx"),
        ("inputs.0.shape.2", "0n", "must be such as 512, 16n, 64.16n or any"),
        ("inputs.0.shape.2", "big", r"shape\[2\]: must be a number, not 'big'"),
        ("inputs.0.normalise", "well", "normalise: is 'well', and must be one of mean"),
        ("inputs.0.normalise", [99, 1], "must be 'mean', or two percentiles"),
        ("outputs.0.activation", "relu", "must be one of sigmoid, softmax"),
        ("outputs.0.scale", 0, "scale: must be above 0"),
        ("outputs.0.name", "input", r"outputs\[0\]: is named 'input' as inputs\[0\] is"),
        ("pixel_size", "small", "pixel_size: must be a number"),
    ],
)
def test_a_fault_of_a_card_is_told_with_its_place(tmp_path, path, value, told):
    with pytest.raises(ModelError, match=rf"^{tmp_path}/cells.yaml: .*{told}"):
        read(card(tmp_path, changed(CARD, path, value)))
