"""Reading TIFF: OME-TIFF, ImageJ hyperstacks and the dialects of microscopes."""

from __future__ import annotations

import struct
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..errors import InputError
from . import ome
from .calibration import calibration, interval, labels
from .checks import check_dtype, check_plane
from .core import Image, ImageFile, PixelSource
from .memory import WholeSource
from .ome import OmeImage
from .reduced import Reduced
from .tiff_layout import Layout, canonical, paged, whole
from .tiff_pages import PageSource, cut_short, decoding, first_offset

#: Series of whole-slide files that are not the slide.
_ASIDES = ("thumbnail", "label", "macro", "map", "overview")

#: Bits of the tag NewSubfileType of pages that repeat others: smaller, or as a mask.
_REDUCED, _MASK = 1, 4


def open_tiff(path: Path) -> ImageFile:
    """Open a TIFF file: one `Image` for each series of pages that belong together.

    Of a pyramid, only the full resolution. The planes of an OME-TIFF set come from the files that
    lie beside ``path``; where some are missing, the image is what there is. Pages that nothing is
    said of are planes of Z. The only image is named after the file; of several, the number of the
    series is added: ``a.tif/1``. Raises `InputError`.
    """
    with decoding(path):
        tif, series, described = _open(path)
        try:
            _check_end(path, tif, series)
            chosen = _chosen(series, tif.is_ome)
            lock = threading.Lock()
            images = [
                _image(
                    path,
                    path.name if len(chosen) == 1 else f"{path.name}/{number}",
                    tif,
                    one,
                    _about(described, series, one),
                    lock,
                )
                for number, one in enumerate(chosen)
            ]
        except BaseException:
            tif.close()
            raise
    return ImageFile(images, tif.close)


def _open(path: Path) -> tuple[Any, list[Any], list[OmeImage]]:
    """An open file, its series, and what its OME-XML says; as plain pages where that is wrong."""
    tif = tifffile.TiffFile(path)
    try:
        _check_begin(path, tif)
        if not tif.is_ome:
            return tif, list(tif.series), []
        inside = tif.ome_metadata or ""
        xml = ome.resolve(inside, path)
        if xml != inside:
            tif.close()
            tif = tifffile.TiffFile(path, omexml=xml)
        described = ome.parse(xml)
        try:
            series = [_present(one) for one in tif.series]
        except Exception:
            series = []
        if series and all(one is not None for one in series):
            return tif, series, described
        tif.close()
        tif = tifffile.TiffFile(path, is_ome=False)
        return tif, list(tif.series), described if len(described) == 1 else []
    except BaseException:
        tif.close()
        raise


def _present(series: Any) -> Any | None:
    """An OME series without the planes that no file holds; None where the rest is no hyperstack.

    Of a time lapse that was stopped, the frames that have all planes.
    """
    there = np.array([series[i] is not None for i in range(len(series))])
    if there.all():
        return series
    axes, shape = series.get_axes(False), series.get_shape(False)
    count = int(np.cumprod([1, *shape]).tolist().index(len(there)))
    grid = there.reshape(shape[:count])
    if "T" in axes[:count]:
        frames = np.moveaxis(grid, axes.index("T"), 0)
        full = frames.reshape(len(frames), -1).sum(1)
        np.moveaxis(grid, axes.index("T"), 0)[full < full.max()] = False
    kept = [np.unique(index) for index in np.nonzero(grid)]
    box = np.ix_(*kept)
    if not grid[box].all():
        return None
    numbers = np.arange(grid.size).reshape(grid.shape)[box].ravel()
    return tifffile.TiffPageSeries(
        [series[int(number)] for number in numbers],
        (*(len(index) for index in kept), *shape[count:]),
        series.dtype,
        axes,
        parent=series.parent,
        name=series.name,
        multifile=series.is_multifile,
        kind=series.kind,
    )


def _chosen(series: list[Any], is_ome: bool) -> list[Any]:
    """The series that are images of their own; all where none seems to be."""
    own = [
        one
        for one in series
        if not int(one.keyframe.subfiletype) & (_REDUCED | _MASK)
        and (is_ome or one.name.lower() not in _ASIDES)
    ]
    return own or series


def _about(described: list[OmeImage], series: list[Any], one: Any) -> OmeImage | None:
    """What the OME-XML says of a series: images without pixels in it have no series."""
    if len(described) == len(series):
        return described[series.index(one)]
    return next((image for image in described if image.name == one.name), None)


