"""What a kiosk tells of its things, parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from ..errors import PermanentError

#: States in which nothing more is done, unless someone asks.
ENDED = ("done", "failed", "cancelled", "deleting")

#: The path of a correction of all images.
_ALL = "*"


class _Record:
    """Made from JSON: what is not known here is left, for a kiosk may be newer than its client."""

    __slots__ = ()

    @classmethod
    def parse(cls, told: Any) -> Self:
        """From an object of JSON. Raises `PermanentError` where it is not what it should be."""
        names = {one.name for one in fields(cls)}  # type: ignore[arg-type]  # subclasses are
        try:
            return cls(**{name: told[name] for name in names & set(told)})
        except (TypeError, KeyError) as error:
            kind = cls.__name__.lower()
            raise PermanentError(
                f"the server sent no {kind}; check that its address is a kiosk's, and its version"
            ) from error


@dataclass(frozen=True, slots=True)
class Job(_Record):
    """A job, as it stood when the kiosk was asked.

    ``state`` is listing, running, paused, done, failed, cancelled or deleting, and ``reason`` says
    why. Of the ``items`` found so far ``done`` and ``failed`` have ended; ``sealed`` says that all
    are found. ``progress`` is 0 to 1, ``rate`` in items per second, ``eta`` in seconds, both None
    where not known; ``position`` the jobs ahead of it, ``waits`` what it waits for, None where it
    is being done. Times are in seconds since 1970, 0 where the event has not been; ``seconds`` is
    the time that consumers spent, and ``expires`` when it will be deleted, 0 for never.
    """

    id: str
    state: str
    pipeline: str = ""
    name: str = ""
    owner: str = ""
    reason: str = ""
    priority: str = "normal"
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    items: int = 0
    sealed: bool = False
    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    objects: int = 0
    progress: float = 0.0
    rate: float | None = None
    eta: float | None = None
    position: int | None = None
    waits: str | None = None
    seconds: float = 0.0
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0
    expires: float = 0.0
    pinned: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will be done, unless someone asks."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Share(_Record):
    """A link to a job, good until ``expires``, in seconds since 1970.

    ``url`` is what a colleague opens; the part after ``#`` is the secret, good in place of a token
    to read the job.
    """

    id: str
    job: str
    created: float
    expires: float
    url: str = ""


@dataclass(frozen=True, slots=True)
class Output(_Record):
    """A file of an item, or a ``folder``: its path in the folder of results, its size in bytes."""

    name: str
    bytes: int
    url: str = ""
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a job and what came of it.

    ``seconds`` are wall times by stage; ``notes`` say what one should know of how it was done.
    """

    index: int
    name: str
    state: str
    objects: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    outputs: tuple[Output, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, told: Any) -> Item:
        """From an object of JSON. Raises `PermanentError` where it is not what it should be."""
        record = _ItemRecord.parse(told)
        return cls(
            record.index,
            record.name,
            record.state,
            record.objects or 0,
            record.seconds or {},
            record.error or "",
            tuple(Output.parse(one) for one in record.outputs or ()),
            tuple(record.notes or ()),
        )


@dataclass(frozen=True, slots=True)
class _ItemRecord(_Record):
    """An item as JSON has it, where what there is not yet is null."""

    index: int
    name: str
    state: str
    objects: int | None = None
    seconds: Any = None
    error: str | None = None
    outputs: Any = None
    notes: Any = None


@dataclass(frozen=True, slots=True)
class Upload(_Record):
    """Files that were sent to a kiosk; ``expires`` is in seconds since 1970."""

    id: str
    name: str = ""
    owner: str = ""
    created: float = 0.0
    expires: float = 0.0
    bytes: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """An input that a kiosk has: an upload, or what lies below a prefix of one of its sources.

    ``pattern`` takes the files that match, such as ``*_DAPI.tif``. ``folder`` is what the folder of
    an upload is called: a movie is, whose frames lie at its top. ``paths`` takes only some files,
    folders, zips and members of zips of an upload. ``corrections`` are mappings that say what files
    say wrongly: a ``path`` of them, or ``*``, with ``axes``, ``pixel_size`` in µm, or both.
    """

    upload: str = ""
    source: str = ""
    prefix: str = ""
    pattern: str = ""
    folder: str = ""
    paths: tuple[str, ...] = ()
    corrections: tuple[Mapping[str, Any], ...] = ()

    def with_axes(self, axes: str) -> Stored:
        """The same with ``axes`` for all images of which nothing else is said."""
        others = [one for one in self.corrections if one["path"] != _ALL]
        return replace(self, corrections=(*others, {"path": _ALL, "axes": axes}))

    def told(self) -> dict[str, Any]:
        """As the API has it."""
        place: dict[str, Any] = (
            {"upload": self.upload}
            if self.upload
            else {"source": self.source, "prefix": self.prefix}
        )
        more: dict[str, Any] = {"pattern": self.pattern, "folder": self.folder}
        more |= {"paths": [*self.paths], "corrections": [dict(one) for one in self.corrections]}
        return place | {name: value for name, value in more.items() if value}
