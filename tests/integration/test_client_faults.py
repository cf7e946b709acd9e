"""The client with kiosks that misbehave: away, busy, broken off in the middle, hostile."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from cytomill.client import (
    AnswerError,
    Client,
    NotFoundError,
    ServerAwayError,
    ServerBusyError,
    SignInError,
    Stored,
)
from cytomill.client.errors import UnsafeNameError
from cytomill.errors import OptionError, OutputError, PermanentError
from cytomill.settings import settings
from tests.answers import answering, problem, tell


@pytest.fixture(autouse=True)
def no_token_file(tmp_path, monkeypatch):
    monkeypatch.setattr("cytomill.client.server.TOKEN_FILE", tmp_path / "none")


def path_of(request):
    return urlsplit(request.path).path.removeprefix("/api/v1")


@contextmanager
def asking(answer, **options):
    """A client of a server that answers so."""
    with answering(answer) as url, Client(url, "secret", **options) as client:
        yield client


def job(state="done", **more):
    return {"id": "j" * 24, "state": state, "items": 1, "done": 1, "finished": 7.0, **more}


def closed_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def test_a_kiosk_that_is_not_there_is_named_with_the_way_out():
    url = f"http://127.0.0.1:{closed_port()}"
    with Client(url) as client, pytest.raises(ServerAwayError) as raised:
        client.me()
    assert str(raised.value) == (
        f"{url}: no kiosk answers (connection refused); start one with 'cytomill serve', or name "
        "it with --server or CYTOMILL_SERVER"
    )


def test_a_wrong_token_is_told_at_once():
    asked = []

    def answer(request):
        asked.append(request.headers["authorization"])
        problem(request, 401, "not_signed_in")

    with asking(answer) as client, pytest.raises(SignInError, match="--token, CYTOMILL_TOKEN"):
        client.me()
    assert asked == ["Bearer secret"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "not_found", NotFoundError), (422, "option", AnswerError), (429, "quota", AnswerError)],
)
def test_a_refusal_is_told_with_its_code_and_hint_and_not_asked_again(status, code, kind):
    asked = []

    def answer(request):
        asked.append(1)
        problem(request, status, code)

    with asking(answer) as client, pytest.raises(kind) as raised:
        client.me()
    assert (raised.value.status, raised.value.code, raised.value.hint) == (status, code, "do else")
    assert str(raised.value).endswith(f": it is {code} ({code}); do else")
    assert len(asked) == 1


def test_a_busy_kiosk_is_asked_again_and_the_user_is_told_once():
    asked, told = [], []

    def answer(request):
        asked.append(1)
        if len(asked) < 4:
            problem(request, 503, "queue_away", retry_after="0")
        else:
            tell(request, 200, {"user": "ann"})

    with asking(answer, notify=told.append) as client:
        assert client.me() == {"user": "ann"}
    assert len(asked) == 4
    (line,) = told
    assert "it is queue_away" in line
    assert "asking again for 120 s" in line


def test_a_kiosk_that_stays_busy_is_given_up():
    with (
        asking(lambda request: problem(request, 503, "queue_away"), retry_seconds=0.5) as client,
        pytest.raises(ServerBusyError, match="queue_away"),
    ):
        client.me()


def test_a_job_whose_answer_is_lost_is_sent_with_the_same_key():
    keys = []

    def answer(request):
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            request.close_connection = True
        else:
            tell(request, 200, job("listing"))

    with asking(answer) as client:
        assert client.submit(Stored(upload="u")).state == "listing"
        client.submit(Stored(upload="u"))
    first, again, other = keys
    assert first == again != other


@pytest.mark.parametrize("status", [200, 404])
def test_a_server_that_is_no_kiosk_is_told(status):
    def answer(request):
        tell(request, status, "<html>", kind="text/html")

    with asking(answer) as client, pytest.raises(AnswerError, match="is it a kiosk's"):
        client.me()


def test_tls_where_there_is_none_is_told_at_once():
    with (
        answering(lambda request: tell(request, 200, {})) as url,
        Client(url.replace("http", "https")) as client,
        pytest.raises(PermanentError, match="is it http:// rather than https"),
    ):
        client.me()


def test_a_certificate_that_nobody_signed_is_told_at_once(tmp_path):
    with (
        listening_with_tls(tmp_path) as url,
        Client(url) as client,
        pytest.raises(PermanentError, match=r"not trusted.*SSL_CERT_FILE"),
    ):
        client.me()


@contextmanager
def listening_with_tls(folder):
    """A port that shakes hands with a certificate of its own making."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = made.not_valid_before(now - day).not_valid_after(now + day)
    certificate = made.sign(key, hashes.SHA256())
    file = folder / "both.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:  # the client hangs up
                    connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def stream(request, *events):
    """Send events and hang up."""
    request.send_response(200)
    request.send_header("Content-Type", "text/event-stream")
    request.end_headers()
    for number, told in events:
        request.wfile.write(f"id: {number}-0\nevent: job\ndata: {json.dumps(told)}\n\n".encode())
    request.close_connection = True


