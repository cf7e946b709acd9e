"""What administrators see over HTTP."""

from __future__ import annotations

import time

import pytest

from cytomill.jobs.task import Outcome
from tests.kiosk import kiosk, submit, wait_for, work
from tests.model_server import serving
from tests.redis_server import clear

PLACES = ("consumers", "models", "throughput", "failures", "users", "storage")


@pytest.fixture
def api(redis_server, tmp_path):
    clear(redis_server.url)
    with kiosk(tmp_path / "kiosk", redis_server.url) as running:
        yield running


@pytest.fixture
def admin(api):
    with api.client(api.token_of("root", "admin")) as client:
        yield client


@pytest.mark.parametrize("place", PLACES)
def test_others_are_refused(api, place):
    with api.client() as ann:
        assert ann.get(f"/admin/{place}").status_code == 403


@pytest.mark.parametrize("place", PLACES)
def test_a_kiosk_that_did_nothing_is_seen(admin, place):
    assert admin.get(f"/admin/{place}").status_code == 200


def test_a_consumer_tells_what_it_does(api, admin):
    with api.client() as ann:
        submit(ann)
    queue = api.backend.queue
    (task,) = queue.take("one", ["nuclei"], 1, idle=True).tasks
    doing = [{"job": task.job, "kind": task.kind, "item": 0, "seconds": 1.5}]
    told = {
        "host": "node7", "process": 7, "since": time.time(), "threads": 2, "pipelines": ["nuclei"],
        "model_server": "", "done": 3, "failed": 1, "doing": doing,
    }  # fmt: skip
    queue.beat("one", [task], told)
    (found,) = admin.get("/admin/consumers").json()
    assert found["name"] == "one"
    assert (found["host"], found["done"], found["failed"]) == ("node7", 3, 1)
    assert found["doing"] == [{"job": task.job, "kind": "list", "item": 0, "seconds": 1.5}]
    assert (found["draining"], found["waiting_for"], found["clock"]) == (False, "", 0)
    more = {"draining": True, "waiting_for": "a model server, which is not there", "clock": -7.5}
    queue.beat("one", [task], {**told, **more})
    (found,) = admin.get("/admin/consumers").json()
    assert {key: found[key] for key in more} == more


def test_what_ended_is_counted_by_minute_and_failures_by_reason(api, admin):
    with api.client() as ann:
        job = submit(ann)
    names = [f"{number}.tif" for number in range(5)]
    work(api.backend, names, failed=names[3:])
    minutes = admin.get("/admin/throughput", params={"minutes": 3}).json()
    assert len(minutes) == 3
    assert sum(one["done"] for one in minutes) == 3
    assert sum(one["failed"] for one in minutes) == 2
    assert sum(one["seconds"] for one in minutes) >= 1.5
    (found,) = admin.get("/admin/failures").json()
    assert found["count"] == 2
    assert found["job"] == job["id"]
    assert "not a TIFF file" in found["reason"]


def test_failures_are_bounded(api):
    queue = api.backend.queue
    with api.client() as ann:
        submit(ann)
    (task,) = queue.take("one", ["nuclei"], 1, idle=True).tasks
    queue.extend(queue.job(task.job), 0, 1010, last=True)
    queue.finish(task, Outcome.DONE)
    while tasks := queue.take("one", ["nuclei"], 100, idle=True).tasks:
        queue.finish_all([(one, Outcome.FAILED, 0, 0.0, "bad") for one in tasks])
    assert len(queue.failures(5000)) == 1000


def test_users_are_seen_with_what_they_have(api, admin):
    with api.client() as ann:
        submit(ann)
    work(api.backend, ["a.tif", "b.tif"])
    found = {one["user"]: one for one in admin.get("/admin/users").json()}
    assert set(found) == {"ann", "root"}
    assert (found["ann"]["jobs"], found["ann"]["active"], found["ann"]["items"]) == (1, 0, 2)
    assert found["ann"]["upload_bytes"] == len(b"no image")
    assert found["root"]["jobs"] == 0


def test_users_cost_what_their_jobs_took(redis_server, tmp_path):
    clear(redis_server.url)
    with (
        kiosk(tmp_path / "kiosk", redis_server.url, price="3600 EUR") as api,
        api.client() as ann,
        api.client(api.token_of("root", "admin")) as admin,
    ):
        submit(ann)
        work(api.backend, ["a.tif", "b.tif"])
        found = {one["user"]: one["cost"] for one in admin.get("/admin/users").json()}
    assert found["root"] == {"spent": 0, "currency": "EUR"}
    assert found["ann"]["spent"] >= 1


def test_storage_is_added_up_beside_the_requests(api, admin):
    with api.client() as ann:
        submit(ann)
    work(api.backend, ["a.tif"])
    wait_for(lambda: admin.get("/admin/storage").json()["looked"] > 0)
    found = admin.get("/admin/storage").json()
    assert found["uploads"] >= len(b"no image")
    assert found["results"] > 256_000
    assert 0 < found["free"] < found["total"]


def test_model_servers_are_asked_what_they_have(redis_server, networks_folder, tmp_path):
    clear(redis_server.url)
    with serving(networks_folder, errors=tmp_path / "errors") as server:
        address = f"grpc://{server.grpc}"
        with (
            kiosk(tmp_path / "kiosk", redis_server.url, model_server=address) as api,
            api.client(api.token_of("root", "admin")) as admin,
        ):
            (found,) = admin.get("/admin/models").json()
            assert (found["address"], found["ready"], found["fault"]) == (address, True, "")
            assert {"nuclei"} <= {one["name"] for one in found["models"]}
            server.stop()
            (found,) = admin.get("/admin/models").json()
            assert not found["ready"]
            assert found["fault"]
