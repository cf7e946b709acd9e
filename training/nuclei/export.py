"""From trained weights to a BioImage.IO package."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import yaml
from torch import Tensor, nn

from cytomill.ops.normalise import levels, normalise

from .data import Example
from .network import OUTPUTS, STRIDE, NucleiNet

#: Operator set of the ONNX file: the oldest that has all it needs, for the widest support.
OPSET = 17

#: Pixels at a tile's edge that are not to be trusted: the network sees 105 pixels far, and a
#: nucleus that is to be seen whole from its peak adds its own radius.
HALO = 192

#: µm per pixel the network is meant for: nuclei of the training images (median diameter 16 pixels,
#: most between 10 and 50) are then 10 to 12 µm across, and a 20x objective needs no resampling.
PIXEL_SIZE = 0.65


class _Bytes(nn.Module):
    """The network with its maps as bytes: a quarter of the memory and of the wire."""

    def __init__(self, network: NucleiNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.network(x, probabilities=True)
        return torch.round(maps * 255).to(torch.uint8)


def write_onnx(network: NucleiNet, path: Path) -> None:
    """Write ``network`` as ONNX: input ``image`` float32 (b, 1, y, x), output ``maps`` uint8."""
    free = {0: "batch", 2: "y", 3: "x"}
    torch.onnx.export(
        _Bytes(network.cpu()).eval(),
        (torch.zeros(1, 1, 64, 64),),
        str(path),
        input_names=["image"],
        output_names=["maps"],
        dynamic_axes={"image": free, "maps": free},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(path)
    model.producer_name, model.doc_string = "cytomill", ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_package(
    folder: Path,
    sample: Example,
    thresholds: dict[str, float],
    scores: dict[str, Any],
    recipe: dict[str, Any],
    version: str,
) -> None:
    """Write the description, test tensors and licence beside ``folder/nuclei.onnx``."""
    import onnxruntime

    size = 256
    pixels = sample.image[:size, :size]
    x = normalise(pixels, levels(pixels.shape, lambda y, x: pixels[y, x]))[None, None]
    session = onnxruntime.InferenceSession(
        str(folder / "nuclei.onnx"), providers=["CPUExecutionProvider"]
    )
    np.save(folder / "test_input.npy", x)
    np.save(folder / "test_output.npy", session.run(None, {"image": x})[0])
    card = _card(folder, thresholds, scores, recipe, version)
    (folder / "rdf.yaml").write_text(
        yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100), "utf-8"
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _card(
    folder: Path,
    thresholds: dict[str, float],
    scores: dict[str, Any],
    recipe: dict[str, Any],
    version: str,
) -> dict[str, Any]:
    def space(axis: str, **size: Any) -> dict[str, Any]:
        return {"type": "space", "id": axis, "unit": "micrometer", "scale": PIXEL_SIZE, **size}

    steps = {"size": {"min": STRIDE, "step": STRIDE}}
    return {
        "format_version": "0.5.4",
        "type": "model",
        "name": "Cytomill nuclei",
        "version": version,
        "description": "Nuclei in 2D fluorescence images: foreground, distance and centre maps for "
        "a marker-based watershed.",
        "authors": [{"name": "The Cytomill developers"}],
        "license": "Apache-2.0",
        "documentation": {"source": "README.md", "sha256": _sha256(folder / "README.md")},
        "timestamp": datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(),
        "tags": ["nuclei", "segmentation", "fluorescence", "2d", "unet"],
        "cite": [
            {
                "text": "Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 "
                "Data Science Bowl, Nature Methods 16 (2019); BBBC038, CC0 (training images)",
                "doi": "10.1038/s41592-019-0612-7",
            }
        ],
        "inputs": [
            {
                "id": "image",
                "description": "One grey plane, its 1st percentile at 0 and its 99.8th at 1; "
                "values above 1 compressed to 1 + ln x.",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": ["nuclei"]},
                    space("y", **steps),
                    space("x", **steps),
                ],
                "data": {"type": "float32", "range": [-1, None]},
                "test_tensor": {
                    "source": "test_input.npy",
                    "sha256": _sha256(folder / "test_input.npy"),
                },
            }
        ],
        "outputs": [
            {
                "id": "maps",
                "description": "Foreground probability; distance to the outline over its maximum "
                "in the nucleus; nearness to the centre. 0..255 for 0..1.",
                "axes": [
                    {"type": "batch"},
                    {"type": "channel", "channel_names": list(OUTPUTS)},
                    space("y", size={"tensor_id": "image", "axis_id": "y"}, halo=HALO // 2),
                    space("x", size={"tensor_id": "image", "axis_id": "x"}, halo=HALO // 2),
                ],
                "data": {"type": "uint8", "range": [0, 255]},
                "test_tensor": {
                    "source": "test_output.npy",
                    "sha256": _sha256(folder / "test_output.npy"),
                },
            }
        ],
        "weights": {
            "onnx": {
                "source": "nuclei.onnx",
                "sha256": _sha256(folder / "nuclei.onnx"),
                "opset_version": OPSET,
            }
        },
        "config": {
            "bioimageio": {"reproducibility_tolerance": [{"absolute_tolerance": 2}]},
            "cytomill": {
                "name": "nuclei",
                "maps": list(OUTPUTS),
                "pixel_size": PIXEL_SIZE,
                "stride": STRIDE,
                "halo": HALO,
                "int8": {
                    "source": "nuclei_int8.onnx",
                    "sha256": _sha256(folder / "nuclei_int8.onnx"),
                },
                "watershed": thresholds,
                "scores": scores,
                "training": recipe,
            },
        },
    }
