"""A pipeline that does what the name of an image says, and consumers that have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.consumers import Consumers, Lab, image, lab

#: A pipeline whose behaviour the name of the image decides.
_PIPELINE = """import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cytomill.ops.grid import Box
from cytomill.pipelines.base import Options, Part, Partial, Pipeline, Products, Result
from cytomill.pipelines.canvas import Canvas


@dataclass
class Mark:
    number: int


class Moody(Pipeline):
    name = "moody"
    summary = "Does what the name of the image says."
    models = ()
    Options = Options

    @property
    def products(self):
        return Products()

    def split(self, image):
        parts = 40 if "many" in image.name else 1
        return [Part(i, 0, 0, Box(0, 0, 2048, 2048)) for i in range(parts)]

    def process(self, image, part, models):
        seen = Path(os.environ["MOODY"])
        with (seen / "seen").open("a") as log:
            log.write(f"{image.name} {part.index}\\n")
        if "poison" in image.name:
            os._exit(9)
        if "memory" in image.name:
            raise MemoryError
        if "odd" in image.name:
            raise ValueError("what is this")
        if "hang" in image.name:
            time.sleep(3600)
        if "many" in image.name:
            time.sleep(0.05)
        while "held" in image.name and not (seen / "go").exists():
            time.sleep(0.01)
        labels = np.full(image.shape[3:], part.index + 1, np.int32)
        outputs = {"mark": Mark(part.index)}
        return Partial(part.index, 0, 0, Box(0, 0, *image.shape[3:]), labels, 0, outputs=outputs)

    def merge(self, image, partials, scratch):
        canvas = Canvas((1, 1, *image.shape[3:]), scratch)
        marks = [partial.outputs["mark"].number for partial in partials]
        assert marks == list(range(len(marks)))
        return Result(canvas.finish(), len(marks), None, 0, None, {})
"""


@contextmanager
def moody(folder: Path, redis_url: str, **settings: Any) -> Iterator[tuple[Lab, Consumers]]:
    """A lab whose consumers have that pipeline."""
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "moody.py").write_text(_PIPELINE)
    with lab(folder, redis_url, **settings) as (made, consumers):
        pipelines = str(folder / "pipelines")
        consumers.environment = {"CYTOMILL_PIPELINES": pipelines, "MOODY": str(folder)}
        yield made, consumers


def files(folder: Path, *names: str) -> Path:
    first = image(folder / names[0], size=(32, 32))
    for name in names[1:]:
        (folder / name).write_bytes(first.read_bytes())
    return folder


def seen(tmp_path: Path) -> list[str]:
    path = tmp_path / "seen"
    return path.read_text().splitlines() if path.exists() else []
