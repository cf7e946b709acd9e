"""Model packages on disk, in whatever form they come."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ModelError
from . import bare, v04, v05
from .description import Description
from .fields import Field
from .library import find_folder, installed_in, is_name, unknown
from .sniff import DESCRIPTIONS, sniff
from .unpack import unpacked

_FORMAT = re.compile(r"(\d+)\.(\d+)(\.\d+)?")


def read(source: str | Path) -> Description:
    """The model ``source``: a name, a folder, a zip, a description, or weights with a card.

    The name is that of a built-in or installed model; a path that looks like one is written
    ``./name``. Zips are unpacked below the folder of installed models. Raises `OptionError` for
    what is neither a name nor there, `ModelError` for what is no model or has a fault.
    """
    named = find_folder(source) if isinstance(source, str) else None
    if named is not None:
        return read_folder(named)
    path = Path(source)
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        if isinstance(source, str) and is_name(source):
            raise unknown(source)
        raise ModelError(f"{path}: does not exist; give a model's name, folder, zip or file")
    kind = sniff(path)
    if kind == "zip":
        return read_folder(unpacked(path, installed_in() / ".unpacked"))
    return read_description(path) if kind == "yaml" else bare.read(path, kind)


def read_folder(folder: Path) -> Description:
    """The package in ``folder``, or its only weights with a card; raises `ModelError`."""
    path = next((folder / name for name in DESCRIPTIONS if (folder / name).is_file()), None)
    if path is not None:
        return read_description(path)
    carded = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix in bare.SUFFIXES and bare.card_of(path).is_file()
    ]
    if len(carded) == 1:
        return bare.read(carded[0], sniff(carded[0]))
    raise ModelError(
        f"{folder}: holds no {' or '.join(DESCRIPTIONS)}, nor one ONNX or TorchScript file with a "
        "card; not a model package"
    )


def read_description(file: Path) -> Description:
    """The package that ``file`` describes, in whose folder it lies; raises `ModelError`.

    ``file`` may also be the card of bare weights.
    """
    top = Field.read(file)
    weights = next(filter(Path.is_file, map(file.with_suffix, bare.SUFFIXES)), None)
    if top.get("format_version") is None and weights is not None:
        return bare.read(weights, sniff(weights))
    version = top.need("format_version")
    match = _FORMAT.fullmatch(version.text())
    if match is None:
        raise version.fault(f"is {version.text()!r}, and must be a version such as 0.5.4")
    number = (int(match[1]), int(match[2]))
    if number == (0, 4):
        return v04.parse(top)
    if number == (0, 5):
        return v05.parse(top)
    way = (
        "write it in 0.5 with 'bioimageio update-format'"
        if number < (0, 4)
        else "install a newer Cytomill"
    )
    raise version.fault(f"is {version.text()}, and formats 0.4 and 0.5 are read; {way}")


def check_files(description: Description) -> None:
    """Compare all files with their hashes that the description gives; raises `ModelError`.

    Weights that are not run are passed over where they are not there.
    """
    for weights in description.weights:
        if weights.kind not in description.refused or weights.path.is_file():
            weights.check()
    for tensor in (*description.inputs, *description.outputs):
        for attachment in (tensor.test, tensor.sample):
            if attachment is not None:
                attachment.check()
