"""Processing a part so that one bad part need not take the image with it."""

from __future__ import annotations

from threading import Lock
from typing import Any

from ..image.core import Image
from ..inference.runtime import Models
from .base import Part, Partial, Pipeline
from .faults import is_of_work, reason

#: Parts that are tried again are so one at a time: memory that did not do for several may for one.
_ALONE = Lock()

#: Seconds for which a part waits for another that is tried again, which may hang.
_PATIENCE = 60.0


def process(pipeline: Pipeline[Any], image: Image, part: Part, models: Models) -> Partial:
    """What `Pipeline.process` gives; of a part that fails twice what `Pipeline.lost` gives.

    Raises what the part failed with where the image cannot do without it, and at once what is no
    fault of the part: of a service, of a disk, or that it was to stop.
    """
    try:
        return pipeline.process(image, part, models)
    except Exception as error:
        if not is_of_work(error):
            raise
    try:
        return _alone(pipeline, image, part, models)
    except Exception as error:
        if not is_of_work(error):
            raise
        partial = pipeline.lost(image, part, reason(error, image.name))
        if partial is None:
            raise
        return partial


def _alone(pipeline: Pipeline[Any], image: Image, part: Part, models: Models) -> Partial:
    mine = _ALONE.acquire(timeout=_PATIENCE)
    try:
        return pipeline.process(image, part, models)
    finally:
        if mine:
            _ALONE.release()
