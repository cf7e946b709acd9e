"""The compose file: what each container may do, and that its commands are the program's."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cytomill.cli.main import cli
from cytomill.settings import Settings
from cytomill.version import __version__

FOLDER = Path(__file__).resolve().parents[2] / "deploy/compose"
TEXT = (FOLDER / "compose.yaml").read_text()
OWN = ("api", "consumer", "model-server", "model-server-gpu")


def services(**settings: str) -> dict[str, Any]:
    """The services where the settings are these."""

    def value(match: re.Match[str]) -> str:
        return settings.get(match[1], match[2])

    told: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{(\w+):-([^}]*)\}", value, TEXT))
    found: dict[str, Any] = told["services"]
    return found


def test_every_variable_has_a_default_and_is_described_where_it_is_usual() -> None:
    variables = set(re.findall(r"\$\{?(\w+)", TEXT))
    assert variables == set(re.findall(r"\$\{(\w+):-[^}]+\}", TEXT))
    described = re.findall(r"^#?([A-Z_]+)=", (FOLDER / "example.env").read_text(), re.MULTILINE)
    unused = set(described) - variables - {"COMPOSE_PROFILES", "CYTOMILL_MODEL_SERVER"}
    assert not unused


@pytest.mark.parametrize("name", OWN)
def test_a_command_is_one_of_the_program(name: str) -> None:
    words = services()[name]["command"]
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    command.make_context(words[0], words[1:])


def test_no_container_may_do_more_than_it_must() -> None:
    for name, told in services().items():
        assert told["read_only"] is True, name
        assert told["cap_drop"] == ["ALL"], name
        assert told["security_opt"] == ["no-new-privileges:true"], name
        assert int(told["user"].partition(":")[0]) > 0, name
        assert told["pids_limit"] > 0, name
        assert told["restart"] == "unless-stopped", name
        assert told["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert set(told["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
        assert any(one.startswith("/tmp:") for one in told["tmpfs"]), name
        assert int(told["stop_grace_period"].removesuffix("s")) >= 30, name
    open_to_others = [name for name, told in services().items() if "ports" in told]
    assert open_to_others == ["api"]
    assert services()["api"]["ports"] == ["127.0.0.1:8080:8080"]


def test_model_servers_are_those_of_a_profile() -> None:
    told = services()
    assert told["model-server"]["profiles"] == ["cpu"]
    assert told["model-server-gpu"]["profiles"] == ["gpu"]
    cpu, gpu = told["model-server"]["command"], told["model-server-gpu"]["command"]
    assert [word for word in gpu if word != "--device=cuda"] == cpu
    assert told["model-server-gpu"]["image"] != told["model-server"]["image"]
    assert all("profiles" not in told[name] for name in ("redis", "api", "consumer"))


def test_images_are_those_of_this_version() -> None:
    for name in OWN:
        assert services()[name]["image"].endswith(f":{__version__}")
    named = re.findall(r"localhost/\S+:(\S+)", (FOLDER / "example.env").read_text())
    assert named == [__version__] * 3


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The secrets, made in a folder of its own."""
    shutil.copy(FOLDER / "secrets.sh", tmp_path)
    subprocess.run([tmp_path / "secrets.sh"], check=True)
    return tmp_path / "secrets"


def test_secrets_are_made_once_and_are_nobody_elses(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    settings = made / "cytomill.env"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    before = settings.read_text()
    subprocess.run([made.parent / "secrets.sh"], check=True, capture_output=True)
    assert settings.read_text() == before


def test_secrets_fit_each_other_and_the_program(made: Path) -> None:
    lines = (made / "cytomill.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    redis = Settings.read(given).redis
    password = re.fullmatch(r"redis://:(\w{40,})@redis:6379", redis)
    assert password is not None, redis
    assert f"requirepass {password[1]}\n" in (made / "redis.conf").read_text()
    files = re.findall(r"secrets/[\w.]+", TEXT)
    assert {made.parent / name for name in files} == {*made.iterdir()}
