"""The external scaler's server: its address, its certificate, its start and its end."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError

# The library logs what an error says too, and more.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from ...inference.server.listening import address_of, listening
from .service import STREAMS, ScalerService
from .wanted import Wanted

#: Threads for calls that are no streams, which take microseconds.
_CALLS = 8

#: Seconds that calls in hand have when the server ends.
_LEAVE = 2.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: a certificate with its chain, its key, and who signs those of clients.

    Without ``authority`` clients need none. The files may be replaced while they are in use, as
    cert-manager does: connections made from then on get the new ones.
    """

    certificate: Path
    key: Path
    authority: Path | None = None

    def check(self) -> None:
        """Raises `OptionError` for files that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.authority is not None:
                context.load_verify_locations(self.authority)
        except OSError as error:  # of which SSLError is one
            told = error.strerror or error
            names = ", ".join(str(path) for path in self._files())
            raise OptionError(
                f"TLS: {names}: cannot be used ({told}); give a certificate, its key, and a "
                "certificate of an authority, all in PEM"
            ) from None

    def credentials(self) -> grpc.ServerCredentials:
        """What a server shows and asks for. Raises `OptionError`."""
        self.check()

        def renewed() -> grpc.ServerCertificateConfiguration | None:
            try:
                self.check()
                return self._configuration()
            except (OptionError, OSError):
                return None  # half replaced: the old ones serve until the new ones are there

        return grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            renewed,
            require_client_authentication=self.authority is not None,
        )

    def _files(self) -> list[Path]:
        return [path for path in (self.certificate, self.key, self.authority) if path is not None]

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        certificate, key, *authority = [path.read_bytes() for path in self._files()]
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=authority[0] if authority else None
        )


@contextmanager
def serving(wanted: Wanted, address: str, *, tls: Tls | None = None) -> Iterator[int]:
    """Answer KEDA at ``address``, ``HOST:PORT``, within the context; gives the port.

    A port of 0 is any that is free. Raises `OptionError` for an address that cannot be had, and for
    files of TLS that cannot be used.
    """
    host, port = _parsed(address)
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    with listening(host, port, "--port"):
        pass  # asked in this way, the system says why not
    ended = threading.Event()
    with ThreadPoolExecutor(STREAMS + _CALLS, thread_name_prefix="keda") as threads:
        server = grpc.server(
            threads,
            handlers=ScalerService(wanted, ended).handlers(),
            options=[
                # A port in use is an error, not a server to share it with.
                ("grpc.so_reuseport", 0),
                # A client that vanished without a word is noticed, and its streams end.
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.keepalive_timeout_ms", 20_000),
                # Clients may look after their connection just as closely.
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ],
        )
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if tls is None:
                bound = server.add_insecure_port(where)
            else:
                bound = server.add_secure_port(where, tls.credentials())
        except RuntimeError as error:
            raise OptionError(f"--port {port}: cannot listen on {host} ({error})") from error
        server.start()
        try:
            yield int(bound)
        finally:
            ended.set()
            server.stop(_LEAVE).wait()


def serve(wanted: Wanted, address: str, stop: threading.Event, *, tls: Tls | None = None) -> None:
    """Answer KEDA at ``address`` until ``stop`` is set; see `serving`."""
    with serving(wanted, address, tls=tls):
        stop.wait()


def _parsed(address: str) -> tuple[str, int]:
    """The IP address and the port of ``HOST:PORT``. Raises `OptionError`."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise OptionError(f"{address}: is no address; write HOST:PORT, such as 0.0.0.0:9090")
    return address_of(host.strip("[]") or "0.0.0.0"), int(port)
