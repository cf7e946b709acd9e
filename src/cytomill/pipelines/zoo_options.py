"""The options of the ``model`` pipeline."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Options


class ZooOptions(Options):
    """Options of the ``model`` pipeline."""

    model: str = Field(
        description="The model: the name of an installed one, or a package of the BioImage Model "
        "Zoo (a folder, a zip, or its rdf.yaml), or bare weights with a card.",
    )
    channel: str | None = Field(
        None,
        coerce_numbers_to_str=True,
        description="Channels that the model sees, by name or number from 0: 0,2,1, or for a model "
        "of several inputs raw=DAPI,mask=1. Default: by name, else all where their number is the "
        "model's, else as for nuclei.",
    )
    pixel_size: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Size of a pixel in µm, where the file does not say or is wrong.",
    )
    rescale: bool = Field(True, description="Bring images to the pixel size the model is made for.")
    maps: bool = Field(True, description="Write the model's outputs as images.")
    labels: Literal[
        "auto", "none", "components", "boundary", "distance", "classes", "instances"
    ] = Field(
        "auto", description="How the outputs become labels; auto tells from the outputs' names."
    )
    threshold: float | None = Field(
        None, allow_inf_nan=False, description="Least value inside an object. Default: 0.5."
    )
    min_area: int | None = Field(
        None, ge=1, description="Least size of an object in pixels. Default: 12."
    )
    foreground: str | None = Field(
        None,
        coerce_numbers_to_str=True,
        description="The channel that shows the inside of objects, as output:channel.",
    )
    boundary: str | None = Field(
        None,
        coerce_numbers_to_str=True,
        description="The channel that shows the boundaries of objects, as output:channel.",
    )
    distance: str | None = Field(
        None,
        coerce_numbers_to_str=True,
        description="The channel of distances to the edge of objects, as output:channel.",
    )
    measure: bool = Field(True, description="Measure every object.")
