"""Signing in and out, tokens and shared links, in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")

from playwright.sync_api import Page, expect

from cytomill.jobs.tokens import Tokens
from cytomill.kiosk.api import auth
from tests.browser import Visit, axe, fits
from tests.issuer import CLIENT, Issuer, issuer
from tests.kiosk import Kiosk, kiosk, submit, work

UNKNOWN = "cm_" + "A" * 43

#: What a browser is refused as nobody is signed in.
NOBODY = r"GET /api/v1/(me|events|jobs\S*): 401"

#: There is no image behind results that were made up to make a picture of.
NO_PICTURE = r"GET /api/v1/jobs/\w+/items/0/preview\.png: 404"


@pytest.fixture
def api(tmp_path: Path, redis_url: str, built_page: Path) -> Iterator[Kiosk]:
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page) as running:
        yield running


@pytest.fixture
def job(api: Kiosk, visit: Visit) -> str:
    """A job of ann's that is done."""
    visit.expect(NO_PICTURE)
    with api.client() as ann:
        made: str = submit(ann, name="plate 7")["id"]
    work(api.backend, ["a.tif"])
    return made


def share(api: Kiosk, job: str, **body: Any) -> dict[str, Any]:
    with api.client() as ann:
        found: dict[str, Any] = ann.post(f"/jobs/{job}/shares", json=body).json()
    return found


def give(page: Page, token: str) -> None:
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page, name: str = "ann") -> None:
    page.get_by_role("button", name=name).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def secrets_of(page: Page) -> str:
    """All that a page keeps where a program could read it."""
    found: str = page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href,"
        " history.state, document.body.innerText])"
    )
    return found


def test_sign_in_leads_to_where_one_wanted_and_sign_out_leaves_nothing(
    api: Kiosk, job: str, visit: Visit
) -> None:
    page = visit(api.url, f"/jobs/{job}")
    expect(page).to_have_url(re.compile(r"/sign-in\?to="))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    axe(page)
    field = page.get_by_label("Token", exact=True)
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "current-password")
    assert page.locator("input[autocomplete=username]").count() == 1
    give(page, f"  {api.token} ")
    expect(page).to_have_url(f"{api.url}/jobs/{job}")
    expect(page.get_by_text("plate 7").first).to_be_visible()
    assert api.token not in secrets_of(page)
    page.goto("/")
    expect(page.get_by_text("plate 7").first).to_be_visible()
    sign_out(page)
    visit.expect(NOBODY)
    assert "plate 7" not in page.content()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "plate 7" not in page.content()


def test_what_is_wrong_with_a_token_is_said_at_the_field(
    api: Kiosk, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.expect(r"POST /api/v1/session: (401|403|429)", NOBODY)
    page = visit(api.url, "/sign-in", width=360)
    button = page.get_by_role("button", name="Sign in", exact=True)
    button.click()
    expect(page.get_by_role("alert")).to_have_text("Give a token.")
    give(page, UNKNOWN)
    expect(page.get_by_role("alert")).to_contain_text("mistyped, revoked or expired")
    axe(page)
    fits(page)
    give(page, api.token_of("prometheus", scopes={"metrics"}))
    expect(page.get_by_role("alert")).to_contain_text("no scope 'read'")
    monkeypatch.setattr(auth, "_WRONG", 0.001)
    give(page, UNKNOWN)
    expect(page.get_by_role("alert")).to_contain_text("too many wrong tokens")
    give(page, api.token)
    expect(page.get_by_role("button", name="ann")).to_be_visible()


def test_a_second_user_sees_nothing_of_the_first(api: Kiosk, job: str, visit: Visit) -> None:
    visit.expect(NOBODY, rf"GET /api/v1/jobs/{job}\S*: 404")
    page = visit(api.url, "/", api.token)
    expect(page.get_by_text("plate 7").first).to_be_visible()
    sign_out(page)
    give(page, api.token_of("bob"))
    expect(page.get_by_role("button", name="bob")).to_be_visible()
    expect(page.get_by_text("plate 7")).to_have_count(0)
    page.goto(f"/jobs/{job}")
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_text("plate 7")).to_have_count(0)


