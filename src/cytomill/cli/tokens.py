"""``cytomill tokens``: who may speak to a kiosk."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import OptionError

if TYPE_CHECKING:
    from ..jobs.tokens import Token, Tokens


@click.group("tokens")
def command() -> None:
    """Create, list and revoke tokens, at the queue itself: no sign-in is needed.

    The queue is that of CYTOMILL_REDIS, or of a kiosk on this machine with --data.
    """


_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of `cytomill serve`, which must run. Default: the queue of CYTOMILL_REDIS.",
)
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@command.command("create")
@click.option("--user", required=True, metavar="NAME", help="Whose token it is.")
@click.option(
    "--role",
    type=click.Choice(["user", "admin"]),
    default="user",
    show_default=True,
    help="An admin sees everybody's jobs and uploads.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "write", "admin", "metrics"]),
    help="What it may be used for; may be given several times. Default: read and write, and admin "
    "for an admin.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    help="Days that it is good for. Default: for ever.",
)
@click.option("--label", default="", help="What it is for, as the list shows it.")
@_DATA
@_AS_JSON
def create_token(
    user: str,
    role: Any,
    scopes: tuple[str, ...],
    days: float | None,
    label: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Make a token. It is shown this once: only its hash is kept."""
    secret, token = _tokens(data).create(
        user, role=role, scopes=scopes or None, days=days or 0, label=label
    )
    if as_json:
        click.echo(json.dumps({"token": secret, **_told(token)}))
    else:
        click.echo(secret)
        click.echo(f"{_line(token)}; not shown again", err=True)


@command.command("list")
@click.option("--user", metavar="NAME", help="Only this user's.")
@_DATA
@_AS_JSON
def list_tokens(user: str | None, data: Path | None, as_json: bool) -> None:
    """List the tokens, oldest first: what they may do, until when, and when they were used."""
    found = _tokens(data).list(user)
    if as_json:
        click.echo(json.dumps([_told(token) for token in found]))
        return
    for token in found:
        click.echo(_line(token))


@command.command("revoke")
@click.argument("token_id", metavar="ID")
@_DATA
def revoke_token(token_id: str, data: Path | None) -> None:
    """Make a token worthless at once. ID is what the list begins with."""
    if not _tokens(data).revoke(token_id):
        raise OptionError(f"{token_id}: there is no such token; see cytomill tokens list")
    click.echo(f"{token_id}  revoked")


def _tokens(data: Path | None) -> Tokens:
    """The tokens of the queue that is meant."""
    try:
        from ..jobs.redis import connect
        from ..jobs.tokens import Tokens
        from ..kiosk.redis_server import socket_path
        from ..kiosk.serve_folder import DataFolder
    except ModuleNotFoundError as error:
        raise OptionError(
            f"tokens: {error.name} is not installed; pip install cytomill[kiosk]"
        ) from error
    from ..settings import settings

    if data is None:
        return Tokens(connect(settings.redis))
    socket = socket_path(DataFolder(data.expanduser()).redis)
    if not socket.exists():
        raise OptionError(
            f"--data {data}: no kiosk runs there; start one: cytomill serve --data {data}"
        )
    return Tokens(connect(f"unix://{socket}"))


def _told(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "user": token.user,
        "role": token.role,
        "scopes": sorted(token.scopes),
        "label": token.label,
        "created": token.created,
        "expires": token.expires,
        "used": token.used,
    }


def _line(token: Token) -> str:
    until = f"until {_day(token.expires)}" if token.expires else "for ever"
    used = f"used {_day(token.used)}" if token.used else "not used yet"
    words = [token.id, token.user, token.role, "+".join(sorted(token.scopes)), until, used]
    return "  ".join([*words, token.label] if token.label else words)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
