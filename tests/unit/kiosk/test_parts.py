from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from cytomill.jobs.bucket import Bucket
from cytomill.jobs.task import Kind, Task
from cytomill.kiosk.parts import Parts, divided
from cytomill.ops.grid import Box
from cytomill.pipelines.base import Part, Partial


def part(index: int, edge: int, frames: int = 1) -> Part:
    return Part(index, 0, 0, Box(0, 0, edge, edge), frames=frames)


@given(st.lists(st.lists(st.sampled_from([64, 1024, 2048]), max_size=40), max_size=4))
def test_all_parts_are_in_one_task_each_in_their_order(edges):
    split = [[part(i, edge) for i, edge in enumerate(image)] for image in edges]
    groups = divided(split)
    whole = [(number, one) for number, parts in enumerate(split) for one in parts]
    assert [pair for group in groups for pair in group] == whole
    assert len(groups) == 1 or len(groups) > 4
    assert all(groups) or not whole


def test_small_parts_are_done_together_and_few_tasks_are_one():
    assert len(divided([[part(i, 2048) for i in range(4)]])) == 1
    assert len(divided([[part(i, 2048) for i in range(5)]])) == 5
    assert len(divided([[part(i, 256) for i in range(1000)]])) == 16
    assert len(divided([[part(i, 256, frames=64) for i in range(9)]])) == 9


def test_what_came_of_parts_comes_back_in_their_order(tmp_path):
    bucket, pipeline = Bucket(str(tmp_path)), SimpleNamespace()
    first = Task("q", "0-1", "job", Kind.ITEM, 7, attempt=2)
    split = [[part(0, 2048), part(1, 2048)], [part(0, 2048)]]
    groups = [[(0, split[0][0])], [(0, split[0][1]), (1, split[1][0])]]
    Parts(bucket).begin(first, pipeline, split, groups)
    for number in (1, 0):
        task = Task("q", "0-2", "job", Kind.PART, 7, number, parts=2)
        parts = Parts(bucket)
        assert parts.group(task, pipeline) == groups[number]
        made = [
            Partial(one.index, image, 0, one.core, None, image) for image, one in groups[number]
        ]
        parts.keep(task, pipeline, made)
    merge = Task("q", "0-3", "job", Kind.MERGE, 7, attempt=3, parts=2)
    counts, partials = Parts(bucket).kept(merge, pipeline)
    assert counts == [2, 1]
    assert [(one.count, one.index) for one in partials] == [(0, 0), (0, 1), (1, 0)]
