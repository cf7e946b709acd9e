"""A stand-in for Triton: the protocol over gRPC with none of our extensions, and nothing else.

It is written with the client library's own messages, so that what passes it does not pass because
both ends share a mistake. ``python -m tests.triton_server PORT`` serves the nuclei model.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import grpc
import numpy as np
from tritonclient.grpc import model_config_pb2, service_pb2, service_pb2_grpc
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype

from cytomill.errors import ModelError
from cytomill.inference.load import models
from cytomill.inference.runtime import Port, Runtime


class Triton(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Runtimes by the name they are served as.

    ``parameters`` are those of their configuration, which is not told where it is None. Calls of
    ModelInfer wait for ``held``, and end with the codes in ``failing`` while there are any, saying
    what is ``told``.
    """

    def __init__(
        self, runtimes: Mapping[str, Runtime], parameters: Mapping[str, str] | None = None
    ) -> None:
        self.runtimes, self.parameters = runtimes, parameters
        self.failing: list[grpc.StatusCode] = []
        self.told = "told\nby the server"
        self.calls = 0
        self.asked, self.cancelled, self.held = Event(), Event(), Event()
        self.held.set()

    def ServerLive(self, request, context):
        return service_pb2.ServerLiveResponse(live=True)

    def ModelMetadata(self, request, context):
        runtime = self._find(request.name, context)
        return service_pb2.ModelMetadataResponse(
            name=request.name,
            versions=["1"],
            platform="onnxruntime_onnx",
            inputs=list(map(_told, runtime.inputs)),
            outputs=list(map(_told, runtime.outputs)),
        )

    def ModelConfig(self, request, context):
        if self.parameters is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        config = model_config_pb2.ModelConfig(name=request.name)
        for name, value in self.parameters.items():
            config.parameters[name].string_value = value
        return service_pb2.ModelConfigResponse(config=config)

    def ModelInfer(self, request, context):
        self.calls += 1
        context.add_callback(self.cancelled.set)
        self.asked.set()
        self.held.wait(30)
        if self.failing:
            context.abort(self.failing.pop(0), self.told)
        runtime = self._find(request.model_name, context)
        pairs = zip(request.inputs, request.raw_input_contents, strict=True)
        given = {
            one.name: np.frombuffer(raw, triton_to_np_dtype(one.datatype)).reshape(one.shape)
            for one, raw in pairs
        }
        try:
            found = runtime.infer(given, [one.name for one in request.outputs] or None)
        except ModelError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = service_pb2.ModelInferResponse(model_name=request.model_name)
        for name, array in found.items():
            kind = np_to_triton_dtype(array.dtype)
            response.outputs.add(name=name, datatype=kind, shape=array.shape)
            response.raw_output_contents.append(array.tobytes())
        return response

    def _find(self, name, context):
        if name not in self.runtimes:
            told = f"Request for unknown model: '{name}' is not found"
            context.abort(grpc.StatusCode.NOT_FOUND, told)
        return self.runtimes[name]


@contextmanager
def serving(
    servicer: service_pb2_grpc.GRPCInferenceServiceServicer, port: int = 0
) -> Iterator[str]:
    """The URL of a server of this process."""
    options = [("grpc.max_receive_message_length", 2**28), ("grpc.so_reuseport", 0)]
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, options=options)
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield f"grpc://127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


def _told(port: Port) -> service_pb2.ModelMetadataResponse.TensorMetadata:
    return service_pb2.ModelMetadataResponse.TensorMetadata(
        name=port.name, datatype=np_to_triton_dtype(port.dtype), shape=port.shape
    )


if __name__ == "__main__":
    with serving(Triton({"nuclei": models("cpu", 2)["nuclei"]}), int(sys.argv[1])) as url:
        print(url, flush=True)
        sys.stdin.read()
