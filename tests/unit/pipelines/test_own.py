from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cytomill.errors import OptionError
from cytomill.pipelines import registry
from cytomill.pipelines.nuclei import Nuclei
from cytomill.pipelines.own import OwnPipelines
from cytomill.settings import settings

GOOD = """
from cytomill.pipelines.planes import PlaneOptions, Planes

class Helper:
    name = "no pipeline: it has no base"

class {kind}(Planes[PlaneOptions]):
    name = "{name}"
    summary = "{summary}."
    Options = PlaneOptions

    def label(self, pixels, models):
        return (pixels > 0).astype(int)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one's own pipelines, as the registry sees it."""
    own = OwnPipelines(tmp_path / "own")
    monkeypatch.setattr(registry, "_own", lambda: own)
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def write(folder: Path, file: str, text: str = GOOD, **values: str) -> Path:
    values = {"kind": "Mine", "name": "mine", "summary": "Does it"} | values
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    (folder / file).write_text(text, encoding="utf-8")
    return folder / file


def test_the_folder_is_that_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, "mine.py")
    monkeypatch.setattr(registry, "settings", replace(settings, pipelines=tmp_path))
    registry._own.cache_clear()
    try:
        assert "mine" in registry.names()
    finally:
        registry._own.cache_clear()


def test_no_folder_is_none(folder: Path):
    folder.rmdir()
    assert "nuclei" in registry.names()
    assert registry.find("nuclei") is Nuclei


def test_a_file_is_a_pipeline_by_the_name_in_its_class(folder: Path):
    write(folder, "file.py")
    assert {"mine", "nuclei", "model"} <= set(registry.names())
    assert registry.find("mine").summary == "Does it."
    assert registry.find("mine") is registry.find("mine")


def test_a_file_may_have_several(folder: Path):
    write(folder, "two.py", GOOD + GOOD.replace("{kind}", "Other").replace("{name}", "other"))
    assert registry.find("mine").__name__ == "Mine"
    assert registry.find("other").__name__ == "Other"


def test_files_come_change_and_go_while_the_program_runs(folder: Path):
    assert "mine" not in registry.names()
    path = write(folder, "mine.py")
    before = registry.find("mine")
    write(folder, "mine.py", summary="Does it better")
    after = registry.find("mine")
    assert (before.summary, after.summary) == ("Does it.", "Does it better.")
    path.unlink()
    assert "mine" not in registry.names()
    with pytest.raises(OptionError, match="no pipeline 'mine'"):
        registry.find("mine")


def test_a_file_that_did_not_change_is_not_read_again(folder: Path, monkeypatch):
    write(folder, "mine.py")
    registry.names()
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} is read"))
    assert "mine" in registry.names()


def test_listing_runs_no_file(folder: Path):
    write(folder, "mine.py", "print('it runs')\nraise SystemExit(3)\n" + GOOD)
    assert "mine" in registry.names()
    assert registry.find("nuclei") is Nuclei


@pytest.mark.parametrize(
    ("text", "asked", "told"),
    [
        ("x = (\n", "f", r"line 1: cannot be loaded \(SyntaxError: '\(' was never closed\)"),
        ("import no_such_thing\n" + GOOD, "mine", r"line 1: cannot be loaded \(ModuleNotFoundErr"),
        (GOOD + "\n\n1 / 0\n", "mine", r"line 16: cannot be loaded \(ZeroDivisionError: division"),
        (GOOD + "\nraise SystemExit(3)\n", "mine", r"line 15: cannot be loaded \(SystemExit: 3\)"),
        ("def f(a: 1 / 0): pass\n" + GOOD, "mine", r"line 1: cannot be loaded \(ZeroDivision"),
        ("x = 1\n", "f", "has no pipeline; give its class a line such as name = 'f'"),
        ("class A(int):\n    name = 'a'\n", "a", "its class A is no pipeline"),
        ("class A(int):\n    name = 'a b'\n", "a b", "line 1: the name 'a b' of class A is not of"),
        ("class A(int):\n    name = 'a'\ndel A\n", "a", "its class A is no pipeline"),
        ("x = '\0'\n", "f", "cannot be loaded"),
    ],
)
def test_a_fault_is_told_with_its_place_and_only_where_it_is_asked_for(
    folder: Path, text: str, asked: str, told: str
):
    path = write(folder, "f.py", text)
    write(folder, "good.py", name="good")
    assert {asked, "good", "nuclei"} <= set(registry.names())
    assert registry.find("good").name == "good"
    assert registry.find("nuclei") is Nuclei
    for _ in range(2):
        with pytest.raises(OptionError, match=rf"^{re.escape(str(path))}[:,] {told}") as raised:
            registry.find(asked)
        assert "\n" not in str(raised.value)


def test_a_file_may_build_on_other_pipelines(folder: Path):
    write(folder, "base.py", name="base", kind="Base")
    text = """
from cytomill.pipelines.registry import find

class More(find("base")):
    name = "more"
"""
    write(folder, "more.py", text)
    assert issubclass(registry.find("more"), registry.find("base"))


def test_its_module_has_the_same_name_everywhere(folder: Path):
    write(folder, "mine.py")
    kind = registry.find("mine")
    assert OwnPipelines(folder).load(registry._own().found()[0]).__module__ == kind.__module__
    write(folder, "mine.py", summary="Does it better")
    assert registry.find("mine").__module__ == kind.__module__
    assert sys.modules[kind.__module__].Mine.summary == "Does it better."


def test_a_corrected_file_is_found(folder: Path):
    write(folder, "mine.py", GOOD + "\n1 / 0\n")
    with pytest.raises(OptionError):
        registry.find("mine")
    write(folder, "mine.py")
    assert registry.find("mine").name == "mine"


def test_a_file_that_cannot_be_read_is_told(folder: Path):
    (folder / "loop.py").symlink_to("loop.py")
    (folder / "gone.py").symlink_to("nowhere")
    (folder / "directory.py").mkdir()
    write(folder, "mine.py")
    for name in ("loop", "gone", "directory"):
        assert name in registry.names()
        with pytest.raises(OptionError, match=rf"^{folder}/{name}.py: cannot be read \(.*\)"):
            registry.find(name)
    assert registry.find("mine").name == "mine"


def test_names_that_clash_are_told(folder: Path):
    write(folder, "nuclei.py", name="nuclei")
    one, two = write(folder, "a.py"), write(folder, "b.py")
    for name, claims in {
        "nuclei": f"cytomill.pipelines.nuclei:Nuclei and {folder}/nuclei.py",
        "mine": f"{one} and {two}",
    }.items():
        told = f"pipeline '{name}' is claimed by {claims}; give one of them another name"
        with pytest.raises(OptionError, match=re.escape(told)):
            registry.find(name)
    assert registry.names().count("nuclei") == 1


def test_files_that_are_no_pipelines_are_left_out(folder: Path):
    for name in ("_helper.py", ".hidden.py", "notes.txt", "mine.py~"):
        write(folder, name)
    (folder / "sub").mkdir()
    assert "mine" not in registry.names()


def test_a_folder_that_is_none_is_told(folder: Path):
    folder.rmdir()
    folder.write_text("")
    with pytest.raises(OptionError, match=rf"^{folder}: cannot be read .*CYTOMILL_PIPELINES"):
        registry.names()