def test_other_tabs_are_signed_out_too(api: Kiosk, job: str, visit: Visit) -> None:
    visit.expect(NOBODY)
    page = visit(api.url, "/", api.token)
    other = page.context.new_page()
    other.goto(f"/jobs/{job}")
    expect(other.get_by_text("plate 7").first).to_be_visible()
    sign_out(page)
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "plate 7" not in other.content()


def test_a_sign_in_that_ends_is_asked_for_again_and_the_page_stays(
    api: Kiosk, visit: Visit
) -> None:
    visit.expect(NOBODY, r"GET /api/v1/tokens: 401", r"POST /api/v1/session: 401")
    tokens = Tokens(api.backend.redis)
    secret, made = tokens.create("ann", days=1)
    page = visit(api.url, "/sign-in", secret)
    expect(page.get_by_role("button", name="ann")).to_be_visible()
    page.clock.install()
    page.goto("/tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("half written")
    tokens.revoke(made.id)
    page.clock.fast_forward("24:00:01")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your sign-in has ended")
    axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    give(page, UNKNOWN)
    expect(dialog.get_by_role("alert")).to_be_visible()
    give(page, api.token)
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("What it is for")).to_have_value("half written")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("Copy the token now")).to_be_visible()


def test_somebody_else_who_signs_in_there_does_not_get_the_page(api: Kiosk, visit: Visit) -> None:
    visit.expect(NOBODY, r"GET /api/v1/tokens: 401")
    tokens = Tokens(api.backend.redis)
    secret, made = tokens.create("ann")
    page = visit(api.url, "/tokens", secret)
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("ann's")
    tokens.revoke(made.id)
    page.get_by_role("button", name="Make the token").click()
    visit.expect(r"POST /api/v1/tokens: 401")
    expect(page.get_by_role("dialog")).to_contain_text("Sign in again")
    give(page, api.token_of("bob"))
    expect(page).to_have_url(f"{api.url}/")
    expect(page.get_by_role("button", name="bob")).to_be_visible()
    expect(page.get_by_label("What it is for")).to_have_count(0)


def test_tokens_are_made_shown_once_and_revoked(api: Kiosk, visit: Visit) -> None:
    page = visit(api.url, "/tokens", api.token)
    expect(page.get_by_text("Without a label")).to_be_visible()
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("Ada's laptop")
    page.get_by_label("How long it is good").select_option("30 days")
    page.get_by_label("Upload, submit, change and delete").uncheck()
    axe(page)
    page.get_by_label("See and fetch jobs and results").uncheck()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("Choose at least one.")).to_be_visible()
    page.get_by_label("See and fetch jobs and results").check()
    page.get_by_role("button", name="Make the token").click()
    field = page.get_by_label("Token “Ada's laptop”")
    expect(field).to_have_value(re.compile("cm_.{43}"))
    secret = field.input_value()
    with api.client(secret) as made:
        told = made.get("/me").json()
        assert (told["user"], told["scopes"]) == ("ann", ["read"])
        assert told["expires"] == pytest.approx(time.time() + 30 * 86_400, abs=60)
    axe(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("button", name="Done").click()
    assert secret not in page.content()
    page.reload()
    page.get_by_role("button", name="Revoke “Ada's laptop”").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Ada's laptop")).to_be_visible()
    page.get_by_role("button", name="Revoke “Ada's laptop”").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("Ada's laptop")).to_have_count(0)
    with api.client(secret) as gone:
        assert gone.get("/me").status_code == 401


