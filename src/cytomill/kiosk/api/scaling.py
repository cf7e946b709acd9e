"""What administrators see of the autoscaler: how many workers there are and should be, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ...scaling.board import Board
from ...scaling.snapshot import Role
from .auth import Caller, allowed
from .common import Held

router = APIRouter(prefix="/admin", tags=["operation"])


class TroubleAnswer(BaseModel):
    """Why workers are not there, or ended badly."""

    cause: str
    advice: str
    since: float
    again: float | None = Field(description="When it is tried again; null where it is not.")


class PoolAnswer(BaseModel):
    """Workers that are alike. Those that are busy are some of those that are ready."""

    name: str
    role: Role
    pipelines: list[str] = Field(description="Whose tasks they take; of all where it is empty.")
    wanted: int
    why: str = Field(description="Why so many are wanted.")
    asked: int = Field(description="Asked for, and without a place yet.")
    starting: int
    ready: int
    busy: int
    draining: int = Field(description="That finish what they have in hand, and end.")
    most: int = Field(description="That there may be.")
    reason: str = Field(description="Why those asked for have no place, as their engine says.")
    spent: float = Field(description="What they have cost, in the currency.")
    startup: float = Field(description="Seconds that one takes to be ready, of late.")
    troubles: list[TroubleAnswer]


class ScalingAnswer(BaseModel):
    """What the autoscaler last decided, at ``time`` in seconds since 1970."""

    time: float
    policy: str
    engine: str = Field(description="Where its workers run.")
    pools: list[PoolAnswer]
    troubles: list[TroubleAnswer] = Field(description="Those of no pool.")
    currency: str = Field(description="Empty where nothing has a price.")


@router.get("/scaling")
def scaling(
    caller: Annotated[Caller, Depends(allowed("admin"))], held: Held
) -> ScalingAnswer | None:
    """How many workers there are and should be, and why; null where no autoscaler runs."""
    found = Board(held.redis).read()
    if found is None:
        return None
    return ScalingAnswer.model_validate(found, from_attributes=True)
