"""How often one may ask, what is written down of it, and kiosks without tokens."""

from __future__ import annotations

import json

import httpx
import pytest

from cytomill.kiosk.api import auth
from tests.kiosk import kiosk, submit, wait_for


def audit(api):
    """The lines of the audit log."""
    with open(api.backend.settings.audit) as file:  # noqa: PTH123
        return [json.loads(line) for line in file]


def test_who_asks_too_often_is_told_to_wait(tmp_path, redis_url, monkeypatch):
    monkeypatch.setattr(auth, "_SECONDS", 2)
    with kiosk(tmp_path, redis_url, user_requests=1) as api:
        with api.client() as ann:
            answers = [ann.get("/me") for _ in range(8)]
            late = [answer for answer in answers if answer.status_code == 429]
            assert answers[0].status_code == 200
            assert late[0].json()["code"] == "too_many"
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
