"""BentoML: a service of one worker and as many threads as inferences; bytes in, bytes out."""

from __future__ import annotations

import os
from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import ContentType
from network import Network

Raw = Annotated[bytes, ContentType("application/octet-stream")]


@bentoml.service(workers=1, threads=int(os.environ["THREADS"]), traffic={"timeout": 600})
class Served:
    """The network; the shape is known to both sides."""

    def __init__(self) -> None:
        self._network = Network()
        self._shape = [int(size) for size in os.environ["SHAPE"].split(",")]

    @bentoml.api
    def infer(self, data: Raw, /) -> Raw:
        x = np.frombuffer(data, np.float32).reshape(self._shape)
        return self._network(x).tobytes()
