"""``cytomill cluster``, as somebody at a terminal sees it, at a Google of the test's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cytomill.cli import cluster
from cytomill.cli.main import main
from cytomill.cloud.google import Google
from tests.google_cloud import google_cloud
from tests.google_project import GoogleCloud

WHERE = ["--project", "my-lab-1234", "--zone", "europe-west4-b", "--name", "lab"]
WHAT = ["--gpu", "t4", "--max-gpus", "2", "--max-nodes", "10"]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    with google_cloud() as made:

        def google(project: str, warn: Callable[[str], object]) -> Google:
            def at_once(_: float) -> None:
                pass

            token = "Bearer a-token"
            return Google(lambda: token, project, warn, endpoints=made.endpoints, sleep=at_once)

        monkeypatch.setattr(cluster, "google", google)
        yield made


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cytomill", "cluster", *words])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        return int(str(done.value.code)), out, err

    return call


def test_a_plan_without_asking_anybody(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run("plan", *WHERE, *WHAT, "--offline")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "cluster lab in europe-west4-b of project my-lab-1234"
    calls = [line.split(". ")[1] for line in lines if ". POST https://" in line]
    network = "POST https://compute.googleapis.com/compute/v1/projects/my-lab-1234/global/networks"
    assert calls[1] == network
    assert calls[-1].endswith("/locations/europe-west4-b/clusters/lab/nodePools")
    # By hand: the fee, 2 addresses, a load balancer, 100 GB; a node e2-standard-4 with 50 GB and
    # its share of the way out; 2 more of these, 10 and 2 spot nodes with 100 GB.
    idle = 0.1 + 0.01 + 0.025 + 0.0137 + (0.134 + 50 * 0.000137 + 0.0014)
    more = 2 * (0.134 + 50 * 0.000137 + 0.0014) + 10 * (0.1072 + 0.0137 + 0.0014)
    more += 2 * (0.04 + 0.14 + 0.0137 + 0.0014)
    assert (
        f"  idle {idle:.2f}, at most {idle + more:.2f}; traffic and the bucket come on top" in lines
    )
    assert any("not checked against its price pages" in line for line in lines)
    assert "quotas: not checked, as nothing is asked of Google" in lines


def test_prices_of_one_s_own(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    hour = {"cluster": 0.5, "e2-standard-4": 1.0}
    told = {"date": "today", "source": "our contract", "currency": "EUR"}
    prices.write_text(json.dumps({**told, "hour": hour, "spot_hour": {}}))
    code, out, _ = run("plan", *WHERE, "--prices", str(prices), "--offline")
    assert code == 0
    assert "cost of an hour, EUR, at prices of today" in out
    assert "e2-standard-8 of pool consumers: not known; give it with --prices" in out
    assert "idle 1.50, at most 3.50 and what is not known" in out
    prices.write_text("{}")
    code, _, err = run("plan", *WHERE, "--prices", str(prices), "--offline")
    assert code == 2
    assert "is no file of prices" in err
    assert run("plan", *WHERE, "--prices", str(tmp_path / "none"), "--offline")[0] == 2


def test_plan_create_and_destroy(
    cloud: GoogleCloud, run: Callable[..., tuple[int, str, str]]
) -> None:
    bucket = ["--bucket", "my-lab-kiosk"]
    code, out, _ = run("plan", *WHERE, *WHAT, *bucket)
    assert code == 0
    assert not cloud.project.things
    code, out, err = run(
        "create", *WHERE, *WHAT, *bucket, "--registry", "eu.example/lab", "--image", "1"
    )
    assert (code, err) == (0, "")
    assert "cluster lab: made" in out
    assert "gcloud container clusters get-credentials lab --zone europe-west4-b" in out
    assert "--set image.repository=eu.example/lab/cytomill" in out
    assert "--set bucket.url=gs://my-lab-kiosk/kiosk" in out
    code, out, _ = run("destroy", *WHERE, "--confirm", "lab")
    assert code == 0
    assert "kept: bucket my-lab-kiosk, which costs what it holds" in out
    assert out.splitlines()[-1] == "nothing of the cluster costs money any more"
    code, out, _ = run("destroy", *WHERE, *bucket, "--confirm", "lab")
    assert code == 0
    assert "bucket my-lab-kiosk: deleting what it holds" in out
    assert not cloud.project.buckets


def test_what_still_costs_money_is_no_success(
    cloud: GoogleCloud, run: Callable[..., tuple[int, str, str]]
) -> None:
    run("create", *WHERE)
    cloud.add("global/snapshots/nightly", labels={"cytomill-cluster": "lab"})
    code, out, err = run("destroy", *WHERE, "--confirm", "lab")
    assert code == 1
    assert "still costs money: snapshots nightly: a snapshot, by its size" in out
    assert "1 things of cluster lab still cost money" in err


@pytest.mark.parametrize("words", [["--confirm", "lap"], []])
def test_nothing_is_deleted_by_mistake(
    cloud: GoogleCloud,
    run: Callable[..., tuple[int, str, str]],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("create", *WHERE)
    monkeypatch.setattr("click.prompt", lambda *_: "lap")
    code, _, err = run("destroy", *WHERE, *words)
    assert code == 2
    assert "'lap' is not 'lab': nothing was deleted" in err
    assert list(cloud.project.clusters) == ["lab"]
    monkeypatch.setattr("click.prompt", lambda *_: "lab")
    assert run("destroy", *WHERE)[0] == 0
    assert not cloud.project.clusters


def test_a_plan_that_cannot_be_carried_out(
    cloud: GoogleCloud, run: Callable[..., tuple[int, str, str]]
) -> None:
    cloud.project.enabled.add("compute.googleapis.com")
    cloud.project.quotas["PREEMPTIBLE_NVIDIA_T4_GPUS"] = 1
    code, out, err = run("plan", *WHERE, *WHAT)
    assert code == 1
    assert "TOO LITTLE: PREEMPTIBLE_NVIDIA_T4_GPUS in europe-west4: needs 2, 0 of 1 used" in out
    assert "the cluster cannot be made like this" in err
    code, _, err = run("create", *WHERE, *WHAT)
    assert code == 1
    assert "the project has not enough quota: PREEMPTIBLE_NVIDIA_T4_GPUS" in err


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--name", "Lab", "--name Lab: is none; give 1 to 22 lower-case letters"),
        ("--name", "a-name-that-is-far-too-long", "--name a-name-that-is-far-too-long: is none"),
        ("--zone", "europe-west4", "--zone europe-west4: is none; give a zone"),
        ("--project", "My Lab", "--project My Lab: is none"),
        ("--bucket", "B", "--bucket B: is none"),
        ("--machine", "large", "--machine large: is none"),
        ("--provider", "eks", "'eks' is not 'gke'"),
        ("--gpu", "h100", "--gpu"),
    ],
)
def test_what_google_would_not_take(
    run: Callable[..., tuple[int, str, str]], option: str, value: str, words: str
) -> None:
    code, _, err = run("plan", *WHERE, option, value, "--offline")
    assert code == 2
    assert words in err


def test_gpus_of_no_kind(run: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = run("plan", *WHERE, "--max-gpus", "2", "--offline")
    assert code == 2
    assert "--max-gpus: needs --gpu" in err
    code, out, _ = run("plan", *WHERE, "--gpu", "l4", "--offline")
    assert code == 0
    assert "pool gpu: 0 to 4 spot nodes g2-standard-4 with L4" in out


def test_without_credentials(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    code, _, err = run("plan", *WHERE)
    assert code == 2
    assert "there are no credentials for Google" in err
    assert "gcloud auth application-default login" in err


def test_without_the_library(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    code, _, err = run("plan", *WHERE)
    assert code == 2
    assert "pip install cytomill[gke]" in err
