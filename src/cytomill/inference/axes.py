"""Axes that are cut together, because the sizes of the others follow that of one.

A *lattice* is one direction of a sample: the axes of inputs and outputs that run along it, and how
many elements a network takes of it at once. Lengths on a lattice count elements of its first axis;
an axis that follows it has ``factor`` times as many and ``offset`` more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..errors import ModelError
from ..models.description import Axis, Fixed, Open, Relative, Stepped, Tensor
from ..models.sizes import at_least, told

#: A tensor and an axis of it.
Place = tuple[str, str]

#: A factor is taken to be a fraction with a denominator up to this: scales are decimal numbers.
_DENOMINATOR = 1000

#: Tiles of a fixed size begin at multiples of this where they can: networks halve their input up
#: to five times, and see the same thing only where a tile is shifted by a whole number of cells.
_CELL = 32

#: The last tile of a fixed size is shifted by multiples of this, and the sample padded for it by
#: less: a network that halves its input up to four times then sees what it saw in the other tiles.
_FINE = 16

#: Such cells in a window, at least: no more than that share of it is lost to keeping to them.
_CELLS = 16


@dataclass(frozen=True, slots=True)
class Link:
    """How an axis follows its lattice: ``place`` is its index in the tensor ``tensor``."""

    tensor: str
    place: int
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    halo: int = 0

    def size(self, length: int) -> int:
        """Elements for ``length`` elements of the lattice, rounded down."""
        return math.floor(self.factor * length + self.offset + Fraction(1, 10**6))

    def start(self, length: int) -> int:
        """The element at which a window begins that begins at ``length`` of the lattice."""
        return round(self.factor * length)

    def length(self, size: int) -> int:
        """Elements of the lattice that give at least ``size`` elements."""
        return max(1, math.ceil((size - self.offset) / self.factor))


@dataclass(frozen=True, slots=True)
class Lattice:
    """Axes that are cut together: ``extent`` elements, of which a network takes ``size``."""

    axis: str
    size: Fixed | Stepped | Open
    extent: int
    inputs: tuple[Link, ...]
    outputs: tuple[Link, ...] = ()

    @property
    def whole(self) -> int:
        """The length of the window that holds all of it; the largest there is if none does."""
        wanted = max(link.length(link.size(self.extent)) for link in self.inputs)
        wanted = max(wanted, self.extent)
        return at_least(self.size, wanted) or self.most

    @property
    def most(self) -> int:
        """The length of the longest window, for sizes that have one."""
        match self.size:
            case Fixed(size):
                return size
            case Open(_, int(most)):
                return most
        return self.extent

    def window(self, wanted: int, *, up: bool = False) -> int:
        """The longest window of at most ``wanted`` elements, or the shortest of at least so many.

        The shortest there is where all are longer.
        """
        match self.size:
            case Stepped(least, step):
                more = wanted - least + (step - 1 if up else 0)
                return least + max(0, more // step) * step
            case Open(least, _):
                unit = math.lcm(
                    *(link.factor.denominator for link in (*self.inputs, *self.outputs))
                )
                even = -(-wanted // unit) if up else wanted // unit
                return max(least, even * unit, unit)
        return self.size.size

    def unit(self, window: int) -> int:
        """Windows begin at multiples of it: there all tensors have an element."""
        found = math.lcm(*(link.factor.denominator for link in (*self.inputs, *self.outputs)))
        return found if found <= max(1, window // 4) else 1

    def overlap(self, window: int) -> int:
        """Elements that neighbouring windows must share for their outputs to meet.

        That is twice the halo of the outputs, or a quarter of the window where none has one, and
        what an output lacks of its window.
        """
        found, declared = 0, False
        for link in self.outputs:
            lost = 2 * link.halo - min(link.offset, Fraction(0))
            found = max(found, math.ceil(lost / link.factor))
            declared = declared or link.halo > 0 or link.offset < 0
        return found if declared or not self.outputs else 2 * (window // 8)

    def cell(self, window: int) -> int:
        """What windows of that length are best shifted by multiples of."""
        coarse = math.gcd(window, _CELL)
        while coarse * _CELLS > window:  # rounding down to it would waste too much of a window
            coarse //= 2
        return math.lcm(self.last(window), coarse or 1)

    def last(self, window: int) -> int:
        """What the last window must be shifted by a multiple of."""
        unit = self.unit(window)
        step = unit
        if isinstance(self.size, Stepped):
            step = math.lcm(unit, self.size.step)
        elif isinstance(self.size, Fixed) and window >= _FINE * _CELLS:
            step = math.lcm(unit, math.gcd(window, _FINE))
        return step if step <= window else unit

    def starts(self, window: int) -> list[int]:
        """Where windows of that length begin: inside the extent, as far as it reaches.

        The last is shifted inwards. Where lengths come in steps, so do starts, as if the sample
        had first been padded to a length that the network takes; starts of a fixed length come in
        steps of a few elements.
        """
        cell, last = self.cell(window), self.last(window)
        end = -(-(self.extent - window) // last) * last
        if end <= 0:
            return [0]
        free = window - self.overlap(window)
        step = free // cell * cell or free // last * last
        if step <= 0:  # a halo that leaves nothing of a window cannot be kept
            step = max(1, window // 2 // last) * last
        return [*range(0, end, step), end]


def lattices(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    fixed: Mapping[Place, int],
    shapes: Mapping[str, Sequence[int]],
) -> tuple[Lattice, ...]:
    """The lattices of a sample whose inputs have those ``shapes``: its space and its time.

    ``fixed`` are sizes that the weights insist on, whatever the description says. Inputs with an
    axis of the same id are cut together where their sizes are as those of their windows. Raises
    `ModelError` for sizes that do not follow one another as described.
    """
    found = _Lattices([*inputs, *outputs], fixed)
    given = [
        (tensor, place, shapes[tensor.id][place])
        for tensor in inputs
        for place in _cuttable(tensor)
        if tensor.id in shapes
    ]
    followers = [each for each in given if isinstance(each[0].axes[each[1]].size, Relative)]
    for each in given:
        if each not in followers:
            found.add_input(*each)
    for each in followers:
        found.add_follower(*each)
    for tensor in outputs:
        for place in _cuttable(tensor):
            found.add_output(tensor, place)
    return tuple(found.lattices)


def _cuttable(tensor: Tensor) -> list[int]:
    """Where the axes of space and time are."""
    return [i for i, axis in enumerate(tensor.axes) if axis.kind in ("space", "time")]


class _Lattices:
    """Lattices under construction: inputs first, then inputs that follow them, then outputs."""

    def __init__(self, tensors: Sequence[Tensor], fixed: Mapping[Place, int]) -> None:
        self.lattices: list[Lattice] = []
        self._axes = {(tensor.id, axis.id): axis for tensor in tensors for axis in tensor.axes}
        self._fixed = fixed
        self._at: dict[Place, tuple[int, Link]] = {}

    def add_input(self, tensor: Tensor, place: int, extent: int) -> None:
        """An input's axis with a size of its own: a lattice, or along one that is there."""
        axis = tensor.axes[place]
        size = self._size(tensor.id, axis)
        own = Lattice(axis.id, size, extent, (Link(tensor.id, place),))
        for number, other in enumerate(self.lattices):
            link = _beside(own, other)
            if link is not None:
                self._link(tensor.id, axis, number, link)
                return
        self._at[tensor.id, axis.id] = len(self.lattices), own.inputs[0]
        self.lattices.append(own)

    def add_follower(self, tensor: Tensor, place: int, extent: int) -> None:
        """An input's axis whose size follows another's."""
        axis = tensor.axes[place]
        number, link = self._followed(tensor.id, axis, place)
        lattice = self.lattices[number]
        expected = link.size(lattice.extent)
        # Odd sizes may have been halved either way.
        if extent not in (max(1, expected), expected + (link.factor.denominator > 1)):
            raise ModelError(
                f"input {tensor.id}: has {extent} elements along {axis.id}; must have {expected}, "
                f"{told(axis.size)}"
            )
        if (tensor.id, axis.id) in self._fixed:
            size = Fixed(link.length(self._fixed[tensor.id, axis.id]))
            self.lattices[number] = replace(lattice, size=size)
        self._link(tensor.id, axis, number, link)

    def add_output(self, tensor: Tensor, place: int) -> None:
        """An output's axis, if it runs along a lattice."""
        axis = tensor.axes[place]
        if isinstance(axis.size, Relative):
            number, link = self._followed(tensor.id, axis, place)
        else:
            number = next((i for i, one in enumerate(self.lattices) if one.axis == axis.id), -1)
            guess = _alike(axis, self.lattices[number]) if number >= 0 else None
            if guess is None:
                return
            link = Link(tensor.id, place, *guess, axis.halo)
        lattice = self.lattices[number]
        self.lattices[number] = replace(lattice, outputs=(*lattice.outputs, link))

    def _link(self, tensor: str, axis: Axis, number: int, link: Link) -> None:
        lattice = self.lattices[number]
        self.lattices[number] = replace(lattice, inputs=(*lattice.inputs, link))
        self._at[tensor, axis.id] = number, link

    def _size(self, tensor: str, axis: Axis) -> Fixed | Stepped | Open:
        """The size of an input's axis as both the description and the weights have it."""
        assert not isinstance(axis.size, Relative)
        size = self._fixed.get((tensor, axis.id))
        if size is None:
            return axis.size
        if at_least(axis.size, size) != size:
            raise ModelError(
                f"axis {axis.id} of {tensor}: its description says {told(axis.size)}, the weights "
                f"take {size}"
            )
        return Fixed(size)

    def _followed(self, tensor: str, axis: Axis, place: int) -> tuple[int, Link]:
        """The lattice that an axis of relative size belongs to, and how it follows it."""
        factor, offset, size = Fraction(1), Fraction(0), axis.size
        while isinstance(size, Relative):
            offset += factor * Fraction(size.offset).limit_denominator(_DENOMINATOR)
            factor *= Fraction(size.factor).limit_denominator(_DENOMINATOR)
            aim = (size.tensor, size.axis)
            if aim in self._at:
                number, link = self._at[aim]
                offset += factor * link.offset
                return number, Link(tensor, place, factor * link.factor, offset, axis.halo)
            size = self._axes[aim].size
        raise ModelError(f"axis {axis.id} of {tensor}: is {told(axis.size)}, which was not given")


def _beside(own: Lattice, other: Lattice) -> Link | None:
    """How ``own`` follows ``other``, which has the same direction; None where it does not."""
    if own.axis != other.axis:
        return None
    factor = Fraction(1)
    if isinstance(own.size, Fixed) and isinstance(other.size, Fixed):
        factor = Fraction(own.size.size, other.size.size)
    elif own.size != other.size:
        return None
    link = replace(own.inputs[0], factor=factor)
    return link if own.extent == max(1, link.size(other.extent)) else None


def _alike(axis: Axis, lattice: Lattice) -> tuple[Fraction, Fraction] | None:
    """Factor and offset of an output's axis of fixed size along the lattice of the same id.

    An output of one element is taken to speak of the whole window; one that is a whole number of
    times as large or as small, to be of another scale; any other, to lack or exceed it at its ends.
    """
    if not isinstance(axis.size, Fixed) or not isinstance(lattice.size, Fixed):
        return None
    size, window = axis.size.size, lattice.size.size
    if size == 1 < window:
        return None
    factor = Fraction(size, window)
    if 1 in (factor.numerator, factor.denominator):
        return factor, Fraction(0)
    return Fraction(1), Fraction(size - window)