def test_tokens_on_a_phone_in_the_dark(api: Kiosk, visit: Visit) -> None:
    for number in range(3):
        api.token_of("ann", label=f"a machine with a rather long name, number {number}" * 3)
    page = visit(api.url, "/tokens", api.token, width=360, dark=True)
    page.get_by_role("button", name="New token").click()
    fits(page)
    axe(page)


def test_a_shared_link_shows_one_job_and_says_until_when(
    api: Kiosk, job: str, visit: Visit
) -> None:
    made = share(api, job)
    page = visit(api.url, f"/shared#{made['secret']}")
    expect(page).to_have_url(f"{api.url}/jobs/{job}")
    expect(page.get_by_text("Somebody shared this job with you.")).to_contain_text("until")
    expect(page.get_by_text("plate 7").first).to_be_visible()
    assert made["secret"] not in secrets_of(page)
    axe(page)
    for elsewhere in ("/", "/new", "/tokens", "/operate", "/jobs/0123456789abcdef01234567"):
        page.goto(elsewhere)
        expect(page).to_have_url(f"{api.url}/jobs/{job}")
    expect(page.get_by_role("navigation")).to_have_count(0)
    visit.expect(NOBODY)
    sign_out(page, "Guest")
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_that_ends_while_it_is_looked_at(api: Kiosk, job: str, visit: Visit) -> None:
    visit.expect(NOBODY, r"GET /api/v1/jobs/\S+: 401")
    made = share(api, job, days=1)
    page = visit(api.url, "/sign-in")
    page.clock.install()
    page.goto(f"/shared#{made['secret']}")
    expect(page.get_by_text("Somebody shared this job with you.")).to_be_visible()
    with api.client() as ann:
        ann.delete(f"/jobs/{job}/shares/{made['id']}")
    page.clock.fast_forward("24:00:01")
    expect(page.get_by_role("dialog")).to_contain_text("This link has ended")


