from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import helper

from cytomill.errors import InputError, ModelError, OptionError
from cytomill.image.array import from_array
from cytomill.image.core import PixelSize
from cytomill.inference.load import models as load
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.pipelines import zoo_objects, zoo_sample
from cytomill.pipelines.base import Products
from cytomill.pipelines.zoo import Zoo
from cytomill.pipelines.zoo_options import ZooOptions
from cytomill.settings import Settings
from cytomill.testing import PipelineTests
from tests import zoo


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return {
        "probability": zoo.probability(folder / "probability"),
        "volume": zoo.volume(folder / "volume"),
    }


@pytest.fixture(scope="module")
def models():
    return load("cpu", 2)


def run(model, image, models, scratch, **options):
    pipeline = Zoo(ZooOptions(model=str(model), **options))
    partials = [pipeline.process(image, part, models) for part in pipeline.split(image)]
    return pipeline.merge(image, iter(partials), scratch)


def stack(image):
    """All pixels of an image, (t, c, z, y, x)."""
    times, channels, depths = image.shape[:3]
    return np.array(
        [
            [[image.read(t, c, z) for z in range(depths)] for c in range(channels)]
            for t in range(times)
        ]
    )


def noise(*shape, dtype="float32"):
    return np.random.default_rng(0).integers(1, 200, shape).astype(dtype)


class TestProbability(PipelineTests):
    @pytest.fixture
    def pipeline(self, packages):
        return Zoo(ZooOptions(model=str(packages["probability"])))


class TestTiles(PipelineTests):
    """Planes in several parts, at a scale that is not the model's."""

    @pytest.fixture
    def pipeline(self, tmp_path, monkeypatch):
        monkeypatch.setattr(zoo_sample, "settings", Settings(tile=128, whole=100 * 100))
        return Zoo(ZooOptions(model=str(zoo.probability(tmp_path / "scaled", um=0.6))))

    @pytest.fixture
    def image(self):
        plane, _ = nuclei(Scene((300, 401), coverage=0.3))
        return from_array(np.stack([plane, plane[::-1]]), "ZYX", pixel_size=0.4)

    def test_there_are_several(self, pipeline, image):
        assert len(pipeline.split(image)) > len(image.planes)


class TestClasses(PipelineTests):
    """No labels, no maps."""

    @pytest.fixture
    def pipeline(self, tmp_path):
        return Zoo(ZooOptions(model=str(classifier(tmp_path / "classes"))))


class TestMapsOnly(PipelineTests):
    @pytest.fixture
    def pipeline(self, packages):
        return Zoo(ZooOptions(model=str(packages["volume"]), labels="none"))


