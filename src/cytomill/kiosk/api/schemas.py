"""Requests and answers, as the API's description has them. Unknown fields are refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ...jobs.job import Job, Priority, State
from ..price import Price


class Request(BaseModel):
    """A body that a client sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


#: Text on one line, of which no part could be taken for a command to a terminal.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]


class Corrected(Request):
    """What a file says wrongly of its images, and what is right instead."""

    path: Line = Field(
        min_length=1,
        max_length=4000,
        description="Path of the file in the upload, or below the prefix: a/b.tif; of a member of "
        "a zip b.zip/m.tif; of a folder or zip all in it; * for all.",
    )
    axes: str | None = Field(
        None,
        max_length=20,
        description="Its axes, as many as it has, in the order in which it has them: letters of "
        "TCZYX, Y and X among them.",
    )
    pixel_size: float | None = Field(
        None, gt=0, le=1e6, allow_inf_nan=False, description="Edge of a pixel in µm."
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.axes is None and self.pixel_size is None:
            raise ValueError("give axes, pixel_size or both")
        return self

    def kept(self) -> Mapping[str, Any]:
        """What is stored with the job."""
        return self.model_dump(exclude_none=True)


class Inputs(Request):
    """Images to process: those of an upload, or those below a prefix of a source."""

    upload: str | None = Field(None, max_length=100, description="The id of an upload.")
    source: str | None = Field(
        None, max_length=100, description="The name of a source that this kiosk lets jobs read."
    )
    prefix: Line = Field(
        "", max_length=1000, description="The folder of the source; all of it by default."
    )
    pattern: Line | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Which files to take: *, ? and [] as in a shell. Default: images.",
    )
    folder: Line = Field(
        "",
        max_length=255,
        description="What the folder of an upload is called: a movie whose frames are files at its "
        "top is called so.",
    )
    paths: list[Annotated[Line, Field(min_length=1, max_length=4000)]] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="Only these of an upload: a file, a folder, a zip, a member of one "
        "(b.zip/m.tif).",
    )
    corrections: list[Corrected] = Field(
        default_factory=list,
        max_length=1000,
        description="What files say wrongly. Of several for a file that counts which names most "
        "of its path.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.upload is None) == (self.source is None):
            raise ValueError("give either upload or source")
        if self.upload is not None and self.prefix:
            raise ValueError("prefix goes with source; use pattern for an upload")
        if self.source is not None and self.folder:
            raise ValueError("folder goes with upload; that of a source has a name")
        if self.source is not None and self.paths is not None:
            raise ValueError("paths goes with upload; use prefix and pattern for a source")
        named = [one.path for one in self.corrections]
        if len(set(named)) < len(named):
            raise ValueError("corrections: a path is there twice")
        return self

    def kept(self) -> Mapping[str, Any]:
        """What is stored with the job."""
        found: dict[str, Any] = {"upload": self.upload} if self.upload else {}
        if self.folder:
            found["folder"] = self.folder
        if self.source:
            found = {"source": self.source, "prefix": self.prefix}
        if self.pattern:
            found["pattern"] = self.pattern
        if self.paths is not None:
            found["paths"] = list(dict.fromkeys(self.paths))
        if self.corrections:
            found["corrections"] = [one.kept() for one in self.corrections]
        return found


class Outputs(Request):
    """Which files are written for each image."""

    format: Literal["tiff", "zarr"] = Field(default="tiff", description="Files of labels and maps.")
    overlay: bool = Field(
        default=False, strict=True, description="Write pictures with the outlines of objects."
    )
    geojson: bool = Field(
        default=False, strict=True, description="Write the outlines of objects as GeoJSON."
    )
    ngff: Literal["0.4", "0.5"] | None = Field(default=None, description="The version of OME-Zarr.")


class NewJob(Request):
    """A job to be done."""

    pipeline: str = Field(max_length=100, description="The name of a pipeline.")
    name: Line = Field("", max_length=200, description="What the job is called.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the pipeline, by name."
    )
    outputs: Outputs = Field(Outputs(), description="Which files to write.")
    inputs: list[Inputs] = Field(min_length=1, max_length=1000, description="What to process.")
    priority: Priority = Field(
        Priority.NORMAL, description="Which of your own jobs come first; others' are not asked."
    )


class JobChange(Request):
    """What can be changed of a job."""

    pinned: bool = Field(strict=True, description="Whether it is kept for ever.")


class CostAnswer(BaseModel):
    """What the time that consumers spend on a job costs."""

    spent: float = Field(description="So far.")
    expected: float | None = Field(description="When it has ended, where that can be told.")
    currency: str

    @classmethod
    def of(cls, job: Job, price: Price) -> CostAnswer:
        """What ``job`` costs."""
        spent = price.spent(job.seconds)
        expected = spent if job.state.ended else None
        if expected is None and job.sealed:
            expected = price.expected(job.seconds, job.done + job.failed, job.items)
        return cls(spent=spent, expected=expected, currency=price.currency)


class JobAnswer(BaseModel):
    """A job. Times are seconds since 1970, 0 where the event has not been."""

    id: str
    owner: str
    pipeline: str
    name: str
    options: dict[str, Any]
    outputs: dict[str, Any]
    inputs: list[dict[str, Any]]
    priority: Priority
    state: State
    reason: str = Field(description="Why it is paused or has failed.")
    items: int = Field(description="Images found so far.")
    sealed: bool = Field(description="Whether all have been found.")
    waiting: int = Field(description="Tasks that have not been begun.")
    running: int = Field(description="Images in hand.")
    done: int
    failed: int
    objects: int = Field(description="Objects found in all images.")
    seconds: float = Field(description="Time that consumers spent.")
    created: float
    started: float
    finished: float
    expires: float = Field(description="When it is deleted; 0 for never.")
    pinned: bool
    progress: float = Field(description="The share of the images found so far that ended, 0 to 1.")
    rate: float = Field(description="Images a second since the job was begun.")
    eta: float | None = Field(description="Seconds until it ends, where that can be told.")
    position: int = Field(description="Your own jobs that come before it, until it is begun.")
    waits: str | None = Field(description="What it waits for; null where it is being done.")
    cost: CostAnswer | None = Field(description="Null where the kiosk has no price.")

    @classmethod
    def of(
        cls,
        job: Job,
        position: int = 0,
        *,
        price: Price | None = None,
        waits: str | None = None,
    ) -> JobAnswer:
        """What is told of ``job``; costs the same for any number of items."""
        ended, now = job.done + job.failed, job.finished or time.time()
        spent = now - job.started
        rate = ended / spent if job.started and spent > 0 else 0.0
        eta = None
        if job.state.ended:
            eta = 0.0
        elif job.sealed and rate > 0 and job.state is State.RUNNING:
            eta = (job.items - ended) / rate
        return cls(
            id=job.id,
            owner=job.owner,
            pipeline=job.pipeline,
            name=job.name,
            options=dict(job.options),
            outputs=dict(job.outputs),
            inputs=[dict(one) for one in job.inputs],
            priority=job.priority,
            state=job.state,
            reason=job.reason,
            items=job.items,
            sealed=job.sealed,
            waiting=job.waiting,
            running=job.running,
            done=job.done,
            failed=job.failed,
            objects=job.objects,
            seconds=job.seconds,
            created=job.created,
            started=job.started,
            finished=job.finished,
            expires=job.expires,
            pinned=job.pinned,
            progress=1.0 if job.state is State.DONE else min(1.0, ended / max(1, job.items)),
            rate=rate,
            eta=eta,
            position=position,
            waits=waits,
            cost=CostAnswer.of(job, price) if price else None,
        )


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
    next: float | None = Field(description="`before` of the next page; null at the end.")


class OutputAnswer(BaseModel):
    """A file of results, or a folder, such as OME-Zarr, which is sent as a zip."""

    name: str = Field(description="Its path in the folder of results.")
    bytes: int
    folder: bool
    url: str = Field(description="Where it is, on this host.")


class ItemAnswer(BaseModel):
    """An image of a job."""

    index: int
    name: str
    state: Literal["waiting", "running", "done", "failed"]
    objects: int
    seconds: dict[str, float] = Field(description="Wall time by stage.")
    error: str = Field(description="Why it failed.")
    notes: list[str] = Field(description="What one should know of how it was done.")
    outputs: list[OutputAnswer]


class ItemPage(BaseModel):
    """Images of a job, in their order."""

    items: list[ItemAnswer]
    next: int | None = Field(description="`after` of the next page; null at the end.")


class FileAnswer(BaseModel):
    """A table, or the manifest, of a job."""

    name: str
    bytes: int
    url: str = Field(description="Where it is, on this host.")


class ProductsAnswer(BaseModel):
    """What a pipeline gives for an image with its usual options."""

    labels: bool
    maps: list[str]
    arrays: list[str]
    tables: list[str]
    files: list[str]


class PipelineSummary(BaseModel):
    """A pipeline; with ``error`` where it cannot be used."""

    name: str
    summary: str
    error: str


class PipelineAnswer(BaseModel):
    """A pipeline and its options."""

    name: str
    summary: str
    options: dict[str, Any] = Field(description="The JSON schema of its options.")
    models: list[str] = Field(description="The models that it always asks.")
    movies: bool = Field(description="Whether files that are frames of a movie are one input.")
    products: ProductsAnswer | None = Field(
        description="What it gives; null where that depends on its options."
    )


class ModelSummary(BaseModel):
    """A model; with ``error`` where it cannot be used."""

    name: str
    version: str
    description: str
    error: str


class QueueAnswer(BaseModel):
    """What the queue of a pipeline has to do."""

    name: str
    waiting: int = Field(description="Tasks that nobody has begun.")
    running: int = Field(description="Tasks in the hands of consumers.")
    age: float = Field(description="Seconds since the oldest waiting job was submitted.")
    seconds: float = Field(description="Seconds that a task takes, of late.")
    work: float = Field(description="Seconds of work that wait.")


class QueuesAnswer(BaseModel):
    """All queues, and the consumers that were heard of lately."""

    queues: list[QueueAnswer]
    consumers: list[str]


class HealthAnswer(BaseModel):
    """That the API can be used."""

    status: Literal["ok"]
