"""The contract of a runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ..models.card import Model, Weights
from ..models.registry import find


class Runtime(ABC):
    """A model in memory."""

    model: Model

    #: Which of the model's weights it runs.
    weights: Weights

    #: What computes, for the manifest: ``"openvino bf16"``.
    device: str

    @abstractmethod
    def predict(self, x: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Run the model on ``x``, float32 (n, c, y, x); y and x are multiples of its stride.

        Returns the model's maps, uint8 (n, maps, y, x), 0..255 for 0..1. Safe to call from several
        threads at once; the array belongs to the caller. Raises `ModelError` where the model
        cannot run.
        """


class Models:
    """The models of one run: each is loaded when first asked for, once, by whichever thread."""

    def __init__(self, load: Callable[[Model], Runtime]) -> None:
        self._load = load
        self._loaded: dict[str, Runtime] = {}
        self._lock = Lock()

    def __getitem__(self, name: str) -> Runtime:
        """The runtime of model ``name``; raises `OptionError` where there is no such model."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(find(name))
            return self._loaded[name]
