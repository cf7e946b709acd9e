"""The weights of a model: a file, what kind it is of, and its hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .attachment import Attachment, check


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights and the SHA-256 it should have.

    ``kind`` is the key of a BioImage.IO description: ``onnx``, ``torchscript``… ``sha256`` is None
    where the description gives none. ``external`` is the second file of an ONNX network whose
    numbers are stored apart from its graph.
    """

    path: Path
    sha256: str | None
    kind: str = "onnx"
    external: Attachment | None = None

    def check(self) -> None:
        """Compare the files with their hashes; raises `ModelError`."""
        check(self.path, self.sha256)
        if self.external is not None:
            self.external.check()
