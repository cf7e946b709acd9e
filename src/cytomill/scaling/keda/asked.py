"""What a ScaledObject's trigger asks for, from the metadata that its author wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import OptionError
from ..snapshot import Pool
from .wanted import Wanted

#: What KEDA itself reads there and passes on.
_KEDAS = (
    "scalerAddress",
    "tlsCertFile",
    "enableTLS",
    "unsafeSsl",
    "caCert",
    "tlsClientCert",
    "tlsClientKey",
)

_OURS = ("pool", "pipeline")

#: Ends the name of a value that KEDA took from the environment of the pods to be scaled.
_FROM_ENV = "FromEnv"


@dataclass(frozen=True, slots=True)
class Asked:
    """The pool that a trigger is about, and what its number is called."""

    pool: Pool

    @property
    def metric(self) -> str:
        """Letters, digits and dashes alone, of which KEDA changes none."""
        return "cytomill-" + re.sub(r"[^A-Za-z0-9]+", "-", self.pool.name)


def asked(metadata: Mapping[str, str], wanted: Wanted) -> Asked:
    """What ``metadata`` asks for: ``pool``, and whose tasks that takes as ``pipeline``.

    Raises `OptionError` for a pool that is not there or does not take those, and for names that
    mean nothing.
    """
    given: dict[str, str] = {}
    for key, value in metadata.items():
        name = key.removesuffix(_FROM_ENV)
        if name in _OURS:
            given[name] = value
        elif name not in _KEDAS:
            raise OptionError(f"metadata {key}: is not known; write pool, and pipeline if need be")
    if not given.get("pool"):
        raise OptionError("metadata pool: is missing; write the name of the pool to scale")
    return Asked(wanted.pool(given["pool"], given.get("pipeline", "")))