def _image(
    path: Path, name: str, tif: Any, series: Any, about: OmeImage | None, lock: threading.Lock
) -> Image:
    page = series.keyframe
    check_plane(path, int(page.imagelength), int(page.imagewidth))
    dtype = check_dtype(path, page.dtype)
    metadata = (tif.imagej_metadata if tif.is_imagej else None) or {}
    layout = paged(path, series, metadata.get("mode") == "composite")
    source: PixelSource
    if layout is None or series.transform is not None:
        layout, names = whole(path, series)
        source = _whole_source(path, series, layout, names, dtype, lock)
    else:
        reduced = _reduced(path, tif, series, layout, lock)
        source = PageSource(path, tif, series, layout, dtype, lock, reduced)
    channels = (about.channels if about else ()) or labels(tif, layout.shape)
    if len(channels) != layout.shape[1]:
        channels = ("red", "green", "blue") if layout.rgb else ()
    return Image(
        name=name,
        axes=layout.axes,
        shape=layout.shape,
        dtype=dtype,
        source=source,
        pixel_size=(about.pixel_size if about else None)
        or calibration(tif, page, layout.shape[2] > 1),
        channels=channels,
        rgb=layout.rgb,
        interval=((about.interval if about else None) or interval(tif))
        if layout.shape[0] > 1
        else None,
    )


def _reduced(
    path: Path, tif: Any, series: Any, layout: Layout, lock: threading.Lock
) -> list[Reduced]:
    """The smaller copies of a series, less those that are not of its kind."""
    found = []
    for level in series.levels[1:]:
        with suppress(InputError):
            own = paged(path, level, False)
            if own is None or own.shape[:3] != layout.shape[:3] or level.dtype != series.dtype:
                continue
            source = PageSource(path, tif, level, own, np.dtype(level.dtype.name), lock)
            found.append(Reduced(own.shape[3], own.shape[4], source))
    return found


def _whole_source(
    path: Path,
    series: Any,
    layout: Layout,
    names: list[str],
    dtype: np.dtype[Any],
    lock: threading.Lock,
) -> WholeSource:
    """The source of a series whose pages are not planes."""

    def decode() -> NDArray[Any]:
        with lock, decoding(path):
            return canonical(series.asarray(maxworkers=1), names, layout)

    return WholeSource(path, decode, layout.shape, dtype)


def _check_begin(path: Path, tif: Any) -> None:
    """Raise `InputError` for a file without a first page of some size."""
    if not tif.pages:
        raise cut_short(path)
    page = tif.pages.first
    check_plane(path, int(page.imagelength), int(page.imagewidth))


def _check_end(path: Path, tif: Any, series: list[Any]) -> None:
    """Raise `InputError` for a file that stops before what it announces."""
    if not series:
        raise InputError(path, "has no image in it", "export it again")
    if not (tif.is_ndpi or tif.is_lsm or tif.is_scanimage or tif.is_stk):
        _check_pages(path, tif)
    for one in series:
        start = first_offset(one)
        if start is not None:
            size = np.prod(one.get_shape(False), dtype=float) * one.dtype.itemsize
            if start + size > tif.filehandle.size:
                raise cut_short(path)
    _check_imagej(path, tif, series)


def _check_pages(path: Path, tif: Any) -> None:
    """Follow the list of pages to its end; tifffile stops without a word where it breaks."""
    handle, form = tif.filehandle, tif.tiff
    handle.seek(tif.pages.next_page_offset)
    end = handle.read(form.offsetsize)
    if len(end) < form.offsetsize or struct.unpack(form.offsetformat, end)[0] != 0:
        raise InputError(
            path,
            f"is cut short or damaged: its list of pages breaks after page {len(tif.pages)}",
            "copy or export it again",
        )


def _check_imagej(path: Path, tif: Any, series: list[Any]) -> None:
    """ImageJ lists one page for a large stack and puts all planes behind it."""
    if not tif.is_imagej or series[0].kind == "imagej" or len(tif.pages) > 1:
        return
    page = tif.pages.first
    images = int((tif.imagej_metadata or {}).get("images", 1))
    if page.is_final and page.dataoffsets[0] + images * page.nbytes > tif.filehandle.size:
        raise cut_short(path)
