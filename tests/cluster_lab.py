"""A cluster for tests, and one who plans, creates and destroys it at a Google of the test's own."""

from __future__ import annotations

from typing import Any

from cytomill.cloud.gke.cluster import GPUS, Cluster
from cytomill.cloud.gke.create import create
from cytomill.cloud.gke.destroy import destroy, leaks
from cytomill.cloud.google import Google
from tests.google_project import GoogleCloud

LAB = Cluster("my-lab-1234", "europe-west4-b", "lab", GPUS["t4"], bucket="my-lab-kiosk")

POOLS = "container.projects.locations.clusters.nodePools"
CLUSTERS = "container.projects.locations.clusters"


class Lab:
    """A Google, one who calls it, and what was said; time passes when somebody sleeps."""

    def __init__(self, cloud: GoogleCloud) -> None:
        self.cloud, self.project, self.said, self.now = cloud, cloud.project, [], 0.0
        self.google = Google(
            lambda: "Bearer a-token",
            LAB.project,
            self.say,
            endpoints=cloud.endpoints,
            sleep=self._sleep,
            clock=lambda: self.now,
        )

    said: list[str]

    def say(self, line: str) -> None:
        self.said.append(line)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def create(self, cluster: Cluster = LAB) -> list[str]:
        """Create a cluster; what was called and changes something."""
        self.cloud.calls.clear()
        self.cloud.bodies.clear()
        create(cluster, self.google, self.say)
        return [one for one in self.cloud.changes() if not one.endswith("getIamPolicy")]

    def destroy(self, cluster: Cluster = LAB) -> list[str]:
        """Destroy it; what still costs money."""
        others = destroy(cluster, self.google, self.say)
        return leaks(cluster, self.google, others)

    def body(self, method: str, place: int = 0) -> Any:
        return [body for name, body in self.cloud.bodies if name == method][place]

    def waited(self, *words: str) -> bool:
        """Whether a line was said that has all these words."""
        return any(all(word in line for word in words) for line in self.said)
