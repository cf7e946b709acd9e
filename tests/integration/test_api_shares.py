"""Links for colleagues: one job, for a while."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cytomill.cli.main import cli
from cytomill.client import AnswerError, Client
from cytomill.jobs import shares
from cytomill.jobs.shares import Shares
from cytomill.kiosk.api import events
from cytomill.settings import settings
from tests.integration.test_api_jobs import problem
from tests.kiosk import kiosk, submit, work
from tests.redis_server import clear


@pytest.fixture(scope="module")
def api(redis_server, tmp_path_factory):
    clear(redis_server.url)
    with kiosk(tmp_path_factory.mktemp("kiosk"), redis_server.url, result_days=2) as running:
        yield running


@pytest.fixture
def ann(api):
    with api.client() as client:
        yield client


@pytest.fixture
def job(api, ann):
    """A job of ann's that is done."""
    made = submit(ann)["id"]
    work(api.backend, ["a.tif"])
    return made


def share(ann, job, **body):
    answer = ann.post(f"/jobs/{job}/shares", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_whoever_has_the_secret_sees_the_job_and_fetches_its_results(api, ann, job):
    made = share(ann, job, days=1)
    assert made["job"] == job
    assert made["expires"] - made["created"] == pytest.approx(86_400, abs=1)
    with api.client(made["secret"]) as guest:
        assert guest.get(f"/jobs/{job}").json()["id"] == job
        assert guest.get(f"/jobs/{job}/items").json()["items"][0]["name"] == "a.tif"
        assert guest.get(f"/jobs/{job}/results.zip").content[:2] == b"PK"
        told = guest.get("/me").json()
        assert (told["job"], told["expires"]) == (job, made["expires"])
        with guest.stream("GET", f"/jobs/{job}/events") as events:
            assert events.status_code == 200


def test_shares_are_listed_without_their_secrets_and_ended_one_by_one(api, ann, job):
    first, second = share(ann, job), share(ann, job, days=1)
    listed = ann.get(f"/jobs/{job}/shares").json()
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    assert all("secret" not in one for one in listed)
    assert ann.delete(f"/jobs/{job}/shares/{first['id']}").status_code == 204
    problem(ann.delete(f"/jobs/{job}/shares/{first['id']}"), 404, "not_found")
    with api.client(first["secret"]) as gone, api.client(second["secret"]) as guest:
        problem(gone.get(f"/jobs/{job}"), 401, "not_signed_in")
        assert guest.get(f"/jobs/{job}").status_code == 200
    assert [one["id"] for one in ann.get(f"/jobs/{job}/shares").json()] == [second["id"]]


def test_a_share_ends_when_its_time_is_over(api, ann, job):
    made = share(ann, job, days=1 / 86_400)
    with api.client(made["secret"]) as guest:
        while guest.get(f"/jobs/{job}").status_code == 200:
            time.sleep(0.1)
        problem(guest.get(f"/jobs/{job}"), 401, "not_signed_in")
    assert made["id"] not in [one["id"] for one in ann.get(f"/jobs/{job}/shares").json()]


def test_a_share_ends_with_the_job(api, ann, job):
    expires = ann.get(f"/jobs/{job}").json()["expires"]
    made = share(ann, job, days=90)
    assert made["expires"] == expires
    with api.client(made["secret"]) as guest:
        ann.delete(f"/jobs/{job}")
        problem(guest.get(f"/jobs/{job}"), 401, "not_signed_in")
        problem(guest.get("/me"), 401, "not_signed_in")
    assert ann.post(f"/jobs/{job}/shares", json={}).status_code in (404, 409)


def test_a_share_lasts_no_longer_than_the_token_that_makes_it(api, ann, job):
    with api.client(api.token_of("ann", days=0.5)) as brief:
        made = share(brief, job)
    assert made["expires"] <= time.time() + 86_400 / 2


def test_shares_of_another_job_are_not_ended_through_this(ann, job):
    other = submit(ann)["id"]
    made = share(ann, other)
    problem(ann.delete(f"/jobs/{job}/shares/{made['id']}"), 404, "not_found")
    assert len(ann.get(f"/jobs/{other}/shares").json()) == 1


def test_who_follows_a_job_is_told_no_more_when_the_share_ends(api, ann, monkeypatch):
    monkeypatch.setattr(events, "_CHECK", 0.0)
    monkeypatch.setattr(events, "_ALIVE", 0.1)
    job = submit(ann)["id"]
    made = share(ann, job)
    with api.client(made["secret"]) as guest, guest.stream("GET", f"/jobs/{job}/events") as told:
        lines = told.iter_lines()
        next(line for line in lines if line.startswith("data:"))
        next(line for line in lines if line == ": open")
        ann.delete(f"/jobs/{job}/shares/{made['id']}")
        assert not any(line.startswith("data:") for line in lines), "it does not end"


def test_a_guest_makes_sees_and_ends_no_share(api, ann, job):
    made = share(ann, job)
    with api.client(made["secret"]) as guest:
        problem(guest.post(f"/jobs/{job}/shares", json={}), 403, "not_allowed")
        problem(guest.get(f"/jobs/{job}/shares"), 403, "not_allowed")
        problem(guest.delete(f"/jobs/{job}/shares/{made['id']}"), 403, "not_allowed")
        problem(guest.post("/tokens", json={}), 403, "not_allowed")


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 91}, {"days": "a"}, {"hours": 1}])
def test_what_a_share_cannot_be_is_refused(ann, job, body):
    problem(ann.post(f"/jobs/{job}/shares", json=body), 422, "option")


def test_a_job_has_only_so_many(ann, job, monkeypatch):
    monkeypatch.setattr(shares, "MOST", 2)
    share(ann, job)
    share(ann, job)
    problem(ann.post(f"/jobs/{job}/shares", json={}), 429, "quota")


def test_what_is_kept_is_no_secret_and_goes_by_itself(api, ann, job):
    made = share(ann, job, days=1)
    client = api.backend.redis
    for key in (f"{{cytomill}}:share:{made['id']}", f"{{cytomill}}:job:{job}:shares"):
        assert 86_000 < client.ttl(key) <= 86_401
    share(ann, job, days=0.1)
    assert client.ttl(f"{{cytomill}}:job:{job}:shares") > 86_000, "the longer one must stay"
    kept = str(client.hgetall(f"{{cytomill}}:share:{made['id']}"))
    assert made["secret"] not in kept


@pytest.mark.parametrize("secret", ["cyts_", "cyts_" + "A" * 43, "cyts_" + "A" * 44, "cyts_:*"])
def test_a_secret_that_was_made_up_is_none(api, secret):
    assert Shares(api.backend.redis).check(secret) is None
    with api.client(secret) as guest:
        problem(guest.get("/me"), 401, "not_signed_in")


def test_the_command_and_python_make_links(api, job, monkeypatch):
    monkeypatch.setattr("cytomill.client.server.settings", replace(settings, token=api.token))
    answer = CliRunner().invoke(cli, ["jobs", "share", job[:8], "--days", "1", "--server", api.url])
    assert answer.exit_code == 0, answer.output
    link = answer.stdout.strip()
    assert link.startswith(f"{api.url}/shared#cyts_")
    assert "good until" in answer.stderr
    with Client(api.url, link.partition("#")[2]) as guest:
        assert guest.job(job).state == "done"
        with pytest.raises(AnswerError, match="one job"):
            guest.jobs()
    with Client(api.url, api.token) as ann:
        made = ann.share(job, days=2)
        assert made.job == job
        assert made.expires > time.time() + 86_400
