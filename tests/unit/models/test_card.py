from __future__ import annotations

import shutil

import pytest
import yaml

from cytomill.errors import ModelError, OptionError
from cytomill.models.card import Model
from cytomill.models.registry import find, names
from cytomill.models.weights import Weights


@pytest.fixture
def package(tmp_path):
    """A copy of the built-in package, and how to change its description."""
    shutil.copytree(find("nuclei").folder, tmp_path, dirs_exist_ok=True)

    def change(edit):
        card = yaml.safe_load((tmp_path / "rdf.yaml").read_text("utf-8"))
        edit(card)
        (tmp_path / "rdf.yaml").write_text(yaml.safe_dump(card), "utf-8")
        return tmp_path

    return change


def test_built_in_models_are_whole():
    assert "nuclei" in names()
    for name in names():
        model = find(name)
        assert model.name == name
        assert model.license
        assert model.authors
        assert model.pixel_size > 0
        assert model.halo % model.stride == 0
        for weights in (model.weights, model.int8):
            if weights:
                weights.check()


def test_the_first_description_by_either_name_is_read(package):
    folder = package(lambda card: None)
    (folder / "rdf.yaml").rename(folder / "bioimageio.yaml")
    assert Model.read(folder).name == "nuclei"


@pytest.mark.parametrize("key", ["version", "license", "weights", "config", "authors"])
def test_what_a_description_lacks_is_named(package, key):
    folder = package(lambda card: card.pop(key))
    what = rf"lacks '{key}'" if key != "config" else "config.cytomill lacks or misstates 'cytomill'"
    with pytest.raises(ModelError, match=rf"rdf.yaml: {what}"):
        Model.read(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "just words", "\x00"])
def test_what_is_no_description_is_told(tmp_path, text):
    (tmp_path / "rdf.yaml").write_text(text)
    with pytest.raises(ModelError, match=r"rdf.yaml(, line 2)?: "):
        Model.read(tmp_path)


def test_a_folder_without_a_description_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"holds no rdf.yaml or bioimageio.yaml"):
        Model.read(tmp_path)


def test_a_model_without_integers_has_none(package):
    folder = package(lambda card: card["config"]["cytomill"].pop("int8", None))
    assert Model.read(folder).int8 is None


def test_weights_that_changed_or_are_missing_are_told(tmp_path):
    path = tmp_path / "w.onnx"
    with pytest.raises(ModelError, match=r"w.onnx: is missing; install the model again"):
        Weights(path, "0" * 64).check()
    path.write_bytes(b"")
    Weights(path, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").check()
    with pytest.raises(ModelError, match=r"has SHA-256 e3b0c44298fc…, its description says 000"):
        Weights(path, "0" * 64).check()


def test_an_unknown_model_is_told_with_those_there_are():
    for name in ("cells", "", "..", "../builtin/nuclei"):
        with pytest.raises(OptionError, match="the models are: nuclei"):
            find(name)
