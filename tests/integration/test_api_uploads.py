"""Uploads over HTTP, on a real server, Redis and bucket."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import itertools
import os
import socket
import threading
import zipfile
from urllib.parse import quote, urlsplit

import pytest

from tests.kiosk import kiosk, wait_for
from tests.redis_server import clear

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def api(redis_server, tmp_path_factory):
    """One for all of these, each of which is of a user of its own."""
    clear(redis_server.url)
    limits = {"form_bytes": 200_000, "piece_bytes": 1000, "user_bytes": 10**6}
    folder = tmp_path_factory.mktemp("kiosk")
    with kiosk(folder, redis_server.url, sources=f"nas={folder / 'nas'}", **limits) as running:
        yield running


@pytest.fixture
def user():
    return f"ann{next(NUMBERS)}"


@pytest.fixture
def token(api, user):
    return api.token_of(user)


@pytest.fixture
def ann(api, token):
    with api.client(token) as client:
        yield client


@pytest.fixture
def upload(ann):
    return ann.post("/uploads", json={"name": "plate 1"}).json()["id"]


def problem(answer, status, words=""):
    """Check that an answer is such a problem and says these words; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert words in told["detail"]
    return told


def held(api, upload):
    """Keys below the upload and their bytes."""
    place = f"uploads/{upload}/"
    return {
        found.key.removeprefix(place): found.size for found in api.backend.bucket.list(place[:-1])
    }


def digest(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def raw(api, token, head, body=b""):
    """An open connection on which a request was begun, as no client library would."""
    where = urlsplit(api.url)
    connection = socket.create_connection((where.hostname, where.port), timeout=60)
    sign_in = f"Authorization: Bearer {token}\r\nHost: {where.netloc}\r\nConnection: close\r\n"
    connection.sendall((head + "\r\n" + sign_in + "\r\n").encode() + body)
    return connection


def test_an_upload_is_made_filled_listed_and_deleted(api, ann, user):
    made = ann.post("/uploads", json={"name": "plate 1"})
    assert made.status_code == 201
    upload = made.json()["id"]
    assert made.headers["location"] == f"/api/v1/uploads/{upload}"
    for path in ("b/img10.tif", "b/img2.tif", "a (1) ü#?.tif"):
        sent = ann.put(f"/uploads/{upload}/files/{quote(path)}", content=b"12345")
        assert (sent.status_code, sent.json()) == (201, {"path": path, "bytes": 5})
    told = ann.get(f"/uploads/{upload}").json()
    assert (told["name"], told["owner"], told["bytes"], told["files"]) == ("plate 1", user, 15, 3)
    assert ann.get("/uploads").json() == {"uploads": [told], "next": None}
    first = ann.get(f"/uploads/{upload}/files", params={"limit": 2}).json()
    rest = ann.get(f"/uploads/{upload}/files", params={"after": first["next"]}).json()
    paths = [file["path"] for file in first["files"] + rest["files"]]
    assert paths == ["a (1) ü#?.tif", "b/img10.tif", "b/img2.tif"]
    assert rest["next"] is None
    assert ann.get("/me").json()["upload_bytes"] == 15
    assert ann.delete(f"/uploads/{upload}").status_code == 204
    problem(ann.get(f"/uploads/{upload}"), 404)
    problem(ann.delete(f"/uploads/{upload}"), 404)
    assert held(api, upload) == {}


def test_uploads_are_listed_in_pages(ann):
    names = [ann.post("/uploads", json={"name": str(n)}).json()["id"] for n in range(5)]
    seen, before = [], None
    while True:
        page = ann.get("/uploads", params={"limit": 2, **({"before": before} if before else {})})
        seen += [one["id"] for one in page.json()["uploads"]]
        before = page.json()["next"]
        if before is None:
            break
    assert seen == names[::-1]


def test_a_file_is_kept_only_where_its_digest_is_right(api, ann, upload):
    place = f"/uploads/{upload}/files/a.tif"
    good = ann.put(place, content=b"12345", headers={"Content-Digest": digest(b"12345")})
    assert good.status_code == 201
    wrong = ann.put(place, content=b"12346", headers={"Content-Digest": digest(b"12345")})
    assert problem(wrong, 422, "Content-Digest")["code"] == "digest"
    other = ann.put(place, content=b"12346", headers={"Content-Digest": "md5=:AAAA:"})
    problem(other, 422, "Content-Digest")
    assert api.backend.bucket.get(f"uploads/{upload}/files/a.tif") == b"12345"


def test_a_form_may_have_many_files(api, ann, upload):
    files = [("files", (f"well/{n}.tif", bytes([n]) * (n + 1))) for n in range(50)]
    answer = ann.post(f"/uploads/{upload}/files", files=files)
    assert answer.status_code == 201
    assert answer.json()[7] == {"path": "well/7.tif", "bytes": 8}
    assert held(api, upload) == {f"files/well/{n}.tif": n + 1 for n in range(50)}


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ([("files", ("../a.tif", b"x"))], "leads out"),
        ([("files", ("a.tif", b"x")), ("files", ("/etc/x", b"x"))], "absolute"),
        ([("files", ("a.tif", b"x")), ("images", ("b.tif", b"x"))], "images"),
    ],
)
def test_of_a_form_what_comes_before_a_fault_is_kept(api, ann, upload, form, words):
    problem(ann.post(f"/uploads/{upload}/files", files=form), 422, words)
    assert held(api, upload) == {f"files/{name}": 1 for _, (name, _) in form[:-1]}


