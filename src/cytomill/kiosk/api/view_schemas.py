"""Answers about what a viewer shows of an image, as the API's description has them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from .image_answers import FaultAnswer, PixelSizeAnswer, ShapeAnswer


class ChannelAnswer(BaseModel):
    """A channel, and how to show it at first.

    ``low`` to ``high`` are shown from black to the colour; ``min`` and ``max`` are the least and
    greatest of the pixels that this was told from.
    """

    name: str
    colour: str = Field(description="#rrggbb")
    low: float
    high: float
    min: float
    max: float


class LabelsAnswer(BaseModel):
    """The label image; ``count`` objects are in it, null where that is not known."""

    dtype: Literal["uint16", "uint32"]
    count: int | None


class ColumnAnswer(BaseModel):
    """A column of the measurements; ``min`` and ``max`` are null of text and of no values."""

    name: str
    unit: str = Field(description="Empty for numbers without one.")
    kind: Literal["number", "text"]
    min: float | None
    max: float | None


class ImageView(BaseModel):
    """One image of a file.

    ``image.zarr`` and ``labels.zarr`` below its number have its pixels. Where the image itself
    cannot be shown ``error`` says why, and the rest is told from the labels.
    """

    name: str
    axes: str = Field(description="Those that the image has of TCZYX.")
    shape: ShapeAnswer
    dtype: Literal["uint8", "uint16", "float32"] | None = Field(
        description="That of image.zarr; null where it cannot be shown."
    )
    pixel_size: PixelSizeAnswer | None
    interval: float | None = Field(description="Seconds from one time to the next.")
    rgb: bool = Field(description="Whether the channels are red, green and blue of a picture.")
    channels: list[ChannelAnswer]
    levels: list[tuple[int, int]] = Field(description="Height and width of each level.")
    ready: bool = Field(description="Whether all levels can be read at once.")
    progress: float = Field(description="The share of what has to be made first, 0 to 1.")
    labels: LabelsAnswer | None
    tracks: bool = Field(description="Whether its objects were followed through time.")
    rows: int = Field(description="Rows of measurements.")
    columns: list[ColumnAnswer]
    error: FaultAnswer | None


class ViewAnswer(BaseModel):
    """What a viewer can show of an item: the images of its file, of which most have one."""

    images: list[ImageView]
    next: int | None = Field(description="`after` of the next page; null at the end.")


class MeasurementsAnswer(BaseModel):
    """Rows of measurements, column by column; null is a value that is not known."""

    columns: dict[str, list[float | str | None]]
    rows: int = Field(description="All there are, of those that were asked for.")
    next: int | None = Field(description="`after` of the next page; null at the end.")
    place: int | None = Field(description="Which row, from 0, is that of `find`; null of none.")


class TrackAnswer(BaseModel):
    """A track: the frames from ``start`` to ``end`` of what has one label."""

    label: int
    start: int
    end: int
    parent: int | None
    children: list[int]
    generation: int
    founder: int = Field(description="The first of its ancestors, which may be itself.")


class TracksAnswer(BaseModel):
    """Tracks, in order of label."""

    tracks: list[TrackAnswer]
    next: int | None = Field(description="`after` of the next page; null at the end.")
