from __future__ import annotations

import pytest

from cytomill.errors import ModelError
from cytomill.models.description import Fixed, Open, Relative, Step, Stepped, Tolerance
from cytomill.models.package import read_description
from tests.unit.models.packages import V05, changed, package


def parse(tmp_path, *changes):
    description = V05
    for path, value in changes:
        description = changed(description, path, value)
    return read_description(package(tmp_path, description))


def test_what_inference_needs_is_read(tmp_path):
    model = parse(tmp_path)
    assert (model.name, model.version, model.license) == ("Small Net", "1.10", "MIT")
    assert (model.authors, model.cite) == (("A. Author",), ("A paper, 10.1/2",))
    (raw,), (mask,) = model.inputs, model.outputs
    assert [axis.id for axis in raw.axes] == ["batch", "channel", "y", "x"]
    assert [axis.size for axis in raw.axes] == [Open(), Fixed(1), Stepped(8, 4), Stepped(8, 4)]
    assert raw.axes[1].names == ("dapi",)
    assert mask.axes[2].size == Relative("raw", "y")
    assert raw.test is not None
    assert raw.test.path == tmp_path / "in.npy"
    assert [weights.path.name for weights in model.usable] == ["net.onnx"]


def test_casts_that_the_format_implies_are_steps(tmp_path):
    model = parse(tmp_path, ("inputs.0.data", {"type": "uint16"}))
    cast = Step("ensure_dtype", {"dtype": "uint16"})
    assert model.inputs[0].steps == (
        cast,
        Step("zero_mean_unit_variance", {"axes": ["y", "x"]}),
        cast,
    )
    assert model.outputs[0].steps == (Step("ensure_dtype", {"dtype": "float32"}),)


def test_a_factor_is_the_ratio_of_scales(tmp_path):
    size = {"tensor_id": "raw", "axis_id": "y", "offset": -3}
    axis = {"type": "space", "id": "y", "size": size, "scale": 2, "halo": 5}
    model = parse(tmp_path, ("inputs.0.axes.2.scale", 0.5), ("outputs.0.axes.2", axis))
    assert model.outputs[0].axes[2].size == Relative("raw", "y", 0.25, -3)
    assert model.outputs[0].axes[2].halo == 5


def test_axes_of_every_type_are_read(tmp_path):
    axes = [
        {"type": "batch", "size": 1},
        {"type": "index", "size": 7},
        {"type": "time", "size": 3, "unit": "second", "scale": 0.5},
        {"type": "space", "size": {"min": 2, "step": 1}},
    ]
    outputs = [
        {"type": "index", "size": {"min": 2, "max": 9}},
        {"type": "index", "id": "i2", "size": {}},
    ]
    model = parse(
        tmp_path,
        ("inputs.0.axes", axes),
        ("inputs.0.preprocessing", None),
        ("outputs.0.axes", outputs),
    )
    assert [axis.id for axis in model.inputs[0].axes] == ["batch", "index", "time", "x"]
    assert [axis.size for axis in model.inputs[0].axes] == [
        Fixed(1),
        Fixed(7),
        Fixed(3),
        Stepped(2, 1),
    ]
    assert (model.inputs[0].axes[2].scale, model.inputs[0].axes[2].unit) == (0.5, "second")
    assert [axis.size for axis in model.outputs[0].axes] == [Open(2, 9), Open()]


def test_data_types_and_ranges_are_read(tmp_path):
    both = [{"type": "int8", "range": [-1, None]}, {"type": "int8", "range": [-3, 4]}]
    model = parse(tmp_path, ("inputs.0.data", {"values": [0, 1, 2]}), ("outputs.0.data", both))
    assert (model.inputs[0].dtype, model.inputs[0].range) == ("uint8", None)
    assert (model.outputs[0].dtype, model.outputs[0].range) == ("int8", (-3, float("inf")))


