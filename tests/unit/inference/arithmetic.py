"""Networks that compute something known, and descriptions of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cytomill.inference.network import Network
from cytomill.inference.runtime import Port, Runtime
from cytomill.models.description import Axis, Description, Fixed, Open, Relative, Tensor
from cytomill.models.weights import Weights

KINDS = {"b": "batch", "c": "channel", "t": "time", "i": "index", "z": "space"}
NAMES = {"b": "batch", "c": "channel", "t": "time", "i": "index"}


class Arithmetic(Runtime):
    """A function of arrays; remembers the shapes that it was given."""

    device = "cpu (NumPy)"

    def __init__(self, function, inputs, outputs):
        self.name, self.weights = "arithmetic", Weights(Path("none"), None)
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.function, self.seen = function, []

    def infer(self, tensors, outputs=None, stop=None):
        wanted = self.checked(tensors, outputs)
        self.seen.append({name: array.shape for name, array in tensors.items()})
        found = self.function(*(tensors.get(port.name) for port in self.inputs))
        found = found if isinstance(found, tuple) else (found,)
        named = dict(zip((port.name for port in self.outputs), found, strict=True))
        return {name: named[name] for name in wanted}


def tensor(name, axes, sizes=None, halo=0, dtype="float32", **more):
    """``axes`` are letters; ``sizes`` those that are not one channel or of any number."""
    made = []
    for letter in axes:
        size = (sizes or {}).get(letter, Fixed(1) if letter == "c" else Open())
        kind = KINDS.get(letter, "space")
        own = halo if kind in ("space", "time") else 0
        made.append(Axis(NAMES.get(letter, letter), kind, size, halo=own))
    return Tensor(name, tuple(made), dtype, **more)


def follow(name="raw", factor=1.0, offset=0.0, letters="zyxt"):
    return {letter: Relative(name, NAMES.get(letter, letter), factor, offset) for letter in letters}


def described(inputs, outputs):
    return Description(
        name="arithmetic",
        version="1",
        description="",
        license="MIT",
        authors=(),
        format="0.5.4",
        folder=Path(),
        source=Path("rdf.yaml"),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        weights=(),
    )


def port(made, name=None, dtype=np.float32):
    """A port that insists on the sizes that are fixed."""
    sizes = (axis.size for axis in made.axes)
    shape = tuple(size.size if isinstance(size, Fixed) else -1 for size in sizes)
    return Port(name or made.id, np.dtype(dtype), shape, optional=made.optional)


def network(function, inputs, outputs, threads=1, **names):
    """A described network of ``function``."""
    runtime = Arithmetic(function, [port(one) for one in inputs], [port(one) for one in outputs])
    return Network(described(inputs, outputs), runtime, threads)
