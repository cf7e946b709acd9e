"""Uploads: make them, send files whole, as a form or in pieces, list them, delete them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ...errors import InputError
from ...jobs.errors import ConflictError, MissingError
from ...jobs.upload_paths import clean_path
from ...jobs.upload_state import LargeFile
from ...jobs.uploads import Upload, UploadedFile, Uploads
from .auth import Caller, owned
from .common import ROOT, Held, Reader, Writer
from .forms import FIELD, Form
from .receiving import Body, Receivers
from .schemas import Line
from .schemas import Request as Sent

router = APIRouter(tags=["uploads"])

_IN_PIECES = "send it in pieces: POST /api/v1/uploads/UPLOAD/large"

UploadId = Annotated[str, Path(description="The id of an upload.", max_length=100)]
FilePath = Annotated[
    str, Path(description="Path of the file below the upload: a/b.tif.", max_length=4000)
]


class NewUpload(Sent):
    """An upload to be made."""

    name: Line = Field("", max_length=200, description="What the upload is called.")


class NewLarge(Sent):
    """A large file to be sent in pieces."""

    path: str = Field(max_length=4000, description="Path of the file below the upload.")
    bytes: int = Field(ge=1, le=2**53, description="Bytes of the whole file.")


class Complete(Sent):
    """A large file of which all pieces were sent."""

    path: str = Field(max_length=4000, description="Path of the file below the upload.")


class UploadAnswer(BaseModel):
    """An upload. Times are seconds since 1970."""

    id: str
    owner: str
    name: str
    created: float
    expires: float = Field(description="When it is deleted; later where a job uses it.")
    bytes: int = Field(description="Bytes of its files, also of those being sent.")
    files: int = Field(description="Files in it.")

    @classmethod
    def of(cls, upload: Upload) -> UploadAnswer:
        """What is told of ``upload``."""
        return cls(
            id=upload.id,
            owner=upload.owner,
            name=upload.name,
            created=upload.created,
            expires=upload.expires,
            bytes=upload.bytes,
            files=upload.files,
        )


class UploadPage(BaseModel):
    """Uploads, newest first."""

    uploads: list[UploadAnswer]
    next: float | None = Field(description="`before` of the next page; null at the end.")


class UploadedAnswer(BaseModel):
    """A file of an upload."""

    path: str
    bytes: int

    @classmethod
    def of(cls, file: UploadedFile | LargeFile) -> UploadedAnswer:
        """What is told of ``file``."""
        return cls(path=file.path, bytes=file.bytes)


class UploadedPage(BaseModel):
    """Files of an upload, by the bytes of their paths."""

    files: list[UploadedAnswer]
    next: str | None = Field(description="`after` of the next page; null at the end.")


class LargeAnswer(BaseModel):
    """A large file that is being sent."""

    path: str
    bytes: int
    piece_bytes: int = Field(description="Bytes of each piece but the last.")
    pieces: int = Field(description="How many there are; the first is 0.")
    have: list[Annotated[list[int], Field(min_length=2, max_length=2)]] = Field(
        description="The pieces that are there: first, last."
    )
    urls: list[str] | None = Field(
        None, description="Where to PUT the pieces asked for; null where it must be here."
    )


@router.post("/uploads", status_code=201)
def create(request: Request, body: NewUpload, caller: Writer, response: Response) -> UploadAnswer:
    """Make an upload, to which files are sent then."""
    made = _uploads(request).create(caller.user, body.name)
    response.headers["Location"] = f"{ROOT}/uploads/{made.id}"
    return UploadAnswer.of(made)


@router.get("/uploads")
def listed(
    request: Request,
    caller: Reader,
    before: Annotated[
        float | None,
        Query(ge=0, allow_inf_nan=False, description="Only those made before this time."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Uploads of a page.")] = 100,
) -> UploadPage:
    """Your uploads, newest first."""
    found = _uploads(request).list(caller.user, before=before, count=limit + 1)
    more = found[limit - 1].created if len(found) > limit else None
    return UploadPage(uploads=[UploadAnswer.of(one) for one in found[:limit]], next=more)


@router.get("/uploads/{upload}")
def one(request: Request, upload: UploadId, caller: Reader) -> UploadAnswer:
    """One of your uploads."""
    return UploadAnswer.of(own(request, upload, caller))


@router.delete("/uploads/{upload}", status_code=204)
def delete(request: Request, upload: UploadId, caller: Writer) -> None:
    """Delete an upload with its files. 409 where a job that has not ended uses it."""
    own(request, upload, caller)
    if not _uploads(request).delete(upload):
        raise ConflictError("a job that has not ended uses this upload; cancel that first")


@router.get("/uploads/{upload}/files")
def files(
    request: Request,
    upload: UploadId,
    caller: Reader,
    after: Annotated[
        str, Query(max_length=4000, description="Only those with paths after this.")
    ] = "",
    limit: Annotated[
        int,
        Query(
            ge=1,
            le=100_000,
            description="Files of a page. Each page costs as much as all that come before it: of a "
            "large upload take large ones.",
        ),
    ] = 1000,
) -> UploadedPage:
    """The files of an upload that are whole."""
    own(request, upload, caller)
    found, more = _uploads(request).page(upload, after=after, limit=limit)
    return UploadedPage(files=[UploadedAnswer.of(file) for file in found], next=more)


_RAW: dict[str, Any] = {
    "requestBody": {
        "description": "The bytes of the file, or of the piece.",
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

_FORM: dict[str, Any] = {
    "requestBody": {
        "description": "Files, whose names are their paths.",
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "minItems": 1,
                        }
                    },
                }
            }
        },
    }
}


@router.put("/uploads/{upload}/files/{path:path}", status_code=201, openapi_extra=_RAW)
async def put(
    request: Request, upload: UploadId, path: FilePath, caller: Writer, held: Held
) -> UploadedAnswer:
    """Send a file, in place of one with the same path.

    With `Content-Digest: sha-256=:BASE64:` it is kept only where that is right.
    """
    body = Body(request, held.settings.form_bytes, _IN_PIECES)
    cleaned = clean_path(path)

    def work() -> UploadedFile:
        own(request, upload, caller)
        return _uploads(request).put(upload, cleaned, body.chunks(), size=body.size)

    return UploadedAnswer.of(await _receivers(request).run(caller.user, body, work))


@router.post("/uploads/{upload}/files", status_code=201, openapi_extra=_FORM)
async def put_form(
    request: Request, upload: UploadId, caller: Writer, held: Held
) -> list[UploadedAnswer]:
    """Send files as a form, with the path of each as its name; those before a fault are kept."""
    body = Body(request, held.settings.form_bytes, _IN_PIECES)
    kind = request.headers.get("content-type", "")

    def work() -> list[UploadedAnswer]:
        own(request, upload, caller)
        put, form = _uploads(request).put, Form(kind, body.chunks())
        sent = [UploadedAnswer.of(put(upload, path, data)) for path, data in form.files()]
        if not sent:
            raise InputError("the form", "has no files", f"name each file's field {FIELD!r}")
        return sent

    return await _receivers(request).run(caller.user, body, work)


@router.post("/uploads/{upload}/large")
def start(request: Request, upload: UploadId, body: NewLarge, caller: Writer) -> LargeAnswer:
    """Begin a large file, or go on with it: `have` says which pieces are there."""
    own(request, upload, caller)
    large = _uploads(request).large
    return _large(request, upload, large.start(upload, body.path, body.bytes))


@router.get("/uploads/{upload}/large/{path:path}")
def state(
    request: Request,
    upload: UploadId,
    path: FilePath,
    caller: Writer,
    sign: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9]{1,9}-[0-9]{1,9}$",
            description="FIRST-LAST: the pieces to give addresses for, where the bucket has some.",
        ),
    ] = None,
) -> LargeAnswer:
    """How far a large file is, and where its pieces may be sent without passing through here."""
    own(request, upload, caller)
    large = _uploads(request).large
    file = large.find(upload, path)
    if sign is None:
        return _large(request, upload, file)
    first, last = (int(number) for number in sign.split("-"))
    return _large(request, upload, file, large.sign(upload, file, first, last))


@router.put("/uploads/{upload}/large/{path:path}", status_code=204, openapi_extra=_RAW)
async def put_piece(
    request: Request,
    upload: UploadId,
    path: FilePath,
    caller: Writer,
    held: Held,
    piece: Annotated[int, Query(ge=0, le=2**40, description="The number of the piece.")],
) -> Response:
    """Send a piece of a large file: in any order, several at once, again where need be."""
    body = Body(request, 2**40, "send no more than the piece has")

    def work() -> None:
        own(request, upload, caller)
        large = _uploads(request).large
        file = large.find(upload, path)
        large.check_piece(file, piece, body.size)
        large.put(upload, file, piece, body.chunks())

    await _receivers(request).run(caller.user, body, work)
    return Response(status_code=204)


@router.post("/uploads/{upload}/complete", status_code=201)
def complete(request: Request, upload: UploadId, body: Complete, caller: Writer) -> UploadedAnswer:
    """Make a file of its pieces. 409 where some are missing."""
    own(request, upload, caller)
    return UploadedAnswer.of(_uploads(request).large.complete(upload, body.path))


def _uploads(request: Request) -> Uploads:
    held: Uploads = request.app.state.uploads
    return held


def _receivers(request: Request) -> Receivers:
    held: Receivers = request.app.state.receivers
    return held


def own(request: Request, name: str, caller: Caller) -> Upload:
    """The upload ``name``; raises `MissingError` where there is none that is the caller's."""
    found = _uploads(request).get(name)
    if found is None:
        raise MissingError
    owned(found.owner, caller)
    return found


def _large(
    request: Request, upload: str, file: LargeFile, urls: list[str] | None = None
) -> LargeAnswer:
    return LargeAnswer(
        path=file.path,
        bytes=file.bytes,
        piece_bytes=file.piece_bytes,
        pieces=file.pieces,
        have=[[first, last] for first, last in _uploads(request).large.have(upload, file)],
        urls=urls,
    )
