"""What a synthetic sample shall be: the options of ``cytomill sample``, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import OptionError

if TYPE_CHECKING:
    from numpy.random import Generator

    from ..ops.synthesise import Scene

#: How many images, and how many frames a movie has, where the command does not say.
IMAGES, FRAMES = 6, 20

#: Width and height where the command does not say.
SIZE, MOVIE_SIZE = "1280x1080", "640x540"

#: Movies of one sample: their folders have two digits.
_MOST_MOVIES = 99

#: Diameters in pixels that are drawn: below, a nucleus is a dot; above, memory runs out.
_DIAMETERS = (2.0, 400.0)

#: Largest side in pixels, and pixels of a movie's frame, which is held whole.
_MOST_SIDE, _MOST_FRAME = 200_000, 4096 * 4096


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    ``diameter`` and ``pixel_size`` are in µm; ``coverage`` and ``noise`` are None where they
    differ from image to image; ``frames`` is 1 for still images.
    """

    kind: str
    count: int
    width: int
    height: int
    frames: int
    seed: int
    pixel_size: float
    diameter: float
    coverage: float | None
    noise: float | None
    dtype: str
    format: str
    stack: bool

    @classmethod
    def parse(
        cls,
        *,
        kind: str,
        count: int | None,
        size: str | None,
        frames: int | None,
        seed: int,
        pixel_size: float,
        diameter: float,
        coverage: float | None,
        noise: float | None,
        dtype: str,
        format_: str,
        stack: bool,
    ) -> Request:
        """Check the options and fill in what was not said. Raises `OptionError`."""
        movie = kind == "movie"
        if not movie and (frames is not None or stack):
            raise OptionError("--frames and --stack are about movies; add --kind movie")
        if movie and format_ == "zarr" and not stack:
            raise OptionError("--format zarr holds a movie in one place; add --stack")
        if movie and (count or 1) > _MOST_MOVIES:
            raise OptionError(f"--count {count}: at most {_MOST_MOVIES} movies")
        width, height = _size(size or (MOVIE_SIZE if movie else SIZE), movie)
        _check_lengths(pixel_size, diameter)
        return cls(
            kind=kind,
            count=count or (1 if movie else IMAGES),
            width=width,
            height=height,
            frames=(frames or FRAMES) if movie else 1,
            seed=seed,
            pixel_size=pixel_size,
            diameter=diameter,
            coverage=coverage,
            noise=noise,
            dtype=dtype,
            format=format_,
            stack=stack,
        )

    @property
    def challenge(self) -> bool:
        """Whether movies go to the folders of the Cell Tracking Challenge."""
        return self.kind == "movie" and not self.stack

    def scene(self, rng: Generator) -> Scene:
        """What an image shows: what was asked for, and a microscope's whims for the rest."""
        from ..ops.synthesise import Scene

        def between(low: float, high: float) -> float:
            return float(low * (high / low) ** rng.random())

        # Drawn even where given, so that an option changes nothing but what it names.
        coverage, noise = between(0.05, 0.35), between(0.01, 0.06)
        return Scene(
            shape=(self.height, self.width),
            diameter=self.diameter / self.pixel_size,
            coverage=coverage if self.coverage is None else self.coverage,
            noise=noise if self.noise is None else self.noise,
            clustering=between(0.1, 0.7),
            blur=between(0.8, 2.0),
            overlap=0.15,
            dome=between(0.4, 0.9),
            grain=between(0.02, 0.45),
            debris=between(0.005, 0.06),
            gain=between(300, 12_000),
            # A movie's nuclei divide by themselves.
            mitotic=between(0.01, 0.05) if self.kind == "nuclei" else 0.0,
        )


def _size(text: str, movie: bool) -> tuple[int, int]:
    """Width and height from ``1280x1080``."""
    found = re.fullmatch(r"(\d{1,9})[xX×](\d{1,9})", text.strip(), re.ASCII)
    if not found:
        raise OptionError(f"--size {text}: must be WIDTHxHEIGHT in pixels, like 1280x1080")
    width, height = int(found[1]), int(found[2])
    if not (0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE):
        raise OptionError(f"--size {text}: each side must be 1 to {_MOST_SIDE} pixels")
    if movie and width * height > _MOST_FRAME:
        raise OptionError(f"--size {text}: a movie's frame has at most {_MOST_FRAME} pixels")
    return width, height


def _check_lengths(pixel_size: float, diameter: float) -> None:
    if not 0.001 <= pixel_size <= 1000:
        raise OptionError(f"--pixel-size {pixel_size:g}: must be 0.001 to 1000 µm")
    low, high = _DIAMETERS
    if not low <= diameter / pixel_size <= high:
        raise OptionError(
            f"--diameter {diameter:g}: must be {low * pixel_size:g} to {high * pixel_size:g} µm"
            f" where a pixel is {pixel_size:g} µm"
        )
