"""Calls of Google's REST interfaces, asked again while these are busy, with faults in words."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from .credentials import Authorise
from .errors import CloudError, RefusedError

#: Where each interface is, with its version.
ENDPOINTS = {
    "cloudresourcemanager": "https://cloudresourcemanager.googleapis.com/v3/",
    "compute": "https://compute.googleapis.com/compute/v1/",
    "container": "https://container.googleapis.com/v1/",
    "iam": "https://iam.googleapis.com/v1/",
    "serviceusage": "https://serviceusage.googleapis.com/v1/",
    "storage": "https://storage.googleapis.com/storage/v1/",
}

#: Seconds between two tries: at first, and at most.
_SOON, _LATE = 1.0, 30.0

#: Seconds for which an interface that is away or busy is asked again.
_PATIENCE = 300.0

#: Seconds that an answer may take.
_TIMEOUT = 60.0

_AGAIN = (408, 429, 500, 502, 503, 504)

#: Reasons of a 403 that mean "too fast", and of one that means "not enabled".
_TOO_FAST = ("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED")
NOT_ENABLED = ("accessNotConfigured", "SERVICE_DISABLED")

#: What Google says where a project has no more quota, and where a zone has no more machines.
_QUOTA = ("quota", "QUOTA")
_STOCKOUT = ("STOCKOUT", "ZONE_RESOURCE_POOL_EXHAUSTED", "does not have enough resources")

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Call:
    """A call: ``path`` below the interface's address, and the body as JSON."""

    method: str
    service: str
    path: str
    body: Any = None

    def url(self, endpoints: Mapping[str, str] = ENDPOINTS) -> str:
        """The whole address."""
        return endpoints[self.service] + self.path


class Google:
    """Makes calls as who ``authorise`` says, on account of ``project``.

    Use it as a context: connections are kept from call to call. ``say`` is told once when a call
    has to wait.
    """

    def __init__(
        self,
        authorise: Authorise,
        project: str,
        say: Say,
        *,
        endpoints: Mapping[str, str] = ENDPOINTS,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authorise, self.say, self._endpoints = authorise, say, endpoints
        self.sleep, self.clock = sleep, clock
        # Who is logged in as himself has to say which project's limits count.
        self._http = httpx.Client(timeout=_TIMEOUT, headers={"X-Goog-User-Project": project})
        #: Whether interfaces that say that they are not enabled were enabled just now.
        self.enabled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, call: Call) -> dict[str, Any]:
        """Make a call; the JSON of its answer.

        Raises `RefusedError` where Google refuses, and `CloudError` where it stays away or busy.
        """
        begun, pause, told = self.clock(), _SOON, False
        while True:
            fault, wait = self._once(call)
            if isinstance(fault, dict):
                return fault
            if isinstance(fault, RefusedError) and not self._passes(fault):
                raise fault
            wait = max(wait, pause * random.uniform(0.5, 1.0))
            if self.clock() - begun + wait > _PATIENCE:
                raise fault
            if not told:
                self.say(f"{fault} (asking again for {_PATIENCE:.0f} s)")
                told = True
            self.sleep(wait)
            pause = min(2 * pause, _LATE)

    def get(self, service: str, path: str) -> dict[str, Any] | None:
        """What is at ``path``; None where nothing is."""
        try:
            return self.call(Call("GET", service, path))
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def look(self, service: str, path: str) -> dict[str, Any] | None:
        """What is at ``path``; None where nothing is, as its interface was never enabled or so."""
        try:
            return self.get(service, path)
        except RefusedError as error:
            if error.reason in NOT_ENABLED:
                return None
            raise

    def call_get(self, service: str, path: str) -> dict[str, Any]:
        """What is at ``path``, which has to be there."""
        return self.call(Call("GET", service, path))

    def list(self, service: str, path: str, key: str = "items") -> Iterator[dict[str, Any]]:
        """All things of a collection, of all its pages."""
        token = ""
        while True:
            joint = "&" if "?" in path else "?"
            page = self.call(
                Call(
                    "GET",
                    service,
                    f"{path}{joint}pageToken={quote(token, safe='')}" if token else path,
                )
            )
            yield from page.get(key, ())
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _passes(self, error: RefusedError) -> bool:
        """Whether a refusal may be over soon."""
        if self.enabled and error.reason in NOT_ENABLED:
            return True
        return error.status in _AGAIN or error.reason in _TOO_FAST

    def _once(self, call: Call) -> tuple[dict[str, Any] | CloudError, float]:
        """The answer or what is wrong with it, and the seconds that Google wants to be left."""
        url = call.url(self._endpoints)
        try:
            answer = self._http.request(
                call.method, url, json=call.body, headers={"Authorization": self._authorise()}
            )
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            return CloudError(f"{url.split('/')[2]}: does not answer ({told})"), 0.0
        try:
            told_json = answer.json() if answer.content else {}
        except ValueError:
            told_json = {}
        if answer.is_success:
            return told_json, 0.0
        after = answer.headers.get("Retry-After", "")
        return _refused(call, answer.status_code, told_json), float(
            after
        ) if after.isdigit() else 0.0


def _refused(call: Call, status: int, told: Mapping[str, Any]) -> RefusedError:
    """A refusal in words. Google has two forms of errors, of older and of newer interfaces."""
    error = told.get("error", {})
    error = error if isinstance(error, dict) else {}
    message = " ".join(str(error.get("message") or f"HTTP {status}").split())
    old = [one.get("reason", "") for one in error.get("errors", ())]
    new = [one.get("reason", "") for one in error.get("details", ()) if "reason" in one]
    reason = (new or old or [str(error.get("status", ""))])[0]
    what = f"{call.method} {call.path.split('?')[0]}"
    return RefusedError(f"{what}: {message}{advice(message, status, reason)}", status, reason)


def advice(message: str, status: int = 0, reason: str = "") -> str:
    """What to do about a fault that Google tells, to be put after it; nothing where that helps."""
    if any(word in message for word in _STOCKOUT):
        return "; the zone has no such machines left now: try another --zone, or later"
    if any(word in message for word in _QUOTA) and status != 429:
        return "; ask Google for more quota (IAM & Admin, Quotas), or for fewer nodes"
    if reason in NOT_ENABLED:
        return "; `cytomill cluster create` enables it"
    if "illing" in message:
        return "; link the project to a billing account"
    if status == 401:
        return "; log in again: gcloud auth application-default login"
    if status == 403:
        return (
            "; have somebody with the role Owner or Kubernetes Engine Admin do it, or give you that"
        )
    return ""