def test_events_that_break_off_are_asked_for_again_from_where_they_were():
    last = []

    def answer(request):
        last.append(request.headers["last-event-id"])
        if len(last) == 1:
            stream(request, (1, job("listing")), (2, job("running")))
        else:
            stream(request, (3, job("done")))

    with asking(answer) as client:
        assert [now.state for now in client.watch("j")] == ["listing", "running", "done"]
    assert last == [None, "2-0"]


@pytest.mark.parametrize("kind", ["missing", "no events", "silent"])
def test_a_job_is_asked_for_where_events_do_not_come_through(kind, monkeypatch):
    monkeypatch.setattr("cytomill.client.events._SILENT", 0.1)
    states = iter(["running", "running", "done"])

    def answer(request):
        if not request.path.endswith("/events"):
            tell(request, 200, job(next(states)))
        elif kind == "missing":
            problem(request, 404, "not_found")
        elif kind == "no events":
            tell(request, 200, {})
        else:
            stream(request)
            request.wfile.flush()
            threading.Event().wait(0.3)

    with asking(answer) as client:
        assert [now.state for now in client.watch("j")] == ["running", "done"]


def test_watching_a_job_that_is_not_there():
    with (
        asking(lambda request: problem(request, 404, "not_found")) as client,
        pytest.raises(NotFoundError),
    ):
        client.wait("j")


def test_waiting_may_have_an_end():
    with (
        asking(lambda request: tell(request, 200, job("running"))) as client,
        pytest.raises(TimeoutError),
    ):
        client.wait("j", seconds=0.2)


class Results:
    """A kiosk with a job of one item; ``send`` answers for its files."""

    def __init__(self, send, outputs, report=()):
        self.send, self.outputs, self.report = send, outputs, report
        self.asked = Counter()

    def __call__(self, request):
        path = path_of(request).removeprefix(f"/jobs/{'j' * 24}")
        if path == "/items":
            failed = parse_qs(urlsplit(request.path).query)["state"] == ["failed"]
            item = {"index": 0, "name": "a.tif", "state": "done", "outputs": self.outputs}
            tell(request, 200, {"items": [] if failed else [item], "next": None})
        elif path == "/report":
            tell(request, 200, list(self.report))
        elif not path:
            tell(request, 200, job())
        else:
            self.asked[path] += 1
            self.send(request, path)


DATA = bytes(range(256)) * 4000
LABELS = [{"name": "a_labels.tif", "bytes": len(DATA), "url": ""}]


def ranged(request, most, tag='"1"'):
    """Answer with at most ``most`` bytes of the data, as a server that breaks off."""
    begin = request.headers["range"]
    first = int(begin.removeprefix("bytes=").rstrip("-")) if begin else 0
    if begin:
        assert request.headers["if-range"] == tag
    request.send_response(206 if begin else 200)
    request.send_header("Content-Length", str(len(DATA) - first))
    request.send_header("ETag", tag)
    if begin:
        request.send_header("Content-Range", f"bytes {first}-{len(DATA) - 1}/{len(DATA)}")
    request.end_headers()
    request.wfile.write(DATA[first : first + most])
    request.close_connection = True


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path):
    kiosk = Results(lambda request, path: ranged(request, 300_000), LABELS)
    with asking(kiosk) as client:
        results = client.download("j" * 24, tmp_path / "out")
        assert (tmp_path / "out/a_labels.tif").read_bytes() == DATA
        assert (results.fetched, results.kept) == (1, 0)
        assert sum(kiosk.asked.values()) == 4
        assert client.download("j" * 24, tmp_path / "out").kept == 1
    assert sum(kiosk.asked.values()) == 4


