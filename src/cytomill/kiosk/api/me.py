"""Who one is to the kiosk, and what one may have."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from ..backend import Backend
from .auth import Caller
from .common import Held, Visitor

router = APIRouter(tags=["people"])


class MeAnswer(BaseModel):
    """Who asks, and what they have and may have."""

    user: str
    role: Literal["user", "admin"]
    scopes: list[str] = Field(description="What this token may be used for.")
    expires: float = Field(
        description="When what you signed in with does, in seconds since 1970; 0 for never."
    )
    job: str | None = Field(description="The one job that a guest may see; null for users.")
    upload_bytes: int = Field(description="Bytes of your uploads.")
    most_upload_bytes: int
    most_jobs: int = Field(description="Jobs that you may have at work at once.")
    most_items: int = Field(description="Images that a job may have.")
    file_bytes: int = Field(description="Bytes of a file that may be sent whole.")


@router.get("/me")
def me(request: Request, caller: Visitor, held: Held) -> MeAnswer:
    """Who you are, and what you may have."""
    return told(request, caller, held)


def told(request: Request, caller: Caller, held: Backend) -> MeAnswer:
    """What ``caller`` is told of themselves."""
    return MeAnswer(
        user=caller.user,
        role=caller.role,
        scopes=sorted(caller.scopes),
        expires=caller.expires,
        job=caller.job,
        upload_bytes=request.app.state.uploads.used(caller.user),
        most_upload_bytes=held.settings.user_bytes,
        most_jobs=held.settings.user_jobs,
        most_items=held.settings.job_items,
        file_bytes=held.settings.form_bytes,
    )
