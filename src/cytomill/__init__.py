"""Cytomill: deep-learning analysis of cell images, from one image to ten million.

>>> import cytomill
>>> labels = cytomill.segment(array, pixel_size=0.65)
>>> report = cytomill.run(["images/"], "results/", overlay=True)
>>> tracked = cytomill.track(labels_of_frames, max_gap=3)
>>> labels = cytomill.Client("http://kiosk:8080").run(array, pixel_size=0.65)

Importing this package loads no model and no heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["AsyncClient", "Client", "CytomillError", "__version__", "run", "segment", "track"]

from .errors import CytomillError
from .version import __version__

if TYPE_CHECKING:
    from .api import run, segment, track
    from .client import AsyncClient, Client


def __getattr__(name: str) -> Any:
    if name in ("run", "segment", "track"):
        from . import api

        return getattr(api, name)
    if name in ("AsyncClient", "Client"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
