from __future__ import annotations

from itertools import chain, combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.tracks.linking import solve
from cytomill.tracks.linking.solve import choose

NO_DIVISIONS = (np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))


def as_links(rows):
    before, after, odds = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(before, np.intp), np.array(after, np.intp), np.array(odds, float)


def as_divisions(rows):
    if not rows:
        return NO_DIVISIONS
    *who, odds = zip(*rows, strict=True)
    return (*(np.array(one, np.intp) for one in who), np.array(odds, float))


def total(links, divisions, chosen):
    """What was gained; raises where a detection goes on, or comes from, more than once."""
    linked, divided = chosen
    used = [i for (i, _, _), taken in zip(links, linked, strict=True) if taken]
    heads = [j for (_, j, _), taken in zip(links, linked, strict=True) if taken]
    for (i, j, k, _), taken in zip(divisions, divided, strict=True):
        if taken:
            used.append(i)
            heads += [j, k]
    if len(set(used)) != len(used) or len(set(heads)) != len(heads):
        raise ValueError("taken twice")
    return sum(
        row[-1]
        for row, taken in zip([*links, *divisions], [*linked, *divided], strict=True)
        if taken
    )


def best(links, divisions):
    """By trying everything."""
    rows = range(len(links) + len(divisions))
    found = 0.0
    for some in chain.from_iterable(combinations(rows, size) for size in range(len(rows) + 1)):
        chosen = [row in some for row in rows]
        try:
            found = max(
                found, total(links, divisions, (chosen[: len(links)], chosen[len(links) :]))
            )
        except ValueError:
            continue
    return found


@st.composite
def problems(draw, most_divisions):
    counts = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    random: Random = draw(st.randoms(use_true_random=False))
    pairs = [(i, j) for i in range(counts[0]) for j in range(counts[1])]
    some = random.sample(pairs, min(len(pairs), random.randint(0, 7)))
    links = [(i, j, random.uniform(-2, 5)) for i, j in some]
    trios = [(i, j, k) for i, j in some for k in range(counts[1]) if k != j]
    some = random.sample(trios, min(len(trios), random.randint(0, most_divisions)))
    return counts, links, [(*trio, random.uniform(-2, 8)) for trio in some]


@settings(deadline=None)
@given(problems(most_divisions=0))
def test_links_are_the_best_that_go_together(problem):
    counts, links, _ = problem
    chosen = choose(counts, as_links(links), NO_DIVISIONS)
    assert total(links, [], chosen) == pytest.approx(best(links, []))


@pytest.mark.parametrize("few", [0, 12])
@settings(max_examples=50, deadline=None)
@given(problem=problems(most_divisions=3))
def test_links_and_divisions_are_the_best_that_go_together(few, problem):
    counts, links, divisions = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solve, "_FEW", few)  # up to which all is tried
        chosen = choose(counts, as_links(links), as_divisions(divisions))
    assert total(links, divisions, chosen) == pytest.approx(best(links, divisions))


def test_what_is_unlikely_is_not_chosen_even_where_nothing_speaks_against_it():
    links, divided = choose(
        (2, 3), as_links([(0, 0, -0.1), (1, 1, 0.0)]), as_divisions([(0, 1, 2, -3.0)])
    )
    assert not links.any()
    assert not divided.any()


def crowd(count: int, seed: int, *, divide: bool):
    """Many small groups, each on rows of its own, in a shuffled order."""
    rng = np.random.default_rng(seed)
    links, divisions = [], []
    for group in range(count):
        base = 4 * group
        for i in range(base, base + 3):
            links += [
                (i, j, float(rng.uniform(-1, 5)))
                for j in range(base, base + 4)
                if rng.random() < 0.6
            ]
            if divide and rng.random() < 0.4:
                j, k = base + rng.choice(4, 2, replace=False)
                divisions.append((i, int(j), int(k), float(rng.uniform(-1, 8))))
    rng.shuffle(links)
    rng.shuffle(divisions)
    links = [(int(i), int(j), odds) for i, j, odds in links]
    divisions = [(int(i), int(j), int(k), odds) for i, j, k, odds in divisions]
    return (4 * count, 4 * count), links, divisions


@pytest.mark.parametrize("divide", [False, True])
def test_many_groups_are_solved_as_each_by_itself(divide):
    counts, links, divisions = crowd(200, 4, divide=divide)
    linked, divided = choose(counts, as_links(links), as_divisions(divisions))
    assert linked.sum() > 200
    assert divided.any() == divide
    for group in range(200):
        own = [row for row, (i, *_) in enumerate(links) if i // 4 == group]
        parts = [row for row, (i, *_) in enumerate(divisions) if i // 4 == group]
        alone = choose(
            counts,
            as_links([links[row] for row in own]),
            as_divisions([divisions[row] for row in parts]),
        )
        np.testing.assert_array_equal(linked[own], alone[0])
        np.testing.assert_array_equal(divided[parts], alone[1])


@pytest.mark.parametrize("divide", [False, True])
def test_a_group_that_is_larger_than_a_batch_stays_whole(divide):
    count = solve._BATCH
    # A chain: the best of it leaves out every link between.
    links = [(i, i, 2.0) for i in range(count)] + [(i, i + 1, 1.5) for i in range(count - 1)]
    divisions = [(5, 6, 7, 1.0)] if divide else []
    linked, divided = choose((count, count), as_links(links), as_divisions(divisions))
    assert linked.tolist() == [True] * count + [False] * (count - 1)
    assert not divided.any()
