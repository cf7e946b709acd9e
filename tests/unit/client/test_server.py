"""Which kiosk is asked, and as whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cytomill.client import server
from cytomill.client.server import Server
from cytomill.errors import OptionError


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """The file of tokens, which is not there yet."""
    path = tmp_path / "token"
    monkeypatch.setattr(server, "TOKEN_FILE", path)
    return path


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://kiosk:8080", "http://kiosk:8080"),
        ("https://kiosk/", "https://kiosk"),
        (" http://lab/cells/ ", "http://lab/cells"),
        ("http://kiosk:8080/api/v1/", "http://kiosk:8080"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_addresses(given, url):
    assert Server.of(given).url == url


@pytest.mark.parametrize(
    "given",
    ["kiosk:8080", "ftp://kiosk", "http://", "http://a:b@kiosk", "http://k?x", "http://k:99999"],
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(OptionError, match=r"--server.*http://HOST:PORT"):
        Server.of(given)


def test_a_token_with_a_space_is_refused_and_none_is_shown():
    with pytest.raises(OptionError) as raised:
        Server.of("http://kiosk", "secret token\n")
    assert "secret" not in str(raised.value)
    assert "secret" not in repr(Server.of("http://kiosk", "secret"))


def test_a_kiosk_on_this_machine_is_asked_with_its_own_token(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "settings", replace(server.settings, kiosk=tmp_path / "kiosk"))
    assert Server.of("http://localhost:8080").token == ""
    (tmp_path / "kiosk").mkdir()
    (tmp_path / "kiosk/token").write_text("own\n")
    assert Server.of("http://localhost:8080").token == "own"
    assert Server.of("http://127.0.0.1:9000").token == "own"
    assert Server.of("http://elsewhere:8080").token == ""
    assert Server.of("http://localhost:8080", "given").token == "given"


def test_the_file_of_tokens_has_one_for_each_kiosk(kept):
    write(kept, "usual\nhttp://kiosk:8080/ special\n\nhttps://other x\n")
    assert Server.of("http://kiosk:8080").token == "special"
    assert Server.of("http://elsewhere").token == "usual"
    assert Server.of("http://kiosk:8080", "given").token == "given"


def test_a_token_of_another_kiosk_is_not_shown(kept):
    write(kept, "http://kiosk:8080 special\n")
    assert Server.of("http://kiosk:8081").token == ""


def test_a_file_of_tokens_that_others_may_read_is_refused(kept):
    write(kept, "usual\n", 0o640)
    with pytest.raises(OptionError, match=f"others may read your token; run: chmod 600 {kept}"):
        Server.of("http://kiosk")
