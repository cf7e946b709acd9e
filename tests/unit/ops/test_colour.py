from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytomill.ops.colour import COLOURS, colour, colours, palette


def luminance() -> NDArray[np.float64]:
    """Relative luminance as WCAG 2 has it."""
    linear = np.where(
        palette() / 255 <= 0.04045,
        palette() / 255 / 12.92,
        ((palette() / 255 + 0.055) / 1.055) ** 2.4,
    )
    return linear @ [0.2126, 0.7152, 0.0722]


def test_a_label_has_one_colour_however_it_is_asked_for() -> None:
    labels = np.array([[0, 1], [63, 64], [65, 100_000]])
    found = colours(labels)
    assert found.shape == (3, 2, 3)
    assert found.dtype == np.uint8
    assert [tuple(rgb) for rgb in found.reshape(-1, 3).tolist()] == [
        colour(label) for label in labels.ravel().tolist()
    ]


def test_colours_are_all_different_and_those_of_neighbours_very() -> None:
    table = palette().astype(int)
    assert len(np.unique(table, axis=0)) == COLOURS
    apart = np.abs(np.diff(table, axis=0)).sum(axis=1)
    assert apart.min() > 200


def test_colours_can_be_seen_on_black_and_on_white() -> None:
    light = luminance()
    assert ((light + 0.05) / 0.05).min() > 3
    assert (1.05 / (light + 0.05)).min() > 1.8
