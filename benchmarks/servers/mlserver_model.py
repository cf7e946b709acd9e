"""MLServer: a custom runtime, decoded and encoded by its own codec."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from network import Network


class NetworkModel(MLModel):
    """The network, off the event loop: a call that computes would stop all others."""

    async def load(self) -> bool:
        self._network = Network()
        self._pool = ThreadPoolExecutor(int(os.environ["THREADS"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        x = NumpyCodec.decode_input(payload.inputs[0])
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, self._network, x)
        output = NumpyCodec.encode_output("maps", found)
        return InferenceResponse(model_name=self.name, outputs=[output])
