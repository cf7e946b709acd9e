"""Clusters of GKE, planned, made and taken away at a Google of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cytomill.cloud.errors import CloudError
from cytomill.cloud.gke.cluster import GPUS, Cluster
from cytomill.cloud.gke.cost import Prices
from cytomill.cloud.gke.create import create, plan
from cytomill.cloud.gke.destroy import buckets, destroy, leaks
from cytomill.cloud.google import Google
from tests.google_cloud import NUMBER, GoogleCloud, google_cloud

LAB = Cluster("my-lab-1234", "europe-west4-b", "lab", GPUS["t4"], bucket="my-lab-kiosk")

POOLS = "container.projects.locations.clusters.nodePools"
CLUSTERS = "container.projects.locations.clusters"

#: What makes a cluster with a GPU and a bucket, in its order.
MADE = [
    "serviceusage.services.batchEnable",
    "compute.networks.insert",
    "compute.subnetworks.insert",
    "compute.routers.insert",
    "iam.projects.serviceAccounts.create",
    "cloudresourcemanager.projects.setIamPolicy",
    f"{CLUSTERS}.create",
    f"{POOLS}.create",
    f"{POOLS}.create",
    "storage.buckets.insert",
    "storage.buckets.setIamPolicy",
]


class Lab:
    """A Google, one who calls it, and what was said; time passes when somebody sleeps."""

    def __init__(self, cloud: GoogleCloud) -> None:
        self.cloud, self.project, self.said, self.now = cloud, cloud.project, [], 0.0
        self.google = Google(
            lambda: "Bearer a-token",
            LAB.project,
            self.say,
            endpoints=cloud.endpoints,
            sleep=self._sleep,
            clock=lambda: self.now,
        )

    said: list[str]

    def say(self, line: str) -> None:
        self.said.append(line)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def create(self, cluster: Cluster = LAB) -> list[str]:
        """Create a cluster; what was called and changes something."""
        self.cloud.calls.clear()
        self.cloud.bodies.clear()
        create(cluster, self.google, self.say)
        return [one for one in self.cloud.changes() if not one.endswith("getIamPolicy")]

    def destroy(self, cluster: Cluster = LAB) -> list[str]:
        """Destroy it; what still costs money."""
        others = destroy(cluster, self.google, self.say)
        return leaks(cluster, self.google, others)

    def body(self, method: str, place: int = 0) -> Any:
        return [body for name, body in self.cloud.bodies if name == method][place]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with google_cloud() as cloud:
        made = Lab(cloud)
        with made.google:
            yield made


def _waited(lab: Lab, *words: str) -> bool:
    return any(all(word in line for word in words) for line in lab.said)


def test_a_cluster_from_nothing(lab: Lab) -> None:
    assert lab.create() == MADE
    cluster = lab.project.clusters["lab"]
    assert cluster["status"] == "RUNNING"
    assert cluster["privateClusterConfig"] == {"enablePrivateNodes": True}
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "my-lab-1234.svc.id.goog"}
    assert cluster["shieldedNodes"] == {"enabled": True}
    assert cluster["releaseChannel"] == {"channel": "REGULAR"}
    system, consumers, gpu = cluster["nodePools"]
    for pool in (system, consumers, gpu):
        assert pool["status"] == "RUNNING"
        assert pool["management"] == {"autoRepair": True, "autoUpgrade": True}
        assert pool["config"]["labels"] == {"cytomill.io/pool": pool["name"]}
        assert pool["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        assert pool["config"]["serviceAccount"] == "lab-nodes@my-lab-1234.iam.gserviceaccount.com"
    assert "taints" not in system["config"]
    assert not system["config"]["spot"]
    for pool, most in ((consumers, 20), (gpu, 4)):
        assert pool["config"]["spot"]
        assert pool["initialNodeCount"] == 0
        assert pool["autoscaling"]["minNodeCount"] == 0
        assert pool["autoscaling"]["maxNodeCount"] == most
        (taint,) = pool["config"]["taints"]
        assert taint == {"key": "cytomill.io/pool", "value": pool["name"], "effect": "NO_SCHEDULE"}
    (accelerator,) = gpu["config"]["accelerators"]
    assert accelerator["acceleratorType"] == "nvidia-tesla-t4"
    assert accelerator["acceleratorCount"] == "1"


def test_what_is_not_asked_for_is_not_made(lab: Lab) -> None:
    lab.create(replace(LAB, gpu=None, bucket="", spot=False))
    assert not lab.project.buckets
    pools = lab.project.clusters["lab"]["nodePools"]
    assert [one["name"] for one in pools] == ["system", "consumers"]
    assert not any(one["config"]["spot"] for one in pools)


def test_the_bucket_is_for_the_kiosk_s_pods_alone(lab: Lab) -> None:
    lab.create()
    bucket = lab.project.buckets["my-lab-kiosk"]
    assert bucket["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    (binding,) = lab.project.policies["my-lab-kiosk"]["bindings"]
    assert binding["role"] == "roles/storage.objectUser"
    assert binding["members"] == [
        f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/"
        "my-lab-1234.svc.id.goog/subject/ns/cytomill/sa/cytomill"
    ]


def test_nobody_loses_a_role(lab: Lab) -> None:
    shared = {"role": "roles/artifactregistry.reader", "members": ["user:bob@example.org"]}
    conditioned = {
        "role": "roles/container.defaultNodeServiceAccount",
        "members": ["user:eve@example.org"],
        "condition": {"title": "for a while", "expression": "request.time < timestamp('2030')"},
    }
    lab.project.policies["project"]["bindings"] += [shared, conditioned]
    before = [dict(one) for one in lab.project.policies["project"]["bindings"]]
    lab.create()
    after = lab.project.policies["project"]["bindings"]
    assert before[0] in after
    assert conditioned in after
    nodes = "serviceAccount:lab-nodes@my-lab-1234.iam.gserviceaccount.com"
    assert {"role": shared["role"], "members": ["user:bob@example.org", nodes]} in after
    assert {"role": conditioned["role"], "members": [nodes]} in after
    assert lab.destroy() == []
    assert lab.project.policies["project"]["bindings"] == before


def test_created_again_nothing_is_changed(lab: Lab) -> None:
    lab.create()
    assert lab.create() == []
    assert "cluster lab: is there" in lab.said


def test_pools_may_grow_and_shrink_later(lab: Lab) -> None:
    lab.create()
    changed = lab.create(replace(LAB, max_nodes=50))
    assert changed == [f"{POOLS}.setAutoscaling"]
    assert lab.project.clusters["lab"]["nodePools"][1]["autoscaling"]["maxNodeCount"] == 50
    assert _waited(lab, "may have up to 50 nodes now")


@pytest.mark.parametrize("change", [{"spot": False}, {"machine": "e2-standard-4"}])
def test_what_cannot_be_changed_is_told(lab: Lab, change: dict[str, Any]) -> None:
    lab.create()
    with pytest.raises(CloudError, match="pool consumers: is there with other nodes"):
        lab.create(replace(LAB, **change))


@pytest.mark.parametrize("method", dict.fromkeys(MADE))
def test_a_run_that_was_cut_short_is_carried_on(lab: Lab, method: str) -> None:
    lab.cloud.fail(method, 403, "forbidden", "Permission denied on resource", times=1)
    with pytest.raises(CloudError, match=r"Permission denied on resource; have somebody with"):
        lab.create()
    first = MADE.index(method)
    assert lab.create() == MADE[first:]
    assert lab.create() == []


@pytest.mark.parametrize("method", dict.fromkeys(MADE))
def test_what_is_busy_is_asked_again(lab: Lab, method: str) -> None:
    lab.cloud.fail(method, 503, "backendError", "The service is currently unavailable.", times=3)
    lab.cloud.fail(method, 403, "rateLimitExceeded", "Too fast", Retry_After="20")
    done = lab.create()
    assert list(dict.fromkeys(done)) == list(dict.fromkeys(MADE))
    assert _waited(lab, "currently unavailable. (asking again for 300 s)")
    assert lab.now > 20


def test_what_was_enabled_just_now_may_not_be_known_everywhere(lab: Lab) -> None:
    for method in ("compute.regions.get", "iam.projects.serviceAccounts.create"):
        lab.cloud.fail(method, 403, "SERVICE_DISABLED", "API has not been used", times=3)
    assert set(lab.create()) == set(MADE)


def test_what_stays_busy_is_given_up(lab: Lab) -> None:
    lab.cloud.fail("*", 500, "backendError", "Internal error", times=1000)
    with pytest.raises(CloudError, match="services:batchGet: Internal error"):
        lab.create()
    assert lab.now < 400


@pytest.mark.parametrize(
    ("method", "code", "message", "words"),
    [
        (
            f"{CLUSTERS}.create",
            "8",
            "Insufficient regional quota: CPUS",
            "ask Google for more quota",
        ),
        (f"{POOLS}.create", "8", "GCE_STOCKOUT: no T4 now", "try another --zone"),
        ("compute.networks.insert", "QUOTA_EXCEEDED", "Quota 'NETWORKS' exceeded", "more quota"),
        ("serviceusage.services.batchEnable", "8", "Billing must be enabled", "billing account"),
    ],
)
def test_changes_that_end_in_an_error(
    lab: Lab, method: str, code: str, message: str, words: str
) -> None:
    lab.cloud.end(method, code, message)
    with pytest.raises(CloudError) as told:
        lab.create()
    assert message in str(told.value)
    assert words in str(told.value)


def test_a_cluster_that_failed_is_not_taken_for_one(lab: Lab) -> None:
    lab.cloud.end(f"{CLUSTERS}.create", "8", "something broke")
    with pytest.raises(CloudError, match="something broke"):
        lab.create()
    with pytest.raises(
        CloudError, match=r"lab: is in state ERROR \(it could not be made\); destroy"
    ):
        lab.create()
    assert lab.destroy() == []
    assert lab.create()[-5:] == MADE[-5:]


def test_what_another_run_is_making_is_waited_for(lab: Lab) -> None:
    lab.cloud.fail(f"{CLUSTERS}.create", 409, "ALREADY_EXISTS", "Already exists: lab")
    with pytest.raises(CloudError, match=r"cluster lab: takes longer than 30 min; run the same"):
        lab.create()
    assert lab.now > 1800


def test_a_cluster_that_is_busy_is_waited_for(lab: Lab) -> None:
    lab.cloud.fail(
        f"{POOLS}.create",
        400,
        "FAILED_PRECONDITION",
        "Cluster is running incompatible operation operation-9.",
        times=3,
    )
    assert lab.create().count(f"{POOLS}.create") == 5
    assert _waited(lab, "incompatible operation", "(waiting until it can be done)")


def test_a_new_account_may_take_a_moment_to_be_known(lab: Lab) -> None:
    lab.cloud.fail(
        "cloudresourcemanager.projects.setIamPolicy",
        400,
        "INVALID_ARGUMENT",
        "Service account lab-nodes@my-lab-1234.iam.gserviceaccount.com does not exist.",
        times=3,
    )
    lab.create()
    roles = {one["role"] for one in lab.project.policies["project"]["bindings"]}
    assert "roles/container.defaultNodeServiceAccount" in roles


def test_somebody_else_s_things_are_left_alone(lab: Lab) -> None:
    lab.project.enabled.update(f"{one}.googleapis.com" for one in ("compute", "container"))
    lab.cloud.add("global/networks/cytomill-lab", description="the office")
    for do in (lab.create, lab.destroy):
        with pytest.raises(CloudError, match="was not made by cytomill for this cluster"):
            do()
    lab.project.things.clear()
    lab.project.clusters["lab"] = {"name": "lab", "status": "RUNNING", "nodePools": []}
    with pytest.raises(CloudError, match="cluster lab: is there and was not made by cytomill"):
        lab.create()
    with pytest.raises(CloudError, match="cluster lab: is there and was not made by cytomill"):
        lab.destroy()
    assert lab.project.clusters


# Quotas


@pytest.mark.parametrize(
    ("metric", "limit", "gpu", "words"),
    [
        ("PREEMPTIBLE_CPUS", 100, "t4", "PREEMPTIBLE_CPUS in europe-west4: needs 176, 0 of 100"),
        (
            "PREEMPTIBLE_NVIDIA_T4_GPUS",
            2,
            "t4",
            "PREEMPTIBLE_NVIDIA_T4_GPUS in europe-west4: needs 4",
        ),
        ("A2_CPUS", 0, "a100", ""),
        ("CPUS", 11, "l4", "CPUS in europe-west4: needs 12, 0 of 11 used"),
        ("SSD_TOTAL_GB", 500, "t4", "SSD_TOTAL_GB in europe-west4: needs 2650"),
        ("IN_USE_ADDRESSES", 1, "t4", "IN_USE_ADDRESSES"),
    ],
)
def test_quotas_are_looked_at_before_anything_is_made(
    lab: Lab, metric: str, limit: float, gpu: str, words: str
) -> None:
    lab.project.quotas[metric] = limit
    cluster = replace(LAB, gpu=GPUS[gpu])
    if not words:  # spot machines use another one
        lab.create(cluster)
        return
    with pytest.raises(CloudError, match="the project has not enough quota") as told:
        lab.create(cluster)
    assert words in str(told.value)
    assert "--max-nodes" in str(told.value)
    assert not lab.project.things


def test_without_a_quota_of_their_own_spot_machines_use_the_usual_one(lab: Lab) -> None:
    lab.project.quotas |= {"PREEMPTIBLE_CPUS": 0, "CPUS": 100}
    with pytest.raises(CloudError, match=r"CPUS in europe-west4: needs 188, 0 of 100 used"):
        lab.create()


def test_the_whole_project_has_quotas_too(lab: Lab) -> None:
    lab.project.whole["GPUS_ALL_REGIONS"] = 0
    with pytest.raises(CloudError, match="GPUS_ALL_REGIONS in all regions: needs 4, 0 of 0 used"):
        lab.create()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gpu": GPUS["v100"]}, "--gpu v100: europe-west4-b has none; these have: europe-west4-a"),
        ({"machine": "e9-giant-1"}, "e9-giant-1: europe-west4-b has no such machines"),
        ({"zone": "mars-north1-a"}, "--zone mars-north1-a: Google has no such zone"),
    ],
)
def test_what_a_zone_does_not_have(lab: Lab, change: dict[str, Any], words: str) -> None:
    with pytest.raises(CloudError, match=words):
        lab.create(replace(LAB, **change))
    assert not lab.project.things


# Plans


def test_a_plan_tells_each_call_and_makes_none(lab: Lab) -> None:
    lab.project.enabled.update(f"{one}.googleapis.com" for one in ("compute", "container"))
    assert plan(LAB, Prices.read(), lab.google, lab.say)
    assert lab.cloud.changes() == []
    planned = [line.split(". ", 1)[1] for line in lab.said if ". POST " in line or ". PUT " in line]
    lab.cloud.calls.clear()
    shown = [one for one in planned if "getIamPolicy" not in one]
    assert len(shown) == len(lab.create())
    assert _waited(lab, "enough: PREEMPTIBLE_CPUS in europe-west4: needs 176")


def test_a_plan_tells_what_is_too_little(lab: Lab) -> None:
    lab.project.enabled.add("compute.googleapis.com")
    lab.project.quotas["PREEMPTIBLE_NVIDIA_T4_GPUS"] = 0
    assert not plan(LAB, Prices.read(), lab.google, lab.say)
    assert _waited(lab, "TOO LITTLE: PREEMPTIBLE_NVIDIA_T4_GPUS")
    lab.project.quotas.pop("PREEMPTIBLE_NVIDIA_T4_GPUS")
    assert plan(LAB, Prices.read(), lab.google, lab.say)
    assert _waited(lab, "PREEMPTIBLE_NVIDIA_T4_GPUS", "Google does not tell it")
    assert not plan(replace(LAB, zone="mars-north1-a"), Prices.read(), lab.google, lab.say)
    assert _waited(lab, "cannot be made: --zone mars-north1-a")


def test_a_plan_of_a_project_that_is_new(lab: Lab) -> None:
    assert plan(LAB, Prices.read(), lab.google, lab.say)
    assert _waited(lab, "quotas: not checked, as Compute Engine is not enabled yet")


# The end


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
    assert _waited(lab, "already being used", "(waiting until it can be done)")


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
