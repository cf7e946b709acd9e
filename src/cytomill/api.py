"""The functions of ``import cytomill``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
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
from .image.beside import joined
from .inference.load import Device, models
from .pipelines.registry import chosen, find

if TYPE_CHECKING:
    import pyarrow as pa

    from .batch.report import Report
    from .inference.runtime import Models
    from .tracks.lineage import Lineage


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


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """Cells followed through a movie.

    ``labels`` (t, y, x), uint16, or uint32 above 65,535 tracks, have the number of its track for
    each cell. ``measurements`` has a row for each cell and frame, None where nothing was to be
    measured; ``tracks`` one for each cell. ``notes`` say what was remarkable.
    """

    labels: NDArray[np.unsignedinteger[Any]]
    lineage: Lineage
    measurements: pa.Table | None
    tracks: pa.Table
    notes: tuple[str, ...]


def track(
    labels: NDArray[Any],
    images: NDArray[Any] | None = None,
    *,
    pixel_size: float | None = None,
    interval: float | None = None,
    **options: Any,
) -> Tracked:
    """Follow the cells of label images through time.

    ``labels`` (t, y, x) are whole numbers: a number for each cell of a frame, 0 for background.
    ``images`` (t, y, x) or (t, c, y, x) are the movie that they are of. ``pixel_size`` is in µm,
    ``interval`` in seconds. ``options`` are those of the pipeline ``link``, such as ``max_gap``.

    Raises `InputError` for arrays that are not labels or not of one size, `OptionError` for an
    unknown option.
    """
    options.setdefault("files", "none")
    if interval is not None:
        options["frame_interval"] = interval / 60
    made: Any = make_pipeline("link", options)
    image = from_array(labels, "TYX", pixel_size)
    if images is not None:
        raw = from_array(images, "TYX" if np.ndim(images) == 3 else "TCYX", pixel_size)
        image = joined(image, raw)
    with tempfile.TemporaryDirectory(prefix="cytomill-") as scratch:
        none = models("cpu")
        partials = (made.process(image, part, none) for part in made.split(image))
        result, lineage = made.followed(image, partials, Path(scratch))
        stack = result.labels[:, 0]
    return Tracked(stack, lineage, result.table, result.tables["tracks"], result.notes)


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
    axes: str | None = None,
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
    ``model`` among them it is the pipeline ``model``, else ``nuclei``. ``axes`` are those of the
    images where their files say otherwise, such as ``"TYX"``. The rest has the names and
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
        axes=axes,
        outputs=Outputs(format=format, overlay=overlay, geojson=geojson, ngff=ngff),
        shard=Shard.parse(shard) if shard else None,
        device=device,
        model_server=model_server,
        threads=threads,
        overwrite=overwrite,
    ).go(progress)
