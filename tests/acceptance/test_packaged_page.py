"""The page in the wheel: whole, small, and made to be shown without the rest of the world."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cytomill.kiosk.built_page import lacking
from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
PAGE = "cytomill/kiosk/page"

#: Bytes of the page in the wheel: people install it without wanting it.
MOST = 10_000_000

#: An address after what makes a browser load it. The address of a name space is none.
LOADS = re.compile(
    r"""(?:
        \b(?:src|srcset|poster|action)\s*[=:]\s*["'`]
      | <link\b[^>]*\bhref\s*=\s*["']
      | \b(?:import|importScripts|fetch|Worker|SharedWorker|EventSource|WebSocket)\s*\(\s*["'`]
      | \b(?:from|import)\s*["']
      | url\(\s*["']?
      | @import\s+["']
    )(?:https?:|wss?:)?//[\w.-]+""",
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel of this checkout, with the page as it is built."""
    if lacking():
        missing(f"the page is not built: {lacking()}")
    folder = tmp_path_factory.mktemp("wheel")
    # The hook would build it anew where it is older than its sources.
    environment = {**os.environ, "HATCH_BUILD_NO_HOOKS": "true"}
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def files(wheel: zipfile.ZipFile) -> dict[str, int]:
    """Bytes of the files of the page by their names in it."""
    return {
        info.filename.removeprefix(f"{PAGE}/"): info.file_size
        for info in wheel.infolist()
        if info.filename.startswith(f"{PAGE}/")
    }


def test_the_wheel_holds_the_page(wheel: zipfile.ZipFile, files: dict[str, int]) -> None:
    index = wheel.read(f"{PAGE}/index.html").decode()
    named = re.findall(r'(?:src|href)="/([^"]+)"', index)
    assert any(name.endswith(".js") for name in named)
    assert any(name.endswith(".css") for name in named)
    for name in named:
        assert name in files
    assert sum(files.values()) < MOST
    assert not [name for name in files if name.endswith(".map")]


def test_scripts_and_styles_are_packed_for_sending(files: dict[str, int]) -> None:
    large = [name for name, size in files.items() if name.endswith((".js", ".css")) and size > 4096]
    assert large
    for name in large:
        assert files[f"{name}.br"] < files[f"{name}.gz"] < files[name]


def test_those_who_wrote_parts_of_it_are_named(wheel: zipfile.ZipFile) -> None:
    told = wheel.read(f"{PAGE}/licenses.md").decode()
    packages = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))["dependencies"]
    for name in ("react", "@mantine/core"):
        assert name in packages
        assert f"## {name} - " in told


def test_nothing_is_loaded_from_elsewhere(wheel: zipfile.ZipFile, files: dict[str, int]) -> None:
    found = [
        f"{name}: {match[0]}"
        for name in files
        if name.endswith((".js", ".css", ".html", ".svg"))
        for match in LOADS.finditer(wheel.read(f"{PAGE}/{name}").decode())
    ]
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example.org/a.js">',
        '<link rel="stylesheet" href="//cdn.example.org/a.css">',
        "import('https://cdn.example.org/a.js')",
        'import{a}from"https://cdn.example.org/a.js"',
        "new Worker(`https://cdn.example.org/w.js`)",
        "@font-face{src:url(https://cdn.example.org/f.woff2)}",
    ],
)
def test_what_would_be_loaded_from_elsewhere_is_seen(text: str) -> None:
    assert LOADS.search(text)


def test_packages_are_found_by_name_wherever_they_are_installed_from() -> None:
    lock = (ROOT / "web" / "package-lock.json").read_text("utf-8")
    assert "://" not in lock
    for name, entry in json.loads(lock)["packages"].items():
        assert not name or entry["version"], name
        # What is for other systems is never installed where it cannot be checked.
        assert not name or "integrity" in entry or entry.get("optional"), name
