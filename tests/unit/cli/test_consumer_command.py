from __future__ import annotations

import sys

import pytest

from cytomill.cli.consumer import command
from cytomill.errors import OptionError


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pipeline", "no"], "no pipeline 'no'; the pipelines are: "),
        (["--model-server", "http://here"], "must be grpc://HOST:PORT"),
        (["--model-server", "grpc://here:1", "--device", "cuda"], "the model server decides"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(words, told):
    with pytest.raises(OptionError, match=told):
        command.main(words, standalone_mode=False)


def test_without_its_libraries_it_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "cytomill.kiosk.backend", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(OptionError, match=r"redis is not installed; pip install cytomill\[kiosk\]"):
        command.main([], standalone_mode=False)