def test_optional_inputs_and_padding_are_read(tmp_path):
    model = parse(
        tmp_path,
        ("inputs.0.optional", True),
        ("inputs.0.pad", {"mode": "constant", "value": 2}),
    )
    assert (model.inputs[0].optional, model.inputs[0].pad, model.inputs[0].pad_value) == (
        True,
        "constant",
        2,
    )
    assert parse(tmp_path).inputs[0].pad == "symmetric"


def test_names_are_compared_in_lower_case_and_letters_stand_for_words(tmp_path):
    model = parse(
        tmp_path,
        ("inputs.0.id", "RAW"),
        ("outputs.0.axes.2.size.tensor_id", "Raw"),
        ("outputs.0.axes.3.size.tensor_id", "raw"),
        ("inputs.0.preprocessing.0.kwargs.axes", ["Y", "x", "c"]),
    )
    assert model.inputs[0].id == "raw"
    assert model.inputs[0].steps[1].kwargs["axes"] == ["y", "x", "channel"]


def test_a_tensor_without_a_name_has_the_usual_one(tmp_path):
    axes = [{"type": "index", "size": {}}]
    model = parse(tmp_path, ("inputs.0.id", None), ("outputs.0.id", None), ("outputs.0.axes", axes))
    assert (model.inputs[0].id, model.outputs[0].id) == ("input", "output")


def test_numbers_that_only_newer_yaml_knows_are_numbers(tmp_path):
    path = package(tmp_path, V05)
    path.write_text(path.read_text().replace("axes:\n      - y\n      - x", "eps: 1e-6"))
    assert read_description(path).inputs[0].steps[1].kwargs == {"eps": 1e-6}


def test_tolerances_are_those_of_outputs_and_weights(tmp_path):
    listed = [
        {"relative_tolerance": 0.5, "output_ids": ["mask"], "weights_formats": ["torchscript"]},
        {"absolute_tolerance": 2, "mismatched_elements_per_million": 7},
    ]
    model = parse(tmp_path, ("config", {"bioimageio": {"reproducibility_tolerance": listed}}))
    assert model.allowed("mask", "torchscript").relative == 0.5
    assert model.allowed("mask", "onnx") == Tolerance(1e-3, 2, 7)
    assert parse(tmp_path).allowed("mask", "onnx") == Tolerance()


def test_a_tolerance_of_a_group_is_about_its_outputs(tmp_path):
    listed = [{"absolute_tolerance": 0, "output_ids": "any_discrete_output"}]
    config = ("config", {"bioimageio": {"reproducibility_tolerance": listed}})
    assert parse(tmp_path, config).allowed("mask", "onnx") == Tolerance()
    found = parse(tmp_path, config, ("outputs.0.data", {"type": "uint8"}))
    assert found.allowed("mask", "onnx").absolute == 0


def test_unknown_fields_are_passed_over(tmp_path):
    model = parse(
        tmp_path,
        ("inputs.0.novelty", [1]),
        ("covers", ["c.png"]),
        ("config", {"deepimagej": {"a": [{"b": 1}]}}),
    )
    assert model.config == {"deepimagej": {"a": [{"b": 1}]}}


