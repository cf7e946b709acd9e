from __future__ import annotations

from pathlib import Path

import pytest

from cytomill.errors import ModelError
from cytomill.models.description import Fixed, Open, Relative, Step, Stepped
from cytomill.models.package import read_description
from tests.unit.models.packages import V04, V05, changed, package

SHARED = Path(__file__).resolve().parents[4] / "shared/models/unet2d_nuclei_broad"


def parse(tmp_path, *changes):
    description = V04
    for path, value in changes:
        description = changed(description, path, value)
    return read_description(package(tmp_path, description))


def processed(tmp_path, name, **kwargs):
    """What one step of an output becomes."""
    steps = [{"name": name, **({"kwargs": kwargs} if kwargs else {})}]
    return parse(tmp_path, ("outputs.0.postprocessing", steps)).outputs[0].steps[0]


def test_it_reads_as_format_0_5(tmp_path):
    old = parse(tmp_path / "old")
    new = read_description(package(tmp_path / "new", V05))
    for one, other in ((old.inputs, new.inputs), (old.outputs, new.outputs)):
        for a, b in zip(one, other, strict=True):
            assert (a.id, a.dtype, a.steps) == (b.id, b.dtype, b.steps)
            for left, right in zip(a.axes, b.axes, strict=True):
                assert (left.id, left.kind, left.halo) == (right.id, right.kind, right.halo)
    assert [axis.size for axis in old.inputs[0].axes] == [axis.size for axis in new.inputs[0].axes]
    assert old.inputs[0].test.path.name == new.inputs[0].test.path.name == "in.npy"


def test_shapes_are_explicit_or_have_steps(tmp_path):
    model = parse(
        tmp_path,
        ("inputs.0.shape", [1, 1, 32, 48]),
        ("outputs.0.shape", [1, 2, 32, 48]),
        ("outputs.0.halo", [0, 0, 4, None]),
    )
    assert [axis.size for axis in model.inputs[0].axes] == [Fixed(n) for n in (1, 1, 32, 48)]
    assert [axis.size for axis in model.outputs[0].axes] == [Fixed(n) for n in (1, 2, 32, 48)]
    assert [axis.halo for axis in model.outputs[0].axes] == [0, 0, 4, 0]
    sizes = [axis.size for axis in parse(tmp_path).inputs[0].axes]
    assert sizes == [Open(), Fixed(1), Stepped(8, 4), Stepped(8, 4)]


def test_sizes_follow_a_reference(tmp_path):
    shape = {
        "reference_tensor": "raw",
        "scale": [1, 0, None, 0.5, 2],
        "offset": [0, 1.5, 4, 0, -2.5],
    }
    model = parse(tmp_path, ("outputs.0.axes", "bczyx"), ("outputs.0.shape", shape))
    assert [axis.size for axis in model.outputs[0].axes] == [
        Open(),
        Fixed(3),
        Fixed(8),
        Relative("raw", "y", 0.5, 0),
        Relative("raw", "x", 2, -5),
    ]
    assert [axis.scale for axis in model.outputs[0].axes] == [1, 1, 1, 2, 0.5]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("sigmoid", {}, Step("sigmoid", {})),
        ("binarize", {"threshold": 0.5}, Step("binarize", {"threshold": 0.5})),
        ("clip", {"min": 0, "max": 1}, Step("clip", {"min": 0, "max": 1})),
        ("scale_linear", {"gain": 2}, Step("scale_linear", {"gain": 2})),
        ("scale_linear", {"axes": "yx", "gain": [2, 3], "offset": 1},
         Step("scale_linear", {"gain": [2, 3], "offset": [1, 1], "axis": "channel"})),
        ("zero_mean_unit_variance", {"axes": "cyx", "mean": 3, "std": 2},
         Step("fixed_zero_mean_unit_variance", {"mean": 3, "std": 2})),
        ("zero_mean_unit_variance", {"mode": "fixed", "axes": "yx", "mean": [1, 2], "std": [3, 4]},
         Step("fixed_zero_mean_unit_variance",
              {"mean": [1, 2], "std": [3, 4], "axis": "channel"})),
        ("zero_mean_unit_variance", {"mode": "fixed", "axes": "yx", "mean": [1], "std": [3]},
         Step("fixed_zero_mean_unit_variance", {"mean": 1, "std": 3})),
        ("zero_mean_unit_variance", {"mode": "per_sample", "axes": "yx", "eps": 0.1},
         Step("zero_mean_unit_variance", {"axes": ["y", "x"], "eps": 0.1})),
        ("zero_mean_unit_variance", {"mode": "per_dataset", "axes": "cy"},
         Step("zero_mean_unit_variance", {"axes": ["batch", "channel", "y"]})),
        ("scale_range", {"mode": "per_sample", "min_percentile": 1, "reference_tensor": "raw"},
         Step("scale_range", {"axes": ["channel", "y", "x"], "min_percentile": 1,
                              "reference_tensor": "raw"})),
        ("scale_mean_variance", {"mode": "per_dataset", "axes": "x", "reference_tensor": "raw"},
         Step("scale_mean_variance", {"axes": ["batch", "x"], "reference_tensor": "raw"})),
    ],
)  # fmt: skip
def test_operators_become_those_of_format_0_5(tmp_path, name, given, expected):
    assert processed(tmp_path, name, **given) == expected


