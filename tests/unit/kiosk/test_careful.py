from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from cytomill.image.array import from_array
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.task import Kind, Task
from cytomill.kiosk.careful import Careful, can_lose
from cytomill.ops.grid import Box
from cytomill.pipelines.base import Options, Part, Partial, Pipeline

IMAGE = from_array(np.zeros((4, 5, 6), np.uint8), "TYX")
PARTS = [Part(t, t, 0, Box(0, 0, 5, 6)) for t in range(4)]


class Hard(Pipeline):
    """Bears no loss."""

    name: ClassVar[str] = "hard"
    Options: ClassVar[type[Options]] = Options

    def split(self, image):
        return PARTS

    def process(self, image, part, models):
        return partial(part)

    def merge(self, image, partials, scratch):
        raise NotImplementedError


class Soft(Hard):
    """Bears the loss of all parts but the first."""

    def lost(self, image, part, reason):
        return partial(part, lost=reason) if part.t else None


def partial(part: Part, **outputs: Any) -> Partial:
    return Partial(part.index, part.t, 0, part.core, None, 0, outputs=outputs)


class Deadly(BaseException):
    """The end of a program."""


@pytest.fixture
def bucket(tmp_path):
    return Bucket(str(tmp_path))


def attempt(bucket, pipeline, tries, deadly=()):
    """One try of a task of all parts; returns what came of them and which were processed."""
    task = Task("soft", "1-0", "j", Kind.PART, item=3, part=7, attempt=2, parts=2, tries=tries)
    done = []

    def do(plan, image, part):
        done.append(part.t)
        if part.t in deadly:
            raise Deadly
        return partial(part)

    careful = Careful(Bucket(bucket.url))
    if deadly:  # a program that dies removes nothing
        careful._bucket.delete = lambda keys: None
    doing = careful.doing(task, do)
    plan = SimpleNamespace(pipeline=pipeline)
    try:
        return [doing(plan, IMAGE, part) for part in PARTS], done
    except Deadly:
        return None, done


def test_only_the_part_that_kills_twice_is_lost_and_the_others_are_done_once(bucket):
    soft = Soft(Options())
    assert attempt(bucket, soft, 1, deadly=[2]) == (None, [0, 1, 2])
    assert attempt(bucket, soft, 2, deadly=[2]) == (None, [2])
    made, done = attempt(bucket, soft, 3, deadly=[2])
    assert done == [3]
    assert [one.index for one in made] == [0, 1, 2, 3]
    assert ["lost" in one.outputs for one in made] == [False, False, True, False]
    assert "died or hung, again and again" in made[2].outputs["lost"]


def test_two_parts_that_kill_are_both_lost_within_five_tries(bucket):
    soft = Soft(Options())
    for tries, done in ((1, [0, 1]), (2, [1]), (3, [2, 3])):
        assert attempt(bucket, soft, tries, deadly=[1, 3]) == (None, done)
    made, done = attempt(bucket, soft, 4, deadly=[1, 3])
    assert done == []
    assert ["lost" in one.outputs for one in made] == [False, True, False, True]


@pytest.mark.parametrize(("kind", "deadly"), [(Hard, 2), (Soft, 0)])
def test_what_cannot_be_lost_is_tried_every_time(bucket, kind, deadly):
    for tries in range(1, 5):
        made, done = attempt(bucket, kind(Options()), tries, deadly=[deadly])
        assert (made, done[-1]) == (None, deadly)


def test_a_part_that_was_stopped_has_killed_nobody(bucket):
    def do(plan, image, part):
        raise KeyboardInterrupt

    task = Task("soft", "1-0", "j", Kind.PART, item=3, part=7, attempt=2, parts=2, tries=1)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            Careful(bucket).doing(task, do)(
                SimpleNamespace(pipeline=Soft(Options())), IMAGE, PARTS[1]
            )
    assert list(bucket.list()) == []


def test_who_can_lose_parts_says_so():
    assert can_lose(Soft(Options()))
    assert not can_lose(Hard(Options()))
