from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from onnx import TensorProto, helper
from PIL import Image

from cytomill.errors import ModelError
from cytomill.inference.load import package_runtime
from cytomill.inference.reproduce import read_tensor, reproduce
from cytomill.models.attachment import Attachment
from cytomill.models.description import Fixed, Stepped, Tolerance
from cytomill.models.weights import Weights
from tests.networks import save
from tests.unit.inference.arithmetic import described, follow, tensor

X = np.random.default_rng(0).random((1, 1, 16, 20)).astype(np.float32)


def package(folder, expected, *, given=X, tolerance=None, sha256=None):
    """A model that doubles, with its test tensors."""
    shape = (TensorProto.FLOAT, [1, 1, "y", "x"])
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    weights = save(folder / "double.onnx", nodes, {"x": shape}, {"y": shape})
    for name, array in (("in", given), ("out", expected)):
        np.save(folder / f"{name}.npy", array)
    sizes = {"y": Stepped(4, 4), "x": Stepped(4, 4)}
    raw = tensor("raw", "bcyx", sizes, test=Attachment(folder / "in.npy", sha256))
    out = tensor("out", "bcyx", follow(), test=Attachment(folder / "out.npy"))
    made = described([raw], [out])
    return replace(made, weights=(Weights(weights, None),), tolerance=tolerance or made.tolerance)


def test_a_model_that_does_what_it_says_passes(tmp_path):
    (found,) = reproduce(package(tmp_path, 2 * X), device="cpu")
    assert found.passed
    assert (found.output, found.largest, found.mismatched) == ("out", 0, 0)
    assert found.seconds > 0


def test_differences_are_held_against_the_tolerance(tmp_path):
    expected = 2 * X
    expected[0, 0, 3, 4] += 0.5
    (found,) = reproduce(package(tmp_path, expected), device="cpu")
    assert not found.passed
    assert found.largest == pytest.approx(0.5, abs=1e-6)
    assert found.mismatched == pytest.approx(1e6 / X.size)
    lenient = Tolerance(mismatched=4000)
    assert reproduce(package(tmp_path, expected, tolerance=lenient), device="cpu")[0].passed
    lenient = Tolerance(absolute=0.6)
    assert reproduce(package(tmp_path, expected, tolerance=lenient), device="cpu")[0].passed


def test_nan_is_as_far_off_as_can_be_but_from_nan(tmp_path):
    given = X.copy()
    given[0, 0, 0, :2] = np.nan, np.inf
    (found,) = reproduce(package(tmp_path, 2 * given, given=given), device="cpu")
    assert found.passed
    (found,) = reproduce(package(tmp_path, 2 * X, given=given), device="cpu")
    assert not found.passed


def test_damaged_and_missing_test_tensors_are_told(tmp_path):
    good = package(tmp_path, 2 * X, sha256=None)
    digest = hashlib.sha256((tmp_path / "in.npy").read_bytes()).hexdigest()
    assert reproduce(package(tmp_path, 2 * X, sha256=digest), device="cpu")[0].passed
    with pytest.raises(ModelError, match=r"in.npy: has SHA-256"):
        reproduce(package(tmp_path, 2 * X, sha256="0" * 64), device="cpu")
    bare = replace(good, outputs=(replace(good.outputs[0], test=None),))
    with pytest.raises(ModelError, match="'out': its description names no test tensor"):
        reproduce(bare, device="cpu")
    with pytest.raises(ModelError, match=r"'out': is of 1 x 1 x 16 x 20 .* of 1 x 1 x 8 x 20"):
        reproduce(package(tmp_path, 2 * X[:, :, :8]), device="cpu")
    with pytest.raises(ModelError, match=r"in.npy: has 2 axes; tensor 'raw' has 4"):
        reproduce(package(tmp_path, 2 * X, given=X[0, 0]), device="cpu")
    (tmp_path / "in.npy").write_bytes(b"\x93NUMPY damaged")
    with pytest.raises(ModelError, match=r"in.npy: is no NumPy array"):
        reproduce(good, device="cpu")


def test_test_tensors_may_be_pictures(tmp_path):
    plane = (X[0, 0] * 200).astype(np.uint8)
    Image.fromarray(plane).save(tmp_path / "plane.png")
    found = read_tensor(tmp_path / "plane.png", tensor("raw", "bcyx"))
    assert np.array_equal(found, plane[None, None])
    stack = np.random.default_rng(0).integers(0, 999, (5, 3, 8, 9)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, metadata={"axes": "ZCYX"})
    volume = tensor("raw", "bczyx", {"c": Fixed(3)})
    found = read_tensor(tmp_path / "s.tif", volume)
    assert np.array_equal(found[0], stack.swapaxes(0, 1))
    last = tensor("raw", "zyxc", {"c": Fixed(3)})
    assert np.array_equal(read_tensor(tmp_path / "s.tif", last), stack.transpose(0, 2, 3, 1))
    with pytest.raises(ModelError, match=r"s.tif: cannot be read as tensor 'raw' .*5 .* along Z"):
        read_tensor(tmp_path / "s.tif", tensor("raw", "byxc"))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ModelError, match=r"broken.png: cannot be read as tensor"):
        read_tensor(tmp_path / "broken.png", tensor("raw", "yx"))


def test_weights_are_chosen_by_kind_and_what_cannot_be_loaded_is_passed_over(tmp_path):
    made = package(tmp_path, 2 * X)
    (good,) = made.weights
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    broken = Weights(tmp_path / "broken.onnx", None)
    both = replace(made, weights=(broken, good))
    assert package_runtime(both, device="cpu").weights == good
    with pytest.raises(ModelError, match=r"broken.onnx: .* cannot load it"):
        package_runtime(replace(made, weights=(broken,)), device="cpu")
    refused = replace(
        made,
        weights=(good, Weights(tmp_path / "x.h5", None, "keras_hdf5")),
        refused={"keras_hdf5": "runs behind Triton only"},
    )
    with pytest.raises(ModelError, match="arithmetic: keras_hdf5: runs behind Triton only"):
        package_runtime(refused, "keras_hdf5")
    with pytest.raises(ModelError, match=r"no weights that run here; .*keras_hdf5 \(runs behind"):
        package_runtime(replace(refused, weights=refused.weights[1:]))
    with pytest.raises(ModelError, match=r"has no torchscript weights; it has onnx \(runs\), ker"):
        package_runtime(refused, "torchscript")
