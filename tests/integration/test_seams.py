"""Labels of an image done in tiles are those of the image done whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cytomill
from cytomill.models.registry import find
from cytomill.ops.overlap import overlaps
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines import nuclei as pipeline
from cytomill.settings import Settings

#: Settings that have every plane done whole, whatever its size.
WHOLE = Settings(whole=2**62)

Segment = Callable[[NDArray[Any], float, Settings], NDArray[Any]]


@pytest.fixture
def segment(monkeypatch: pytest.MonkeyPatch) -> Segment:
    """Labels of an image by the pixels of the model's grid for one of the image, and settings."""

    def labels(image: NDArray[Any], scale: float, settings: Settings) -> NDArray[Any]:
        monkeypatch.setattr(pipeline, "settings", settings)
        return cytomill.segment(image, pixel_size=scale * find("nuclei").pixel_size)

    return labels


def field(shape: tuple[int, int], scale: float) -> NDArray[np.uint16]:
    """Crowded nuclei, 20 pixels of the model's grid across."""
    scene = Scene(shape=shape, diameter=20 / scale, coverage=0.4, clustering=0.6)
    return nuclei(scene, seed=7)[0]


def assert_same(tiled: NDArray[Any], whole: NDArray[Any]) -> None:
    table = overlaps(tiled, whole)
    best = np.zeros(len(table.truth_ids))
    np.maximum.at(best, table.truth, table.iou)
    assert len(best) > 100
    assert len(table.pred_ids) == len(table.truth_ids)
    assert best.min() == 1, "tiles change pixels"


def test_tiles_of_any_size_leave_no_seams(segment: Segment) -> None:
    image = field((1500, 1500), 1.0)
    whole = segment(image, 1.0, WHOLE)
    for tile in (500, 700, 1024):
        assert_same(segment(image, 1.0, Settings(tile=tile, whole=1)), whole)


@pytest.mark.parametrize(
    ("scale", "shape", "tile"),
    [
        (0.5, (1501, 1399), 512),  # the model's grid is coarser, and ends within a pixel
        (0.7, (1103, 1207), 600),  # no tile begins at an edge of a pixel
        (2.0, (700, 653), 512),  # finer: labels come back by vote
    ],
)
def test_resampling_leaves_no_seams(
    segment: Segment, scale: float, shape: tuple[int, int], tile: int
) -> None:
    image = field(shape, scale)
    whole = segment(image, scale, WHOLE)
    assert_same(segment(image, scale, Settings(tile=tile, whole=1)), whole)


def test_a_tile_without_its_surroundings_would_leave_seams(segment: Segment) -> None:
    image = field((700, 700), 1.0)
    whole = segment(image, 1.0, WHOLE)
    alone = np.zeros_like(whole)
    for y in (0, 350):
        for x in (0, 350):
            part = segment(image[y : y + 350, x : x + 350], 1.0, WHOLE)
            alone[y : y + 350, x : x + 350] = np.where(part, part + alone.max(), 0)
    with pytest.raises(AssertionError):
        assert_same(alone, whole)