AXIS = "inputs.0.axes.2"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("format_version", "0.3.6", "format_version: is 0.3.6, and formats 0.4 and 0.5 are read"),
        ("format_version", "0.6.0", "install a newer Cytomill"),
        ("format_version", "new", "must be a version such as 0.5.4"),
        ("format_version", None, "lacks 'format_version'"),
        ("type", "dataset", "type: is 'dataset', and must be one of model"),
        ("inputs", None, "lacks 'inputs'"),
        ("inputs", [], "inputs: must list at least one tensor"),
        ("inputs", {"a": 1}, "inputs: must be a list, not keys with values"),
        ("inputs.0.axes", None, r"inputs\[0\]: lacks 'axes'"),
        ("inputs.0.axes", [], r"inputs\[0\].axes: must list at least one axis"),
        ("outputs.0.id", "raw", r"outputs\[0\]: is named 'raw' as inputs\[0\] is"),
        ("weights", {}, "weights: lists none of onnx, torchscript"),
        ("weights.onnx.source", None, "weights.onnx: lacks 'source'"),
        ("weights.onnx.source", "no.onnx", "is 'no.onnx', and the package holds no such file"),
        ("weights.onnx.source", "../net.onnx", "a path that leads out of the package"),
        ("weights.onnx.source", "/etc/passwd", "must be a path from the description's folder"),
        ("weights.onnx.source", "C:\\net.onnx", "must be a path from the description's folder"),
        ("weights.onnx.sha256", "12", "must be a SHA-256 of 64 hexadecimal digits"),
        ("weights.onnx.external_data", {"source": "no"}, r"external_data.source: is 'no', and the"),
        ("inputs.0.test_tensor", {"source": "no.npy"}, r"inputs\[0\].test_tensor.source: is 'no"),
        (f"{AXIS}.type", "depth", r"axes\[2\].type: is 'depth', and must be one of batch, channel"),
        (f"{AXIS}.size", None, r"inputs\[0\].axes\[2\]: lacks 'size'"),
        (f"{AXIS}.size", 0, r"axes\[2\].size: must be at least 1, not '0'"),
        (f"{AXIS}.size", "many", r"axes\[2\].size: must be a number, not 'many'"),
        (f"{AXIS}.size", 1.5, r"axes\[2\].size: must be a whole number, not '1.5'"),
        (f"{AXIS}.size", {"min": 4}, r"axes\[2\].size: lacks 'step'"),
        (f"{AXIS}.size", {"min": 4, "step": 0}, r"size.step: must be at least 1"),
        (f"{AXIS}.id", "x", r"inputs\[0\].axes: has two axes named 'x'"),
        (f"{AXIS}.scale", 0, r"axes\[2\].scale: must be above 0"),
        (f"{AXIS}.halo", 4, r"axes\[2\].halo: is given, and only outputs have it"),
        ("inputs.0.axes.0.size", 2, r"axes\[0\].size: must be 1 or left out"),
        ("inputs.0.axes.0.id", "b2", r"axes\[0\].id: must be 'batch'"),
        ("inputs.0.axes.1.channel_names", None, r"axes\[1\]: lacks 'channel_names'"),
        ("outputs.0.axes.2", {"type": "space", "id": "y", "size": 9, "halo": 2},
         r"axes\[2\].halo: is given, and needs a size that refers"),
        ("outputs.0.axes.2.size.tensor_id", "row", r"outputs\[0\].axes\[2\].size: refers to axis "
         "'y' of 'row', which there is not"),
        ("outputs.0.axes.2.size.axis_id", "z", r"refers to axis 'z' of 'raw', which there is not"),
        ("outputs.0.axes.2.size.axis_id", "batch", r"of 'raw', whose size is open"),
        (f"{AXIS}.unit", "micrometer", "refers to an axis in micrometer, and is in None"),
        (f"{AXIS}.size", {"tensor_id": "raw", "axis_id": "y"}, r"depends on itself, through"),
        (f"{AXIS}.size", {"tensor_id": "mask", "axis_id": "y"}, r"of 'mask', which there is not"),
        ("inputs.0.data", {"type": "float99"}, r"inputs\[0\].data.type: is 'float99'"),
        ("inputs.0.data", [{"type": "uint8"}, {"type": "int8"}], "has several types"),
        ("inputs.0.data", {"range": [1]}, "data.range: must be a pair of numbers"),
        ("inputs.0.optional", "maybe", "optional: must be true or false, not 'maybe'"),
        ("inputs.0.pad", {"mode": "wrap"}, "pad.mode: is 'wrap', and must be one of constant"),
        ("inputs.0.preprocessing.0.id", "sharpen", r"preprocessing\[0\].id: is 'sharpen', an "
         "unknown operator"),
        ("inputs.0.preprocessing.0.kwargs.axes", ["q"], "names the axis 'q', and the tensor's are"),
        ("inputs.0.preprocessing.0.kwargs.axes", "yx", "axes must be a list, not 'yx'"),
        ("inputs.0.preprocessing.1", {"id": "scale_mean_variance"}, "unknown operator"),
        ("outputs.0.postprocessing", [{"id": "scale_range", "kwargs": {"reference_tensor": "q"}}],
         r"postprocessing\[0\].kwargs.reference_tensor: is 'q', and the tensors are raw, mask"),
        ("authors", [{}], r"authors\[0\]: lacks 'name'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(tmp_path, path, value, told):
    with pytest.raises(ModelError, match=rf"^{tmp_path}/rdf.yaml: .*{told}") as caught:
        parse(tmp_path, (path, value))
    assert "\n" not in str(caught.value)


def test_sizes_that_go_in_a_circle_are_told(tmp_path):
    with pytest.raises(ModelError, match=r"inputs\[0\].axes\[2\].size: depends on itself"):
        parse(
            tmp_path,
            ("inputs.0.axes.2.size", {"tensor_id": "raw", "axis_id": "x"}),
            ("inputs.0.axes.3.size", {"tensor_id": "raw", "axis_id": "y"}),
        )


def test_a_link_out_of_the_package_is_told(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "p").mkdir()
    (tmp_path / "p/net.onnx").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="a link that leads out of the package"):
        parse(tmp_path / "p")


