"""The models that pipelines are made for, by name."""

from __future__ import annotations

from .card import Model
from .library import built_in, find_folder, unknown


def names() -> tuple[str, ...]:
    """Names of the built-in models, sorted."""
    return tuple(built_in())


def find(name: str) -> Model:
    """The card of the model ``name``, built-in or installed.

    Raises `OptionError` naming the models there are, and `ModelError` for an installed model
    without a card; `cytomill.models.package.read` reads that.
    """
    folder = find_folder(name)
    if folder is None:
        raise unknown(name)
    return Model.read(folder)
