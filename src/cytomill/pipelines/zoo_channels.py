"""Which channels of an image go into which tensor of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import InputError, ModelError, OptionError
from ..image.core import Image
from ..models.description import Description, Fixed, Tensor
from .zoo_axes import axis_of, letters

#: A channel's number; None is the brightest of a colour picture's three.
Channel = int | None

#: The channels of each tensor that is given.
Channels = Mapping[str, tuple[Channel, ...]]


def count(tensor: Tensor) -> int | None:
    """How many channels ``tensor`` takes; None where their number is open."""
    axis = axis_of(tensor, "C")
    if axis is None:
        return 1
    return axis.size.size if isinstance(axis.size, Fixed) else None


class Wiring:
    """The option ``--channel`` for the inputs of one model.

    It is a list of channels, ``0,2,1``, or one for each input, ``raw=DAPI,mask=1``. Raises
    `OptionError` where it does not fit the model, and `ModelError` for a model that needs more than
    images.
    """

    def __init__(self, description: Description, channel: str | None = None) -> None:
        self._name = description.name
        tensors = {tensor.id: tensor for tensor in description.inputs}
        mapped = channel is not None and "=" in channel
        self._asked = _parsed(channel or "", tensors) if mapped else None
        self._channel = None if mapped else channel
        #: The inputs that are given.
        self.tensors = tuple(
            tensor
            for tensor in description.inputs
            if (tensor.id in self._asked if self._asked is not None else not tensor.optional)
        )
        self._check(description)

    def _check(self, description: Description) -> None:
        if self._channel is not None and len(self.tensors) != 1:
            names = ", ".join(tensor.id for tensor in self.tensors)
            raise OptionError(
                f"--channel {self._channel}: model {self._name} has several inputs ({names}); "
                f"say which is for which, such as --channel {self._example()}"
            )
        for tensor in description.inputs:
            if tensor not in self.tensors and not tensor.optional:
                raise OptionError(
                    f"--channel: lacks the input {tensor.id} of model {self._name}; "
                    f"add {tensor.id}=CHANNEL"
                )
        for tensor in self.tensors:
            if not {"Y", "X"} <= set(letters(tensor)) or "I" in letters(tensor):
                axes = ", ".join(axis.id for axis in tensor.axes)
                raise ModelError(
                    f"{self._name}: its input {tensor.id} is no image (its axes are {axes}); "
                    "it cannot be run on images alone"
                )

    def of(self, image: Image) -> Channels:
        """The channels of ``image`` for each input. Raises `InputError` where they do not fit."""
        if self._asked is not None:
            return {
                tensor.id: self._counted(image, tensor, self._asked[tensor.id])
                for tensor in self.tensors
            }
        if len(self.tensors) == 1:
            (tensor,) = self.tensors
            if self._channel is not None:
                names = _split(self._channel, image)
                return {tensor.id: self._counted(image, tensor, names)}
            return {tensor.id: self._default(image, tensor)}
        return self._in_order(image)

    def _counted(self, image: Image, tensor: Tensor, names: Sequence[str]) -> tuple[Channel, ...]:
        found = tuple(image.channel(name) for name in names)
        wanted = count(tensor)
        if wanted not in (None, len(found)):
            raise InputError(
                image.name,
                f"input {tensor.id} of model {self._name} takes {_channels(wanted)}, and --channel "
                f"gives {len(found)}",
                f"give {wanted}",
            )
        return found

    def _default(self, image: Image, tensor: Tensor) -> tuple[Channel, ...]:
        """By name, else all where their number fits; a single one as other pipelines choose it."""
        wanted = count(tensor)
        if (named := _named(image, tensor)) is not None:
            return named
        if wanted in (None, image.shape[1]):
            return tuple(range(image.shape[1]))
        if wanted == 1:
            return (None,) if image.rgb else (image.channel(None),)
        raise InputError(
            image.name,
            f"has {_channels(image.shape[1])}, and model {self._name} takes {_told(tensor)}",
            f"choose {wanted} with --channel, such as "
            f"--channel {','.join(str(min(i, image.shape[1] - 1)) for i in range(wanted or 1))}",
        )

    def _in_order(self, image: Image) -> Channels:
        """The channels of several inputs: by name, else in order where their number fits."""
        named = {tensor.id: _named(image, tensor) for tensor in self.tensors}
        if all(found is not None for found in named.values()):
            return {name: found for name, found in named.items() if found is not None}
        counts = [count(tensor) for tensor in self.tensors]
        if None in counts or sum(n or 0 for n in counts) != image.shape[1]:
            takes = ", ".join(f"{tensor.id} {_told(tensor)}" for tensor in self.tensors)
            raise InputError(
                image.name,
                f"has {_channels(image.shape[1])}, and the inputs of model {self._name} take: "
                f"{takes}",
                f"say which, such as --channel {self._example()}",
            )
        first, found = 0, {}
        for tensor, number in zip(self.tensors, counts, strict=True):
            found[tensor.id] = tuple(range(first, first + (number or 0)))
            first += number or 0
        return found

    def _example(self) -> str:
        return ",".join(f"{tensor.id}={i}" for i, tensor in enumerate(self.tensors))


def _parsed(text: str, tensors: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Channels by input from ``raw=DAPI,mask=1``; of several channels ``raw=0,2,mask=1``."""
    found: dict[str, list[str]] = {}
    last = ""
    for item in text.split(","):
        name, equals, channel = (part.strip() for part in item.partition("="))
        if equals:
            if name not in tensors:
                raise OptionError(
                    f"--channel {text}: there is no input {name!r}; the inputs are: "
                    f"{', '.join(tensors)}"
                )
            if name in found:
                raise OptionError(f"--channel {text}: names the input {name} twice")
            last = name
        else:
            channel = name
        if not last or not channel:
            raise OptionError(f"--channel {text}: must be like {next(iter(tensors))}=0")
        found.setdefault(last, []).append(channel)
    return found


def _split(text: str, image: Image) -> list[str]:
    """Channels from ``0,2,1``; a channel's name may have commas itself."""
    if text.lower() in (name.lower() for name in image.channels):
        return [text]
    return [part.strip() for part in text.split(",")]


def _named(image: Image, tensor: Tensor) -> tuple[Channel, ...] | None:
    """The channels whose names are those of the tensor's channels, or of the tensor itself."""
    axis = axis_of(tensor, "C")
    wanted = axis.names if axis and axis.names else (tensor.id,) if count(tensor) == 1 else ()
    have = [name.lower() for name in image.channels]
    if not wanted or not all(name.lower() in have for name in wanted):
        return None
    return tuple(have.index(name.lower()) for name in wanted)


def _channels(number: int | None) -> str:
    return "1 channel" if number == 1 else f"{number} channels"


def _told(tensor: Tensor) -> str:
    axis = axis_of(tensor, "C")
    names = f" ({', '.join(axis.names)})" if axis and axis.names else ""
    number = count(tensor)
    return ("any number of channels" if number is None else _channels(number)) + names
