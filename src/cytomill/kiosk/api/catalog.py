"""Pipelines and models: what there is, and which options it has."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import ValidationError

from ...errors import CytomillError, OptionError
from ...jobs.errors import MissingError
from ...models.library import built_in, find_folder, installed
from ...models.package import read_folder
from ...models.told import tell
from ...pipelines import registry
from ...pipelines.base import Pipeline
from .common import Reader, Visitor
from .schemas import ModelSummary, PipelineAnswer, PipelineSummary, ProductsAnswer

router = APIRouter(tags=["pipelines and models"])

Name = Annotated[str, Path(max_length=100)]


@router.get("/pipelines")
def pipelines(caller: Visitor) -> list[PipelineSummary]:
    """The pipelines there are."""
    found = []
    for name in registry.names():
        summary = error = ""
        try:
            summary = registry.find(name).summary
        except CytomillError as fault:  # one that cannot be loaded must not hide the others
            error = str(fault)
        found.append(PipelineSummary(name=name, summary=summary, error=error))
    return found


@router.get("/pipelines/{name}")
def pipeline(name: Name, caller: Visitor) -> PipelineAnswer:
    """A pipeline with the JSON schema of its options, of which clients make forms."""
    if name not in registry.names():
        raise MissingError(f"there is no pipeline {name!r}")
    kind = registry.find(name)
    return PipelineAnswer(
        name=name,
        summary=kind.summary,
        options=kind.Options.model_json_schema(),
        models=list(kind.models),
        movies=kind.movies,
        products=_products(kind),
    )


def _products(kind: type[Pipeline[Any]]) -> ProductsAnswer | None:
    try:
        found = kind(kind.Options()).products
    except (ValidationError, OptionError):  # it has options that must be given
        return None
    return ProductsAnswer(
        labels=found.labels,
        maps=list(found.maps),
        arrays=list(found.arrays),
        tables=list(found.tables),
        files=list(found.files),
    )


@router.get("/models")
def models(caller: Reader) -> list[ModelSummary]:
    """The models there are: those built in and those installed."""
    found = []
    for name, folder in {**installed(), **built_in()}.items():
        version = description = error = ""
        try:
            model = read_folder(folder)
            version, description = model.version, model.description
        except CytomillError as fault:
            error = str(fault)
        found.append(ModelSummary(name=name, version=version, description=description, error=error))
    return sorted(found, key=lambda one: one.name)


@router.get("/models/{name}")
def model(name: Name, caller: Reader) -> dict[str, Any]:
    """A model: inputs, outputs, processing, weights, as its description has them."""
    folder = find_folder(name)
    if folder is None:
        raise MissingError(f"there is no model {name!r}")
    told = tell(read_folder(folder))
    del told["folder"]  # where things are on the server is its own
    return told
