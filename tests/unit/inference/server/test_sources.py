from __future__ import annotations

import os

import pytest

from cytomill.inference.server.sources import scan
from tests import networks, zoo


@pytest.fixture
def folder(tmp_path):
    networks.double(tmp_path / "double.onnx")
    return tmp_path


def test_built_in_models_are_always_there():
    assert scan(None).keys() >= {"nuclei"}


def test_a_network_without_a_description_is_a_model(folder):
    source = scan(folder)["double"]
    assert (source.version, source.fault) == ("1", "")
    assert source.size == (folder / "double.onnx").stat().st_size


def test_a_package_has_its_own_version(folder):
    zoo.probability(folder / "cells")
    source = scan(folder)["cells"]
    assert (source.version, source.fault) == ("1.0", "")


def test_other_files_are_no_models(folder):
    (folder / "README.md").write_text("about")
    (folder / ".hidden").mkdir()
    assert scan(folder).keys() - scan(None).keys() == {"double"}


def test_what_cannot_be_read_says_why(folder):
    (folder / "empty").mkdir()
    (folder / "bad name.onnx").write_bytes(b"x")
    (folder / "a.pixels.onnx").write_bytes(b"x")
    found = scan(folder)
    assert "not a model package" in found["empty"].fault
    assert "rename it" in found["bad name"].fault
    assert "rename it" in found["a.pixels"].fault


def test_two_of_one_name_are_told_apart(folder):
    (folder / "double").mkdir()
    assert "rename one" in scan(folder)["double"].fault


def test_a_change_is_seen_and_only_that_is_read_again(folder):
    networks.pair(folder / "pair.onnx")
    before = scan(folder)
    os.utime(folder / "pair.onnx", ns=(1, 1))
    after = scan(folder, before)
    assert after["double"] is before["double"]
    assert after["pair"] != before["pair"]
    assert scan(folder, after)["pair"] is after["pair"]


def test_the_card_of_a_network_is_part_of_it(folder):
    before = scan(folder)
    (folder / "double.yaml").write_text("inputs: []")
    after = scan(folder, before)
    assert after["double"] != before["double"]
    assert "double.yaml" in after["double"].fault
