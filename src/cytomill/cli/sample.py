"""``cytomill sample``: synthetic images of nuclei with ground truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import OutputError
from .sample_request import FRAMES, IMAGES, MOVIE_SIZE, SIZE, Request

if TYPE_CHECKING:
    from ..ops.synthesise import Scene
    from .sample_files import Pair

#: Counts of a typical nucleus and of the dark in an 8-bit image: the brightest just saturate.
_BYTE_GAIN, _BYTE_DARK = 64.0, 8.0


@click.command("sample")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder to write to; made if need be.",
)
@click.option(
    "--kind",
    type=click.Choice(["nuclei", "movie"]),
    default="nuclei",
    show_default=True,
    help="Still images, or movies of nuclei that move and divide.",
)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help=f"How many.  [default: {IMAGES} images, 1 movie]",
)
@click.option(
    "--size",
    metavar="WIDTHxHEIGHT",
    help=f"In pixels.  [default: {SIZE}, movies {MOVIE_SIZE}]",
)
@click.option("--frames", type=click.IntRange(1, 9999), help=f"Of a movie.  [default: {FRAMES}]")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="The same seed and options make the same files.",
)
@click.option("--pixel-size", type=float, default=0.65, show_default=True, help="In µm.")
@click.option(
    "--diameter", type=float, default=14.0, show_default=True, help="Mean of the nuclei, in µm."
)
@click.option(
    "--coverage",
    type=click.FloatRange(0, 0.8),
    help="Share of the area under nuclei.  [default: 0.05 to 0.35, by image]",
)
@click.option(
    "--noise",
    type=click.FloatRange(0, 1),
    help="The camera's, relative to a typical nucleus.  [default: 0.01 to 0.06, by image]",
)
@click.option(
    "--dtype", type=click.Choice(["uint16", "uint8"]), default="uint16", show_default=True
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["tiff", "zarr"]),
    default="tiff",
    show_default=True,
    help="OME-TIFF, or OME-Zarr with the truth inside too.",
)
@click.option("--stack", is_flag=True, help="A movie as one file, in place of a file per frame.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def command(output: Path, overwrite: bool, quiet: bool, **options: Any) -> None:
    """Make images of nuclei that look real, and the labels that are true of them.

    Images go to DIR/images, labels of the same name to DIR/truth, and what was drawn to
    DIR/sample.json. Movies go to DIR/01, DIR/02… and their truth to DIR/01_GT…, as the Cell
    Tracking Challenge has them, or with --stack to DIR/images and DIR/truth. Size is no limit:
    --size 40000x40000 takes minutes, and less than 2 GB of memory.
    """
    request = Request.parse(**options)
    places = [_Place.of(output, request, index) for index in range(request.count)]
    notes = output / "sample.json"
    _check_free([path for place in places for path in place.made] + [notes], overwrite)
    _write(request, places, notes, quiet)
    if not quiet:
        first = places[0]
        where = first.image, first.truth
        if not request.challenge:
            where = first.image.parent, first.truth.parent
        noun = "image" if request.kind == "nuclei" else "movie"
        many = f"{request.count} {noun}{'s' * (request.count > 1)}"
        click.echo(f"made {many}: {where[0]}, the truth: {where[1]}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image and its truth go: files, or folders of a movie's frames."""

    image: Path
    truth: Path
    tracks: Path | None = None

    @classmethod
    def of(cls, output: Path, request: Request, index: int) -> _Place:
        if request.challenge:
            truth = output / f"{index + 1:02}_GT"
            return cls(output / f"{index + 1:02}", truth, truth / "TRA" / "man_track.txt")
        name = f"{request.kind}_{index:0{max(3, len(str(request.count - 1)))}}"
        suffix = ".tif" if request.format == "tiff" else ".zarr"
        tracks = output / "truth" / f"{name}_tracks.txt" if request.kind == "movie" else None
        return cls(output / "images" / f"{name}{suffix}", output / "truth" / f"{name}.tif", tracks)

    @property
    def made(self) -> list[Path]:
        """What will be written."""
        return [path for path in (self.image, self.truth, self.tracks) if path is not None]


def _check_free(paths: list[Path], overwrite: bool) -> None:
    for path in paths:
        if path.exists() and not overwrite:
            raise OutputError(path, "is there already", "choose another folder or add --overwrite")


def _write(request: Request, places: list[_Place], notes: Path, quiet: bool) -> None:
    import json

    from tqdm import tqdm

    from .. import __version__
    from ..image.atomic import replacing

    rows = request.count * request.frames * request.height
    written = []
    with tqdm(total=rows, unit="row", leave=False, disable=True if quiet else None) as bar:
        for index, place in enumerate(places):
            scene, objects = _write_one(request, index, place, bar.update)
            parts = {
                name: path.relative_to(notes.parent).as_posix()
                for name, path in (("image", place.image), ("truth", place.truth))
            }
            written.append(parts | {"objects": objects, "scene": asdict(scene)})
    options = asdict(request)
    with replacing(notes) as part:
        part.write_text(
            json.dumps({"cytomill": __version__, "options": options, "samples": written}, indent=2)
            + "\n",
            encoding="utf-8",
        )


def _write_one(
    request: Request, index: int, place: _Place, drawn: Callable[[int], object]
) -> tuple[Scene, int]:
    """Write sample ``index``; returns what it shows and its number of nuclei or tracks."""
    import numpy as np

    from ..ops.synthesise_movie import Film, Movie
    from ..ops.synthesise_slide import slide
    from . import sample_files as files

    rng = np.random.default_rng([request.seed, index])
    seed = int(rng.integers(2**62))
    scene = request.scene(rng)
    shape: tuple[int, ...] = scene.shape
    movie = Movie(Film(scene, request.frames), seed) if request.kind == "movie" else None
    bands: Iterator[Pair]
    if movie is None:
        bands = ((band.image, band.labels) for band in slide(scene, seed))
    else:
        bands = iter(movie)
        shape = (request.frames, *shape)
    bands = _exposed(bands, request.dtype, scene.gain, drawn)
    identity = f"{request} {index}"
    sheet = files.Sheet(shape, np.dtype(request.dtype), request.pixel_size, identity)

    if movie is not None and request.challenge:
        files.write_challenge(place.image, place.truth, sheet, bands, movie)
        return scene, len(movie.tracks)
    if request.format == "zarr":
        objects = files.write_zarr(place.image, place.truth, sheet, bands)
    else:
        objects = files.write_pair(place.image, place.truth, sheet, bands)
    if movie is not None and place.tracks is not None:
        files.write_tracks(place.tracks, movie.tracks)
    return scene, objects


def _exposed(
    bands: Iterator[Pair], dtype: str, gain: float, drawn: Callable[[int], object]
) -> Iterator[Pair]:
    """The bands in the camera's ``dtype``; ``drawn`` is told the rows of each."""
    import numpy as np

    from ..ops.synthesise import CAMERA_OFFSET

    for image, labels in bands:
        drawn(len(image))
        if dtype == "uint8":
            counts = (image.astype(np.float32) - CAMERA_OFFSET) * (_BYTE_GAIN / gain) + _BYTE_DARK
            yield np.clip(np.rint(counts), 0, 255).astype(np.uint8), labels
        else:
            yield image, labels
