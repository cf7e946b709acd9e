from __future__ import annotations

from typing import ClassVar, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from cytomill.cli import options as module
from cytomill.cli import run as run_module
from cytomill.cli.options import flags
from cytomill.errors import OptionError
from cytomill.pipelines.base import Options


class Some(Options):
    whole: int = Field(3, description="A number.")
    part: float | None = Field(None, description="Another.")
    kind: Literal["a", "b"] = Field("a", description="One of two.")
    two_words: str | None = Field(None, description="Text.")
    on: bool = Field(True, description="A switch.")
    words: list[str] = Field(default_factory=lambda: ["x"], description="Words.")
    needed: int = Field(description="Without default.")


@pytest.fixture(autouse=True)
def pipeline(monkeypatch):
    class Fake:
        Options: ClassVar = Some

    monkeypatch.setattr(module, "find", lambda name: Fake)


def parsed(*args: str) -> dict[str, object]:
    command = click.Command("c", params=flags("fake"), callback=lambda **given: given)
    return CliRunner().invoke(command, args, standalone_mode=False).return_value


def test_an_option_not_given_is_none_so_that_the_pipelines_default_holds():
    assert set(parsed().values()) == {None}
    assert parsed().keys() == Some.model_fields.keys()


def test_values_have_the_options_types():
    given = parsed("--whole", "5", "--part", "0.5", "--kind", "b", "--two-words", "x", "--no-on")
    expected = {"whole": 5, "part": 0.5, "kind": "b", "two_words": "x", "on": False}
    assert given == {**expected, "words": None, "needed": None}


def test_help_says_description_and_default():
    command = click.Command("c", params=flags("fake"))
    told = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    for line in (
        "--whole INTEGER A number. Default: 3.",
        "--part FLOAT Another.",
        "--kind [a|b] One of two. Default: a.",
        "--on / --no-on A switch.",
        "--words TEXT Words. Default: ['x'].",
        "--needed INTEGER Without default.",
    ):
        assert line in told
    assert "Undefined" not in told


@pytest.mark.parametrize(
    "args",
    [
        ["-p", "fake", "i", "-o", "o"],
        ["i", "-o", "o", "-pfake"],
        ["i", "-o", "o", "--pipeline=fake"],
        ["i", "-o", "o", "-qp", "fake"],
        ["--whole", "3", "i", "-o", "o", "--pipeline", "fake"],
        ["--pattern", "-p", "-p", "fake", "i", "-o", "o"],
    ],
)
def test_the_pipeline_is_known_before_its_flags_are_read(args):
    assert run_module.command._pipeline(args) == "fake"
    context = run_module.command.make_context("run", [*args, "--kind", "b"])
    assert context.params["kind"] == "b"


def test_the_command_is_left_as_it_was():
    before = list(run_module.command.params)
    run_module.command.make_context("run", ["i", "-o", "o"])
    assert run_module.command.params == before


def test_an_option_with_the_name_of_one_of_the_command_is_refused(monkeypatch):
    class Clashing(Options):
        threads: int = Field(1, description="Taken.")

    class Fake:
        Options: ClassVar = Clashing

    monkeypatch.setattr(module, "find", lambda name: Fake)
    with pytest.raises(OptionError, match="its option threads has the name of one of run"):
        run_module.command.make_context("run", ["i", "-o", "o"])
