"""What every pod may do, and how it lives and ends."""

from __future__ import annotations

import pytest

from tests.charts import (
    GIVEN,
    LEAST,
    VARIANTS,
    containers,
    least,
    merged,
    named,
    of_kind,
    pod,
    profile,
    render,
    walk,
    workloads,
)

#: Seconds from when a spot node is told until its pods are killed.
NOTICE = {"gke": 15, "eks": 120}

PODS = [
    pytest.param(one, id=f"{name}: {one['metadata']['name']}")
    for name, values in VARIANTS.items()
    for one in workloads(render(values))
]
each = pytest.mark.parametrize("workload", PODS)


@each
def test_a_pod_is_nobody_and_may_do_nothing(workload):
    spec = pod(workload)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["runAsGroup"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for one in containers(workload):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert not any("hostPath" in volume for volume in spec["volumes"])


@each
def test_a_pod_writes_where_it_can(workload):
    spec = pod(workload)["spec"]
    scratch = {x["name"]: x["emptyDir"]["sizeLimit"] for x in spec["volumes"] if "emptyDir" in x}
    for one in containers(workload):
        assert "/tmp" in {mount["mountPath"] for mount in one["volumeMounts"]}
        home = {x["name"]: x.get("value") for x in one["env"]}.get("HOME", "/tmp")
        assert home == "/tmp"
    assert scratch["tmp"]


@each
def test_a_pod_has_a_share_of_its_node_and_no_more(workload):
    for one in containers(workload):
        resources = one["resources"]
        assert {"cpu", "memory", "ephemeral-storage"} <= set(resources["requests"])
        assert {"memory", "ephemeral-storage"} <= set(resources["limits"])


@each
def test_a_pod_has_probes_that_tell_the_truth(workload):
    if workload["kind"] == "Job":
        assert pod(workload)["spec"]["restartPolicy"] == "Never"
        return
    for one in containers(workload):
        ports = {port["name"] for port in one["ports"]}
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = one[name]
            if "httpGet" in probe:
                assert probe["httpGet"]["port"] in ports
        live, ready = one["livenessProbe"], one["readinessProbe"]
        # What it waits for being away is no reason to end a process.
        assert live.get("httpGet", live.get("exec")) != ready.get("httpGet", ready.get("exec"))
        patience = live["periodSeconds"] * live["failureThreshold"]
        assert patience >= 60
        start = one["startupProbe"]
        assert start["periodSeconds"] * start["failureThreshold"] >= 120


@each
def test_a_pod_ends_in_time_for_what_it_drains(workload):
    grace = pod(workload)["spec"]["terminationGracePeriodSeconds"]
    (one,) = containers(workload)
    options = dict(
        word.split("=", 1) for word in one.get("args", ()) if word.startswith("--") and "=" in word
    )
    for drain in (options.get("--drain"), options.get("--exit-timeout-secs")):
        if drain is not None:
            assert int(drain) < grace <= int(drain) + 5
    if "--linger" in one.get("args", ()):
        linger = int(one["args"][one["args"].index("--linger") + 1])
        assert grace >= linger + 15, "the API has 15 s for what is in hand when it lingers no more"


@pytest.mark.parametrize("name", NOTICE)
def test_what_runs_on_spot_nodes_ends_within_their_notice(name):
    manifests = render(profile(name))
    for one in workloads(manifests):
        if one["metadata"]["labels"]["app.kubernetes.io/component"] in ("consumer", "models"):
            assert pod(one)["spec"]["terminationGracePeriodSeconds"] < NOTICE[name]


@pytest.mark.parametrize("name", ["gke", "eks"])
def test_what_must_stay_is_not_on_spot_nodes(name):
    manifests = render(profile(name))
    for one in ("redis", "autoscaler"):
        kind = "StatefulSet" if one == "redis" else "Deployment"
        spec = pod(named(manifests, kind, f"mill-{one}"))["spec"]
        placed = str(spec.get("nodeSelector")) + str(spec["affinity"])
        assert "system" in placed or "NotIn" in placed
        assert "tolerations" not in spec


@pytest.mark.parametrize("name", ["gke", "eks", "on-premise"])
def test_gpus_are_for_model_servers_alone(name):
    for one in workloads(render(profile(name))):
        gpus = [c["resources"]["limits"].get("nvidia.com/gpu") for c in containers(one)]
        models = one["metadata"]["name"] == "mill-models"
        assert gpus == [1 if models else None]
        if models:
            (server,) = containers(one)
            assert server["image"].startswith("cytomill-model-server-cuda:")
            assert "--device=cuda" in server["args"]
            keys = {x["key"] for x in pod(one)["spec"]["tolerations"]}
            assert "nvidia.com/gpu" in keys


@each
def test_pods_are_spread_over_zones_and_nodes(workload):
    spread = pod(workload)["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    labels = pod(workload)["metadata"]["labels"]
    for one in spread:
        assert one["labelSelector"]["matchLabels"].items() <= labels.items()


def test_the_api_is_replaced_without_a_gap():
    spec = named(least(), "Deployment", "mill-api")["spec"]
    assert spec["replicas"] >= 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_there_is_one_autoscaler_at_a_time():
    spec = named(least(), "Deployment", "mill-autoscaler")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"]["type"] == "Recreate"


@pytest.mark.parametrize("name", VARIANTS)
def test_nobody_is_given_rights_in_kubernetes(name):
    manifests = render(VARIANTS[name])
    kinds = {one["kind"] for one in manifests}
    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"}
    for account in of_kind(manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_passwords_and_tokens_come_from_secrets_alone():
    for values in VARIANTS.values():
        for one in workloads(render(values)):
            for container in containers(one):
                secret = {x["name"] for x in container["env"] if "valueFrom" in x}
                for name in ("REDIS_PASSWORD", "CYTOMILL_ADMIN_TOKEN", "CYTOMILL_METRICS_TOKEN"):
                    assert name in secret or name not in str(container["env"])


def test_only_those_that_need_the_cloud_are_somebody_there():
    values = merged(LEAST, {"serviceAccount": {"annotations": {"role": "kiosk"}}})
    manifests = render(values)
    (account,) = (x for x in of_kind(manifests, "ServiceAccount") if "annotations" in x["metadata"])
    known = {
        one["metadata"]["name"]
        for one in workloads(manifests)
        if pod(one)["spec"]["serviceAccountName"] == account["metadata"]["name"]
    }
    assert known == {"mill-api", "mill-consumer-main"}


@pytest.mark.parametrize("name", GIVEN)
def test_no_image_has_a_registry(name):
    for one in walk(render(profile(name))):
        if isinstance(one, dict) and "image" in one:
            assert "." not in one["image"].split("/")[0].split(":")[0]


def test_an_image_of_ones_own_is_used_everywhere():
    image = {"repository": "registry.example.org:5000/lab/cytomill", "tag": "1.2"}
    manifests = least({"image": image, "imagePullSecrets": ["pull"]})
    ours = [c["image"] for x in workloads(manifests) for c in containers(x)]
    assert ours.count("registry.example.org:5000/lab/cytomill:1.2") == 3
    assert ours.count("registry.example.org:5000/lab/cytomill-model-server:0.1.0") == 1
    assert ours.count("valkey/valkey:8.1") == 1
    for one in workloads(manifests):
        assert pod(one)["spec"]["imagePullSecrets"] == [{"name": "pull"}]


def test_resources_of_a_pool_are_those_of_the_defaults_but_for_what_it_gives():
    manifests = least({"consumers": {"large": {"resources": {"limits": {"memory": "64Gi"}}}}})
    (large,) = containers(named(manifests, "Deployment", "mill-consumer-large"))
    (main,) = containers(named(manifests, "Deployment", "mill-consumer-main"))
    assert large["resources"]["limits"]["memory"] == "64Gi"
    assert large["resources"]["requests"] == main["resources"]["requests"]


def test_what_a_consumer_copies_fits_on_its_disk():
    (one,) = containers(
        named(
            least({"consumers": {"main": {"scratchGiB": 2000}}}), "Deployment", "mill-consumer-main"
        )
    )
    told = {x["name"]: x.get("value") for x in one["env"]}
    assert int(told["CYTOMILL_CACHE_BYTES"]) == 1000 * 2**30
    assert one["resources"]["limits"]["ephemeral-storage"] == "2000Gi"