def classifier(folder, output="kind"):
    """The mean of an image, and its negative."""
    return zoo.package(
        folder,
        [
            helper.make_node("GlobalAveragePool", ["raw"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Neg", ["flat"], ["negative"]),
            helper.make_node("Concat", ["flat", "negative"], [output], axis=1),
        ],
        [zoo.tensor("raw")],
        [zoo.tensor(output, "bc", ("bright", "dark"), like="raw")],
    )


def test_tiles_give_what_the_whole_gives(packages, models, tmp_path, monkeypatch):
    plane, _ = nuclei(Scene((300, 401), coverage=0.3), seed=2)
    image = from_array(plane)
    whole = run(packages["probability"], image, models, tmp_path)
    monkeypatch.setattr(zoo_sample, "settings", Settings(tile=128, whole=1))
    pipeline = Zoo(ZooOptions(model=str(packages["probability"])))
    assert len(pipeline.split(image)) == 12
    tiled = run(packages["probability"], image, models, tmp_path)
    one, other = (stack(result.maps["probability"]) for result in (whole, tiled))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.array_equal(whole.labels[...], tiled.labels[...])
    assert whole.table.equals(tiled.table)


def test_large_planes_are_labelled_in_tiles_as_in_one(packages, models, tmp_path, monkeypatch):
    plane, _ = nuclei(Scene((300, 401), coverage=0.2), seed=2)
    image = from_array(plane)
    monkeypatch.setattr(zoo_sample, "settings", Settings(tile=128, whole=1))
    whole = run(packages["probability"], image, models, tmp_path)
    monkeypatch.setattr(zoo_objects, "LARGE", 1)
    monkeypatch.setattr(zoo_objects, "_TILE", 150)
    tiled = run(packages["probability"], image, models, tmp_path)
    assert whole.count == tiled.count > 10
    one, other = whole.labels[0, 0], tiled.labels[0, 0]
    assert np.array_equal(one > 0, other > 0)
    assert len(np.unique(np.stack([one, other]).reshape(2, -1), axis=1).T) == whole.count + 1
    assert sorted(whole.table["area"].to_pylist()) == sorted(tiled.table["area"].to_pylist())


def test_every_plane_is_seen_by_a_model_of_planes(tmp_path, models):
    model = zoo.same(tmp_path / "same", output="twin")
    image = from_array(noise(2, 3, 20, 30), "TZYX", pixel_size=0.5)
    result = run(model, image, models, tmp_path)
    assert result.labels is None
    assert result.table is None
    twin = result.maps["twin"]
    assert (twin.axes, twin.shape, twin.channels) == ("TZYX", (2, 1, 3, 20, 30), ("channel",))
    assert twin.pixel_size == PixelSize(0.5, 0.5)
    assert np.array_equal(stack(twin), stack(image))


def test_a_model_of_volumes_sees_whole_stacks(packages, models, tmp_path):
    pixels = np.zeros((2, 6, 30, 40), np.float32)
    pixels[0, 1:5, 5:15, 5:15] = 100
    pixels[1, 2:4, 5:15, 5:15] = pixels[1, 2:4, 18:28, 20:35] = 50
    image = from_array(pixels, "TZYX")
    pipeline = Zoo(ZooOptions(model=str(packages["volume"])))
    assert [(part.t, part.z, part.depth) for part in pipeline.split(image)] == [
        (0, 0, 6),
        (1, 0, 6),
    ]
    result = run(packages["volume"], image, models, tmp_path)
    assert result.count == 3
    assert np.array_equal(result.labels[...] > 0, pixels > 0)
    assert np.unique(result.labels[0]).tolist() == [0, 1]
    planes = [(row["t"], row["z"], row["label"]) for row in result.table.to_pylist()]
    assert planes == [(0, z, 1) for z in range(1, 5)] + [(1, z, i) for z in (2, 3) for i in (2, 3)]


def test_a_model_of_time_sees_all_frames(tmp_path, models):
    model = zoo.same(tmp_path / "time", axes="btcyx", output="movie")
    image = from_array(noise(4, 20, 30), "TYX")
    pipeline = Zoo(ZooOptions(model=str(model)))
    assert [part.frames for part in pipeline.split(image)] == [4]
    result = run(model, image, models, tmp_path)
    assert np.array_equal(stack(result.maps["movie"]), stack(image))


def test_channels_are_chosen_by_number_name_and_count(tmp_path, models):
    model = zoo.same(tmp_path / "pair", ("a", "b"))
    pixels = noise(3, 20, 30)
    three = from_array(pixels, "CYX")
    found = run(model, three, models, tmp_path, channel="2,0").maps["same"]
    assert np.array_equal(stack(found)[0, :, 0], pixels[[2, 0]])
    assert found.channels == ("a", "b")
    two = from_array(pixels[:2], "CYX")
    assert np.array_equal(
        stack(run(model, two, models, tmp_path).maps["same"])[0, :, 0], pixels[:2]
    )
    with pytest.raises(InputError, match=r"has 3 channels, and model pair takes 2.*--channel 0,1"):
        run(model, three, models, tmp_path)
    with pytest.raises(InputError, match="takes 2 channels, and --channel gives 1; give 2"):
        run(model, three, models, tmp_path, channel="1")


def test_several_inputs_take_channels_of_their_own(tmp_path, models):
    model = zoo.package(
        tmp_path / "difference",
        [helper.make_node("Sub", ["raw", "mask"], ["rest"])],
        [zoo.tensor("raw"), zoo.tensor("mask", channels=("m",))],
        [zoo.tensor("rest", like="raw")],
    )
    pixels = noise(3, 20, 30)
    image = from_array(pixels, "CYX")
    found = run(model, image, models, tmp_path, channel="raw=2,mask=0").maps["rest"]
    assert np.array_equal(stack(found)[0, 0, 0], pixels[2] - pixels[0])
    two = from_array(pixels[:2], "CYX")
    found = run(model, two, models, tmp_path).maps["rest"]
    assert np.array_equal(stack(found)[0, 0, 0], pixels[0] - pixels[1])
    with pytest.raises(InputError, match="such as --channel raw=0,mask=1"):
        run(model, image, models, tmp_path)
    for text, told in (
        ("0,1", "has several inputs"),
        ("raw=0", "lacks the input mask"),
        ("raw=0,mosk=1", "there is no input 'mosk'; the inputs are: raw, mask"),
        ("raw=0,mask=1,raw=2", "names the input raw twice"),
        ("raw=,mask=1", "must be like raw=0"),
    ):
        with pytest.raises(OptionError, match=told):
            Zoo(ZooOptions(model=str(model), channel=text))


def test_outputs_of_another_scale_have_its_pixel_size(tmp_path, models):
    nodes = [
        zoo.constant("scales", np.array([1, 1, 2, 2], np.float32)),
        helper.make_node("Resize", ["raw", "", "scales"], ["finer"], mode="nearest"),
    ]
    model = zoo.package(
        tmp_path / "finer", nodes, [zoo.tensor("raw")], [zoo.tensor("finer", like="raw", scale=2)]
    )
    pixels = noise(20, 31)
    image = from_array(pixels, pixel_size=0.5)
    result = run(model, image, models, tmp_path, labels="components", threshold=100)
    finer = result.maps["finer"]
    assert (finer.shape, finer.pixel_size) == ((1, 1, 1, 40, 62), PixelSize(0.25, 0.25))
    assert result.labels.shape == (1, 1, 20, 31)
    assert stack(finer)[0, 0, 0, 1::2, 1::2].shape == pixels.shape


def test_images_are_brought_to_the_pixel_size_of_the_model(tmp_path, models):
    model = zoo.probability(tmp_path / "scaled", um=1.0)
    plane, _ = nuclei(Scene((100, 120), coverage=0.3))
    fine = from_array(plane, pixel_size=0.5)
    result = run(model, fine, models, tmp_path)
    assert result.maps["probability"].shape == (1, 1, 1, 100, 120)
    assert result.labels.shape == (1, 1, 100, 120)
    as_is = run(model, fine, models, tmp_path, rescale=False)
    unknown = run(model, from_array(plane), models, tmp_path)
    one, other, third = (stack(each.maps["probability"]) for each in (result, as_is, unknown))
    assert np.array_equal(other, third)
    assert not np.array_equal(one, other)
    assert abs(one - other).mean() < 0.1
    far = from_array(plane, pixel_size=20.0)
    with pytest.raises(InputError, match="--pixel-size, or --no-rescale"):
        run(model, far, models, tmp_path)
    assert run(model, far, models, tmp_path, pixel_size=1.0).pixel_size == PixelSize(1.0, 1.0)


def test_classes_are_rows(tmp_path, models):
    pixels = np.stack([np.full((9, 9), value, np.float32) for value in (3, -2)])
    result = run(classifier(tmp_path / "kinds"), from_array(pixels, "ZYX"), models, tmp_path)
    assert result.tables["classes"].to_pylist() == [
        {"image": "array", "t": 0, "z": 0, "score-bright": 3, "score-dark": -3, "class": "bright"},
        {"image": "array", "t": 0, "z": 1, "score-bright": -2, "score-dark": 2, "class": "dark"},
    ]
    assert (result.labels, dict(result.maps), result.count) == (None, {}, 0)


def test_what_is_no_image_is_an_array(tmp_path, models):
    nodes = [
        helper.make_node("NonZero", ["raw"], ["places"]),
        helper.make_node("Transpose", ["places"], ["points"], perm=[1, 0]),
    ]
    points = zoo.tensor("points", "n", like="raw", dtype="int64")
    points["axes"].append({"type": "index", "id": "i", "size": 4})
    model = zoo.package(tmp_path / "points", nodes, [zoo.tensor("raw")], [points])
    pixels = np.zeros((2, 9, 9), np.float32)
    pixels[0, 3, 4] = pixels[1, 5, 6] = pixels[1, 7, 8] = 1
    pipeline = Zoo(ZooOptions(model=str(model)))
    assert pipeline.products == Products(labels=False, arrays=("points.npz",))
    found = run(model, from_array(pixels, "ZYX"), models, tmp_path).arrays["points.npz"]
    assert found["t0_z0"].tolist() == [[0, 0, 3, 4]]
    assert found["t0_z1"].tolist() == [[0, 0, 5, 6], [0, 0, 7, 8]]


def test_labels_that_come_as_they_are_are_no_map(tmp_path, models):
    model = zoo.same(tmp_path / "labels", output="labels", dtype="int32")
    pixels = np.zeros((20, 30), np.uint16)
    pixels[2:8, 2:8], pixels[10:18, 3:9] = 7, 4
    result = run(model, from_array(pixels), models, tmp_path)
    assert (dict(result.maps), result.count) == ({}, 2)
    assert np.unique(result.labels[...]).tolist() == [0, 1, 2]


def test_classes_of_pixels_are_not_objects(tmp_path, models):
    model = zoo.same(tmp_path / "tissue", ("background", "stroma", "gland"))
    pixels = noise(3, 2, 20, 30)
    result = run(model, from_array(pixels, "CZYX"), models, tmp_path, labels="classes")
    assert np.array_equal(result.labels[0], pixels.argmax(0))
    assert (result.count, result.table) == (0, None)
    with pytest.raises(OptionError, match="--measure: there are no objects to measure"):
        Zoo(ZooOptions(model=str(model), labels="classes", measure=True))


def test_a_colour_picture_is_three_channels_or_its_brightest(tmp_path, models):
    pixels = noise(3, 20, 30, dtype="uint8")
    picture = replace(from_array(pixels, "CYX"), rgb=True, channels=("red", "green", "blue"))
    found = run(zoo.same(tmp_path / "rgb", ("r", "g", "b")), picture, models, tmp_path)
    assert np.array_equal(stack(found.maps["same"])[0, :, 0], pixels)
    found = run(zoo.same(tmp_path / "grey"), picture, models, tmp_path)
    assert np.array_equal(stack(found.maps["same"])[0, 0, 0], pixels.max(0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1)])
def test_images_of_any_size_run(packages, models, tmp_path, shape):
    result = run(packages["probability"], from_array(noise(*shape)), models, tmp_path)
    assert result.labels.shape == (1, 1, *shape)
    assert result.maps["probability"].shape == (1, 1, 1, *shape)


def test_an_output_that_is_no_number_is_told(tmp_path, models):
    model = zoo.package(
        tmp_path / "root",
        [helper.make_node("Sqrt", ["raw"], ["root"])],
        [zoo.tensor("raw")],
        [zoo.tensor("root", like="raw")],
    )
    with pytest.raises(InputError, match=r"array: model root gives values .* no numbers"):
        run(model, from_array(np.full((9, 9), -1, np.float32)), models, tmp_path)


def test_a_model_of_more_than_images_is_refused(tmp_path):
    points = zoo.tensor("points", "n")
    points["axes"].append({"type": "index", "id": "i", "size": 2})
    points["axes"][0]["size"] = 5
    model = zoo.package(
        tmp_path / "prompted",
        [
            helper.make_node("ReduceSum", ["points"], ["sum"], keepdims=0),
            helper.make_node("Add", ["raw", "sum"], ["same"]),
        ],
        [zoo.tensor("raw"), points],
        [zoo.tensor("same", like="raw")],
    )
    with pytest.raises(ModelError, match=r"its input points is no image \(its axes are n, index\)"):
        Zoo(ZooOptions(model=str(model)))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"labels": "none", "threshold": 0.3}, "--threshold: has no effect on --labels none"),
        ({"labels": "components", "boundary": "x"}, "--boundary: has no effect"),
        ({"labels": "none", "maps": False}, "--no-maps: model probability gives nothing but maps"),
        ({"labels": "none", "measure": True}, "--measure: there are no objects"),
        ({"rescale": True}, "--rescale: model probability does not say its pixel size"),
        ({"labels": "boundary", "boundary": "edge"}, "--boundary edge: name a channel"),
    ],
)
def test_options_without_effect_are_refused(packages, options, told):
    with pytest.raises(OptionError, match=told):
        Zoo(ZooOptions(model=str(packages["probability"]), **options))


def test_numbers_of_a_network_are_not_put_together_from_tiles(tmp_path, models):
    nodes = [helper.make_node("Identity", ["raw"], ["labels"])]
    whole = {"dtype": "int32", "size": 16}
    model = zoo.package(
        tmp_path / "fixed",
        nodes,
        [zoo.tensor("raw", **whole)],
        [zoo.tensor("labels", like="raw", **whole)],
    )
    small = from_array(np.eye(16, dtype=np.uint8))
    assert run(model, small, models, tmp_path).count == 1
    large = from_array(np.eye(40, dtype=np.uint8))
    with pytest.raises(ModelError, match="array: is larger than what model fixed takes at once"):
        run(model, large, models, tmp_path)
    assert run(model, large, models, tmp_path, labels="none").labels is None
