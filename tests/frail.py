"""A pipeline that fails or dies at one plane of a stack, as its options say, and can do without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

_PIPELINE = """import json
import os
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from cytomill.image.view import time_of_depth
from cytomill.ops.grid import Box
from cytomill.pipelines.base import Options, Part, Partial, Pipeline, Products, Result
from cytomill.pipelines.canvas import Canvas


class FrailOptions(Options):
    fault: Literal["none", "always", "once", "death", "dies once"] = Field(
        "none", description="What happens."
    )
    at: int = Field(5, description="The plane at which it does.")
    size: int = Field(2048, description="Pixels of a part on a side, as it says: more, more tasks.")
    bears: bool = Field(True, description="Whether it can do without a plane.")


class Frail(Pipeline[FrailOptions]):
    name = "frail"
    summary = "Labels what is not black, a plane at a time."
    models = ()
    Options = FrailOptions

    @property
    def products(self):
        return Products(tables=("planes",), files=("planes.json", "RES"))

    def view(self, image):
        return time_of_depth(image) if "Z" in image.axes else image

    def split(self, image):
        size = self.options.size
        return [Part(t, t, 0, Box(0, 0, size, size)) for t in range(image.shape[0])]

    def process(self, image, part, models):
        if part.t == self.options.at and self.options.fault != "none":
            self._fail()
        pixels = image.read(part.t)
        labels, count = (pixels > 0).astype(np.int32), int(pixels.any())
        box, outputs = Box(0, 0, *pixels.shape), {"sum": int(pixels.sum())}
        return Partial(part.index, part.t, 0, box, labels, count, outputs=outputs)

    def _fail(self):
        seen = Path(os.environ["FRAIL"], f"{os.getpid()}-{os.urandom(8).hex()}")
        first = not os.listdir(seen.parent)
        seen.touch()
        if self.options.fault == "death" or (self.options.fault == "dies once" and first):
            os._exit(9)
        if self.options.fault == "always" or (self.options.fault == "once" and first):
            raise ValueError("no good")

    def lost(self, image, part, reason):
        if not self.options.bears:
            return None
        box = Box(0, 0, *image.shape[3:])
        return Partial(part.index, part.t, 0, box, None, 0, outputs={"lost": reason})

    def merge(self, image, partials, scratch):
        times, _, _, height, width = image.shape
        canvas, sums, notes, found = Canvas((times, 1, height, width), scratch), {}, [], []
        for partial in partials:
            if "lost" in partial.outputs:
                notes.append(f"Plane {partial.t} is lost: {partial.outputs['lost']}")
            else:
                canvas.paste(partial.t, 0, partial.box, partial.labels, partial.count)
                sums[partial.t] = partial.outputs["sum"]
                found += [partial.t] * partial.count
        labels = canvas.finish()

        def folder(path):
            path.mkdir()
            for t in sums:
                np.save(path / f"mask{t:03d}.npy", np.asarray(labels[t, 0]))

        objects = {"t": found, "z": [0] * len(found), "label": range(1, len(found) + 1)}
        planes = {"t": list(sums), "sum": list(sums.values())}
        return Result(
            labels,
            canvas.count,
            pa.table({"image": [image.name] * len(found), **objects}),
            0,
            image.pixel_size,
            {},
            tables={"planes": pa.table({"image": [image.name] * len(sums), **planes})},
            files={"planes.json": lambda path: path.write_text(json.dumps(sums)), "RES": folder},
            notes=tuple(notes),
        )
"""


def pipeline(folder: Path) -> dict[str, str]:
    """Write it below ``folder``; returns the environment of the programs that are to have it."""
    own, seen = folder / "pipelines", folder / "seen"
    own.mkdir(parents=True)
    seen.mkdir()
    (own / "frail.py").write_text(_PIPELINE)
    return {"CYTOMILL_PIPELINES": str(own), "FRAIL": str(seen)}


def tries(environment: dict[str, str]) -> int:
    """How often the plane was tried that fails."""
    return len(list(Path(environment["FRAIL"]).iterdir()))


def stack(path: Path, planes: int = 20) -> Path:
    """An image of planes of Z, each with a square."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((planes, 16, 24), np.uint8)
    for z in range(planes):
        pixels[z, 2 : 5 + z % 8, 3:9] = z + 1
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZYX"})
    return path
