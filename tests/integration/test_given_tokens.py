"""Tokens that an API is given by its settings."""

from __future__ import annotations

import secrets

import pytest

from cytomill.errors import OptionError
from cytomill.jobs.tokens import Tokens
from cytomill.kiosk.api.given_tokens import GivenTokens
from cytomill.settings import Settings
from tests.kiosk import kiosk, wait_for


def made():
    return f"cm_{secrets.token_urlsafe(32)}"


def status(api, token, path):
    with api.client(token) as client:
        return client.get(path).status_code


def test_who_has_the_one_administers_and_who_has_the_other_reads_metrics(tmp_path, redis_url):
    admin, metrics = made(), made()
    with kiosk(tmp_path, redis_url, admin_token=admin, metrics_token=metrics) as api:
        wait_for(lambda: status(api, metrics, "/metrics") == 200)
        assert status(api, admin, "/queues") == 200
        assert status(api, metrics, "/jobs") == 403
        with api.client(admin) as client:
            told = client.get("/me").json()
            assert told["user"] == "admin"
            listed = {one["label"] for one in client.get("/tokens?everybody=true").json()}
        assert {"given by CYTOMILL_ADMIN_TOKEN", "given by CYTOMILL_METRICS_TOKEN"} <= listed


def test_another_takes_the_place_of_the_one_before(tmp_path, redis_url):
    before, after = made(), made()
    with kiosk(tmp_path, redis_url, admin_token=before) as api:
        wait_for(lambda: status(api, before, "/queues") == 200)
        own = api.token_of("admin", "admin")
    with kiosk(tmp_path, redis_url, admin_token=after) as api:
        wait_for(lambda: status(api, after, "/queues") == 200)
        assert status(api, before, "/queues") == 401
        assert status(api, own, "/queues") == 200
    with kiosk(tmp_path, redis_url) as api:
        wait_for(lambda: status(api, after, "/queues") == 401)


def test_two_apis_are_given_the_same(tmp_path, redis_url):
    admin = made()
    with (
        kiosk(tmp_path / "a", redis_url, admin_token=admin) as one,
        kiosk(tmp_path / "b", redis_url, admin_token=admin) as other,
    ):
        for api in (one, other):
            wait_for(lambda api=api: status(api, admin, "/queues") == 200)
        assert sum(token.user == "admin" for token in Tokens(one.backend.redis).list()) == 1


@pytest.mark.parametrize("text", ["secret", "cm_short", "cm_" + 43 * "=", "token " + 43 * "a"])
def test_what_cannot_be_a_token_is_refused(text):
    with pytest.raises(
        OptionError, match=r"^CYTOMILL_METRICS_TOKEN: is no token; write cm_ and 43"
    ):
        GivenTokens(Tokens(None), Settings(metrics_token=text))
