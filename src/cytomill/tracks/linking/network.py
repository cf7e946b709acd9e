"""A small network that weighs features: what it gives are log odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The file of all networks, beside this module.
_FILE = "linking.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Fully connected layers with ``tanh`` between; the last has one output.

    ``mean`` and ``spread`` standardise the features. ``layers`` are weights (inputs, outputs) and
    biases (outputs,), float32.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]

    def odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The log odds of each row of ``features``, (rows, features)."""
        values = (features - self.mean) / self.spread
        for weights, biases in self.layers[:-1]:
            values = np.tanh(values @ weights + biases)
        weights, biases = self.layers[-1]
        return (values @ weights + biases)[:, 0].astype(np.float64)


#: The networks of a linker: ``links``, ``claims``, ``divisions`` and ``gaps``.
Networks = Mapping[str, Network]


@lru_cache(maxsize=1)
def shipped() -> Networks:
    """The networks that come with the program, see ``training/linking``."""
    with resources.files(__package__).joinpath(_FILE).open("rb") as file:
        stored: Any = np.load(file, allow_pickle=False)
        arrays = {name: stored[name] for name in stored}
    found: dict[str, Network] = {}
    for name in ("links", "claims", "divisions", "gaps"):
        depth = sum(key.startswith(f"{name}.weights") for key in arrays)
        layers = ((arrays[f"{name}.weights{n}"], arrays[f"{name}.biases{n}"]) for n in range(depth))
        found[name] = Network(arrays[f"{name}.mean"], arrays[f"{name}.spread"], tuple(layers))
    return found
