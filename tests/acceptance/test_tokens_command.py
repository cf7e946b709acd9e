"""``cytomill tokens``, as typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cytomill.jobs.redis import connect
from cytomill.jobs.tokens import Tokens


@pytest.fixture
def tokens(redis_url):
    """Runs the command; gives its exit code and what it printed."""

    def call(*words, url=redis_url):
        done = subprocess.run(
            [sys.executable, "-m", "cytomill", "tokens", *words],
            env={**os.environ, "CYTOMILL_REDIS": url},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return call


def test_a_token_is_made_shown_once_listed_and_revoked(tokens, redis_url):
    code, out, told = tokens(
        "create", "--user", "ann", "--scope", "read", "--days", "2", "--label", "laptop"
    )
    assert code == 0
    secret = out.strip()
    assert secret.startswith("cm_")
    assert secret not in told
    with connect(redis_url) as client:
        assert Tokens(client).check(secret).scopes == {"read"}
    _, listed, _ = tokens("list")
    assert secret not in listed
    (line,) = listed.splitlines()
    name = line.split()[0]
    assert line.split()[1:4] == ["ann", "user", "read"]
    assert line.endswith("laptop")
    (told,) = json.loads(tokens("list", "--user", "ann", "--json")[1])
    assert told["id"] == name
    assert told["expires"] - told["created"] == pytest.approx(2 * 86_400)
    assert json.loads(tokens("list", "--user", "bob", "--json")[1]) == []
    assert tokens("revoke", name) == (0, f"{name}  revoked\n", "")
    assert tokens("list") == (0, "", "")


def test_an_administrators_token_as_json(tokens):
    code, out, _ = tokens("create", "--user", "root", "--role", "admin", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["role"], told["scopes"], told["expires"]) == (
        "admin",
        ["admin", "read", "write"],
        0,
    )
    assert told["token"].startswith("cm_")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create"], "--user"),
        (["create", "--user", "a b"], "'a b' cannot be a user's name"),
        (["create", "--user", "ann", "--scope", "fly"], "fly"),
        (["create", "--user", "ann", "--scope", "admin"], "for administrators"),
        (["create", "--user", "ann", "--days", "0"], "--days"),
        (["create", "--user", "ann", "--days", "99999"], "99999"),
        (["revoke", "0" * 32], "there is no such token"),
        (["list", "--data", "nowhere"], "no kiosk runs there"),
        (["list", "--nothing"], "--nothing"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(tokens, words, told):
    code, out, error = tokens(*words)
    assert (code, out) == (2, "")
    assert told in error
    assert "Traceback" not in error


def test_without_redis_it_is_told_in_a_line(tokens):
    code, _, error = tokens("list", url="unix:///nowhere/redis.sock")
    assert code == 1
    assert error.count("\n") == 1
    assert "the queue (Redis) does not answer" in error
