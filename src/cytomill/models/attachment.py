"""A file of a model package, and its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the package, and the SHA-256 it should have where that is given."""

    path: Path
    sha256: str | None = None

    def check(self) -> None:
        """Compare the file with its hash; raises `ModelError`."""
        check(self.path, self.sha256)


def check(path: Path, sha256: str | None) -> None:
    """See that a file is there and has its hash, if one is given; raises `ModelError`."""
    if not path.is_file():
        raise ModelError(f"{path}: is missing; install the model again")
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelError(
            f"{path}: has SHA-256 {found[:12]}…, its description says "
            f"{sha256[:12]}…; install the model again"
        )
