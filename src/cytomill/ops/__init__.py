"""Pure functions on arrays: normalise, tile and stitch, watershed, measure, score.

Nothing here knows of files, models or options; the same input gives the same output everywhere.
"""

from .jitcache import ensure

ensure()
