"""What pipelines that follow cells through a movie have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, field_validator

from ..errors import InputError
from ..image.core import Image, PixelSize
from ..image.view import forgiving, projected, seen_as, time_of_channels, time_of_depth
from ..tracks.files.formats import FORMATS, Format, Material
from ..tracks.files.stack import Labels
from ..tracks.files.table import track_table, with_tracks
from ..tracks.lineage import Lineage
from ..tracks.linking.link import Linking
from .base import Options, Part, Partial, Pipeline, Products, Result
from .cells import gathered
from .stopwatch import Stopwatch

#: The name of the table of a row per track.
_TABLE = "tracks"

#: Nothing is asked to be seen in more than one of so many frames of its movie.
_FEW = 4

#: Channels that a microscope's movie may have.
_CHANNELS = 5

#: Frames that are named one by one in a note.
_NAMED = 5


class TrackingOptions(Options):
    """Options of every pipeline that follows cells; a subclass adds its own."""

    time: Literal["auto", "t", "z", "c"] = Field(
        "auto",
        description="Axis that is time: t, or z or c for stacks whose frames are stored as planes "
        "of Z or as channels. auto takes Z where there is no T, and channels where there is "
        "neither and they are too many to be channels.",
    )
    frame_interval: float | None = Field(
        None,
        gt=0,
        description="Minutes from one frame to the next, where the file does not say or is wrong.",
    )
    max_gap: int = Field(
        4, ge=0, le=100, description="Frames that a cell may be missed in and go on as the same."
    )
    max_distance: float | None = Field(
        None,
        gt=0,
        description="Pixels that a cell moves at most from one frame to the next. Without it what "
        "is likely depends on how all cells of the movie move.",
    )
    divisions: bool = Field(True, description="Whether cells divide.")
    fill: bool = Field(
        True, description="Put cells into the gaps of their tracks, with the outline seen last."
    )
    min_frames: int | None = Field(
        None,
        ge=1,
        description="Frames that a cell without relatives is seen in at least; others are left "
        "out as debris. Default: 1 of labels; of cells that were found 3, or in short movies a "
        "quarter of the frames.",
    )
    min_daughter: int = Field(
        5,
        ge=1,
        description="Frames that a daughter is seen in at least; of one that is gone sooner the "
        "division is taken back.",
    )
    files: str = Field(
        "ctc,lineage,tree",
        description="Files of tracks to write, with commas: " + ", ".join(FORMATS) + "; or all, "
        "or none.",
    )
    measure: bool = Field(True, description="Measure every cell in every frame.")

    @field_validator("files")
    @classmethod
    def _known(cls, given: str) -> str:
        named = [name.strip() for name in given.split(",") if name.strip()]
        if named in (["all"], ["none"]):
            return named[0]
        for name in named:
            if name not in FORMATS:
                raise ValueError(f"{name} is none of {', '.join(FORMATS)}, all, none")
        if not named:
            raise ValueError("names no file; give none for no files")
        return ",".join(name for name in FORMATS if name in named)


O = TypeVar("O", bound=TrackingOptions)  # noqa: E741


class Tracking(Pipeline[O]):
    """A pipeline whose parts are the objects of frames; their `merge` links them."""

    objects: ClassVar[str] = "Cell"
    movies: ClassVar[bool] = True

    #: Whether a frame of several planes of Z is seen as the brightest of them.
    flattens: ClassVar[bool]

    #: Frames that a cell without relatives is seen in at least, where nothing is wished.
    briefest: ClassVar[int] = 1

    @property
    def formats(self) -> tuple[str, ...]:
        """The files of tracks that are written."""
        if self.options.files in ("all", "none"):
            return tuple(FORMATS) if self.options.files == "all" else ()
        return tuple(self.options.files.split(","))

    @property
    def products(self) -> Products:
        """See `Pipeline.products`. Raises `OptionError` where a file cannot be written here."""
        for name in self.formats:
            FORMATS[name].check()
        return Products(tables=(_TABLE,), files=tuple(FORMATS[name].end for name in self.formats))

    def view(self, image: Image) -> Image:
        """See `Pipeline.view`: frames of one plane each."""
        times, channels, depths = image.shape[:3]
        wanted = self.options.time
        flat = times == depths == 1 and not image.rgb
        if channels > 1 and (wanted == "c" or (wanted == "auto" and flat and self._crowded(image))):
            return time_of_channels(image)
        if depths == 1:
            return image
        if wanted == "z" or (wanted == "auto" and times == 1):
            return time_of_depth(image)
        if self.flattens:
            return projected(image)
        raise InputError(
            image.name,
            f"has {times} frames of {depths} planes of Z; cells are followed in planes",
            "give one plane of each, or --time z where Z is time",
        )

    def _crowded(self, image: Image) -> bool:
        """Whether an image has so many channels that they must be frames."""
        return image.shape[1] > _CHANNELS

    def lost(self, image: Image, part: Part, reason: str) -> Partial | None:
        """See `Pipeline.lost`: tracks go on across a frame that is lost."""
        return Partial(part.index, part.t, part.z, part.core, None, 0, outputs={"lost": reason})

    def merge(self, image: Image, partials: Iterable[Partial], scratch: Path) -> Result:
        """See `Pipeline.merge`: link the cells of the frames."""
        return self.followed(image, partials, scratch)[0]

    def followed(
        self, image: Image, partials: Iterable[Partial], scratch: Path
    ) -> tuple[Result, Lineage]:
        """The result that `merge` gives, and the lineage."""
        options = self.options
        how = Linking(options.max_gap, options.max_distance, options.divisions)
        watch = Stopwatch()
        size = self._size(image)
        cells = gathered(image, partials, scratch, how, self._bright(image), watch)
        with watch("link"):
            cells.link(
                fill=options.fill,
                shortest=self._shortest(image),
                daughter=options.min_daughter,
            )
            lineage = cells.lineage(size, self.interval(image))
            labels = cells.labels()
            rim = cells.rim()
        with watch("tables"):
            table = None
            if options.measure:
                table = with_tracks(cells.table(size, self._measured(image)), lineage)
            tracks = track_table(lineage, image=image.name, rim=rim)
        material = self.material(image, lineage, labels)
        result = Result(
            labels,
            len(lineage.tracks),
            table,
            self.shows(image),
            size,
            watch.seconds,
            tables={_TABLE: tracks},
            files={
                FORMATS[name].end: partial(_write, FORMATS[name], material) for name in self.formats
            },
            notes=(*self._notes(image), *cells.notes(), *_told_lost(lineage, cells.reasons)),
        )
        return result, lineage

    def material(self, image: Image, lineage: Lineage, labels: Labels) -> Material:
        """What files of tracks are made of: the lineage, its labels, and ``image`` as shown.

        Frames that were lost are black in files that have pixels.
        """
        raw, channel = self._raw(image)
        return Material(
            lineage, labels, forgiving(raw.with_pixel_size(lineage.pixel_size)), channel
        )

    def interval(self, image: Image) -> float | None:
        """Seconds from one frame to the next; None where that is not known."""
        wished = self.options.frame_interval
        return image.interval if wished is None else wished * 60

    def shows(self, image: Image) -> int | None:
        """See `Pipeline.shows`."""
        return self._channel(image)

    def _shortest(self, image: Image) -> int:
        wished = self.options.min_frames
        if wished is not None:
            return wished
        return min(self.briefest, max(1, image.shape[0] // _FEW))

    def _size(self, image: Image) -> PixelSize | None:
        return image.pixel_size

    def _measured(self, image: Image) -> tuple[str, ...]:
        """Names of the channels that are measured; empty where they have none."""
        return image.channels

    def _raw(self, image: Image) -> tuple[Image, int | None]:
        """The image that shows the cells, and its channel; None for all of a colour picture."""
        return image, self._channel(image)

    def _channel(self, image: Image) -> int | None:
        """The channel that is shown with the labels; None for all of a colour picture."""
        return 0

    def _bright(self, image: Image) -> int | None:
        """The measured channel whose brightness tells cells apart; None where there is none."""
        return None

    def _notes(self, image: Image) -> list[str]:
        seen = seen_as(image)
        if not seen:
            return []
        if not seen.endswith("as frames"):
            return [f"took {seen} in each frame"]
        if self.options.time == "auto":
            return [f"has no T axis: took {seen} (--time t takes the file as one frame)"]
        return [f"took {seen}"]


def _write(how: Format, material: Material, path: Path) -> None:
    how.write(path, material)


def _told_lost(lineage: Lineage, reasons: Mapping[int, str]) -> list[str]:
    """What is said of frames that were lost."""
    if not lineage.lost:
        return []
    first = [str(t) for t in lineage.lost[:_NAMED]]
    more = len(lineage.lost) - len(first)
    named = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    frames = "frame" if len(lineage.lost) == 1 else "frames"
    why = reasons[lineage.lost[0]].rstrip(".")
    return [f"{frames} {named} (from 0) could not be analysed ({why}): tracks go on across"]
