from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from cytomill.errors import OptionError
from cytomill.pipelines import registry
from cytomill.pipelines.nuclei import Nuclei


def offer(monkeypatch, *points: tuple[str, str]) -> None:
    offered = [EntryPoint(name, value, "cytomill.pipelines") for name, value in points]
    monkeypatch.setattr(registry, "_points", lambda: offered)


def test_the_built_in_pipeline_is_found():
    assert "nuclei" in registry.names()
    assert registry.find("nuclei") is Nuclei


def test_an_unknown_name_is_told_with_those_there_are(monkeypatch):
    offer(monkeypatch, ("b", "m:B"), ("a", "m:A"))
    with pytest.raises(OptionError, match="no pipeline 'c'; the pipelines are: a, b"):
        registry.find("c")


def test_a_name_that_two_packages_claim_is_refused(monkeypatch):
    offer(monkeypatch, ("nuclei", "other:Nuclei"), ("nuclei", "cytomill.pipelines.nuclei:Nuclei"))
    with pytest.raises(OptionError, match=r"claimed by cytomill.pipelines.nuclei:Nuclei and other"):
        registry.find("nuclei")


def test_the_same_offered_twice_is_one(monkeypatch):
    offer(monkeypatch, *[("nuclei", "cytomill.pipelines.nuclei:Nuclei")] * 2)
    assert registry.find("nuclei") is Nuclei


def test_one_that_cannot_be_loaded_is_told(monkeypatch):
    offer(monkeypatch, ("a", "no_such_module:A"))
    with pytest.raises(OptionError, match=r"'a' of package .* cannot be loaded \(ModuleNotFound"):
        registry.find("a")
