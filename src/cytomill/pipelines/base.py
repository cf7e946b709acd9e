"""The contract: split, process, merge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ..image.core import Image, PixelSize
from ..inference.runtime import Models, Runtime
from ..models.card import Model
from ..models.description import Description
from ..models.registry import find
from ..ops.grid import Box
from ..ops.normalise import Levels
from .canvas import Stack


class Options(BaseModel):
    """A pipeline's options: a subclass declares each as a field with a description.

    Clients build their flags and forms from the JSON schema; an unknown option is refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Part:
    """What can be processed on its own: a plane, or a tile of a large one.

    ``core`` is the part's share of the plane on the model's grid; cores cover a plane once.
    ``levels`` are those of the whole plane, or None where the core is the whole plane. A part of
    several planes is that of ``frames`` times from ``t`` on and ``depth`` planes from ``z`` on.
    ``statistics`` are what a model needs to know of the whole; they can be pickled and compared.
    """

    index: int
    t: int
    z: int
    core: Box
    levels: Levels | None = None
    frames: int = 1
    depth: int = 1
    statistics: Any = None


@dataclass(frozen=True, slots=True)
class Partial:
    """What came of a part.

    ``labels``: int32 (y, x), of a part of several planes (t, z, y, x), ids 1..``count``, over the
    image's rectangle ``box``; objects may reach beyond the core. None where there are none, or none
    before the parts are merged. ``columns`` are measurements in coordinates of ``box``, see
    `cytomill.ops.measure`. ``seconds`` are wall times by stage. ``outputs`` is what else the
    pipeline's own `Pipeline.merge` needs.
    """

    index: int
    t: int
    z: int
    box: Box
    labels: NDArray[Any] | None
    count: int
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Products:
    """What a pipeline gives for an image besides measurements.

    ``maps`` are images and ``arrays`` tensors of any shape, by a name that is the end of a file's:
    letters, digits, ``_``, ``.`` and ``-``. An array's ends in ``.npy``, or ``.npz`` for several.
    ``files`` are other files, or folders, likewise by the end of their names. ``tables`` are
    written of all images together, beside the measurements: each has a name of letters, digits and
    ``_``, not ``measurements``.
    """

    labels: bool = True
    maps: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an image: label stack (t, z, y, x), number of objects, a row for each.

    ``channel`` is the one that was analysed, None for all channels of a colour picture;
    ``pixel_size`` what a pixel was taken to be, None where it is not known. ``labels``, ``maps``,
    ``arrays``, ``tables`` and ``files`` are there where `Pipeline.products` says so, the last four
    by name. Each of ``files`` writes one, file or folder, to the path that it is given; nothing is
    there before, and that it appears whole or not at all is the caller's care. ``notes`` say what a
    user should know of how it was done: sentences, each on one line.
    """

    labels: Stack | None
    count: int
    table: pa.Table | None
    channel: int | None
    pixel_size: PixelSize | None
    seconds: dict[str, float]
    maps: Mapping[str, Image] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any] | Mapping[str, NDArray[Any]]] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


O = TypeVar("O", bound=Options)  # noqa: E741


class Pipeline(ABC, Generic[O]):
    """An analysis. Subclass it in one file and name the class in the entry-point group
    ``cytomill.pipelines``: it appears, with its options, in every client.
    """

    #: What users call it.
    name: ClassVar[str]

    #: One sentence on what it does.
    summary: ClassVar[str]

    #: What one of the objects it finds is, for programs that show their class.
    objects: ClassVar[str] = "Object"

    #: Names of the models it always asks for predictions.
    models: ClassVar[tuple[str, ...]]

    #: Its options.
    Options: ClassVar[type[Options]]

    #: Whether its inputs are movies: files of single frames are taken together.
    movies: ClassVar[bool] = False

    def __init__(self, options: O) -> None:
        self.options = options

    @property
    def needs(self) -> Mapping[str, Model | Description]:
        """The models it asks, with these options, by name. Raises `ModelError`."""
        return {name: find(name) for name in self.models}

    @property
    def products(self) -> Products:
        """What it gives, with these options."""
        return Products()

    def load(self, models: Models) -> Mapping[str, Runtime]:
        """Load what `process` will ask for: the runtime that answers for each of `models`.

        Done once, before any image: a model that cannot be loaded must stop the run, not fail each
        image. Raises `ModelError`, `OptionError`.
        """
        return {name: models[name] for name in self.models}

    def view(self, image: Image) -> Image:
        """``image`` as this analysis takes it, such as with its planes of Z as times.

        All that follows is of that, outputs too. What was seen so stays as it is when it is seen
        again. Raises `InputError`.
        """
        return image

    def shows(self, image: Image) -> int | None:
        """The channel that pictures of ``image`` show with its objects.

        None is that of the nuclear stain, or all channels of a colour picture.
        """
        return None

    @abstractmethod
    def split(self, image: Image) -> Sequence[Part]:
        """What of ``image`` can be done independently, in a fixed order."""

    @abstractmethod
    def process(self, image: Image, part: Part, models: Models) -> Partial:
        """Analyse one part: the same result whoever calls, wherever, however often."""

    def lost(self, image: Image, part: Part, reason: str) -> Partial | None:
        """What stands for a part that cannot be processed, even when tried again.

        ``reason`` says why, on one line. None where the image cannot do without the part, and
        fails; else `merge` gets this partial in the place of the part's, and says in
        `Result.notes` what is lost.
        """
        return None

    @abstractmethod
    def merge(self, image: Image, partials: Iterable[Partial], scratch: Path) -> Result:
        """Put partials, in the order of their parts, together; takes them one at a time.

        What does not fit in memory goes to files in the folder ``scratch``, which must outlive the
        result.
        """
