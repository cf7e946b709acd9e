"""Roles in the policies of a project and of a bucket: given beside what else stands there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import RefusedError
from ..google import Call, Google
from ..operations import until
from . import bodies
from .cluster import ACCOUNT, NAMESPACE, Cluster

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
        member, changed = self.member(google), False

        def given() -> bool:
            nonlocal changed
            policy = google.call(self.read)
            bindings = [dict(one) for one in policy.get("bindings", ())]
            for role in self.roles:
                missing = True
                for one in bindings:
                    if one["role"] == role and "condition" not in one:
                        if member in one.get("members", ()):
                            missing = False
                        else:
                            one["members"] = [*one.get("members", ()), member]
                            missing, changed = False, True
                        break
                if missing:
                    bindings.append({"role": role, "members": [member]})
                    changed = True
            return not changed or self._written(google, {**policy, "bindings": bindings})

        until(google, given, self.words, seconds=_KNOWN)
        return "given" if changed else "has them"

    def remove(self, google: Google) -> str:
        """Take the roles away again."""
        member, changed = self.member(google), False

        def taken() -> bool:
            nonlocal changed
            policy = google.call(self.read)
            bindings = []
            for one in policy.get("bindings", ()):
                # An account that was deleted stands there as deleted:…?uid=…
                left = [who for who in one.get("members", ()) if not _same(who, member)]
                changed = changed or len(left) < len(one.get("members", ()))
                bindings += [{**one, "members": left}] if left else []
            return not changed or self._written(google, {**policy, "bindings": bindings})

        until(google, taken, self.words, seconds=_KNOWN)
        return "taken away" if changed else "has none"

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


def _same(who: str, member: str) -> bool:
    return who.removeprefix("deleted:").split("?")[0] == member


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
