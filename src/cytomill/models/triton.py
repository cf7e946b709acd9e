"""Model repositories of Triton: ``NAME/config.pbtxt`` and ``NAME/1/model.onnx`` for each model.

The layout and the configuration are those of
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide. Images go
in and out of the network itself: the processing before and after it is done by who asks Triton.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError, OutputError
from ..image.archive import is_zip
from ..image.atomic import replacing
from .description import Description, Fixed, Tensor
from .network import Port, onnx_ports, saved_model_ports
from .unpack import unpack
from .weights import Weights

#: Kinds that Triton runs, in the order in which they are taken: its name of what runs them.
PLATFORMS = {
    "onnx": "onnxruntime_onnx",
    "torchscript": "pytorch_libtorch",
    "tensorflow_saved_model_bundle": "tensorflow_savedmodel",
}

_TYPES = {
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bfloat16": "BF16",
    "bool": "BOOL",
    "str": "STRING",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A model in a repository: its ``folder`` and the weights that went there."""

    name: str
    folder: Path
    weights: Weights


def export(description: Description, name: str, repository: Path) -> Exported:
    """Write the model as ``repository/name``; an earlier export of the name is replaced.

    Of its weights the first is taken that Triton runs: ONNX, TorchScript, TensorFlow SavedModel.
    Raises `ModelError` where there is none or it is damaged, `OutputError`.
    """
    found = {weights.kind: weights for weights in description.weights}
    chosen = next((found[kind] for kind in PLATFORMS if kind in found), None)
    if chosen is None:
        raise ModelError(
            f"{name}: has no weights that Triton runs ({', '.join(PLATFORMS)}), only "
            f"{', '.join(found)}"
        )
    chosen.check()
    target = repository / name
    if target.exists() and not (target / "config.pbtxt").is_file():
        raise OutputError(target, "is there and is no model of Triton", "choose another folder")
    with replacing(target) as temporary:
        version = temporary / "1"
        version.mkdir(parents=True)
        inputs, outputs = _place(chosen, description, version)
        config = configuration(name, PLATFORMS[chosen.kind], inputs, outputs)
        (temporary / "config.pbtxt").write_text(config, encoding="utf-8")
    return Exported(name, target, chosen)


def configuration(name: str, platform: str, inputs: Sequence[Port], outputs: Sequence[Port]) -> str:
    """The text of ``config.pbtxt``. Batches are dimensions like others: `max_batch_size` is 0."""
    lines = [f"name: {_quoted(name)}", f"platform: {_quoted(platform)}", "max_batch_size: 0"]
    for role, ports in (("input", inputs), ("output", outputs)):
        for port in ports:
            dims = ", ".join(map(str, port.shape))
            lines += [
                f"{role} {{",
                f"  name: {_quoted(port.name)}",
                f"  data_type: TYPE_{_triton_type(port.dtype)}",
                f"  dims: [ {dims} ]",
                "}",
            ]
    return "\n".join(lines) + "\n"


def _place(
    weights: Weights, description: Description, folder: Path
) -> tuple[Sequence[Port], Sequence[Port]]:
    """Put the weights where Triton looks for them; returns what the network takes and gives."""
    if weights.kind == "onnx":
        shutil.copyfile(weights.path, folder / "model.onnx")
        if weights.external is not None:  # the network names the file, which thus keeps its name
            shutil.copyfile(weights.external.path, folder / weights.external.path.name)
        return onnx_ports(weights.path)
    if weights.kind == "torchscript":
        shutil.copyfile(weights.path, folder / "model.pt")
        return (
            [_port(f"INPUT__{i}", tensor, -1) for i, tensor in enumerate(description.inputs)],
            [_port(f"OUTPUT__{i}", tensor, 0) for i, tensor in enumerate(description.outputs)],
        )
    saved = folder / "model.savedmodel"
    if weights.path.is_dir():
        shutil.copytree(weights.path, saved)
    elif is_zip(weights.path.name):
        unpack(weights.path, folder / "unpacked")
        _root(weights.path, folder / "unpacked").rename(saved)
        shutil.rmtree(folder / "unpacked", ignore_errors=True)
    else:
        raise ModelError(f"{weights.path}: is no zip of a TensorFlow SavedModel")
    return saved_model_ports(saved / "saved_model.pb")


def _root(path: Path, folder: Path) -> Path:
    found = sorted(folder.rglob("saved_model.pb"), key=lambda file: len(file.parts))
    if not found:
        raise ModelError(f"{path}: holds no saved_model.pb; it is no TensorFlow SavedModel")
    return found[0].parent


def _port(name: str, tensor: Tensor, side: int) -> Port:
    """What TorchScript takes or gives, which it does not tell itself.

    Its data type is the last before the network (``side`` -1); after it, that of the tensor where
    nothing but a cast follows, else float32.
    """
    shape = tuple(axis.size.size if isinstance(axis.size, Fixed) else -1 for axis in tensor.axes)
    dtype = tensor.dtype
    if side < 0 and tensor.steps:
        dtype = str(tensor.steps[-1].kwargs.get("dtype", "float32"))
    elif side == 0 and len(tensor.steps) > 1:
        dtype = "float32"
    return Port(name, dtype, shape)


def _triton_type(dtype: str) -> str:
    return _TYPES.get(dtype, dtype.upper())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
