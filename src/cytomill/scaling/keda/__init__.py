"""Kubernetes: KEDA asks how many pods there should be, and Kubernetes starts and ends them.

The autoscaler tells its decisions to a `Wanted`; `serving` answers KEDA's calls from it. The driver
`Watching` starts and stops nothing: it tells the autoscaler which pods there are, by what they
tell of themselves in the queue.

The modules that speak gRPC are imported from here when they are used: they need the extra
``kiosk``.
"""

from .wanted import FRESH, StaleError, Wanted
from .watching import Watching

__all__ = ["FRESH", "StaleError", "Wanted", "Watching"]
