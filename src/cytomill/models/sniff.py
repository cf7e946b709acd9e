"""What kind of model a file is, by its content."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Literal

from ..errors import ModelError
from .protobuf import fields

#: A zip with a description, a description, or bare weights.
Kind = Literal["zip", "yaml", "onnx", "torchscript"]

#: File names a description may have.
DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")

_WAY_OUT = (
    "give a folder or zip with rdf.yaml or bioimageio.yaml, or an ONNX or TorchScript file with a "
    "card beside it"
)

#: Bytes that tell ONNX from other files: the version, who wrote it and how large the graph is.
_START = 4096


def sniff(path: Path) -> Kind:
    """The kind of the file ``path``; raises `ModelError` for what is no model."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return "yaml"
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    if start.startswith(b"PK"):
        return _zipped(path)
    if _is_onnx(start):
        return "onnx"
    if start.startswith(b"\x89HDF"):
        raise ModelError(f"{path}: holds Keras weights, which are not run; convert them to ONNX")
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(f"{path}: is a pointer of Git LFS, not the file; run 'git lfs pull'")
    raise ModelError(f"{path}: is no model; {_WAY_OUT}")


def _zipped(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    except Exception:  # a damaged directory makes zipfile raise nearly anything
        raise ModelError(f"{path}: is not a zip, or is damaged; download it again") from None
    if any(name.name in DESCRIPTIONS for name in names):
        return "zip"
    inside = {PurePosixPath(*name.parts[1:2]) for name in names}
    if PurePosixPath("code") in inside and PurePosixPath("constants.pkl") in inside:
        return "torchscript"
    if PurePosixPath("data.pkl") in inside:
        raise ModelError(
            f"{path}: holds a PyTorch state dict or pickle, which runs code; save it as "
            "TorchScript or ONNX"
        )
    raise ModelError(f"{path}: is a zip without {' or '.join(DESCRIPTIONS)}; {_WAY_OUT}")


def _is_onnx(start: bytes) -> bool:
    """Whether a file begins as ONNX does: with its version, a small number."""
    try:
        number, value = next(fields(start))
    except (StopIteration, ValueError):
        return False
    return number == 1 and isinstance(value, int) and 1 <= value < 100