@pytest.mark.parametrize("how", ["revoked", "expired", "made up", "cut short"])
def test_a_link_that_is_good_no_more_says_so(api: Kiosk, job: str, visit: Visit, how: str) -> None:
    visit.expect(r"POST /api/v1/session: 401", NOBODY)
    made = share(api, job, days=1 / 86_400 if how == "expired" else 7)
    if how == "revoked":
        with api.client() as ann:
            ann.delete(f"/jobs/{job}/shares/{made['id']}")
    if how == "expired":
        with api.client(made["secret"]) as guest:
            while guest.get("/me").status_code == 200:
                time.sleep(0.1)
    secret = {"made up": "cyts_" + "A" * 43, "cut short": made["secret"][:20]}.get(how)
    page = visit(api.url, f"/shared#{secret or made['secret']}", width=360)
    expect(page.get_by_role("heading", name="This link has ended")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Ask them for another")
    expect(page).to_have_url(f"{api.url}/shared")
    axe(page)
    fits(page)
    good = share(api, job)
    page.evaluate("secret => { location.hash = secret }", good["secret"])
    expect(page.get_by_text("plate 7").first).to_be_visible()


def test_a_link_without_its_end_says_so(api: Kiosk, visit: Visit) -> None:
    page = visit(api.url, "/shared")
    expect(page.get_by_role("heading", name="This link is not whole")).to_be_visible()


def test_a_link_takes_no_sign_in_away_unasked(api: Kiosk, job: str, visit: Visit) -> None:
    made = share(api, job)
    page = visit(api.url, f"/shared#{made['secret']}", api.token_of("bob"))
    expect(page.get_by_role("main")).to_contain_text("You are signed in as bob")
    axe(page)
    page.get_by_role("button", name="Go to your own jobs").click()
    expect(page.get_by_role("button", name="bob")).to_be_visible()
    page.goto(f"/shared#{made['secret']}")
    page.get_by_role("button", name="Open the shared job").click()
    expect(page.get_by_role("button", name="Guest")).to_be_visible()
    expect(page).to_have_url(f"{api.url}/jobs/{job}")


@pytest.fixture
def provider() -> Iterator[Issuer]:
    with issuer() as running:
        yield running


@pytest.fixture
def institute(
    tmp_path: Path, redis_url: str, built_page: Path, provider: Issuer
) -> Iterator[Kiosk]:
    """A kiosk with a provider of sign-in."""
    settings = {"oidc_issuer": provider.url, "oidc_client_id": CLIENT}
    with kiosk(tmp_path / "kiosk", redis_url, page=built_page, **settings) as running:
        yield running


@pytest.fixture
def abroad(institute: Kiosk, provider: Issuer, visit: Visit) -> Visit:
    """Opens addresses of the institute's kiosk, where the browser asks the provider as well."""
    visit.expect(rf"another host is asked: {provider.url}/.*")
    return visit


def test_signing_in_at_the_institute(institute: Kiosk, provider: Issuer, abroad: Visit) -> None:
    page = abroad(institute.url, "/tokens")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    # The kiosk itself asks once where tokens are given.
    assert provider.asked in ([], ["/.well-known/openid-configuration"]), "asked before it is used"
    axe(page)
    page.get_by_role("button", name=re.compile(r"Sign in at 127\.0\.0\.1")).click()
    expect(page).to_have_url(f"{institute.url}/tokens")
    expect(page.get_by_role("button", name="oidc.u1")).to_be_visible()
    assert "/token" in provider.asked
    kept = secrets_of(page)
    assert "eyJ" not in kept, "a token is kept where programs can read it"
    assert "oidc." not in page.evaluate("Object.keys({...localStorage, ...sessionStorage}).join()")


def test_a_sign_in_that_ends_goes_on_from_another_tab(
    institute: Kiosk, provider: Issuer, abroad: Visit
) -> None:
    abroad.expect(NOBODY, r"GET /api/v1/tokens: 401")
    page = abroad(institute.url, "/tokens")
    page.clock.install()
    page.get_by_role("button", name=re.compile("Sign in at")).click()
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("half written")
    page.context.clear_cookies()  # as the browser does when the ten minutes are over
    page.clock.fast_forward("10:01")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your sign-in has ended")
    with page.expect_popup() as opened:
        dialog.get_by_role("button", name=re.compile("Sign in at")).click()
    opened.value.get_by_role("button", name=re.compile("Sign in at")).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("What it is for")).to_have_value("half written")


@pytest.mark.parametrize("how", ["refused", "of another", "away"])
def test_what_goes_wrong_at_the_institute_is_said(
    institute: Kiosk, provider: Issuer, abroad: Visit, how: str
) -> None:
    abroad.expect(NOBODY, r"POST /api/v1/session: 401", r"GET /\.well-known/\S+: 500")
    page = abroad(institute.url, "/sign-in")
    button = page.get_by_role("button", name=re.compile("Sign in at"))
    expect(button).to_be_visible()
    if how == "refused":
        provider.refused = "access_denied"
    elif how == "of another":
        provider.claims = {"aud": "another"}
    else:
        provider.status = 500
    button.click()
    title = "Nobody answers there" if how == "away" else "You could not be signed in"
    expect(page.get_by_role("alert")).to_contain_text(title)
    axe(page)


def test_a_code_that_somebody_else_began_signs_nobody_in(
    institute: Kiosk, provider: Issuer, abroad: Visit
) -> None:
    """Whoever lures a user to come back with a foreign code must not sign them in."""
    back = provider.authorize(
        {
            "response_type": "code",
            "client_id": CLIENT,
            "code_challenge_method": "S256",
            "code_challenge": "x",
            "scope": "openid",
            "state": "made-up",
            "redirect_uri": f"{institute.url}/sign-in/back",
        }
    )
    page = abroad(institute.url, back.removeprefix(institute.url))
    expect(page.get_by_role("alert")).to_contain_text("You could not be signed in")
    assert "/token" not in provider.asked
    assert not page.context.cookies()