def test_a_body_that_is_no_form_is_refused(ann, upload):
    place = f"/uploads/{upload}/files"
    problem(ann.post(place, content=b"x"), 422, "is no form")
    damaged = {"Content-Type": "multipart/form-data; boundary=x"}
    problem(ann.post(place, content=b"--x\r\ngarbage", headers=damaged), 422, "the form")
    problem(ann.post(place, data={"files": "text"}), 422, "is no form")
    problem(ann.post(place, content=b"--x--\r\n", headers=damaged), 422, "has no files")


def test_what_is_too_large_is_refused_before_it_is_sent(api, token, upload):
    for head in (
        f"PUT /api/v1/uploads/{upload}/files/a.tif HTTP/1.1\r\nContent-Length: 200001",
        f"POST /api/v1/uploads/{upload}/files HTTP/1.1\r\nContent-Length: 200001\r\n"
        "Content-Type: multipart/form-data; boundary=x",
        "POST /api/v1/jobs HTTP/1.1\r\nContent-Length: 1048577\r\nContent-Type: application/json",
    ):
        with raw(api, token, head) as connection:  # none of the body is sent
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_what_turns_out_too_large_is_cut(api, ann, upload):
    def endless():
        for _ in range(50):
            yield b"x" * 10_000

    problem(ann.put(f"/uploads/{upload}/files/a.tif", content=endless()), 413, "200,000 bytes")
    kind = {"Content-Type": "multipart/form-data; boundary=x"}

    def form():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        yield from endless()

    problem(ann.post(f"/uploads/{upload}/files", content=form(), headers=kind), 413)

    def document():
        for _ in range(200):
            yield b" " * 10_000

    plain = {"Content-Type": "application/json"}
    problem(ann.post("/jobs", content=document(), headers=plain), 413)
    assert held(api, upload) == {}
    assert ann.get("/me").json()["upload_bytes"] == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("%2e%2e/a.tif", "leads out"),
        ("a/%2e%2e/%2e%2e/%2e%2e/b.tif", "leads out"),
        ("%2Fetc%2Fpasswd", "absolute"),
        ("C%3A/a.tif", "absolute"),
        ("..%5C..%5Ca.tif", "backslash"),
        ("a%00.tif", "control characters"),
        ("a%1b[31m.tif", "control characters"),
        ("a" * 256, "255 bytes"),
        ("/".join(["a" * 100] * 9), "850 bytes"),
        ("", "is no path"),
    ],
)
def test_no_path_leads_out_of_an_upload(api, token, upload, path, words):
    for place in (f"files/{path}", f"large/{path}?piece=0"):
        head = f"PUT /api/v1/uploads/{upload}/{place} HTTP/1.1\r\nContent-Length: 1"
        with raw(api, token, head, b"x") as connection:
            answer = connection.makefile("rb").read()
            assert answer.split()[1] == b"422", answer
            assert words.encode() in answer
    assert held(api, upload) == {}
    top = api.backend.bucket.path("uploads").parent
    assert {found.name for found in top.glob("*")} <= {".part", "uploads", "jobs"}
    assert {found.name for found in top.parent.iterdir()} <= {"audit.jsonl", "bucket"}


def test_a_client_that_goes_away_leaves_nothing(api, ann, token, upload):
    head = f"PUT /api/v1/uploads/{upload}/files/a.tif HTTP/1.1\r\nContent-Length: 100000"
    with raw(api, token, head, b"x" * 50_000):
        wait_for(lambda: ann.get("/me").json()["upload_bytes"] == 100_000)
    wait_for(lambda: ann.get("/me").json()["upload_bytes"] == 0)
    assert held(api, upload) == {}
    assert [*(api.backend.bucket.path("uploads").parent / ".part").iterdir()] == []
    assert ann.get(f"/uploads/{upload}").json()["files"] == 0


