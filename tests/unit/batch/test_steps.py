from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from cytomill.batch.steps import Found, viewed
from cytomill.errors import InputError
from cytomill.image.array import from_array
from cytomill.image.view import time_of_depth
from cytomill.pipelines.base import Products, Result
from cytomill.pipelines.planes import PlaneOptions, Planes

RESULT = Result(None, 2, None, 0, None, {})
ROWS = pa.table({"label": [1, 2]})
PRODUCTS = Products(tables=("tracks",))


class Deep(Planes[PlaneOptions]):
    """Takes planes of Z as times, and no image of one plane."""

    name = "deep"
    summary = "Deep."
    Options = PlaneOptions

    def view(self, image):
        if len(image.planes) == 1:
            raise InputError(image.name, "has one plane")
        return time_of_depth(image)

    def label(self, pixels, models):
        return pixels


def test_images_are_named_and_then_seen_as_the_pipeline_takes_them():
    deep = Deep(PlaneOptions())
    stack = from_array(np.zeros((3, 4, 5), np.uint8), "ZYX")
    (one,) = viewed(deep, [stack], "a.tif")
    assert (one.name, one.axes, one.shape) == ("a.tif", "TYX", (3, 1, 1, 4, 5))
    assert [image.name for image in viewed(deep, [stack, stack], "a.tif")] == ["a.tif#0", "a.tif#1"]
    with pytest.raises(InputError, match=r"a\.tif#1: has one plane"):
        viewed(deep, [stack, from_array(np.zeros((4, 5), np.uint8))], "a.tif")


def test_the_tables_of_all_images_are_put_together_by_name():
    found = Found(PRODUCTS, 2)
    wider = ROWS.append_column("area", pa.array([1.0, 2.0]))
    for table in (ROWS, wider):
        tables = {"tracks": ROWS, "unknown": ROWS}
        found.add(replace(RESULT, table=table, tables=tables))
    assert found.objects == 4
    assert list(found.tables) == ["measurements", "tracks"]
    assert found.tables["measurements"]["area"].to_pylist() == [None, None, 1.0, 2.0]
    assert found.tables["tracks"].num_rows == 4


def test_a_pipeline_that_measures_nothing_gives_no_measurements():
    found = Found(Products(), 1)
    found.add(RESULT)
    assert (found.tables, found.notes) == ({}, ())


def test_notes_are_on_one_line_and_say_of_which_image_they_are_where_there_are_several():
    noted = replace(RESULT, notes=("Frame 3\nis  lost.", "\x1b[2J"))
    one, several = Found(Products(), 1), Found(Products(), 2)
    one.add(noted)
    assert one.notes == ("Frame 3 is lost.", "_[2J")
    several.add(RESULT)
    several.add(noted)
    assert several.notes[0] == "image 1: Frame 3 is lost."


def test_a_table_that_was_announced_and_is_not_there_is_a_fault():
    with pytest.raises(KeyError, match="tracks"):
        Found(PRODUCTS, 1).add(RESULT)
