"""The zoo's reference model: a U-Net of one fixed size, described in three formats."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from cytomill.errors import ModelError
from cytomill.inference.load import package_runtime, views
from cytomill.inference.network import Network
from cytomill.inference.openvino import OpenVino
from cytomill.inference.reproduce import reproduce
from cytomill.models.description import Description, Stepped
from cytomill.models.package import read_description

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "models" / "unet2d_nuclei_broad"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the model is not part of the repository, nor at {FOLDER}"
)

FORMATS = {
    "0.4.0": "v0_4_0.bioimageio.yaml",
    "0.4.9": "v0_4_9.bioimageio.yaml",
    "0.5.4": "bioimageio.yaml",
}


def description(version: str = "0.5.4") -> Description:
    return read_description(FOLDER / FORMATS[version])


def nuclei(height: int, width: int) -> np.ndarray:
    """Bright blobs on an uneven ground, uint16 (1, 1, y, x)."""
    y, x = np.mgrid[:height, :width]
    blobs = np.maximum(np.sin(x / 9) * np.sin(y / 11), 0) ** 2
    noise = np.random.default_rng(0).normal(0, 20, (height, width))
    return (200 + 2000 * blobs + x + noise).clip(0).astype(np.uint16)[None, None]


@pytest.mark.parametrize("version", FORMATS)
@pytest.mark.parametrize("kind", ["onnx", "torchscript"])
def test_its_test_tensors_are_reproduced(version, kind):
    (found,) = reproduce(description(version), kind, "cpu")
    assert found.passed
    assert found.output == "probability"
    assert found.largest <= 1e-5
    assert found.mismatched == 0


@pytest.mark.parametrize("version", ["0.4.0", "0.5.4"])
def test_images_of_any_size_run(version):
    network = Network(description(version), package_runtime(description(version), device="cpu"), 2)
    for size in ((1, 1), (500, 500), (3, 700)):
        (found,) = network.predict({"raw": nuclei(*size)}).values()
        assert found.shape == (1, 1, *size)
        assert found.dtype == np.float32
        assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize("side", [900, 1296])
def test_tiles_agree_with_the_whole_image(side, tmp_path):
    fixed, x = description(), nuclei(side, side)
    tiled = Network(fixed, package_runtime(fixed, device="cpu"), 2).predict({"raw": x})
    free = of_any_size(tmp_path)
    runtime = OpenVino("unet", free.weights[0], 2, exact=True)
    whole = Network(free, runtime).predict({"raw": x}, limit=None)
    np.testing.assert_allclose(tiled["probability"], whole["probability"], rtol=0, atol=3e-3)
    assert whole["probability"].std() > 0.1
    limited = Network(free, runtime).predict({"raw": x}, limit=600 * 600)
    np.testing.assert_allclose(limited["probability"], whole["probability"], rtol=0, atol=3e-3)


def of_any_size(folder: Path) -> Description:
    """The same model with a graph that takes any multiple of 16 pixels, and a description of it."""
    graph = onnx.load(FOLDER / "weights.onnx")
    for port in (*graph.graph.input, *graph.graph.output):
        for place in (0, 2, 3):
            port.type.tensor_type.shape.dim[place].dim_param = f"n{place}"
    del graph.graph.value_info[:]
    onnx.save(graph, folder / "weights.onnx")
    text = (FOLDER / "bioimageio.yaml").read_text()
    text = text.replace("size: 512", "size: {min: 64, step: 16}")
    digest = description().weights[0].sha256
    for file in FOLDER.glob("*.*"):
        if file.suffix in (".npy", ".png", ".pt", ".md"):
            shutil.copyfile(file, folder / file.name)
    (folder / "rdf.yaml").write_text(text.replace(f"    sha256: {digest}\n", ""))
    made = read_description(folder / "rdf.yaml")
    assert made.inputs[0].axes[2].size == Stepped(64, 16)
    return made


def test_its_view_takes_images_as_they_are():
    found = views(description(), "cpu", 2)
    assert sorted(found) == ["", ".pixels"]
    x = nuclei(40, 600)
    seen = found[".pixels"].infer({"raw": x})["probability"]
    expected = Network(description(), found[""], 1).predict({"raw": x})["probability"]
    assert np.array_equal(seen, expected)


def test_state_dict_weights_are_refused_with_the_reason():
    with pytest.raises(ModelError, match=r"pytorch_state_dict: .*"):
        package_runtime(description(), "pytorch_state_dict", "cpu")
    with pytest.raises(ModelError, match="has no keras_hdf5 weights; it has onnx"):
        package_runtime(description(), "keras_hdf5", "cpu")
