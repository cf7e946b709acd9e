"""What the chart makes is what Kubernetes takes, and fits together."""

from __future__ import annotations

import json
import shutil
from functools import cache

import kubernetes_validate
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubernetes_validate import utils

from tests import custom_resources
from tests.charts import (
    CHART,
    LEAST,
    VARIANTS,
    containers,
    least,
    merged,
    named,
    of_kind,
    pod,
    render,
    texts,
    walk,
    workloads,
)
from tests.helm_engine import linted

OLDEST = "1.30"

#: Read once each, not once for each manifest.
utils.schema_contents = cache(utils.schema_contents)


#: Manifests that were found valid, and for which version: many variants have the same.
_SEEN: set[tuple[str, str]] = set()


def versions():
    return [one for one in map(utils.major_minor, utils.all_versions()) if one >= OLDEST]


def valid(manifests, *versions):
    for manifest in manifests:
        if custom_resources.known(manifest):
            custom_resources.check(manifest)
            continue
        text = json.dumps(manifest, sort_keys=True)
        for version in versions:
            if (text, version) not in _SEEN:
                kubernetes_validate.validate(manifest, version, strict=True)
                _SEEN.add((text, version))


each = pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())


def test_versions_reach_from_the_chart_s_oldest_to_one_beyond_this_year_s():
    told = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    assert told == f">={OLDEST}.0-0"
    assert len(versions()) >= 8


@each
def test_it_is_linted(values):
    found = linted(CHART, values)
    faults = [one for one in found["messages"] if one["error"] != "icon is recommended"]
    assert not faults
    assert not found["errors"]


@each
def test_every_manifest_is_valid(values):
    valid(render(values), *versions())


def test_a_wrong_field_would_be_found():
    manifests = least()
    of_kind(manifests, "ScaledObject")[0]["spec"]["minReplicas"] = 1
    with pytest.raises(Exception, match="minReplicas"):
        valid(manifests)
    manifests = least()
    of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]["nodeSelectors"] = {}
    with pytest.raises(Exception, match="nodeSelectors"):
        valid(manifests, OLDEST)


@each
def test_everything_fits_together(values):
    fits(render(values), values)


def fits(manifests, values):
    """Whatever names something else names what is there, or what the values name."""
    names = [(one["kind"], one["metadata"]["name"]) for one in manifests]
    assert len(names) == len(set(names))
    given = {one for one in walk(values) if isinstance(one, str)}
    for one in manifests:
        # Labels that Kubernetes makes of names have 63 characters, of these with 11 of its own.
        longer = one["kind"] in ("StatefulSet", "Job")
        assert len(one["metadata"]["name"]) <= (52 if longer else 63)
        assert one["metadata"]["labels"]["app.kubernetes.io/name"] == "cytomill"
    for one in workloads(manifests):
        spec = pod(one)["spec"]
        assert ("ServiceAccount", spec["serviceAccountName"]) in names
        for inner in walk(one):
            if isinstance(inner, dict):
                refers(inner, names, given)
        volumes = {volume["name"] for volume in spec["volumes"]}
        templates = {x["metadata"]["name"] for x in one["spec"].get("volumeClaimTemplates", ())}
        mounts = {mount["name"] for c in containers(one) for mount in c["volumeMounts"]}
        assert mounts == volumes | templates
        if one["kind"] != "Job":
            labels = pod(one)["metadata"]["labels"]
            assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
    selectors(manifests)
    targets(manifests)


def refers(inner, names, given):
    """Names of ConfigMaps and claims are those of manifests or values, of Secrets of values."""
    if claim := inner.get("persistentVolumeClaim", {}).get("claimName"):
        assert ("PersistentVolumeClaim", claim) in names or claim in given
    for kind, key in (("configMap", "name"), ("configMapRef", "name")):
        if name := (inner.get(kind) or {}).get(key):
            assert ("ConfigMap", name) in names or name in given
    for kind in ("secretRef", "secretKeyRef"):
        if kind in inner:
            assert inner[kind]["name"] in given
    for one in inner.get("imagePullSecrets", ()):
        assert one["name"] in given