def test_a_download_that_is_given_up_leaves_no_half_file_and_goes_on_later(tmp_path):
    outputs = [{"name": f"{n}_labels.tif", "bytes": len(DATA), "url": ""} for n in "abc"]
    broken = True

    def send(request, path):
        if broken and "c_labels" in path:
            problem(request, 503, "bucket_away")
        else:
            ranged(request, len(DATA))

    kiosk = Results(send, outputs)
    with asking(kiosk, retry_seconds=0.3) as client:
        with pytest.raises(ServerBusyError):
            client.download("j" * 24, tmp_path)
        assert sorted(path.name for path in tmp_path.glob("*")) == [
            ".cytomill",
            "a_labels.tif",
            "b_labels.tif",
        ]
        broken = False
        results = client.download("j" * 24, tmp_path)
    assert (results.fetched, results.kept) == (1, 2)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/../../x", ".cytomill/job.json"])
def test_a_result_whose_name_leads_out_is_refused(tmp_path, name):
    kiosk = Results(lambda request, path: ranged(request, 10**9), [LABELS[0] | {"name": name}])
    with asking(kiosk) as client, pytest.raises(UnsafeNameError):
        client.download("j" * 24, tmp_path / "in/out")
    kiosk.outputs, kiosk.report = [], [LABELS[0] | {"name": name}]
    with asking(kiosk) as client, pytest.raises(UnsafeNameError):
        client.download("j" * 24, tmp_path / "in/out")
    assert not kiosk.asked
    assert {path.name for path in tmp_path.rglob("*")} == {"in", "out", ".cytomill", "job.json"}


def test_files_that_no_download_made_are_not_replaced(tmp_path):
    (tmp_path / "a_labels.tif").write_text("mine")
    kiosk = Results(lambda request, path: ranged(request, 10**9), LABELS)
    with asking(kiosk) as client:
        with pytest.raises(OutputError, match="no download made"):
            client.download("j" * 24, tmp_path)
        with pytest.raises(OutputError, match="no download made"):
            client.download("j" * 24, tmp_path)
        assert (tmp_path / "a_labels.tif").read_text() == "mine"
        client.download("j" * 24, tmp_path, overwrite=True)
    assert (tmp_path / "a_labels.tif").read_bytes() == DATA


def test_results_of_another_job_make_way(tmp_path):
    (tmp_path / ".cytomill").mkdir()
    (tmp_path / ".cytomill/job.json").write_text('{"job": "other"}')
    (tmp_path / "a_labels.tif").write_bytes(b"x" * len(DATA))
    kiosk = Results(lambda request, path: ranged(request, 10**9), LABELS)
    with asking(kiosk) as client:
        assert client.download("j" * 24, tmp_path).fetched == 1
    assert (tmp_path / "a_labels.tif").read_bytes() == DATA


def test_a_bucket_is_not_shown_the_token(tmp_path):
    shown = []

    def bucket(request):
        shown.append(request.headers["authorization"])
        ranged(request, 10**9)

    def send(request, path):
        assert request.headers["authorization"] == "Bearer secret"
        tell(request, 307, None, Location=f"{bucket_url}/signed")

    with answering(bucket) as bucket_url, asking(Results(send, LABELS)) as client:
        client.download("j" * 24, tmp_path)
    assert shown == [None]
    assert (tmp_path / "a_labels.tif").read_bytes() == DATA


