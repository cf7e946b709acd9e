from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cytomill.inference.server.queue import Item, Queue

ITEMS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.sampled_from("ab") | st.none()), max_size=30
)


def item(priority, rows, kind):
    return Item("", {"x": np.zeros(rows, np.uint8)}, None, priority, rows, kind, future=None)


def filled(described):
    queue, items = Queue(), [item(*each) for each in described]
    for each in items:
        queue.add(each)
    return queue, items


@given(ITEMS)
def test_the_urgent_come_first_and_equals_in_turn(described):
    queue, items = filled(described)
    order = []
    while (first := queue.first()) is not None:
        order.append(first)
        assert queue.remove(first)
    assert order == sorted(items, key=lambda each: each.priority)  # a stable sort


@given(ITEMS, st.data())
def test_it_knows_how_much_waits_whoever_leaves(described, data):
    queue, items = filled(described)
    leaving = data.draw(st.sets(st.sampled_from(items)) if items else st.just(set()))
    for each in leaving:
        assert queue.remove(each)
        assert not queue.remove(each)
    left = [each for each in items if each not in leaving]
    assert len(queue) == len(left)
    assert queue.bytes == sum(each.size for each in left)
    assert set(queue.clear()) == set(left)
    assert (len(queue), queue.bytes, queue.first()) == (0, 0, None)


@given(ITEMS, st.integers(1, 12))
def test_only_those_of_a_kind_are_joined_up_to_the_limit(described, most):
    queue, _ = filled(described)
    head = queue.first()
    if head is None:
        return
    joined = queue.like(head, most)
    assert joined[0] is head
    assert len(set(joined)) == len(joined)
    if head.kind is None:
        assert joined == [head]
    assert {each.kind for each in joined} == {head.kind}
    assert len(joined) == 1 or sum(each.rows for each in joined) <= most


@given(ITEMS)
def test_who_was_put_back_is_first_again(described):
    queue, items = filled(described)
    order = sorted(items, key=lambda each: each.priority)
    taken = order[: len(order) // 2]
    for each in taken:
        queue.remove(each)
    queue.put_back(taken)
    assert queue.bytes == sum(each.size for each in items)
    for each in order:
        assert queue.first() is each
        queue.remove(each)
