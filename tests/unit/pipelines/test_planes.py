from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cytomill.errors import OptionError, PermanentError
from cytomill.image.array import from_array
from cytomill.pipelines import new, registry, template
from cytomill.pipelines.base import Partial
from cytomill.pipelines.own import OwnPipelines
from cytomill.pipelines.planes import PlaneOptions, Planes
from cytomill.pipelines.template import Template, TemplateOptions
from cytomill.testing import PipelineTests


class TestTheTemplate(PipelineTests):
    @pytest.fixture
    def pipeline(self) -> Template:
        return Template(TemplateOptions())


class Given(Planes[PlaneOptions]):
    """Gives the labels that a test wants."""

    name = "given"
    summary = "Gives labels."
    Options = PlaneOptions
    labels: Any = None

    def label(self, pixels, models):
        return self.labels


def processed(labels: Any):
    pipeline = Given(PlaneOptions())
    pipeline.labels = labels
    image = from_array(np.zeros((2, 3), np.uint8), "YX")
    return pipeline.process(image, pipeline.split(image)[0], {})


@pytest.mark.parametrize(
    ("given", "expected", "count"),
    [
        ([[0, 5, 5], [2, 0, 9]], [[0, 2, 2], [1, 0, 3]], 3),
        ([[7, 7, 7], [7, 7, 7]], [[1, 1, 1], [1, 1, 1]], 1),
        ([[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]], 0),
        ([[-1, -1, 3], [2**40, 0, 2**60]], [[0, 0, 1], [2, 0, 3]], 3),
        ([[2**40, 2**50, 2**40], [2**40] * 3], [[1, 2, 1], [1, 1, 1]], 2),
        ([[True, False, True], [True] * 3], [[1, 0, 1], [1, 1, 1]], 1),
    ],
)
def test_labels_may_have_any_numbers(given, expected, count: int):
    partial = processed(np.array(given))
    assert partial.labels.tolist() == expected
    assert partial.labels.dtype == np.int32
    assert partial.count == count
    assert partial.columns["label"].tolist() == list(range(1, count + 1))


@pytest.mark.parametrize("labels", [np.zeros((2, 3)), np.zeros((3, 2), int), None])
def test_what_are_no_labels_is_told(labels):
    with pytest.raises(PermanentError, match=r"pipeline given: its label\(\) gave .*\(2, 3\)$"):
        processed(labels)


def test_a_plane_that_is_lost_has_no_objects_and_no_rows(tmp_path: Path):
    pipeline = Given(PlaneOptions())
    image = from_array(np.zeros((2, 2, 3), np.uint8), "TYX")
    first, second = pipeline.split(image)
    pipeline.labels = np.array([[0, 1, 1], [2, 0, 0]])
    partials = [
        Partial(first.index, first.t, first.z, first.core, None, 0),
        pipeline.process(image, second, {}),
    ]
    made = pipeline.merge(image, partials, tmp_path)
    assert made.labels[...].tolist() == [[[[0] * 3] * 2], [[[0, 1, 1], [2, 0, 0]]]]
    assert [(row["t"], row["label"]) for row in made.table.to_pylist()] == [(1, 1), (1, 2)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = OwnPipelines(tmp_path / "own")
    monkeypatch.setattr(registry, "_own", lambda: own)
    return tmp_path / "own"


def test_a_new_pipeline_is_short_and_found(folder: Path):
    path = new.write("bright_spots2", folder)
    assert path == folder / "bright_spots2.py"
    text = path.read_text(encoding="utf-8")
    assert "emplate" not in text
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 30
    kind = registry.find("bright_spots2")
    assert kind.__name__ == "BrightSpots2"
    assert "sigma" in kind.Options.model_fields


@pytest.mark.parametrize(
    "name", ["", "Spots", "2d", "a-b", "a b", "../a", "a/b", "é", "class", "_a", "a" * 51, "a\n"]
)
def test_a_bad_name_is_refused(folder: Path, name: str):
    with pytest.raises(OptionError, match="cannot be a pipeline's name"):
        new.write(name, folder)
    assert not folder.exists()


def test_nothing_is_overwritten(folder: Path, tmp_path: Path):
    path = new.write("spots", folder)
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match=r"spots.py: is there already; change it"):
        new.write("spots", folder)
    assert path.read_text(encoding="utf-8") == "mine"
    for taken in ("nuclei", "spots"):
        with pytest.raises(OptionError, match=f"there is a pipeline '{taken}' already"):
            new.write(taken, tmp_path / "elsewhere")


def test_a_name_like_one_of_the_templates_own_works(folder: Path):
    for name in ("template", "plane", "planes", "field", "models"):
        new.write(name, folder)
        assert registry.find(name).name == name
    assert Path(template.__file__).read_text(encoding="utf-8") == (
        folder / "template.py"
    ).read_text(encoding="utf-8")
