"""The weights that a description lists, and which of them are run."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

from .attachment import Attachment
from .fields import Field
from .files import attached, hashed, located
from .weights import Weights

#: Kinds that are run here.
RUN = ("onnx", "torchscript")

#: Kinds that are not, and why.
_TRITON = (
    "TensorFlow runs behind Triton only: export it with 'cytomill models export --triton DIR NAME' "
    "and give the server's address with --model-server"
)
_KERAS = (
    "Keras weights are not run; convert them to ONNX or a TensorFlow SavedModel with "
    "'bioimageio add-weights'"
)
REFUSED = {
    "pytorch_state_dict": (
        "a state dict is run by Python code of the package, which is not executed; convert it to "
        "ONNX or TorchScript with 'bioimageio add-weights'"
    ),
    "tensorflow_saved_model_bundle": _TRITON,
    "keras_hdf5": _KERAS,
    "keras_v3": _KERAS,
    "tensorflow_js": "TensorFlow.js runs in browsers only; convert it to ONNX",
}


def weights(field: Field) -> tuple[tuple[Weights, ...], dict[str, str]]:
    """The entries of the section ``weights``, and why some kinds are refused.

    Raises `ModelError` for an entry that is wrong, and for a file that would be run and is not
    there. What is only at a URL is refused, not an error: the package may hold other weights.
    """
    found: list[Weights] = []
    refused: dict[str, str] = {}
    for kind in field.names():
        entry = field.get(kind)
        if entry is None:
            continue
        if kind not in (*RUN, *REFUSED):
            refused[kind] = f"weights of kind {kind!r} are unknown"
            continue
        source = entry.need("source")
        path = located(source)
        if path is None:
            name = PurePosixPath(urlsplit(source.text()).path).name or kind
            path = entry.file.parent / name
            refused[kind] = f"the file is not in the package but at {source.text()}"
        elif kind in RUN and not path.is_file():
            raise source.fault(f"is {source.text()!r}, and the package holds no such file")
        if kind in REFUSED:
            refused[kind] = REFUSED[kind]
        found.append(Weights(path, hashed(entry.get("sha256")), kind, _external(entry)))
    if not found:
        raise field.fault(f"lists none of {', '.join((*RUN, *REFUSED))}")
    return tuple(found), refused


def _external(entry: Field) -> Attachment | None:
    """The second file of an ONNX network."""
    field = entry.get("external_data")
    if field is None:
        return None
    found = attached(field, needed=True)
    if found is None:
        raise field.fault("is at a URL; download it into the package")
    return found
