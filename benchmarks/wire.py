"""What goes over the wire: bytes of an image, and the time to write and read a tensor.

The Kiosk moves 33 MB for an image of 1280 x 1080 pixels: tiles of float32 that overlap, and heads.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import samples
from .common import alternate, bar, conclude, ratio, show, spread
from .common import parser as common_parser
from .process import cytomill, segment
from .server import ports, running

NAME = "wire"

#: Most MB of an image both ways, and what the Kiosk takes; most ms to write and read a tensor.
MOST_MB, KIOSK_MB, MOST_MS = 6.0, 33.0, 20.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = common_parser(__doc__)
    made.add_argument("--size", type=samples.size, default="1280x1080", help="of an image")
    made.add_argument("--images", type=int, default=4, help="sent to a server")
    made.add_argument("--rounds", type=int, default=30, help="times that a tensor is written")
    return made


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run over a server, and count; write and read a tensor, and time that."""
    images, _ = samples.folder(asked.scratch, asked.images, asked.size)
    grpc, http, metrics = ports(3)
    command = cytomill("model-server", "--grpc-port", str(grpc), "--http-port", str(http))
    command += ["--metrics-port", str(metrics)]
    with running(command, grpc, asked.scratch / "wire.log"):
        url = f"grpc://127.0.0.1:{grpc}"
        ran = segment(images, asked.scratch / "wire", "--model-server", url)
    wire = {
        way: [entry["wire_bytes"][way] / 1e6 for entry in ran.entries]
        for way in ("sent", "received")
    }
    both = [a + b for a, b in zip(wire["sent"], wire["received"], strict=True)]
    # The Kiosk's request: 11 MB of float32.
    x = np.random.default_rng(0).random((1, 2, 1080, 1280), np.float32)
    contestants = {
        "ours": lambda: _ours(x),
        "protobuf": lambda: _protobuf(x),
        "copy": lambda: _copy(x),
    }
    alternate(contestants, 2)
    took = alternate(contestants, asked.rounds)
    milliseconds = {name: [1000 * each for each in times] for name, times in took.items()}
    return {
        "pixels": list(asked.size),
        "megabytes": {name: spread(each) for name, each in {**wire, "both": both}.items()},
        "tensor_mb": x.nbytes / 1e6,
        "milliseconds": {name: spread(each) for name, each in milliseconds.items()},
        "ratios": {n: ratio(milliseconds[n], milliseconds["ours"]) for n in milliseconds},
        "bars": [
            bar("MB on the wire per image", spread(both)["median"], most=MOST_MB),
            bar("ms to write and read 11 MB", spread(milliseconds["ours"])["median"], most=MOST_MS),
        ],
    }


def _head(x: NDArray[np.float32]) -> Any:
    from tritonclient.grpc import service_pb2

    request = service_pb2.ModelInferRequest(model_name="nuclei")
    request.inputs.add(name="image", datatype="FP32", shape=x.shape)
    return request


def _ours(x: NDArray[np.float32]) -> float:
    """Seconds from the array to the message, and from the message to an array."""
    from cytomill.inference.server import codec, wire

    begun = time.perf_counter()
    message = wire.write_request(_head(x), [codec.to_raw(x)])
    told, raw = wire.read_request(message)
    found = np.frombuffer(raw[0], np.float32).reshape(told.inputs[0].shape)
    took = time.perf_counter() - begun
    assert found.shape == x.shape
    return took


def _protobuf(x: NDArray[np.float32]) -> float:
    """The same as clients of the protocol do it."""
    from tritonclient.grpc import service_pb2

    begun = time.perf_counter()
    request = _head(x)
    request.raw_input_contents.append(x.tobytes())
    message = request.SerializeToString()
    told = service_pb2.ModelInferRequest.FromString(message)
    found = np.frombuffer(told.raw_input_contents[0], np.float32).reshape(told.inputs[0].shape)
    took = time.perf_counter() - begun
    assert found.shape == x.shape
    return took


def _copy(x: NDArray[np.float32]) -> float:
    """The limit: the bytes are copied once."""
    begun = time.perf_counter()
    x.tobytes()
    return time.perf_counter() - begun


def rows(found: dict[str, Any]) -> list[list[str]]:
    """The table of bytes."""
    width, height = found["pixels"][1], found["pixels"][0]
    told = [[f"image of {width}x{height} pixels, uint16", "MB"]]
    for name in ("sent", "received", "both"):
        told.append([name, show(found["megabytes"][name])])
    return [*told, ["the Kiosk, both", show(KIOSK_MB, 1)]]


def time_rows(found: dict[str, Any]) -> list[list[str]]:
    """The table of times."""
    titles = {"ours": "cytomill", "protobuf": "Protocol Buffers alone", "copy": "one copy"}
    told = [[f"write and read {found['tensor_mb']:.0f} MB", "ms", "times ours"]]
    for name, title in titles.items():
        told.append([title, show(found["milliseconds"][name]), show(found["ratios"][name])])
    return told


def main() -> None:
    """Run the benchmark."""
    conclude(NAME, parser().parse_args(), measure, rows)


if __name__ == "__main__":
    main()
