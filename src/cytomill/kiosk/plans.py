"""What a consumer keeps in mind of jobs: their pipelines with models, and pages of their items."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from ..batch.outputs import Outputs
from ..batch.run import make_pipeline
from ..inference.runtime import Models
from ..jobs import layout
from ..jobs.errors import MissingError
from ..jobs.items import Item, read_page
from ..jobs.job import Job
from ..pipelines.base import Pipeline, Products
from ..pipelines.registry import find
from .backend import Backend

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The ``most`` values that were asked for last; each is made once, whoever asks meanwhile."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._values: OrderedDict[K, V] = OrderedDict()
        self._making: dict[K, Lock] = {}

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of ``key``; raises what ``make`` raises, and tries again the next time."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                with self._lock:
                    self._values[key] = value
                    while len(self._values) > self._most:
                        self._values.popitem(last=False)
                return value
            finally:
                with self._lock:
                    self._making.pop(key, None)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a job's items are processed; ``ran`` says which weights of each model run on what."""

    job: Job
    pipeline: Pipeline[Any]
    outputs: Outputs
    products: Products
    models: Models
    ran: Mapping[str, str]


class Plans:
    """The plans of jobs, and their items."""

    def __init__(self, backend: Backend, models: Models) -> None:
        self._backend, self._models = backend, models
        self._plans: Recent[str, Plan] = Recent(64)
        self._pipelines: Recent[object, tuple[Pipeline[Any], Mapping[str, str]]] = Recent(16)
        self._pages: Recent[tuple[str, int], list[Item]] = Recent(16)

    def plan(self, job: str) -> Plan:
        """The plan of ``job``, its models loaded.

        Raises `MissingError` for a job that is not there any more, and `OptionError` or
        `ModelError` where its pipeline cannot be had here.
        """
        return self._plans.get(job, lambda: self._plan(job))

    def outline(self, job: str) -> Plan:
        """The plan of ``job`` before its models are loaded: enough to list its items.

        Raises as `plan` does, but `ModelError`.
        """
        found = self._job(job)
        return self._made(found, make_pipeline(found.pipeline, found.options), {})

    def item(self, job: str, number: int) -> Item:
        """An item of ``job``. Raises `MissingError`."""
        page, row = divmod(number, layout.PAGE)
        bucket = self._backend.bucket
        return self._pages.get((job, page), lambda: read_page(bucket, job, page))[row]

    def _plan(self, name: str) -> Plan:
        job = self._job(name)
        # The class too: a user's own file may be another by now.
        key = find(job.pipeline), json.dumps(job.options, sort_keys=True)
        return self._made(job, *self._pipelines.get(key, lambda: self._load(job)))

    def _job(self, name: str) -> Job:
        job = self._backend.queue.job(name)
        if job is None:
            raise MissingError(f"there is no job {name} any more")
        return job

    def _made(self, job: Job, pipeline: Pipeline[Any], ran: Mapping[str, str]) -> Plan:
        outputs = Outputs(**job.outputs)
        outputs.check(pipeline.products)
        return Plan(job, pipeline, outputs, pipeline.products, self._models, ran)

    def _load(self, job: Job) -> tuple[Pipeline[Any], Mapping[str, str]]:
        pipeline = make_pipeline(job.pipeline, job.options)
        loaded = pipeline.load(self._models)
        ran = {n: f"{r.weights.path.name} on {r.device}" for n, r in loaded.items()}
        return pipeline, ran
