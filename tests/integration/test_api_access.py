"""Nobody sees or changes what is not theirs, on any route there is."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.integration.test_api_jobs import problem
from tests.kiosk import PATIENCE, kiosk, submit, work
from tests.redis_server import clear

#: Routes that need no token, and those that show or make only what is one's own.
OPEN = {"/health/live", "/health/ready", "/session"}
OPEN_BODIES = {("POST", "/session"): {"json": {"token": "cm_wrong"}}}
OWN = {
    "/jobs",
    "/events",
    "/uploads",
    "/pipelines",
    "/pipelines/{name}",
    "/models",
    "/models/{name}",
    "/me",
    "/tokens",
}
ADMIN = {"/queues", "/metrics"}

#: Bodies that would be taken from the owner.
BODIES = {
    ("PATCH", "/jobs/{job_id}"): {"json": {"pinned": True}},
    ("POST", "/jobs/{job_id}/shares"): {"json": {}},
    ("GET", "/uploads/{upload}/inspect"): {"params": {"path": "a.tif"}},
    ("GET", "/uploads/{upload}/thumbnail.png"): {"params": {"path": "a.tif"}},
    ("POST", "/uploads/{upload}/files"): {"files": {"files": ("b.tif", b"x")}},
    ("PUT", "/uploads/{upload}/files/{path}"): {"content": b"x"},
    ("POST", "/uploads/{upload}/large"): {"json": {"path": "b.tif", "bytes": 10}},
    ("PUT", "/uploads/{upload}/large/{path}"): {"content": b"x", "params": {"piece": 0}},
    ("POST", "/uploads/{upload}/complete"): {"json": {"path": "b.tif"}},
}

MISSING = "0123456789abcdef01234567"


@pytest.fixture(scope="module")
def api(tmp_path_factory, redis_server):
    clear(redis_server.url)
    with kiosk(tmp_path_factory.mktemp("kiosk"), redis_server.url) as running:
        yield running


@pytest.fixture(scope="module")
def routes(api):
    """Every operation: method and path below /api/v1."""
    told = httpx.get(f"{api.url}/api/v1/openapi.json", timeout=PATIENCE).json()
    return [
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in told["paths"].items()
        for method in operations
    ]


@pytest.fixture(scope="module")
def anns(api):
    """What the path of a route names, of ann's things."""
    with api.client() as ann:
        job = submit(ann)
        work(api.backend, ["a.tif"])
        return {
            "job_id": job["id"],
            "index": "0",
            "image": "0",
            "upload": job["inputs"][0]["upload"],
            "path": "a.tif",
            "token": ann.get("/tokens").json()[0]["id"],
            "share": ann.post(f"/jobs/{job['id']}/shares", json={}).json()["id"],
        }


def others(path):
    """Whether a route is not about things that somebody has."""
    return path in OPEN | OWN | ADMIN or path.startswith("/admin/")


def filled(path, values, name):
    values = {**values, "name": name}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


def test_all_routes_are_known_to_be_open_own_or_somebodys(routes):
    found = {path for _, path in routes}
    assert found >= OPEN | OWN | ADMIN
    for path in found:
        if others(path):
            continue
        assert re.match(r"/(jobs|uploads|tokens)/\{", path), f"say whose {path} is"


def test_no_route_but_health_and_sign_in_answers_without_a_token(api, routes):
    with httpx.Client(base_url=f"{api.url}/api/v1", timeout=PATIENCE) as nobody:
        for method, path in routes:
            values = dict.fromkeys(re.findall(r"\{(\w+)\}", path), MISSING)
            values |= {"index": "0", "image": "0"}
            body = BODIES.get((method, path), {}) or OPEN_BODIES.get((method, path), {})
            answer = nobody.request(method, filled(path, values, "nuclei"), **body)
            if path in OPEN and method != "POST":
                assert answer.status_code == (204 if method == "DELETE" else 200), path
            else:
                problem(answer, 401, "not_signed_in")
                assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", ["a_labels.tif", "manifest.json"])
def test_others_things_are_as_if_they_were_not_there(api, routes, anns, name):
    missing = dict.fromkeys(anns, MISSING) | {"index": "0", "image": "0", "path": "a.tif"}
    missing |= {"token": MISSING + "01234567", "share": MISSING + "01234567"}
    with api.client(api.token_of("bob")) as bob:
        for method, path in routes:
            if others(path):
                continue
            body = BODIES.get((method, path), {})
            answer = bob.request(method, filled(path, anns, name), **body)
            told = problem(answer, 404, "not_found")
            nothing = bob.request(method, filled(path, missing, name), **body)
            assert (nothing.status_code, nothing.json()) == (404, told), (method, path)
    with api.client() as ann:
        job = ann.get(f"/jobs/{anns['job_id']}").json()
        assert (job["state"], job["pinned"]) == ("done", False)
        assert ann.get(f"/uploads/{anns['upload']}").json()["files"] == 1
        assert len(ann.get("/tokens").json()) == 1