@pytest.mark.parametrize("wall", [False, True])
def test_pieces_go_straight_to_a_bucket_or_through_the_kiosk(tmp_path, monkeypatch, wall):
    monkeypatch.setattr("cytomill.client.upload.settings", replace(settings, piece_bytes=1000))
    (tmp_path / "a.tif").write_bytes(DATA[:4500])
    direct, through, told = {}, {}, []

    def bucket(request):
        assert request.headers["authorization"] is None
        piece = int(request.path[1:])
        if piece != 3:
            direct[piece] = request.body
        request.send_response(403 if piece == 3 else 200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def answer(request):
        path, query = path_of(request), parse_qs(urlsplit(request.path).query)
        about = {"piece_bytes": 1000, "pieces": 5, "have": [[0, 1]]}
        if path == "/uploads":
            tell(request, 200, {"uploads": [], "next": None, "id": "u"})
        elif request.command == "PUT":
            through[int(query["piece"][0])] = request.body
            tell(request, 200, {})
        elif request.command == "GET":
            first, last = map(int, query["sign"][0].split("-"))
            urls = [f"{bucket_url}/{piece}" for piece in range(first, last + 1)]
            tell(request, 200, about | {"urls": urls})
        else:
            tell(request, 200, about)

    with answering(bucket) as bucket_url, asking(answer) as client:
        bucket_url = f"http://127.0.0.1:{closed_port()}" if wall else bucket_url
        client.upload(tmp_path / "a.tif", progress=lambda *now: told.append(now))
    assert direct | through == {n: DATA[n * 1000 : min(4500, n * 1000 + 1000)] for n in (2, 3, 4)}
    assert set(through) == ({2, 3, 4} if wall else {3})
    assert told[-1] == (4500, 4500)


@pytest.mark.parametrize("fault", ["wall", "refusal"])
def test_results_come_through_the_kiosk_where_its_bucket_does_not_give_them(tmp_path, fault):
    def send(request, path):
        if request.path.endswith("redirect=true"):
            port = closed_port() if fault == "wall" else bucket_url.rsplit(":", 1)[1]
            tell(request, 307, None, Location=f"http://127.0.0.1:{port}/signed")
        else:
            ranged(request, 10**9)

    with (
        answering(lambda request: problem(request, 403, "expired")) as bucket_url,
        asking(Results(send, LABELS)) as client,
    ):
        client.download("j" * 24, tmp_path)
    assert (tmp_path / "a_labels.tif").read_bytes() == DATA


def test_a_file_that_has_no_end_is_given_up(tmp_path):
    outputs = [LABELS[0] | {"bytes": 1000}]
    kiosk = Results(lambda request, path: ranged(request, 10**9), outputs)
    with asking(kiosk) as client, pytest.raises(PermanentError, match="sends more of a file"):
        client.download("j" * 24, tmp_path)
    assert not list(tmp_path.glob("*.tif"))


def test_of_a_file_of_ten_gigabytes_only_the_missing_pieces_are_sent(tmp_path):
    size, piece = 10 * 2**30 + 7, 2**20
    with (tmp_path / "slide.tif").open("wb") as file:
        file.truncate(size)
        file.seek(5000 * piece)
        file.write(b"here")
    missing, sent, counts = {5000, 10240}, {}, []

    def answer(request):
        path, query = path_of(request), parse_qs(urlsplit(request.path).query)
        have = [[0, 4999], [5001, 10239]]
        about = {"piece_bytes": piece, "pieces": 10241, "have": have, "urls": None}
        if path == "/uploads":
            tell(request, 200, {"uploads": [], "next": None, "id": "u"})
        elif "sign" in query:
            first, last = map(int, query["sign"][0].split("-"))
            assert last - first < 1000
            tell(request, 200, about)
        elif request.command == "PUT":
            sent[int(query["piece"][0])] = request.body
            request.send_response(204)
            request.end_headers()
        else:
            tell(request, 200, about)

    with asking(answer) as client:
        client.upload(tmp_path / "slide.tif", progress=lambda *now: counts.append(now))
    assert set(sent) == missing
    assert sent[5000] == b"here".ljust(piece, b"\0")
    assert sent[10240] == bytes(7)
    assert counts[1] == (size - piece - 7, size)
    assert counts[-1] == (size, size)


def test_an_abbreviation_must_be_of_one_job():
    names = [f"{letter * 3}{number:021d}" for letter, number in (("a", 1), ("a", 2), ("b", 3))]

    def answer(request):
        if path_of(request) == "/jobs":
            before = parse_qs(urlsplit(request.path).query).get("before")
            some = names[:2] if before is None else names[2:]
            told = [job() | {"id": name} for name in some]
            tell(request, 200, {"jobs": told, "next": None if before else 5.5})
        else:
            tell(request, 200, job() | {"id": path_of(request).rsplit("/", 1)[-1]})

    with asking(answer) as client:
        assert client.find("b").id == names[2]
        assert client.find(names[0]).id == names[0]
        assert client.find("last").id == names[0]
        with pytest.raises(OptionError, match="several jobs begin so") as raised:
            client.find("aa")
        assert all(name in str(raised.value) for name in names[:2])
        with pytest.raises(NotFoundError, match="no job of yours begins so"):
            client.find("c")
