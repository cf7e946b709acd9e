from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from cytomill.errors import InputError
from cytomill.image.array import from_array
from cytomill.inference.load import models as load
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines import nuclei as module
from cytomill.pipelines.nuclei import Nuclei, NucleiOptions
from cytomill.pipelines.track import Track, TrackOptions
from cytomill.settings import Settings
from cytomill.testing import PipelineTests


class TestNuclei(PipelineTests):
    @pytest.fixture
    def pipeline(self):
        return Nuclei(NucleiOptions())


class TestTiles(PipelineTests):
    """Planes in several parts, at a scale that is not the model's."""

    @pytest.fixture
    def pipeline(self, monkeypatch):
        monkeypatch.setattr(module, "settings", Settings(tile=256, whole=100 * 100))
        return Nuclei(NucleiOptions())

    @pytest.fixture
    def image(self):
        plane, _ = nuclei(Scene((300, 700), coverage=0.3))
        return from_array(np.stack([plane, plane[::-1]]), "ZYX", pixel_size=0.4)

    def test_there_are_several(self, pipeline, image):
        assert len(pipeline.split(image)) > len(image.planes)


class TestContrast(PipelineTests):
    """Tiles of a plane whose scale of brightness is found for the whole."""

    @pytest.fixture
    def pipeline(self, monkeypatch):
        monkeypatch.setattr(module, "settings", Settings(tile=256, whole=100 * 100))
        return Nuclei(NucleiOptions(contrast="log"))

    @pytest.fixture
    def image(self):
        return from_array(nuclei(Scene((300, 500), coverage=0.1))[0])


class TestWithoutMeasurements(PipelineTests):
    @pytest.fixture
    def pipeline(self):
        return Nuclei(NucleiOptions(measure=False))


@pytest.fixture(scope="module")
def models():
    return load("cpu", 2)


def labelled(pipeline, image, models, scratch):
    partials = [pipeline.process(image, part, models) for part in pipeline.split(image)]
    return pipeline.merge(image, iter(partials), scratch)


def test_tiles_leave_no_seams(monkeypatch, models, tmp_path):
    """Objects of a plane in tiles are those of the plane in one piece."""
    plane, _ = nuclei(Scene((700, 900), coverage=0.3), seed=4)
    image = from_array(plane)
    whole = labelled(Nuclei(NucleiOptions()), image, models, tmp_path)
    monkeypatch.setattr(module, "settings", Settings(tile=256, whole=1))
    tiled = Nuclei(NucleiOptions())
    assert len(tiled.split(image)) == 12
    result = labelled(tiled, image, models, tmp_path)
    assert result.count == whole.count
    one, other = (r.labels[0, 0].ravel().astype(np.int64) for r in (whole, result))
    pairs = np.zeros((whole.count + 1, result.count + 1), int)
    np.add.at(pairs, (one, other), 1)
    inside = pairs[1:, 1:]
    best = inside.argmax(1)
    shared = inside[np.arange(len(best)), best]
    union = pairs[1:].sum(1) + pairs[:, 1:].sum(0)[best] - shared
    assert (shared / union).mean() >= 0.99


def dim_beside_bright():
    """A dark field with two nuclei, and many of less than a hundredth of their brightness."""
    _, truth = nuclei(Scene((256, 256), coverage=0.12, clustering=0), seed=8)
    light = np.where(truth > 2, 60.0, 8000.0 * (truth > 0))
    light = ndimage.gaussian_filter(light, 1) + np.random.default_rng(0).normal(1000, 8, (256, 256))
    return light.round().astype(np.uint16), truth


@pytest.mark.parametrize("tiled", [False, True])
def test_dim_nuclei_are_found_beside_bright_ones(monkeypatch, models, tmp_path, tiled):
    if tiled:
        monkeypatch.setattr(module, "settings", Settings(tile=256, whole=1))
    plane, truth = dim_beside_bright()
    found = {}
    for contrast in ("linear", "log", "auto"):
        pipeline = Nuclei(NucleiOptions(contrast=contrast))
        found[contrast] = labelled(pipeline, from_array(plane), models, tmp_path).labels[0, 0]
    assert np.array_equal(found["auto"], found["log"])
    count = len(np.unique(truth)) - 1
    assert found["linear"].max() < 0.6 * count
    assert found["log"].max() >= 0.8 * count


@pytest.mark.parametrize(("raw", "expected"), [(1, "linear"), (2, "log"), (3, "log")])
@pytest.mark.parametrize(
    "pipeline",
    [Nuclei(NucleiOptions(contrast="auto")), Track(TrackOptions())],
    ids=["nuclei", "track"],
)
def test_all_planes_get_the_contrast_that_suits_most(raw, expected, pipeline):
    plane, _ = dim_beside_bright()
    haze = plane + np.random.default_rng(1).exponential(60, plane.shape).astype(np.uint16)
    movie = np.stack([haze] * 3 + [plane] * raw)[-3:]
    parts = pipeline.split(from_array(movie, "TYX"))
    assert [part.statistics for part in parts] == [expected] * 3


def test_a_plane_that_cannot_be_read_does_not_decide_on_contrast():
    plane, _ = dim_beside_bright()
    image = from_array(np.stack([plane] * 3), "TYX")

    class Damaged:
        def read(self, t, c, z, y, x):
            if t == 1:
                raise InputError("frame 1", "is damaged", "copy it again")
            return image.source.read(t, c, z, y, x)

        def close(self):
            pass

    parts = Nuclei(NucleiOptions(contrast="auto")).split(replace(image, source=Damaged()))
    assert [part.statistics for part in parts] == ["log"] * 3


def test_auto_leaves_images_of_eight_bits_alone(models, tmp_path):
    plane = (nuclei(Scene((200, 200), coverage=0.2))[0] // 256).astype(np.uint8)
    linear, auto = (
        labelled(Nuclei(NucleiOptions(contrast=contrast)), from_array(plane), models, tmp_path)
        for contrast in ("linear", "auto")
    )
    assert linear.count > 3
    assert np.array_equal(linear.labels[0, 0], auto.labels[0, 0])


def test_a_dense_plane_is_tiled_however_small_it_is_on_the_models_grid():
    plane = np.broadcast_to(np.uint8(0), (20_000, 20_000))
    image = from_array(plane, pixel_size=0.065)
    parts = Nuclei(NucleiOptions()).split(image)
    largest = max(np.prod(part.core.shape) for part in parts) * 10**2
    assert largest <= plane.size / 50


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf"), 0.0001, 100.0])
def test_a_pixel_size_that_no_nucleus_has_is_refused(size):
    image = from_array(np.zeros((50, 50), np.uint8), pixel_size=size)
    with pytest.raises(InputError, match="--pixel-size"):
        Nuclei(NucleiOptions()).split(image)
    assert Nuclei(NucleiOptions(pixel_size=0.65)).split(image)


def test_the_pixel_size_that_was_used_is_in_the_result(models, tmp_path):
    plane, _ = nuclei(Scene((120, 150), coverage=0.3))
    for given, options, used in (
        (None, {}, None),
        (0.5, {}, 0.5),
        (None, {"pixel_size": 0.8}, 0.8),
        (0.5, {"pixel_size": 0.8}, 0.8),
    ):
        pipeline = Nuclei(NucleiOptions(**options))
        result = labelled(pipeline, from_array(plane, pixel_size=given), models, tmp_path)
        assert (result.pixel_size and result.pixel_size.x) == used
        area, physical = (result.table[name].to_numpy() for name in ("area", "area_um2"))
        assert np.isnan(physical).all() if used is None else np.allclose(physical, area * used**2)
