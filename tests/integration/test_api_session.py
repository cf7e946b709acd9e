"""Sign-in of the page: the cookie, what it is good for, and that no other page has use of it."""

from __future__ import annotations

import base64
import time
from http.cookies import SimpleCookie

import httpx
import pytest

from cytomill.jobs.tokens import Tokens
from tests.integration.test_api_jobs import problem
from tests.issuer import issuer
from tests.kiosk import PATIENCE, kiosk, submit

NAME = "cytomill_session"


@pytest.fixture
def api(redis_url, tmp_path):
    with kiosk(tmp_path, redis_url) as running:
        yield running


@pytest.fixture
def browser(api):
    """A client that keeps cookies and has no token."""
    with unknown(api) as client:
        yield client


def unknown(api, **headers):
    return httpx.Client(base_url=f"{api.url}/api/v1", headers=headers, timeout=PATIENCE)


def sign_in(client, token):
    answer = client.post("/session", json={"token": token})
    assert answer.status_code == 200, answer.text
    return answer


def cookie(answer):
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return morsel


def test_signed_in_by_a_cookie_until_signed_out(api, browser):
    assert browser.get("/session").json() == {"free": False, "signed_in": False, "oidc": None}
    problem(browser.get("/jobs"), 401, "not_signed_in")
    assert sign_in(browser, api.token).json()["user"] == "ann"
    assert browser.get("/session").json()["signed_in"] is True
    job = submit(browser)
    assert browser.get("/jobs").json()["jobs"][0]["id"] == job["id"]
    answer = browser.delete("/session")
    assert answer.status_code == 204
    assert cookie(answer)["max-age"] == "0"
    assert answer.headers["clear-site-data"] == '"cache"', "pixels of images may be kept"
    assert NAME not in browser.cookies
    problem(browser.get(f"/jobs/{job['id']}"), 401, "not_signed_in")


def test_no_program_of_a_page_can_read_the_cookie_and_no_other_site_sends_it(api, browser):
    kept = cookie(sign_in(browser, api.token))
    assert kept.key == NAME
    assert kept["httponly"] is True
    assert kept["samesite"] == "strict"
    assert (kept["path"], kept["domain"]) == ("/api", "")
    assert not kept["secure"], "over plain HTTP the browser would drop it"
    assert kept["max-age"] == "", "a token without an end is kept until the browser is closed"


def test_over_tls_it_is_sent_over_tls_alone(tmp_path, redis_url):
    with (
        kiosk(tmp_path, redis_url, proxies="127.0.0.1") as api,
        unknown(api, **{"X-Forwarded-Proto": "https"}) as proxied,
    ):
        assert cookie(sign_in(proxied, api.token))["secure"] is True
        assert cookie(proxied.delete("/session"))["secure"] is True


def test_it_ends_with_the_token(api, browser):
    kept = cookie(sign_in(browser, api.token_of("ann", days=1)))
    assert 86_390 <= int(kept["max-age"]) <= 86_400


def test_a_token_that_expires_or_is_revoked_signs_out(api, browser):
    tokens = Tokens(api.backend.redis)
    secret, made = tokens.create("ann")
    sign_in(browser, secret)
    tokens.revoke(made.id)
    problem(browser.get("/me"), 401, "not_signed_in")
    assert browser.get("/session").json()["signed_in"] is False
    secret, made = tokens.create("ann", days=1)
    sign_in(browser, secret)
    # The browser still has the cookie: its clock may be another.
    api.backend.redis.hset(f"{{cytomill}}:token:{made.id}", "expires", repr(time.time() - 1))
    assert NAME in browser.cookies
    problem(browser.get("/me"), 401, "not_signed_in")


@pytest.mark.parametrize("token", ["cm_wrong", "cyts_" + "A" * 43, "a.b.c", " ", "é", "x" * 16_000])
def test_what_is_no_token_signs_nobody_in(api, browser, token):
    answer = browser.post("/session", json={"token": token})
    problem(answer, 401, "not_signed_in")
    assert "set-cookie" not in answer.headers
    assert token.strip() == "" or token not in answer.text


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": 7}, {"token": "x" * 20_000}, []])
def test_a_body_without_a_token_is_refused_and_not_repeated(browser, body):
    answer = browser.post("/session", json=body)
    problem(answer, 422, "option")
    assert "xxxx" not in answer.text


def test_blanks_around_a_token_that_was_pasted_do_no_harm(api, browser):
    assert sign_in(browser, f"  {api.token}\n").json()["user"] == "ann"
    assert browser.get("/me").status_code == 200


def test_a_token_without_the_scope_to_read_is_told_so(api, browser):
    metrics = api.token_of("prometheus", scopes={"metrics"})
    answer = browser.post("/session", json={"token": metrics})
    assert "'read'" in problem(answer, 403, "not_allowed")["detail"]
    assert "set-cookie" not in answer.headers


def test_wrong_tokens_are_counted_and_good_ones_are_never_kept_out(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url) as api, unknown(api) as browser:

        def refused(ask):
            """What is answered in the end: tries come back with time, one by one."""
            answers = (ask() for _ in range(300))
            return next(answer for answer in answers if answer.status_code not in (200, 401))

        wrong = {"token": "cm_wrong"}
        problem(browser.post("/session", json=wrong), 401, "not_signed_in")
        problem(refused(lambda: browser.post("/session", json=wrong)), 429, "too_many")
        browser.cookies.set(NAME, "cm_wrong", domain="127.0.0.1", path="/api")
        problem(refused(lambda: browser.get("/session")), 429, "too_many")
        browser.cookies.clear()
        sign_in(browser, api.token)
        assert browser.get("/me").status_code == 200


