"""One linker in a process of its own: ``worker LINKER MOVIE``.

A line on standard input is a setting as JSON, or ``grid``; the answer is a line of JSON. Whatever
the linker itself prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from .movie import Movie


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, path = sys.argv[1:]
    linker = import_module(f".{name}_linker", __package__)
    movie = Movie.load(Path(path))
    for line in sys.stdin:
        asked = json.loads(line)
        answer = list(linker.GRID) if asked == "grid" else _linked(linker, movie, asked)
        print(json.dumps(answer), file=answers, flush=True)


def _linked(linker: Any, movie: Movie, setting: dict[str, Any]) -> dict[str, Any]:
    prepared = linker.prepare(movie)
    begun, used = time.perf_counter(), time.process_time()
    linked = linker.link(prepared, setting)
    took = {"wall": time.perf_counter() - begun, "cpu": time.process_time() - used}
    took["frames"] = min(movie.shape[0], getattr(linker, "FRAMES", movie.shape[0]))
    if (told := linker.told(movie, linked)) is None:
        return took
    track, parents = told
    return took | {"track": track.tolist(), "parents": parents}


if __name__ == "__main__":
    main()
