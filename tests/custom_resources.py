"""Schemas of what others add to Kubernetes, of the fields that the chart uses or might.

They are written from the descriptions of KEDA 2.17, of the Prometheus operator 0.80 and of GKE.
What is not in them is refused, for Kubernetes would drop it without a word.
"""

from __future__ import annotations

from typing import Any

import jsonschema

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _list(of: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": least}


def _one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


_SCALING_POLICY = _object(
    "type",
    "value",
    "periodSeconds",
    type=_one_of("Pods", "Percent"),
    value={"type": "integer", "minimum": 1},
    periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
)
_RULES = _object(
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    selectPolicy=_one_of("Max", "Min", "Disabled"),
    policies=_list(_SCALING_POLICY, 1),
)
_EXTERNAL = _object(
    "scalerAddress",
    "pool",
    scalerAddress={"type": "string", "pattern": r"^[a-z0-9.-]+:[0-9]+$"},
    pool=_TEXT,
)
_STREAM = _object(
    "address",
    "stream",
    address={"type": "string", "pattern": r"^[a-z0-9.-]+:[0-9]+$"},
    stream=_TEXT,
    username=_TEXT,
    enableTLS=_one_of("true", "false"),
    databaseIndex={"type": "string", "pattern": "^[0-9]+$"},
    streamLength={"type": "string", "pattern": "^[1-9][0-9]*$"},
    activationStreamLength={"type": "string", "pattern": "^[0-9]+$"},
)


def _trigger(kind: str, metadata: Any) -> dict[str, Any]:
    return _object(
        "type",
        "metadata",
        type={"const": kind},
        name={"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
        metadata=metadata,
        metricType=_one_of("AverageValue", "Value"),
        useCachedMetrics={"type": "boolean"},
        authenticationRef=_object("name", name=_TEXT, kind=_TEXT),
    )


_SCALED_OBJECT = _object(
    "scaleTargetRef",
    "triggers",
    scaleTargetRef=_object(
        "name", name=_TEXT, apiVersion=_TEXT, kind=_TEXT, envSourceContainerName=_TEXT
    ),
    pollingInterval=_WHOLE,
    cooldownPeriod=_WHOLE,
    initialCooldownPeriod=_WHOLE,
    idleReplicaCount={"const": 0},
    minReplicaCount=_WHOLE,
    maxReplicaCount=_WHOLE,
    fallback=_object(
        "failureThreshold",
        "replicas",
        failureThreshold=_WHOLE,
        replicas=_WHOLE,
        behavior=_one_of(
            "static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"
        ),
    ),
    advanced=_object(
        restoreToOriginalReplicaCount={"type": "boolean"},
        horizontalPodAutoscalerConfig=_object(
            name=_TEXT, behavior=_object(scaleUp=_RULES, scaleDown=_RULES)
        ),
        scalingModifiers=_object(
            "formula",
            "target",
            formula=_TEXT,
            target={"type": "string", "pattern": "^[0-9.]+$"},
            activationTarget=_TEXT,
            metricType=_one_of("AverageValue", "Value"),
        ),
    ),
    triggers=_list(
        {"oneOf": [_trigger("external", _EXTERNAL), _trigger("redis-streams", _STREAM)]}, 1
    ),
)
_SECRET_KEY = _object("name", "key", name={"type": "string", "minLength": 1}, key=_TEXT)
_TRIGGER_AUTHENTICATION = _object(
    secretTargetRef=_list(
        _object("parameter", "name", "key", parameter=_TEXT, name=_TEXT, key=_TEXT), 1
    )
)
_SELECTOR = _object("matchLabels", matchLabels=_TEXTS)
_DURATION = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"}
_ENDPOINT = _object(
    "port",
    port=_TEXT,
    path=_TEXT,
    scheme=_one_of("http", "https"),
    interval=_DURATION,
    scrapeTimeout=_DURATION,
    authorization=_object("credentials", type=_one_of("Bearer"), credentials=_SECRET_KEY),
)
_SERVICE_MONITOR = _object(
    "selector",
    "endpoints",
    selector=_SELECTOR,
    endpoints=_list(_ENDPOINT, 1),
    jobLabel=_TEXT,
    targetLabels=_list(_TEXT),
    podTargetLabels=_list(_TEXT),
    namespaceSelector=_object(any={"type": "boolean"}, matchNames=_list(_TEXT)),
)
_POD_MONITOR = _object(
    "selector",
    "podMetricsEndpoints",
    selector=_SELECTOR,
    podMetricsEndpoints=_list(_ENDPOINT, 1),
    jobLabel=_TEXT,
    podTargetLabels=_list(_TEXT),
    namespaceSelector=_object(any={"type": "boolean"}, matchNames=_list(_TEXT)),
)
_PROMETHEUS_RULE = _object(
    "groups",
    groups=_list(
        _object(
            "name",
            "rules",
            name=_TEXT,
            interval=_DURATION,
            rules=_list(
                _object(
                    "alert",
                    "expr",
                    **{"for": _DURATION},
                    alert={"type": "string", "pattern": "^[A-Za-z]+$"},
                    expr=_TEXT,
                    labels=_TEXTS,
                    annotations=_TEXTS,
                ),
                1,
            ),
        ),
        1,
    ),
)
_BACKEND_CONFIG = _object(
    timeoutSec={"type": "integer", "minimum": 1, "maximum": 86400},
    connectionDraining=_object(drainingTimeoutSec=_WHOLE),
    healthCheck=_object(
        type=_one_of("HTTP", "HTTPS", "HTTP2"),
        requestPath={"type": "string", "pattern": "^/"},
        port=_WHOLE,
        checkIntervalSec=_WHOLE,
        timeoutSec=_WHOLE,
        healthyThreshold=_WHOLE,
        unhealthyThreshold=_WHOLE,
    ),
)

_SPECS = {
    ("keda.sh/v1alpha1", "ScaledObject"): _SCALED_OBJECT,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _TRIGGER_AUTHENTICATION,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _SERVICE_MONITOR,
    ("monitoring.coreos.com/v1", "PodMonitor"): _POD_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): _PROMETHEUS_RULE,
    ("cloud.google.com/v1", "BackendConfig"): _BACKEND_CONFIG,
}
_METADATA = _object(
    "name",
    name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},
    labels=_TEXTS,
    annotations=_TEXTS,
)


def known(manifest: dict[str, Any]) -> bool:
    """Whether there is a schema here."""
    return (manifest["apiVersion"], manifest["kind"]) in _SPECS


def check(manifest: dict[str, Any]) -> None:
    """Raises `jsonschema.ValidationError`."""
    spec = _SPECS[manifest["apiVersion"], manifest["kind"]]
    whole = _object("metadata", "spec", apiVersion=_TEXT, kind=_TEXT, metadata=_METADATA, spec=spec)
    jsonschema.Draft202012Validator(whole).validate(manifest)
