from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytomill.errors import ModelError
from cytomill.models.description import Axis, Fixed, Open, Relative, Stepped, Tensor
from cytomill.models.sizes import (
    at_least,
    check_shapes,
    fault,
    follows,
    input_shapes,
    output_shapes,
    told,
)

small = st.integers(1, 200)
factors = st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0, 1 / 3, 0.1 / 0.3, 1.5])


def tensor(name, *sizes, optional=False, units=()):
    axes = tuple(
        Axis("batch", "batch", size)
        if isinstance(size, Open)
        else Axis(f"a{index}", "space", size, unit=dict(enumerate(units)).get(index))
        for index, size in enumerate(sizes)
    )
    return Tensor(name, axes, "float32", optional=optional)


@given(least=small, step=small, wanted=st.integers(0, 1000))
def test_the_next_step_is_allowed_and_the_one_before_is_too_small(least, step, wanted):
    found = at_least(Stepped(least, step), wanted)
    assert found >= wanted
    assert (found - least) % step == 0
    assert found == least or found - step < wanted


@given(size=small, wanted=small)
def test_a_fixed_size_holds_what_is_not_larger(size, wanted):
    assert at_least(Fixed(size), wanted) == (size if wanted <= size else None)


def test_an_open_size_is_what_is_wanted_within_its_limits():
    assert at_least(Open(), 7) == 7
    assert at_least(Open(3, 9), 1) == 3
    assert at_least(Open(3, 9), 10) is None


def test_fractions_are_rounded_down_but_not_those_of_binary_numbers():
    assert follows(Relative("t", "a", 0.5), 5) == 2
    assert follows(Relative("t", "a", 0.1 / 0.3), 96) == 32
    assert follows(Relative("t", "a", 2.0, -3), 10) == 17


@given(
    least=small,
    step=small,
    factor=factors,
    offset=st.integers(-20, 20),
    wanted=st.tuples(small, small),
)
def test_the_smallest_inputs_hold_what_is_wanted_and_are_taken(least, step, factor, offset, wanted):
    inputs = [
        tensor("one", Open(), Stepped(least, step)),
        tensor("two", Relative("one", "a1", factor, offset)),
    ]
    asked = {("one", "a1"): wanted[0], ("two", "a0"): wanted[1]}
    shapes = input_shapes(inputs, asked)
    check_shapes(inputs, shapes)
    assert shapes["one"][0] == 1
    assert shapes["one"][1] >= wanted[0]
    assert shapes["two"][0] >= wanted[1]
    smaller = shapes["one"][1] - step
    if smaller >= least:
        follower = follows(Relative("one", "a1", factor, offset), smaller)
        assert smaller < wanted[0] or follower < wanted[1]


@given(side=small, factor=factors, offset=st.integers(0, 9), batch=st.integers(1, 5))
def test_outputs_have_the_sizes_that_follow(side, factor, offset, batch):
    inputs = [tensor("one", Open(), Stepped(side, 1))]
    outputs = [
        tensor("out", Open(), Fixed(2), Relative("one", "a1", factor, offset)),
        Tensor("points", (Axis("index", "index", Open()),), "float32"),
    ]
    expected = follows(Relative("one", "a1", factor, offset), side)
    if expected < 1:
        with pytest.raises(ModelError, match="larger inputs are needed"):
            output_shapes(inputs, outputs, {"one": (batch, side)})
        return
    found = output_shapes(inputs, outputs, {"one": (batch, side)})
    assert found == {"out": (batch, 2, expected), "points": (None,)}


def test_sizes_that_refer_to_one_another_are_followed_to_the_end():
    inputs = [
        tensor("a", Stepped(4, 4)),
        tensor("b", Relative("a", "a0", 2.0)),
        tensor("c", Relative("b", "a0", 2.0, 1)),
    ]
    assert fault(inputs, []) is None
    assert input_shapes(inputs, {("c", "a0"): 30}) == {"a": (8,), "b": (16,), "c": (33,)}


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        ({}, "lacks its input one"),
        ({"one": (8,), "other": (1,)}, "has no input 'other'; its inputs are: one, two"),
        ({"one": (8, 8)}, "input one: has the axes a0; was given 2"),
        ({"one": (9,)}, "axis a0 of one: takes 8 . n x 4 elements, not 9"),
        ({"one": (4,)}, "takes 8 . n x 4 elements, not 4"),
        ({"one": (8,), "two": (8,)}, "must have 16 elements for 8 of axis a0 of one, not 8"),
    ],
)
def test_shapes_that_are_not_taken_are_told(shapes, told):
    inputs = [
        tensor("one", Stepped(8, 4)),
        tensor("two", Relative("one", "a0", 2.0), optional=True),
    ]
    with pytest.raises(ModelError, match=told):
        check_shapes(inputs, shapes)
    check_shapes(inputs, {"one": (12,)})
    check_shapes(inputs, {"one": (12,), "two": (24,)})


def test_more_than_a_fixed_size_is_told():
    with pytest.raises(ModelError, match="axis a0 of one: takes 512 elements, 600 are too many"):
        input_shapes([tensor("one", Fixed(512))], {("one", "a0"): 600})


@given(st.integers(2, 6))
def test_circles_are_found_however_long(length):
    names = [f"t{index}" for index in range(length)]
    ring = [
        tensor(name, Relative(names[(index + 1) % length], "a0"))
        for index, name in enumerate(names)
    ]
    assert fault(ring, []) == (
        "inputs[0].axes[0].size",
        "depends on itself, through axis 'a0' of 't1'",
    )
    open_ring = [*ring[:-1], tensor(names[-1], Fixed(3))]
    assert fault(open_ring, []) is None


def test_units_must_agree():
    one = tensor("one", Fixed(8), units=("micrometer",))
    assert fault([one], [tensor("two", Relative("one", "a0"), units=("micrometer",))]) is None
    found = fault([one], [tensor("two", Relative("one", "a0"))])
    assert found == ("outputs[0].axes[0].size", "refers to an axis in micrometer, and is in None")


def test_sizes_are_told_in_words():
    sizes = [Fixed(5), Stepped(64, 16), Open(), Open(2, 9), Relative("raw", "x", 0.5, -2)]
    assert list(map(told, sizes)) == [
        "5",
        "64 + n x 16",
        "1 or more",
        "2 to 9",
        "as many as x of raw x 0.5 - 2",
    ]
