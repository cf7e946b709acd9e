"""Plans and creates a cluster."""

from __future__ import annotations

from ..errors import CloudError, RefusedError
from ..google import NOT_ENABLED, Google, Say
from . import quota
from .cluster import NAMESPACE, Cluster
from .cost import Prices, cost
from .steps import Services, steps


def plan(cluster: Cluster, prices: Prices, google: Google | None, say: Say) -> bool:
    """Say every call in its order, what the cluster costs and whether there is quota for it.

    Without ``google`` nothing is asked at all. Returns whether the cluster can be made.
    """
    say(f"cluster {cluster.name} in {cluster.zone} of project {cluster.project}")
    number = 0
    for step in steps(cluster):
        say(f"  {step.words}")
        for call in step.calls:
            number += 1
            say(f"    {number:2}. {call.method} {call.url()}")
    _say_cost(cluster, prices, say)
    if google is None:
        say("quotas: not checked, as nothing is asked of Google")
        return True
    return _say_quotas(cluster, google, say)


def create(cluster: Cluster, google: Google, say: Say) -> None:
    """Make what is missing of a cluster; what is there stays as it is.

    Raises `CloudError`. What was made until then is kept, and the next call goes on there.
    """
    first, *others = steps(cluster)
    assert isinstance(first, Services)  # without these nothing else answers
    say(f"{first.words}: {first.take(google)}")
    google.enabled = True  # it takes minutes until all of Google knows
    if google.get("container", cluster.path) is None:  # else it has its share of the quotas
        quota.refuse(quota.check(google, cluster))
        say("quotas: enough for all nodes")
    for step in others:
        say(f"{step.words} …")
        say(f"{step.words}: {step.take(google)}")
    say("ready")


def next_steps(cluster: Cluster, registry: str, tag: str) -> list[str]:
    """The commands that install the chart in a cluster, with images at ``registry``."""
    place = registry.rstrip("/") or "REGISTRY"
    cores = cluster.machine.rsplit("-", 1)[-1]
    consumers = cluster.max_nodes * max(1, int(cores) // 4 if cores.isdigit() else 1)
    given = {
        "image.repository": f"{place}/{'cytomill' if cluster.gpu else 'cytomill-openvino'}",
        "image.tag": tag,
        "bucket.url": f"gs://{cluster.bucket or 'BUCKET'}/kiosk",
        "consumers.main.max": str(consumers),
    }
    if cluster.gpu is None:
        given["modelServer.kind"] = "none"
    else:
        given["modelServer.image.repository"] = f"{place}/cytomill-model-server-cuda"
        given["modelServer.image.tag"] = tag
        given["modelServer.max"] = str(cluster.max_gpus)
    helm = [
        "helm upgrade --install cytomill deploy/helm/cytomill",
        f"--namespace {NAMESPACE} --create-namespace",
        "--values deploy/helm/cytomill/profiles/gke.yaml",
        *(f"--set {key}={value}" for key, value in given.items() if value),
    ]
    where = f"--zone {cluster.zone} --project {cluster.project}"
    return [
        f"gcloud container clusters get-credentials {cluster.name} {where}",
        " \\\n    ".join(helm),
    ]


def _say_cost(cluster: Cluster, prices: Prices, say: Say) -> None:
    told, unit = cost(cluster, prices), prices.currency
    say(f"cost of an hour, {unit}, at prices of {prices.date} (another region has others):")
    for line in told.lines:
        say(f"  {line}")
    for what in told.unknown:
        say(f"  {what}: not known; give it with --prices")
    more = " and what is not known" if told.unknown else ""
    say(
        f"  idle {told.idle:.2f}, at most {told.most:.2f}{more}; traffic and the bucket come on top"
    )
    say(f"  {prices.source}")


def _say_quotas(cluster: Cluster, google: Google, say: Say) -> bool:
    try:
        found = quota.check(google, cluster)
    except RefusedError as error:
        if error.reason in NOT_ENABLED:
            say("quotas: not checked, as Compute Engine is not enabled yet; create enables it")
            return True
        raise
    except CloudError as error:
        say(f"cannot be made: {error}")
        return False
    say("quotas, with all nodes:")
    for one in found:
        say(f"  {'enough' if one.enough else 'TOO LITTLE'}: {one}")
    return all(one.enough for one in found)
