"""Who is scaled, by whom, between which numbers."""

from __future__ import annotations

import json

import pytest

from cytomill.jobs.queue import PREFIX
from cytomill.scaling.snapshot import Pool, Role
from tests.charts import LEAST, VARIANTS, containers, least, merged, named, of_kind, render

KEDA = "mill-autoscaler.lab.svc:9090"


def scaled(manifests):
    """Who is scaled, and the one that does it."""
    kinds = ("ScaledObject", "HorizontalPodAutoscaler")
    return {x["spec"]["scaleTargetRef"]["name"]: x for x in of_kind(manifests, *kinds)}


def pools(manifests):
    told = named(manifests, "ConfigMap", "mill-autoscaler")["data"]["pools.json"]
    return {one["name"]: one for one in json.loads(told)}


def test_each_pool_is_scaled_by_the_policy_and_nothing_else_is():
    manifests = least({"consumers": {"movies": {"pipelines": ["track"], "min": 1, "max": 3}}})
    found = scaled(manifests)
    assert set(found) == {"mill-consumer-main", "mill-consumer-movies", "mill-models"}
    for name, one in found.items():
        (trigger,) = one["spec"]["triggers"]
        assert trigger["type"] == "external"
        assert trigger["metadata"]["scalerAddress"] == KEDA
        assert name.endswith(trigger["metadata"]["pool"])
    assert found["mill-consumer-main"]["spec"]["minReplicaCount"] == 0
    assert found["mill-consumer-movies"]["spec"]["minReplicaCount"] == 1
    assert found["mill-consumer-movies"]["spec"]["maxReplicaCount"] == 3
    service = named(manifests, "Service", "mill-autoscaler")
    assert [port["port"] for port in service["spec"]["ports"]] == [9090]


def test_the_autoscaler_is_told_what_kubernetes_is():
    manifests = least(
        {"consumers": {"movies": {"pipelines": ["track"], "threads": 8, "price": 0.25}}},
        {"modelServer": {"max": 2, "threads": 3}},
    )
    told, found = pools(manifests), scaled(manifests)
    assert {one["spec"]["triggers"][0]["metadata"]["pool"] for one in found.values()} == set(told)
    for name, one in told.items():
        pool = Pool(
            **{**one, "role": Role(one["role"]), "pipelines": tuple(one.get("pipelines", ()))}
        )
        kind = "models" if pool.role is Role.MODEL_SERVER else f"consumer-{name}"
        spec = found[f"mill-{kind}"]["spec"]
        assert (pool.least, pool.most) == (spec["minReplicaCount"], spec["maxReplicaCount"])
        (container,) = containers(named(manifests, "Deployment", f"mill-{kind}"))
        assert f"--threads={pool.threads}" in container["args"]
        assert f"--name={name}.$(POD_NAME)" in container["args"]
        assert [f"--pipeline={x}" for x in pool.pipelines] == [
            x for x in container["args"] if x.startswith("--pipeline")
        ]
    assert told["movies"]["price"] == 0.25
    assert told["models"]["most"] == 2


def test_a_pool_of_the_defaults_can_be_left_out():
    for gone in (None, {"enabled": False}):
        found = scaled(least({"consumers": {"main": gone, "movies": {}}}))
        assert set(found) == {"mill-consumer-movies", "mill-models"}


def test_a_policy_is_asked_and_obeyed_at_once():
    for one in scaled(least()).values():
        spec = one["spec"]
        assert spec["pollingInterval"] <= 5
        behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        assert behaviour["scaleDown"]["stabilizationWindowSeconds"] == 0
        (policy,) = behaviour["scaleUp"]["policies"]
        assert policy["value"] == spec["maxReplicaCount"]


def test_kubernetes_keeps_what_there_is_while_the_autoscaler_is_away():
    for one in scaled(least()).values():
        fallback = one["spec"]["fallback"]
        assert fallback["behavior"] == "currentReplicasIfHigher"
        assert 1 <= fallback["replicas"] <= one["spec"]["maxReplicaCount"]


def test_other_ways_have_no_autoscaler():
    for name in ("streams", "fixed", "profile laptop"):
        manifests = render(VARIANTS[name])
        assert "mill-autoscaler" not in {one["metadata"]["name"] for one in manifests}
        assert KEDA not in str(manifests)


