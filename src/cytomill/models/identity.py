"""What tells one model from another: its version, and the hashes of the files that make it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import ModelError
from .card import Model
from .description import Description


@dataclass(frozen=True, slots=True)
class Identity:
    """A model's version, and the SHA-256 of its files by name: equal for equal results."""

    version: str
    sha256: Mapping[str, str]

    @classmethod
    def of(cls, model: Model | Description) -> Self:
        """That of ``model``. Raises `ModelError` where a file cannot be read."""
        if isinstance(model, Model):
            weights = [one for one in (model.weights, model.int8) if one]
        else:
            # Weights that are not run may be absent, and have no hash.
            weights = [one for one in model.weights if one.sha256 or one.path.is_file()]
        hashes = {one.path.name: one.sha256 or _digest(one.path) for one in weights}
        if isinstance(model, Description):  # which says how tensors are prepared, too
            hashes[model.source.name] = _digest(model.source)
        return cls(model.version, hashes)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
