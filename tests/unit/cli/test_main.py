from __future__ import annotations

import sys

import click
import pytest

from cytomill.cli import main as module
from cytomill.cli.main import COMMANDS, cli, main
from cytomill.errors import InputError, Interrupted, ModelError, OptionError, OutputError


def ended(monkeypatch, capsys, *args: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["cytomill", *args])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OptionError("--shard 2/1: no"), 2, "cytomill: --shard 2/1: no\n"),
        (InputError("a.tif", "is empty", "copy it"), 1, "cytomill: a.tif: is empty; copy it\n"),
        (OutputError("out", "is full"), 1, "cytomill: out: is full\n"),
        (ModelError("m: is damaged"), 1, "cytomill: m: is damaged\n"),
        (Interrupted(), 130, "cytomill: Stopped on request"),
        (OSError(28, "No space left"), 1, "cytomill: standard output: No space left\n"),
        (KeyError("a\nb"), 1, "cytomill: a fault of the program (KeyError in test_main.py, line"),
        (KeyboardInterrupt(), 130, "cytomill: stopped\n"),
        (click.UsageError("no such thing"), 2, "no such thing"),
    ],
)
def test_errors_are_a_line_and_a_code(monkeypatch, capsys, error, code, told):
    def fail(*args, **more):
        raise error

    monkeypatch.setattr(module.cli, "invoke", fail)
    got, out, err = ended(monkeypatch, capsys, "models")
    assert (got, out) == (code, "")
    assert told in err
    assert "Traceback" not in err


def test_help_names_every_command(monkeypatch, capsys):
    code, out, _ = ended(monkeypatch, capsys, "--help")
    assert code == 0
    assert all(f"  {name}" in out for name in COMMANDS)


def test_every_command_has_help(monkeypatch, capsys):
    for name in COMMANDS:
        code, out, _ = ended(monkeypatch, capsys, name, "--help")
        assert code == 0
        assert out.startswith(f"Usage: cytomill {name}")


def test_version_is_told(monkeypatch, capsys):
    assert ended(monkeypatch, capsys, "--version")[:2] == (0, f"cytomill, version {_version()}\n")


def test_no_command_and_an_unknown_one_are_wrong_usage(monkeypatch, capsys):
    assert ended(monkeypatch, capsys)[0] == 2
    code, _, err = ended(monkeypatch, capsys, "fly")
    assert (code, "No such command 'fly'" in err) == (2, True)
    assert cli.get_command(click.Context(cli), "fly") is None


def _version() -> str:
    from cytomill.version import __version__

    return __version__
