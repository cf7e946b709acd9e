"""The protocol over HTTP: JSON, and tensors as bytes behind it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import documents
from .front import Front, no_parameters, one_line, refuse_cuda, refuse_tracing
from .request import Answer, Code, Request, ServerError
from .rest_body import Body, TooLargeError, read_body
from .rest_messages import read_object, read_request, write_answer

_log = logging.getLogger(__name__)

_HEADER = "Inference-Header-Content-Length"

Call = Callable[[HttpRequest], Awaitable[Response]]


class RestFront(Front):
    """Answers every address of the protocol under ``/v2``."""

    def app(self) -> Starlette:
        """The application, for an ASGI server."""
        model = "/v2/models/{model}"
        version = model + "/versions/{version}"
        shared, cuda = "/v2/systemsharedmemory", "/v2/cudasharedmemory"
        get = {
            "/v2/health/live": self._live,
            "/v2/health/ready": self._ready,
            "/v2": self._server,
            "/v2/models/stats": self._statistics,
            "/v2/logging": _no_tracing,
            "/v2/trace/setting": _no_tracing,
            f"{model}/trace/setting": _no_tracing,
            f"{shared}/status": self._regions,
            f"{shared}/region/{{region}}/status": self._regions,
            f"{cuda}/status": _no_cuda,
            f"{cuda}/region/{{region}}/status": _no_cuda,
        }
        post = {
            "/v2/repository/index": self._index,
            "/v2/repository/models/{model}/load": self._load,
            "/v2/repository/models/{model}/unload": self._unload,
            "/v2/logging": _no_tracing,
            "/v2/trace/setting": _no_tracing,
            f"{model}/trace/setting": _no_tracing,
            f"{shared}/region/{{region}}/register": self._register,
            f"{shared}/region/{{region}}/unregister": self._unregister,
            f"{shared}/unregister": self._unregister,
            f"{cuda}/region/{{region}}/register": _no_cuda,
            f"{cuda}/region/{{region}}/unregister": _no_cuda,
            f"{cuda}/unregister": _no_cuda,
        }
        for top in (model, version):
            get |= {
                top: self._metadata,
                f"{top}/ready": self._model_ready,
                f"{top}/config": self._config,
                f"{top}/stats": self._statistics,
            }
            post[f"{top}/infer"] = self._infer
        routes = [
            Route(path, _answering(call), methods=[method])
            for method, calls in (("GET", get), ("POST", post))
            for path, call in calls.items()
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _no_such_address})

    async def _live(self, request: HttpRequest) -> Response:
        return Response()

    async def _ready(self, request: HttpRequest) -> Response:
        return Response(status_code=200 if self.service.ready() else 503)

    async def _model_ready(self, request: HttpRequest) -> Response:
        ready = self.model_ready(*_named(request))
        return Response(status_code=200 if ready else 503)

    async def _server(self, request: HttpRequest) -> Response:
        return JSONResponse(documents.server(self.regions))

    async def _metadata(self, request: HttpRequest) -> Response:
        return JSONResponse(documents.metadata(await self.service.metadata(*_named(request))))

    async def _config(self, request: HttpRequest) -> Response:
        return JSONResponse(documents.config(await self.service.config(*_named(request))))

    async def _statistics(self, request: HttpRequest) -> Response:
        name, version = _named(request)
        return JSONResponse(documents.statistics(self.service.statistics(name or None, version)))

    async def _index(self, request: HttpRequest) -> Response:
        ready = (await self._object(request)).get("ready", False)
        return JSONResponse(documents.index(await self.service.index(), ready is True))

    async def _load(self, request: HttpRequest) -> Response:
        self.may_load()
        no_parameters((await self._object(request)).get("parameters") or {})
        await self.service.load(request.path_params["model"])
        return Response()

    async def _unload(self, request: HttpRequest) -> Response:
        self.may_load()
        parameters = (await self._object(request)).get("parameters") or {}
        no_parameters(set(parameters) - {"unload_dependents"})
        await self.service.unload(request.path_params["model"])
        return Response()

    async def _regions(self, request: HttpRequest) -> Response:
        name = request.path_params.get("region", "")
        return JSONResponse(documents.regions(self.regions, name))

    async def _register(self, request: HttpRequest) -> Response:
        told = await self._object(request)
        key, offset, size = told.get("key"), told.get("offset", 0), told.get("byte_size")
        if not isinstance(key, str) or type(offset) is not int or type(size) is not int:
            raise ServerError(
                Code.INVALID_ARGUMENT,
                "a region has a key, and an offset and a byte_size in whole numbers",
            )
        self.regions.register(request.path_params["region"], key, offset, size)
        return Response()

    async def _unregister(self, request: HttpRequest) -> Response:
        self.regions.unregister(request.path_params.get("region", ""))
        return Response()

    async def _infer(self, request: HttpRequest) -> Response:
        body = await read_body(request, self.limit)
        name, version = _named(request)
        asked, wanted, binary = read_request(
            name, version, body, request.headers.get(_HEADER), self.regions
        )
        del body  # its views keep what they need of it
        answer = await self._unless_gone(request, asked)
        head, raw = write_answer(answer, wanted, binary, self.regions)
        if not raw:
            return Response(head, media_type="application/json")
        return Body([memoryview(head), *raw], {_HEADER: str(len(head))})

    async def _unless_gone(self, request: HttpRequest, asked: Request) -> Answer:
        """The answer to ``asked``, called off when its client disconnects."""
        work = asyncio.ensure_future(self.service.infer(asked))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            raise ServerError(Code.CANCELLED, "the client went away")
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _object(self, request: HttpRequest) -> dict[str, Any]:
        return read_object(await read_body(request, self.limit))


async def _gone(request: HttpRequest) -> None:
    """Wait until the client of a request whose body was read disconnects."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _named(request: HttpRequest) -> tuple[str, str]:
    return request.path_params.get("model", ""), request.path_params.get("version", "")


async def _no_cuda(request: HttpRequest) -> NoReturn:
    refuse_cuda()


async def _no_tracing(request: HttpRequest) -> NoReturn:
    refuse_tracing()


async def _no_such_address(request: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = f"{request.method} {request.url.path}: {error.detail}"
    return JSONResponse({"error": told[:1000]}, error.status_code, error.headers)


def _answering(call: Call) -> Call:
    """``call`` with its errors as documents."""

    async def handle(request: HttpRequest) -> Response:
        try:
            return await call(request)
        except TooLargeError as error:
            return _told(413, one_line(error))
        except ServerError as error:
            return _told(error.code.value, one_line(error))
        except Exception:
            _log.exception("a request failed")
            return _told(Code.INTERNAL.value, "a fault of the server; its log says more")

    return handle


def _told(status: int, message: str) -> Response:
    text = json.dumps({"error": message}, ensure_ascii=False)
    return Response(text, status, media_type="application/json")