def test_weights_that_are_not_run_say_why_and_do_not_stop_the_others(tmp_path):
    weights = {
        "pytorch_state_dict": {"source": "https://example.com/w.torch"},
        "keras_hdf5": {"source": "absent.h5"},
        "tensorflow_saved_model_bundle": {"source": "absent.zip"},
        "torchscript": {"source": "https://example.com/net.pt"},
        "onnx": {"source": "net.onnx"},
        "novelty": {"source": "x"},
    }
    model = parse(tmp_path, ("weights", weights))
    assert [entry.kind for entry in model.weights] == list(weights)[:-1]
    assert [entry.kind for entry in model.usable] == ["onnx"]
    assert "runs" not in model.refused["pytorch_state_dict"]
    assert "Python code of the package" in model.refused["pytorch_state_dict"]
    assert "--model-server" in model.refused["tensorflow_saved_model_bundle"]
    assert "at https://example.com/net.pt" in model.refused["torchscript"]


def test_a_url_is_the_file_of_that_name_where_the_package_holds_it(tmp_path):
    model = parse(tmp_path, ("weights.onnx.source", "https://example.com/a/net.onnx?download=1"))
    assert model.usable[0].path == tmp_path / "net.onnx"


def test_external_data_are_found(tmp_path):
    package(tmp_path, V05)
    (tmp_path / "net.onnx.data").write_bytes(b"1")
    model = parse(tmp_path, ("weights.onnx.external_data", {"source": "net.onnx.data"}))
    external = model.weights[0].external
    assert external is not None
    assert external.path == tmp_path / "net.onnx.data"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- 1\n", "holds no keys with values"),
        ("", "holds no keys with values"),
        ("a: [", "is not YAML"),
        ("a: !!python/object:os.system x", "has a tag"),
        ("a: 1\na: 2\n", "gives 'a' a second time"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(
            f"c{i}: &c{i} [{', '.join(['*b' if not i else f'*c{i - 1}'] * 9)}]\n" for i in range(9)
        ), "unfolds to more than"),
        ("x" * (5 * 2**20), "it is no description"),
        ("\xff", "is not YAML|is not text|holds no keys"),
    ],
)  # fmt: skip
def test_what_is_no_description_is_told(tmp_path, text, told):
    (tmp_path / "rdf.yaml").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=told):
        read_description(tmp_path / "rdf.yaml")


def test_shared_nodes_are_not_copied(tmp_path):
    path = package(tmp_path, V05)
    lines = ["config:", "  a: &a [" + "x, " * 99 + "x]", "  b: &b [" + "*a, " * 99 + "*a]"]
    path.write_text(path.read_text() + "\n".join(lines) + "\n  c: [" + "*b, " * 99 + "*b]\n")
    config = read_description(path).config
    assert config["c"][0] is config["c"][99] is config["b"]
