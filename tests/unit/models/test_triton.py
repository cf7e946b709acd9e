from __future__ import annotations

import zipfile

import pytest
import yaml

from cytomill.errors import ModelError, OutputError
from cytomill.models.network import onnx_ports
from cytomill.models.package import read, read_description
from cytomill.models.triton import export
from tests.conftest import missing
from tests.unit.models.packages import V05, changed, network, package


def encoded(fields):
    """A message of numbers, bytes and messages."""
    parts = []
    for number, value in fields:
        if isinstance(value, list):
            value = encoded(value)
        if isinstance(value, int):
            parts.append(bytes([number << 3]) + varint(value))
        else:
            parts.append(bytes([number << 3 | 2]) + varint(len(value)) + value)
    return b"".join(parts)


def varint(value):
    value %= 2**64
    found = []
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def saved_model(name="serving_default"):
    def entry(key, dtype, *sizes):
        shape = [(2, [(1, size)]) for size in sizes]
        return [(1, key), (2, [(1, key + b":0"), (2, dtype), (3, shape)])]

    signature = [(1, entry(b"image", 4, -1, 8, 8)), (2, entry(b"mask", 1, -1, 8, 8))]
    return encoded([(1, 1), (2, [(5, [(1, name.encode()), (2, signature)])])])


def parsed(folder):
    """The configuration as Triton's own schema reads it."""
    try:
        from google.protobuf import text_format
        from tritonclient.grpc import model_config_pb2
    except ImportError as error:
        missing(f"Triton's schema is not installed ({error})")
    text = (folder / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig()), model_config_pb2


def tensors(listed):
    return [(each.name, each.data_type, list(each.dims)) for each in listed]


def described(tmp_path, **weights):
    package(tmp_path / "p", V05)
    return read_description(package(tmp_path / "p", changed(V05, "weights", weights)))


def test_an_onnx_model_has_the_names_and_sizes_of_its_network(tmp_path):
    package(tmp_path / "p", V05)
    network(tmp_path / "p/net.onnx")
    (tmp_path / "p/net.onnx.data").write_bytes(b"more")
    model = described(
        tmp_path, onnx={"source": "net.onnx", "external_data": {"source": "net.onnx.data"}}
    )
    export(model, "small", tmp_path / "repository")
    folder = tmp_path / "repository/small"
    config, schema = parsed(folder)
    assert (config.name, config.platform, config.max_batch_size) == ("small", "onnxruntime_onnx", 0)
    assert tensors(config.input) == [("image", schema.TYPE_FP32, [-1, 1, -1, -1])]
    assert tensors(config.output) == [("doubled", schema.TYPE_FP32, [-1, 1, -1, -1])]
    assert (folder / "1/model.onnx").read_bytes() == model.usable[0].path.read_bytes()
    assert (folder / "1/net.onnx.data").read_bytes() == b"more"


def test_ports_are_those_that_a_runtime_sees(tmp_path):
    from cytomill.inference.onnxrt import OnnxRuntime
    from cytomill.models.weights import Weights

    paths = (network(tmp_path / "a.onnx"), network(tmp_path / "b.onnx", free=False))
    for path in (*paths, read("nuclei").usable[0].path):
        runtime = OnnxRuntime("net", Weights(path, None), 1, cuda=False)
        for own, ports in zip(onnx_ports(path), (runtime.inputs, runtime.outputs), strict=True):
            seen = [(port.name, str(port.dtype), port.shape) for port in ports]
            assert [(port.name, port.dtype, port.shape) for port in own] == seen


def test_torchscript_has_the_names_that_triton_asks_for(tmp_path):
    description = changed(V05, "outputs.0.postprocessing", [{"id": "sigmoid"}])
    description = changed(description, "outputs.0.data", {"type": "float64"})
    description = changed(description, "inputs.0.data", {"type": "uint16"})
    description = changed(description, "inputs.0.axes.2.size", 32)
    description = changed(description, "weights", {"torchscript": {"source": "net.onnx"}})
    model = read_description(package(tmp_path, description))
    config, schema = parsed(export(model, "small", tmp_path / "repository").folder)
    assert config.platform == "pytorch_libtorch"
    assert tensors(config.input) == [("INPUT__0", schema.TYPE_UINT16, [-1, 1, 32, -1])]
    assert tensors(config.output) == [("OUTPUT__0", schema.TYPE_FP32, [-1, 1, -1, -1])]
    assert (tmp_path / "repository/small/1/model.pt").is_file()


