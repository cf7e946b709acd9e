"""When the page is built for a wheel, and what is said where it cannot be."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.bridge.app import Application

ROOT = Path(__file__).resolve().parents[2]

#: What builds the page of a checkout that is made up; the times it did are lines of a file.
SCRIPT = """\
#!/bin/sh
echo built >>log
mkdir -p src/cytomill/kiosk/page
touch src/cytomill/kiosk/page/index.html
"""


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a wheel is made of, on a machine that has npm."""
    tools = tmp_path / "tools"
    for name, text in {"tools/npm": "#!/bin/sh\n", "tree/scripts/page": SCRIPT}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return tmp_path / "tree"


def pack(hooks: ModuleType, root: Path, version: str = "standard") -> int:
    """What hatchling does first; returns how often the page was built so far."""
    hook = hooks.PageHook(str(root), {}, None, None, str(root / "dist"), "wheel", Application())
    hook.initialize(version, {})
    log = root / "log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_it_is_built_where_it_is_not(hooks: ModuleType, root: Path) -> None:
    assert pack(hooks, root) == 1
    assert pack(hooks, root) == 1


def test_a_checkout_may_have_changed_since(hooks: ModuleType, root: Path) -> None:
    (root / ".git").mkdir()
    assert pack(hooks, root) == 1
    assert pack(hooks, root) == 2


def test_what_is_installed_in_place_is_not_built(hooks: ModuleType, root: Path) -> None:
    assert pack(hooks, root, "editable") == 0


def test_without_npm_it_must_be_built(
    hooks: ModuleType,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(hooks.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        pack(hooks, root)
    assert ended.value.code == 1
    assert (
        "the page is not built, and npm, which builds it, is not installed" in capfd.readouterr()[1]
    )
    subprocess.run([root / "scripts/page"], cwd=root, check=True)
    (root / ".git").mkdir()
    assert pack(hooks, root) == 1


def test_a_build_that_fails_is_told(
    hooks: ModuleType, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / "scripts/page").write_text("#!/bin/sh\necho 'app.tsx: is wrong' >&2\nexit 3\n")
    with pytest.raises(SystemExit):
        pack(hooks, root)
    told = capfd.readouterr()[1]
    assert "app.tsx: is wrong" in told
    assert "the page could not be built" in told
