"""What an operator decides about a model server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError
from ..load import Device


@dataclass(frozen=True, slots=True)
class Options:
    """Where the models are, what they run on, and the limits that keep the server healthy."""

    models: Path | None = None
    """Folder with one model in each sub-folder, zip or file; None for the built-in ones alone."""

    load: tuple[str, ...] = ()
    """Models to load at the start; the others are loaded by their first request."""

    device: Device = "auto"
    """Where networks run."""

    threads: int | None = None
    """Inferences of one model at once on a CPU, one core each; None for one per core."""

    memory: int | None = None
    """Bytes that all loaded models may take together; None for 3/4 of what this process may use."""

    queue: int = 256
    """Requests that may wait for one model: beyond it, waiting would outlast most clients."""

    queue_bytes: int = 2 * 2**30
    """Bytes of input that may wait for one model; one request may, whatever its size."""

    batch: int | None = None
    """Rows joined into one run of a network whose first axis is a batch, 1 for never.

    None for 1 on a CPU, where convolutions gain nothing from it, and 8 on CUDA."""

    delay: float = 0.002
    """Seconds that a request may wait for others to join it; nothing where ``batch`` is 1."""

    def __post_init__(self) -> None:
        for name in ("threads", "memory", "batch", "queue", "queue_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"--{name.replace('_', '-')} {value}: must be at least 1")
        if not 0 <= self.delay <= 60:
            raise OptionError(f"--delay {self.delay}: must be 0 to 60 seconds")
        if self.models is not None and not self.models.is_dir():
            raise OptionError(f"--models {self.models}: is not a folder")
