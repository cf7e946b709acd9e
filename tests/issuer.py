"""A provider of OpenID Connect on this machine, as far as a kiosk and its page see one."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

#: Kinds of keys by algorithm; making one of RSA takes a tenth of a second.
_MAKE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
}

#: What the page is registered as.
CLIENT = "cytomill-page"


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
    """The provider: what it answers may be changed; ``asked`` are the paths that were fetched.

    Whoever comes to sign in is ``subject``, and is not asked; their ID tokens have ``claims`` more.
    ``refused`` is the error that they come back with instead.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = [Key("first")]
        self.description = {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
        }
        self.status = 200
        self.asked: list[str] = []
        self.subject, self.claims, self.refused = "u1", dict[str, Any](), ""
        self._codes: dict[str, dict[str, str]] = {}

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(path)
        told = {
            "/.well-known/openid-configuration": self.description,
            "/keys": {"keys": [key.public() for key in self.keys]},
        }.get(path)
        return (self.status if told else 404), json.dumps(told).encode()

    def authorize(self, given: dict[str, str]) -> str:
        """Where whoever came with this query is led to."""
        for name, value in {
            "response_type": "code",
            "client_id": CLIENT,
            "code_challenge_method": "S256",
        }.items():
            assert given.get(name) == value, (name, given)
        assert "openid" in given["scope"].split()
        assert given["code_challenge"]
        back = {"state": given["state"], "iss": self.url}
        if self.refused:
            back["error"] = self.refused
        else:
            back["code"] = secrets.token_urlsafe(16)
            self._codes[back["code"]] = given
        return f"{given['redirect_uri']}?{urlencode(back)}"

    def redeem(self, given: dict[str, str]) -> tuple[int, bytes]:
        """What a code is exchanged for, once, by whoever began with it (PKCE, RFC 7636)."""
        begun = self._codes.pop(given.get("code", ""), None)
        proof = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if (
            begun is None
            or given.get("grant_type") != "authorization_code"
            or given.get("client_id") != CLIENT
            or given.get("redirect_uri") != begun["redirect_uri"]
            or challenge != begun["code_challenge"]
        ):
            return 400, json.dumps({"error": "invalid_grant"}).encode()
        more = {"nonce": begun["nonce"]} if "nonce" in begun else {}
        told = {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": begun["scope"],
            "id_token": self.token(**{"aud": CLIENT, "sub": self.subject, **more, **self.claims}),
        }
        return 200, json.dumps(told).encode()

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
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self._send(302, b"", made.authorize(_first(parts.query)))
                return
            status, body = made.answer(self.path)
            self._send(status, body, f"{made.url}/elsewhere" if status == 302 else "")

        def do_POST(self) -> None:
            made.asked.append(self.path)
            length = int(self.headers["Content-Length"])
            self._send(*made.redeem(_first(self.rfile.read(length).decode())))

        def _send(self, status: int, body: bytes, location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            # The page of a kiosk asks too.
            self.send_header("Access-Control-Allow-Origin", "*")
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


def _first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
