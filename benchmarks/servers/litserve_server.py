"""LitServe: as many workers as inferences, one thread each; bytes in, bytes out."""

# No postponed annotations: LitServe hands them to FastAPI as they are.
import os
from typing import Annotated

import litserve
import numpy as np
from fastapi import Body, Response
from network import Network


class Served(litserve.LitAPI):
    """The network; the shape is known to both sides."""

    def setup(self, device: str) -> None:
        self._network = Network(1)
        self._shape = [int(size) for size in os.environ["SHAPE"].split(",")]

    def decode_request(self, request: Annotated[bytes, Body()]) -> np.ndarray:
        return np.frombuffer(request, np.float32).reshape(self._shape)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._network(x)

    def encode_response(self, output: np.ndarray) -> Response:
        return Response(output.tobytes(), media_type="application/octet-stream")


if __name__ == "__main__":
    server = litserve.LitServer(
        Served(), accelerator="cpu", workers_per_device=int(os.environ["THREADS"]), timeout=600
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        generate_client_file=False,
        num_api_servers=1,
    )
