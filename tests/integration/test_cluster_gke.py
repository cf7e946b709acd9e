"""Clusters of GKE, planned and made at a Google of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cytomill.cloud.errors import CloudError
from cytomill.cloud.gke.cluster import GPUS
from cytomill.cloud.gke.cost import Prices
from cytomill.cloud.gke.create import plan
from tests.cluster_lab import CLUSTERS, LAB, POOLS, Lab
from tests.google_cloud import google_cloud
from tests.google_project import NUMBER

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


@pytest.fixture
def lab() -> Iterator[Lab]:
    with google_cloud() as cloud:
        made = Lab(cloud)
        with made.google:
            yield made


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
    assert lab.waited("may have up to 50 nodes now")


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
    assert lab.waited("currently unavailable. (asking again for 300 s)")
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
    assert lab.waited("incompatible operation", "(waiting until it can be done)")


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
    assert lab.waited("enough: PREEMPTIBLE_CPUS in europe-west4: needs 176")


def test_a_plan_tells_what_is_too_little(lab: Lab) -> None:
    lab.project.enabled.add("compute.googleapis.com")
    lab.project.quotas["PREEMPTIBLE_NVIDIA_T4_GPUS"] = 0
    assert not plan(LAB, Prices.read(), lab.google, lab.say)
    assert lab.waited("TOO LITTLE: PREEMPTIBLE_NVIDIA_T4_GPUS")
    lab.project.quotas.pop("PREEMPTIBLE_NVIDIA_T4_GPUS")
    assert plan(LAB, Prices.read(), lab.google, lab.say)
    assert lab.waited("PREEMPTIBLE_NVIDIA_T4_GPUS", "Google does not tell it")
    assert not plan(replace(LAB, zone="mars-north1-a"), Prices.read(), lab.google, lab.say)
    assert lab.waited("cannot be made: --zone mars-north1-a")


def test_a_plan_of_a_project_that_is_new(lab: Lab) -> None:
    assert plan(LAB, Prices.read(), lab.google, lab.say)
    assert lab.waited("quotas: not checked, as Compute Engine is not enabled yet")
