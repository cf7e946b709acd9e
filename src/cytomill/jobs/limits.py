"""How often something may be done, counted in Redis for all processes of a kiosk."""

from __future__ import annotations

from importlib.resources import files

import redis

from .errors import QueueFullError
from .queue import PREFIX
from .redis import told


class Limits:
    """Limits in the Redis that ``client`` speaks to. The script has the table of keys."""

    def __init__(self, client: redis.Redis) -> None:
        script = files(__package__).joinpath("scripts", "limit.lua").read_text()
        self._script = client.register_script(script)

    def wait(self, name: str, rate: float, burst: float) -> float:
        """Seconds until it may be done again, 0 where it may be now, which then counts.

        ``rate`` is how often a second, in the long run; ``burst`` how often at once. Raises
        `QueueAwayError` where Redis does not answer.
        """
        every = 1000 / rate
        arguments = [f"{every:.6f}", f"{every * burst:.6f}"]
        try:
            with told():
                return int(self._script(keys=[f"{PREFIX}limit:{name}"], args=arguments)) / 1000
        except QueueFullError:
            return 0.0  # what is there can still be read, and deleted to make room
