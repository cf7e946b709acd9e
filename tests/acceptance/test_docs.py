"""What the documentation says is what the program does."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import click
import numpy as np
import pytest
import tifffile
from PIL import Image

from cytomill.batch.journal import Record
from cytomill.batch.report import Report
from cytomill.cli.main import COMMANDS, cli, main
from cytomill.cli.options import flags
from cytomill.models.registry import find as find_model
from cytomill.settings import Settings, settings
from tests import zoo
from tests.conftest import PIPELINES
from tests.model_server import PATIENCE, serving, start
from tests.unit.models.packages import network

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("sh", "bash", "console")

#: The page that describes a command; what all commands share is in docs/README.md.
PAGE_OF = {
    "run": "run.md",
    "track": "tracking.md",
    "evaluate": "evaluate.md",
    "sample": "sample.md",
    "models": "models.md",
    "model-server": "model-server.md",
    "pipelines": "pipelines.md",
    "serve": "kiosk.md",
    "up": "slurm.md",
    "down": "slurm.md",
    "plan": "plan.md",
    "submit": "client.md",
    "jobs": "client.md",
    "api": "api.md",
    "consumer": "kiosk.md",
    "autoscaler": "autoscaling.md",
    "tokens": "security.md",
    "cluster": "gke.md",
}


@dataclass(frozen=True)
class Block:
    """A fenced block, and the comment on the line before it: ``<!-- kind: text -->``."""

    page: Path
    line: int
    language: str
    text: str
    comment: str
    told: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.comment == ""

    def commands(self) -> list[str]:
        """The commands of a shell block; of a console block the lines after the prompt."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in map(str.strip, lines) if line and not line.startswith("#")]


def blocks(page: Path) -> list[Block]:
    found = []
    fence = re.compile(
        r"(?:^<!-- (?P<comment>not run|file|server): *(?P<told>.*?) *-->\n)?"
        r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
        re.DOTALL | re.MULTILINE,
    )
    text = page.read_text(encoding="utf-8")
    for match in fence.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        parts = match.group("language", "text", "comment", "told")
        found.append(Block(page, line, *(part or "" for part in parts)))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]


