"""What a Google on this machine keeps of a project: it can fail, and leaks as the real one does.

Each call and each answer is held against Google's own description, see `tests.google_api`.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.google_api import Method, api

NUMBER = "123456789"

#: Things on a page of a list.
_PAGE = 2

#: Calls in which a thing is named that cannot go before the one that names it.
_IN_USE = re.compile(r"projects/[^/]+/(?:global|regions/[^/]+|zones/[^/]+)/[A-Za-z]+/[a-z0-9.-]+")


class RefusalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, reason: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.headers = status, reason, headers


@dataclass
class Operation:
    """A change that takes some looks to be done."""

    name: str
    body: dict[str, Any]
    left: int
    done: Callable[[], object]
    fault: dict[str, Any] | None = None


@dataclass
class Project:
    """A project of Google's, with what a test gives it."""

    id: str = "my-lab-1234"
    enabled: set[str] = field(default_factory=set)
    quotas: dict[str, float] = field(default_factory=dict)
    whole: dict[str, float] = field(default_factory=dict)
    machines: dict[str, int] = field(default_factory=dict)
    gpus: dict[str, list[str]] = field(default_factory=dict)
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of Compute Engine, by their path from the project on."""
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, set[str]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)


class GoogleCloud:
    """The server. ``calls`` are the methods that were called; others than GET are ``changes``."""

    def __init__(self) -> None:
        self.project = Project()
        self.calls: list[str] = []
        self.bodies: list[tuple[str, Any]] = []
        self.faults: list[str] = []
        self.looks = 2
        self._fails: list[tuple[str, int, RefusalError]] = []
        self._ends: dict[str, dict[str, Any]] = {}
        self._operations: dict[str, Operation] = {}
        self._lock = threading.RLock()
        self._numbers = 0
        self.endpoints: dict[str, str] = {}

    # What a test does to it

    def fail(
        self, method: str, status: int, reason: str, message: str, times: int = 1, **headers: str
    ) -> None:
        """Refuse the next calls of a method."""
        self._fails.append((method, times, RefusalError(status, reason, message, **headers)))

    def end(self, method: str, code: str, message: str) -> None:
        """Have the next change by a method end in an error."""
        self._ends[method] = {"code": code, "message": message}

    def changes(self) -> list[str]:
        """What was called and changes something."""
        return [one for one in self.calls if not re.search(r"\.(get|list|batchGet)\w*$", one)]

    def add(self, path: str, **body: Any) -> str:
        """A thing of Compute Engine that somebody or something else made; its link."""
        path = f"projects/{self.project.id}/{path}"
        name = path.rsplit("/", 1)[-1]
        link = f"https://www.googleapis.com/compute/v1/{path}"
        self.project.things[path] = {"name": name, "selfLink": link, **body}
        return link

    # Calls

    def handle(self, service: str, verb: str, path: str, query: str, body: Any) -> Any:
        described = api(service)
        method, parts = described.find(verb, path)
        given = described.check_query(method, query)
        if method.request or body is not None:
            described.check(method.request, body, f"{method.id}: request", request=True)
        with self._lock:
            self.calls.append(method.id)
            self.bodies.append((method.id, body))
            self._refuse(service, method)
            answer = self._answer(service, method, [unquote(part) for part in parts], given, body)
        if answer is not None:
            described.check(method.response, answer, f"{method.id}: answer", request=False)
        return answer

    def _refuse(self, service: str, method: Method) -> None:
        for place, (name, times, refusal) in enumerate(self._fails):
            if name in (method.id, "*"):
                left = [(name, times - 1, refusal)] if times > 1 else []
                self._fails[place : place + 1] = left
                raise refusal
        needs = f"{service}.googleapis.com"
        if service not in ("serviceusage",) and needs not in self.project.enabled:
            raise RefusalError(
                403, "SERVICE_DISABLED", f"{service} API has not been used in project"
            )

    def _answer(
        self, service: str, method: Method, parts: list[str], given: dict[str, list[str]], body: Any
    ) -> Any:
        _, *words = method.id.split(".")
        name = "_".join([service, *words])
        if hasattr(self, name):
            return getattr(self, name)(*parts, given=given, body=body)
        if service == "compute":
            return self._compute(method, parts, given, body)
        raise AssertionError(f"the test's Google does not know {method.id}")

    def serviceusage_services_batchGet(self, kind: str, project: str, given: Any, body: Any) -> Any:
        assert (kind, project) == ("projects", self.project.id)
        return {
            "services": [
                {
                    "name": f"projects/{NUMBER}/services/{one.rsplit('/', 1)[-1]}",
                    "state": "ENABLED"
                    if one.rsplit("/", 1)[-1] in self.project.enabled
                    else "DISABLED",
                }
                for one in given["names"]
            ]
        }

    def serviceusage_services_batchEnable(
        self, kind: str, project: str, given: Any, body: Any
    ) -> Any:
        services = body["serviceIds"]
        return self._operation(
            "serviceusage.services.batchEnable",
            {"name": "operations/acat.p2-1", "done": False},
            lambda: self.project.enabled.update(services),
        )

    def serviceusage_operations_get(self, name: str, given: Any, body: Any) -> Any:
        return self._look(f"operations/{name}", "done")

    def cloudresourcemanager_projects_get(self, project: str, given: Any, body: Any) -> Any:
        return {"name": f"projects/{NUMBER}", "projectId": project, "state": "ACTIVE"}

    def cloudresourcemanager_projects_getIamPolicy(self, *_: str, given: Any, body: Any) -> Any:
        return self.project.policies["project"]

    def cloudresourcemanager_projects_setIamPolicy(self, *_: str, given: Any, body: Any) -> Any:
        for one in body["policy"]["bindings"]:
            for member in one["members"]:
                email = member.removeprefix("serviceAccount:")
                if email.endswith("-nodes@my-lab-1234.iam.gserviceaccount.com"):
                    known = email in self.project.accounts
                    if not known:
                        raise RefusalError(
                            400, "INVALID_ARGUMENT", f"Service account {email} does not exist."
                        )
        return self._set_policy("project", body["policy"])

    def _set_policy(self, name: str, policy: dict[str, Any]) -> Any:
        if policy.get("etag") != self.project.policies[name]["etag"]:
            raise RefusalError(409, "ABORTED", "There were concurrent policy changes.")
        self._numbers += 1
        self.project.policies[name] = {**policy, "etag": f"BwX{self._numbers}"}
        return self.project.policies[name]

    def iam_projects_serviceAccounts_get(
        self, project: str, email: str, given: Any, body: Any
    ) -> Any:
        return _there(self.project.accounts, email)

    def iam_projects_serviceAccounts_create(self, project: str, given: Any, body: Any) -> Any:
        email = f"{body['accountId']}@{project}.iam.gserviceaccount.com"
        if email in self.project.accounts:
            raise RefusalError(409, "ALREADY_EXISTS", f"Service account {email} already exists.")
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", body["accountId"])
        self.project.accounts[email] = {"email": email, **body["serviceAccount"]}
        return self.project.accounts[email]

    def iam_projects_serviceAccounts_delete(
        self, project: str, email: str, given: Any, body: Any
    ) -> Any:
        del self.project.accounts[email]
        return {}

    # Clusters

    def container_projects_locations_clusters_get(self, *parts: str, given: Any, body: Any) -> Any:
        return _there(self.project.clusters, parts[2])

    def container_projects_locations_clusters_create(
        self, project: str, zone: str, given: Any, body: Any
    ) -> Any:
        wish = body["cluster"]
        if wish["name"] in self.project.clusters:
            raise RefusalError(409, "ALREADY_EXISTS", f"Already exists: {wish['name']}")
        network = f"projects/{project}/global/networks/{wish['network']}"
        assert network in self.project.things, "a cluster needs its network"
        made = {**wish, "status": "PROVISIONING", "location": zone}
        made["nodePools"] = [{**one, "status": "PROVISIONING"} for one in wish["nodePools"]]
        self.project.clusters[wish["name"]] = made

        def done() -> None:
            made["status"] = made["nodePools"][0]["status"] = "RUNNING"
            self.add(f"global/firewalls/gke-{wish['name']}-1a2b3c4d-all", network=_link(network))

        return self._change("container.projects.locations.clusters.create", zone, done, made)

    def container_projects_locations_clusters_delete(
        self, project: str, zone: str, name: str, given: Any, body: Any
    ) -> Any:
        made = _there(self.project.clusters, name)

        def done() -> None:
            del self.project.clusters[name]
            self.project.things.pop(
                f"projects/{project}/global/firewalls/gke-{name}-1a2b3c4d-all", 0
            )

        return self._change("container.projects.locations.clusters.delete", zone, done, made)

    def container_projects_locations_clusters_nodePools_get(
        self, project: str, zone: str, name: str, pool: str, given: Any, body: Any
    ) -> Any:
        return _there(self._pools(name), pool)

    def container_projects_locations_clusters_nodePools_create(
        self, project: str, zone: str, name: str, given: Any, body: Any
    ) -> Any:
        made, wish = _there(self.project.clusters, name), body["nodePool"]
        if wish["name"] in self._pools(name):
            raise RefusalError(409, "ALREADY_EXISTS", f"Already exists: {wish['name']}")
        pool = {**wish, "status": "PROVISIONING"}
        made["nodePools"].append(pool)
        return self._change(
            "container.projects.locations.clusters.nodePools.create",
            zone,
            lambda: pool.update(status="RUNNING"),
            pool,
        )

    def container_projects_locations_clusters_nodePools_setAutoscaling(
        self, project: str, zone: str, name: str, pool: str, given: Any, body: Any
    ) -> Any:
        found = _there(self._pools(name), pool)
        return self._change(
            "container.projects.locations.clusters.nodePools.setAutoscaling",
            zone,
            lambda: found.update(autoscaling=body["autoscaling"]),
        )

    def container_projects_locations_clusters_nodePools_delete(
        self, project: str, zone: str, name: str, pool: str, given: Any, body: Any
    ) -> Any:
        found = _there(self._pools(name), pool)
        pools = self.project.clusters[name]["nodePools"]
        return self._change(
            "container.projects.locations.clusters.nodePools.delete",
            zone,
            lambda: pools.remove(found),
            found,
        )

    def container_projects_locations_operations_get(
        self, project: str, zone: str, name: str, given: Any, body: Any
    ) -> Any:
        return self._look(name, "status")

    def _pools(self, name: str) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in _there(self.project.clusters, name)["nodePools"]}

    def _change(
        self, method: str, zone: str, done: Callable[[], object], broken: Any = None
    ) -> dict[str, Any]:
        if any(one.body.get("zone") == zone and one.left for one in self._operations.values()):
            raise RefusalError(
                400,
                "FAILED_PRECONDITION",
                "Cluster is running incompatible operation operation-1.",
            )
        self._numbers += 1
        name = f"operation-{self._numbers}"
        told = {"name": name, "zone": zone, "location": zone, "status": "RUNNING"}

        def breaks() -> None:
            if broken is not None:
                broken.update(status="ERROR", statusMessage="it could not be made")

        return self._operation(method, told, done, breaks)

    # Storage

    def storage_buckets_get(self, name: str, given: Any, body: Any) -> Any:
        return _there(self.project.buckets, name)

    def storage_buckets_insert(self, given: Any, body: Any) -> Any:
        assert given["project"] == [self.project.id]
        if body["name"] in self.project.buckets:
            raise RefusalError(
                409, "conflict", "Your previous request to create the bucket succeeded."
            )
        self.project.buckets[body["name"]] = body
        self.project.objects.setdefault(body["name"], set())
        self.project.policies[body["name"]] = {"etag": "CAE=", "bindings": []}
        return body

    def storage_buckets_list(self, given: Any, body: Any) -> Any:
        return self._page(list(self.project.buckets.values()), given)

    def storage_buckets_delete(self, name: str, given: Any, body: Any) -> Any:
        if self.project.objects.get(name):
            raise RefusalError(409, "conflict", "The bucket you tried to delete is not empty.")
        del self.project.buckets[name]

    def storage_buckets_getIamPolicy(self, name: str, given: Any, body: Any) -> Any:
        return self.project.policies[name]

    def storage_buckets_setIamPolicy(self, name: str, given: Any, body: Any) -> Any:
        return self._set_policy(name, body)

    def storage_objects_list(self, name: str, given: Any, body: Any) -> Any:
        return self._page([{"name": one} for one in sorted(self.project.objects[name])], given)

    def storage_objects_delete(self, name: str, one: str, given: Any, body: Any) -> Any:
        self.project.objects[name].remove(one)

    # Compute Engine

    def compute_projects_get(self, project: str, given: Any, body: Any) -> Any:
        return {"name": project, "quotas": _quotas(self.project.whole)}

    def compute_regions_get(self, project: str, region: str, given: Any, body: Any) -> Any:
        return {"name": region, "quotas": _quotas(self.project.quotas)}

    def compute_zones_get(self, project: str, zone: str, given: Any, body: Any) -> Any:
        if not zone.startswith("europe-west4-"):
            raise RefusalError(404, "notFound", f"The resource '{zone}' was not found")
        return {"name": zone, "status": "UP"}

    def compute_machineTypes_get(
        self, project: str, zone: str, name: str, given: Any, body: Any
    ) -> Any:
        cores = _there({one: {"cores": n} for one, n in self.project.machines.items()}, name)
        return {"name": name, "guestCpus": cores["cores"]}

    def compute_acceleratorTypes_get(
        self, project: str, zone: str, name: str, given: Any, body: Any
    ) -> Any:
        if zone not in self.project.gpus.get(name, ()):
            raise RefusalError(404, "notFound", f"The resource '{name}' was not found")
        return {"name": name}

    def compute_acceleratorTypes_aggregatedList(self, project: str, given: Any, body: Any) -> Any:
        name = given["filter"][0].removeprefix("name=")
        found = {
            f"zones/{zone}": {"acceleratorTypes": [{"name": name}]}
            for zone in self.project.gpus.get(name, ())
        }
        return {"items": {"zones/us-east1-a": {}, **found}}

    def compute_globalOperations_get(self, *parts: str, given: Any, body: Any) -> Any:
        return self._look(parts[-1], "status")

    compute_regionOperations_get = compute_globalOperations_get  # noqa: N815
    compute_zoneOperations_get = compute_globalOperations_get  # noqa: N815

    def _compute(
        self, method: Method, parts: list[str], given: dict[str, list[str]], body: Any
    ) -> Any:
        """Things of all collections, which are alike."""
        verb = method.id.rsplit(".", 1)[-1]
        path = method.path.pattern.replace("\\", "").removeprefix("compute/v1/")
        for part in parts:
            path = path.replace("([^/:]+)", part, 1)
        things = self.project.things
        if verb == "get":
            return _there(things, path)
        if verb == "list":
            found = [one for key, one in things.items() if key.rsplit("/", 1)[0] == path]
            return self._page(found, given)
        if verb == "insert":
            key = f"{path}/{body['name']}"
            if key in things:
                raise RefusalError(409, "alreadyExists", f"The resource '{key}' already exists")
            things[key] = {**body, "selfLink": _link(key)}
            return self._computed(method.id, path, lambda: None, lambda: things.pop(key))
        assert verb == "delete", method.id
        _there(things, path)
        users = [one for one, told in things.items() if one != path and path in _named(told)]
        if users:
            raise RefusalError(
                400,
                "resourceInUseByAnotherResource",
                f"The resource '{path}' is already being used by '{users[0]}'",
            )
        return self._computed(method.id, path, lambda: things.pop(path))

    def _computed(
        self,
        method: str,
        path: str,
        done: Callable[[], object],
        breaks: Callable[[], object] = lambda: None,
    ) -> dict[str, Any]:
        self._numbers += 1
        told = {"name": f"operation-{self._numbers}", "status": "RUNNING"}
        for scope in ("region", "zone"):
            if match := re.search(rf"/{scope}s/([^/]+)", path):
                told[scope] = _link(f"projects/{self.project.id}/{scope}s/{match[1]}")
        return self._operation(method, told, done, breaks)

    def _operation(
        self,
        method: str,
        told: dict[str, Any],
        done: Callable[[], object],
        breaks: Callable[[], object] = lambda: None,
    ) -> dict[str, Any]:
        fault = self._ends.pop(method, None)
        made = Operation(told["name"], told, self.looks, breaks if fault else done, fault)
        self._operations[told["name"]] = made
        return told

    def _look(self, name: str, form: str) -> dict[str, Any]:
        one = self._operations[name]
        one.left -= 1
        if one.left == 0:
            one.done()
            if form == "done":
                one.body |= {"done": True}
                one.body |= (
                    {"error": {"code": 8, "message": one.fault["message"]}} if one.fault else {}
                )
            else:
                one.body |= {"status": "DONE"}
                if (
                    one.fault
                    and "operation-" in name
                    and "zone" in one.body
                    and "location" in one.body
                ):
                    one.body |= {"error": {"code": 8, "message": one.fault["message"]}}
                elif one.fault:
                    one.body |= {"error": {"errors": [one.fault]}}
        return one.body

    def _page(self, found: list[dict[str, Any]], given: dict[str, list[str]]) -> dict[str, Any]:
        after = b64decode(given.get("pageToken", [""])[0]).decode()
        left = sorted((one for one in found if one["name"] > after), key=lambda one: one["name"])
        page: dict[str, Any] = {"items": left[:_PAGE]}
        if len(left) > _PAGE:
            page["nextPageToken"] = b64encode(left[_PAGE - 1]["name"].encode()).decode()
        return page


def _there(things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in things:
        raise RefusalError(404, "notFound", f"The resource '{name}' was not found")
    return things[name]


def _quotas(told: dict[str, float]) -> list[dict[str, Any]]:
    return [{"metric": metric, "limit": limit, "usage": 0.0} for metric, limit in told.items()]


def _link(path: str) -> str:
    return f"https://www.googleapis.com/compute/v1/{path}"


def _named(told: dict[str, Any]) -> set[str]:
    """Paths of the things that one names, but for what uses it."""
    text = json.dumps({key: one for key, one in told.items() if key not in ("selfLink", "users")})
    return set(_IN_USE.findall(text))