def test_streams_are_those_of_the_queue():
    manifests = render(VARIANTS["streams"])
    triggers = scaled(manifests)["mill-consumer-main"]["spec"]["triggers"]
    streams = [one["metadata"]["stream"] for one in triggers]
    assert streams == [f"{PREFIX}queue:nuclei:tasks", f"{PREFIX}queue:track:tasks"]
    for one in triggers:
        assert one["metadata"]["address"] == "mill-redis.lab.svc:6379"
        assert one["metadata"]["streamLength"] == "2"
        assert one["authenticationRef"]["name"] == "mill-queue"
    secret = named(manifests, "TriggerAuthentication", "mill-queue")["spec"]["secretTargetRef"]
    assert secret == [{"parameter": "password", "name": "queue", "key": "password"}]
    assert all(one["spec"]["minReplicaCount"] >= 1 for one in scaled(manifests).values())


def test_a_redis_elsewhere_is_looked_at_there():
    manifests = render(
        merged(
            VARIANTS["streams"],
            {
                "redis": {
                    "internal": {"enabled": False},
                    "external": {
                        "host": "queue.example.org",
                        "port": 6380,
                        "tls": True,
                        "database": 2,
                    },
                }
            },
        )
    )
    for one in scaled(manifests).values():
        for trigger in one["spec"]["triggers"]:
            assert trigger["metadata"]["address"] == "queue.example.org:6380"
            assert trigger["metadata"]["enableTLS"] == "true"
            assert trigger["metadata"]["databaseIndex"] == "2"
    for name in ("api", "consumer-main"):
        (one,) = containers(named(manifests, "Deployment", f"mill-{name}"))
        told = {x["name"]: x.get("value") for x in one["env"]}
        assert told["CYTOMILL_REDIS"] == "rediss://:$(REDIS_PASSWORD)@queue.example.org:6380/2"


def test_without_keda_it_is_by_cpu():
    found = scaled(least({"scaling": {"mode": "hpa"}}))
    assert {one["kind"] for one in found.values()} == {"HorizontalPodAutoscaler"}
    assert set(found) == {"mill-consumer-main", "mill-models"}
    assert all(one["spec"]["minReplicas"] == 1 for one in found.values())


def test_servers_with_gpus_are_not_scaled_by_the_cpu_that_they_do_not_use():
    manifests = least(
        {"scaling": {"mode": "hpa"}, "modelServer": {"gpus": 1, "device": "cuda", "min": 2}}
    )
    assert "mill-models" not in scaled(manifests)
    assert named(manifests, "Deployment", "mill-models")["spec"]["replicas"] == 2


def test_without_scaling_there_are_always_as_many():
    manifests = least({"scaling": {"mode": "none"}, "consumers": {"main": {"max": 7}}})
    assert not scaled(manifests)
    assert named(manifests, "Deployment", "mill-consumer-main")["spec"]["replicas"] == 7
    assert named(manifests, "Deployment", "mill-models")["spec"]["replicas"] == 4


def test_there_are_as_many_of_triton_as_the_consumers_that_are_wanted_need():
    manifests = render(VARIANTS["triton"])
    spec = scaled(manifests)["mill-models"]["spec"]
    formula = spec["advanced"]["scalingModifiers"]["formula"]
    assert formula == "(wanted_main * 2 + wanted_movies_long * 8) / 32"
    names = {trigger["name"] for trigger in spec["triggers"]}
    assert names == {"wanted_main", "wanted_movies_long"}
    assert eval(formula, {"wanted_main": 8, "wanted_movies_long": 10}) == 3.0
    assert "models" not in pools(manifests)


@pytest.mark.parametrize("mode", ["policy", "redis-streams", "hpa", "none"])
def test_a_scale_command_of_the_documentation_is_about_consumers(mode):
    values = merged(LEAST, {"scaling": {"mode": mode}})
    values["consumers"] = {"main": {"pipelines": ["nuclei"]}}
    assert not {"mill-api", "mill-redis", "mill-autoscaler"} & set(scaled(render(values)))


def test_model_servers_are_found_by_consumers_and_by_the_policy():
    manifests = least()
    (server,) = containers(named(manifests, "Deployment", "mill-models"))
    assert {"--announce", "--announce-address=$(POD_IP):8500"} <= set(server["args"])
    assert named(manifests, "Service", "mill-models")["spec"]["clusterIP"] == "None"
    (consumer,) = containers(named(manifests, "Deployment", "mill-consumer-main"))
    assert "--model-server=grpc+dns://mill-models:8500" in consumer["args"]
    manifests = least({"modelServer": {"discovery": "queue"}})
    (consumer,) = containers(named(manifests, "Deployment", "mill-consumer-main"))
    assert "--model-server=queue" in consumer["args"]
