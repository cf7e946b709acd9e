"""Messages of KEDA's external scaler and of gRPC's health service, and their numbers on the wire.

The first are those of ``externalscaler.proto`` of KEDA 2, the second of ``grpc.health.v1``. They
are described here rather than generated: nothing has to be made when the package is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

SCALER = "externalscaler.ExternalScaler"
HEALTH = "grpc.health.v1.Health"

#: Answers of the health service.
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3

Message: TypeAlias = Any

#: Fields of each message, in the order of their numbers, which begin at 1. A name in capitals is a
#: message, ``*`` before it says that there may be several.
_SCALER = {
    "ScaledObjectRef": ("name string", "namespace string", "scalerMetadata map"),
    "IsActiveResponse": ("result bool",),
    "GetMetricSpecResponse": ("metricSpecs *MetricSpec",),
    "MetricSpec": ("metricName string", "targetSize int64", "targetSizeFloat double"),
    "GetMetricsRequest": ("scaledObjectRef ScaledObjectRef", "metricName string"),
    "GetMetricsResponse": ("metricValues *MetricValue",),
    "MetricValue": ("metricName string", "metricValue int64", "metricValueFloat double"),
}
_HEALTH = {
    "HealthCheckRequest": ("service string",),
    # An enumeration, which is on the wire what a whole number is.
    "HealthCheckResponse": ("status int32",),
}

_KINDS = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
}


def _messages(package: str, fields: Mapping[str, Sequence[str]]) -> Mapping[str, type[Message]]:
    """The classes of messages."""
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, described in fields.items():
        message = file.message_type.add(name=name)
        for number, words in enumerate(described, start=1):
            field, kind = words.split()
            added = message.field.add(name=field, number=number)
            added.label = FieldDescriptorProto.LABEL_OPTIONAL
            if kind in _KINDS:
                added.type = _KINDS[kind]
                continue
            added.type = FieldDescriptorProto.TYPE_MESSAGE
            if kind.startswith("*") or kind == "map":
                added.label = FieldDescriptorProto.LABEL_REPEATED
            added.type_name = f".{package}.{kind.lstrip('*')}"
            if kind == "map":
                entry = message.nested_type.add(name=f"{field[0].upper()}{field[1:]}Entry")
                entry.options.map_entry = True
                for place, part in enumerate(("key", "value"), start=1):
                    one = entry.field.add(name=part, number=place)
                    one.type = FieldDescriptorProto.TYPE_STRING
                    one.label = FieldDescriptorProto.LABEL_OPTIONAL
                added.type_name = f".{package}.{name}.{entry.name}"
    # A pool of its own: a program may have the same messages from elsewhere.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in fields
    }


_scaler, _health = _messages("externalscaler", _SCALER), _messages("grpc.health.v1", _HEALTH)

ScaledObjectRef = _scaler["ScaledObjectRef"]
IsActiveResponse = _scaler["IsActiveResponse"]
GetMetricSpecResponse = _scaler["GetMetricSpecResponse"]
GetMetricsRequest = _scaler["GetMetricsRequest"]
GetMetricsResponse = _scaler["GetMetricsResponse"]
HealthCheckRequest = _health["HealthCheckRequest"]
HealthCheckResponse = _health["HealthCheckResponse"]
