from __future__ import annotations

from contextvars import copy_context
from pathlib import Path

import pytest

from cytomill.errors import Interrupted
from cytomill.inference.runtime import Models, Runtime
from cytomill.inference.stop import Stop
from cytomill.kiosk.stopping import check, stoppable, stopped_by
from cytomill.models.weights import Weights


class Asked(Runtime):
    name, device, weights = "asked", "here", Weights(Path("w"), None)
    inputs = outputs = ()

    def infer(self, tensors, outputs=None, stop=None):
        return {"stop": stop}


def test_an_inference_is_stopped_by_the_task_of_its_thread():
    models = stoppable(Models(lambda name: Asked()))
    stop, own = Stop(), Stop()
    assert models["a"] is models["a"]
    assert models["a"].infer({})["stop"] is None
    with stopped_by(stop):
        assert models["a"].infer({})["stop"] is stop
        assert copy_context().run(models["a"].infer, {})["stop"] is stop
        own.set()
        assert models["a"].infer({}, stop=own)["stop"] is own
        check()
        stop.set()
        with pytest.raises(Interrupted):
            check()
    check()
