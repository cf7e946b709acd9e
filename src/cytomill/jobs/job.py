"""What is known of a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands."""

    LISTING = "listing"
    """Its inputs are being listed; what is found is processed meanwhile."""

    RUNNING = "running"
    PAUSED = "paused"
    """Nothing more of it is begun, for the reason it gives."""

    DONE = "done"
    """Every item has ended, well or badly."""

    FAILED = "failed"
    """Its inputs could not be listed, or its report not be written."""

    CANCELLED = "cancelled"
    DELETING = "deleting"

    @property
    def ended(self) -> bool:
        """Whether nothing more will be done, unless someone asks."""
        return self in (State.DONE, State.FAILED, State.CANCELLED, State.DELETING)


class Priority(StrEnum):
    """Which of a user's own jobs come first; between users there is none."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the queue knows it.

    ``inputs`` and ``outputs`` are as the API has them. Times are in seconds since 1970, 0 where
    the event has not been. ``items`` are those found so far, of which ``waiting`` tasks have not
    been begun; ``seconds`` is the time that consumers spent. ``expires`` is when it will be
    deleted, 0 for never.
    """

    id: str
    owner: str
    pipeline: str
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    priority: Priority = Priority.NORMAL
    state: State = State.LISTING
    reason: str = ""
    items: int = 0
    sealed: bool = False
    waiting: int = 0
    done: int = 0
    failed: int = 0
    objects: int = 0
    seconds: float = 0.0
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0
    expires: float = 0.0
    pinned: bool = False

    @property
    def running(self) -> int:
        """Items in hand: begun and not ended (of those in parts, roughly)."""
        return max(0, self.items - self.done - self.failed - self.waiting)

    def to_hash(self) -> dict[str, str]:
        """What is stored of it at first: fields of a Redis hash."""
        return {
            "owner": self.owner,
            "pipeline": self.pipeline,
            "name": self.name,
            "options": json.dumps(self.options),
            "outputs": json.dumps(self.outputs),
            "inputs": json.dumps(self.inputs),
            "priority": self.priority,
        }

    @classmethod
    def from_hash(cls, name: str, stored: Mapping[str, str]) -> Job:
        """From the fields of the hash of job ``name``."""
        return cls(
            id=name,
            owner=stored["owner"],
            pipeline=stored["pipeline"],
            name=stored.get("name", ""),
            options=json.loads(stored["options"]),
            outputs=json.loads(stored["outputs"]),
            inputs=tuple(json.loads(stored["inputs"])),
            priority=Priority(stored["priority"]),
            state=State(stored["state"]),
            reason=stored.get("reason", ""),
            sealed=stored.get("sealed") == "1",
            pinned=stored.get("pinned") == "1",
            items=int(stored.get("items", 0)),
            waiting=int(stored.get("waiting", 0)),
            done=int(stored.get("done", 0)),
            failed=int(stored.get("failed", 0)),
            objects=int(stored.get("objects", 0)),
            seconds=float(stored.get("seconds", 0)),
            created=float(stored.get("created", 0)),
            started=float(stored.get("started", 0)),
            finished=float(stored.get("finished", 0)),
            expires=float(stored.get("expires", 0)),
        )
