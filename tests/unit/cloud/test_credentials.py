"""Who one is for Google: a service account's key, and a Google that takes it or does not."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cytomill.cloud.credentials import authorise
from cytomill.cloud.errors import CloudError


class Tokens(HTTPServer):
    """Gives a token for each assertion, or refuses."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Tokens

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(parse_qs(body)["assertion"][0])
        told = {"access_token": f"token-{len(self.server.asked)}", "expires_in": 1}
        if self.server.status != 200:
            told = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        text = json.dumps(told).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    with Tokens() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def key(tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    told = {
        "type": "service_account",
        "project_id": "my-lab-1234",
        "private_key_id": "1",
        "private_key": made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "client_email": "ann@my-lab-1234.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{tokens.server_port}/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(told))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))


@pytest.mark.usefixtures("key")
def test_a_token_is_fetched_and_renewed(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)  # which google-auth does not bring
    header = authorise()
    assert header() == "Bearer token-1"
    assert header() == "Bearer token-2"  # the first has run out
    claims = jwt.decode(tokens.asked[0], options={"verify_signature": False})
    assert claims["iss"] == "ann@my-lab-1234.iam.gserviceaccount.com"
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


@pytest.mark.usefixtures("key")
def test_a_key_that_was_revoked(tokens: Tokens) -> None:
    tokens.status = 400
    with pytest.raises(CloudError, match=r"does not take the credentials .*Invalid JWT.* log in"):
        authorise()()


@pytest.mark.usefixtures("key")
def test_nobody_there(tokens: Tokens) -> None:
    tokens.server_close()
    with pytest.raises(CloudError, match="does not take the credentials"):
        authorise()()
