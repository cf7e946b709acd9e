from __future__ import annotations

import numpy as np
import pytest

from cytomill.image.array import from_array
from cytomill.inference.load import models as load
from cytomill.ops.score import score
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines import nuclei as module
from cytomill.pipelines.nuclei import Nuclei, NucleiOptions
from cytomill.pipelines.nuclei_scale import (
    LARGEST,
    LARGEST_BENT,
    SMALLEST,
    better_scale,
    typical_diameter,
)
from cytomill.settings import Settings


def squares(edge: int, count: int = 9) -> np.ndarray:
    labels = np.zeros((count, edge + 2, edge + 2), int)
    for index in range(count):
        labels[index, 1:-1, 1:-1] = index + 1
    return labels.reshape(-1, edge + 2)


def diameter(edge: float) -> float:
    return 2 * edge / np.sqrt(np.pi)


def test_debris_and_fragments_hardly_change_the_typical_diameter() -> None:
    labels = squares(40)
    assert typical_diameter(labels) == pytest.approx(diameter(40))
    specks = np.kron(np.arange(10, 40), np.ones((3, 3), int))
    both = np.zeros((len(labels) + 3, max(labels.shape[1], 90)), int)
    both[:-3, : labels.shape[1]] = labels
    both[-3:, :90] = specks
    assert typical_diameter(both) == pytest.approx(diameter(40))


@pytest.mark.parametrize("labels", [np.zeros((5, 5), int), squares(100, count=4)])
def test_few_nuclei_tell_no_scale(labels: np.ndarray) -> None:
    assert typical_diameter(labels) is None
    assert better_scale(labels, 1.0, bent=False) == 1.0


@pytest.mark.parametrize("edge", [12, 16, 25, 50])
def test_nuclei_of_the_usual_sizes_keep_their_scale(edge: int) -> None:
    assert SMALLEST < diameter(edge) < LARGEST
    assert better_scale(squares(edge), 1.0, bent=False) == 1.0


@pytest.mark.parametrize("edge", [3, 5, 7, 9, 10, 60, 90, 150])
def test_others_are_brought_near_to_what_the_model_knows(edge: int) -> None:
    scale = better_scale(squares(edge), 1.0, bent=False)
    assert 24 / 1.25 <= diameter(edge) * scale <= 24 * 1.25 or scale == 4
    assert better_scale(squares(edge), scale, bent=False) == scale


def test_a_logarithmic_scale_of_brightness_takes_large_nuclei_smaller() -> None:
    labels = squares(42)
    assert LARGEST_BENT < diameter(42) < LARGEST
    assert better_scale(labels, 1.0, bent=False) == 1.0
    assert better_scale(labels, 1.0, bent=True) == 0.5


@pytest.fixture(scope="module")
def models():
    return load("cpu", 2)


def labelled(image, models, scratch, **options):
    pipeline = Nuclei(NucleiOptions(**options))
    partials = [pipeline.process(image, part, models) for part in pipeline.split(image)]
    return pipeline.merge(image, iter(partials), scratch)


SCENES = {
    "large": Scene((640, 640), diameter=100, coverage=0.35, clustering=0.2, blur=3, grain=0.6),
    "small": Scene((160, 160), diameter=5.5, coverage=0.15, clustering=0, blur=0.5, noise=0.02),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_an_image_of_unknown_pixel_size_is_seen_at_a_scale_that_suits(models, tmp_path, scene):
    plane, truth = nuclei(scene, seed=3)
    image = from_array(plane)
    fitted = labelled(image, models, tmp_path)
    as_it_is = labelled(image, models, tmp_path, pixel_size=0.65)
    assert fitted.pixel_size is None
    assert fitted.labels.shape[2:] == plane.shape
    better, worse = (score(r.labels[0, 0], truth).at[0].f1 for r in (fitted, as_it_is))
    assert better > worse + 0.1
    assert len(fitted.table) == fitted.count


def test_a_known_pixel_size_is_kept_to(models, tmp_path):
    plane, _ = nuclei(SCENES["large"], seed=3)
    stated = labelled(from_array(plane, pixel_size=0.65), models, tmp_path)
    given = labelled(from_array(plane), models, tmp_path, pixel_size=0.65)
    assert np.array_equal(stated.labels[0, 0], given.labels[0, 0])


def test_no_plane_is_enlarged_beyond_what_is_processed_whole(models, monkeypatch, tmp_path):
    plane, _ = nuclei(SCENES["small"], seed=3)
    monkeypatch.setattr(module, "settings", Settings(whole=plane.size))
    image = from_array(plane)
    fitted = labelled(image, models, tmp_path)
    as_it_is = labelled(image, models, tmp_path, pixel_size=0.65)
    assert np.array_equal(fitted.labels[0, 0], as_it_is.labels[0, 0])
