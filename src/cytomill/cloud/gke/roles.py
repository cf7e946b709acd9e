"""Roles in the policies of a project and of a bucket: given beside what else stands there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from ..errors import RefusedError
from ..google import Call, Google
from ..operations import until
from . import bodies
from .cluster import ACCOUNT, NAMESPACE, Cluster

#: The part of a policy that says who has which role.
Bindings: TypeAlias = list[dict[str, Any]]

#: Seconds that a new account may take until it can be given roles.
_KNOWN = 120.0


@dataclass(frozen=True, slots=True)
class Roles:
    """Roles that somebody has in the policy of a thing; added to what else stands there."""

    words: str
    read: Call
    write: Call
    member: Callable[[Google], str]
    roles: Sequence[str]
    wrapped: bool = False

    @property
    def calls(self) -> Sequence[Call]:
        """A policy is read, changed and written."""
        return (self.read, self.write)

    def take(self, google: Google) -> str:
        """Give the roles that are missing."""
        member = self.member(google)

        def change(bindings: Bindings) -> Bindings:
            for role in self.roles:
                bindings = _with(bindings, role, member)
            return bindings

        return "given" if self._change(google, change) else "has them"

    def remove(self, google: Google) -> str:
        """Take all roles away again."""
        member = self.member(google)
        changed = self._change(google, lambda bindings: _without(bindings, member))
        return "taken away" if changed else "has none"

    def _change(self, google: Google, change: Callable[[Bindings], Bindings]) -> bool:
        """Change the policy as it is now; whether there was anything to change."""
        changed = False

        def written() -> bool:
            nonlocal changed
            policy = google.call(self.read)
            before = policy.get("bindings", [])
            after = change(before)
            if after == before:
                return True
            changed = True
            return self._written(google, {**policy, "bindings": after})

        until(google, written, self.words, seconds=_KNOWN)
        return changed

    def _written(self, google: Google, policy: dict[str, Any]) -> bool:
        body = {"policy": policy} if self.wrapped else policy
        call = Call(self.write.method, self.write.service, self.write.path, body)
        try:
            google.call(call)
        except RefusedError as error:
            # Somebody else changed it meanwhile, or the new account is not known everywhere yet.
            if error.status in (409, 412) or "does not exist" in str(error):
                return False
            raise
        return True


def _with(bindings: Bindings, role: str, member: str) -> Bindings:
    """Bindings in which a member has a role, always and not only under a condition."""
    plain = [one for one in bindings if one["role"] == role and "condition" not in one]
    if any(member in one.get("members", ()) for one in plain):
        return bindings
    if not plain:
        return [*bindings, {"role": role, "members": [member]}]
    more = {**plain[0], "members": [*plain[0].get("members", ()), member]}
    return [more if one is plain[0] else one for one in bindings]


def _without(bindings: Bindings, member: str) -> Bindings:
    """Bindings in which a member has no role."""
    left = []
    for one in bindings:
        members = one.get("members", [])
        # An account that was deleted stands there as deleted:serviceAccount:…?uid=…
        others = [who for who in members if who.removeprefix("deleted:").split("?")[0] != member]
        if others or not members:
            left.append({**one, "members": others} if len(others) < len(members) else one)
    return left


def node_roles(cluster: Cluster) -> Roles:
    """What the nodes' account may do in the project."""
    path = f"projects/{cluster.project}"
    version = {"options": {"requestedPolicyVersion": 3}}
    return Roles(
        "roles of the nodes' account",
        Call("POST", "cloudresourcemanager", f"{path}:getIamPolicy", version),
        Call("POST", "cloudresourcemanager", f"{path}:setIamPolicy", _shown(bodies.NODE_ROLES)),
        lambda _: f"serviceAccount:{cluster.email}",
        bodies.NODE_ROLES,
        wrapped=True,
    )


def bucket_roles(cluster: Cluster) -> Roles:
    """What the kiosk's pods may do with the bucket, without a key."""
    path = f"b/{quote(cluster.bucket, safe='')}/iam"

    def member(google: Google) -> str:
        found = google.call(Call("GET", "cloudresourcemanager", f"projects/{cluster.project}"))
        number = found["name"].rsplit("/", 1)[-1]
        return (
            f"principal://iam.googleapis.com/projects/{number}/locations/global/"
            f"workloadIdentityPools/{cluster.project}.svc.id.goog/"
            f"subject/ns/{NAMESPACE}/sa/{ACCOUNT}"
        )

    return Roles(
        f"the kiosk's pods may use bucket {cluster.bucket}",
        Call("GET", "storage", f"{path}?optionsRequestedPolicyVersion=3"),
        Call("PUT", "storage", path, _shown((bodies.BUCKET_ROLE,))),
        member,
        (bodies.BUCKET_ROLE,),
    )


def _shown(roles: Sequence[str]) -> dict[str, Any]:
    """What a policy gets more, as the plan shows it."""
    return {"bindings": [{"role": role, "members": ["…"]} for role in roles]}
