from __future__ import annotations

import errno
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tifffile

from cytomill.batch.journal import Journal
from cytomill.batch.outputs import Outputs
from cytomill.batch.worker import Worker
from cytomill.errors import Interrupted, OutputError, TemporaryError, UnreachableError
from cytomill.image.collect import collect
from cytomill.inference.runtime import Models
from cytomill.inference.traffic import count
from cytomill.ops.grid import Box
from cytomill.pipelines.base import Options, Part, Partial, Pipeline, Result
from cytomill.pipelines.canvas import Canvas


class Rows(Pipeline):
    """One object per row of the image, a part each; ``fault`` is raised in the third part."""

    name: ClassVar[str] = "rows"
    summary: ClassVar[str] = "Rows."
    models: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type[Options]] = Options

    def __init__(self, fault: BaseException | None = None) -> None:
        super().__init__(Options())
        self.fault = fault

    def split(self, image):
        width = image.shape[4]
        return [Part(y, 0, 0, Box(y, 0, y + 1, width)) for y in range(image.shape[3])]

    def process(self, image, part, models):
        if self.fault and part.index == 2:
            raise self.fault
        return Partial(part.index, 0, 0, part.core, np.ones(part.core.shape, np.int32), 1)

    def merge(self, image, partials, scratch):
        t, _, z, y, x = image.shape
        canvas = Canvas((t, z, y, x), scratch)
        (scratch / "spill").write_bytes(b"pixels")
        for number, partial in enumerate(partials):
            assert partial.index == number
            canvas.paste(0, 0, partial.box, partial.labels, partial.count)
        return Result(canvas.finish(), canvas.count, None, 0, None, {})


@pytest.fixture
def entry(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 5), np.uint8))
    return collect(tmp_path / "a.tif")[0]


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "out", None) as opened:
        yield opened


def worker(journal, pipeline, **more) -> Worker:
    options = {"overwrite": False, "taken": frozenset(), **more}
    return Worker(
        pipeline,
        Models(lambda model: pytest.fail("no model is needed")),
        Outputs(),
        journal,
        task="task",
        threads=3,
        ran={"m": "w.onnx on cpu"},
        **options,
    )


def left(journal: Journal) -> list[Path]:
    return [*journal.out.rglob("*.part"), *journal.out.glob(".cytomill/scratch*")]


def test_parts_are_merged_in_order_whatever_thread_did_them(journal, entry):
    record = worker(journal, Rows()).item(entry, "a")
    assert (record.status, record.objects, record.outputs) == ("done", 9, ["a_labels.tif"])
    assert record.ran == {"m": "w.onnx on cpu"}
    assert journal.records["a.tif"].status == "done"
    labels = tifffile.imread(journal.out / "a_labels.tif")
    assert labels[:, 0].tolist() == list(range(1, 10))
    assert not left(journal)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (TemporaryError("the server is busy"), "the server is busy"),
        (MemoryError(), "a.tif: does not fit in memory; use fewer --threads"),
        (RuntimeError("two\nlines"), "(RuntimeError: two lines); please report this"),
        (OSError(errno.EINVAL, "odd"), "(OSError: [Errno 22] odd); please report this"),
        (OutputError("x", "too long"), "x: too long"),
        (ValueError("\udcff"), "(ValueError: _); please report this"),
    ],
)
def test_a_fault_is_a_record_and_leaves_nothing(journal, entry, fault, told):
    record = worker(journal, Rows(fault)).item(entry, "a")
    assert (record.status, record.objects, record.outputs) == ("failed", 0, [])
    assert told in record.error
    assert "\n" not in record.error
    assert not (journal.out / "a_labels.tif").exists()
    assert not left(journal)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_fault_of_the_disk_stops_everything(journal, entry, number):
    with pytest.raises(OutputError):
        worker(journal, Rows(OSError(number, "full"))).item(entry, "a")
    assert not left(journal)


def test_a_server_that_stays_away_stops_everything(journal, entry):
    with pytest.raises(UnreachableError):
        worker(journal, Rows(UnreachableError("grpc://a:1: does not answer"))).item(entry, "a")
    assert not left(journal)


@pytest.mark.parametrize("fault", [None, ValueError("no good")])
def test_what_all_threads_sent_for_an_image_is_in_its_record(journal, entry, fault):
    class Sending(Rows):
        def process(self, image, part, models):
            count(sent=100, received=10)
            return super().process(image, part, models)

    count(sent=7)  # for nobody
    record = worker(journal, Sending(fault)).item(entry, "a")
    if fault is None:
        assert record.wire_bytes == {"sent": 900, "received": 90}
    assert record.wire_bytes["sent"] >= 300
    assert journal.records["a.tif"].wire_bytes == record.wire_bytes


def test_once_stopped_no_image_is_begun(journal, entry):
    busy = worker(journal, Rows())
    busy.stop.set()
    with pytest.raises(Interrupted):
        busy.item(entry, "a")
    assert journal.records == {}
    assert not left(journal)


def test_an_image_at_hand_stops_between_its_parts(journal, entry):
    class Stopping(Rows):
        def process(self, image, part, models):
            if part.index == 4:
                busy.stop.set()
            return super().process(image, part, models)

    busy = worker(journal, Stopping())
    with pytest.raises(Interrupted):
        busy.item(entry, "a")
    assert journal.records["a.tif"].status == "started"
    assert not left(journal)


def test_a_foreign_file_is_refused_and_a_made_one_replaced(journal, entry):
    (journal.out / "a_labels.tif").write_text("mine")
    record = worker(journal, Rows()).item(entry, "a")
    assert record.status == "failed"
    assert "exists and was not made by a run into this folder; move it" in record.error
    assert (journal.out / "a_labels.tif").read_text() == "mine"
    assert worker(journal, Rows(), overwrite=True).item(entry, "a").status == "done"
