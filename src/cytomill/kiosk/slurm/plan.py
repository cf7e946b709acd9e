"""What was asked for of a kiosk on SLURM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError
from ...scaling.slurm.job import extra
from ...scaling.slurm.parsing import seconds

#: Names of the pools.
CONSUMERS, MODEL_SERVERS = "consumers", "model-servers"

#: Seconds before its time is over at which a worker drains, of those that it then has.
_MARGIN, _PATIENCE = 60.0, 20.0


@dataclass(frozen=True, slots=True)
class Flags:
    """What a user asks of SLURM for jobs, in its own words; empty for what it gives by default."""

    partition: str = ""
    account: str = ""
    gres: str = ""
    time: str = ""
    extra: str = ""

    @property
    def limit(self) -> float | None:
        """Seconds that a job has; None where its partition says. Raises `OptionError`."""
        return seconds(self.time) if self.time else None

    @property
    def margin(self) -> float:
        """Seconds before that at which its worker drains."""
        return min(_MARGIN, (self.limit or float("inf")) / 4)

    @property
    def patience(self) -> float:
        """Seconds in which a worker that drains finishes what it has in hand."""
        return min(_PATIENCE, self.margin / 3)

    def words(self) -> list[str]:
        """The flags of ``sbatch``. Raises `OptionError`."""
        named = {
            "partition": self.partition,
            "account": self.account,
            "gres": self.gres,
            "time": self.time,
        }
        for name, value in named.items():
            if value != value.strip() or any(letter.isspace() for letter in value):
                raise OptionError(f"--{name} {value!r}: has spaces in it")
        _ = self.limit
        return [f"--{name}={value}" for name, value in named.items() if value] + [
            *extra(self.extra)
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for.

    The API listens at ``host`` and ``port``, the queue at ``address`` and ``redis_port``, which all
    nodes must reach; ports are None for those of the last time, or free ones. ``gres`` of
    ``consumers`` is that of the model servers where there may be any. ``image`` is an Apptainer
    image for the workers, which else run in this Python. ``within`` is in seconds. ``inside`` says
    that all this is in a job of SLURM.
    """

    data: Path
    host: str = ""
    port: int | None = None
    address: str = ""
    redis_port: int | None = None
    max_consumers: int = 10
    max_model_servers: int = 0
    threads: int = 4
    device: str = "auto"
    consumers: Flags = Flags()
    model_servers: Flags = Flags()
    image: Path | None = None
    policy: str = "throughput"
    within: float | None = None
    budget: float | None = None
    inside: bool = False
