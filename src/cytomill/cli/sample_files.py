"""Files of a synthetic sample: images and their truth, streamed to disk side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from ..image.atomic import output_error, replacing
from ..image.core import Image
from ..ops.synthesise_movie import Movie
from ..ops.track import Track

#: Planes of more pixels than this are written in tiles, a few rows of them at a time.
STREAMED = 2**24

#: Edge of a tile in pixels.
TILE = 512

#: An image and its labels, both (y, x): whole planes, or successive bands of one.
Pair = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the files of one sample image have in common.

    ``shape`` is (y, x) or (t, y, x); ``dtype`` the image's; ``pixel_size`` in µm; ``identity``
    names the content: equal identities make equal files.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pixel_size: float
    identity: str

    @property
    def streamed(self) -> bool:
        """Whether a plane is too large to be held whole."""
        return self.shape[-2] * self.shape[-1] > STREAMED


def write_pair(image: Path, truth: Path, sheet: Sheet, bands: Iterable[Pair]) -> int:
    """Write an image and its labels as OME-TIFF; returns the largest label.

    ``bands`` are the successive rows of a plane, or the planes of a (t, y, x) movie. The labels
    wait in memory, compressed, until the image is written: about 0.1 byte a pixel. Raises
    `OutputError` where the disk does not take the files.
    """
    truths: list[bytes] = []
    seen = _Labels()
    if sheet.streamed:
        chunks = _tiles(bands, sheet.shape[-1], truths, seen)
    else:
        chunks = _planes(bands, sheet.shape[-2], truths, seen)
    # A single plane is not a series of planes to tifffile.
    whole = next(chunks) if len(sheet.shape) == 2 and not sheet.streamed else chunks
    _write(image, whole, sheet, sheet.dtype, channel="DAPI")
    _write(truth, iter(truths), sheet, seen.dtype, channel="labels")
    return seen.largest


class _Labels:
    """What has been seen of the labels of an image."""

    def __init__(self) -> None:
        self.largest = 0
        self.dtype: np.dtype[Any] = np.dtype(np.uint16)

    def encode(self, labels: NDArray[Any]) -> bytes:
        """Compress a chunk, and remember its dtype and its largest label."""
        self.largest = max(self.largest, int(labels.max(initial=0)))
        self.dtype = labels.dtype
        return bytes(imagecodecs.zlib_encode(labels.tobytes(), level=6))


def _planes(
    bands: Iterable[Pair], height: int, truths: list[bytes], seen: _Labels
) -> Iterator[NDArray[Any]]:
    """Whole planes; the labels go to ``truths``, each plane one strip."""
    for image, labels in _gathered(bands, height):
        truths.append(seen.encode(labels))
        yield image


def _tiles(
    bands: Iterable[Pair], width: int, truths: list[bytes], seen: _Labels
) -> Iterator[NDArray[Any]]:
    """Tiles in rows from the top; those of the labels go to ``truths``."""
    for image, labels in _gathered(bands, TILE):
        below = (0, TILE - len(labels))
        for left in range(0, width, TILE):
            columns = slice(left, left + TILE)
            beside = (0, TILE - labels[:, columns].shape[1])
            truths.append(seen.encode(np.pad(labels[:, columns], (below, beside))))
            yield image[:, columns]


def _gathered(bands: Iterable[Pair], height: int) -> Iterator[Pair]:
    """The same rows in bands of ``height``; the last may be lower."""
    waiting: list[Pair] = []
    for band in bands:
        waiting.append(band)
        while (have := sum(len(image) for image, _ in waiting)) >= height:
            image, labels = (np.concatenate(parts) for parts in zip(*waiting, strict=True))
            yield image[:height], labels[:height]
            waiting = [(image[height:], labels[height:])] if have > height else []
    if waiting:
        image, labels = (np.concatenate(parts) for parts in zip(*waiting, strict=True))
        yield image, labels


def _write(path: Path, data: Any, sheet: Sheet, dtype: np.dtype[Any], channel: str) -> None:
    movie = len(sheet.shape) == 3
    metadata = {
        "axes": "TYX" if movie else "YX",
        "PhysicalSizeX": sheet.pixel_size,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": sheet.pixel_size,
        "PhysicalSizeYUnit": "µm",
        "Channel": {"Name": [channel]},
        "Creator": "cytomill",
        # A random identifier would make every file different.
        "UUID": str(uuid5(NAMESPACE_OID, f"{sheet.identity} {channel}")),
    }
    if movie:
        metadata |= {"TimeIncrement": 30.0, "TimeIncrementUnit": "min"}
    layout: dict[str, Any] = {"rowsperstrip": sheet.shape[-2]}
    if sheet.streamed:
        layout = {"tile": (TILE, TILE)}
    per_centimetre = 10_000 / sheet.pixel_size
    with replacing(path) as part:
        tifffile.imwrite(
            part,
            data,
            shape=sheet.shape,
            dtype=dtype,
            byteorder="<",
            bigtiff=int(np.prod(sheet.shape)) * dtype.itemsize > 2**31,
            ome=True,
            photometric="minisblack",
            compression="zlib",
            compressionargs={"level": 4},
            resolution=(per_centimetre, per_centimetre),
            resolutionunit="CENTIMETER",
            metadata=metadata,
            **layout,
        )


def write_zarr(image: Path, truth: Path, sheet: Sheet, bands: Iterable[Pair]) -> int:
    """As `write_pair`, the image as OME-Zarr that holds the labels too, under ``labels/truth``."""
    from ..image.formats import open_images
    from ..image.ngff import write_labelled

    try:
        image.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(image, error) from error
    # The pyramid is made from a file: a plane larger than memory is drawn from the top only.
    with TemporaryDirectory(dir=image.parent, prefix=".", suffix=".part") as folder:
        draft = Path(folder) / f"{image.stem}.tif"
        largest = write_pair(draft, truth, sheet, bands)
        with open_images(draft) as images, open_images(truth) as labels:
            write_labelled(image, _Lazy(labels.images[0]), images.images[0], name="truth")
    return largest


class _Lazy:
    """The labels in a file as an array (t, z, y, x) that is read piece by piece."""

    def __init__(self, image: Image) -> None:
        self._image = image
        t, _, z, y, x = image.shape
        self.shape = (t, z, y, x)
        self.dtype = image.dtype
        self.ndim = 4

    def __getitem__(self, place: tuple[int, int, slice, slice]) -> NDArray[Any]:
        t, z, y, x = place
        return self._image.read(t, 0, z, y, x)


def write_challenge(
    images: Path, truth: Path, sheet: Sheet, frames: Iterable[Pair], movie: Movie
) -> None:
    """Write a movie as the Cell Tracking Challenge has them, in place of what was there.

    ``images`` gets ``t000.tif``…, ``truth`` gets ``TRA/man_track000.tif``…, ``TRA/man_track.txt``
    and ``SEG/man_seg000.tif``…; numbers have four digits where there are more than 1000 frames.
    ``frames`` are those of ``movie``, whose tracks are known when they are drawn.
    """
    digits = 4 if sheet.shape[0] > 1000 else 3
    with replacing(images) as shots, replacing(truth) as answers:
        for time, (image, labels) in enumerate(frames):
            number = f"{time:0{digits}}"
            plane = replace(sheet, shape=image.shape, identity=f"{sheet.identity} {number}")
            _write(shots / f"t{number}.tif", image, plane, sheet.dtype, channel="DAPI")
            for folder, name in (("TRA", "man_track"), ("SEG", "man_seg")):
                file = answers / folder / f"{name}{number}.tif"
                _write(file, labels, plane, labels.dtype, channel="labels")
        write_tracks(answers / "TRA" / "man_track.txt", movie.tracks)


def write_tracks(path: Path, tracks: Iterable[Track]) -> None:
    """Write tracks as the Cell Tracking Challenge does: a line "L B E P" each."""
    lines = [f"{track.label} {track.begin} {track.end} {track.parent}\n" for track in tracks]
    with replacing(path) as part:
        part.write_text("".join(lines), encoding="ascii")
