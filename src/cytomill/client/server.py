"""Which kiosk, and who one is there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import OptionError
from ..settings import settings

#: Where a token is kept, so that it need not be on a command line, which all users of a machine
#: can read.
TOKEN_FILE = Path("~/.config/cytomill/token")

#: Names of this machine.
_HERE = ("localhost", "127.0.0.1", "::1")

#: Where version 1 of the API lies below a kiosk's address.
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Server:
    """A kiosk: its address without a slash at the end, and the token to show there, if any."""

    url: str
    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str | None = None, token: str | None = None) -> Server:
        """What is given, else what the settings say; the token else from `TOKEN_FILE`, else that
        of the kiosk on this machine, if that is where the address leads.

        Raises `OptionError` for an address that is none, for a token that no header can hold, and
        for a file of tokens that others may read.
        """
        address = _address(url or settings.server)
        found = token or settings.token or _kept(address) or _local(address)
        if not all("!" <= letter <= "~" for letter in found):
            raise OptionError("the token holds a space or a letter that no token has; copy it anew")
        return cls(address, found)


def _address(url: str) -> str:
    """``url`` with its scheme and without what follows the path. Raises `OptionError`."""
    given = url.strip()
    advice = "name a kiosk as http://HOST:PORT"
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable:
        raise OptionError(f"--server {url!r}: is no address; {advice}")
    if parts.username is not None or parts.query or parts.fragment:
        raise OptionError(f"--server: an address has no password, ? or #; {advice}")
    path = parts.path.rstrip("/").removesuffix(API)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _kept(address: str) -> str:
    """The token of the kiosk at ``address`` in `TOKEN_FILE`, empty where there is none.

    A line of the file is a token for every kiosk, or an address and the token for that one.
    """
    path = Path(os.path.expanduser(TOKEN_FILE))  # noqa: PTH111 - Path's raises for no such user
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise OptionError(f"{path}: cannot be read ({reason}); give --token") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise OptionError(f"{path}: others may read your token; run: chmod 600 {path}")
    found = ""
    for words in map(str.split, lines):
        if len(words) == 1 and not found:
            found = words[0]
        if len(words) == 2 and _address(words[0]) == address:
            return words[1]
    return found


def _local(address: str) -> str:
    """The administrator's token of the kiosk on this machine, empty where one may not read it."""
    if urlsplit(address).hostname not in _HERE:
        return ""
    try:
        return (settings.kiosk.expanduser() / "token").read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, ValueError):
        return ""
