"""What cannot be installed is refused, in words that name the value."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import yaml

from cytomill.settings import Settings
from tests.charts import CHART, LEAST, merged, refused

#: Settings that have values of their own, or mean nothing there.
OWN = {
    *("redis", "bucket", "model_server", "sources", "models", "pipelines", "proxies", "audit"),
    *("oidc_issuer", "oidc_audience", "oidc_admins", "oidc_client_id"),
    *("admin_token", "metrics_token", "cache_bytes", "server", "token", "kiosk"),
}

FAULTS = {
    "redis.password.secret is empty": {"redis": {"password": {"secret": ""}}},
    "auth.adminToken.secret is empty": {"auth": {"adminToken": {"secret": ""}}},
    "auth.oidc.admins is empty": {
        "auth": {"adminToken": {"secret": ""}, "oidc": {"issuer": "https://login.example.org"}}
    },
    "monitoring.token.secret is empty": {"monitoring": {"enabled": True}},
    "redis.external.host is empty": {"redis": {"internal": {"enabled": False}}},
    "redis.external.url.secret: KEDA": {
        "redis": {"internal": {"enabled": False}, "external": {"url": {"secret": "queue"}}},
        "scaling": {"mode": "redis-streams"},
    },
    "consumers: none is enabled": {"consumers": {"main": {"enabled": False}}},
    "consumers.models: is the name": {"consumers": {"models": {}}},
    "consumers.main.min: 11 is more than its max, 10": {"consumers": {"main": {"min": 11}}},
    "modelServer.min: 9 is more than its max, 4": {"modelServer": {"min": 9}},
    "consumers.main.min: 0 is not possible with scaling.mode=hpa": {
        "scaling": {"mode": "hpa"},
        "consumers": {"main": {"min": 0}},
    },
    "consumers.main.min: with scaling.mode=none": {
        "scaling": {"mode": "none"},
        "consumers": {"main": {"min": 1}},
    },
    "consumers.main.pipelines: is empty": {"scaling": {"mode": "redis-streams"}},
    "consumers.main.device: is cpu, but gpus is 1": {
        "modelServer": {"kind": "none"},
        "consumers": {"main": {"gpus": 1, "device": "cpu"}},
    },
    "consumers.main.gpus: models run on the model server": {"consumers": {"main": {"gpus": 1}}},
    "consumers.main.device: models run on": {"consumers": {"main": {"device": "cpu"}}},
    "batch.device: models run on": {
        "batch": {
            "enabled": True,
            "input": {"claim": "plates"},
            "device": "cpu",
            "modelServer": "grpc://gpu:8001",
        }
    },
    "modelServer.device: is cpu, but gpus is 2": {"modelServer": {"gpus": 2, "device": "cpu"}},
    "modelServer.address: give the address": {"modelServer": {"kind": "external"}},
    "modelServer.address: is for": {"modelServer": {"address": "grpc://gpu:8001"}},
    "modelServer.triton.image: give": {"modelServer": {"kind": "triton"}},
    "modelServer.triton.models: name a claim": {
        "modelServer": {
            "kind": "triton",
            "triton": {"image": {"repository": "triton", "tag": "26.09"}},
        }
    },
    "ingress.tls.secret is empty": {"ingress": {"host": "kiosk.example.org"}},
    "scaling.within is empty": {"scaling": {"policy": "deadline"}},
    "scaling.within: is for the policy deadline": {"scaling": {"within": "4h"}},
    "scaling.budget is empty": {"scaling": {"policy": "budget"}},
    "scaling.budget: is for the policy budget": {"scaling": {"budget": 3}},
    "api.autoscaling.max: is 6, less than": {
        "api": {"replicas": 7, "autoscaling": {"enabled": True}}
    },
    "sources.nas: give a url or a claim": {"sources": {"nas": {}}},
    "batch.input.claim is empty": {"batch": {"enabled": True}},
    "batch.modelServer: give the address": {
        "batch": {"enabled": True, "input": {"claim": "plates"}, "modelServer": "gpu:8001"}
    },
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_cannot_be_is_refused_in_words(words):
    told = refused(merged(LEAST, FAULTS[words]))
    assert words in told
    assert "nil pointer" not in told


def test_nothing_is_installed_without_secrets():
    assert "redis.password.secret is empty" in refused({})
    assert "auth.adminToken.secret is empty" in refused({"redis": LEAST["redis"]})


def test_a_secret_that_is_missing_comes_with_the_command_that_makes_it():
    told = refused({})
    assert "kubectl create secret generic cytomill-redis --from-literal=password=" in told
    told = refused({"redis": LEAST["redis"]})
    assert "kubectl create secret generic cytomill-admin --from-literal=token=cm_" in told


def places(value, path=()):
    """Every place in the values where something could be mistyped."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from places(inner, (*path, key)) if isinstance(inner, dict) else ()


VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

#: Where names are those of others: labels, nodes, pools, sources.
ANY = (
    "annotations",
    "labels",
    "podLabels",
    "nodeSelector",
    "podAnnotations",
    "sources",
    "consumers",
)


@pytest.mark.parametrize(
    "path", [one for one in places(VALUES) if not one or one[-1] not in ANY], ids=".".join
)
def test_a_value_that_is_not_there_is_refused(path):
    values = {"replicaCnt": 1}
    for key in reversed(path):
        values = {key: values}
    if path[-1:] in (("requests",), ("limits",)):
        values = json.loads(json.dumps(values).replace("1}", '"many"}'))
    assert "replicaCnt" in refused(merged(LEAST, values))


def test_a_value_of_a_pool_that_is_not_there_is_refused():
    assert "replicas" in refused(merged(LEAST, {"consumers": {"main": {"replicas": 3}}}))
    assert "Main" in refused(merged(LEAST, {"consumers": {"Main": {}}}))


@pytest.mark.parametrize(
    "values",
    [
        {"api": {"replicas": 0}},
        {"api": {"replicas": "2"}},
        {"scaling": {"mode": "magic"}},
        {"bucket": {"url": "/mnt/nas"}},
        {"bucket": {"url": "http://minio/bucket"}},
        {"redis": {"password": {"secret": "Not A Name"}}},
        {"redis": {"external": {"username": "a@b"}}},
        {"consumers": {"main": {"threads": 0}}},
        {"consumers": {"main": {"resources": {"limits": {"memory": "lots"}}}}},
        {"image": {"tag": "a b"}},
        {"ingress": {"proxies": ["everybody"]}},
        {"settings": {"RESULT_DAYS": "many"}},
        {"settings": {"REDIS": "redis://other"}},
        {"monitoring": {"interval": "often"}},
    ],
    ids=json.dumps,
)
def test_a_value_that_cannot_be_is_refused(values):
    refused(merged(LEAST, values))


def test_settings_are_those_of_the_program():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    told = schema["properties"]["settings"]["properties"]
    known = {one.name: one.default for one in dataclasses.fields(Settings) if one.name not in OWN}
    assert set(told) == {name.upper() for name in known}
    for name, default in known.items():
        whole = told[name.upper()]["type"] == "integer"
        assert whole == isinstance(default, int), name


def test_every_value_is_in_the_schema_and_explained():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]) == set(VALUES)
    assert schema["properties"]["consumers"]["additionalProperties"]["oneOf"]
    consumer = schema["definitions"]["consumer"]["properties"]
    assert set(consumer) == set(VALUES["consumerDefaults"])
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    assert all(len(line) <= 110 for line in text.splitlines())
    for name in ("drainSeconds", "price", "scratchGiB", "tasksEach", "memoryMiB", "lingerSeconds"):
        assert re.search(rf"^ +{name}: .* # ", text, re.MULTILINE), f"{name} has no unit"
