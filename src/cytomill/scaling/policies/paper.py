"""The formulas of the DeepCell Kiosk, to the letter of its paper."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..policy import Wish
from ..snapshot import Pool, Role, Snapshot, State


@dataclass(frozen=True, slots=True)
class Paper:
    """Horizontal pod autoscaling as Bannon et al. (2021), Nature Methods 18, 43-45, describe it.

    All formulas are of the part "Horizontal Pod Autoscaling" of its supplement. Where that says
    nothing, this does as the published code: model servers count once they answer, and the use of
    devices is the mean over these. Where the two differ, this follows the paper: the code divides
    the items for each consumer by another 100.
    """

    server_target: float = 70.0
    """Target of the model servers: per cent of the time that their devices are busy."""

    consumer_target: float = 0.15
    """Target of the consumers' metric."""

    crowd: float = 150.0
    """Consumers for each model server from which on there are too many."""

    crowded: float = 0.1125
    """The consumers' metric there: three quarters of its target."""

    tolerance: float = 0.10
    """Part by which a metric may be off its target without anything being done."""

    name: ClassVar[str] = "paper"
    period: ClassVar[float] = 15.0

    def wishes(self, seen: Snapshot) -> Mapping[str, Wish]:
        """What it wishes for, by pool."""
        return {
            pool.name: self._consumers(seen, pool)
            if pool.role is Role.CONSUMER
            else self._servers(seen, pool)
            for pool in seen.pools
        }

    def server_metric(self, seen: Snapshot) -> float | None:
        """Per cent of the time that the devices were busy; None where that is not known."""
        return None if seen.use is None else 100.0 * seen.use

    def consumer_metric(self, seen: Snapshot, pool: Pool) -> float:
        """The metric in its three regimes.

        With G per cent of use of the devices, K items in the queue and C consumers: 0 without model
        servers and items; min((100 - G) / 100, K / C) below 150 consumers for each model server;
        0.1125 from there on, and while no model server is ready. Where there are no pools of model
        servers, which the paper does not know, there is no such limit.
        """
        pools = [one for one in seen.pools if one.role is Role.MODEL_SERVER]
        servers = sum(len(seen.of(one, State.READY)) for one in pools)
        items = sum(one.tasks for one in seen.loads_of(pool))
        consumers = sum(seen.count(one) for one in seen.pools if one.role is Role.CONSUMER)
        if not servers and not items:
            return 0.0
        if pools and consumers >= self.crowd * servers:
            return self.crowded
        use = self.server_metric(seen) or 0.0
        return min((100.0 - use) / 100.0, items / max(1, seen.count(pool)))

    def desired(self, current: int, metric: float, target: float) -> int:
        """How many there should be: ceil(current x metric / target).

        As many as there are where the metric is within the tolerance of its target.
        """
        ratio = metric / target
        if abs(ratio - 1.0) <= self.tolerance + 1e-9:
            return current
        # What is a whole number but for rounding is that number.
        return math.ceil(round(current * ratio, 9))

    def _servers(self, seen: Snapshot, pool: Pool) -> Wish:
        """From none to one for the first task, to none without any, and by use between."""
        current = seen.count(pool)
        items = sum(one.tasks for one in seen.loads_of(pool))
        if not items:
            return Wish(0, "nothing is left to do")
        if not current:
            return Wish(1, "the first for what is in the queue")
        metric = self.server_metric(seen)
        if metric is None:
            return Wish(current, "the use of its devices is not known yet")
        count = max(1, self.desired(current, metric, self.server_target))
        return Wish(
            count, f"devices are used {metric:.0f} %, for a target of {self.server_target:g} %"
        )

    def _consumers(self, seen: Snapshot, pool: Pool) -> Wish:
        """As many as the metric asks for, and one at least while there is anything to do."""
        if not any(one.tasks for one in seen.loads_of(pool)):
            return Wish(0, "nothing is left to do")
        metric = self.consumer_metric(seen, pool)
        count = self.desired(seen.count(pool), metric, self.consumer_target)
        return Wish(
            max(1, count), f"the metric is {metric:.4g}, for a target of {self.consumer_target:g}"
        )
