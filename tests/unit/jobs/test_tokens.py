"""Tokens, in a real Redis."""

from __future__ import annotations

import json

import pytest

from cytomill.errors import OptionError
from cytomill.jobs import tokens as module
from cytomill.jobs.errors import QuotaError
from cytomill.jobs.redis import connect
from cytomill.jobs.tokens import Tokens


@pytest.fixture
def client(redis_url):
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def tokens(client):
    return Tokens(client)


def everything(client):
    """All that Redis holds, as text."""
    held = []
    for key in client.scan_iter():
        kind = client.type(key)
        value = client.hgetall(key) if kind == "hash" else client.zrange(key, 0, -1)
        held.append([key, value])
    return json.dumps(held)


def test_a_token_is_known_by_its_secret_alone(tokens):
    secret, made = tokens.create("ann", label="laptop")
    found = tokens.check(secret)
    assert (found.id, found.user, found.role, found.label) == (made.id, "ann", "user", "laptop")
    assert found.scopes == {"read", "write"}
    for wrong in (
        "",
        "cm_",
        made.id,
        secret[:-1],
        secret[:-1] + "!",
        f"{secret}A",
        "cm_" + "A" * 43,
    ):
        assert tokens.check(wrong) is None


def test_tokens_have_256_random_bits_and_a_mark(tokens):
    secrets = {tokens.create("ann")[0] for _ in range(20)}
    assert len(secrets) == 20
    assert all(secret.startswith("cm_") and len(secret) == 46 for secret in secrets)


def test_what_is_kept_cannot_be_used(tokens, client):
    secret, _ = tokens.create("ann")
    tokens.check(secret)
    held = everything(client)
    assert secret not in held
    assert secret.removeprefix("cm_") not in held


def test_a_token_expires(tokens, monkeypatch):
    secret, made = tokens.create("ann", days=2)
    assert made.expires - made.created == 2 * 86_400
    monkeypatch.setattr(module.time, "time", lambda: made.expires - 1)
    assert tokens.check(secret) is not None
    monkeypatch.setattr(module.time, "time", lambda: made.expires)
    assert tokens.check(secret) is None
    assert [token.id for token in tokens.list()] == [made.id]


def test_a_revoked_token_is_gone_for_good(tokens, client):
    secret, made = tokens.create("ann")
    assert tokens.revoke(made.id)
    assert not tokens.revoke(made.id)
    assert tokens.check(secret) is None
    assert tokens.list() == []
    assert client.keys() == []


def test_its_use_is_written_down_once_a_minute(tokens, monkeypatch):
    secret, made = tokens.create("ann")
    for later, used in ((10, 10), (30, 10), (69, 10), (71, 71)):
        monkeypatch.setattr(module.time, "time", lambda at=later: made.created + at)
        tokens.check(secret)
        assert tokens.get(made.id).used == made.created + used


def test_a_list_is_of_one_user_or_all(tokens):
    for user in ("ann", "bob", "ann"):
        tokens.create(user)
    assert [token.user for token in tokens.list()] == ["ann", "bob", "ann"]
    assert len(tokens.list("ann")) == 2
    assert tokens.list("eve") == []


@pytest.mark.parametrize("user", ["", "a b", "a:b", "a/b", "a\n", "-a", "é", "a" * 129, "{x}"])
def test_a_name_that_could_be_another_key_is_no_users(tokens, user):
    with pytest.raises(OptionError, match="user's name"):
        tokens.create(user)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"role": "root"}, "role 'root'"),
        ({"scopes": ["read", "fly"]}, "scope 'fly'"),
        ({"scopes": []}, "needs a scope"),
        ({"scopes": ["admin"]}, "for administrators"),
        ({"days": -1}, "days -1"),
        ({"days": float("nan")}, "days nan"),
        ({"days": 10_000}, "days 10000"),
        ({"label": "a\nb"}, "one line"),
    ],
)
def test_what_a_token_cannot_have_is_refused(tokens, client, options, fault):
    chosen = {"role": "user", "scopes": None, **options}
    if chosen["role"] == "root":
        chosen["scopes"] = ["read"]
    with pytest.raises(OptionError, match=fault):
        tokens.create("ann", **chosen)
    assert client.keys() == []


def test_a_user_has_so_many_tokens_and_no_more(tokens, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    tokens.create("ann")
    tokens.create("ann")
    with pytest.raises(QuotaError, match="2 tokens"):
        tokens.create("ann")
    tokens.create("bob")


@pytest.mark.parametrize("name", ["", "*", "x:y", "0" * 31, "g" * 32, "0" * 64])
def test_what_is_no_id_becomes_part_of_no_key(tokens, name):
    assert tokens.get(name) is None
    assert not tokens.revoke(name)
