"""Who may do what over HTTP: tokens and their scopes."""

from __future__ import annotations

import time

import httpx
import pytest

from cytomill.jobs.tokens import Tokens
from tests.kiosk import kiosk
from tests.redis_server import clear


@pytest.fixture(scope="module")
def api(redis_server, tmp_path_factory):
    """One for the tests that leave nothing the others see."""
    clear(redis_server.url)
    with kiosk(tmp_path_factory.mktemp("kiosk"), redis_server.url) as running:
        yield running


def problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code
    assert answer.json()["hint"]
    return answer.json()


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Basic YW5uOmFubg==",
        "Bearer cm_wrong",
        "Bearer cm_" + "A" * 43,
        "Bearer a.b.c",
        "Bearer " + "x" * 10_000,
        "Bearer cm_" + "A" * 42 + "\u00e9",
    ],
)
def test_a_token_that_is_none_is_401(api, header):
    answer = httpx.get(f"{api.url}/api/v1/me", headers={"Authorization": header.encode("latin-1")})
    problem(answer, 401, "not_signed_in")
    assert "Bearer" in answer.headers["www-authenticate"]


def test_two_tokens_at_once_are_none(api):
    twice = [("Authorization", f"Bearer {api.token}")] * 2
    assert httpx.get(f"{api.url}/api/v1/me", headers=twice).status_code == 401


def test_a_token_in_the_address_is_none(api):
    answer = httpx.get(f"{api.url}/api/v1/me", params={"token": api.token})
    assert answer.status_code in (401, 422)


def test_an_expired_or_revoked_token_is_401(api):
    tokens = Tokens(api.backend.redis)
    brief, _ = tokens.create("ann", days=0.2 / 86_400)
    secret, made = tokens.create("ann")
    with api.client(secret) as ann, api.client(brief) as late:
        assert ann.get("/me").status_code == 200
        tokens.revoke(made.id)
        problem(ann.get("/me"), 401, "not_signed_in")
        while late.get("/me").status_code == 200:
            time.sleep(0.05)
        answer = late.get("/me")
        problem(answer, 401, "not_signed_in")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_does_only_what_its_scopes_say(api):
    with api.client(api.token_of("ann", scopes=["read"])) as reader:
        assert reader.get("/me").json()["scopes"] == ["read"]
        answer = reader.post("/uploads", json={})
        assert "'write'" in problem(answer, 403, "not_allowed")["detail"]
        assert 'scope="write"' in answer.headers["www-authenticate"]
        problem(reader.post("/tokens", json={}), 403, "not_allowed")
        problem(reader.get("/queues"), 403, "not_allowed")
    with api.client(api.token_of("ann", scopes=["metrics"])) as scraper:
        assert scraper.get("/metrics").status_code == 200
        problem(scraper.get("/me"), 403, "not_allowed")
    with api.client(api.token_of("ann", scopes=["write"])) as writer:
        problem(writer.get("/uploads"), 403, "not_allowed")


def test_tokens_over_http(api):
    with api.client(api.token_of("tom")) as tom:
        made = tom.post("/tokens", json={"label": "cluster", "days": 1, "scopes": ["read"]})
        assert made.status_code == 201
        told = made.json()
        assert (told["user"], told["role"], told["scopes"]) == ("tom", "user", ["read"])
        with api.client(told["token"]) as other:
            assert other.get("/me").json()["user"] == "tom"
        listed = tom.get("/tokens").json()
        assert [token["label"] for token in listed] == ["", "cluster"]
        assert "token" not in listed[1]
        assert tom.delete(f"/tokens/{told['id']}").status_code == 204
        problem(tom.delete(f"/tokens/{told['id']}"), 404, "not_found")
        with api.client(told["token"]) as other:
            problem(other.get("/me"), 401, "not_signed_in")


def test_nobody_sees_or_revokes_anothers_token(api):
    _, theirs = Tokens(api.backend.redis).create("bob")
    with api.client() as ann:
        other = ann.delete(f"/tokens/{theirs.id}")
        assert other.json() == ann.delete(f"/tokens/{'0' * 32}").json()
        problem(other, 404, "not_found")
        assert {token["user"] for token in ann.get("/tokens").json()} == {"ann"}
        problem(ann.get("/tokens", params={"everybody": True}), 403, "not_allowed")
        problem(ann.post("/tokens", json={"user": "bob"}), 403, "not_allowed")
    with api.client(api.token_of("root", "admin")) as root:
        found = root.get("/tokens", params={"everybody": True}).json()
        assert {"ann", "bob", "root"} <= {token["user"] for token in found}
        made = root.post("/tokens", json={"user": "new"}).json()
        assert (made["role"], made["scopes"]) == ("user", ["read", "write"])
        assert root.delete(f"/tokens/{theirs.id}").status_code == 204


@pytest.mark.parametrize(
    ("token", "body"),
    [
        ({}, {"role": "admin"}),
        ({}, {"scopes": ["admin"]}),
        ({}, {"scopes": ["metrics"]}),
        ({"scopes": ["write"]}, {"scopes": ["read"]}),
        ({"days": 1}, {"days": 2}),
    ],
)
def test_a_token_makes_none_that_may_do_more(api, token, body):
    with api.client(api.token_of("sly", **token)) as sly:
        problem(sly.post("/tokens", json=body), 403, "not_allowed")


def test_a_token_makes_none_that_lives_longer(api):
    with api.client(api.token_of("sly", days=1)) as sly:
        made = sly.post("/tokens", json={}).json()
    assert 0 < made["expires"] <= time.time() + 86_400


def test_what_a_token_cannot_have_is_refused(api):
    with api.client(api.token_of("root", "admin")) as root:
        for body in (
            {"user": "a:b"},
            {"user": ""},
            {"role": "king"},
            {"scopes": []},
            {"scopes": ["fly"]},
            {"days": -1},
            {"label": "a\nb"},
            {"secret": "x"},
            {"role": "user", "scopes": ["admin"]},
        ):
            problem(root.post("/tokens", json=body), 422, "option")
