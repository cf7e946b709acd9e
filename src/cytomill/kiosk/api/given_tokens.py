"""Tokens that whoever installs a kiosk gives it, in settings rather than by a command."""

from __future__ import annotations

from contextlib import suppress

from ...errors import CytomillError, OptionError
from ...jobs.tokens import Role, Tokens
from ...settings import Settings


class GivenTokens:
    """Has the tokens of ``settings`` be there for as long as they are given, and no longer.

    What an earlier setting gave is revoked. Raises `OptionError` for what cannot be a token.
    """

    def __init__(self, tokens: Tokens, settings: Settings) -> None:
        self._tokens = tokens
        self._given: tuple[tuple[str, str, str, Role, tuple[str, ...] | None], ...] = (
            ("CYTOMILL_ADMIN_TOKEN", settings.admin_token, "admin", "admin", None),
            ("CYTOMILL_METRICS_TOKEN", settings.metrics_token, "prometheus", "user", ("metrics",)),
        )
        for setting, secret, *_ in self._given:
            if secret and not tokens.possible(secret):
                raise OptionError(
                    f"{setting}: is no token; write cm_ and 43 random letters, digits, - and _"
                )

    def look(self) -> None:
        """See that they are there; while the queue takes nothing, the next call does."""
        with suppress(CytomillError):
            for setting, secret, user, role, scopes in self._given:
                self._tokens.hold(
                    secret, user, role=role, scopes=scopes, label=f"given by {setting}"
                )
