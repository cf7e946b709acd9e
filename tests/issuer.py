"""A provider of OpenID Connect on this machine, as far as a kiosk sees one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

#: Kinds of keys by algorithm; making one of RSA takes a tenth of a second.
_MAKE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


class Key:
    """A key with which tokens are signed."""

    def __init__(self, name: str, algorithm: str = "ES256") -> None:
        self.name, self.algorithm = name, algorithm
        self.private = _MAKE[algorithm]()

    def public(self) -> dict[str, Any]:
        """What the provider publishes of it."""
        kind = jwt.get_algorithm_by_name(self.algorithm)
        told = kind.to_jwk(self.private.public_key(), as_dict=True)
        return {**told, "kid": self.name, "use": "sig", "alg": self.algorithm}


class Issuer:
    """The provider: what it answers may be changed; ``asked`` are the paths that were fetched."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = [Key("first")]
        self.description = {"issuer": url, "jwks_uri": f"{url}/keys"}
        self.status = 200
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(path)
        told = {
            "/.well-known/openid-configuration": self.description,
            "/keys": {"keys": [key.public() for key in self.keys]},
        }.get(path)
        return (self.status if told else 404), json.dumps(told).encode()

    def token(self, key: Key | None = None, *, header: Any = None, **claims: Any) -> str:
        """A token that is good but for what is given; a claim of None is left out."""
        now, signed = time.time(), key or self.keys[0]
        usual = {"iss": self.url, "aud": "cytomill", "sub": "u1", "iat": now, "exp": now + 600}
        chosen = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        more = {"kid": signed.name, **({} if header is None else header)}
        if not more["kid"]:
            del more["kid"]
        return jwt.encode(chosen, signed.private, algorithm=signed.algorithm, headers=more)


@contextmanager
def issuer() -> Iterator[Issuer]:
    """A provider that runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = made.answer(self.path)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