def each(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def invoke(words):
    """Run the program in this process, as the shell would; returns its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as done:
            main()
    return done.value.code


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with the images that the pages speak of, made by the program's own generator."""
    top = tmp_path_factory.mktemp("docs")
    made = top.parent / "docs-samples"
    for name, options in {
        "still": "-n 3 --size 200x160",
        "zarr": "-n 1 --size 200x160 --format zarr",
        "film": "-n 2 --size 200x160 --kind movie --frames 4",
    }.items():
        assert invoke(["cytomill", "sample", "-q", "-o", f"{made / name}", *options.split()]) == 0
    for folder in ("images", "truth", "labels", "models", "plate/A1", "plate/B1", "planes"):
        (top / folder).mkdir(parents=True)
    for number, name in enumerate("abc"):
        still = f"nuclei_00{number}.tif"
        shutil.copy(made / "still/images" / still, top / f"images/{name}.tif")
        shutil.copy(made / "still/truth" / still, top / f"truth/{name}.tif")
        shutil.copy(made / "still/truth" / still, top / f"labels/{name}_labels.tif")
    first = tifffile.imread(top / "images/a.tif")
    for well in ("A1", "B1"):
        for stain in ("DAPI", "GFP"):
            tifffile.imwrite(top / f"plate/{well}/day1_{stain}.tif", first)
    for depth in (0, 1):
        tifffile.imwrite(top / f"planes/z{depth}.tif", first)
    channels = {"axes": "CYX", "Channel": {"Name": ["Phase", "DAPI"]}}
    tifffile.imwrite(top / "cells.ome.tif", np.stack([first // 2, first]), metadata=channels)
    Image.fromarray((first / first.max() * 255).astype(np.uint8)).save(top / "photo.png")
    shutil.copytree(made / "zarr/images/nuclei_000.zarr", top / "slide.ome.zarr")
    for movie in ("01", "02"):
        truth, tracked = top / f"annotated/{movie}_GT", top / f"tracked/{movie}_RES"
        shutil.copytree(made / f"film/{movie}_GT", truth)
        tracked.mkdir(parents=True)
        for path in sorted((truth / "TRA").iterdir()):
            name = path.name.replace("man_track.txt", "res_track.txt")
            shutil.copy(path, tracked / name.replace("man_track", "mask"))
    shutil.copytree(made / "film/01", top / "movie")
    shutil.make_archive(str(top / "experiment"), "zip", top, "images")
    shutil.copytree(find_model("nuclei").folder, top / "my-model")
    shutil.make_archive(str(top / "my-model"), "zip", top, "my-model")
    network(top / "cells.onnx")
    zoo.probability(top / "zoo-model")
    return top


@pytest.fixture(autouse=True)
def no_own_pipelines():
    """Pages begin without the pipelines that others made."""
    for path in Path(PIPELINES).iterdir():
        path.unlink()


@each([page for page in PAGES if any(block.runs for block in blocks(page))])
def test_commands_and_examples_run(page, prepared, tmp_path, monkeypatch):
    folder = tmp_path / "page"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    install(page, folder, monkeypatch)
    pred = tifffile.imread("truth/a.tif")
    names = {"__name__": "docs", "pred": pred, "truth": pred}
    with ExitStack() as servers:
        for block in filter(lambda block: block.runs, served(blocks(page), servers)):
            if block.language == "python":
                exec(compile(block.text, block.place, "exec"), names)
            for command in block.commands() if block.language in SHELL else ():
                assert run(command) == 0, f"{block.place}: {command}"


def served(blocks, servers):
    """The blocks of a page; the servers among them are started, on free ports, as they come.

    The ports that the page speaks of are then replaced in what follows.
    """
    ports = {}
    for block in blocks:
        if block.comment == "server":
            (command,) = block.commands()
            ports.update(begun(shlex.split(command)[1:], servers))
        text = re.sub(r"(?<=localhost:)\d+", lambda port: ports.get(port[0], port[0]), block.text)
        yield dataclasses.replace(block, text=text)


def begun(words, servers):
    """Start a server; returns its ports by those that a page speaks of."""
    errors = Path("errors.txt").resolve()
    if words[0] == "serve":
        server = servers.enter_context(start(*words, "--port", 0, errors=errors))
        end = time.monotonic() + PATIENCE
        while "ready" not in server.lines:
            assert server.alive(), errors.read_text()
            assert time.monotonic() < end, errors.read_text()
            time.sleep(0.05)
        port = server.address("kiosk").split(":")[1]
        # Clients in this process read their settings long ago.
        patch = servers.enter_context(pytest.MonkeyPatch.context())
        asked = dataclasses.replace(settings, server=f"http://localhost:{port}")
        patch.setattr("cytomill.client.server.settings", asked)
        return {"8080": port}
    server = servers.enter_context(serving(None, *words[1:], errors=errors))
    named = {"8001": "gRPC", "8000": "REST", "8002": "metrics"}
    return {port: server.address(name).split(":")[1] for port, name in named.items()}


def install(page, folder, monkeypatch):
    """Write the files of a page, and do to a package among them what ``pip install`` does."""
    for block in blocks(page):
        if block.comment == "file":
            (folder / block.told).write_text(block.text, encoding="utf-8")
    if not (folder / "pyproject.toml").exists():
        return
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = folder / f"{project['name']}-{project['version']}.dist-info"
    told.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (told / "METADATA").write_text(metadata, encoding="utf-8")
    with (told / "entry_points.txt").open("w", encoding="utf-8") as file:
        for group, points in project["entry-points"].items():
            file.write(f"[{group}]\n")
            file.writelines(f"{name} = {target}\n" for name, target in points.items())
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, project["name"], raising=False)


def run(command):
    """Run one line of a shell block: the program in this process, where it needs no shell."""
    words = shlex.split(command, comments=True)
    if words[0] == "cytomill" and not re.search(r"[|<>;&$]", command):
        return invoke(words)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(Path.home()), "LC_ALL": "C.UTF-8"}
    shell = ["bash", "-euo", "pipefail", "-c", command]
    return subprocess.run(shell, env=environment, timeout=300, check=False).returncode


def test_blocks_that_are_not_run_say_why():
    for block in BLOCKS:
        if block.comment in ("not run", "server"):
            assert len(block.told.split()) >= 2, f"{block.place}: give a reason"
        if block.comment == "file":
            assert Path(block.told).name == block.told, f"{block.place}: name a file"


def test_fences_are_all_found():
    for page in PAGES:
        fences = re.findall(r"^\s*```", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(blocks(page)), page.name


def calls(command):
    """The words after the program's name, each time a line of a shell calls it."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, before = None, []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&"):
            yield from [words] if words else []  # else a word of another program: a unit's name
            words, before = None, []
        elif word.startswith("cytomill "):
            yield from calls(word)
        elif words is not None:
            words.append(word)
        elif before[:1] in (["helm"], ["kubectl"]) and "--" not in before:
            before.append(word)  # a release or a namespace may be called that
        elif word == "cytomill" or word.endswith("/cytomill"):
            words = []
        else:
            before.append(word)


def test_every_command_line_parses(tmp_path, monkeypatch):
    install(ROOT / "docs/pipelines.md", tmp_path, monkeypatch)
    assert invoke(["cytomill", "pipelines", "new", "bright_spots"]) == 0
    shell = [block for block in BLOCKS if block.language in SHELL]
    lines = [(block.place, line) for block in shell for line in block.commands()]
    for page in PAGES:  # also in blocks that are indented rather than fenced
        text = page.read_text(encoding="utf-8")
        lines += [(page.name, line) for line in re.findall(r"^    (cytomill .*)$", text, re.M)]
    found = [(place, words) for place, line in lines for words in calls(line)]
    assert len(found) > 40
    for place, words in found:
        if not {"-h", "--help", "--version"} & set(words):
            fault = refused(cli, words)
            assert fault is None, f"{place}: {' '.join(words)}: {fault}"


def refused(command, words, parent=None):
    """Why click does not take a command line, if so. Files need not exist; nothing is run."""
    if isinstance(command, click.Group):
        context = click.Context(command, parent=parent)
        inner = command.get_command(context, words[0])
        return refused(inner, words[1:], context) if inner else f"no command {words[0]}"
    try:
        command.make_context(command.name, words, parent=parent)
    except click.UsageError as error:
        fault = error.format_message()
        return None if "does not exist" in fault else fault


def leaves():
    """Every command with the words that call it."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        inner = getattr(command, "commands", {})
        yield from ((f"{name} {sub}", inner[sub]) for sub in inner)
        if not inner:
            yield name, command


@pytest.mark.parametrize("name", [name for name, _ in leaves()])
def test_every_option_is_described(name):
    command = dict(leaves())[name]
    page = ROOT / "docs" / PAGE_OF[name.split()[0]]
    text = page.read_text(encoding="utf-8") + (ROOT / "docs/README.md").read_text(encoding="utf-8")
    assert f"cytomill {name}" in text
    options = [param for param in command.params if isinstance(param, click.Option)]
    if name == "run":
        options += [*flags("nuclei"), *flags("model")]
        text += (ROOT / "docs/zoo.md").read_text(encoding="utf-8")
    for option in options:
        for forms in filter(None, (option.opts, option.secondary_opts)):
            written = (re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text) for form in forms)
            assert any(written), f"{page.name} says nothing of {forms[-1]}"


def rows(page, heading):
    """Cells of the table of a page whose header begins with ``heading``."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").split(f"| {heading} |", 1)[1]
    table = lines.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def named(page, heading):
    """The names in backquotes in the first column of such a table."""
    return [name for cells in rows(page, heading) for name in re.findall(r"`([^`]+)`", cells[0])]


def test_settings_are_described_with_their_defaults():
    told = {cells[0].strip("`"): cells[1] for cells in rows("settings.md", "setting")}
    settings = {
        f"CYTOMILL_{field.name.upper()}": str(field.default)
        for field in dataclasses.fields(Settings)
    }
    assert told == settings


@pytest.fixture(scope="module")
def results(prepared, tmp_path_factory):
    """A run of which one input fails, and what it printed as JSON."""
    top = tmp_path_factory.mktemp("results")
    (top / "broken.tif").write_text("no image")
    inputs = [str(prepared / "cells.ome.tif"), str(top / "broken.tif")]
    with redirect_stdout(StringIO()) as told:
        assert invoke(["cytomill", "run", *inputs, "-o", str(top / "out"), "--json", "-q"]) == 1
    return top / "out", json.loads(told.getvalue())


def test_options_of_the_model_server_are_those_there_are():
    server = cli.get_command(click.Context(cli), "model-server")
    options = {form for param in server.params for form in (*param.opts, *param.secondary_opts)}
    assert {words.split()[0] for words in named("model-server.md", "option")} == options


def test_columns_of_the_table_are_described(results):
    out, _ = results
    with (out / "measurements.csv").open(newline="") as file:
        written = next(csv.reader(file))
    told = []
    text = (ROOT / "docs/measurements.md").read_text(encoding="utf-8")
    for line in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        told += re.findall(r"`([^`]+)`", line)
    shape = [name for name in told if not name.endswith("-…")]
    brightness = [name for name in told if name.endswith("-…")]
    expected = [name.replace("…", channel) for channel in ("Phase", "DAPI") for name in brightness]
    assert set(written) == {*shape, *expected}


def test_manifest_is_described(results):
    out, _ = results
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(named("outputs.md", "key")) == {*manifest, "axes"}
    inputs = {key for record in manifest["inputs"] for key in record}
    assert set(named("outputs.md", "key of an input")) == {*inputs, "notes"}
    stages = {stage for record in manifest["inputs"] for stage in record["seconds"]}
    (told,) = [cells[1] for cells in rows("outputs.md", "key of an input") if "`seconds`" in cells]
    assert set(re.findall(r"`(\w+)`", told)) == stages


def test_json_of_a_run_is_described(results):
    _, told = results
    text = (ROOT / "docs/run.md").read_text(encoding="utf-8")
    (paragraph,) = re.findall(r"^With `--json`.*?\n\n", text, re.MULTILINE | re.DOTALL)
    keys = {*told, *told["failed"][0], *told["inputs"][0]}
    assert set(re.findall(r"`(\w+)`", paragraph)) == keys


def test_json_of_scores_of_tracks_is_described(prepared):
    folders = [str(prepared / name) for name in ("tracked", "annotated")]
    with redirect_stdout(StringIO()) as told:
        assert invoke(["cytomill", "evaluate", "--tracks", *folders, "--json"]) == 0
    document = json.loads(told.getvalue())
    text = (ROOT / "docs/evaluate.md").read_text(encoding="utf-8")
    (paragraph,) = re.findall(r"^The document has `border`.*?\n\n", text, re.MULTILINE | re.DOTALL)
    keys = {re.sub(r"_[1-9]$", "_0", key) for key in (*document, *document["movies"][0])}
    assert {*re.findall(r"`(\w+)`", paragraph)} - {"bc_3"} == keys


def test_report_and_record_are_described():
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    properties = {name for name, value in vars(Report).items() if isinstance(value, property)}
    fields = {field.name for kind in (Report, Record) for field in dataclasses.fields(kind)}
    for name in fields | properties:
        assert f"`{name}`" in text, name


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if target.startswith("http"):
                continue
            path, _, anchor = target.partition("#")
            aim = page.parent / path if path else page
            assert aim.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(aim), f"{page.name}: {target}"


def anchors(page):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index():
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name