def test_two_that_send_one_path_at_once_leave_one_whole_file(api, token, upload):
    together = threading.Barrier(4)

    def chunks(letter):
        together.wait(60)
        for _ in range(100):
            yield letter * 1000

    def send(letter):
        with api.client(token) as client:
            answer = client.put(f"/uploads/{upload}/files/a.tif", content=chunks(letter))
            assert answer.status_code == 201

    threads = [threading.Thread(target=send, args=(bytes([65 + n]),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = api.backend.bucket.get(f"uploads/{upload}/files/a.tif")
    assert len(data) == 100_000
    assert len(set(data)) == 1


def test_a_full_disk_is_507_and_leaves_nothing(api, ann, upload, monkeypatch):
    write = os.write

    def full(file, data):
        if len(data) == 12_345:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    answer = ann.put(f"/uploads/{upload}/files/a.tif", content=b"x" * 12_345)
    assert problem(answer, 507, "full")["code"] == "bucket_full"
    assert held(api, upload) == {}
    assert ann.put(f"/uploads/{upload}/files/a.tif", content=b"x").status_code == 201


def test_more_than_a_user_may_have_is_refused(api, ann, upload):
    for number in range(5):
        ann.put(f"/uploads/{upload}/files/{number}", content=b"x" * 200_000).raise_for_status()
    told = problem(ann.put(f"/uploads/{upload}/files/more", content=b"x"), 429, "1,000,000 bytes")
    assert told["code"] == "quota"
    problem(ann.post(f"/uploads/{upload}/large", json={"path": "l", "bytes": 1}), 429)
    assert len(held(api, upload)) == 5


def test_a_compressed_body_is_refused_not_unpacked(ann, upload):
    answer = ann.put(
        f"/uploads/{upload}/files/a.tif", content=b"x", headers={"Content-Encoding": "gzip"}
    )
    problem(answer, 415, "compressed")


def test_a_large_file_goes_in_pieces(api, ann, upload):
    data = os.urandom(4500)
    place = f"/uploads/{upload}/large"
    begun = ann.post(place, json={"path": "big/a b.tif", "bytes": 4500})
    assert begun.status_code == 200
    assert begun.json() == {
        "path": "big/a b.tif", "bytes": 4500, "piece_bytes": 1000, "pieces": 5, "have": [],
        "urls": None,
    }  # fmt: skip
    file = f"{place}/{quote('big/a b.tif')}"
    for piece in (4, 0, 2, 2):
        sent = ann.put(file, params={"piece": piece}, content=data[piece * 1000 :][:1000])
        assert sent.status_code == 204
    done = f"/uploads/{upload}/complete"
    problem(ann.post(done, json={"path": "big/a b.tif"}), 409, "pieces 1, 3 are missing")
    again = ann.post(place, json={"path": "big/a b.tif", "bytes": 4500}).json()
    assert again["have"] == [[0, 0], [2, 2], [4, 4]]
    assert ann.get(file, params={"sign": "0-4"}).json() == again
    for piece in (1, 3):
        ann.put(file, params={"piece": piece}, content=data[piece * 1000 :][:1000])
    complete = ann.post(done, json={"path": "big/a b.tif"})
    assert (complete.status_code, complete.json()) == (201, {"path": "big/a b.tif", "bytes": 4500})
    assert ann.post(done, json={"path": "big/a b.tif"}).status_code == 201
    assert api.backend.bucket.get(f"uploads/{upload}/files/big/a b.tif") == data
    assert held(api, upload) == {"files/big/a b.tif": 4500}


def test_pieces_that_cannot_be_are_refused(api, ann, upload):
    place = f"/uploads/{upload}/large"
    ann.post(place, json={"path": "a", "bytes": 2500})
    problem(ann.put(f"{place}/a", params={"piece": 0}, content=b"x"), 422, "piece 0 has 1,000")
    problem(ann.put(f"{place}/a", params={"piece": 3}, content=b"x"), 422, "no piece 3")
    problem(ann.put(f"{place}/a", params={"piece": -1}, content=b"x"), 422, "piece")
    problem(ann.put(f"{place}/a", content=b"x"), 422, "piece: is missing")
    problem(ann.put(f"{place}/b", params={"piece": 0}, content=b"x"), 404)
    problem(ann.get(f"{place}/b"), 404)
    problem(ann.get(f"{place}/a", params={"sign": "0-3"}), 422)
    problem(ann.get(f"{place}/a", params={"sign": "x"}), 422)
    problem(ann.post(f"/uploads/{upload}/complete", json={"path": "b"}), 404)
    problem(ann.post(place, json={"path": "a", "bytes": 2501}), 409, "was begun with 2,500 bytes")
    problem(ann.post(place, json={"path": "../a", "bytes": 1}), 422, "leads out")
    problem(ann.post(place, json={"path": "c", "bytes": 0}), 422)
    problem(ann.post(place, json={"path": "c", "bytes": 1, "x": 1}), 422, "x")
    assert ann.get(f"{place}/a").json()["have"] == []


def test_a_piece_of_unknown_length_is_cut_where_it_must_end(ann, upload):
    place = f"/uploads/{upload}/large"
    ann.post(place, json={"path": "a", "bytes": 2500})
    for pieces in (b"x" * 999, b"x" * 1001):
        answer = ann.put(f"{place}/a", params={"piece": 0}, content=iter([pieces]))
        problem(answer, 422, "piece 0 has 1,000")
    assert ann.get(f"{place}/a").json()["have"] == []
    ann.put(f"{place}/a", params={"piece": 0}, content=iter([b"x" * 1000])).raise_for_status()
    assert ann.get(f"{place}/a").json()["have"] == [[0, 0]]


def test_an_upload_is_kept_while_a_job_uses_it(api, ann, upload):
    ann.put(f"/uploads/{upload}/files/a.tif", content=b"x")
    job = ann.post("/jobs", json={"pipeline": "nuclei", "inputs": [{"upload": upload}]}).json()[
        "id"
    ]
    problem(ann.delete(f"/uploads/{upload}"), 409, "has not ended uses this upload")
    assert api.backend.bucket.size(f"uploads/{upload}/files/a.tif") == 1
    ann.post(f"/jobs/{job}/cancel").raise_for_status()
    assert ann.delete(f"/uploads/{upload}").status_code == 204


def test_what_is_another_users_is_not_there(api, ann, upload):
    ann.put(f"/uploads/{upload}/files/a.tif", content=b"mine")
    ann.post(f"/uploads/{upload}/large", json={"path": "l", "bytes": 1500})

    def answers(client, name):
        """What every route says of an upload."""
        place = f"/uploads/{name}"
        yield client.get(place)
        yield client.delete(place)
        yield client.get(f"{place}/files")
        yield client.put(f"{place}/files/a.tif", content=b"yours")
        yield client.post(f"{place}/files", files=[("files", ("a.tif", b"yours"))])
        yield client.post(f"{place}/large", json={"path": "l", "bytes": 1500})
        yield client.get(f"{place}/large/l", params={"sign": "0-1"})
        yield client.put(f"{place}/large/l", params={"piece": 0}, content=b"x" * 1000)
        yield client.post(f"{place}/complete", json={"path": "l"})

    with api.client(api.token_of("eve")) as eve:
        theirs = list(answers(eve, upload))
        none = list(answers(eve, "0" * 24))
        assert {answer.status_code for answer in theirs} == {404}
        assert [answer.json() for answer in theirs] == [answer.json() for answer in none]
        assert eve.get("/uploads").json()["uploads"] == []
        assert eve.get("/me").json()["upload_bytes"] == 0
        job = {"pipeline": "nuclei", "inputs": [{"upload": upload}]}
        problem(eve.post("/jobs", json=job), 404)
    assert api.backend.bucket.get(f"uploads/{upload}/files/a.tif") == b"mine"
    with api.client(api.token_of("root", "admin")) as root:
        assert root.get(f"/uploads/{upload}").status_code == 200


@pytest.mark.parametrize(
    "inputs",
    [
        {"upload": "http://169.254.169.254/latest"},
        {"upload": "file:///etc"},
        {"source": "http://169.254.169.254"},
        {"source": "file:///etc"},
        {"source": "nas", "prefix": "http://169.254.169.254/x"},
        {"source": "nas", "prefix": "../etc"},
        {"source": "nas", "prefix": "/etc"},
        {"url": "http://169.254.169.254/"},
    ],
)
def test_no_address_that_a_user_gives_is_fetched(ann, inputs):
    answer = ann.post("/jobs", json={"pipeline": "nuclei", "inputs": [inputs]})
    problem(answer, 404 if "upload" in inputs else 422)


def test_what_is_in_a_file_is_nothing_to_the_api(api, ann, upload):
    """A bomb is stored as the few bytes it is; consumers refuse to unpack it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("../../a.tif", bytes(10**7))
    sent = ann.put(f"/uploads/{upload}/files/bomb.zip", content=packed.getvalue())
    assert sent.status_code == 201
    assert held(api, upload) == {"files/bomb.zip": len(packed.getvalue())}
