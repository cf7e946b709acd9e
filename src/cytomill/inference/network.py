"""A described network on samples of any size: padded, cut into blocks, and put together again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..models.description import Description, Fixed, Open, Tensor
from ..models.processing import Chain, Measurements, Named
from ..models.processing.operator import cast
from ..models.sizes import told
from ..settings import settings
from .axes import lattices
from .blocks import Block, Cut, blocks, cut, of_batch
from .runtime import Runtime, Tensors
from .sample import batch_size, batches, check_shapes, check_values, fixed_sizes, matched, padded
from .stop import Stop

#: Elements of space that a network sees at once where it leaves the choice: its memory follows.
LIMIT = settings.tile**2

#: Elements that are post-processed at a time.
_SLAB = 2**20

#: What comes of a block or a sample, by the ids of the outputs.
Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What pre-processing must know of a whole sample, for each input."""

    inputs: Mapping[str, Measurements]


class Network:
    """The network of ``description`` in ``runtime``.

    Samples are arrays by the ids of the description's inputs, with exactly its axes, of any size of
    1 or more along the batch, space and time, and of any real data type whose values the input's
    own can hold. Outputs come by their ids, post-processed, in their declared data types; each is
    as large as the description says for a sample of that size, whatever the network's own sizes.

    ``threads`` blocks of a sample are computed at once. Safe to use from several threads. Raises
    `ModelError` for a description and a network that do not fit each other.
    """

    def __init__(self, description: Description, runtime: Runtime, threads: int = 1) -> None:
        self.description, self.runtime, self.threads = description, runtime, threads
        inputs, outputs, name = description.inputs, description.outputs, runtime.name
        self._pre = {tensor.id: Chain.of(tensor) for tensor in inputs}
        self._post = {tensor.id: Chain.of(tensor) for tensor in outputs}
        self._inputs = matched(name, inputs, runtime.inputs)
        self._outputs = matched(name, outputs, runtime.outputs)
        self._fixed = fixed_sizes(name, inputs, self._inputs)
        self._batch = batch_size(inputs, self._fixed)

    def predict(
        self,
        inputs: Tensors,
        outputs: Sequence[str] | None = None,
        *,
        limit: int | None = LIMIT,
        stop: Stop | None = None,
    ) -> Outputs:
        """Those ``outputs`` of a sample, by default all.

        A network that takes any size sees at most about ``limit`` elements of space at once.
        Raises `ModelError` for inputs that do not fit, `Interrupted` once ``stop`` is set.
        """
        wanted = self._wanted(outputs)
        statistics = self.statistics(inputs)
        todo = self.blocks({name: array.shape for name, array in inputs.items()}, limit)
        named = {name for one in wanted for name in self._post[one].references}
        needed = [name for name in self._outputs if name in wanted or name in named]

        def compute(block: Block) -> Outputs:
            return self.run(inputs, block, statistics, needed, stop)

        if len(todo) == 1 or self.threads == 1:
            made = self.together(todo, map(compute, todo))
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                made = self.together(todo, _ahead(pool, compute, todo, self.threads + 1))
        finished = self.finish(made, inputs)
        return {name: finished[name] for name in wanted}

    def statistics(self, inputs: Tensors) -> Statistics:
        """What `run` must know of a whole sample."""
        self._check({name: array.shape for name, array in inputs.items()})
        for tensor in self.description.inputs:
            if tensor.id in inputs:
                check_values(self.runtime.name, tensor, inputs[tensor.id])
        named = _named(self.description.inputs, inputs)
        return Statistics(
            {name: self._pre[name].measure(array, named) for name, array in inputs.items()}
        )

    def blocks(self, shapes: Mapping[str, Sequence[int]], limit: int | None = None) -> list[Block]:
        """How a sample of those ``shapes`` is cut: the fewest blocks that the network takes.

        With a ``limit``, blocks see at most about so many elements of space where the network's
        sizes allow it. Raises `ModelError` for shapes that do not fit, and where a sample must be
        cut though an output cannot be put together.
        """
        self._check(shapes)
        inputs, outputs = self.description.inputs, self.description.outputs
        found = lattices(inputs, outputs, self._fixed, shapes)
        cuts = cut(found, limit)
        if self._fault(cuts):
            cuts = cut(found, None)  # large, but what else is there
            if fault := self._fault(cuts):
                raise self._error(fault)
        once = blocks(cuts, shapes, {tensor.id: len(tensor.axes) for tensor in outputs})
        ways = {name: place for name, place in batches(inputs).items() if name in shapes}
        if not ways:
            return once
        count = max(shapes[name][place] for name, place in ways.items())
        if count > 1 and len(batches(outputs)) < len(outputs):
            raise self._error("takes one sample at a time, for an output has no batch axis")
        numbers, size = range(count), self._batch
        return [
            of_batch(block, ways, batches(outputs), numbers[i : i + size], size)
            for i in range(0, count, size)
            for block in once
        ]

    def run(
        self,
        inputs: Tensors,
        block: Block,
        statistics: Statistics,
        outputs: Sequence[str] | None = None,
        stop: Stop | None = None,
    ) -> Outputs:
        """What ``block`` gives of the ``outputs``, by default all, before post-processing."""
        given = {
            self._inputs[tensor.id].name: self._window(tensor, inputs[tensor.id], block, statistics)
            for tensor in self.description.inputs
            if tensor.id in inputs
        }
        names = {name: self._outputs[name].name for name in self._wanted(outputs)}
        found = self.runtime.infer(given, list(names.values()), stop)
        return {name: self._core(found[own], name, block) for name, own in names.items()}

    def together(self, todo: Sequence[Block], results: Iterable[Outputs]) -> Outputs:
        """The outputs of a sample from those of all its blocks, in the order of the blocks."""
        made: Outputs = {}
        dtypes: dict[str, np.dtype[Any]] = {}
        for block, result in zip(todo, results, strict=True):
            if len(todo) == 1:
                return result
            for name, found in result.items():
                core, share = block.cores[name], block.shares[name]
                if share < 1 and found.dtype.kind != "f":
                    raise self._error(
                        f"output {name!r} is of {found.dtype}, which has no mean over tiles; only "
                        "a sample that the network takes whole can be predicted"
                    )
                if name not in made:
                    ends = zip(todo[-1].cores[name], found.shape, strict=True)
                    shape = [size if own.stop is None else own.stop for own, size in ends]
                    made[name] = np.zeros(shape, found.dtype if share == 1 else np.float64)
                    dtypes[name] = found.dtype
                made[name][core] += found if share == 1 else found * share
        return {name: array.astype(dtypes[name], copy=False) for name, array in made.items()}

    def finish(self, outputs: Tensors, inputs: Tensors) -> Outputs:
        """Post-process whole ``outputs``, with the statistics of all of each."""
        named = _named(self.description.inputs, inputs) | _named(self.description.outputs, outputs)
        return {name: self._finished(name, array, named) for name, array in outputs.items()}

    def _finished(self, name: str, array: NDArray[Any], named: Mapping[str, Named]) -> NDArray[Any]:
        """One output in slabs, so that what lies between the steps stays small."""
        chain, tensor = self._post[name], self._tensor(name)
        measured = chain.measure(array, named)
        if not chain.operators:
            return cast(array, tensor.dtype)
        free = [i for i, axis in enumerate(tensor.axes) if axis.id not in chain.lines]
        longest = max(free, key=lambda i: array.shape[i], default=None)
        if longest is None or array.size <= _SLAB:
            return cast(chain.apply(array, measured), tensor.dtype)
        done = np.empty(array.shape, tensor.dtype)
        extent = array.shape[longest]
        step = max(1, _SLAB * extent // array.size)
        for start in range(0, extent, step):
            at = (slice(None),) * longest + (slice(start, start + step),)
            origin = [start if i == longest else 0 for i in range(array.ndim)]
            done[at] = cast(chain.apply(array[at], measured, origin), tensor.dtype)
        return done

    def _window(
        self, tensor: Tensor, array: NDArray[Any], block: Block, statistics: Statistics
    ) -> NDArray[Any]:
        """What the network sees of an input."""
        window = block.windows[tensor.id]
        seen = array[tuple(slice(start, start + size) for start, size in window)]
        lacking = [size - own for (_, size), own in zip(window, seen.shape, strict=True)]
        if any(lacking):
            seen = padded(seen, lacking, tensor)
        origin = [start for start, _ in window]
        made = self._pre[tensor.id].apply(seen, statistics.inputs[tensor.id], origin)
        return cast(made, self._inputs[tensor.id].dtype)

    def _core(self, found: NDArray[Any], name: str, block: Block) -> NDArray[Any]:
        """What is kept of an output of the network."""
        core, axes = block.cores[name], self._tensor(name).axes
        if found.ndim != len(core):
            raise self._error(
                f"output {name!r} has {found.ndim} axes, its description says "
                f"{', '.join(axis.id for axis in axes)}"
            )
        kept = []
        places = zip(axes, core, block.origins[name], found.shape, strict=True)
        for axis, own, origin, size in places:
            part = (
                slice(0, size) if own.stop is None else slice(own.start - origin, own.stop - origin)
            )
            if part.stop > size:
                raise self._error(
                    f"output {name!r} has {size} elements along {axis.id}, its description says "
                    f"{told(axis.size)}"
                )
            kept.append(part)
        return found[tuple(kept)]

    def _check(self, shapes: Mapping[str, Sequence[int]]) -> None:
        check_shapes(self.runtime.name, self.description.inputs, self._inputs, shapes)

    def _fault(self, cuts: Sequence[Cut]) -> str | None:
        """Why the sample cannot be cut so: it would change what comes out."""
        for lattice in (one.lattice for one in cuts if len(one.starts) > 1):
            fault = f"takes no more than {lattice.most} elements along {lattice.axis}, and"
            for tensor in self.description.inputs:
                if lattice.axis in self._pre[tensor.id].lines:
                    return f"{fault} the softmax of {tensor.id!r} must have all of them"
            cut_too = {link.tensor for link in lattice.outputs}
            for tensor in self.description.outputs:
                axis = tensor.axis(lattice.axis)
                pooled = axis is None or axis.size == Fixed(1)
                grows = any(isinstance(a.size, Open) and a.kind != "batch" for a in tensor.axes)
                if grows or not (pooled or tensor.id in cut_too):
                    return f"{fault} the output {tensor.id!r} cannot be put together from tiles"
        return None

    def _wanted(self, outputs: Sequence[str] | None) -> Sequence[str]:
        for name in outputs or ():
            if name not in self._outputs:
                known = ", ".join(self._outputs)
                raise self._error(f"has no output {name!r}; its outputs are: {known}")
        return list(self._outputs) if outputs is None else outputs

    def _tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.description.outputs if tensor.id == name)

    def _error(self, fault: str) -> ModelError:
        return ModelError(f"{self.runtime.name}: {fault}")


def _named(tensors: Sequence[Tensor], arrays: Tensors) -> dict[str, Named]:
    return {
        tensor.id: Named(arrays[tensor.id], tuple(axis.id for axis in tensor.axes))
        for tensor in tensors
        if tensor.id in arrays
    }


def _ahead(
    pool: ThreadPoolExecutor,
    compute: Callable[[Block], Outputs],
    todo: Sequence[Block],
    count: int,
) -> Iterator[Outputs]:
    """The results of ``compute`` in order, with at most ``count`` under way or waiting."""
    waiting: deque[Future[Outputs]] = deque()
    try:
        for block in todo:
            if len(waiting) == count:
                yield waiting.popleft().result()
            waiting.append(pool.submit(compute, block))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
