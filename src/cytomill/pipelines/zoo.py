"""Any model of the BioImage Model Zoo: its outputs as images, labels, classes or arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ModelError, OptionError
from ..image.core import Image
from ..inference.network import LIMIT, Network
from ..inference.runtime import Models, Runtime
from ..models.description import Description
from ..models.package import read
from ..ops.grid import Box
from .base import Options, Part, Partial, Pipeline, Products, Result
from .stopwatch import Stopwatch
from .zoo_axes import letters
from .zoo_channels import Wiring
from .zoo_labels import choose
from .zoo_maps import MapOutput
from .zoo_objects import label, rows, tables
from .zoo_options import ZooOptions
from .zoo_outputs import Scores, class_table, ends, is_ragged, kind
from .zoo_result import Objects, Produced, Volumes, as_image
from .zoo_sample import Sampler

#: The table of classes: a row for each plane or stack.
_CLASSES = "classes"

_LABELS = ("labels", "threshold", "min_area", "foreground", "boundary", "distance")


class Zoo(Pipeline[ZooOptions]):
    """Run one model on every plane, or on all planes and times that its inputs take at once."""

    name: ClassVar[str] = "model"
    summary: ClassVar[str] = "Runs a model of the BioImage Model Zoo: maps, labels, classes."
    models: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type[Options]] = ZooOptions

    def __init__(self, options: ZooOptions) -> None:
        super().__init__(options)
        self._description: Description = read(options.model)
        described, name = self._description, self._description.name
        wiring = Wiring(described, options.channel)
        self._how = choose(described, {option: getattr(options, option) for option in _LABELS})
        self._sampler = Sampler(
            described,
            wiring,
            rescale=options.rescale,
            pixel_size=options.pixel_size,
            tiled=not self._ready,
        )
        given = options.model_fields_set
        if "rescale" in given and options.rescale and not self._sampler.knows_scale:
            raise OptionError(f"--rescale: model {name} does not say its pixel size; leave it out")
        self._deep = any("Z" in letters(tensor) for tensor in wiring.tensors)
        if "measure" in given and options.measure and not self._counts:
            raise OptionError("--measure: there are no objects to measure; leave it out")
        kinds = {tensor.id: kind(tensor, described) for tensor in described.outputs}
        self._maps = {
            tensor.id: MapOutput.of(tensor, described)
            for tensor in described.outputs
            if kinds[tensor.id] == "map"
        }
        self._scored = [each for each in described.outputs if kinds[each.id] == "classes"]
        arrays = [each for each in described.outputs if kinds[each.id] == "array"]
        names = ends(each for each in described.outputs if kinds[each.id] != "classes")
        self._arrays = {
            each.id: f"{names[each.id]}.{'npz' if is_ragged(each) else 'npy'}" for each in arrays
        }
        # Labels as they come are no map besides.
        kept = [each for each in self._maps if each != self._ready] if options.maps else []
        self._kept = {each: names[each] for each in kept}
        if not (self._kept or self._how or self._scored or self._arrays):
            raise OptionError(f"--no-maps: model {name} gives nothing but maps; leave it out")
        if "maps" in given and options.maps and not self._kept:
            raise OptionError(f"--maps: model {name} gives no maps; leave it out")
        self._network: Network | None = None

    @property
    def needs(self) -> Mapping[str, Description]:
        """See `Pipeline.needs`."""
        return {self._description.name: self._description}

    @property
    def products(self) -> Products:
        """See `Pipeline.products`."""
        return Products(
            labels=self._how is not None,
            maps=tuple(self._kept.values()),
            arrays=tuple(self._arrays.values()),
            tables=(_CLASSES,) if self._scored else (),
        )

    def load(self, models: Models) -> Mapping[str, Runtime]:
        """See `Pipeline.load`."""
        return {self._description.name: self._in(models).runtime}

    def split(self, image: Image) -> Sequence[Part]:
        """Samples; of large ones, tiles, where the outputs can be put together from them."""
        cores = self._sampler.tiles(image)
        parts: list[Part] = []
        for t, z, frames, depth in self._sampler.samples(image):
            known = None
            if len(cores) > 1:
                known = self._sampler.statistics(image, (t, z), (frames, depth))
            for core in cores:
                index = len(parts)
                parts.append(Part(index, t, z, core, None, frames, depth, known))
        return parts

    def process(self, image: Image, part: Part, models: Models) -> Partial:
        """Read and predict one part; label and measure it, where it is a whole sample."""
        watch = Stopwatch()
        grid = self._sampler.grid(image)
        whole = part.core == Box(0, 0, *grid.model_shape)
        area = part.core if whole else self._sampler.area(part.core, grid)
        start, count = (part.t, part.z), (part.frames, part.depth)
        with watch("read"):
            arrays = self._sampler.arrays(image, start, count, area)
        with watch("predict"):
            try:
                found = self._predicted(self._in(models), arrays, area, part)
            except ModelError as error:
                raise ModelError(f"{image.name}: {error}") from error
        for name, array in found.items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                raise InputError(
                    image.name,
                    f"model {self._description.name} gives values for it that are no numbers "
                    f"(output {name} has NaN)",
                    "look at the image for pixels that are far off, or leave it out",
                )
        maps = {name: self._maps[name].image(found[name]) for name in self._maps if name in found}
        if not whole:
            cut = {name: self._core(name, one, part.core, area) for name, one in maps.items()}
            outputs = {"produced": Produced(cut, part.core)}
            box = grid.cell(part.core)
            return Partial(part.index, *start, box, None, 0, {}, watch.seconds, outputs)
        box = Box(0, 0, *image.shape[3:])
        produced = Produced(
            {name: maps[name] for name in self._kept},
            scores=self._scores(found, part),
            arrays={name: found[name] for name in self._arrays},
        )
        labels, objects = None, 0
        if self._how:
            with watch("label"):
                fitted = self._fitted(maps, grid.model_shape, box.shape)
                labels, objects = label(self._how, fitted, deep=self._deep)
            if self._measures:
                with watch("measure"):
                    produced.rows = rows(image, labels, objects, start, box)
        outputs = {"produced": produced}
        return Partial(part.index, *start, box, labels, objects, {}, watch.seconds, outputs)

    def shows(self, image: Image) -> int | None:
        """See `Pipeline.shows`: the first channel that the model is given."""
        channels = self._sampler.channels(image)
        return None if image.rgb and len(channels) > 1 else channels[0]

    def merge(self, image: Image, partials: Iterable[Partial], scratch: Path) -> Result:
        """Put maps together, number the objects through the image, and put their rows together."""
        watch = Stopwatch()
        grid, size = self._sampler.grid(image), self._sampler.pixel_size(image)
        _, _, frames, depth = next(iter(self._sampler.samples(image)))
        volumes = Volumes(image, self._maps, grid, (frames, depth), scratch)
        objects = self._how and Objects(image, self._how, scratch, measured=self._measures)
        scores: list[Scores] = []
        arrays: dict[str, dict[str, NDArray[Any]]] = {end: {} for end in self._arrays.values()}
        tiled = False
        for partial in partials:
            watch.add(partial.seconds)
            with watch("merge"):
                produced: Produced = partial.outputs["produced"]
                tiled = tiled or produced.core is not None
                volumes.take(partial.t, partial.z, produced)
                scores += [produced.scores] if produced.scores else []
                for name, array in produced.arrays.items():
                    arrays[self._arrays[name]][f"t{partial.t}_z{partial.z}"] = array
                if objects and partial.labels is not None:
                    at = (partial.t, partial.z, partial.box)
                    objects.take(*at, partial.labels, partial.count, produced.rows)
        with watch("merge"):
            data = volumes.finished()
        if objects and self._how and tiled:
            with watch("label"):
                self._find(image, objects, data)
        stack, count = objects.finish() if objects else (None, 0)
        table = tables(image, size, objects.rows) if objects and self._measures else None
        scored = {}
        if self._scored:
            scored[_CLASSES] = class_table(image.name, self._scored, scores)
        return Result(
            stack,
            count,
            table,
            self.shows(image),
            size,
            watch.seconds,
            maps={
                end: as_image(image, self._maps[name], data[name], size)
                for name, end in self._kept.items()
            },
            arrays={
                end: found if end.endswith(".npz") else _stacked(list(found.values()))
                for end, found in arrays.items()
            },
            tables=scored,
        )

    def _in(self, models: Models) -> Network:
        """The network, made once for the runtime of these models."""
        runtime = models[self.options.model]
        network = self._network
        if network is None or network.runtime is not runtime:
            network = self._network = Network(self._description, runtime)
        return network

    @property
    def _ready(self) -> str | None:
        """The output that is labels already."""
        return self._how.inside.output if self._how and self._how.method == "instances" else None

    @property
    def _measures(self) -> bool:
        return self.options.measure and self._counts

    @property
    def _counts(self) -> bool:
        """Whether there are objects: classes are none."""
        return self._how is not None and self._how.method != "classes"

    @property
    def _wanted(self) -> list[str]:
        """The outputs that something is made of."""
        used = {*self._kept, *self._arrays, *(each.id for each in self._scored)}
        used |= set(self._how.outputs if self._how else ())
        return [tensor.id for tensor in self._description.outputs if tensor.id in used]

    def _predicted(
        self, network: Network, arrays: dict[str, NDArray[Any]], area: Box, part: Part
    ) -> dict[str, NDArray[Any]]:
        """The finished outputs over ``area``, which is a tile where there are statistics."""
        if part.statistics is not None:
            statistics = self._sampler.of_tile(part.statistics, arrays, area)
            shapes = {name: array.shape for name, array in arrays.items()}
            flat = part.frames * part.depth == 1
            todo = network.blocks(shapes, max(LIMIT, math.prod(area.shape)) if flat else LIMIT)
            done = (network.run(arrays, each, statistics, self._wanted) for each in todo)
            return network.finish(network.together(todo, done), arrays)
        if self._ready and len(network.blocks({n: a.shape for n, a in arrays.items()})) > 1:
            raise ModelError(
                f"is larger than what model {self._description.name} takes at once, and objects "
                f"that it numbers itself (output {self._ready}) cannot be put together; use "
                "--labels none, or smaller images"
            )
        return network.predict(arrays, self._wanted, limit=None if self._ready else LIMIT)

    def _core(self, name: str, maps: NDArray[Any], core: Box, area: Box) -> NDArray[Any]:
        """The share of a tile in ``maps`` (t, c, z, y, x) over ``area``."""
        own, around = self._maps[name].cell(core), self._maps[name].cell(area)
        rows_, columns = own.slices
        return maps[
            ...,
            rows_.start - around.y0 : rows_.stop - around.y0,
            columns.start - around.x0 : columns.stop - around.x0,
        ]

    def _fitted(
        self, maps: Mapping[str, NDArray[Any]], sample: tuple[int, int], shape: tuple[int, int]
    ) -> dict[str, NDArray[Any]]:
        """The maps that labels need, on the image's grid."""
        wanted = self._how.outputs if self._how else ()
        return {name: self._maps[name].over(maps[name], sample, shape) for name in wanted}

    def _find(self, image: Image, objects: Objects, data: Mapping[str, NDArray[Any]]) -> None:
        """Label what came in tiles."""
        times, _, depths, *plane = image.shape
        shape = (plane[0], plane[1])
        for t in range(times):
            if self._deep:
                maps = self._fitted({n: one[t : t + 1] for n, one in data.items()}, shape, shape)
                objects.volume(t, maps)
                continue
            for z in range(depths):
                maps = self._fitted({n: one[t, :, z] for n, one in data.items()}, shape, shape)
                objects.plane(t, z, maps)

    def _scores(self, found: Mapping[str, NDArray[Any]], part: Part) -> Scores | None:
        if not self._scored:
            return None
        values = {each.id: found[each.id].ravel().tolist() for each in self._scored}
        return Scores(part.t, part.z if part.depth == 1 else None, values)


def _stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The arrays of all samples: one as it is, several along a new first axis."""
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)
