"""The commands of the chart are those of the program."""

from __future__ import annotations

import json
import re
import subprocess

import click
import pytest

from cytomill.cli.main import COMMANDS, cli
from cytomill.kiosk.autoscaling import read_pools
from tests.charts import VARIANTS, containers, named, of_kind, render, texts, workloads

#: What Kubernetes puts in the place of variables.
POD = {"POD_NAME": "mill-consumer-main-6d9f-x2x7q", "POD_IP": "10.1.0.7"}


def commands():
    """The words of each command of our own, with the variant and the workload."""
    for name, values in VARIANTS.items():
        for one in workloads(render(values)):
            for container in containers(one):
                words = [*container["command"], *container["args"]] if "args" in container else []
                if words[:1] == ["cytomill"]:
                    yield f"{name}: {one['metadata']['name']}", words[1:]
                elif "cytomill" in words:
                    yield f"{name}: {one['metadata']['name']}", shell(words, 2)


def shell(words, index):
    """What a shell makes of a Job's command, in the pod of ``index``."""
    assert words[:2] == ["sh", "-c"]
    script = words[2].replace("exec cytomill", 'printf "%s\\n"')
    printed = subprocess.run(
        ["sh", "-c", script, *words[3:]],
        env={"PATH": "/usr/bin:/bin", "JOB_COMPLETION_INDEX": str(index)},
        capture_output=True,
        text=True,
        check=True,
    )
    return printed.stdout.splitlines()


FOUND = list(commands())


def refused(command, words, parent=None):
    """Why click does not take a command line; files need not exist, nothing is run."""
    if isinstance(command, click.Group):
        context = click.Context(command, parent=parent)
        inner = command.get_command(context, words[0])
        return refused(inner, words[1:], context) if inner else f"no command {words[0]}"
    try:
        command.make_context(command.name, list(words), parent=parent)
    except click.UsageError as error:
        return error.format_message()
    return None


@pytest.mark.parametrize("words", [words for _, words in FOUND], ids=[name for name, _ in FOUND])
def test_the_program_takes_the_command(words):
    words = [re.sub(r"\$\((\w+)\)", lambda found: POD[found[1]], word) for word in words]
    assert refused(cli, words) is None


def test_each_part_is_there():
    assert {words[0] for _, words in FOUND} == {
        "api",
        "consumer",
        "autoscaler",
        "model-server",
        "run",
    }
    assert {words[0] for _, words in FOUND} <= set(COMMANDS)


def test_a_wrong_option_would_be_found():
    assert refused(cli, ["api", "--prot", "8080"])


def test_shares_are_counted_from_one():
    (words,) = {tuple(words) for name, words in FOUND if name.startswith("batch: ")}
    assert words[-2:] == ("--shard", "3/20")
    (one,) = of_kind(render(VARIANTS["batch"]), "Job")
    (container,) = containers(one)
    last = shell([*container["command"], *container["args"]], 19)
    assert last[-1] == "20/20"
    assert one["spec"]["completions"] == 20


def test_the_last_of_a_batch_has_no_share():
    values = {"batch": {"enabled": True, "shards": 1, "input": {"claim": "plates"}}}
    (one,) = of_kind(render(values), "Job")
    (container,) = containers(one)
    assert container["command"] == ["cytomill"]
    assert "--shard" not in container["args"]


@pytest.mark.parametrize("name", ["least", "everything", "triton", "profile gke"])
def test_the_autoscaler_takes_its_pools(name, tmp_path):
    values = VARIANTS[name]
    prefix = values.get("fullnameOverride", "mill")
    told = named(render(values), "ConfigMap", f"{prefix}-autoscaler")["data"]["pools.json"]
    path = tmp_path / "pools.json"
    path.write_text(told)
    assert [pool.name for pool in read_pools(path)] == [one["name"] for one in json.loads(told)]


def test_commands_of_the_notes_are_taken():
    found = set()
    for values in VARIANTS.values():
        for line in texts(values)["NOTES.txt"].splitlines():
            if told := re.search(r"^  (?:kubectl .* -- )?cytomill (.*)$", line):
                found.add(told[1].split()[0])
                assert refused(cli, told[1].replace(" images ", " . ").split()) is None
    assert found == {"tokens", "submit"}
