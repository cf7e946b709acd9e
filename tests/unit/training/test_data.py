from __future__ import annotations

import numpy as np
import pytest

from cytomill.ops.synthesise import Scene, nuclei
from cytomill.ops.watershed import Watershed, watershed
from training.nuclei.augment import crop
from training.nuclei.data import Example, example, is_validation, targets
from training.nuclei.validate import average_precision, choose, prepared


@pytest.fixture(scope="module")
def field() -> Example:
    image, labels = nuclei(Scene(shape=(200, 240), diameter=22, coverage=0.3), seed=5)
    return example("synthetic-0", image, labels)


def test_the_targets_of_a_label_image_give_it_back(field: Example) -> None:
    maps = targets(field.labels)
    as_bytes = np.stack([field.labels > 0, maps[..., 0], maps[..., 1]]) * 255
    found = watershed(as_bytes.astype(np.uint8), Watershed())
    assert average_precision(field.labels, found.labels)[0] > 0.95


def test_distance_and_centre_are_highest_inside_each_nucleus(field: Example) -> None:
    maps = field.maps
    for label in np.unique(field.labels)[1:]:
        inside = field.labels == label
        assert maps[..., 0][inside].max() == pytest.approx(1)
        assert maps[..., 1][inside].max() == pytest.approx(1)
    assert not maps[..., :2][field.labels == 0].any()


def test_a_crop_has_targets_that_fit_its_image(field: Example) -> None:
    rng = np.random.default_rng(0)
    brighter = 0
    for _ in range(20):
        image, target = crop(field, 96, rng)
        assert image.shape == (96, 96)
        assert target.shape == (5, 96, 96)
        assert np.isfinite(image).all()
        assert set(np.unique(target[0])) <= {0.0, 1.0}
        inside = target[0] > 0
        if inside.any() and not inside.all():
            brighter += image[inside].mean() > image[~inside].mean()
    assert brighter >= 17


def test_validation_images_are_chosen_by_name_and_never_synthetic() -> None:
    names = [f"image-{i}" for i in range(4000)]
    share = np.mean([is_validation(name) for name in names])
    assert 0.09 < share < 0.16
    for kind in ("rest", "synthetic"):
        assert not any(is_validation(f"{kind}-{name}") for name in names)


def test_average_precision_of_known_cases() -> None:
    truth = np.zeros((20, 20), int)
    truth[2:8, 2:8], truth[12:18, 12:18] = 1, 2
    assert average_precision(truth, truth).tolist() == [1, 1, 1]
    assert average_precision(truth, np.zeros_like(truth))[0] == 0
    half = np.where(truth == 1, 1, 0)
    half[2:6, 14:18] = 2
    assert average_precision(truth, half)[0] == pytest.approx(1 / 3)


def test_thresholds_that_are_chosen_are_no_worse(field: Example) -> None:
    maps = np.stack([field.labels > 0, field.maps[..., 0], field.maps[..., 1]]) * 255
    small = example("a", field.image[:64, :64], field.labels[:64, :64])
    how, value = choose([maps[:, :64, :64].astype(np.uint8).copy()], [small])
    assert isinstance(how, Watershed)
    assert value > 0.9


def test_the_network_sees_whole_multiples_of_16(field: Example) -> None:
    x = prepared(example("a", field.image[:33, :50], field.labels[:33, :50]))
    assert x.shape == (1, 1, 48, 64)
    assert x.dtype == np.float32
