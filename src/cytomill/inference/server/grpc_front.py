"""The protocol over gRPC: the service ``inference.GRPCInferenceService`` of Triton and KServe."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn, TypeAlias

import grpc
import grpc.aio
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError, Message
from tritonclient.grpc import service_pb2 as pb

from . import documents
from .front import Front, no_parameters, one_line, refuse_cuda, refuse_tracing
from .grpc_messages import read_request, write_answer
from .request import Code, ServerError
from .wire import wrap

_log = logging.getLogger(__name__)

#: Requests of one stream that are worked on at a time.
_STREAM = 16

Context: TypeAlias = grpc.aio.ServicerContext


class GrpcFront(Front):
    """Answers every call of the service; messages are taken and given as bytes."""

    def serve(self, address: str) -> tuple[grpc.aio.Server, int]:
        """A server, not started, on ``address``, and the port it will listen on.

        Raises RuntimeError where the address cannot be had.
        """
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self.limit),
                ("grpc.max_send_message_length", self.limit),
                # A port in use is an error, not a server to share it with.
                ("grpc.so_reuseport", 0),
                # A client that vanished without a word is noticed, and its requests called off.
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.keepalive_timeout_ms", 20_000),
                # Clients may look after their connection just as closely.
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ]
        )
        server.add_generic_rpc_handlers((self.handler(),))
        return server, server.add_insecure_port(address)

    def handler(self) -> grpc.GenericRpcHandler:
        """The service's methods."""
        unary = {
            "ServerLive": (pb.ServerLiveRequest, self._live),
            "ServerReady": (pb.ServerReadyRequest, self._ready),
            "ModelReady": (pb.ModelReadyRequest, self._model_ready),
            "ServerMetadata": (pb.ServerMetadataRequest, self._server_metadata),
            "ModelMetadata": (pb.ModelMetadataRequest, self._model_metadata),
            "ModelConfig": (pb.ModelConfigRequest, self._model_config),
            "ModelStatistics": (pb.ModelStatisticsRequest, self._model_statistics),
            "RepositoryIndex": (pb.RepositoryIndexRequest, self._index),
            "RepositoryModelLoad": (pb.RepositoryModelLoadRequest, self._load),
            "RepositoryModelUnload": (pb.RepositoryModelUnloadRequest, self._unload),
            "SystemSharedMemoryStatus": (pb.SystemSharedMemoryStatusRequest, self._regions),
            "SystemSharedMemoryRegister": (pb.SystemSharedMemoryRegisterRequest, self._register),
            "SystemSharedMemoryUnregister": (
                pb.SystemSharedMemoryUnregisterRequest,
                self._unregister,
            ),
            "CudaSharedMemoryStatus": (pb.CudaSharedMemoryStatusRequest, _no_cuda),
            "CudaSharedMemoryRegister": (pb.CudaSharedMemoryRegisterRequest, _no_cuda),
            "CudaSharedMemoryUnregister": (pb.CudaSharedMemoryUnregisterRequest, _no_cuda),
            "TraceSetting": (pb.TraceSettingRequest, _no_tracing),
            "LogSettings": (pb.LogSettingsRequest, _no_tracing),
        }
        methods = {
            name: grpc.unary_unary_rpc_method_handler(_answering(_parsing(kind, call)))
            for name, (kind, call) in unary.items()
        }
        methods["ModelInfer"] = grpc.unary_unary_rpc_method_handler(_answering(self._infer))
        methods["ModelStreamInfer"] = grpc.stream_stream_rpc_method_handler(self._stream)
        return grpc.method_handlers_generic_handler("inference.GRPCInferenceService", methods)

    async def _infer(self, message: bytes, context: Context, *, final: bool = False) -> bytes:
        request, wanted = read_request(message, context.time_remaining(), self.regions)
        del message  # its views keep what they need of it
        answer = await self.service.infer(request)
        made = write_answer(answer, wanted, self.regions, final=final)
        if len(made) > self.limit:
            raise ServerError(
                Code.RESOURCE_EXHAUSTED,
                f"the answer is larger than max ({len(made)} vs. {self.limit} bytes); ask for "
                "fewer outputs or use shared memory",
            )
        return made

    async def _stream(
        self, messages: AsyncIterator[bytes], context: Context
    ) -> AsyncIterator[bytes]:
        """Answer requests as they come, in their order; a failure is told and ends nothing."""

        async def one(message: bytes) -> bytes:
            try:
                return wrap(await self._infer(message, context, final=True))
            except ServerError as error:
                return _refused(error)
            except Exception:
                _log.exception("a request of a stream failed")
                return _refused(ServerError(Code.INTERNAL, _FAULT))

        pending: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(_STREAM)

        async def read(tasks: asyncio.TaskGroup) -> None:
            async for message in messages:
                await pending.put(tasks.create_task(one(message)))
            await pending.put(None)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read(tasks))
            while (task := await pending.get()) is not None:
                yield await task

    async def _live(self, request: Any, context: Context) -> Message:
        return pb.ServerLiveResponse(live=True)

    async def _ready(self, request: Any, context: Context) -> Message:
        return pb.ServerReadyResponse(ready=self.service.ready())

    async def _model_ready(self, request: Any, context: Context) -> Message:
        return pb.ModelReadyResponse(ready=self.model_ready(request.name, request.version))

    async def _server_metadata(self, request: Any, context: Context) -> Message:
        return ParseDict(documents.server(self.regions), pb.ServerMetadataResponse())

    async def _model_metadata(self, request: Any, context: Context) -> Message:
        deadline = _deadline(context)
        told = await self.service.metadata(request.name, request.version, deadline)
        return ParseDict(documents.metadata(told), pb.ModelMetadataResponse())

    async def _model_config(self, request: Any, context: Context) -> Message:
        told = await self.service.config(request.name, request.version, _deadline(context))
        return ParseDict({"config": documents.config(told)}, pb.ModelConfigResponse())

    async def _model_statistics(self, request: Any, context: Context) -> Message:
        told = self.service.statistics(request.name or None, request.version)
        return ParseDict(documents.statistics(told), pb.ModelStatisticsResponse())

    async def _index(self, request: Any, context: Context) -> Message:
        models = documents.index(await self.service.index(), request.ready)
        return ParseDict({"models": models}, pb.RepositoryIndexResponse())

    async def _load(self, request: Any, context: Context) -> Message:
        self.may_load()
        no_parameters(request.parameters)
        await self.service.load(request.model_name, _deadline(context))
        return pb.RepositoryModelLoadResponse()

    async def _unload(self, request: Any, context: Context) -> Message:
        self.may_load()
        no_parameters(set(request.parameters) - {"unload_dependents"})
        await self.service.unload(request.model_name)
        return pb.RepositoryModelUnloadResponse()

    async def _regions(self, request: Any, context: Context) -> Message:
        found = {one["name"]: one for one in documents.regions(self.regions, request.name)}
        return ParseDict({"regions": found}, pb.SystemSharedMemoryStatusResponse())

    async def _register(self, request: Any, context: Context) -> Message:
        self.regions.register(request.name, request.key, request.offset, request.byte_size)
        return pb.SystemSharedMemoryRegisterResponse()

    async def _unregister(self, request: Any, context: Context) -> Message:
        self.regions.unregister(request.name)
        return pb.SystemSharedMemoryUnregisterResponse()


