"""Clusters of GKE, taken away with all that they left behind, at a Google of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cytomill.cloud.errors import CloudError
from cytomill.cloud.gke.destroy import buckets, destroy, leaks
from tests.cluster_lab import CLUSTERS, LAB, POOLS, Lab
from tests.google_cloud import google_cloud


@pytest.fixture
def lab() -> Iterator[Lab]:
    with google_cloud() as cloud:
        made = Lab(cloud)
        with made.google:
            yield made


def test_nothing_is_left(lab: Lab) -> None:
    lab.create()
    lab.project.objects["my-lab-kiosk"] = {f"kiosk/job {n}/α.tif" for n in range(5)}
    assert lab.destroy() == []
    assert not lab.project.clusters
    assert not lab.project.things
    assert not lab.project.accounts
    assert not lab.project.buckets
    members = [
        one for each in lab.project.policies["project"]["bindings"] for one in each["members"]
    ]
    assert members == ["user:ann@example.org"]


def test_destroyed_again_there_is_nothing_to_do(lab: Lab) -> None:
    assert lab.destroy() == []  # before it was ever made, and with nothing enabled
    lab.create()
    assert lab.destroy() == []
    lab.cloud.calls.clear()
    assert lab.destroy() == []
    assert [one for one in lab.cloud.changes() if not one.endswith("getIamPolicy")] == []


def test_the_bucket_is_kept_unless_it_is_named(lab: Lab) -> None:
    lab.create()
    assert lab.destroy(replace(LAB, bucket="")) == []
    assert buckets(LAB, lab.google) == ["my-lab-kiosk"]
    lab.project.buckets["other"] = {"name": "other"}
    with pytest.raises(CloudError, match="bucket other: was not made for this cluster"):
        lab.destroy(replace(LAB, bucket="other"))
    assert lab.destroy() == []
    assert list(lab.project.buckets) == ["other"]


def _leak(lab: Lab) -> None:
    """What Kubernetes makes while a cluster runs, and leaves behind."""
    add, region, zone = lab.cloud.add, "regions/europe-west4", "zones/europe-west4-b"
    network = f"https://www.googleapis.com/compute/v1/projects/{LAB.project}/global/networks/"
    network += LAB.network
    labels = {"goog-k8s-cluster-name": "lab", "goog-k8s-cluster-location": "europe-west4-b"}
    # A Service of the type LoadBalancer, whose nodes are gone: its parts have a name in common.
    name = "a5d1c2b3f4e5d6c7b8a9f0e1d2c3b4a5"
    check = add("global/httpHealthChecks/k8s-0a1b2c3d4e5f-node")
    pool = add(f"{region}/targetPools/{name}", instances=[], healthChecks=[check])
    service = '{"kubernetes.io/service-name":"cytomill/api"}'
    rule = add(f"{region}/forwardingRules/{name}", target=pool, description=service)
    add(f"{region}/addresses/{name}", users=[rule], description=service)
    add(f"global/firewalls/k8s-fw-{name}", network=network)
    # An Ingress.
    group = add(f"{zone}/networkEndpointGroups/k8s1-0a1b-cytomill-api", network=network)
    check = add("global/healthChecks/k8s1-0a1b-cytomill-api")
    backend = add(
        "global/backendServices/k8s1-0a1b-cytomill-api",
        backends=[{"group": group}],
        healthChecks=[check],
    )
    urls = add("global/urlMaps/k8s2-um-0a1b", defaultService=backend)
    proxy = add("global/targetHttpsProxies/k8s2-ts-0a1b", urlMap=urls)
    front = add("global/forwardingRules/k8s2-fs-0a1b", target=proxy)
    add("global/addresses/kiosk-page", users=[front], description="of our web team")
    # Claims, a node that was being deleted, and disks of volumes in use until it is.
    disk = add(f"{zone}/disks/pvc-11111111", labels=labels)
    add(f"{zone}/disks/pvc-22222222", labels={"cytomill-cluster": "lab"})
    add(
        f"{zone}/instances/gke-lab-consumers-1a2b3c4d-x7zq",
        networkInterfaces=[{"network": network}],
        disks=[{"source": disk}],
    )


def _strangers(lab: Lab) -> set[str]:
    """What has nothing to do with it."""
    before = set(lab.project.things)
    add, region, zone = lab.cloud.add, "regions/europe-west4", "zones/europe-west4-b"
    labels = {"goog-k8s-cluster-name": "lab", "goog-k8s-cluster-location": "europe-west4-c"}
    add(f"{zone}/disks/pvc-99999999", labels=labels)
    add(f"{zone}/disks/data", labels={"cytomill-cluster": "lab-2"})
    node = add(f"{zone}/instances/gke-lab-2-consumers-1a2b3c4d-abcd")
    add(f"{zone}/instances/gke-lab-gpu-system-1a2b3c4d-abcd")  # of a cluster lab-gpu
    pool = add(f"{region}/targetPools/b99", instances=[node], healthChecks=[])
    add(f"{region}/forwardingRules/b99", target=pool)
    node = f"https://www.googleapis.com/compute/v1/projects/{LAB.project}/zones/europe-west4-c/"
    node += "instances/gke-lab-consumers-1a2b3c4d-abcd"  # of another cluster lab in its own zone
    add(f"{region}/targetPools/a{'9' * 31}", instances=[node], healthChecks=[])
    add("global/firewalls/k8s-fw-b99", network="projects/my-lab-1234/global/networks/default")
    add("global/healthChecks/k8s1-other-cluster")
    add(f"{region}/addresses/mine")
    return set(lab.project.things) - before


def test_what_kubernetes_left_is_found_and_deleted(lab: Lab) -> None:
    lab.create()
    _leak(lab)
    strangers = _strangers(lab)
    left = lab.destroy()
    # Somebody reserved it: it is his to give up.
    assert left == ["addresses kiosk-page: an address, by the hour"]
    kept = f"projects/{LAB.project}/global/addresses/kiosk-page"
    assert set(lab.project.things) == strangers | {kept}


def test_without_the_cluster_its_leftovers_are_found_all_the_same(lab: Lab) -> None:
    lab.create()
    _leak(lab)
    lab.project.clusters.clear()
    found = leaks(LAB, lab.google)
    assert len(found) == 8  # rules 2, addresses 2, disks 2, the node, the way out
    assert "disks pvc-22222222: a disk, by its size" in found
    assert "routers cytomill-lab: the way out (Cloud NAT), by the hour" in found
    assert lab.destroy() == ["addresses kiosk-page: an address, by the hour"]


def test_a_snapshot_of_a_claim_is_told(lab: Lab) -> None:
    lab.create()
    _leak(lab)
    disk = (
        f"https://www.googleapis.com/compute/v1/projects/{LAB.project}/zones/europe-west4-b/disks"
    )
    lab.cloud.add("global/snapshots/before-the-upgrade", labels={"cytomill-cluster": "lab"})
    lab.cloud.add("global/snapshots/nightly", storageBytes="1", description=f"of {disk}")
    left = lab.destroy()
    assert "snapshots before-the-upgrade: a snapshot, by its size" in left
    assert not any("nightly" in line for line in left)


def test_somebody_s_machine_in_the_network_is_left_and_told(lab: Lab) -> None:
    lab.create()
    network = f"projects/{LAB.project}/global/networks/{LAB.network}"
    path = "zones/europe-west4-b/instances/my-own"
    lab.cloud.add(path, networkInterfaces=[{"network": network}])
    with pytest.raises(CloudError, match=r"networks/cytomill-lab: takes longer .*instances/my-own"):
        lab.destroy()
    assert not lab.project.clusters
    assert f"projects/{LAB.project}/{path}" in lab.project.things
    assert "instances my-own: a machine, by the second" in leaks(LAB, lab.google)


def test_somebody_s_load_balancer_before_the_cluster_is_left(lab: Lab) -> None:
    lab.create()
    network = f"projects/{LAB.project}/global/networks/{LAB.network}"
    zone = "zones/europe-west4-b"
    group = lab.cloud.add(f"{zone}/networkEndpointGroups/k8s1-0a1b-kiosk", network=network)
    backend = lab.cloud.add("global/backendServices/our-website", backends=[{"group": group}])
    lab.cloud.add("global/urlMaps/our-website", defaultService=backend)
    with pytest.raises(CloudError, match=r"k8s1-0a1b-kiosk: takes longer .*our-website"):
        lab.destroy()
    left = {path.rsplit("/", 2)[-2] for path in lab.project.things if path.endswith("our-website")}
    assert left == {"backendServices", "urlMaps"}
    assert not lab.project.clusters


def test_what_is_still_used_for_a_moment_is_tried_again(lab: Lab) -> None:
    lab.create()
    used = "The network resource is already being used by 'projects/x'"
    lab.cloud.end("compute.networks.delete", "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", used)
    lab.cloud.fail("compute.subnetworks.delete", 400, "resourceInUseByAnotherResource", used)
    assert lab.destroy() == []
    assert lab.waited("already being used", "(waiting until it can be done)")


def test_a_google_that_goes_away_meanwhile(lab: Lab) -> None:
    lab.create()
    lab.cloud.fail("compute.networks.delete", 502, "", "Bad gateway", times=1000)
    with pytest.raises(CloudError, match="networks/cytomill-lab: Bad gateway"):
        lab.destroy()


def test_a_destroy_that_was_cut_short_is_carried_on(lab: Lab) -> None:
    for method in (
        f"{POOLS}.delete",
        f"{CLUSTERS}.delete",
        "compute.forwardingRules.delete",
        "compute.disks.list",
        "compute.subnetworks.delete",
        "iam.projects.serviceAccounts.delete",
        "storage.buckets.delete",
    ):
        lab.create()
        _leak(lab)
        lab.cloud.fail(method, 403, "forbidden", "Permission denied", times=1)
        with pytest.raises(CloudError, match="Permission denied"):
            lab.destroy()
        assert lab.destroy() in ([], ["addresses kiosk-page: an address, by the hour"])
        assert set(lab.project.things) == {f"projects/{LAB.project}/global/addresses/kiosk-page"}
        assert not lab.project.buckets
        lab.project.things.clear()


def test_what_cannot_be_looked_at_is_no_all_clear(lab: Lab) -> None:
    lab.create()
    others = destroy(LAB, lab.google, lab.say)
    lab.cloud.fail("compute.disks.list", 403, "forbidden", "Required 'compute.disks.list'")
    with pytest.raises(CloudError, match=r"Required 'compute.disks.list'"):
        leaks(LAB, lab.google, others)
