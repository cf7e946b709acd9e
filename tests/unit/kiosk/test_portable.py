from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cytomill.kiosk.portable import NotPortableError, dump, load
from cytomill.ops.grid import Box
from cytomill.ops.normalise import Levels
from cytomill.pipelines.base import Part, Partial
from cytomill.pipelines.zoo_objects import Rows
from cytomill.pipelines.zoo_outputs import Scores
from cytomill.pipelines.zoo_result import Produced

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_plain_values_come_back_as_they_were(value):
    found = load(dump(value))
    assert (found, type(found)) == (value, type(value))


@given(arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(min_dims=0, min_side=0)))
def test_arrays_come_back_bit_for_bit_and_can_be_written_to(array):
    found = load(dump({"a": array}))["a"]
    assert (found.dtype, found.shape, found.tobytes()) == (
        array.dtype,
        array.shape,
        array.tobytes(),
    )
    assert found.flags.writeable


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and bool(np.array_equal(one, other))
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_what_the_built_in_pipelines_give_comes_back():
    box = Box(0, 1, 2, 3)
    produced = Produced(
        {"m": np.ones((1, 1, 1, 2, 2), np.float32)},
        box,
        Scores(0, None, {"c": [0.5, float("inf")]}),
        {"a": np.arange(3)[::-1]},
        [Rows(0, 0, (1, 2), {"label": np.array([1], np.int32)})],
    )
    partial = Partial(
        3, 0, 1, box, np.eye(2, dtype=np.int32), 1, {}, {"read": 0.1}, {"produced": produced}
    )
    assert same(load(dump([partial])), [partial])
    part = Part(0, 0, 0, box, Levels(0.0, 1.5), statistics=(np.float64(2), {"i": np.ones(2)}))
    assert load(dump(part)).levels == part.levels
    assert isinstance(load(dump(part)).statistics[0], np.float64)
    table = pa.table({"x": [1, 2]})
    assert load(dump(table)) == table


@dataclass
class Own:
    """What a pipeline of a user may have."""

    x: int


def test_classes_of_the_pipelines_own_module_are_data_others_are_not():
    data = dump(Own(3), {__name__})
    assert load(data, {__name__}) == Own(3)
    with pytest.raises(
        NotPortableError, match=r"Own for a part of an image, which cannot be kept; give numbers"
    ):
        dump(Own(3))
    with pytest.raises(NotPortableError, match="Own, which there is not here"):
        load(data)


@pytest.mark.parametrize("value", [Fraction(1, 2), {1}, b"x", np.array([None])])
def test_what_is_no_data_is_refused(value):
    with pytest.raises(NotPortableError):
        dump(value)


def test_nothing_but_dataclasses_is_made_on_reading():
    data = dump(Own(3), {__name__}).to_pybytes()
    other = data.replace(b'"Own", ["x", 3]', b'"same",["x", 3]')
    assert other != data
    with pytest.raises(NotPortableError):
        load(other, {__name__})
