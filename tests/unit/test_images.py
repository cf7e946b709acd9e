"""The container files as far as seconds allow; scripts/images builds and tests the images."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import click
import pytest

from cytomill.cli.main import cli
from cytomill.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "deploy/images"
LEAN = IMAGES / "lean"
CONTAINERFILE = (IMAGES / "Containerfile").read_text()
TARGETS = (
    "cytomill",
    "cytomill-openvino",
    "cytomill-model-server",
    "cytomill-model-server-cuda",
)
SCRIPTS = [ROOT / "scripts/images", ROOT / "deploy/compose/secrets.sh"] + [
    path for path in LEAN.iterdir() if path.read_text().startswith(("#!/bin/sh", "#!/bin/bash"))
]

#: A server's name before the first slash of an image's name.
HOST = re.compile(r"(?<![\w./-])(?!localhost/)[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?/[a-z]")


def program(name: str) -> ModuleType:
    """A program of the build, to be called here."""
    spec = importlib.util.spec_from_file_location(name, LEAN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pinned(path: Path) -> dict[str, str]:
    """Versions by the name of the package."""
    return dict(line.split("==") for line in path.read_text().splitlines() if "==" in line)


def plain(name: str) -> str:
    """The name of a package without extras, as all spell it."""
    return re.split(r"[\[<>=~!; ]", name)[0].lower().replace("_", "-")


def stages() -> dict[str, str]:
    """The text of each stage by its name."""
    found = re.split(r"^FROM (\S+) AS (\S+)$", CONTAINERFILE, flags=re.MULTILINE)[1:]
    return {name: text for _, name, text in zip(*[iter(found)] * 3, strict=True)}


def test_all_images_are_there_and_begin_with_what_is_given() -> None:
    bases = re.findall(r"^FROM (\S+) AS", CONTAINERFILE, re.MULTILINE)
    assert set(TARGETS) <= set(stages())
    assert set(bases) <= {"${BASE}", "scratch", *stages()}
    assert re.search(r"^ARG BASE$", CONTAINERFILE, re.MULTILINE), "a default would age"


def test_no_server_of_images_is_named() -> None:
    told = [*IMAGES.iterdir(), *(ROOT / "deploy/compose").iterdir(), ROOT / "scripts/images"]
    for path in told:
        if path.is_file() and path.name != ".env":
            assert not HOST.findall(path.read_text()), path


def test_nobody_is_root_and_one_process_is_told_to_stop() -> None:
    start = stages()["start"]
    assert "USER 10001:10001" in start
    assert 'ENTRYPOINT ["cytomill"]' in start
    assert "STOPSIGNAL SIGTERM" in start
    for target in TARGETS:
        assert f"FROM start AS {target}\n" in CONTAINERFILE
        assert "USER" not in stages()[target]


@pytest.mark.parametrize("target", TARGETS)
def test_its_command_is_one_of_the_program(target: str) -> None:
    (told,) = re.findall(r"^CMD (.*)$", stages()[target], re.MULTILINE)
    words = json.loads(told)
    if words != ["--help"]:
        command = cli.get_command(click.Context(cli), words[0])
        assert command is not None
        command.make_context(words[0], words[1:])


def test_its_settings_are_those_of_the_program() -> None:
    names = re.findall(r"\b(CYTOMILL_[A-Z]+)=(\S+)", CONTAINERFILE)
    assert len(names) == 4
    Settings.read(dict(names))


def test_what_is_installed_is_what_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = {plain(one) for one in project["dependencies"] + extras["server"] + extras["kiosk"]}
    told = [line for line in (LEAN / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    assert {plain(one) for one in told} == asked - {"cytomill"}
    assert told == sorted(told)


def test_every_package_has_one_version() -> None:
    constraints = {
        plain(name): version for name, version in pinned(ROOT / "constraints.txt").items()
    }
    for line in (LEAN / "requirements.txt").read_text().splitlines():
        if not line.startswith("#"):
            assert plain(line) in constraints
    cuda = pinned(LEAN / "requirements-cuda.txt")
    lines = (LEAN / "requirements-cuda.txt").read_text().splitlines()
    assert len(cuda) == sum(not line.startswith("#") for line in lines)
    assert cuda["onnxruntime-gpu"] == constraints["onnxruntime"]
    assert cuda["flatbuffers"] == constraints["flatbuffers"]
    assert cuda["ml_dtypes"] == constraints["ml-dtypes"]


def test_nothing_of_cytomill_is_left_out() -> None:
    for name in ("leave-out", "leave-out-cuda"):
        for pattern in (LEAN / name).read_text().splitlines():
            if pattern and not pattern.startswith("#"):
                assert not pattern.startswith(("/", "../"))
                found = [path for path in (ROOT / "src").glob(pattern) if path.is_file()]
                assert not found, f"{pattern}: {found[:3]}"


def test_what_is_left_out_goes_and_the_rest_stays(tmp_path: Path) -> None:
    packages = tmp_path / "all"
    (packages / "one/tests").mkdir(parents=True)
    (packages / "one/tests/test_it.py").write_text("")
    (packages / "one/it.py").write_text("")
    (packages / "one/libit.so").write_bytes(bytes(250_000))
    (packages / "one/libit.so.1").write_bytes(bytes(250_000))
    (packages / "one/libother.so.1").write_bytes(bytes(249_999) + b"1")
    listed = tmp_path / "list"
    listed.write_text("# Why.\n\n**/tests\none/lib*.so*\n")
    lean = program("lean")
    lean._join(packages)
    assert (packages / "one/libit.so").readlink() == Path("libit.so.1")
    assert not (packages / "one/libother.so.1").is_symlink()
    lean.main(packages, str(listed))
    assert [path.name for path in (packages / "one").iterdir()] == ["it.py"]


def test_a_pattern_that_matches_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("**/gone\n")
    with pytest.raises(SystemExit, match=r"strike it from the list: \*\*/gone"):
        program("lean").main(tmp_path, str(tmp_path / "list"))


def test_a_library_that_lacks_another_is_told(tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("needs a compiler")
    for name, words in {"libneeded.so": [], "libneeds.so": ["-L.", "-lneeded"]}.items():
        command = ["gcc", "-shared", "-Wl,--no-as-needed", "-x", "c", "/dev/null", "-o", name]
        subprocess.run([*command, *words], cwd=tmp_path, check=True)
    program("lean")._hold(tmp_path)
    (tmp_path / "libneeded.so").unlink()
    with pytest.raises(SystemExit, match=r"libneeds.so: lacks libneeded.so"):
        program("lean")._hold(tmp_path)


def test_bytecode_takes_the_place_of_sources(tmp_path: Path) -> None:
    for name in ("other", "cytomill/ops"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("def fail():\n    raise ValueError\n")
    (tmp_path / "broken.py").write_text("def :\n")
    program("bytecode").main(tmp_path, "/place")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["__init__.pyc"]
    inner = tmp_path / "cytomill/ops"
    assert (inner / "__init__.py").exists()
    assert len([*(inner / "__pycache__").iterdir()]) == 1
    assert (tmp_path / "broken.py").exists()
    told = subprocess.run(
        [sys.executable, "-c", "import other; print(other.fail.__code__.co_filename)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told == "/place/other/__init__.py\n"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    subprocess.run([shell, "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(script)], check=True)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--bse"], "--bse: no such option or image"),
        (["--base", "debian:12-slim"], "name it by its digest too"),
        (["--base"], "needs the name of an image"),
    ],
)
def test_the_script_refuses_what_it_does_not_know(words: list[str], fault: str) -> None:
    told = subprocess.run(
        [ROOT / "scripts/images", *words],
        env={**os.environ, "CONTAINER_ENGINE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode != 0
    assert fault in told.stderr


def sections() -> dict[str, str]:
    """The sections of the Apptainer definition, its header as that without a name."""
    text = (IMAGES / "cytomill.def").read_text()
    found = re.split(r"^%(\w+)\n", text, flags=re.MULTILINE)
    return {"": found[0], **dict(zip(found[1::2], found[2::2], strict=True))}


def test_the_apptainer_definition_is_whole() -> None:
    told = sections()
    header = dict(re.findall(r"^(\w+): (.*)$", told[""], re.MULTILINE))
    assert header == {"Bootstrap": "docker-archive", "From": "{{ IMAGE }}"}
    assert re.findall(r"^    (\w+)=", told["arguments"], re.MULTILINE) == ["IMAGE"]
    assert 'exec cytomill "$@"' in told["runscript"]
    assert "post" not in told, "the image has no installer"


def test_its_environment_forgets_the_folders_of_containers() -> None:
    script = sections()["environment"] + '\necho "${CYTOMILL_BUCKET-none} ${CYTOMILL_KIOSK-none}"'
    given = {"CYTOMILL_BUCKET": "/data/bucket", "CYTOMILL_KIOSK": "/scratch/kiosk"}
    told = subprocess.run(
        ["/bin/sh", "-euc", script], env=given, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "none /scratch/kiosk"
