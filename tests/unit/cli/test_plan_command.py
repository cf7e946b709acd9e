"""What a job will take, as the shell is told."""

from __future__ import annotations

import json

import click
import pytest

from cytomill.cli.plan import command
from cytomill.errors import OptionError

SERVED = ["--images", "5000", "--seconds", "2", "--inference", "0.1", "--max-consumers", "40"]
SERVED += ["--max-model-servers", "2"]


def planned(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    command.main([*words, "--json"], standalone_mode=False)
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_a_row_for_each_policy_that_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    priced = ["--price", "0.1", "--model-server-price", "1", "--within", "1h", "--budget", "50"]
    found = planned(capsys, *SERVED, *priced)
    assert [one["policy"] for one in found] == ["paper", "throughput", "deadline", "budget"]
    assert {one["done"] for one in found} == {5000}
    assert [one["policy"] for one in planned(capsys, "--images", "10")] == ["throughput"]


def test_the_table_reads_as_the_numbers_are(capsys: pytest.CaptureFixture[str]) -> None:
    command.main([*SERVED, "--policy", "throughput", "--price", "1"], standalone_mode=False)
    head, row, *rest = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "policy"
    assert "cost" in head
    assert row.startswith("throughput  ")
    assert " min " in row
    assert "2 model-servers" in row
    assert not rest
    command.main(["--images", "10"], standalone_mode=False)
    assert "cost" not in capsys.readouterr().out


def test_a_single_worker_takes_start_up_and_work(capsys: pytest.CaptureFixture[str]) -> None:
    alone = ["--images", "1000", "--seconds", "1", "--max-consumers", "1", "--startup", "5min"]
    (found,) = planned(capsys, *alone)
    assert found["seconds"] == pytest.approx(300 + 1000, rel=0.05)
    assert found["first"] == pytest.approx(301, abs=4)
    assert found["cost"] is None


def test_a_million_images_are_planned_as_ten_thousand_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bundles change nothing but how long it takes to know."""
    few, many = (
        planned(capsys, "--images", images, "--seconds", "1", "--max-consumers", most)[0]
        for images, most in (("10000", "2"), ("1000000", "200"))
    )
    assert isinstance(few["seconds"], float)
    # The first consumer lists the images; all others come a start-up later.
    assert many["seconds"] == pytest.approx(few["seconds"], rel=0.05)
    assert many["first"] == pytest.approx(few["first"], abs=5)


def test_what_does_not_last_or_comes_late_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    poor = ["--images", "100000", "--price", "1", "--policy", "budget", "--budget", "1"]
    (found,) = planned(capsys, *poor)
    assert found["seconds"] is None
    assert isinstance(found["cost"], float)
    assert found["cost"] <= 1
    assert f"ends after {found['done']:,} of 100,000 images" in str(found["note"])
    command.main(poor, standalone_mode=False)
    assert "never" in capsys.readouterr().out
    hurried = ["--images", "100000", "--policy", "deadline", "--within", "5min"]
    (found,) = planned(capsys, *hurried)
    assert "later than 5 min" in str(found["note"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--policy", "deadline"], "--within"),
        (["--policy", "budget", "--price", "1"], "--budget"),
        (["--policy", "paper"], "give --inference"),
        (["--budget", "5"], "say what workers cost"),
        (["--model-server-price", "5"], "only with --inference"),
        (["--policy", "throughput", "--within", "1h"], "which you did not ask for"),
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        command.main(["--images", "10", *words], standalone_mode=False)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--images", "0"],
        ["--images", "1e6"],
        ["--images", "10", "--seconds", "0"],
        ["--images", "10", "--seconds", "nan"],
        ["--images", "10", "--inference", "-1"],
        ["--images", "10", "--max-consumers", "0"],
        ["--images", "10", "--within", "4"],
        ["--images", "10", "--within", "0h"],
        ["--images", "10", "--startup", "soon"],
        ["--images", "10", "--price", "inf"],
        ["--images", "10", "--spot-loss", "100"],
        ["--images", "10", "--policy", "best"],
        ["--images", "10", "--unknown"],
    ],
)
def test_bad_values_are_refused(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        command.main(words, standalone_mode=False)
