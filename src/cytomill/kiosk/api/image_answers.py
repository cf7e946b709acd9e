"""What the answers about images, uploaded or processed, share."""

from __future__ import annotations

from pydantic import BaseModel


class ShapeAnswer(BaseModel):
    """How many frames, channels, planes of depth, rows and columns an image has."""

    t: int
    c: int
    z: int
    y: int
    x: int


class PixelSizeAnswer(BaseModel):
    """The distance between neighbouring pixels in µm; ``z`` is null where it is not known."""

    x: float
    y: float
    z: float | None


class FaultAnswer(BaseModel):
    """What is wrong with an image, and what to do about it."""

    fault: str
    advice: str
