"""The weights of a model: a file, what kind it is of, and its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights and the SHA-256 it should have.

    ``kind`` is the key of a BioImage.IO description: ``onnx``, ``torchscript``… ``sha256`` is None
    where the description gives none.
    """

    path: Path
    sha256: str | None
    kind: str = "onnx"

    def check(self) -> None:
        """Compare the file with its hash; raises `ModelError`."""
        if not self.path.is_file():
            raise ModelError(f"{self.path}: is missing; install the model again")
        if self.sha256 is None:
            return
        with self.path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"{self.path}: has SHA-256 {found[:12]}…, its description says "
                f"{self.sha256[:12]}…; install the model again"
            )
