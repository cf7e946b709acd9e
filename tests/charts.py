"""The Helm chart, rendered by Helm's own engine."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests.helm_engine import RefusedError, rendered

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "deploy/helm/cytomill"

#: What a profile leaves to whoever installs it.
GIVEN = {
    "laptop": {},
    "gke": {
        "bucket": {"url": "gs://lab/kiosk"},
        "ingress": {"host": "kiosk.example.org"},
    },
    "eks": {
        "bucket": {"url": "s3://lab/kiosk"},
        "ingress": {"host": "kiosk.example.org"},
    },
    "on-premise": {"ingress": {"host": "kiosk.example.org"}},
}

#: The least that must be given.
LEAST = {
    "redis": {"password": {"secret": "queue"}},
    "auth": {"adminToken": {"secret": "administrator"}},
}

Values: TypeAlias = Mapping[str, Any]
Manifest: TypeAlias = dict[str, Any]


def merged(*values: Values) -> dict[str, Any]:
    """Values over values, as Helm merges them."""
    whole: dict[str, Any] = {}
    for one in values:
        for key, value in one.items():
            old = whole.get(key)
            both = isinstance(value, Mapping) and isinstance(old, Mapping)
            whole[key] = merged(old, value) if both else copy.deepcopy(value)
    return whole


def profile(name: str) -> dict[str, Any]:
    """A profile with what it leaves to be given."""
    text = (CHART / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    return merged(yaml.safe_load(text), GIVEN[name])


def texts(
    values: Values, *, release: str = "mill", namespace: str = "lab", folder: Path = CHART
) -> dict[str, str]:
    """What each template makes of ``values``; raises `RefusedError`."""
    made = rendered(folder, values, release, namespace)
    return {Path(name).name: text for name, text in made.items()}


def render(values: Values, **where: Any) -> list[Manifest]:
    """The manifests that ``values`` make."""
    made = texts(values, **where)
    files = (text for name, text in made.items() if name != "NOTES.txt")
    return copy.deepcopy(_parsed("\n---\n".join(files)))


@lru_cache(maxsize=64)
def _parsed(text: str) -> list[Manifest]:
    return [found for found in yaml.load_all(text, _Strict) if found]


def least(*values: Values, **where: Any) -> list[Manifest]:
    """The manifests of what must be given, and ``values``."""
    return render(merged(LEAST, *values), **where)


def refused(values: Values) -> str:
    """Why the chart cannot be installed with ``values``."""
    try:
        texts(values)
    except RefusedError as error:
        return str(error)
    raise AssertionError("it can be installed")


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name)
    return found


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """Whatever makes pods."""
    return of_kind(manifests, "Deployment", "StatefulSet", "Job")


def pod(workload: Manifest) -> Manifest:
    """The template of its pods."""
    template: Manifest = workload["spec"]["template"]
    return template


def containers(workload: Manifest) -> list[Manifest]:
    spec = pod(workload)["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def walk(value: Any) -> Iterator[Any]:
    """``value`` and all that is in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list)):
        for one in inner:
            yield from walk(one)


class _Strict(yaml.CSafeLoader):
    """Refuses a key that is there twice, of which Kubernetes would take one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key twice in {keys}"
        return super().construct_mapping(node, deep=deep)


#: Values that between them use every part of the chart.
VARIANTS: dict[str, Values] = {
    **{f"profile {name}": profile(name) for name in GIVEN},
    "least": LEAST,
    "streams": merged(
        LEAST,
        {
            "scaling": {"mode": "redis-streams"},
            "consumers": {"main": {"pipelines": ["nuclei", "track"]}},
        },
    ),
    "fixed": merged(
        LEAST,
        {
            "scaling": {"mode": "none"},
            "modelServer": {"kind": "none"},
            "consumers": {"gpu": {"gpus": 1}, "main": {"device": "auto"}},
        },
    ),
    "triton": merged(
        LEAST,
        {
            "consumers": {"movies-long": {"pipelines": ["track"], "threads": 8}},
            "modelServer": {
                "kind": "triton",
                "gpus": 1,
                "device": "cuda",
                "triton": {
                    "image": {"repository": "tritonserver", "tag": "26.09-py3"},
                    "models": "repository",
                    "arguments": ["--model-control-mode=poll"],
                },
            },
        },
    ),
    "everything elsewhere": merged(
        {
            "redis": {
                "internal": {"enabled": False},
                "external": {"url": {"secret": "queue"}, "port": 6380, "cidr": "10.1.0.0/16"},
            },
            "auth": {
                "oidc": {
                    "issuer": "https://login.example.org",
                    "clientId": "page",
                    "admins": ["ada@example.org", "grace"],
                }
            },
            "bucket": {"url": "az://lab/kiosk", "secret": "azure"},
            "modelServer": {"kind": "external", "address": "grpc://gpu.example.org:8001"},
            "serviceAccount": {
                "annotations": {"azure.workload.identity/client-id": "0"},
                "podLabels": {"azure.workload.identity/use": "true"},
            },
        }
    ),
    "everything": merged(
        LEAST,
        {
            "fullnameOverride": "kiosk",
            "imagePullSecrets": ["registry"],
            "settings": {"RESULT_DAYS": 60, "JOB_ITEMS": 50000000, "PRICE": "0.12 EUR"},
            "bucket": {"url": "s3://lab", "secret": "keys"},
            "sources": {"nas": {"claim": "nas"}, "plates": {"url": "s3://plates"}},
            "models": {"claim": "models"},
            "pipelines": {"configMap": "own"},
            "redis": {
                "internal": {"enabled": False},
                "external": {"host": "redis", "tls": True, "username": "kiosk", "database": 3},
            },
            "api": {"autoscaling": {"enabled": True}, "podAnnotations": {"a": "b"}},
            "consumers": {
                "main": {"min": 1},
                "movies": {"pipelines": ["track"], "threads": 8, "priorityClassName": "low"},
                "idle": {"enabled": False},
            },
            "modelServer": {"discovery": "queue", "modelMemory": "2G", "load": []},
            "scaling": {"policy": "budget", "budget": 20.5},
            "ingress": {
                "host": "kiosk.example.org",
                "google": True,
                "tls": {"secret": "tls"},
            },
            "networkPolicy": {
                "metadataServer": True,
                "extraEgress": [{"ports": [{"port": 9000, "protocol": "TCP"}]}],
            },
            "monitoring": {"enabled": True, "token": {"secret": "metrics"}},
        },
    ),
    "batch": {
        "batch": {
            "enabled": True,
            "shards": 20,
            "input": {"claim": "plates", "path": "2026"},
            "output": {"claim": "results"},
            "modelServer": "grpc://models:8500",
            "arguments": ["--overlay", "--split", "test"],
        }
    },
    "batch on a bucket": {
        "models": {"claim": "models"},
        "pipelines": {"configMap": "own"},
        "batch": {
            "enabled": True,
            "input": {
                "csi": {"driver": "bucket.csi.example.org", "volumeAttributes": {"bucket": "lab"}}
            },
        },
    },
}
