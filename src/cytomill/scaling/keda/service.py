"""What KEDA calls: ``externalscaler.ExternalScaler``, and ``grpc.health.v1.Health`` beside it.

The number of a pool is how many workers it should have, its target is 1: of a metric of the type
AverageValue, which is KEDA's default, Kubernetes makes ceil(number / target) pods.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeAlias

import grpc

from ...errors import OptionError
from .asked import Asked, asked
from .messages import (
    HEALTH,
    NOT_SERVING,
    SCALER,
    SERVICE_UNKNOWN,
    SERVING,
    GetMetricSpecResponse,
    GetMetricsRequest,
    GetMetricsResponse,
    HealthCheckRequest,
    HealthCheckResponse,
    IsActiveResponse,
    Message,
    ScaledObjectRef,
)
from .wanted import StaleError, Wanted

#: Streams at once. Each has a thread, and other calls need some too.
STREAMS = 48

#: Seconds after which a stream looks whether its client is still there.
_LOOK = 1.0

Context: TypeAlias = grpc.ServicerContext


class ScalerService:
    """Answers with what is wanted; ``ended`` ends the streams."""

    def __init__(self, wanted: Wanted, ended: threading.Event) -> None:
        self._wanted, self._ended = wanted, ended
        self._streams = threading.BoundedSemaphore(STREAMS)

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """Both services."""
        scaler = {
            "IsActive": _unary(self._is_active, ScaledObjectRef),
            "StreamIsActive": _stream(self._stream_is_active, ScaledObjectRef),
            "GetMetricSpec": _unary(self._metric_spec, ScaledObjectRef),
            "GetMetrics": _unary(self._metrics, GetMetricsRequest),
        }
        health = {
            "Check": _unary(self._check, HealthCheckRequest),
            "Watch": _stream(self._watch, HealthCheckRequest),
        }
        return (
            grpc.method_handlers_generic_handler(SCALER, scaler),
            grpc.method_handlers_generic_handler(HEALTH, health),
        )

    def _is_active(self, request: Message, context: Context) -> Message:
        with _answering(context):
            return IsActiveResponse(result=self._count(self._asked(request)) > 0)

    def _stream_is_active(self, request: Message, context: Context) -> Iterator[Message]:
        with _answering(context), self._streaming(context):
            one = self._asked(request)

            def active() -> bool | None:
                # Where it is not known nothing is told: KEDA would come back after an error later
                # and later, and keeps what it was told last.
                try:
                    return self._count(one) > 0
                except StaleError:
                    return None

            for result in self._changes(active, context):
                yield IsActiveResponse(result=result)

    def _metric_spec(self, request: Message, context: Context) -> Message:
        with _answering(context):
            answer = GetMetricSpecResponse()
            name = self._asked(request).metric
            answer.metricSpecs.add(metricName=name, targetSize=1, targetSizeFloat=1.0)
            return answer

    def _metrics(self, request: Message, context: Context) -> Message:
        with _answering(context):
            one = self._asked(request.scaledObjectRef)
            if request.metricName != one.metric:
                raise OptionError(
                    f"metric {request.metricName!r}: that of pool {one.pool.name} is {one.metric}"
                )
            count = self._count(one)
            answer = GetMetricsResponse()
            answer.metricValues.add(
                metricName=one.metric, metricValue=count, metricValueFloat=float(count)
            )
            return answer

    def _check(self, request: Message, context: Context) -> Message:
        status = self._health(request.service)
        if status == SERVICE_UNKNOWN:
            context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service}")
        return HealthCheckResponse(status=status)

    def _watch(self, request: Message, context: Context) -> Iterator[Message]:
        with _answering(context), self._streaming(context):
            for status in self._changes(lambda: self._health(request.service), context):
                yield HealthCheckResponse(status=status)

    def _health(self, service: str) -> int:
        """Whether a service is to be asked; the empty name is that of the process."""
        if service not in ("", SCALER, HEALTH):
            return SERVICE_UNKNOWN
        return SERVING if service != SCALER or self._wanted.fresh() else NOT_SERVING

    def _asked(self, reference: Message) -> Asked:
        return asked(dict(reference.scalerMetadata), self._wanted)

    def _count(self, one: Asked) -> int:
        return self._wanted.count(one.pool)

    @contextmanager
    def _streaming(self, context: Context) -> Iterator[None]:
        """One stream more. Aborts where there are too many."""
        if not self._streams.acquire(blocking=False):
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"there are {STREAMS} streams already"
            )
        try:
            yield
        finally:
            self._streams.release()

    def _changes(self, value: Callable[[], int | bool | None], context: Context) -> Iterator[int]:
        """A value and each other one that it becomes, unless that is None."""
        last, number = None, -1
        while context.is_active() and not self._ended.is_set():
            now = value()
            if now is not None and now != last:
                last = now
                yield now
            number = self._wanted.wait(number, _LOOK)


def _unary(
    call: Callable[[Message, Context], Message], kind: type[Message]
) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        call, kind.FromString, lambda answer: answer.SerializeToString()
    )


def _stream(
    call: Callable[[Message, Context], Iterator[Message]], kind: type[Message]
) -> grpc.RpcMethodHandler:
    return grpc.unary_stream_rpc_method_handler(
        call, kind.FromString, lambda answer: answer.SerializeToString()
    )


@contextmanager
def _answering(context: Context) -> Iterator[None]:
    """Turns faults into statuses, with their words."""
    try:
        yield
    except OptionError as error:
        _abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except StaleError as error:
        _abort(context, grpc.StatusCode.UNAVAILABLE, str(error))


def _abort(context: Context, code: grpc.StatusCode, words: str) -> NoReturn:
    context.abort(code, words)
    raise AssertionError("abort does not return")
