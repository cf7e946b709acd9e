"""Sign-in by OpenID Connect, with a provider on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time

import httpx
import jwt
import pytest

from cytomill.errors import OptionError, UnreachableError
from cytomill.kiosk import oidc
from cytomill.kiosk.oidc import Person, Provider
from tests.issuer import Key, issuer
from tests.kiosk import kiosk, wait_for


@pytest.fixture
def provider():
    with issuer() as running:
        yield running


@pytest.fixture
def signed_in(provider):
    return Provider(provider.url, "cytomill", "boss, chief@lab.example").check


def part(told):
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_good_token_tells_who_it_is(provider, signed_in, algorithm):
    provider.keys = [Key("one", algorithm), Key("other")]
    assert signed_in(provider.token()) == Person("oidc.u1", "user")
    assert signed_in(provider.token(aud=["else", "cytomill"])) == Person("oidc.u1", "user")
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_a_key_without_a_name_is_found_where_there_is_one(provider, signed_in):
    assert signed_in(provider.token(header={"kid": ""})) is not None


def test_a_key_without_a_name_is_not_guessed_among_several(provider, signed_in):
    provider.keys.append(Key("second"))
    assert signed_in(provider.token(header={"kid": ""})) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"exp": time.time() - 3600},
        {"exp": None},
        {"exp": "never"},
        {"nbf": time.time() + 3600},
        {"iat": time.time() + 3600},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
)
def test_a_token_that_is_not_for_here_or_not_for_now_is_none(provider, signed_in, claims):
    assert signed_in(provider.token(**claims)) is None
    assert signed_in(provider.token()) is not None


def test_clocks_may_differ_a_little(provider, signed_in):
    now = time.time()
    assert signed_in(provider.token(exp=now - 30)) is not None
    assert signed_in(provider.token(iat=now + 30)) is not None


def test_a_token_that_nobody_signed_is_none(provider, signed_in):
    now = time.time()
    claims = {"iss": provider.url, "aud": "cytomill", "sub": "boss", "iat": now, "exp": now + 600}
    for algorithm in ("none", "None", "NONE", ""):
        assert signed_in(f"{part({'alg': algorithm, 'kid': 'first'})}.{part(claims)}.") is None


def test_a_token_signed_with_the_public_key_as_a_secret_is_none(provider, signed_in):
    provider.keys = [Key("first", "RS256")]
    public = jwt.PyJWK.from_dict(provider.keys[0].public()).key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    now = time.time()
    claims = {"iss": provider.url, "aud": "cytomill", "sub": "boss", "iat": now, "exp": now + 600}
    body = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims)}"
    signature = base64.urlsafe_b64encode(hmac.digest(secret, body.encode(), hashlib.sha256))
    assert signed_in(f"{body}.{signature.rstrip(b'=').decode()}") is None


def test_a_token_signed_by_another_is_none(provider, signed_in):
    assert signed_in(provider.token(Key("first"))) is None
    assert signed_in(provider.token(Key("unknown"))) is None


def test_a_token_that_was_changed_is_none(provider, signed_in):
    head, body, signature = provider.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert signed_in(f"{head}.{part({**claims, 'sub': 'boss'})}.{signature}") is None
    for text in ("", ".", "..", "a.b.c", "a" * 20_000, f"{head}.{body}", f"{head}.{body}.é"):
        assert signed_in(text) is None


def test_no_address_that_a_token_names_is_fetched(provider, signed_in):
    with issuer() as hostile:
        key = Key("theirs")
        hostile.keys = [key]
        for header in ({"jku": f"{hostile.url}/keys"}, {"x5u": hostile.url}, {"jwk": key.public()}):
            assert signed_in(provider.token(key, header=header)) is None
        assert signed_in(hostile.token(key)) is None
        assert hostile.asked == []
    assert set(provider.asked) <= {"/.well-known/openid-configuration", "/keys"}


def test_a_new_key_is_found_and_a_made_up_one_does_not_make_us_ask_for_ever(
    provider, signed_in, monkeypatch
):
    assert signed_in(provider.token())
    provider.keys = [Key("second")]
    for _ in range(20):
        assert signed_in(provider.token(Key("made up"))) is None
    assert provider.asked.count("/keys") == 1  # asked a moment ago
    monkeypatch.setattr(oidc, "_PAUSE", 0.0)
    assert signed_in(provider.token())
    assert provider.asked.count("/keys") == 2


def test_a_key_that_was_withdrawn_is_good_no_more(provider, signed_in, monkeypatch):
    old = provider.keys[0]
    assert signed_in(provider.token(old))
    provider.keys = [Key("second")]
    monkeypatch.setattr(oidc, "_KEPT", -1.0)
    monkeypatch.setattr(oidc, "_PAUSE", 0.0)
    assert signed_in(provider.token(old)) is None


def test_keys_that_are_known_do_while_the_provider_is_away(provider, signed_in, monkeypatch):
    assert signed_in(provider.token())
    provider.status = 500
    monkeypatch.setattr(oidc, "_KEPT", -1.0)
    monkeypatch.setattr(oidc, "_PAUSE", 0.0)
    assert signed_in(provider.token())


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"jwks_uri": "http://keys.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_describes_another_is_not_trusted(provider, signed_in, wrong):
    provider.description |= wrong
    with pytest.raises(UnreachableError, match="CYTOMILL_OIDC_ISSUER"):
        signed_in(provider.token())
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_who_has_a_key_does_not_wait_for_a_provider_that_is_slow(provider, signed_in, monkeypatch):
    assert signed_in(provider.token())
    monkeypatch.setattr(oidc, "_KEPT", -1.0)
    monkeypatch.setattr(oidc, "_PAUSE", 0.0)
    slow, going = threading.Event(), threading.Event()
    answer = provider.answer

    def waiting(path):
        going.set()
        slow.wait(60)
        return answer(path)

    provider.answer = waiting
    first = threading.Thread(target=signed_in, args=(provider.token(),))
    first.start()
    assert going.wait(60)
    assert signed_in(provider.token())
    with pytest.raises(UnreachableError, match="being fetched"):
        signed_in(provider.token(Key("made up")))
    slow.set()
    first.join()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_provider_that_does_not_answer_is_told_and_not_followed(provider, signed_in, status):
    provider.status = status
    with pytest.raises(UnreachableError, match=f"status {status}"):
        signed_in(provider.token())
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_administrators_are_named_by_subject_or_verified_address(provider, signed_in):
    def role(**claims):
        return signed_in(provider.token(**claims)).role

    chief = "chief@lab.example"
    assert role(sub="boss") == "admin"
    assert role(email=chief, email_verified=True) == "admin"
    assert role(email=chief) == "user"
    assert role(email=chief, email_verified="true") == "user"
    assert role(email="boss", email_verified=False) == "user"
    assert role(sub="Boss") == "user"


def test_users_of_the_provider_are_never_users_named_here(provider, signed_in):
    def name(subject):
        return signed_in(provider.token(sub=subject)).user

    assert name("ann") == "oidc.ann"
    strange = name("auth0|a:b/{c}")
    assert strange.startswith("oidc.sha256.")
    assert strange != name("auth0|a:b/{d}")


@pytest.mark.parametrize(
    "address", ["http://login.example", "ftp://x", "login.example", "https://", "http://[", ""]
)
def test_a_provider_without_tls_is_refused(address):
    with pytest.raises(OptionError, match="CYTOMILL_OIDC_ISSUER"):
        Provider(address, "cytomill")


def test_its_users_use_the_api_and_see_their_own(provider, tmp_path, redis_url):
    settings = {"oidc_issuer": provider.url, "oidc_admins": "boss"}
    with kiosk(tmp_path, redis_url, **settings) as api:
        with api.client(provider.token(sub="u1")) as one, api.client() as ann:
            assert one.get("/me").json()["user"] == "oidc.u1"
            upload = one.post("/uploads", json={}).json()["id"]
            assert ann.get(f"/uploads/{upload}").status_code == 404
            assert one.get("/queues").status_code == 403
            assert one.post("/tokens", json={"label": "cli"}).json()["user"] == "oidc.u1"
        with api.client(provider.token(sub="boss")) as boss:
            assert boss.get(f"/uploads/{upload}").status_code == 200
            assert boss.get("/queues").status_code == 200
        with api.client(provider.token(aud="another")) as wrong:
            assert wrong.get("/me").status_code == 401


def test_while_the_provider_is_away_tokens_of_the_kiosk_do(provider, tmp_path, redis_url):
    provider.status = 500
    with kiosk(tmp_path, redis_url, oidc_issuer=provider.url) as api:
        with api.client(provider.token()) as theirs:
            assert theirs.get("/me").status_code == 503
        with api.client() as ann:
            assert ann.get("/me").status_code == 200


def test_the_page_may_ask_where_the_provider_gives_tokens(provider, redis_url, tmp_path):
    tokens = "http://127.0.0.1:9"
    provider.description["token_endpoint"] = f"{tokens}/token"
    settings = {"oidc_issuer": provider.url, "oidc_client_id": "page"}
    with kiosk(tmp_path, redis_url, **settings) as api:

        def policy():
            answer = httpx.get(f"{api.url}/", headers={"Accept": "text/html"})
            return answer.headers["content-security-policy"]

        wait_for(lambda: f"connect-src 'self' {provider.url} {tokens};" in policy())
