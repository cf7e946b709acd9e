"""The contract of queues as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .queue_machine import machine
from .queue_rig import Leftovers
from .queue_users import UserTests
from .queue_work import WorkTests

if TYPE_CHECKING:
    from ..jobs.queue import Queue


class QueueTests(WorkTests, UserTests):
    """Subclass it and give the fixture ``queue``: empty, with five tries for a task.

    ``leftovers``, a fixture too, names what is still stored of a job, where one can look.
    """

    def test_no_history_loses_an_item_or_publishes_one_twice(
        self, queue: Queue, leftovers: Leftovers
    ) -> None:
        """Whatever users, consumers and death do, in whatever order."""
        run_state_machine_as_test(
            machine(queue, leftovers),
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