def test_the_owner_gets_them(api, routes, anns):
    with api.client() as ann:
        for method, path in routes:
            if method != "GET" or others(path) or "/large/" in path:
                continue
            name = "manifest.json" if "/report/" in path else "a_labels.tif"
            params = BODIES.get((method, path), {})
            with ann.stream("GET", filled(path, anns, name), **params) as answer:
                # There is no image behind these made-up results to make a picture of.
                made_up = re.search("preview|thumbnail|/view", path)
                assert answer.status_code in ((404, 409, 422) if made_up else (200,)), path


def test_lists_show_ones_own_alone(api, anns):
    with api.client(api.token_of("bob")) as bob:
        assert bob.get("/jobs").json() == {"jobs": [], "next": None}
        assert anns["upload"] not in bob.get("/uploads").text
        assert anns["token"] not in bob.get("/tokens").text


def test_a_job_cannot_use_others_uploads(api, anns):
    with api.client(api.token_of("bob")) as bob:
        for upload in (anns["upload"], MISSING, "x"):
            body = {"pipeline": "nuclei", "inputs": [{"upload": upload}]}
            problem(bob.post("/jobs", json=body), 404, "not_found")


def test_administrators_see_everybodys(api, anns):
    with api.client(api.token_of("root", role="admin")) as root:
        assert root.get(f"/jobs/{anns['job_id']}").json()["owner"] == "ann"
        assert root.get("/jobs").json()["jobs"] == []
        (job,) = root.get("/jobs", params={"everybody": True}).json()["jobs"]
        assert job["id"] == anns["job_id"]
        assert root.get("/queues").json()["queues"][0]["name"] == "nuclei"
        assert root.get("/metrics").status_code == 200


def test_what_runs_the_kiosk_is_for_administrators(api, routes):
    with api.client() as ann:
        problem(ann.get("/jobs", params={"everybody": True}), 403, "not_allowed")
        for method, path in routes:
            if path in ADMIN or path.startswith("/admin/"):
                problem(ann.request(method, path), 403, "not_allowed")


def test_a_token_to_read_changes_nothing(api, routes, anns):
    with api.client(api.token_of("ann", scopes={"read"})) as reader:
        assert reader.get(f"/jobs/{anns['job_id']}").status_code == 200
        for method, path in routes:
            if method != "GET" and path not in OPEN:
                body = BODIES.get((method, path), {})
                answer = reader.request(method, filled(path, anns, "a"), **body)
                problem(answer, 403, "not_allowed")


def test_a_token_for_metrics_shows_nothing_else(api):
    with api.client(api.token_of("prometheus", scopes={"metrics"})) as scraper:
        text = scraper.get("/metrics").text
        assert 'cytomill_queue_waiting{queue="nuclei"} 0.0' in text
        assert 'route="/jobs/{job_id}"' in text
        assert "cytomill_event_streams 0.0" in text
        problem(scraper.get("/jobs"), 403, "not_allowed")
        problem(scraper.get("/queues"), 403, "not_allowed")


@pytest.fixture(scope="module")
def guest(api, anns):
    """A client with a link that ann shared."""
    with api.client() as ann:
        made = ann.post(f"/jobs/{anns['job_id']}/shares", json={}).json()
    with api.client(made["secret"]) as client:
        yield client


#: What a guest may ask for besides what is below the job.
GUESTS = {"/me", "/pipelines", "/pipelines/{name}"}


def test_a_guest_sees_what_is_below_the_job_and_changes_nothing(routes, anns, guest):
    for method, path in routes:
        name = "manifest.json" if "/report/" in path else "a_labels.tif"
        name = "nuclei" if path in GUESTS else name
        body = BODIES.get((method, path), {})
        with guest.stream(method, filled(path, anns, name), **body) as answer:
            status = answer.status_code
        if path in OPEN:
            continue
        if method != "GET" or path == "/jobs/{job_id}/shares":
            assert status == 403, (method, path)
        elif path in GUESTS or path.startswith("/jobs/{job_id}"):
            assert status not in (401, 403), (method, path)
        else:
            assert status == 403, (method, path)


def test_a_guest_sees_no_other_job(api, routes, anns, guest):
    with api.client() as ann:
        other = {**anns, "job_id": submit(ann)["id"]}
    for method, path in routes:
        if method != "GET" or not path.startswith("/jobs/{job_id}"):
            continue
        for job in (other["job_id"], MISSING, "x"):
            place = filled(path, {**other, "job_id": job}, "a_labels.tif")
            answer = guest.get(place, **BODIES.get((method, path), {}))
            assert answer.status_code == 404, (path, job)


def test_a_guest_of_one_job_is_told_of_it_and_of_nobody(anns, guest):
    told = guest.get("/me").json()
    assert (told["job"], told["scopes"], told["role"]) == (anns["job_id"], ["read"], "user")
    assert "ann" not in told["user"]
