"""Takes a cluster away with all that it left behind, and looks whether anything still costs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from urllib.parse import quote

from ..errors import CloudError, RefusedError
from ..google import NOT_ENABLED, Call, Google, Say
from ..operations import LONG, carry_out
from .cluster import LABEL, Cluster
from .leftovers import Found, find
from .roles import node_roles
from .steps import ours

#: Seconds for which a thing may still be used by what was deleted before it.
_IN_USE = 600.0

#: Objects of a bucket that are deleted at once.
_AT_ONCE = 16


def destroy(cluster: Cluster, google: Google, say: Say) -> list[Found]:
    """Delete a cluster, its nodes, and what was made for it.

    Its bucket only where the cluster names it. Returns what has to do with it and is somebody's.
    Raises `CloudError`; the next call goes on from there, also where the cluster itself is gone.
    """
    others = [one for one in _found(cluster, google) if not one.ours]
    _cluster(cluster, google, say)
    for one in _found(cluster, google):
        if one.ours:
            say(f"{one}: deleting")
            _delete(google, cluster, "compute", one.path)
    _account(cluster, google, say)
    if cluster.bucket:
        _bucket(cluster, google, say)
    return others


def leaks(cluster: Cluster, google: Google, others: Sequence[Found] = ()) -> list[str]:
    """What there still is of a cluster and costs money, in words; of ``others`` too.

    Raises `CloudError` where not everything could be looked at.
    """
    there = {one.path: one for one in find(google, cluster)}
    there |= {one.path: one for one in others if google.get("compute", one.path) is not None}
    found = [f"{one}: {one.cost}" for one in there.values() if one.cost]
    if google.look("container", cluster.path) is not None:
        found.insert(0, f"cluster {cluster.name}: the cluster itself, by the hour")
    return found


def buckets(cluster: Cluster, google: Google) -> list[str]:
    """Names of buckets that were made for a cluster: they are kept, and cost what they hold."""
    try:
        found = list(google.list("storage", f"b?project={cluster.project}"))
    except RefusedError as error:
        if error.reason in NOT_ENABLED:
            return []
        raise
    return [one["name"] for one in found if one.get("labels", {}).get(LABEL) == cluster.name]


def _cluster(cluster: Cluster, google: Google, say: Say) -> None:
    found = google.look("container", cluster.path)
    if found is None:
        say(f"cluster {cluster.name}: is gone")
        return
    ours(cluster, found)
    # Nodes cost the most: they go first, and with them what would make new load balancers.
    for pool in found.get("nodePools", ()):
        say(f"pool {pool['name']}: deleting")
        _delete(google, cluster, "container", f"{cluster.path}/nodePools/{pool['name']}")
    say(f"cluster {cluster.name}: deleting")
    _delete(google, cluster, "container", cluster.path)


def _found(cluster: Cluster, google: Google) -> list[Found]:
    """What there is of it. Raises `CloudError` where the network is somebody else's."""
    path = f"projects/{cluster.project}/global/networks/{cluster.network}"
    network = google.look("compute", path)
    if network is not None and network.get("description") != cluster.described:
        raise CloudError(
            f"network {cluster.network}: was not made by cytomill for this cluster; nothing of it "
            "is deleted"
        )
    return find(google, cluster)


def _account(cluster: Cluster, google: Google, say: Say) -> None:
    path = f"projects/{cluster.project}/serviceAccounts/{cluster.email}"
    roles = node_roles(cluster)
    try:
        say(f"{roles.words}: {roles.remove(google)}")
    except RefusedError as error:
        if error.reason not in NOT_ENABLED:  # else nobody could be given any
            raise
    if google.look("iam", path) is not None:
        say(f"account {cluster.email}: deleting")
        _delete(google, cluster, "iam", path)


def _bucket(cluster: Cluster, google: Google, say: Say) -> None:
    path = f"b/{quote(cluster.bucket, safe='')}"
    found = google.look("storage", path)
    if found is None:
        say(f"bucket {cluster.bucket}: is gone")
        return
    if found.get("labels", {}).get(LABEL) != cluster.name:
        raise CloudError(
            f"bucket {cluster.bucket}: was not made for this cluster (it has no label {LABEL}); it "
            "is kept"
        )
    say(f"bucket {cluster.bucket}: deleting what it holds")
    objects = google.list("storage", f"{path}/o?fields=items/name,nextPageToken")
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while some := [f"{path}/o/{quote(one['name'], safe='')}" for one in islice(objects, 1000)]:
            list(threads.map(lambda one: _delete(google, cluster, "storage", one), some))
    _delete(google, cluster, "storage", path)


def _delete(google: Google, cluster: Cluster, service: str, path: str) -> None:
    """Delete a thing and wait until it is gone; nothing happens where it is gone already."""
    seconds = LONG if service == "container" else _IN_USE
    operates = service in ("compute", "container")
    call = Call("DELETE", service, path)
    try:
        carry_out(google, call, cluster.project, operates=operates, seconds=seconds)
    except RefusedError as error:
        if error.status != 404:
            raise
