"""What is in an uploaded file: its images, what was understood of them, and a small picture."""

from __future__ import annotations

from typing import Annotated, Literal

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from ...errors import InputError
from ...image.core import Image
from ...image.correction import Correction, named_axes
from ...image.names import is_image
from ..inspection import Inspection, opened
from ..thumbnail import thumbnail as drawn
from .common import Reader
from .image_answers import FaultAnswer, PixelSizeAnswer, ShapeAnswer
from .uploads import UploadId, own

router = APIRouter(tags=["uploads"])

#: Files that are looked into at once, and small pictures that are made at once.
AT_ONCE, DRAWN_AT_ONCE = 4, 2

#: Images of a file, and channels of an image, that are told of.
_IMAGES, _CHANNELS = 100, 100

UploadPath = Annotated[
    str,
    Query(
        min_length=1,
        max_length=4000,
        description="Path of a file or an OME-Zarr folder of the upload, or of a member of a zip: "
        "b.zip/m.tif.",
    ),
]
Axes = Annotated[
    str | None,
    Query(max_length=20, description="What its axes should be: letters of TCZYX, such as TYX."),
]


class InspectedImage(BaseModel):
    """An image, as it was understood."""

    name: str
    axes: str = Field(description="The axes of its file, in this order, to be corrected so.")
    shape: ShapeAnswer
    dtype: str
    bits: int = Field(description="Bits of a pixel of one channel.")
    channels: list[str] = Field(description="Names of its channels; empty where it has none.")
    rgb: bool
    pixel_size: PixelSizeAnswer | None
    interval: float | None = Field(description="Seconds between frames.")

    @classmethod
    def of(cls, image: Image) -> InspectedImage:
        """What is told of ``image``."""
        t, c, z, y, x = image.shape
        size = image.pixel_size
        return cls(
            name=image.name,
            axes=image.axes,
            shape=ShapeAnswer(t=t, c=c, z=z, y=y, x=x),
            dtype=str(image.dtype),
            bits=1 if image.dtype.kind == "b" else 8 * image.dtype.itemsize,
            channels=[name[:200] for name in image.channels[:_CHANNELS]],
            rgb=image.rgb,
            pixel_size=PixelSizeAnswer(x=size.x, y=size.y, z=size.z) if size else None,
            interval=image.interval,
        )


class InspectAnswer(BaseModel):
    """What is in an uploaded file."""

    path: str
    kind: Literal["image", "zip", "other"]
    members: int | None = Field(description="Images in a zip, of which the first is shown.")
    images: list[InspectedImage] = Field(description="At most 100 of them.")
    error: FaultAnswer | None


@router.get("/uploads/{upload}/inspect")
async def inspect(
    request: Request, upload: UploadId, path: UploadPath, caller: Reader, axes: Axes = None
) -> InspectAnswer:
    """What is in an uploaded file: `error` says what is wrong with one that cannot be used."""
    limiter: CapacityLimiter = request.app.state.inspections
    inspection: Inspection = request.app.state.inspection
    correction = _correction(axes)

    def look() -> InspectAnswer:
        own(request, upload, caller)
        kind: Literal["image", "zip", "other"] = "image" if is_image(path) else "other"
        members, images, error = None, [], None
        with inspection.found(upload, path) as found:
            if found.members is not None:
                kind, members = "zip", found.members
            try:
                with opened(found, path, correction) as file:
                    images = [InspectedImage.of(image) for image in file.images[:_IMAGES]]
                    kind = kind if kind == "zip" else "image"
            except InputError as fault:
                error = FaultAnswer(fault=_about(path, fault), advice=fault.advice)
        return InspectAnswer(path=path, kind=kind, members=members, images=images, error=error)

    return await run_sync(look, limiter=limiter)


@router.get(
    "/uploads/{upload}/thumbnail.png",
    response_class=Response,
    responses={
        200: {
            "description": "A PNG.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def thumbnail(
    request: Request,
    upload: UploadId,
    path: UploadPath,
    caller: Reader,
    size: Annotated[int, Query(ge=16, le=1024, description="Longest edge in pixels.")] = 160,
    axes: Axes = None,
) -> Response:
    """A small picture of the first image of an uploaded file: the middle of its first frame."""
    limiter: CapacityLimiter = request.app.state.thumbnails
    inspection: Inspection = request.app.state.inspection
    correction = _correction(axes)

    def draw() -> bytes:
        own(request, upload, caller)
        with inspection.found(upload, path) as found, opened(found, path, correction) as file:
            return drawn(file.images[0], size)

    return Response(await run_sync(draw, limiter=limiter), media_type="image/png")


def _correction(axes: str | None) -> Correction:
    return Correction(None if axes is None else named_axes(axes))


def _about(path: str, error: InputError) -> str:
    """The fault, with the member or image that it is of where that is not the file itself."""
    return error.fault if error.subject == path else f"{error.subject}: {error.fault}"