def selected(manifests, labels):
    return [
        x for x in workloads(manifests) if labels.items() <= pod(x)["metadata"]["labels"].items()
    ]


def selectors(manifests):
    """Services and budgets select the pods of one workload, ports are those of its containers."""
    for service in of_kind(manifests, "Service"):
        (workload,) = selected(manifests, service["spec"]["selector"])
        ports = {p["name"]: p["containerPort"] for c in containers(workload) for p in c["ports"]}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports
            if service["spec"].get("clusterIP") == "None":
                assert port["port"] == ports[port["targetPort"]], "nothing translates it"
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        assert len(selected(manifests, budget["spec"]["selector"]["matchLabels"])) == 1
        assert "minAvailable" not in budget["spec"], "a node with the only pod is never drained"
    budgets = len(of_kind(manifests, "PodDisruptionBudget"))
    replaceable = [x for x in workloads(manifests) if "Recreate" not in json.dumps(x["spec"])]
    assert budgets == len(replaceable) - len(of_kind(manifests, "Job"))
    for monitor in of_kind(manifests, "PodMonitor"):
        for workload in selected(manifests, monitor["spec"]["selector"]["matchLabels"]):
            ports = {p["name"] for c in containers(workload) for p in c["ports"]}
            assert {one["port"] for one in monitor["spec"]["podMetricsEndpoints"]} <= ports
        assert selected(manifests, monitor["spec"]["selector"]["matchLabels"])
    for monitor in of_kind(manifests, "ServiceMonitor"):
        labels = monitor["spec"]["selector"]["matchLabels"]
        (service,) = (
            x
            for x in of_kind(manifests, "Service")
            if labels.items() <= x["metadata"]["labels"].items()
        )
        ports = {port["name"] for port in service["spec"]["ports"]}
        assert {one["port"] for one in monitor["spec"]["endpoints"]} <= ports
    for ingress in of_kind(manifests, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = named(manifests, "Service", path["backend"]["service"]["name"])
                ports = {port["name"] for port in service["spec"]["ports"]}
                assert path["backend"]["service"]["port"]["name"] in ports


def targets(manifests):
    """What is scaled is there, by one alone, and its number is nobody else's."""
    scalers = of_kind(manifests, "ScaledObject", "HorizontalPodAutoscaler")
    scaled = [one["spec"]["scaleTargetRef"]["name"] for one in scalers]
    assert len(scaled) == len(set(scaled))
    for name in scaled:
        assert "replicas" not in named(manifests, "Deployment", name)["spec"]
    for one in of_kind(manifests, "ScaledObject"):
        assert not one["spec"]["scaleTargetRef"]["name"].endswith(("-api", "-autoscaler"))


@each
def test_an_upgrade_changes_nothing_that_cannot_be_changed(values, tmp_path):
    newer = tmp_path / "cytomill"
    shutil.copytree(CHART, newer)
    told = yaml.safe_load((newer / "Chart.yaml").read_text())
    told |= {"version": "9.9.9", "appVersion": "9.9.9"}
    (newer / "Chart.yaml").write_text(yaml.safe_dump(told))
    changes = {"redis": {"internal": {"memoryMiB": 2048}}, "api": {"replicas": 5}}
    before, after = render(values), render(merged(values, changes), folder=newer)
    assert fixed(after) == fixed(before)
    images = {c["image"] for x in workloads(after) for c in containers(x)}
    assert any(image.endswith(":9.9.9") for image in images)


def fixed(manifests):
    """What Kubernetes lets nobody change."""
    told = {}
    for one in manifests:
        name, spec = (one["kind"], one["metadata"]["name"]), one.get("spec", {})
        if one["kind"] in ("Deployment", "StatefulSet"):
            told[name] = {"selector": spec["selector"]}
        if one["kind"] == "StatefulSet":
            told[name] |= {k: spec[k] for k in ("serviceName", "volumeClaimTemplates")}
        if one["kind"] == "Service":
            told[name] = spec.get("clusterIP", "")
        if one["kind"] == "PersistentVolumeClaim":
            told[name] = spec
    return told


def test_a_batch_with_other_values_is_another_job():
    values = VARIANTS["batch"]
    (before,), (same,) = (of_kind(render(values), "Job") for _ in range(2))
    (after,) = of_kind(render(merged(values, {"batch": {"shards": 21}})), "Job")
    assert before == same
    assert before["metadata"]["name"] != after["metadata"]["name"]


def test_two_releases_in_one_namespace_share_nothing():
    one, other = least(release="one"), least(release="two")
    names = {(x["kind"], x["metadata"]["name"]) for x in one}
    assert not names & {(x["kind"], x["metadata"]["name"]) for x in other}
    for service in of_kind(one, "Service"):
        assert not selected(other, service["spec"]["selector"])


def test_a_release_of_the_longest_name_fits():
    pool = {"consumers": {"p" * 20: {}}}
    one, other = (least(pool, release="r" * 52 + end) for end in "ab")
    fits(one, LEAST)
    names = {(x["kind"], x["metadata"]["name"]) for x in one}
    assert not names & {(x["kind"], x["metadata"]["name"]) for x in other}


def test_what_is_told_to_pods_starts_them_anew():
    def sums(*values):
        found = least(*values)
        return [pod(named(found, "Deployment", f"mill-{x}")) for x in ("api", "consumer-main")]

    for one, other in zip(sums(), sums({"settings": {"RESULT_DAYS": 9}}), strict=True):
        assert one["metadata"]["annotations"] != other["metadata"]["annotations"]
    assert sums({"settings": {"RESULT_DAYS": 9}}) == sums({"settings": {"RESULT_DAYS": 9.0}})


def test_notes_say_what_to_do_next():
    for name, values in VARIANTS.items():
        told = texts(values)["NOTES.txt"]
        assert "kubectl -n lab" in told, name
        assert "\n\n\n" not in told, name
        assert all(len(line) < 180 for line in told.splitlines()), name


switches = st.booleans()
pools = st.dictionaries(
    st.from_regex(r"[a-z]([a-z0-9-]{0,17}[a-z0-9])?", fullmatch=True).filter("models".__ne__),
    st.fixed_dictionaries(
        {"pipelines": st.lists(st.sampled_from(["nuclei", "track"]), min_size=1, unique=True)},
        optional={
            "threads": st.integers(1, 64),
            "min": st.integers(1, 3),
            "max": st.integers(3, 1000),
            "drainSeconds": st.integers(1, 600),
            "scratchGiB": st.integers(1, 2000),
            "price": st.floats(0, 100),
        },
    ),
    max_size=4,
)
some = st.fixed_dictionaries(
    {
        "consumers": pools.map(lambda found: {"main": {"pipelines": ["nuclei"]}, **found}),
        "scaling": st.fixed_dictionaries(
            {"mode": st.sampled_from(["policy", "redis-streams", "hpa"])}
        ),
        "modelServer": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["cytomill", "none"]),
                "discovery": st.sampled_from(["dns", "queue"]),
                "gpus": st.integers(0, 4),
            }
        ),
        "networkPolicy": st.fixed_dictionaries({"enabled": switches, "metadataServer": switches}),
        "monitoring": st.fixed_dictionaries(
            {"enabled": switches, "token": st.just({"secret": "metrics"})}
        ),
        "bucket": st.sampled_from([{}, {"url": "s3://lab"}, {"folder": {"claim": "mine"}}]),
        "api": st.fixed_dictionaries({"autoscaling": st.fixed_dictionaries({"enabled": switches})}),
        "serviceAccount": st.just({"create": True}),
    }
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(some)
def test_any_values_make_what_is_valid_and_fits(values):
    manifests = least(values)
    valid(manifests, OLDEST, versions()[-1])
    fits(manifests, merged(LEAST, values))
