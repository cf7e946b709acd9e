"""What a cluster is to be, and what its parts are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import OptionError

#: The label that everything of a cluster has, where Google lets it have labels.
LABEL = "cytomill-cluster"

#: The label and taint that tells the chart's parts which nodes are theirs.
POOL = "cytomill.io/pool"

#: Where the chart is installed, and who its pods are there.
NAMESPACE = ACCOUNT = "cytomill"

#: A name has to fit into that of a service account, which may have 30 characters.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,20}[a-z0-9])?")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")
_MACHINE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A kind of GPU, one to a node; ``part`` is its name in names of quotas."""

    name: str
    accelerator: str
    machine: str
    part: str

    @property
    def built_in(self) -> bool:
        """Whether its machines have it by themselves, and their price with it."""
        return not self.machine.startswith("n1-")


GPUS = {
    one.name: one
    for one in (
        Gpu("t4", "nvidia-tesla-t4", "n1-standard-4", "T4"),
        Gpu("l4", "nvidia-l4", "g2-standard-4", "L4"),
        Gpu("v100", "nvidia-tesla-v100", "n1-standard-4", "V100"),
        Gpu("a100", "nvidia-tesla-a100", "a2-highgpu-1g", "A100"),
    )
}


@dataclass(frozen=True, slots=True)
class NodePool:
    """Nodes that are alike; ``disk`` is in GB."""

    name: str
    machine: str
    least: int
    most: int
    spot: bool
    disk: int
    gpu: Gpu | None = None

    @property
    def tainted(self) -> bool:
        """Whether only pods that say so come there."""
        return self.name != "system"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and what belongs to it.

    The nodes of pool ``consumers`` are of the type ``machine``, at most ``max_nodes``; those of
    pool ``gpu`` have one GPU each, at most ``max_gpus``. Raises `OptionError` for a name that
    Google would not take, before anything is made.
    """

    project: str
    zone: str
    name: str
    gpu: Gpu | None = None
    max_gpus: int = 4
    machine: str = "e2-standard-8"
    max_nodes: int = 20
    system_machine: str = "e2-standard-4"
    spot: bool = True
    bucket: str = ""

    def __post_init__(self) -> None:
        for option, value, form, words in (
            ("--project", self.project, _PROJECT, "the id of a project, such as my-lab-1234"),
            ("--zone", self.zone, _ZONE, "a zone, such as europe-west4-b"),
            ("--name", self.name, _NAME, "1 to 22 lower-case letters, digits and dashes"),
            ("--machine", self.machine, _MACHINE, "a type of machine, such as e2-standard-8"),
            (
                "--system-machine",
                self.system_machine,
                _MACHINE,
                "a type of machine, such as e2-standard-4",
            ),
            ("--bucket", self.bucket or "none", _BUCKET, "3 to 63 lower-case letters and digits"),
        ):
            if not form.fullmatch(value):
                raise OptionError(f"{option} {value}: is none; give {words}")

    @property
    def region(self) -> str:
        """Where its network is."""
        return self.zone.rsplit("-", 1)[0]

    @property
    def path(self) -> str:
        """The cluster for the interface of containers."""
        return f"projects/{self.project}/locations/{self.zone}/clusters/{self.name}"

    @property
    def network(self) -> str:
        """The name of its network, of the one part of that, and of its router."""
        return f"cytomill-{self.name}"

    @property
    def email(self) -> str:
        """The service account of its nodes."""
        return f"{self.account}@{self.project}.iam.gserviceaccount.com"

    @property
    def account(self) -> str:
        """The name of that."""
        return f"{self.name}-nodes"

    @property
    def described(self) -> str:
        """What stands on things that can have no labels."""
        return f"cytomill cluster {self.name} in {self.zone}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What stands on all others."""
        return {LABEL: self.name}

    @property
    def pools(self) -> Sequence[NodePool]:
        """Its pools of nodes, the one that stays first."""
        pools = [
            NodePool("system", self.system_machine, 1, 3, False, 50),
            NodePool("consumers", self.machine, 0, self.max_nodes, self.spot, 100),
        ]
        if self.gpu is not None:
            gpu = NodePool("gpu", self.gpu.machine, 0, self.max_gpus, self.spot, 100, self.gpu)
            pools.append(gpu)
        return pools
