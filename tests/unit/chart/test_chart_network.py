"""Who reaches whom: each arrow of the architecture, and no other."""

from __future__ import annotations

import ipaddress
from itertools import product

import pytest

from tests.charts import VARIANTS, least, merged, named, of_kind, pod, render, workloads

#: Somebody outside the release: their namespace's name, labels of the pod, and an address.
OUTSIDE = {
    "keda": "keda",
    "monitoring": "monitoring",
    "ingress": "ingress-nginx",
    "stranger": "default",
}
PORTS = {53, 80, 443, 6379, 6380, 8001, 8080, 8081, 8500, 8501, 8502, 9090, 26379}


class Pod:
    def __init__(self, name, namespace, labels, address):
        self.name, self.namespace, self.labels, self.address = name, namespace, labels, address


def everybody(manifests):
    """The pods of the release, others in the cluster, and two addresses outside it."""
    for number, one in enumerate(workloads(manifests)):
        labels = pod(one)["metadata"]["labels"]
        name = one["metadata"]["name"].removeprefix("mill-")
        yield Pod(name, "lab", labels, f"10.1.0.{number}")
    for number, (name, namespace) in enumerate(OUTSIDE.items()):
        yield Pod(name, namespace, {}, f"10.1.1.{number}")
    yield Pod("neighbour", "lab", {"app": "other"}, "10.1.2.1")
    yield Pod("dns", "kube-system", {}, "10.1.3.1")
    yield Pod("internet", None, {}, "198.51.100.7")
    yield Pod("metadata", None, {}, "169.254.169.254")


def matches(selector, labels):
    assert set(selector) <= {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()


def peer(rule, other, home):
    if "ipBlock" in rule:
        block = rule["ipBlock"]
        address = ipaddress.ip_address(other.address)
        inside = address in ipaddress.ip_network(block["cidr"])
        # A network plug-in may or may not count pods among addresses: the worst is taken.
        return inside and not any(
            address in ipaddress.ip_network(one) for one in block.get("except", ())
        )
    if other.namespace is None:
        return False
    if "namespaceSelector" in rule:
        told = {"kubernetes.io/metadata.name": other.namespace}
        if not matches(rule["namespaceSelector"], told):
            return False
    elif other.namespace != home:
        return False
    return matches(rule.get("podSelector", {}), other.labels)


def allowed(policies, one, other, port, way):
    """Whether the policies of ``one`` let it speak with ``other`` in one way."""
    if one.namespace != "lab":
        return True
    mine = [p["spec"] for p in policies if matches(p["spec"]["podSelector"], one.labels)]
    mine = [p for p in mine if way.capitalize() in p["policyTypes"]]
    if not mine:
        return True
    side = {"egress": "to", "ingress": "from"}[way]
    for rule in (rule for p in mine for rule in p.get(way, ())):
        ports = {(x["port"]) for x in rule.get("ports", ())}
        if ports and port not in ports:
            continue
        if side not in rule or any(peer(x, other, "lab") for x in rule[side]):
            return True
    return False


def arrows(manifests):
    """All that is let through, of which an end is in the release."""
    policies = of_kind(manifests, "NetworkPolicy")
    pods = list(everybody(manifests))
    ours = {one["metadata"]["name"].removeprefix("mill-") for one in workloads(manifests)}
    return {
        (one.name, other.name, port)
        for one, other, port in product(pods, pods, PORTS)
        if one is not other
        and {one.name, other.name} & ours
        and allowed(policies, one, other, port, "egress")
        and allowed(policies, other, one, port, "ingress")
    }


def ends(manifests):
    return [one["metadata"]["name"].removeprefix("mill-") for one in workloads(manifests)]


def everyone_else(manifests, *but):
    return [one.name for one in everybody(manifests) if one.name not in (*ends(manifests), *but)]


QUEUE = {
    ("api", "redis", 6379),
    ("consumer-main", "redis", 6379),
    ("models", "redis", 6379),
    ("autoscaler", "redis", 6379),
    ("consumer-main", "models", 8500),
    ("keda", "autoscaler", 9090),
}


def test_each_arrow_of_the_architecture_and_no_other():
    manifests = least()
    expected = set(QUEUE)
    expected |= {(one, "dns", 53) for one in ends(manifests)}
    expected |= {(one, "api", 8080) for one in everyone_else(manifests)}
    assert arrows(manifests) == expected


def test_the_bucket_is_for_those_who_use_it():
    manifests = least({"bucket": {"url": "s3://lab"}})
    added = arrows(manifests) - arrows(least())
    # By its address alone the internet is not told from what else has one in the cluster.
    assert {(one, other, port) for one, other, port in added if other == "internet"} == {
        ("api", "internet", 443),
        ("consumer-main", "internet", 443),
    }
    assert {one for one, _, _ in added} == {"api", "consumer-main"}
    assert not any(other == "metadata" for _, other, _ in added)
    identity = arrows(
        least({"bucket": {"url": "s3://lab"}, "networkPolicy": {"metadataServer": True}})
    )
    assert {(one, port) for one, other, port in identity if other == "metadata"} == {
        ("api", 80),
        ("consumer-main", 80),
    }


def test_the_api_is_for_its_clients():
    peers = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    ]
    found = arrows(least({"networkPolicy": {"clients": peers}}))
    assert {one for one, other, _ in found if other == "api"} == {"ingress"}