@pytest.mark.parametrize("inside", ["", "saved/"])
def test_a_saved_model_is_unpacked_and_named_by_its_signature(tmp_path, inside):
    package(tmp_path / "p", V05)
    with zipfile.ZipFile(tmp_path / "p/tf.zip", "w") as archive:
        archive.writestr(f"{inside}saved_model.pb", saved_model())
        archive.writestr(f"{inside}variables/variables.index", b"v")
    model = described(tmp_path, tensorflow_saved_model_bundle={"source": "tf.zip"})
    exported = export(model, "small", tmp_path / "repository")
    config, schema = parsed(exported.folder)
    assert config.platform == "tensorflow_savedmodel"
    assert tensors(config.input) == [("image", schema.TYPE_UINT8, [-1, 8, 8])]
    assert tensors(config.output) == [("mask", schema.TYPE_FP32, [-1, 8, 8])]
    found = sorted(p.relative_to(exported.folder).as_posix() for p in exported.folder.rglob("*.*"))
    assert found == [
        "1/model.savedmodel",
        "1/model.savedmodel/saved_model.pb",
        "1/model.savedmodel/variables/variables.index",
        "config.pbtxt",
    ]


def test_onnx_is_taken_before_other_weights(tmp_path):
    package(tmp_path / "p", V05)
    network(tmp_path / "p/net.onnx")
    model = described(tmp_path, torchscript={"source": "in.npy"}, onnx={"source": "net.onnx"})
    assert export(model, "small", tmp_path / "repository").weights.kind == "onnx"


def test_what_triton_does_not_run_or_is_damaged_is_told(tmp_path):
    package(tmp_path / "p", V05)
    with zipfile.ZipFile(tmp_path / "p/tf.zip", "w") as archive:
        archive.writestr("saved_model.pb", saved_model("train"))
    with zipfile.ZipFile(tmp_path / "p/empty.zip", "w") as archive:
        archive.writestr("readme", "x")
    for weights, told in [
        ({"keras_hdf5": {"source": "in.npy"}}, "has no weights that Triton runs"),
        ({"onnx": {"source": "in.npy"}}, "in.npy: is no ONNX network, or is damaged"),
        ({"tensorflow_saved_model_bundle": {"source": "gone.zip"}}, "gone.zip: is missing"),
        ({"tensorflow_saved_model_bundle": {"source": "empty.zip"}}, "holds no saved_model.pb"),
        ({"tensorflow_saved_model_bundle": {"source": "tf.zip"}}, "has no signature 'serving_def"),
    ]:
        with pytest.raises(ModelError, match=told):
            export(described(tmp_path, **weights), "small", tmp_path / "repository")
    assert not list((tmp_path / "repository").glob("*"))


def test_an_export_is_replaced_and_nothing_else_is(tmp_path):
    model = read("nuclei")
    for _ in range(2):
        export(model, "nuclei", tmp_path)
    (tmp_path / "mine").mkdir()
    with pytest.raises(OutputError, match=r"mine: is there and is no model of Triton"):
        export(model, "mine", tmp_path)


def test_quotes_in_names_are_kept(tmp_path):
    card = {"inputs": [{"axes": "bcyx", "shape": [1, 1, 8, 8]}], "outputs": [{"axes": "bcyx"}]}
    path = network(tmp_path / "a.onnx")
    path.with_suffix(".yaml").write_text(yaml.safe_dump(card))
    config, _ = parsed(export(read(path), 'a "b" \\c', tmp_path / "repository").folder)
    assert config.name == 'a "b" \\c'