CROSS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://["},
    {"Origin": ""},
]


@pytest.mark.parametrize("headers", CROSS)
def test_a_page_of_another_site_has_no_use_of_the_cookie(api, browser, headers):
    sign_in(browser, api.token)
    problem(browser.get("/me", headers=headers), 403, "not_allowed")
    problem(browser.post("/uploads", json={}, headers=headers), 403, "not_allowed")
    assert browser.get("/session", headers=headers).json()["signed_in"] is False
    # Neither may it sign its visitor in as somebody else, nor out.
    other = browser.post("/session", json={"token": api.token_of("eve")}, headers=headers)
    problem(other, 403, "not_allowed")
    assert "set-cookie" not in other.headers
    problem(browser.delete("/session", headers=headers), 403, "not_allowed")
    assert browser.get("/me").json()["user"] == "ann"


def test_the_kiosks_own_page_has(api, browser):
    sign_in(browser, api.token)
    own = [
        {"Sec-Fetch-Site": "same-origin", "Origin": api.url},
        {"Sec-Fetch-Site": "none"},
        {"Origin": api.url},
        # A proxy with TLS is before it.
        {"Origin": api.url.replace("http:", "https:")},
    ]
    for headers in own:
        assert browser.post("/uploads", json={}, headers=headers).status_code == 201, headers


def test_programs_with_a_token_are_not_asked_where_they_are(api):
    with api.client() as ann:
        assert ann.get("/me", headers=CROSS[0]).status_code == 200


def test_a_token_that_is_sent_is_what_counts(api, browser):
    sign_in(browser, api.token)
    bob = {"Authorization": f"Bearer {api.token_of('bob')}"}
    assert browser.get("/me", headers=bob).json()["user"] == "bob"
    wrong = {"Authorization": "Bearer cm_wrong"}
    problem(browser.get("/me", headers=wrong), 401, "not_signed_in")


def test_a_kiosk_without_tokens_is_not_held_up_by_a_cookie_of_another(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url, free=True) as api, unknown(api) as browser:
        browser.cookies.set(NAME, "cm_wrong", domain="127.0.0.1", path="/api")
        assert browser.get("/session").json() == {"free": True, "signed_in": True, "oidc": None}
        assert browser.get("/me").json()["user"] == "local"


def test_nothing_that_signs_in_is_written_down(tmp_path, redis_url, capfd):
    with kiosk(tmp_path, redis_url) as api, unknown(api) as browser:
        sign_in(browser, api.token)
        job = submit(browser)
        share = browser.post(f"/jobs/{job['id']}/shares", json={}).json()
        with unknown(api) as guest:
            sign_in(guest, share["secret"])
            guest.get("/jobs")
            guest.post("/session", json={"token": share["secret"], "more": 1})
        browser.post("/session", json={"token": "cm_" + "B" * 43})
        browser.delete(f"/jobs/{job['id']}/shares/{share['id']}")
        browser.delete("/session")
        audit = (tmp_path / "audit.jsonl").read_text()
    assert '"route": "/session"' in audit
    assert f'"user": "guest:{share["id"]}"' in audit
    assert share["id"] in audit
    told = audit + "".join(capfd.readouterr())
    for secret in (api.token, share["secret"], "BBBB"):
        assert secret not in told


def test_people_of_a_provider_sign_in_with_what_it_says_of_them(tmp_path, redis_url):
    with issuer() as provider:
        settings = {"oidc_issuer": provider.url, "oidc_client_id": "page"}
        with kiosk(tmp_path, redis_url, **settings) as api, unknown(api) as browser:
            assert browser.get("/session").json()["oidc"] == {
                "issuer": provider.url,
                "client_id": "page",
                "scopes": ["openid", "email"],
            }
            # An ID token is meant for the page, an access token for the audience.
            for audience in ("page", "cytomill"):
                kept = cookie(sign_in(browser, provider.token(aud=audience)))
                assert 500 <= int(kept["max-age"]) <= 600
                told = browser.get("/me").json()
                assert told["user"] == "oidc.u1"
                assert told["expires"] == pytest.approx(time.time() + 600, abs=60)
            # What they make with it may last: such tokens are good for minutes.
            made = browser.post("/tokens", json={"label": "cluster"}).json()
            assert made["expires"] == 0
            job = submit(browser)
            share = browser.post(f"/jobs/{job['id']}/shares", json={"days": 7}).json()
            assert share["expires"] > time.time() + 6 * 86_400
            problem(
                browser.post("/session", json={"token": provider.token(aud="other")}),
                401,
                "not_signed_in",
            )
            large = provider.token(groups=[base64.b64encode(bytes(99)).decode()] * 40)
            answer = browser.post("/session", json={"token": large})
            assert "a browser keeps" in problem(answer, 422, "too_long")["detail"]
            provider.status = 500
            browser.cookies.clear()
            assert browser.get("/session").json()["signed_in"] is False


def test_without_a_name_for_the_page_its_provider_is_not_offered(tmp_path, redis_url):
    with (
        issuer() as provider,
        kiosk(tmp_path, redis_url, oidc_issuer=provider.url) as api,
        unknown(api) as browser,
    ):
        assert browser.get("/session").json()["oidc"] is None
        answer = browser.post("/session", json={"token": provider.token(aud="page")})
        problem(answer, 401, "not_signed_in")
