"""What the protocol tells of the server and its models, in the words of its JSON.

The messages of gRPC have the same fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...version import __version__
from ..runtime import Port
from .codec import datatype
from .service import Config, Entry, Metadata, State
from .shared_memory import Regions
from .statistics import Duration, Statistics

Document = dict[str, Any]

#: Extensions of the protocol that this server has, as Triton names them.
_EXTENSIONS = (
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "schedule_policy",
    "statistics",
)


def server(regions: Regions) -> Document:
    """The server's name, version and extensions."""
    shared = ["system_shared_memory"] if regions.allowed else []
    return {"name": "cytomill", "version": __version__, "extensions": [*_EXTENSIONS, *shared]}


def metadata(told: Metadata) -> Document:
    """What a model takes and gives; -1 is any size."""
    return {
        "name": told.name,
        "versions": list(told.versions),
        "platform": told.platform,
        "inputs": [_tensor(port) for port in told.inputs],
        "outputs": [_tensor(port) for port in told.outputs],
    }


def config(told: Config) -> Document:
    """A model's configuration as Triton has it: where batches are joined, dims leave them out."""
    cuda = told.device.startswith("cuda")
    made: Document = {
        "name": told.metadata.name,
        "platform": told.metadata.platform,
        "backend": "cytomill",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": told.batch,
        "input": [
            {**_configured(port, told.batch), "optional": port.optional}
            for port in told.metadata.inputs
        ],
        "output": [_configured(port, told.batch) for port in told.metadata.outputs],
        "instance_group": [
            {
                "name": f"{told.metadata.name}_0",
                "kind": "KIND_GPU" if cuda else "KIND_CPU",
                "count": told.slots,
            }
        ],
        "parameters": {
            name: {"string_value": value}
            for name, value in {
                "device": told.device,
                "weights": told.weights,
                "sha256": told.sha256,
            }.items()
            if value
        },
    }
    if told.batch:
        made["dynamic_batching"] = {
            "preferred_batch_size": [told.batch],
            "max_queue_delay_microseconds": round(told.delay * 1e6),
            "default_queue_policy": {"max_queue_size": told.queue},
        }
    return made


def statistics(told: Sequence[Statistics]) -> Document:
    """The counters of models."""
    return {"model_stats": [_counted(one) for one in told]}


def index(entries: Sequence[Entry], ready: bool) -> list[Document]:
    """The models there are, or only those that are ``ready``."""
    return [
        {"name": e.name, "version": e.version, "state": e.state.value, "reason": e.reason}
        for e in entries
        if not ready or e.state is State.READY
    ]


def regions(told: Regions, name: str) -> list[Document]:
    """The regions of shared memory that are registered, or the one ``name``."""
    return [
        {"name": r.name, "key": r.key, "offset": r.offset, "byte_size": r.size}
        for r in told.status(name).values()
    ]


def _tensor(port: Port) -> Document:
    return {"name": port.name, "datatype": datatype(port.dtype), "shape": list(port.shape)}


def _configured(port: Port, batch: int) -> Document:
    kind = datatype(port.dtype)
    return {
        "name": port.name,
        "data_type": "TYPE_STRING" if kind == "BYTES" else f"TYPE_{kind}",
        "dims": list(port.shape[1:] if batch else port.shape),
        **({"optional": True} if port.optional else {}),
    }


def _counted(told: Statistics) -> Document:
    parts = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
    return {
        "name": told.name,
        "version": told.version,
        "last_inference": told.last,
        "inference_count": told.inferences,
        "execution_count": told.executions,
        "inference_stats": {part: _duration(getattr(told, part)) for part in parts},
        "batch_stats": [
            {
                "batch_size": size,
                "compute_input": _duration(batch.compute_input),
                "compute_infer": _duration(batch.compute_infer),
                "compute_output": _duration(batch.compute_output),
            }
            for size, batch in sorted(told.batches.items())
        ],
    }


def _duration(told: Duration) -> Document:
    return {"count": told.count, "ns": told.ns}
