from __future__ import annotations

import errno
import time
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest

from cytomill.errors import Interrupted, OutputError, TemporaryError, UnreachableError
from cytomill.image.array import from_array
from cytomill.inference.runtime import Models
from cytomill.ops.grid import Box
from cytomill.pipelines import trying
from cytomill.pipelines.base import Options, Part, Partial, Pipeline
from cytomill.pipelines.own import OwnPipelines
from cytomill.testing import PipelineTests
from tests import frail

IMAGE = from_array(np.zeros((4, 5), np.uint8))
PART = Part(0, 0, 0, Box(0, 0, 4, 5))
MODELS = Models(lambda name: pytest.fail("no model is needed"))
WELL, LOST = (Partial(0, 0, 0, PART.core, None, 0, outputs={"is": word}) for word in ("ok", "lost"))


class Failing(Pipeline):
    """Fails with one fault after the other, then does not."""

    name = "failing"
    summary = "Fails."
    models = ()
    Options = Options

    def __init__(self, *faults: BaseException, bears: bool = True) -> None:
        super().__init__(Options())
        self.faults, self.bears = list(faults), bears
        self.reasons: list[str] = []

    def split(self, image):
        return [PART]

    def process(self, image, part, models):
        if self.faults:
            raise self.faults.pop(0)
        return WELL

    def lost(self, image, part, reason):
        self.reasons.append(reason)
        return LOST if self.bears else None

    def merge(self, image, partials, scratch):
        raise NotImplementedError


class TestAPipelineThatCanLoseParts(PipelineTests):
    @pytest.fixture
    def pipeline(self, tmp_path: Path):
        own = OwnPipelines(Path(frail.pipeline(tmp_path)["CYTOMILL_PIPELINES"]))
        kind = own.load(*own.found())
        return kind(kind.Options(at=-1))


def test_what_fails_once_and_then_works_is_not_lost():
    pipeline = Failing(ValueError("odd"))
    assert trying.process(pipeline, IMAGE, PART, MODELS) is WELL
    assert pipeline.reasons == []


@pytest.mark.parametrize("fault", [ValueError("two\nlines"), MemoryError(), OutputError("x", "no")])
def test_what_fails_twice_is_lost_for_the_last_reason(fault):
    pipeline = Failing(ValueError("odd"), fault)
    assert trying.process(pipeline, IMAGE, PART, MODELS) is LOST
    (reason,) = pipeline.reasons
    assert reason.isprintable()
    assert "odd" not in reason


def test_what_cannot_be_lost_fails_as_it_did():
    with pytest.raises(ValueError, match="second"):
        trying.process(
            Failing(ValueError("first"), ValueError("second"), bears=False), IMAGE, PART, MODELS
        )


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Interrupted(),
        TemporaryError(),
        UnreachableError(),
        OSError(errno.ENOSPC, "full"),
        KeyboardInterrupt(),
    ],
)
def test_what_is_no_fault_of_the_part_is_told_at_once(fault, second):
    pipeline = Failing(*[ValueError("odd")] * second, fault, ValueError("never"))
    with pytest.raises(type(fault)):
        trying.process(pipeline, IMAGE, PART, MODELS)
    assert pipeline.reasons == []
    assert [str(one) for one in pipeline.faults] == ["never"]


def test_an_output_that_a_full_disk_refused_is_no_fault_of_the_part():
    fault = OutputError("a", "the disk is full")
    fault.__cause__ = OSError(errno.ENOSPC, "full")
    pipeline = Failing(fault)
    with pytest.raises(OutputError):
        trying.process(pipeline, IMAGE, PART, MODELS)


def test_parts_are_tried_again_one_at_a_time():
    together = Barrier(4, timeout=60)
    inside, most = 0, 0

    class Crowded(Failing):
        def process(self, image, part, models):
            nonlocal inside, most
            if not self.faults:
                together.wait()
                self.faults.append(ValueError("seen"))
                raise MemoryError
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1
            return WELL

    made: list[Partial] = []
    threads = [
        Thread(target=lambda: made.append(trying.process(Crowded(), IMAGE, PART, MODELS)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert made == [WELL] * 4
    assert most == 1
