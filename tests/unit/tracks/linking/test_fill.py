from __future__ import annotations

import numpy as np
import pytest

from cytomill.tracks.linking.fill import Gap, Sight, fill

#: An outline of nine pixels without any symmetry.
OUTLINE = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 1]], bool)


def movie(frames, corners, shape=(30, 40)):
    """The outline as label 5 in each frame of ``corners``; and the gap between the first two."""
    labels = np.zeros((frames, 1, *shape), np.uint32)
    sights = []
    for t, (y, x) in corners.items():
        labels[t, 0, y : y + 3, x : x + 4][OUTLINE] = 5
        rows, columns = np.nonzero(labels[t, 0] == 5)
        centre = float(rows.mean()), float(columns.mean())
        sights.append(Sight(t, 5, centre, (y, x, y + 3, x + 4)))
    return labels, Gap(7, *sights)


def test_a_cell_goes_straight_from_one_end_of_its_gap_to_the_other():
    labels, gap = movie(5, {0: (2, 4), 4: (10, 20)})
    taken = {2: 3}
    made = list(fill(labels, gap, taken))
    assert [one.t for one in made] == [1, 2, 3]
    assert taken == {1: 1, 2: 4, 3: 1}
    for one in made:
        y, x = 2 + 2 * one.t, 4 + 4 * one.t
        found = labels[one.t, 0] == taken[one.t]
        np.testing.assert_array_equal(found[y : y + 3, x : x + 4], OUTLINE)
        assert found.sum() == OUTLINE.sum() == one.area == np.count_nonzero(labels[one.t])
        assert (one.track, one.box) == (7, (y, x, y + 3, x + 4))
        assert (one.y, one.x) == tuple(axis.mean() for axis in np.nonzero(found))


def test_the_outline_is_that_of_the_nearer_end():
    labels, gap = movie(4, {0: (5, 5), 3: (5, 5)})
    labels[3, 0, 7, 5] = 5  # it has grown
    list(fill(labels, gap, {}))
    assert [np.count_nonzero(labels[t]) for t in range(4)] == [9, 9, 10, 10]


def test_other_cells_stay_as_they_are_and_a_cell_without_room_is_left_out():
    labels, gap = movie(4, {0: (5, 5), 3: (5, 5)})
    labels[1, 0, :, :7] = 9
    labels[2, 0, :, :8] = 9
    before = labels.copy()
    taken = {1: 9, 2: 9}
    (one,) = fill(labels, gap, taken)
    assert (one.t, one.area, taken) == (1, 4, {1: 10, 2: 9})
    assert (labels[before == 9] == 9).all()
    np.testing.assert_array_equal(labels[2], before[2])


@pytest.mark.parametrize("corner", [(-2, 3), (28, 3), (3, -3), (3, 38), (-60, 3), (3, 90)])
def test_a_cell_that_leaves_the_image_between_has_only_the_part_that_is_in_it(corner):
    labels, gap = movie(3, {0: (3, 3), 2: (10, 10)})
    # Its centre in the last frame is where the middle of the gap lies on the border, or outside.
    middle = np.array(corner) + np.array(gap.before.centre) - (3, 3)
    after = tuple(2 * middle - np.array(gap.before.centre))
    gap = Gap(7, gap.before, Sight(2, 5, after, gap.after.box))
    whole = np.zeros((200, 200), bool)
    y, x = corner[0] + 80, corner[1] + 80
    whole[y : y + 3, x : x + 4] = OUTLINE
    made = list(fill(labels, gap, {}))
    np.testing.assert_array_equal(labels[1, 0] > 0, whole[80:110, 80:120])
    assert len(made) == whole[80:110, 80:120].any()


def test_two_cells_that_are_missed_in_one_frame_have_labels_of_their_own():
    labels, gap = movie(3, {0: (3, 3), 2: (3, 3)})
    labels[0, 0, 20:25, 20:25] = labels[2, 0, 20:25, 20:25] = 6
    other = Gap(8, *(Sight(t, 6, (22, 22), (20, 20, 25, 25)) for t in (0, 2)))
    taken = {0: 6, 2: 6}
    made = [one for each in (gap, other) for one in fill(labels, each, taken)]
    assert [(one.track, one.area) for one in made] == [(7, 9), (8, 25)]
    assert np.unique(labels[1]).tolist() == [0, 1, 2]
