"""Putting the labels and rows of an image's parts together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..image.core import Image, PixelSize
from ..ops.table import to_table
from .base import Partial, Result
from .canvas import Canvas
from .stopwatch import Stopwatch


def gather(
    image: Image,
    partials: Iterable[Partial],
    scratch: Path,
    *,
    measured: bool,
    channel: int | None,
    pixel_size: PixelSize | None,
) -> Result:
    """Number the objects through the image, and put their rows together if they are ``measured``.

    The rest is as `Pipeline.merge` takes it and `Result` has it.
    """
    t, _, z, y, x = image.shape
    canvas = Canvas((t, z, y, x), scratch)
    watch = Stopwatch()
    tables: list[pa.Table] = []
    for partial in partials:
        watch.add(partial.seconds)
        with watch("merge"):
            offset = canvas.paste(partial.t, partial.z, partial.box, partial.labels, partial.count)
            if measured and partial.columns:  # of a lost part there are none
                columns = {**partial.columns}
                columns["label"] = columns["label"].astype(np.int64) + offset
                tables.append(
                    to_table(
                        columns,
                        image=image.name,
                        t=partial.t,
                        z=partial.z,
                        channels=image.channels,
                        pixel_size=pixel_size,
                        offset=(partial.box.y0, partial.box.x0),
                    )
                )
    table = pa.concat_tables(tables) if tables else None
    return Result(canvas.finish(), canvas.count, table, channel, pixel_size, watch.seconds)


def sequential(labels: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """Ids without gaps, in the same order, and their number."""
    present = np.bincount(labels.ravel()) > 0
    present[0] = False
    ids = np.where(present, np.cumsum(present), 0).astype(np.int32)
    return ids[labels], int(present.sum())
