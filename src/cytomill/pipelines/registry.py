"""The pipelines there are: those of the entry-point group ``cytomill.pipelines``, and a user's own
in the folder of the settings.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..errors import OptionError
from ..settings import settings
from .base import Pipeline
from .own import OwnPipelines

_GROUP = "cytomill.pipelines"

#: The pipeline where none is named, and the one where a model is.
DEFAULT, OF_MODELS = "nuclei", "model"


def chosen(name: str | None, options: Mapping[str, Any]) -> str:
    """The pipeline ``name``, by default the one that takes these ``options``."""
    return name or (DEFAULT if options.get("model") is None else OF_MODELS)


def names() -> tuple[str, ...]:
    """Names of the pipelines there are now, sorted."""
    points = {point.name for point in _points()}
    return tuple(sorted(points | {one.name for one in _own().found()}))


def find(name: str) -> type[Pipeline[Any]]:
    """The pipeline class ``name``; raises `OptionError` naming the pipelines there are.

    Raises it too for one that two claim, or that cannot be loaded.
    """
    points = {point.value: point for point in _points() if point.name == name}
    own = [one for one in _own().found() if one.name == name]
    claims = sorted(points) + [str(one.path) for one in own]
    if not claims:
        raise OptionError(f"no pipeline {name!r}; the pipelines are: {', '.join(names())}")
    if len(claims) > 1:
        way = "give one of them another name" if own else "uninstall one of them"
        raise OptionError(f"pipeline {name!r} is claimed by {' and '.join(claims)}; {way}")
    if own:
        return _own().load(own[0])
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


def _points() -> tuple[EntryPoint, ...]:
    return _points_on(tuple(sys.path))


@lru_cache(maxsize=4)
def _points_on(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Read once: it takes milliseconds, and packages do not change under a program that runs."""
    return tuple(entry_points(group=_GROUP))


@lru_cache(maxsize=1)
def _own() -> OwnPipelines:
    return OwnPipelines(settings.pipelines)
