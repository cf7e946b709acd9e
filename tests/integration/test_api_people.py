"""Who may do what over HTTP: tokens, scopes, limits, and the audit log."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from cytomill.jobs.tokens import Tokens
from cytomill.kiosk.api import auth
from tests.kiosk import kiosk, submit, wait_for
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


def audit(api):
    """The lines of the audit log."""
    with open(api.backend.settings.audit) as file:  # noqa: PTH123
        return [json.loads(line) for line in file]


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


def test_who_asks_too_often_is_told_to_wait(tmp_path, redis_url, monkeypatch):
    monkeypatch.setattr(auth, "_SECONDS", 2)
    with kiosk(tmp_path, redis_url, user_requests=1) as api:
        with api.client() as ann:
            answers = [ann.get("/me") for _ in range(8)]
            late = [answer for answer in answers if answer.status_code == 429]
            assert answers[0].status_code == 200
            problem(late[0], 429, "too_many")
            assert int(late[0].headers["retry-after"]) >= 1
        with api.client(api.token_of("bob")) as bob:  # others are not kept out
            assert bob.get("/me").status_code == 200


def test_wrong_tokens_are_limited_and_good_ones_at_that_address_are_not(
    tmp_path, redis_url, monkeypatch
):
    monkeypatch.setattr(auth, "_WRONG", 0.1)
    with kiosk(tmp_path, redis_url) as api, api.client("cm_" + "A" * 43) as guesser:
        statuses = [guesser.get("/me").status_code for _ in range(5)]
        assert statuses[0] == 401
        assert 429 in statuses
        assert set(statuses) == {401, 429}
        with api.client() as ann:
            assert ann.get("/me").status_code == 200


def test_without_redis_it_is_503_and_then_goes_on(tmp_path, own_redis):
    with kiosk(tmp_path, own_redis.url) as api, api.client() as ann:
        own_redis.kill()
        for method, path in (("GET", "/me"), ("POST", "/uploads"), ("GET", "/tokens")):
            answer = ann.request(method, path, json={} if method == "POST" else None)
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"]
        own_redis.start()
        assert ann.get("/me").status_code == 200
        assert ann.post("/uploads", json={}).status_code == 201


def test_the_audit_log_tells_changes_and_refusals_and_no_secrets(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url) as api:
        eve_token = api.token_of("eve")
        with api.client() as ann, api.client(eve_token) as eve:
            upload = ann.post("/uploads", json={"name": "secret plan"}).json()["id"]
            ann.put(f"/uploads/{upload}/files/patient-name.tif", content=b"secret bytes")
            ann.get(f"/uploads/{upload}", params={})
            eve.get(f"/uploads/{upload}")
            job = submit(ann)["id"]
            ann.post(f"/jobs/{job}/cancel")
            made = ann.post("/tokens", json={"label": "secret label"}).json()
        httpx.get(f"{api.url}/api/v1/me", headers={"Authorization": "Bearer cm_guess"})
        httpx.get(f"{api.url}/api/v1/nothing/secret", params={"q": "secret"})
        wait_for(lambda: audit(api)[-1]["status"] == 401)  # after its answer
        lines = audit(api)
        seen = [(line.get("user"), line["method"], line["route"], line["status"]) for line in lines]
        assert seen == [
            ("ann", "POST", "/uploads", 201),
            ("ann", "PUT", "/uploads/{upload}/files/{path:path}", 201),
            ("eve", "GET", "/uploads/{upload}", 404),
            ("ann", "POST", "/uploads", 201),
            ("ann", "PUT", "/uploads/{upload}/files/{path:path}", 201),
            ("ann", "POST", "/jobs", 201),
            ("ann", "POST", "/jobs/{job_id}/cancel", 200),
            ("ann", "POST", "/tokens", 201),
            (None, "GET", "/me", 401),
        ]
        assert lines[0]["made"] == lines[1]["upload"] == lines[2]["upload"] == upload
        assert lines[5]["made"] == lines[6]["job"] == job
        assert lines[7]["made"] == made["id"]
        assert all(line["address"] == "127.0.0.1" and line["time"] for line in lines)
        text = json.dumps(lines)
        for word in ("secret", "patient", "cm_", made["token"], eve_token, api.token):
            assert word not in text


def test_a_kiosk_without_tokens_is_for_programs_of_this_machine(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url, free=True) as api:
        port = api.url.rpartition(":")[2]
        me = f"{api.url}/api/v1/me"
        assert httpx.get(me).json()["user"] == "local"
        assert httpx.get(me, headers={"Origin": api.url}).status_code == 200
        for headers in (
            {"Host": f"rebound.example:{port}"},
            {"Origin": "http://elsewhere.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"X-Forwarded-For": "10.0.0.1"},
            {"Authorization": "Bearer cm_wrong"},
        ):
            answer = httpx.get(me, headers=headers)
            assert answer.status_code == 401, headers
        with api.client() as ann:  # a token counts where there is one
            assert ann.get("/me").json()["user"] == "ann"


@pytest.mark.parametrize(("proxies", "address"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.7")])
def test_where_a_request_came_from_is_believed_of_proxies_alone(
    tmp_path, redis_url, proxies, address
):
    with kiosk(tmp_path, redis_url, proxies=proxies) as api:
        httpx.get(f"{api.url}/api/v1/me", headers={"X-Forwarded-For": "203.0.113.7"})
        wait_for(lambda: audit(api))
        assert [line["address"] for line in audit(api)] == [address]
