from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from cytomill.errors import ModelError, OptionError
from cytomill.models.download import DownloadError, hosts, is_public

MOST = 10_000


def test_a_file_is_fetched(host, tmp_path):
    (host.folder / "a.bin").write_bytes(b"x" * 5000)
    assert host.downloader.fetch(f"{host.url}/a.bin", tmp_path / "got", MOST) == 5000
    assert (tmp_path / "got").read_bytes() == b"x" * 5000


def test_a_redirect_is_followed_to_an_allowed_host_only(host, tmp_path):
    (host.folder / "a.bin").write_bytes(b"x")
    host.downloader.fetch(f"{host.url}/moved/{host.url}/a.bin", tmp_path / "got", MOST)
    for aim, told in [
        ("https://example.com/a", "example.com is not among the hosts"),
        (f"http://localhost:{host.url.rsplit(':', 1)[1]}/a.bin", "only https is"),
        ("ftp://localhost/a.bin", "only https is"),
    ]:
        with pytest.raises(OptionError, match=told):
            host.downloader.fetch(f"{host.url}/moved/{aim}", tmp_path / "not", MOST)
    for aim in (f"{host.url}/moved/" * 8 + f"{host.url}/a.bin", "file:///etc/passwd"):
        with pytest.raises(ModelError, match="redirects too often, or to what is no web address"):
            host.downloader.fetch(f"{host.url}/moved/{aim}", tmp_path / "not", MOST)


def test_addresses_that_are_not_of_the_internet_are_refused(host, tmp_path):
    strict = replace(host.downloader, admits=is_public)
    with pytest.raises(
        OptionError, match=r"localhost: is at (127.0.0.1|::1), an address of a priv"
    ):
        strict.fetch(f"{host.url}/a.bin", tmp_path / "got", MOST)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
    ],
)
def test_addresses_of_the_internet_are_told_from_others(address, public):
    assert is_public(address) is public


def test_what_is_too_large_is_refused(host, tmp_path):
    (host.folder / "a.bin").write_bytes(b"x" * 5000)
    with pytest.raises(ModelError, match="has more than the 4,999 bytes allowed"):
        host.downloader.fetch(f"{host.url}/a.bin", tmp_path / "got", 4999)


def test_what_is_not_there_or_breaks_off_is_told(host, tmp_path):
    with pytest.raises(ModelError, match=r"a.bin: is not there .HTTP 404"):
        host.downloader.fetch(f"{host.url}/a.bin", tmp_path / "a", MOST)
    with pytest.raises(DownloadError, match=r"cut short|connection broke"):
        host.downloader.fetch(f"{host.url}/short/a", tmp_path / "b", MOST)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DownloadError, match=r"cannot be reached .*; try again"):
        host.downloader.fetch(f"https://localhost:{port}/a", tmp_path / "c", MOST)


def test_a_host_that_is_not_who_it_says_is_refused(host, tmp_path):
    with pytest.raises(DownloadError, match=r"cannot be reached .*certificate"):
        replace(host.downloader, context=None).fetch(f"{host.url}/a", tmp_path / "a", MOST)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://localhost/a", "only https is"),
        ("ftp://localhost/a", "only https is"),
        ("https://example.com/a", "example.com is not among the hosts"),
        ("https://localhost.example.com/a", "is not among the hosts"),
        ("https://user:word@localhost/a", "a URL with a password is not fetched"),
        ("https:///a", "no host is not among"),
    ],
)
def test_urls_that_are_not_fetched_are_told(host, tmp_path, url, told):
    with pytest.raises(OptionError, match=told):
        host.downloader.fetch(url, tmp_path / "a", MOST)
    assert not (tmp_path / "a").exists()


def test_hosts_of_a_setting_are_separated_by_commas():
    assert hosts("Zenodo.org, example.com,") == ("zenodo.org", "example.com")
