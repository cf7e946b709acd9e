"""The administrator's token of a kiosk on one machine."""

from __future__ import annotations

from ..jobs.tokens import Tokens
from .backend import Backend
from .serve_folder import DataFolder

#: The user whose token it is.
USER = "admin"


def admin_token(backend: Backend, folder: DataFolder) -> str | None:
    """Make the token and keep it in the folder; None where the one that is there is good."""
    tokens = Tokens(backend.redis)
    kept = folder.read_token()
    if kept and tokens.check(kept) is not None:
        return None
    token, _ = tokens.create(USER, role="admin", label="made by cytomill serve")
    folder.write_token(token)
    return token
