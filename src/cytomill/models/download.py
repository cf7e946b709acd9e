"""Downloads of models: from hosts that are allowed, of a size that is."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request
from urllib.request import build_opener as _build_opener

from ..errors import ModelError, OptionError, TemporaryError
from ..image.atomic import output_error
from ..version import __version__

#: Seconds without a byte after which a download is given up.
_SILENCE = 60

_CHUNK = 2**20

Address = tuple[Any, ...]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet: not this machine's, not a local network's."""
    found = ipaddress.ip_address(address.split("%", 1)[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_global and not found.is_multicast


class DownloadError(TemporaryError):
    """A download failed in a way that may pass."""


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches files over HTTPS from ``hosts`` alone, wherever they redirect to.

    ``admits`` says of an IP address whether it may be connected to; it is asked of the address that
    is connected to, so that a name cannot change its meaning in between. ``context`` holds the
    certificates that are trusted, by default the system's.
    """

    hosts: tuple[str, ...]
    admits: Callable[[str], bool] = is_public
    context: ssl.SSLContext | None = None

    def check(self, url: str) -> None:
        """Raise `OptionError` for a URL that is not fetched."""
        parts = urlsplit(url)
        if parts.scheme != "https":
            raise OptionError(f"{url}: is not fetched; only https is")
        if parts.username or parts.password:
            raise OptionError(f"{parts.hostname}: a URL with a password is not fetched")
        host = (parts.hostname or "").lower().rstrip(".")
        if host not in self.hosts:
            raise OptionError(
                f"{url}: {host or 'no host'} is not among the hosts that models come from "
                f"({', '.join(self.hosts)}); download it yourself, or add it to "
                "CYTOMILL_MODEL_HOSTS"
            )

    def fetch(self, url: str, path: Path, most: int) -> int:
        """Write the file at ``url``, of at most ``most`` bytes, to the new file ``path``.

        Returns its size. Raises `OptionError` for a URL or redirect that is not fetched,
        `ModelError` for a file that is not there or too large, `DownloadError` where another try
        may succeed, `OutputError`.
        """
        self.check(url)
        request = Request(url, headers={"User-Agent": f"cytomill/{__version__}"})
        try:
            with self._opener().open(request, timeout=_SILENCE) as answer, path.open("xb") as file:
                length = answer.headers.get("Content-Length", "")
                size = _copy(answer, file, most, url)
                if length.isdigit() and int(length) != size:
                    raise DownloadError(f"{url}: was cut short after {size:,} bytes; try again")
                return size
        except HTTPError as error:
            with error:
                raise _refusal(url, error.code) from None
        except URLError as error:
            if isinstance(error.reason, OptionError):
                raise error.reason from None
            raise DownloadError(f"{url}: cannot be reached ({error.reason}); try again") from None
        except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
            told = str(error) or type(error).__name__
            raise DownloadError(f"{url}: the connection broke ({told}); try again") from None
        except OSError as error:
            raise output_error(path, error) from error

    def _opener(self) -> OpenerDirector:
        return _build_opener(_Redirects(self.check), _Handler(self.admits, self.context))


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to where a download could have begun."""

    max_redirections = 5

    def __init__(self, check: Callable[[str], None]) -> None:
        self._check = check

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str
    ) -> Any:
        self._check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Handler(HTTPSHandler):
    """Connects to addresses that are admitted."""

    def __init__(self, admits: Callable[[str], bool], context: ssl.SSLContext | None) -> None:
        self._own = context or ssl.create_default_context()
        self._admits = admits
        super().__init__(context=self._own)

    def https_open(self, req: Request) -> Any:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPSConnection:
        made = http.client.HTTPSConnection(host, context=self._own, **options)

        def connect(
            address: tuple[str, int], timeout: float | None = None, source: Address | None = None
        ) -> socket.socket:
            # Behind a proxy it is the proxy that is connected to, which the operator chose.
            proxied = getattr(made, "_tunnel_host", None) is not None
            return _connect(address, timeout, (lambda _: True) if proxied else self._admits)

        made._create_connection = connect  # type: ignore[attr-defined]
        return made


def _connect(
    address: tuple[str, int], timeout: float | None, admits: Callable[[str], bool]
) -> socket.socket:
    """A connection to the first address of a name that answers, if all of them are admitted."""
    host, port = address
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if not admits(str(place[0])):
            raise OptionError(f"{host}: is at {place[0]}, an address of a private network")
    fault: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, place in found:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(timeout)
            made.connect(place)
        except OSError as error:
            made.close()
            fault = error
        else:
            return made
    raise fault


def _copy(answer: IO[bytes], file: IO[bytes], most: int, url: str) -> int:
    size = 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > most:
            raise ModelError(
                f"{url}: has more than the {most:,} bytes allowed; set CYTOMILL_MODEL_BYTES higher "
                "if you trust it"
            )
        file.write(chunk)
    return size


def _refusal(url: str, code: int) -> ModelError | DownloadError:
    if code < 400:
        return ModelError(f"{url}: redirects too often, or to what is no web address")
    if code in (404, 410):
        return ModelError(f"{url}: is not there (HTTP {code}); check the address")
    if code in (401, 403):
        return ModelError(f"{url}: may not be read (HTTP {code}); download it yourself")
    return DownloadError(f"{url}: the server answered HTTP {code}; try again later")


def hosts(text: str) -> tuple[str, ...]:
    """The hosts of a setting, which has commas between them."""
    return tuple(host.strip().lower() for host in text.split(",") if host.strip())