def test_networks_take_float32_whatever_images_are(tmp_path):
    model = parse(tmp_path, ("inputs.0.data_type", "uint16"))
    assert model.inputs[0].dtype == "uint16"
    assert model.inputs[0].steps[0] == Step("ensure_dtype", {"dtype": "uint16"})
    assert model.inputs[0].steps[-1] == Step("ensure_dtype", {"dtype": "float32"})


def test_the_tolerance_of_a_kind_of_weights_is_read(tmp_path):
    config = {"bioimageio": {"test_kwargs": {"onnx": {"relative_tolerance": 0.25}}}}
    model = parse(tmp_path, ("config", config))
    assert model.allowed("mask", "onnx").relative == 0.25
    assert model.allowed("mask", "torchscript").relative == 1e-3


IMPLICIT = {"reference_tensor": "raw", "scale": [1, 1, 1, 1], "offset": [0, 0, 0, 0]}


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("inputs.0.name", None, r"inputs\[0\]: lacks 'name'"),
        ("inputs.0.data_type", None, r"inputs\[0\]: lacks 'data_type'"),
        ("inputs.0.axes", "bcxyq", r"axes: is 'bcxyq', and must be different letters of bitczyx"),
        ("inputs.0.axes", "bccx", "must be different letters"),
        ("inputs.0.shape", [1, 1, 8], "shape: lists 3 numbers for 4 axes"),
        ("inputs.0.shape", [1, 1, 0, 8], r"shape\[2\]: must be at least 1"),
        ("inputs.0.shape.step", [0, 0, 4], "shape.step: lists 3 numbers for 4 axes"),
        ("inputs.0.shape", {"min": [1, 1, 8, 8]}, "shape: lacks 'step'"),
        ("inputs.0.data_range", [0], "data_range: must be a pair"),
        ("outputs.0.name", "raw", r"outputs\[0\]: is named 'raw' as inputs\[0\] is"),
        ("outputs.0.halo", [1, 2], "halo: lists 2 numbers for 4 axes"),
        ("outputs.0.halo", [0, 0, -1, 0], r"halo\[2\]: must be at least 0"),
        ("outputs.0.shape", IMPLICIT | {"scale": [1, 1]}, "must give scale and offset for each"),
        ("outputs.0.shape", IMPLICIT | {"scale": [1, -1, 1, 1]}, r"scale\[1\]: must be 0 or more"),
        ("outputs.0.shape", IMPLICIT | {"scale": [1, 0, 1, 1]}, r"offset\[1\]: must be at least"),
        ("outputs.0.shape", IMPLICIT | {"offset": [0, 0, 0.3, 0]}, "must be a multiple of 0.5"),
        ("outputs.0.shape.reference_tensor", "row", "refers to axis 'channel' of 'row', which"),
        ("test_inputs", ["in.npy", "in.npy"], "test_inputs: lists 2 files for 1 tensors"),
        ("test_inputs", ["no.npy"], r"test_inputs\[0\]: is 'no.npy', and the package holds no"),
        ("inputs.0.preprocessing.0.name", "softmax", r"preprocessing\[0\].name: is 'softmax', an "
         "unknown operator"),
        ("inputs.0.preprocessing.0.kwargs.mode", "per_pixel", "mode must be one of per_sample"),
        ("inputs.0.preprocessing.0.kwargs.mode", "fixed", "kwargs: lacks 'mean'"),
        ("inputs.0.preprocessing.0.kwargs.axes", "zb", "axes must be letters of bcyx other than b"),
        ("inputs.0.preprocessing", [{"name": "scale_linear", "kwargs": {"gain": [1, 2]}}],
         "gain is a list, and axes must name all axes of bcyx but one"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(tmp_path, path, value, told):
    with pytest.raises(ModelError, match=rf"^{tmp_path}/rdf.yaml: .*{told}"):
        parse(tmp_path, (path, value))


@pytest.fixture
def broad():
    """The zoo's reference package, which is not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the package is not at {SHARED}")
    return SHARED


def test_the_same_package_in_three_formats_is_one_model(broad):
    names = ("v0_4_0.bioimageio.yaml", "v0_4_9.bioimageio.yaml", "bioimageio.yaml")
    oldest, old, new = (read_description(broad / name) for name in names)
    assert oldest.inputs == old.inputs
    assert oldest.outputs == old.outputs
    for a, b in zip((*old.inputs, *old.outputs), (*new.inputs, *new.outputs), strict=True):
        assert (a.id, a.dtype, a.test.path) == (b.id, b.dtype, b.test.path)
        assert [step.operator for step in a.steps] == [step.operator for step in b.steps]
        for left, right in zip(a.axes, b.axes, strict=True):
            assert (left.id, left.kind, left.size, left.halo) == (
                right.id,
                right.kind,
                right.size,
                right.halo,
            )
    assert {each.kind for each in old.usable} == {each.kind for each in new.usable}
    assert {each.path for each in old.usable} == {each.path for each in new.usable}


def test_the_invalid_package_is_refused_with_its_fault(broad):
    with pytest.raises(ModelError, match=r"outputs\[0\]: is named 'data' as inputs\[0\] is"):
        read_description(broad / "invalid_v0_4_0_duplicate_tensor_names.bioimageio.yaml")
