"""Dashboard and alerts ask for metrics that there are, of those who have them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.charts import CHART, ROOT, VARIANTS, containers, least, named, of_kind, render, workloads

DASHBOARD = json.loads((CHART / "dashboards/cytomill.json").read_text(encoding="utf-8"))
WATCHED = {"monitoring": {"enabled": True, "token": {"secret": "metrics"}}}


def asked(expression):
    """The metrics of an expression, with the part that is asked for each; '' for others'."""
    found = re.findall(r"\b([a-z_]+)\{([^}]*)\}", expression)
    for name, labels in found:
        job = re.search(r'job=~?"[^"]*-(api|autoscaler|consumer|models)"', labels)
        yield name, job[1] if job else ""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)
    left = set(re.findall(r"\b(?:cytomill|nv|kubelet)_[a-z_]+", bare))
    assert left <= {name for name, _ in found}, "a metric of whoever has it"


def expressions():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for name in ("everything", "triton"):
        values = {**VARIANTS[name], **WATCHED}
        (rules,) = of_kind(render(values), "PrometheusRule")
        for rule in rules["spec"]["groups"][0]["rules"]:
            yield rule["alert"], rule["expr"]


@pytest.mark.parametrize(
    "expression", [x for _, x in expressions()], ids=[name for name, _ in expressions()]
)
def test_each_part_is_asked_for_what_it_may_have(expression):
    found = list(asked(expression))
    assert found
    for name, job in found:
        assert bool(job) == name.startswith(("cytomill_", "nv_", "up")), name


def test_jobs_are_those_of_the_monitors():
    manifests = least(WATCHED)
    (rules,) = of_kind(manifests, "PrometheusRule")
    jobs = set(re.findall(r'job="([^"]+)"', json.dumps(rules["spec"]).replace("\\", "")))
    services = {one["metadata"]["name"] for one in of_kind(manifests, "Service")}
    monitors = {f"lab/{one['metadata']['name']}" for one in of_kind(manifests, "PodMonitor")}
    assert jobs <= services | monitors
    parts = ("autoscaler", "consumer", "models")
    assert jobs == {"mill-api", *(f"lab/mill-{one}" for one in parts)}


def test_claims_are_those_of_the_volumes():
    (rules,) = of_kind(least(WATCHED), "PrometheusRule")
    (rule,) = (
        one for one in rules["spec"]["groups"][0]["rules"] if one["alert"] == "CytomillDiskFull"
    )
    (pattern,) = re.findall(r'persistentvolumeclaim=~"([^"]+)"', rule["expr"])
    assert re.fullmatch(pattern, "mill-bucket")
    assert re.fullmatch(pattern, "data-mill-redis-0")


def test_each_alert_leads_to_advice():
    (rules,) = of_kind(render({**VARIANTS["least"], **WATCHED}), "PrometheusRule")
    text = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9-]", "", line.lower().replace(" ", "-"))
        for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for rule in rules["spec"]["groups"][0]["rules"]:
        page, anchor = rule["annotations"]["runbook_url"].split("#")
        assert page == "docs/kubernetes.md"
        assert anchor in headings
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("warning", "critical")
    assert Path(ROOT, page).is_file()


def test_the_api_is_read_with_a_token_for_that_alone():
    manifests = least(WATCHED)
    monitor = named(manifests, "ServiceMonitor", "mill-api")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "metrics", "key": "token"}
    (one,) = containers(named(manifests, "Deployment", "mill-api"))
    secrets = {x["name"]: x["valueFrom"]["secretKeyRef"] for x in one["env"] if "secret" in str(x)}
    assert secrets["CYTOMILL_METRICS_TOKEN"] == {"name": "metrics", "key": "token"}


def test_whoever_has_metrics_is_read():
    manifests = least(WATCHED)
    read = {one["metadata"]["name"] for one in of_kind(manifests, "PodMonitor", "ServiceMonitor")}
    have = {
        one["metadata"]["name"].split("-consumer")[0]
        for one in workloads(manifests)
        if one["metadata"]["name"] != "mill-redis"
    }
    assert read == {"mill-api", "mill-autoscaler", "mill-models", "mill-consumer"}
    assert len(have) == len(read)


def test_grafana_finds_the_dashboard():
    (found,) = (
        x for x in of_kind(least(WATCHED), "ConfigMap") if "dashboard" in str(x["metadata"])
    )
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["cytomill.json"]) == DASHBOARD


def test_panels_do_not_overlap_and_say_what_they_show():
    taken = set()
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identities) == len(set(identities))
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["title"]
        assert panel["type"] == "row" or panel["fieldConfig"]["defaults"]["unit"]
    variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", yaml.safe_dump(DASHBOARD)))
    assert used == variables
