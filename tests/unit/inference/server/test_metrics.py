from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from cytomill.inference.server.metrics import Metric, Metrics
from cytomill.inference.server.statistics import Duration, Statistics, WorkerFigures

NUCLEI = Statistics(
    "nuclei",
    "1",
    inferences=12,
    executions=5,
    success=Duration(10, 4_000_000),
    failures={"UNAVAILABLE": 1, "RESOURCE_EXHAUSTED": 2, "INTERNAL": 4, "NOT_FOUND": 8},
)


class Figures:
    """A service of which only the figures are wanted."""

    memory = 1000

    def __init__(self):
        self.busy, self.slots = 0.0, 2

    def ready(self):
        return True

    def statistics(self):
        return [NUCLEI]

    def workers(self):
        return [WorkerFigures("nuclei", "1", "cpu", self.slots, 1, 3, self.busy, 100, 1, 0)]


def values(metrics):
    return {
        (one.name.removesuffix("_total"), one.labels.get("reason")): one.value
        for family in text_string_to_metric_families(metrics.text())
        for one in family.samples
    }


def test_labels_are_escaped():
    labels = {"model": 'a"b\\c\nd'}
    text = "\n".join(Metric("m", "gauge", "Help", ((labels, 0.5),)).lines()) + "\n"
    ((one,),) = (family.samples for family in text_string_to_metric_families(text))
    assert (one.labels, one.value) == (labels, 0.5)


def test_figures_have_tritons_names():
    found = values(Metrics(Figures()))
    assert found["nv_inference_request_success", None] == 10
    assert found["nv_inference_count", None] == 12
    assert found["nv_inference_exec_count", None] == 5
    assert found["nv_inference_request_duration_us", None] == 4000
    assert found["nv_inference_pending_request_count", None] == 3
    failures = {r: n for (name, r), n in found.items() if name == "nv_inference_request_failure"}
    assert failures == {"REJECTED": 3, "CANCELED": 0, "BACKEND": 4, "OTHER": 8}


def test_the_busy_share_is_of_all_slots_since_the_last_look():
    service = Figures()
    metrics = Metrics(service)
    metrics.look()
    assert values(metrics)["cytomill_busy_share", None] == 0
    service.busy += 1e9  # far more than can have passed
    metrics.look()
    assert values(metrics)["cytomill_busy_share", None] == 1
    service.slots = 0
    metrics.look()
    assert values(metrics)["cytomill_busy_share", None] == 0


def test_models_that_are_not_in_memory_do_not_count():
    service = Figures()
    assert values(Metrics(service))["cytomill_models_loaded", None] == 1
    service.slots = 0
    assert values(Metrics(service))["cytomill_models_loaded", None] == 0
