"""Every setting: its unit, its default, and why that default.

A setting is read once, at import, from the environment variable ``CYTOMILL_`` + its name in
capitals. Options of a command override nothing here; they are about one run, settings are about a
machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

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

    @classmethod
    def read(cls, environment: dict[str, str] | None = None) -> Settings:
        """Defaults, overridden by ``CYTOMILL_*`` in the environment.

        Raises `OptionError` for a value that is not a positive whole number and for an unknown
        name.
        """
        given = os.environ if environment is None else environment
        known = {f"CYTOMILL_{field.name.upper()}": field.name for field in fields(cls)}
        values: dict[str, int] = {}
        for variable, text in given.items():
            if not variable.startswith("CYTOMILL_"):
                continue
            if variable not in known:
                raise OptionError(
                    f"{variable}: no such setting; the settings are {', '.join(sorted(known))}"
                )
            if not text.isascii() or not text.isdigit() or int(text) == 0:
                raise OptionError(f"{variable}={text}: must be a whole number above 0")
            values[known[variable]] = int(text)
        return cls(**values)


settings = Settings.read()
