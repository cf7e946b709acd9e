"""What the chart's profile for GKE expects is what `cytomill cluster` makes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cytomill.cloud.gke import bodies
from cytomill.cloud.gke.cluster import ACCOUNT, GPUS, NAMESPACE, POOL, Cluster
from cytomill.cloud.gke.create import next_steps
from tests.charts import CHART, Manifest, merged, of_kind, render

LAB = Cluster("my-lab-1234", "europe-west4-b", "lab", GPUS["t4"], bucket="my-lab-kiosk")
CPU = Cluster("my-lab-1234", "europe-west4-b", "lab")


def _nodes(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """The pools of nodes as Google is told to make them."""
    system = bodies.cluster(cluster)["cluster"]["nodePools"]
    others = [bodies.node_pool(cluster, one)["nodePool"] for one in cluster.pools[1:]]
    return {one["name"]: one["config"] for one in (*system, *others)}


def _installed(cluster: Cluster) -> list[Manifest]:
    """What the command that `create` shows at its end makes."""
    _, helm = next_steps(cluster, "registry.example/lab", "1.2")
    values: dict[str, Any] = yaml.safe_load((CHART / "profiles/gke.yaml").read_text())
    for key, text in re.findall(r"--set (\S+)=(\S+)", helm):
        *path, last = key.split(".")
        one: dict[str, Any] = {last: int(text) if text.isdigit() else text}
        for part in reversed(path):
            one = {part: one}
        values = merged(values, one)
    (namespace,) = re.findall(r"--namespace (\S+)", helm)
    assert namespace == NAMESPACE
    return render(values, release="cytomill", namespace=namespace)


def _pods(manifests: list[Manifest]) -> dict[str, dict[str, Any]]:
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in of_kind(manifests, "Deployment", "StatefulSet")
    }


@pytest.mark.parametrize("cluster", [LAB, CPU], ids=["gpu", "cpu"])
def test_every_pod_has_nodes_to_be_on(cluster: Cluster) -> None:
    nodes = _nodes(cluster)
    pods = _pods(_installed(cluster))
    chosen = set()
    for name, pod in pods.items():
        pool = pod["nodeSelector"][POOL]
        config = nodes[pool]
        assert config["labels"][POOL] == pool
        chosen.add(pool)
        tolerated = {
            (one["key"], one.get("value"), one["operator"]) for one in pod.get("tolerations", ())
        }
        for taint in config.get("taints", ()):
            key, value = taint["key"], taint["value"]
            assert tolerated & {(key, value, "Equal"), (key, None, "Exists")}, f"{name}: {taint}"
    assert chosen == set(nodes)


def test_those_who_need_the_bucket_are_who_may_use_it() -> None:
    pods = _pods(_installed(LAB))
    users = {name for name, pod in pods.items() if pod["serviceAccountName"] == ACCOUNT}
    assert {"cytomill-api", "cytomill-consumer-main"} <= users


def test_pools_are_no_larger_than_their_nodes() -> None:
    manifests = _installed(LAB)
    most = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicaCount"]
        for one in of_kind(manifests, "ScaledObject")
    }
    assert most == {"cytomill-consumer-main": 40, "cytomill-models": 4}
    (consumer,) = _pods(manifests)["cytomill-consumer-main"]["containers"]
    assert consumer["resources"]["requests"]["cpu"] == "3500m"  # two on a node of 8
    assert consumer["image"] == "registry.example/lab/cytomill:1.2"
    (server,) = _pods(manifests)["cytomill-models"]["containers"]
    assert server["image"] == "registry.example/lab/cytomill-model-server-cuda:1.2"
