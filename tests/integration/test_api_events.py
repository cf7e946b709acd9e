"""Event streams: what happens to a job, told as it happens."""

from __future__ import annotations

import contextlib
import json
import threading

import httpx
import pytest

from tests.integration.test_api_jobs import problem
from tests.kiosk import PATIENCE, kiosk, submit, wait_for, work


@pytest.fixture
def api(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url) as running:
        yield running


@pytest.fixture
def ann(api):
    with api.client() as client:
        yield client


def told(answer):
    """The events of a stream as they come: id and job."""
    name = None
    for line in answer.iter_lines():
        if line.startswith("id: "):
            name = line.removeprefix("id: ")
        if line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def streams(api, ann):
    """Open streams, as the metrics tell."""
    with api.client(api.token_of("prometheus", scopes={"metrics"})) as scraper:
        (line,) = [
            line
            for line in scraper.get("/metrics").text.splitlines()
            if line.startswith("cytomill_event_streams ")
        ]
    return float(line.split()[1])


def test_a_job_is_followed_from_now_to_its_end(api, ann):
    job = submit(ann)
    with ann.stream("GET", f"/jobs/{job['id']}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = told(answer)
        _, first = next(events)
        assert first == {**ann.get(f"/jobs/{job['id']}").json(), "state": "listing"}
        work(api.backend, ["a.tif", "b.tif"], most=2)
        states = [next(events)[1]]
        work(api.backend, ["a.tif", "b.tif"])
        states += [state for _, state in events]  # the stream ends by itself
    assert (states[-1]["state"], states[-1]["done"]) == ("done", 2)
    ids = [state["done"] for state in states]
    assert ids == sorted(ids)
    wait_for(lambda: streams(api, ann) == 0)


def test_a_job_that_has_ended_is_told_once(api, ann):
    job = submit(ann)
    ann.post(f"/jobs/{job['id']}/cancel")
    with ann.stream("GET", f"/jobs/{job['id']}/events") as answer:
        assert [state["state"] for _, state in told(answer)] == ["cancelled"]


def test_a_job_that_is_deleted_ends_its_stream(api, ann):
    job = submit(ann)
    with ann.stream("GET", f"/jobs/{job['id']}/events") as answer:
        events = told(answer)
        next(events)
        ann.delete(f"/jobs/{job['id']}")
        assert [state["state"] for _, state in events] == ["deleting"]


def test_all_of_ones_jobs_are_followed_and_no_others(api, ann):
    first = submit(ann)
    with api.client(api.token_of("bob")) as bob, ann.stream("GET", "/events") as answer:
        events = told(answer)
        assert next(events)[1]["id"] == first["id"]
        other = submit(bob)
        second = submit(ann)
        found = next(events)[1]
        assert (found["id"], found["owner"]) == (second["id"], "ann")
        bob.post(f"/jobs/{other['id']}/cancel")
        ann.post(f"/jobs/{second['id']}/cancel")
        while (found := next(events)[1])["state"] != "cancelled":
            assert found["owner"] == "ann"
        assert found["id"] == second["id"]


def test_a_stream_goes_on_where_it_was_broken_off(api, ann):
    first, second = submit(ann), submit(ann)
    with ann.stream("GET", "/events") as answer:
        events = told(answer)
        assert {next(events)[1]["id"] for _ in range(2)} == {first["id"], second["id"]}
    last = api.backend.queue.last_event()
    ann.post(f"/jobs/{second['id']}/cancel")
    with ann.stream("GET", "/events", headers={"Last-Event-ID": last}) as answer:
        name, state = next(told(answer))
    assert (state["id"], state["state"]) == (second["id"], "cancelled")
    assert name > last
    problem(ann.get("/events", headers={"Last-Event-ID": "last"}), 422, "option")


def test_clients_that_go_away_leave_nothing_behind(api, ann):
    job = submit(ann)["id"]
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(ann.stream("GET", f"/jobs/{job}/events")) for _ in range(20)]
        events = [told(answer) for answer in opened]
        for one in events:
            next(one)
        assert streams(api, ann) == 20
    wait_for(lambda: streams(api, ann) == 0)


def test_streams_need_no_connections_to_redis_of_their_own(api, ann):
    job = submit(ann)["id"]

    def connections():
        return api.backend.redis.info("clients")["connected_clients"]

    with contextlib.ExitStack() as stack:
        before = connections()
        opened = [stack.enter_context(ann.stream("GET", f"/jobs/{job}/events")) for _ in range(60)]
        events = [told(answer) for answer in opened]
        for one in events:
            next(one)
        # The threads that answer requests keep theirs, of which there are 40 at most.
        assert connections() - before < 45
        ann.post(f"/jobs/{job}/cancel")
        for one in events:
            assert [state["state"] for _, state in one] == ["cancelled"]


def test_streams_outlive_an_outage_of_redis(tmp_path, own_redis):
    with kiosk(tmp_path, own_redis.url) as api, api.client() as ann:
        job = submit(ann)["id"]
        with ann.stream("GET", f"/jobs/{job}/events") as answer:
            events = told(answer)
            next(events)
            own_redis.kill()
            problem(ann.get(f"/jobs/{job}"), 503, "queue_away")
            own_redis.start()
            wait_for(lambda: ann.get(f"/jobs/{job}").status_code == 200)
            ann.post(f"/jobs/{job}/cancel")
            assert [state["state"] for _, state in events][-1] == "cancelled"


def test_streams_end_when_the_api_is_stopped(tmp_path, redis_url):
    ended = threading.Event()

    def follow(url, token, ready):
        sign_in = {"Authorization": f"Bearer {token}"}
        with (
            httpx.Client(headers=sign_in, timeout=PATIENCE) as client,
            client.stream("GET", f"{url}/api/v1/events") as answer,
        ):
            ready.set()
            answer.read()
        ended.set()

    with kiosk(tmp_path, redis_url) as api:
        ready = threading.Event()
        thread = threading.Thread(target=follow, args=(api.url, api.token, ready))
        thread.start()
        assert ready.wait(PATIENCE)
    thread.join(PATIENCE)
    assert ended.is_set()
