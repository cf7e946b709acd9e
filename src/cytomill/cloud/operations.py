"""Waiting for what Google does after it has answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import CloudError, InUseError, RefusedError
from .google import Call, Google, advice

#: Seconds between two looks: at first, and at most.
_SOON, _LATE = 1.0, 10.0

#: Seconds that a change of a cluster may take: Google's own say 5 to 10 min, and after an upgrade
#: of its control plane twice that.
LONG = 1800.0


def wait(google: Google, operation: Mapping[str, Any], service: str, project: str) -> None:
    """Wait until an operation is done, as its service tells it.

    Raises `CloudError` where it ends in an error, and after half an hour.
    """
    path = _path(operation, service, project)
    if path is None:  # it was done at once
        return
    told: list[Mapping[str, Any]] = [operation]

    def done() -> bool:
        if not _done(told[0]):
            told[0] = google.call(Call("GET", service, path))
        return _done(told[0])

    until(google, done, f"operation {operation['name']}")
    fault = _fault(told[0])
    if "RESOURCE_IN_USE" in fault:
        raise InUseError(fault)
    if fault:
        raise CloudError(f"{fault}{advice(fault)}")


def until(
    google: Google,
    true: Callable[[], bool],
    what: str,
    *,
    seconds: float = LONG,
    why: Callable[[], str] = str,
) -> None:
    """Wait until ``true()`` is. Raises `CloudError` after ``seconds``, with ``why``."""
    end, pause = google.clock() + seconds, _SOON
    while not true():
        if google.clock() > end:
            raise CloudError(
                f"{what}: takes longer than {seconds / 60:.0f} min; run the same command again: it "
                f"goes on from here{why()}"
            )
        google.sleep(pause)
        pause = min(1.5 * pause, _LATE)


def carry_out(
    google: Google, call: Call, project: str, *, operates: bool = True, seconds: float = LONG
) -> None:
    """Make a call and wait for what it does, where it ``operates`` on after its answer.

    It is made again while what it is about is in use or changes. Raises what `Google.call` and
    `wait` do, and `CloudError` after ``seconds``.
    """
    used: list[CloudError] = []

    def made() -> bool:
        try:
            answer = google.call(call)
            if operates:
                wait(google, answer, call.service, project)
        except (RefusedError, InUseError) as error:
            if isinstance(error, RefusedError) and not _in_use(error):
                raise
            if not used:
                google.say(f"{error} (waiting until it can be done)")
            used.append(error)
            return False
        return True

    what = f"{call.method} {call.path}"
    until(google, made, what, seconds=seconds, why=lambda: f" ({used[-1]})" if used else "")


def _in_use(error: RefusedError) -> bool:
    return error.reason in (
        "resourceInUseByAnotherResource",
        "resourceNotReady",
    ) or "incompatible operation" in str(error)


def _path(operation: Mapping[str, Any], service: str, project: str) -> str | None:
    name = operation.get("name", "")
    if service == "serviceusage":
        return name if name.startswith("operations/") and "noop" not in name.lower() else None
    if service == "container":
        where = operation.get("location") or operation["zone"]
        return f"projects/{project}/locations/{where}/operations/{name}"
    for scope in ("zone", "region"):
        if scope in operation:
            where = operation[scope].rsplit("/", 1)[-1]
            return f"projects/{project}/{scope}s/{where}/operations/{name}"
    return f"projects/{project}/global/operations/{name}"


def _done(operation: Mapping[str, Any]) -> bool:
    return bool(operation.get("done")) or operation.get("status") == "DONE"


def _fault(operation: Mapping[str, Any]) -> str:
    """What an operation says went wrong."""
    error = operation.get("error") or {}
    faults = [f"{one.get('code', '')}: {one.get('message', '')}" for one in error.get("errors", ())]
    if not faults and error:
        faults = [str(error.get("message", ""))]
    return " ".join("; ".join(faults).split())
