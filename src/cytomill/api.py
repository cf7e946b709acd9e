"""The functions of ``import cytomill``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .batch.outputs import Format, Outputs
from .batch.run import Progress, Run, make_pipeline
from .batch.shard import Shard
from .errors import OptionError
from .image.array import from_array
from .inference.load import Device, models
from .pipelines.registry import chosen, find

if TYPE_CHECKING:
    from .batch.report import Report
    from .inference.runtime import Models


def segment(
    array: NDArray[Any],
    *,
    axes: str | None = None,
    pixel_size: float | None = None,
    pipeline: str | None = None,
    device: Device = "auto",
    model_server: str | None = None,
    **options: Any,
) -> NDArray[np.unsignedinteger[Any]]:
    """Label the objects in an array.

    ``array``: integers or floats, with axes ``axes``, a subset of TCZYX; default YX, ZYX (a stack
    of planes) or CZYX by its number of dimensions. ``pixel_size`` in µm. ``options`` are those of
    the pipeline, such as ``channel``; ``pipeline`` is ``"nuclei"``, or ``"model"`` where a
    ``model`` is among them. With ``model_server``, ``grpc://HOST:PORT``, the model runs there.

    Returns labels of the array's shape less the channel axis: uint16, or uint32 above 65,535
    objects; 0 is background. The model stays in memory for the next call. Raises `InputError` for
    an array that is not an image, `OptionError` for an unknown option, `TemporaryError` where the
    model server stays away or busy.
    """
    image = from_array(array, axes, pixel_size)
    if "measure" in options:
        raise OptionError("segment measures nothing: use cytomill.run, or leave out measure")
    pipeline = chosen(pipeline, options)
    if "measure" in find(pipeline).Options.model_fields:
        options["measure"] = False
    made = make_pipeline(pipeline, options)
    loaded = _models(device, model_server)
    image = made.view(image)
    with tempfile.TemporaryDirectory(prefix="cytomill-") as scratch:
        partials = (made.process(image, part, loaded) for part in made.split(image))
        result = made.merge(image, partials, Path(scratch))
        if result.labels is None:
            raise OptionError(f"{pipeline} gives no labels with these options; use cytomill.run")
        labels = result.labels[...]
    kept = [size for axis, size in zip("TZYX", labels.shape, strict=True) if axis in image.axes]
    return labels.reshape(kept)


@lru_cache(maxsize=3)
def _models(device: Device, server: str | None) -> Models:
    return models(device, server=server)


def run(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    pipeline: str | None = None,
    pattern: str | None = None,
    split: str | None = None,
    format: Format = "tiff",  # noqa: A002 - the name of the command's option
    ngff: str | None = None,
    overlay: bool = False,
    geojson: bool = False,
    shard: str | None = None,
    device: Device = "auto",
    model_server: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Run a pipeline over files, folders, globs, zips or dataset files, as ``cytomill run`` does.

    ``options`` are those of the pipeline (``channel``, ``pixel_size``, ``measure``); with a
    ``model`` among them it is the pipeline ``model``, else ``nuclei``. The rest has the names and
    meanings of the command's options. ``progress`` is called after each input.

    Returns what came of each input; one that fails is a record with its reason, not an exception.
    Raises `OptionError`, `InputError`, `OutputError` or `UnreachableError` where no work could
    begin or go on.
    """
    return Run(
        [inputs] if isinstance(inputs, str | Path) else list(inputs),
        out,
        pipeline=chosen(pipeline, options),
        options=options,
        pattern=pattern,
        split=split,
        outputs=Outputs(format=format, overlay=overlay, geojson=geojson, ngff=ngff),
        shard=Shard.parse(shard) if shard else None,
        device=device,
        model_server=model_server,
        threads=threads,
        overwrite=overwrite,
    ).go(progress)