_FAULT = "a fault of the server; its log says more"

_STATUS = {code: grpc.StatusCode[code.name] for code in Code}


async def _no_cuda(request: Any, context: Context) -> NoReturn:
    refuse_cuda()


async def _no_tracing(request: Any, context: Context) -> NoReturn:
    refuse_tracing()


def _parsing(
    kind: type[Message], call: Callable[[Any, Context], Awaitable[Message]]
) -> Callable[[bytes, Context], Awaitable[bytes]]:
    """``call`` with its request and its answer as bytes."""

    async def handle(message: bytes, context: Context) -> bytes:
        try:
            request = kind.FromString(message)
        except DecodeError as error:
            name = kind.DESCRIPTOR.name
            raise ServerError(
                Code.INVALID_ARGUMENT, f"the message is cut short or is no {name}"
            ) from error
        return bytes((await call(request, context)).SerializeToString())

    return handle


def _answering(
    call: Callable[[bytes, Context], Awaitable[bytes]],
) -> Callable[[bytes, Context], Awaitable[bytes]]:
    """``call`` with its errors as statuses."""

    async def handle(message: bytes, context: Context) -> bytes:
        try:
            return await call(message, context)
        except ServerError as error:
            code, told = _STATUS[error.code], one_line(error)
        except Exception:
            _log.exception("a request failed")
            code, told = grpc.StatusCode.INTERNAL, _FAULT
        await context.abort(code, told)
        raise AssertionError("abort does not return")

    return handle


def _refused(error: ServerError) -> bytes:
    told = pb.ModelStreamInferResponse(error_message=one_line(error))
    told.infer_response.parameters["triton_final_response"].bool_param = True
    return bytes(told.SerializeToString())


def _deadline(context: Context) -> float | None:
    remaining = context.time_remaining()
    return None if remaining is None else time.monotonic() + remaining
