"""Blocks: what of a sample a network sees at once, and what of its outputs is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeVar

from ..models.description import Fixed
from .axes import Lattice

T = TypeVar("T")

#: For each axis, the first element of a window and how many it has.
Window = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One run of a network.

    ``windows`` are the parts of the inputs that it sees; they may reach beyond the sample's end,
    where it is padded. ``cores`` are the elements of the sample's outputs that the block gives,
    ``slice(None)`` where that is all of an axis; ``origins`` are where the network's outputs begin
    in those of the sample. The cores of all blocks cover an output once. Where an output has
    nothing of a direction in which the sample is cut, as classes have nothing of space, several
    blocks give the same elements: they are the mean of those, weighted with ``shares``.
    """

    windows: Mapping[str, Window]
    cores: Mapping[str, tuple[slice, ...]]
    origins: Mapping[str, tuple[int, ...]]
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cut:
    """A lattice cut into windows of ``window`` elements from ``starts`` on."""

    lattice: Lattice
    window: int
    starts: Sequence[int]


def cut(lattices: Sequence[Lattice], limit: int | None) -> list[Cut]:
    """Windows for every lattice: the whole of it, or parts where the network takes no more.

    No more than ``limit`` elements together, where the network can do with so few.
    """
    wholes = [lattice.whole for lattice in lattices]
    if limit is not None and math.prod(wholes) > limit:
        edge = _edge(lattices, wholes, limit)
        wholes = [_evened(*pair, edge) for pair in zip(lattices, wholes, strict=True)]
    return [
        Cut(lattice, window, lattice.starts(window))
        for lattice, window in zip(lattices, wholes, strict=True)
    ]


def _edge(lattices: Sequence[Lattice], wholes: Sequence[int], limit: int) -> int:
    """The length to which windows are to be cut so that ``limit`` is kept."""
    fixed = [isinstance(lattice.size, Fixed) for lattice in lattices]
    low, high = 1, max(wholes)
    while low < high:
        edge = (low + high + 1) // 2
        together = math.prod(
            whole if stays else min(whole, edge) for whole, stays in zip(wholes, fixed, strict=True)
        )
        low, high = (edge, high) if together <= limit else (low, edge - 1)
    return low


def _evened(lattice: Lattice, whole: int, edge: int) -> int:
    """A length of at most ``edge`` with which as many windows cover the lattice, none to spare."""
    window = lattice.window(edge)
    overlap, step = lattice.overlap(window), lattice.last(window)
    if window < overlap + step:  # too short to be of use
        window = lattice.window(2 * overlap + step, up=True)
    if window >= whole:
        return whole
    count = -(-(lattice.extent - overlap) // (window - overlap))
    share = -(-(lattice.extent - overlap) // count)
    cell = lattice.cell(window)
    return min(window, lattice.window(-(-share // cell) * cell + overlap, up=True))


def blocks(
    cuts: Sequence[Cut], sizes: Mapping[str, Sequence[int]], ranks: Mapping[str, int]
) -> list[Block]:
    """The blocks of one sample with inputs of ``sizes``, in order; ``ranks`` are the outputs'.

    Axes that are on no lattice are taken whole.
    """
    found = []
    for numbers in product(*(range(len(one.starts)) for one in cuts)):
        windows = {name: [(0, size) for size in shape] for name, shape in sizes.items()}
        cores = {name: [slice(None)] * rank for name, rank in ranks.items()}
        origins = {name: [0] * rank for name, rank in ranks.items()}
        shares = dict.fromkeys(ranks, 1.0)
        for one, number in zip(cuts, numbers, strict=True):
            lattice = one.lattice
            for link in lattice.inputs:
                start = link.start(one.starts[number])
                windows[link.tensor][link.place] = (start, link.size(one.window))
            for link in lattice.outputs:
                starts = [link.start(start) for start in one.starts]
                extent = max(1, link.size(lattice.extent))
                bounds = _bounds(starts, link.size(one.window), extent)
                cores[link.tensor][link.place] = slice(bounds[number], bounds[number + 1])
                origins[link.tensor][link.place] = starts[number]
            bounds = _bounds(one.starts, one.window, lattice.extent)
            share = (bounds[number + 1] - bounds[number]) / lattice.extent
            for name in shares.keys() - {link.tensor for link in lattice.outputs}:
                shares[name] *= share
        found.append(
            Block(
                {name: tuple(window) for name, window in windows.items()},
                {name: tuple(core) for name, core in cores.items()},
                {name: tuple(origin) for name, origin in origins.items()},
                shares,
            )
        )
    return found


def of_batch(
    block: Block, inputs: Mapping[str, int], outputs: Mapping[str, int], samples: range, size: int
) -> Block:
    """The block for the ``samples`` of a batch, of which the network takes ``size`` at once.

    ``inputs`` and ``outputs`` say where tensors have their batch axis.
    """
    windows, cores, origins = dict(block.windows), dict(block.cores), dict(block.origins)
    for name, place in inputs.items():
        windows[name] = _with(windows[name], place, (samples.start, size))
    for name, place in outputs.items():
        cores[name] = _with(cores[name], place, slice(samples.start, samples.stop))
        origins[name] = _with(origins[name], place, samples.start)
    return Block(windows, cores, origins, block.shares)


def _with(values: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _bounds(starts: Sequence[int], window: int, extent: int) -> list[int]:
    """Cuts in the middle of where neighbouring windows overlap."""
    inner = [(start + window + after) // 2 for start, after in pairwise(starts)]
    return [0, *(min(bound, extent) for bound in inner), extent]
