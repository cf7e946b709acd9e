"""The pipelines there are: those of the entry-point group ``cytomill.pipelines``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from ..errors import OptionError
from .base import Pipeline

_GROUP = "cytomill.pipelines"

#: The pipeline where none is named, and the one where a model is.
DEFAULT, OF_MODELS = "nuclei", "model"


def chosen(name: str | None, options: Mapping[str, Any]) -> str:
    """The pipeline ``name``, by default the one that takes these ``options``."""
    return name or (DEFAULT if options.get("model") is None else OF_MODELS)


def names() -> tuple[str, ...]:
    """Names of the pipelines, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=_GROUP)}))


def find(name: str) -> type[Pipeline[Any]]:
    """The pipeline class ``name``; raises `OptionError` naming the pipelines there are.

    Raises it too for one that two packages claim, or that cannot be loaded.
    """
    points = {point.value: point for point in entry_points(group=_GROUP) if point.name == name}
    if not points:
        raise OptionError(f"no pipeline {name!r}; the pipelines are: {', '.join(names())}")
    if len(points) > 1:
        claims = " and ".join(sorted(points))
        raise OptionError(f"pipeline {name!r} is claimed by {claims}; uninstall one of them")
    (point,) = points.values()
    try:
        found: type[Pipeline[Any]] = point.load()
    except Exception as error:  # whatever a module of others raises when it is imported
        source = point.dist.name if point.dist else point.value
        raise OptionError(
            f"pipeline {name!r} of package {source} cannot be loaded "
            f"({type(error).__name__}: {error}); update or uninstall it"
        ) from error
    return found