def test_prometheus_reaches_what_it_reads():
    manifests = least(
        {
            "monitoring": {"enabled": True, "token": {"secret": "metrics"}},
            "networkPolicy": {"clients": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
        }
    )
    found = {(other, port) for one, other, port in arrows(manifests) if one == "monitoring"}
    assert found == {("api", 8080), ("consumer-main", 8081), ("autoscaler", 8081), ("models", 8502)}


def test_keda_looks_at_the_queue_only_where_it_must():
    manifests = render(VARIANTS["streams"])
    found = {(one, other, port) for one, other, port in arrows(manifests) if one == "keda"}
    assert found == {("keda", "redis", 6379), ("keda", "api", 8080)}


def test_a_redis_elsewhere_is_reached_there_alone():
    outside = {"enabled": False}
    external = {"host": "queue", "port": 6380, "otherPorts": [26379], "cidr": "198.51.100.0/24"}
    found = arrows(least({"redis": {"internal": outside, "external": external}}))
    those = ("api", "consumer-main", "models", "autoscaler")
    assert {arrow for arrow in found if arrow[1] == "internet"} == {
        (one, "internet", port) for one in those for port in (6380, 26379)
    }


def test_a_model_server_elsewhere_is_for_consumers():
    values = {"modelServer": {"kind": "external", "address": "grpc://gpu.example.org:8001"}}
    found = arrows(least(values))
    assert {one for one, other, port in found if other == "internet"} == {"consumer-main"}
    assert {port for _, other, port in found if other == "internet"} == {8001}


def test_triton_asks_nobody():
    found = arrows(render(VARIANTS["triton"]))
    assert {(other, port) for one, other, port in found if one == "models"} == {("dns", 53)}


def test_a_batch_speaks_with_nobody_but_what_it_is_told():
    manifests = render({"batch": {"enabled": True, "input": {"claim": "plates"}}})
    (job,) = ends(manifests)
    assert arrows(manifests) == {(job, "dns", 53)}
    (job,) = ends(render(VARIANTS["batch"]))
    found = arrows(render(VARIANTS["batch"]))
    assert {port for one, _, port in found if one == job} == {53, 8500}


def test_the_policies_can_be_left_to_others():
    manifests = least({"networkPolicy": {"enabled": False}})
    assert not of_kind(manifests, "NetworkPolicy")


@pytest.mark.parametrize("name", ["profile gke", "profile on-premise"])
def test_a_profile_lets_in_its_ingress_and_nobody_else(name):
    manifests = render(merged(VARIANTS[name], {"monitoring": {"enabled": False}}))
    found = {one for one, other, _ in arrows(manifests) if other == "api"}
    assert found == ({"ingress"} if name == "profile on-premise" else set())
    assert named(manifests, "NetworkPolicy", "mill-deny")["spec"]["policyTypes"] == [
        "Ingress",
        "Egress",
    ]
