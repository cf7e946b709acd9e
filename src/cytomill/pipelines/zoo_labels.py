"""How a model's outputs become labels: chosen by options, or told from their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, OptionError
from ..models.description import Description, Fixed, Tensor
from ..ops.instances import Labels, by_boundary, by_distance, classes, components, numbered
from .zoo_axes import axis_of, letters
from .zoo_outputs import factor, grows, kind

#: ``instances`` takes an output that is labels already as it is.
Method = Literal["components", "boundary", "distance", "classes", "instances"]

#: What a channel shows, by words in its name or, where it is the only one, its output's: the first
#: that fits. A membrane between cells is no background, a distance to a boundary no boundary.
_ROLES = {
    "distance": r"dist",
    "boundary": r"bound|border|edge|contour|outline|membrane",
    "background": r"background|\bbg\b",
    "instances": r"label|instance",
    "foreground": r"foreground|\bfg\b|interior|inside|prob|mask|nucle|cell",
}

#: Operators after which values are probabilities.
_PROBABLE = ("sigmoid", "softmax", "binarize")

#: Options that matter to each method.
_MATTERS = {
    "components": {"threshold", "min_area", "foreground"},
    "boundary": {"threshold", "min_area", "foreground", "boundary"},
    "distance": {"threshold", "min_area", "foreground", "distance"},
    "classes": {"threshold", "foreground"},
    "instances": {"min_area", "foreground"},
    "none": set[str](),
}

_OPTIONS = ("threshold", "min_area", "foreground", "boundary", "distance")

_THRESHOLD, _MIN_AREA = 0.5, 12


@dataclass(frozen=True, slots=True)
class Ref:
    """One channel of an output, or all of them.

    ``full`` is the value that stands for 1, and ``inverse`` is 1 less the values.
    """

    output: str
    channel: int | None = 0
    inverse: bool = False
    full: float = 1.0

    def of(self, maps: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The values (…) in ``maps``, arrays (c, …) by output."""
        values: NDArray[Any] = maps[self.output]
        values = values if self.channel is None else values[self.channel]
        if self.full != 1:
            values = values / np.float32(self.full)
        return 1 - values if self.inverse else values


