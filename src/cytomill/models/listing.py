"""The files that a description names, before or without looking at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import bare
from .description import Description
from .entries import RUN
from .fields import Field
from .files import located


def sources(top: Field) -> Iterator[Field]:
    """The fields with the path or URL of a file that inference or its test may need.

    Weights that are not run are among them only where the description has no others.
    """
    documentation = top.get("documentation")
    if documentation is not None:
        yield _source(documentation)
    for role in ("inputs", "outputs"):
        yield from top.many(f"test_{role}")
        yield from top.many(f"sample_{role}")
        for tensor in top.many(role):
            for key in ("test_tensor", "sample_tensor", "test"):
                given = tensor.get(key)
                if given is not None:
                    yield _source(given)
    weights = top.get("weights")
    if weights is not None:
        kinds = weights.names()
        for kind in [each for each in kinds if each in RUN] or kinds:
            yield from _of_weights(weights.get(kind))
    own = top.get("config")
    section = own.get("cytomill") if own else None
    yield from _of_weights(section.get("int8") if section and section.is_mapping else None)


def files(description: Description) -> dict[Path, Path]:
    """The files of a package that are there, by their path from its folder.

    Its description is called ``bioimageio.yaml`` if it has another name than is usual.
    """
    folder = description.folder
    found: dict[Path, Path] = {}
    for source in sources(Field.read(description.source)):
        path = located(source)
        if path is not None and path.is_file():
            found[path.relative_to(folder)] = path
    if description.format == bare.FORMAT:
        for weights in description.weights:
            found[weights.path.relative_to(folder)] = weights.path
        found[Path(description.source.name)] = description.source
    else:
        name = description.source.name
        found[Path(name if name == "rdf.yaml" else "bioimageio.yaml")] = description.source
    return found


def _of_weights(entry: Field | None) -> Iterator[Field]:
    if entry is None:
        return
    yield entry.need("source")
    external = entry.get("external_data")
    if external is not None:
        yield _source(external)


def _source(field: Field) -> Field:
    return field.need("source") if field.is_mapping else field
