"""Bytes of KEDA's messages, written by hand from the numbers of its ``externalscaler.proto``."""

from __future__ import annotations

import struct

import pytest

from cytomill.scaling.keda import messages as pb

ONE = struct.pack("<d", 1.0)


def _part(number: int, inside: bytes) -> bytes:
    return bytes([number << 3 | 2, len(inside)]) + inside


POOL = _part(1, b"pool") + _part(2, b"gpu")
REFERENCE = _part(1, b"a") + _part(2, b"b") + _part(3, POOL)

BYTES = [
    (
        pb.ScaledObjectRef(name="a", namespace="b", scalerMetadata={"pool": "gpu"}),
        REFERENCE,
    ),
    (pb.IsActiveResponse(result=True), b"\x08\x01"),
    (
        pb.GetMetricSpecResponse(
            metricSpecs=[{"metricName": "m", "targetSize": 1, "targetSizeFloat": 1.0}]
        ),
        _part(1, _part(1, b"m") + b"\x10\x01\x19" + ONE),
    ),
    (
        pb.GetMetricsRequest(scaledObjectRef={"name": "a"}, metricName="m"),
        _part(1, _part(1, b"a")) + _part(2, b"m"),
    ),
    (
        pb.GetMetricsResponse(
            metricValues=[{"metricName": "m", "metricValue": 300, "metricValueFloat": 1.0}]
        ),
        _part(1, _part(1, b"m") + b"\x10\xac\x02\x19" + ONE),
    ),
    (pb.HealthCheckRequest(service="s"), _part(1, b"s")),
    (pb.HealthCheckResponse(status=pb.SERVING), b"\x08\x01"),
]


@pytest.mark.parametrize(
    ("message", "wire"), BYTES, ids=[type(one[0]).DESCRIPTOR.name for one in BYTES]
)
def test_bytes_are_those_of_the_protocol(message: pb.Message, wire: bytes) -> None:
    assert message.SerializeToString(deterministic=True) == wire
    assert type(message).FromString(wire) == message


def test_names_are_those_of_the_protocol() -> None:
    assert pb.ScaledObjectRef.DESCRIPTOR.full_name == "externalscaler.ScaledObjectRef"
    assert pb.SCALER == "externalscaler.ExternalScaler"
    assert pb.HealthCheckRequest.DESCRIPTOR.full_name == "grpc.health.v1.HealthCheckRequest"


def test_what_a_later_version_adds_is_no_fault() -> None:
    assert dict(pb.ScaledObjectRef.FromString(REFERENCE + b"\x20\x07").scalerMetadata) == {
        "pool": "gpu"
    }