@dataclass(frozen=True, slots=True)
class Labelling:
    """How labels come from maps: the inside of objects, and what divides them."""

    method: Method
    inside: Ref
    divider: Ref | None = None
    threshold: float = _THRESHOLD
    area: int = _MIN_AREA

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs it needs."""
        refs = [self.inside, *([self.divider] if self.divider else [])]
        return tuple(dict.fromkeys(ref.output for ref in refs))

    def label(self, maps: Mapping[str, NDArray[Any]]) -> Labels:
        """Labels int32 (y, x) or (z, y, x), and their number, of maps with a channel axis first.

        Of classes the number is the largest.
        """
        inside = self.inside.of(maps)
        if self.method == "classes":
            found = classes(inside, self.threshold)
            return found, int(found.max(initial=0))
        if self.method == "instances":
            return numbered(inside, self.area)
        if self.divider is None:
            return components(inside, self.threshold, self.area)
        divide = by_boundary if self.method == "boundary" else by_distance
        return divide(inside, self.divider.of(maps), self.threshold, self.area)


def choose(description: Description, asked: Mapping[str, Any]) -> Labelling | None:
    """How labels come from the outputs of a model; None where there are none.

    ``asked`` are the options ``labels``, ``threshold``, ``min_area``, ``foreground``, ``boundary``
    and ``distance``; None where they were not given. Raises `OptionError` for those that name no
    output, do not fit one another, or would have no effect.
    """
    maps = _Maps(description)
    asked = {name: value for name, value in asked.items() if value not in (None, "auto")}
    if "labels" not in asked:
        asked = {**_told(description), **asked}
    method = asked.get("labels") or next((m for m in ("boundary", "distance") if m in asked), None)
    method = method or ("components" if "foreground" in asked else "auto")
    found = maps.suggestion() if method == "auto" else maps.by(method, asked)
    used = found.method if found else "none"
    matters = _MATTERS[used]
    if found and used == "classes" and not maps.is_single(found.inside):
        matters = matters - {"threshold"}  # the largest is the largest
    for option in _OPTIONS:
        if option in asked and option not in matters:
            flag = f"--{option.replace('_', '-')}"
            if method == "auto":
                raise OptionError(
                    f"{flag}: the outputs of model {description.name} suggest no labels that it "
                    "matters to; choose them with --labels"
                )
            raise OptionError(f"{flag}: has no effect on --labels {used}; leave it out")
    if found is None:
        return None
    return replace(
        found,
        threshold=float(asked.get("threshold", _THRESHOLD)),
        area=int(asked.get("min_area", _MIN_AREA)),
    )


class _Maps:
    """The outputs of a model that labels can come from, and what their channels show."""

    def __init__(self, description: Description) -> None:
        self._name = description.name
        axes = "".join(map(letters, description.inputs))
        self._deep = "Z" in axes
        self._outputs = {
            tensor.id: tensor
            for tensor in description.outputs
            if kind(tensor, description) == "map"
            and all(_is_kept(tensor, letter, letter in axes, description) for letter in "TZ")
        }
        self._roles: dict[str, Ref] = {}
        for ref, name in self._channels():
            role = next((role for role, word in _ROLES.items() if re.search(word, name)), None)
            whole = np.dtype(self._outputs[ref.output].dtype).kind in "ui"
            if role == "instances" and not whole:
                role = "foreground"
            if role:
                self._roles.setdefault(role, ref)

    def suggestion(self) -> Labelling | None:
        """What the names and types of the outputs suggest."""
        if (ready := self._roles.get("instances")) and self._count(ready.output) == 1:
            return Labelling("instances", replace(ready, full=1.0))
        divides: tuple[Method, ...] = ("boundary",) if self._deep else ("boundary", "distance")
        for method in divides:
            divider = self._roles.get(method)
            if divider and (inside := self._inside(divider)):
                return Labelling(method, inside, divider)
        inside = self._roles.get("foreground")
        if inside and self._roles.get("background") and self._count(inside.output) == 2:
            return Labelling("components", inside)
        only = list(self._outputs.values())
        probable = len(only) == 1 and self._count(only[0].id) == 1 and _is_probability(only[0])
        if probable and (inside or not self._roles):
            return Labelling("components", self._ref(only[0].id))
        return None

    def by(self, method: str, asked: Mapping[str, Any]) -> Labelling | None:
        """The labels of a ``method`` that was asked for."""
        if method == "none":
            return None
        if not self._outputs:
            raise OptionError(
                f"--labels {method}: model {self._name} has no output that is an image of the "
                "input's axes; leave it out"
            )
        if method == "distance" and self._deep:
            raise OptionError(
                f"--labels distance: divides planes, and model {self._name} gives volumes; "
                "use components or boundary"
            )
        text = asked.get("foreground")
        if method == "classes":
            return Labelling("classes", self._output(text))
        if method in ("components", "instances"):
            role = "foreground" if method == "components" else "instances"
            inside = self._parsed("foreground", text) if text else self._only(role)
            if inside is None:
                raise self._unknown("foreground")
            if method == "components":
                return Labelling("components", inside)
            return Labelling("instances", replace(inside, full=1.0))
        divides: Method = "boundary" if method == "boundary" else "distance"
        given = asked.get(divides)
        divider = self._parsed(divides, given) if given else self._only(divides)
        if divider is None:
            raise self._unknown(divides)
        inside = self._parsed("foreground", text) if text else self._inside(divider)
        if inside is None:
            raise self._unknown("foreground")
        return Labelling(divides, inside, divider)

    def is_single(self, ref: Ref) -> bool:
        """Whether the output has but one channel."""
        return self._count(ref.output) == 1

    def _inside(self, divider: Ref) -> Ref | None:
        """The foreground beside what divides it: the other channel, where there are two."""
        background = self._roles.get("background")
        inside = self._roles.get("foreground")
        if background and inside and background.output == inside.output == divider.output:
            # Each pixel is of one class: boundaries are not foreground, but belong to objects.
            return self._ref(background.output, background.channel, inverse=True)
        if inside is None and self._count(divider.output) == 2:
            return self._ref(divider.output, 1 - (divider.channel or 0))
        return inside

    def _only(self, role: str) -> Ref | None:
        """The channel of a role, or the only one there is."""
        only = list(self._outputs)
        if len(only) == 1 and self._count(only[0]) == 1:
            return self._ref(only[0])
        return self._roles.get(role)

    def _output(self, text: str | None) -> Ref:
        """All channels of an output, by default of the first."""
        if text is not None and text not in self._outputs:
            raise OptionError(
                f"--foreground {text}: name an output of model {self._name}: "
                f"{', '.join(self._outputs)}"
            )
        return self._ref(text or next(iter(self._outputs)), None)

    def _parsed(self, option: str, text: str) -> Ref:
        """A channel from ``output:channel``, ``output`` or ``channel``: names, numbers from 0."""
        if text in self._outputs and self._count(text) == 1:
            return self._ref(text)
        output, _, channel = text.rpartition(":")
        found = [
            self._ref(name, i)
            for name in ([output] if output else self._outputs)
            if name in self._outputs
            for i in range(self._count(name) or 0)
            if channel in (str(i), *self._names(name)[i : i + 1])
        ]
        if len(found) != 1:
            raise self._unknown(option, f" {text}")
        return found[0]

    def _unknown(self, option: str, given: str = "") -> OptionError:
        known = [
            f"{name}:{channel}" if self._count(name) != 1 else name
            for name in self._outputs
            for channel in (self._names(name) or range(self._count(name) or 1))
        ]
        return OptionError(
            f"--{option}{given}: name a channel of an output of model {self._name}: "
            f"{', '.join(known)}"
        )

    def _channels(self) -> Iterator[tuple[Ref, str]]:
        """Channels that have a name, and the name in lower case."""
        for output in self._outputs:
            names = self._names(output)
            if self._count(output) == 1:
                yield self._ref(output), " ".join([*names, output]).lower()
            else:
                yield from ((self._ref(output, i), name.lower()) for i, name in enumerate(names))

    def _ref(self, output: str, channel: int | None = 0, *, inverse: bool = False) -> Ref:
        """A channel, or all; whole numbers of a declared range are shares of that."""
        tensor = self._outputs[output]
        low, high = tensor.range or (0, 1)
        coded = np.dtype(tensor.dtype).kind in "ui" and low == 0 and 1 < high < float("inf")
        return Ref(output, channel, inverse, float(high) if coded else 1.0)

    def _names(self, output: str) -> tuple[str, ...]:
        axis = axis_of(self._outputs[output], "C")
        return axis.names if axis else ()

    def _count(self, output: str) -> int | None:
        axis = axis_of(self._outputs[output], "C")
        if axis is None:
            return 1
        return axis.size.size if isinstance(axis.size, Fixed) else None


def _is_kept(tensor: Tensor, letter: str, given: bool, description: Description) -> bool:
    """Whether an output has the planes or times of the input, each of them once."""
    if not given or axis_of(tensor, letter) is None:
        return given == (axis_of(tensor, letter) is not None)
    return factor(tensor, letter, description) == 1 and not grows(tensor, letter)


def _is_probability(tensor: Tensor) -> bool:
    return tensor.range == (0, 1) or any(step.operator in _PROBABLE for step in tensor.steps)


def _told(description: Description) -> dict[str, Any]:
    """The options that the package itself gives, in the section ``labels`` of its config."""
    own = description.config.get("cytomill")
    told = own.get("labels") if isinstance(own, Mapping) else None
    if not isinstance(told, Mapping):
        return {}
    known = {"method": "labels", **{name: name for name in _OPTIONS}}
    for name in told:
        if name not in known:
            raise ModelError(
                f"{description.source}: config.cytomill.labels has no {name!r}; its keys are: "
                f"{', '.join(known)}"
            )
    return {known[name]: value for name, value in told.items()}
