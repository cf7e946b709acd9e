from __future__ import annotations

import sys

import click
import pytest

from cytomill.cli.model_server import _Bytes, command
from cytomill.errors import OptionError


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("512M", 2**29), ("8G", 2**33), ("8 GiB", 2**33), ("1.5k", 1536), ("2tb", 2**41)],
)
def test_sizes_are_in_powers_of_1024(text, size):
    assert _Bytes().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "8X", "0", "0.1", "1e9", "nan", "8G 4M"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(click.BadParameter):
        _Bytes().convert(text, None, None)


def test_without_its_libraries_it_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "cytomill.inference.server.serve", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(OptionError, match=r"uvicorn is not installed; pip install cytomill"):
        command.main([], standalone_mode=False)
