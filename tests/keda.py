"""KEDA and Kubernetes' own autoscaler, as far as an external scaler sees them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from cytomill.scaling.keda import messages as pb

#: Seconds that a call may take on a busy machine.
PATIENCE = 60.0


class Scaler:
    """What KEDA's client of a scaler calls, for one trigger of one ScaledObject."""

    def __init__(self, channel: grpc.Channel, **metadata: str) -> None:
        self._channel = channel
        told = {"scalerAddress": "cytomill-autoscaler:9090", **metadata}
        self.reference = pb.ScaledObjectRef(
            name="cytomill-consumers", namespace="cytomill", scalerMetadata=told
        )

    def active(self) -> bool:
        return bool(self._call("IsActive", self.reference, pb.IsActiveResponse).result)

    def spec(self) -> tuple[str, float]:
        """The metric's name as the HPA gets it, and its target."""
        (one,) = self._call("GetMetricSpec", self.reference, pb.GetMetricSpecResponse).metricSpecs
        return f"s0-{one.metricName}", one.targetSizeFloat or one.targetSize

    def metric(self, name: str) -> float:
        """The metric that the HPA asks for, as KEDA reads it."""
        asked = pb.GetMetricsRequest(
            scaledObjectRef=self.reference, metricName=name.removeprefix("s0-")
        )
        (one,) = self._call("GetMetrics", asked, pb.GetMetricsResponse).metricValues
        return float(one.metricValueFloat if one.metricValueFloat > 0 else one.metricValue)

    @contextmanager
    def stream(self) -> Iterator[Any]:
        """The stream of a trigger of the type external-push."""
        call = self._channel.unary_stream(
            f"/{pb.SCALER}/StreamIsActive",
            request_serializer=lambda one: one.SerializeToString(),
            response_deserializer=pb.IsActiveResponse.FromString,
        )(self.reference)
        try:
            yield call
        finally:
            call.cancel()

    def _call(self, method: str, request: Any, answer: Any) -> Any:
        return self._channel.unary_unary(
            f"/{pb.SCALER}/{method}",
            request_serializer=lambda one: one.SerializeToString(),
            response_deserializer=answer.FromString,
        )(request, timeout=PATIENCE, wait_for_ready=False)


class Scaled:
    """A Deployment that KEDA and its HPA scale, with time that stands still between two steps."""

    def __init__(
        self,
        scaler: Scaler,
        *,
        most: int,
        cooldown: float = 0.0,
        tolerance: float = 0.1,
        fallback: int | None = None,
    ) -> None:
        self.replicas = 0
        self._scaler, self._most, self._cooldown = scaler, most, cooldown
        self._tolerance, self._fallback = tolerance, fallback
        self._now = self._active = 0.0
        self._failed = 0

    def step(self) -> int:
        """What KEDA does each polling interval, then the HPA, each 15 s."""
        self._now += 15.0
        self._keda()
        if self.replicas:
            self._hpa()
        return self.replicas

    def _keda(self) -> None:
        try:
            active = self._scaler.active()
        except grpc.RpcError:
            return  # it leaves a target alone whose triggers it cannot ask
        if active:
            self._active = self._now
            self.replicas = max(1, self.replicas)
        elif self._now - self._active >= self._cooldown:
            self.replicas = 0

    def _hpa(self) -> None:
        try:
            name, target = self._scaler.spec()
            value = self._scaler.metric(name)
        except grpc.RpcError:
            self._failed += 1
            if self._fallback is None or self._failed < 3:
                return  # it leaves replicas alone whose metric it does not get
            value, target = float(self._fallback), 1.0
        else:
            self._failed = 0
        # Of an external metric of the type AverageValue.
        if abs(1.0 - value / (target * self.replicas)) > self._tolerance:
            self.replicas = min(max(math.ceil(value / target), 1), self._most)
