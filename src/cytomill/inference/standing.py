"""How a model server stands: which models it has, and what they have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Seconds that a server may take to answer.
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of a server.

    ``state`` is READY, LOADING, UNLOADING, UNAVAILABLE or empty where the server does not say;
    ``requests`` and ``failures`` since it started; ``seconds`` its network ran in all, ``last``
    when, in seconds since 1970, 0 for never.
    """

    name: str
    version: str
    state: str
    reason: str
    requests: int = 0
    failures: int = 0
    seconds: float = 0.0
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A model server: whether it answers, why not, and its models by name."""

    address: str
    ready: bool
    fault: str
    models: tuple[ServedModel, ...]


def standing(address: str) -> Standing:
    """How the server at ``address`` (``grpc://HOST:PORT``, ours or Triton) stands; raises nothing
    of its faults.
    """
    from tritonclient.grpc import InferenceServerClient
    from tritonclient.utils import InferenceServerException

    try:
        client = InferenceServerClient(address.removeprefix("grpc://"))
        try:
            ready = client.is_server_ready(client_timeout=_PATIENCE)
            index = client.get_model_repository_index(as_json=True, client_timeout=_PATIENCE)
            told = client.get_inference_statistics(as_json=True, client_timeout=_PATIENCE)
        finally:
            client.close()
    except InferenceServerException as error:
        return Standing(address, False, str(error.message()), ())
    counted = {(one["name"], one.get("version", "")): one for one in told.get("model_stats", ())}
    models = (_model(one, counted) for one in index.get("models", ()))
    return Standing(address, ready, "", tuple(sorted(models, key=lambda one: one.name)))


def _model(entry: Mapping[str, Any], counted: Mapping[tuple[str, str], Any]) -> ServedModel:
    name, version = entry["name"], entry.get("version", "")
    told = counted.get((name, version), {})
    stats = told.get("inference_stats", {})
    return ServedModel(
        name=name,
        version=version,
        state=entry.get("state", ""),
        reason=entry.get("reason", ""),
        requests=int(stats.get("success", {}).get("count", 0)),
        failures=int(stats.get("fail", {}).get("count", 0)),
        seconds=int(stats.get("compute_infer", {}).get("ns", 0)) / 1e9,
        last=int(told.get("last_inference", 0)) / 1000,
    )
