"""The workers of a kiosk on SLURM: which pools there are, and how each is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ...errors import OptionError
from ...scaling.slurm.job import NAME, Container, Job
from ...scaling.snapshot import Pool, Role
from ...settings import Settings
from ..price import Price
from .plan import CONSUMERS, MODEL_SERVERS, Flags, Plan

#: Seconds from asking for a worker until it is ready, until that was measured.
_STARTUP = 60.0

#: Settings that are about a machine or its user, not about the work.
_NOT_TOLD = frozenset(
    [
        "CYTOMILL_AUDIT",
        "CYTOMILL_KIOSK",
        "CYTOMILL_SERVER",
        "CYTOMILL_TOKEN",
        "CYTOMILL_OIDC_ISSUER",
    ]
)


def pools(plan: Plan, price: Price | None) -> list[Pool]:
    """Those of a plan; a worker costs what its threads do. Raises `OptionError`."""
    hour = price.hour * plan.threads if price else 0.0
    found = [_pool(CONSUMERS, Role.CONSUMER, plan.max_consumers, plan, plan.consumers, hour)]
    if plan.max_model_servers:
        most, flags = plan.max_model_servers, plan.model_servers
        found.append(_pool(MODEL_SERVERS, Role.MODEL_SERVER, most, plan, flags, hour))
    return found


def _pool(name: str, role: Role, most: int, plan: Plan, flags: Flags, hour: float) -> Pool:
    lifetime = None if flags.limit is None else flags.limit - flags.margin
    return Pool(
        name,
        role,
        most=most,
        threads=plan.threads,
        startup=_STARTUP,
        price=hour,
        lifetime=lifetime,
    )


def jobs(plan: Plan, settings: Settings, environment: Path) -> dict[str, Job]:
    """How the workers of each pool are run; they read ``environment``. Raises `OptionError`."""
    consumer = ["consumer", "--name", NAME, "--threads", str(plan.threads)]
    consumer += ["--device", plan.device, "--drain", f"{plan.consumers.patience:g}"]
    if plan.consumers.limit is not None:
        lifetime = plan.consumers.limit - plan.consumers.margin / 2
        consumer += ["--lifetime", f"{lifetime:g}"]
    if plan.max_model_servers:
        consumer += ["--model-server", "queue"]
    found = {CONSUMERS: _job(plan, plan.consumers, consumer, settings, environment)}
    if plan.max_model_servers:
        server = ["model-server", "--name", NAME, "--announce", "--host", "0.0.0.0"]
        server += ["--grpc-port", "0", "--http-port", "0", "--metrics-port", "0"]
        server += ["--device", plan.device, "--no-allow-load", "--threads", str(plan.threads)]
        server += ["--drain", f"{plan.model_servers.patience:g}"]
        server += ["--models", str(_folder(settings.models))]
        found[MODEL_SERVERS] = _job(plan, plan.model_servers, server, settings, environment)
    return found


def _job(plan: Plan, flags: Flags, words: list[str], settings: Settings, environment: Path) -> Job:
    options = (f"--cpus-per-task={plan.threads}", *flags.words())
    if plan.image is None:
        command = (sys.executable, "-m", "cytomill", *words)
        return Job(command, options, environment, margin=flags.margin)
    if not plan.image.is_file():
        raise OptionError(f"--image {plan.image}: there is no such file")
    # What lies elsewhere an image cannot see.
    folders = {plan.data, _folder(settings.models), _folder(settings.pipelines)}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    gpu = "gpu" in f"{flags.gres} {flags.extra}"
    container = Container(plan.image.absolute(), tuple(sorted(folders)), gpu)
    return Job(("cytomill", *words), options, environment, container, flags.margin)


def variables(settings: Settings) -> Mapping[str, str]:
    """What workers are told: the settings of this kiosk, where they lie, and its queue."""
    told = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("CYTOMILL_") and name not in _NOT_TOLD
    }
    return told | {
        "CYTOMILL_REDIS": settings.redis,
        "CYTOMILL_BUCKET": settings.bucket,
        "CYTOMILL_MODELS": str(_folder(settings.models)),
        "CYTOMILL_PIPELINES": str(_folder(settings.pipelines)),
        # What a worker says is in its log at once, or it is lost when it is killed.
        "PYTHONUNBUFFERED": "1",
    }


def _folder(path: Path) -> Path:
    return path.expanduser().absolute()
