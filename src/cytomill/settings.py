"""Every setting: its unit, its default, and why that default.

A setting is read once, at import, from the environment variable ``CYTOMILL_`` + its name in
capitals. Options of a command override nothing here; they are about one run, settings are about a
machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .errors import OptionError


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this machine."""

    tile: int = 1280
    """Edge of a tile, in pixels of the model's grid, for planes too large to process whole.

    1280 keeps what two threads need for a slide below 2 GB, network and tables included; larger
    tiles spend less on their surroundings."""

    whole: int = 2304 * 2304
    """Planes of at most this many pixels of the model's grid are processed whole.

    Above the frame of any camera in common use (2304 x 2304), so that only slides and mosaics
    are tiled."""

    zip_bytes: int = 200 * 2**30
    """Bytes that one zip may unpack to: far above real uploads, far below a bomb's."""

    zip_ratio: int = 200
    """Largest believable ratio of unpacked to packed bytes of a zip member over 64 MiB.

    Deflate can reach 1000; a blank 16-bit microscope image reaches about 150."""

    max_pixels: int = 2**40
    """Pixels of one plane above which a file is taken to be damaged or hostile."""

    call_seconds: int = 300
    """Seconds after which a call to a model server is given up.

    A tile takes a second on a CPU: this is the queue of a busy server."""

    retry_seconds: int = 120
    """Seconds for which a model server that is away or busy is asked again.

    Enough to restart one, with its models."""

    message_bytes: int = 2**30
    """Bytes of one message to or from a model server.

    Far above any tile and below the 2 GiB that a message of the protocol can have."""

    models: Path = Path("~/.local/share/cytomill/models")
    """The folder of installed models.

    Where the user's own data belong on Linux, so that no rights are needed."""

    model_bytes: int = 8 * 2**30
    """Bytes that a model package may have, downloaded or unpacked.

    The largest of the BioImage Model Zoo have 2 GB."""

    model_hosts: str = "hypha.aicell.io,uk1s3.embassy.ebi.ac.uk,zenodo.org"
    """Hosts that models are downloaded from, with commas between: those of the zoo.

    The weights of a stranger are a stranger's program."""

    @classmethod
    def read(cls, environment: dict[str, str] | None = None) -> Settings:
        """Defaults, overridden by ``CYTOMILL_*`` in the environment.

        Raises `OptionError` for an unknown name, for a number that is not whole and positive, and
        for an empty path or text.
        """
        given = os.environ if environment is None else environment
        known = {f"CYTOMILL_{field.name.upper()}": field for field in fields(cls)}
        values: dict[str, Any] = {}
        for variable, text in given.items():
            if not variable.startswith("CYTOMILL_"):
                continue
            if variable not in known:
                raise OptionError(
                    f"{variable}: no such setting; the settings are {', '.join(sorted(known))}"
                )
            field = known[variable]
            values[field.name] = _value(variable, text, field.default)
        return cls(**values)


def _value(variable: str, text: str, default: object) -> int | str | Path:
    """What ``text`` means for a setting of the type of ``default``."""
    if isinstance(default, int):
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise OptionError(f"{variable}={text}: must be a whole number above 0")
        return int(text)
    if not text.strip():
        raise OptionError(f"{variable}: is empty; unset it, or give a value")
    return Path(text) if isinstance(default, Path) else text


settings = Settings.read()
