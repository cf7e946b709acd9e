"""What operators are told of workers, and owners of what their jobs wait for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cytomill.jobs.queue import Queue
from cytomill.kiosk.waits import Waits
from cytomill.scaling.board import Board, PoolStatus, Status
from cytomill.scaling.driver import Trouble
from cytomill.scaling.snapshot import Role
from tests.kiosk import Kiosk, kiosk, submit

CONSUMERS = PoolStatus("consumers", Role.CONSUMER, (), 3, "9 tasks", 0, 0, 0, 0, 0, 4)
SERVERS = PoolStatus("model-servers", Role.MODEL_SERVER, (), 1, "9 tasks", 0, 0, 1, 0, 0, 1)

TROUBLE = Trouble(
    "consumers",
    "SLURM refuses the account physics at redis://:hunter2@db:6379 (see /home/ada/slurm/job.log)",
    "ask the administrators for an account; the secret is hunter2",
    1000.0,
    2000.0,
)


@pytest.fixture
def api(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kiosk]:
    # What was read is otherwise taken to be true for a second.
    monkeypatch.setattr("cytomill.kiosk.waits._FRESH", 0.0)
    with kiosk(tmp_path, redis_url) as found:
        yield found


@pytest.fixture
def client(api: Kiosk) -> Iterator[httpx.Client]:
    with api.client() as found:
        yield found


def told(api: Kiosk, *pools: PoolStatus, troubles: tuple[Trouble, ...] = ()) -> None:
    """What an autoscaler tells."""
    Board(api.backend.redis).write(Status(time.time(), "throughput", "SLURM", pools, troubles))


def beat(api: Kiosk, name: str = "c", **facts: Any) -> None:
    api.backend.queue.beat(name, [], {"host": "h", "since": 1, "threads": 2, **facts})


def waits(client: httpx.Client, job: str) -> Any:
    (listed,) = client.get("/jobs").json()["jobs"]
    shown = client.get(f"/jobs/{job}").json()
    assert listed["waits"] == shown["waits"]
    return shown["waits"]


def test_without_an_autoscaler_there_is_nothing_to_tell(api: Kiosk) -> None:
    with api.client(api.token_of("root", "admin")) as root:
        assert root.get("/admin/scaling").json() is None


def test_an_administrator_sees_all_of_it(api: Kiosk) -> None:
    asked = replace(CONSUMERS, asked=3, reason="Resources", spent=1.5, troubles=(TROUBLE,))
    told(api, asked, SERVERS)
    with api.client(api.token_of("root", "admin")) as root:
        found = root.get("/admin/scaling").json()
    assert found["engine"] == "SLURM"
    assert found["policy"] == "throughput"
    assert [one["name"] for one in found["pools"]] == ["consumers", "model-servers"]
    pool = found["pools"][0]
    assert (pool["wanted"], pool["asked"], pool["most"], pool["spent"]) == (3, 3, 4, 1.5)
    (trouble,) = pool["troubles"]
    assert trouble["cause"] == TROUBLE.cause
    assert trouble["advice"] == TROUBLE.advice
    assert trouble["again"] == TROUBLE.again


def test_it_is_for_administrators(client: httpx.Client) -> None:
    assert client.get("/admin/scaling").status_code == 403


def test_a_job_says_how_many_are_asked_for_and_what_the_engine_says(
    api: Kiosk, client: httpx.Client
) -> None:
    job = submit(client)["id"]
    told(api, replace(CONSUMERS, asked=3, reason="Resources"), SERVERS)
    assert waits(client, job) == "waits for consumers: 3 asked for, SLURM says Resources"
    told(api, replace(CONSUMERS, asked=1, starting=2, reason="Resources"), SERVERS)
    assert waits(client, job) == "waits for consumers: 1 asked for, 2 starting"
    told(api, replace(CONSUMERS), SERVERS)
    assert waits(client, job) == "waits for consumers: about to be asked for"


def test_a_cause_is_told_without_what_is_for_operators(api: Kiosk, client: httpx.Client) -> None:
    job = submit(client)["id"]
    told(api, replace(CONSUMERS, troubles=(TROUBLE,)), SERVERS)
    found = waits(client, job)
    assert found == (
        "waits for consumers: SLURM refuses the account physics at redis://…db:6379 (see …)"
    )


def test_what_is_amiss_with_the_engine_is_told_too(api: Kiosk, client: httpx.Client) -> None:
    job = submit(client)["id"]
    away = Trouble("", "squeue does not answer", "look at slurmctld", 1.0)
    told(api, CONSUMERS, troubles=(away,))
    assert waits(client, job) == "waits for consumers: squeue does not answer"


def test_with_consumers_and_no_model_server_it_waits_for_that(
    api: Kiosk, client: httpx.Client
) -> None:
    job = submit(client)["id"]
    beat(api)
    told(api, replace(CONSUMERS, ready=1), replace(SERVERS, ready=0, starting=1))
    assert waits(client, job) == "waits for a model server: 1 starting"
    told(api, replace(CONSUMERS, ready=1), SERVERS)
    assert waits(client, job) is None


def test_pools_for_other_pipelines_do_not_help(api: Kiosk, client: httpx.Client) -> None:
    job = submit(client)["id"]
    other = replace(CONSUMERS, name="tracks", pipelines=("track",), ready=4)
    beat(api, pipelines=["track"])
    told(api, other, replace(CONSUMERS, asked=1), SERVERS)
    assert waits(client, job) == "waits for consumers: 1 asked for"


def test_without_consumers_and_autoscaler_that_is_told(api: Kiosk, client: httpx.Client) -> None:
    job = submit(client)["id"]
    assert waits(client, job) == "waits for a consumer: none runs; ask who runs this kiosk"
    beat(api)
    assert waits(client, job) is None


def test_what_all_consumers_wait_for_a_job_waits_for(api: Kiosk, client: httpx.Client) -> None:
    job = submit(client)["id"]
    beat(api, "one", waiting_for="the place of images and results, which refuses the keys")
    assert "waits for the place of images and results, which refuses" in waits(client, job)
    beat(api, "two", waiting_for="")
    assert waits(client, job) is None


def test_a_job_that_ended_or_is_paused_waits_for_nothing(api: Kiosk, client: httpx.Client) -> None:
    job = submit(client)["id"]
    client.post(f"/jobs/{job}/pause")
    assert waits(client, job) is None
    client.post(f"/jobs/{job}/resume")
    assert waits(client, job) is not None
    client.post(f"/jobs/{job}/cancel")
    assert waits(client, job) is None


def test_a_stream_tells_it_too(api: Kiosk, client: httpx.Client) -> None:
    told(api, replace(CONSUMERS, asked=3))
    job = submit(client)["id"]
    with client.stream("GET", f"/jobs/{job}/events") as stream:
        line = next(line for line in stream.iter_lines() if line.startswith("data: "))
    assert '"waits":"waits for consumers: 3 asked for"' in line


def test_many_jobs_cost_one_look(api: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytomill.kiosk.waits._FRESH", 60.0)
    looks: list[float] = []

    class Counted(Queue):
        def consumers(self, within: float = 30.0) -> list[str]:
            looks.append(within)
            return super().consumers(within)

    with api.client() as client:
        names = [submit(client)["id"] for _ in range(5)]
    queue = Counted(api.backend.redis)
    waiting = Waits(queue, Board(api.backend.redis))
    found = [waiting.of(job) for name in names if (job := queue.job(name))]
    assert len(set(found)) == 1
    assert len(looks) == 1
