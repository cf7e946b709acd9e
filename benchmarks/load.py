"""Callers that ask a server for predictions, one after the other each, for some seconds.

Runs as a program of its own, so that a benchmark's callers cost every server the same.
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

#: One call: sends the input, returns the bytes of the first output.
Call = Callable[[], bytes]

#: Largest message of either kind.
_MOST = 2**30


def grpc_call(address: str, model: str, x: NDArray[np.float32]) -> Call:
    """Over the Open Inference Protocol, on a channel of its own."""
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    limits = [(f"grpc.max_{way}_message_length", _MOST) for way in ("send", "receive")]
    # Channels to one address would share a connection, and so its flow control.
    channel = grpc.insecure_channel(address, [*limits, ("grpc.use_local_subchannel_pool", 1)])
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    ready = service_pb2.ModelReadyRequest(name=model)
    while not stub.ModelReady(ready, wait_for_ready=True, timeout=60).ready:
        time.sleep(0.2)
    metadata = stub.ModelMetadata(
        service_pb2.ModelMetadataRequest(name=model), wait_for_ready=True, timeout=60
    )
    name = metadata.inputs[0].name if metadata.inputs else "image"

    def call() -> bytes:
        request = service_pb2.ModelInferRequest(model_name=model)
        request.inputs.add(name=name, datatype="FP32", shape=x.shape)
        request.raw_input_contents.append(x.tobytes())
        found: bytes = stub.ModelInfer(request, timeout=600).raw_output_contents[0]
        return found

    return call


def http_call(url: str, model: str, x: NDArray[np.float32]) -> Call:
    """A POST of the raw bytes, on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=600)
    headers = {"Content-Type": "application/octet-stream"}

    def call() -> bytes:
        connection.request("POST", parts.path, x.tobytes(), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{url}: {answer.status} {body[:200]!r}")
        return body

    return call


def ask(
    make: Callable[[], Call], expected: bytes, callers: int, seconds: float
) -> tuple[list[float], float]:
    """Seconds of each call that began within ``seconds`` of the common start, and of all together.

    The first call of each caller is not counted. Raises RuntimeError for an answer that is not
    ``expected``, but for rounding in the last bits.
    """
    barrier = threading.Barrier(callers)
    took: list[float] = []
    ends: list[float] = []
    faults: list[BaseException] = []
    wanted = _numbers(expected)

    def caller() -> None:
        try:
            call = make()
            found = _numbers(call())
            if found.shape != wanted.shape or np.abs(found - wanted).max() > 1.5:
                raise RuntimeError("the answer is not that of the network")
            barrier.wait()
            end = time.perf_counter() + seconds
            while (begun := time.perf_counter()) < end:
                call()
                took.append(time.perf_counter() - begun)
            ends.append(time.perf_counter() - (end - seconds))
        except BaseException as error:
            faults.append(error)
            barrier.abort()

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for fault in faults:
        if not isinstance(fault, threading.BrokenBarrierError):
            raise RuntimeError(f"a call failed: {fault}") from fault
    return took, max(ends)


def _numbers(data: bytes) -> NDArray[np.int32]:
    return np.frombuffer(data, np.uint8).astype(np.int32)


def main() -> None:
    """Print how many calls a second there were, and how long they took, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=["grpc", "http"], required=True)
    parser.add_argument("--address", required=True, help="host:port, or a URL")
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--input", type=Path, required=True, help="the input, .npy")
    parser.add_argument("--output", type=Path, required=True, help="what must come of it, .npy")
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    x = np.load(asked.input)
    kind = grpc_call if asked.kind == "grpc" else http_call
    took, together = ask(
        lambda: kind(asked.address, asked.model, x),
        np.load(asked.output).tobytes(),
        asked.callers,
        asked.seconds,
    )
    middle, late = np.percentile(took, [50, 95])
    told = {"rate": len(took) / together, "p50": float(middle), "p95": float(late)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
