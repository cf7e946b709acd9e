"""Jobs over HTTP, on a real server, Redis and bucket."""

from __future__ import annotations

import json

import pytest

from cytomill.jobs.job import Job
from tests.kiosk import kiosk, submit, work


@pytest.fixture
def api(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url, sources=f"nas={tmp_path / 'nas'}") as running:
        yield running


@pytest.fixture
def ann(api):
    with api.client() as client:
        yield client


def of(upload, **fields):
    return {"pipeline": "nuclei", "inputs": [{"upload": upload}], **fields}


@pytest.fixture
def upload(ann):
    return ann.post("/uploads", json={"name": "test"}).json()["id"]


def problem(answer, status, code):
    """Check that an answer is this problem; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"] == "about:blank"
    assert told["title"]
    assert told["detail"]
    assert told["hint"]
    assert "Traceback" not in answer.text
    return told


def test_a_job_is_submitted_done_and_deleted(api, ann, upload):
    answer = ann.post("/jobs", json=of(upload, name="first", options={"measure": False}))
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["state"], job["owner"], job["name"]) == ("listing", "ann", "first")
    assert (job["progress"], job["eta"], job["position"]) == (0, None, 0)
    assert job["outputs"] == {"format": "tiff", "overlay": False, "geojson": False, "ngff": None}
    work(api.backend, ["a.tif", "b.tif"], failed=["b.tif"])
    job = ann.get(f"/jobs/{job['id']}").json()
    assert (job["state"], job["done"], job["failed"]) == ("done", 1, 1)
    assert (job["progress"], job["eta"], job["objects"]) == (1, 0, 3)
    assert job["rate"] > 0
    assert ann.delete(f"/jobs/{job['id']}").status_code == 204
    assert ("job", job["id"]) in api.backend.queue.expired()


def test_the_work_ahead_is_told_while_a_job_runs(api, ann, upload):
    job = ann.post("/jobs", json=of(upload, priority="high")).json()["id"]
    second = ann.post("/jobs", json=of(upload, priority="low")).json()
    assert second["position"] == 1
    api.backend.queue.cancel(api.backend.queue.job(second["id"]))
    work(api.backend, [f"{n}.tif" for n in range(4)], most=3)  # the list, and two images
    job = ann.get(f"/jobs/{job}").json()
    assert (job["state"], job["items"], job["done"], job["progress"]) == ("running", 4, 2, 0.5)
    assert job["eta"] == pytest.approx(2 / job["rate"])


def test_jobs_are_listed_in_pages_and_filtered(ann, upload):
    made = [
        ann.post("/jobs", json=of(upload, name=name)).json()["id"] for name in ("one", "two", "TWO")
    ]
    page = ann.get("/jobs", params={"limit": 2}).json()
    assert [job["id"] for job in page["jobs"]] == made[:0:-1]
    page = ann.get("/jobs", params={"limit": 2, "before": page["next"]}).json()
    assert [job["id"] for job in page["jobs"]] == made[:1]
    assert page["next"] is None
    ann.post(f"/jobs/{made[0]}/cancel")

    def found(**filters):
        return [job["name"] for job in ann.get("/jobs", params=filters).json()["jobs"]]

    assert found(name="two") == ["TWO", "two"]
    assert found(state="cancelled") == ["one"]
    assert found(pipeline="model") == []
    assert found(pipeline="nuclei", state="listing", limit=1) == ["TWO"]


def test_more_jobs_than_are_read_at_once_are_listed(api, ann):
    own = [Job(f"{n:024x}", "ann", "nuclei", str(n)) for n in range(230)]
    for job in own:
        api.backend.queue.submit(job)
    names, before = [], None
    while True:
        page = ann.get("/jobs", params={"limit": 90} | ({"before": before} if before else {}))
        names += [job["name"] for job in page.json()["jobs"]]
        before = page.json()["next"]
        if before is None:
            break
    assert names == [job.name for job in reversed(own)]
    assert [job["name"] for job in ann.get("/jobs", params={"name": "7"}).json()["jobs"]] == [
        name for name in names if "7" in name
    ]


def test_the_same_request_with_a_key_makes_one_job(ann, upload):
    key = {"Idempotency-Key": "µ" * 20}
    key = {name: value.encode() for name, value in key.items()}
    first = ann.post("/jobs", json=of(upload), headers=key)
    again = ann.post("/jobs", json=of(upload), headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    problem(ann.post("/jobs", json=of(upload, name="other"), headers=key), 409, "conflict")
    assert len(ann.get("/jobs").json()["jobs"]) == 1


def test_keys_of_two_users_are_apart(api, ann):
    key = {"Idempotency-Key": "same"}
    with api.client(api.token_of("bob")) as bob:
        jobs = set()
        for client in (ann, bob):
            upload = client.post("/uploads", json={"name": ""}).json()["id"]
            answer = client.post("/jobs", json=of(upload), headers=key)
            assert answer.status_code == 201
            jobs.add(answer.json()["id"])
    assert len(jobs) == 2


def test_jobs_are_paused_go_on_and_are_cancelled(ann, upload):
    job = f"/jobs/{ann.post('/jobs', json=of(upload)).json()['id']}"
    paused = ann.post(f"{job}/pause").json()
    assert (paused["state"], paused["reason"]) == ("paused", "paused by ann")
    assert ann.post(f"{job}/resume").json()["state"] == "listing"
    assert ann.post(f"{job}/resume").json()["state"] == "listing"
    assert ann.post(f"{job}/cancel").json()["state"] == "cancelled"
    assert ann.post(f"{job}/cancel").json()["state"] == "cancelled"
    for action in ("pause", "resume", "retry"):
        problem(ann.post(f"{job}/{action}"), 409, "conflict")


def test_failed_images_are_tried_again(api, ann):
    job = submit(ann)["id"]
    work(api.backend, ["a.tif", "b.tif"], failed=["b.tif"])
    assert ann.post(f"/jobs/{job}/retry").json()["state"] == "running"
    work(api.backend, ["a.tif", "b.tif"])
    job = ann.get(f"/jobs/{job}").json()
    assert (job["state"], job["done"], job["failed"]) == ("done", 2, 0)


def test_a_job_is_kept(api, ann):
    job = submit(ann)["id"]
    assert ann.patch(f"/jobs/{job}", json={"pinned": True}).json()["pinned"]
    work(api.backend, ["a.tif"])
    assert ann.get(f"/jobs/{job}").json()["expires"] == 0
    assert ann.patch(f"/jobs/{job}", json={"pinned": False}).json()["expires"] > 0


def test_more_jobs_than_a_user_may_have_are_refused(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url, user_jobs=1) as one, one.client() as ann:
        first = submit(ann)
        upload = first["inputs"][0]["upload"]
        problem(ann.post("/jobs", json=of(upload)), 429, "quota")
        ann.post(f"/jobs/{first['id']}/cancel")
        assert ann.post("/jobs", json=of(upload)).status_code == 201


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pipeline": "cell"}, "cell"),
        ({"options": {"sharpness": 3}}, "sharpness"),
        ({"options": {"pixel_size": -1}}, "pixel_size"),
        ({"options": {"pixel_size": "thin"}}, "pixel_size"),
        ({"options": {"channel": "x" * 70_000}}, "options"),
        ({"pipeline": "model", "options": {"model": "/etc/passwd"}}, "/etc/passwd"),
        ({"pipeline": "model", "options": {"model": "http://127.0.0.1/"}}, "http://127.0.0.1/"),
        ({"pipeline": "model", "options": {"model": ["nuclei"]}}, "nuclei"),
        ({"outputs": {"format": "png"}}, "outputs.format"),
        ({"outputs": {"ngff": "0.4"}}, "ngff"),
        ({"outputs": {"colour": True}}, "outputs.colour"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [{}]}, "inputs.0"),
        ({"inputs": [{"source": "disk"}]}, "disk"),
        ({"inputs": [{"source": "nas", "prefix": "a/../../b"}]}, "a/../../b"),
        ({"inputs": [{"source": "nas", "prefix": "/etc"}]}, "/etc"),
        ({"inputs": [{"source": "nas", "prefix": "a\x00b"}]}, "inputs.0.prefix"),
        ({"inputs": [{"source": "nas", "url": "http://x"}]}, "inputs.0.url"),
        ({"inputs": [{"source": "nas", "folder": "01"}]}, "folder goes with upload"),
        ({"inputs": [{"upload": "u", "folder": "a\nb"}]}, "inputs.0.folder"),
        ({"priority": "first"}, "priority"),
        ({"owner": "bob"}, "owner"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(ann, upload, change, told):
    answer = ann.post("/jobs", json={**of(upload), **change})
    assert told in problem(answer, 422, "option")["detail"]
    assert ann.get("/jobs").json()["jobs"] == []


@pytest.mark.parametrize("options", ['{"pixel_size": NaN}', '{"channel": "\\ud800"}'])
def test_what_no_json_can_hold_is_refused(ann, upload, options):
    body = f'{{"pipeline": "nuclei", "inputs": [{{"upload": "{upload}"}}], "options": {options}}}'
    answer = ann.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 422, "option")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_job_is_refused(ann, body):
    answer = ann.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_source_that_is_allowed_may_be_named(ann):
    given = {"source": "nas", "prefix": "plates/1", "pattern": "*.tif"}
    answer = ann.post("/jobs", json={"pipeline": "nuclei", "inputs": [given]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["inputs"] == [given]


def test_the_folder_of_an_upload_may_be_named(ann, upload):
    given = {"upload": upload, "folder": "01"}
    answer = ann.post("/jobs", json={"pipeline": "nuclei", "inputs": [given]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["inputs"] == [given]


def test_unknown_parameters_are_refused(ann):
    told = problem(ann.get("/jobs", params={"sort": "name"}), 422, "option")
    assert "sort" in told["detail"]
    assert "limit" in told["detail"]
    problem(ann.get("/jobs", params={"limit": 0}), 422, "option")
    problem(ann.get("/jobs", params={"before": "nan"}), 422, "option")


def test_addresses_and_methods_that_are_not_there(ann):
    problem(ann.get("/job"), 404, "not_found")
    problem(ann.get("/jobs/"), 404, "not_found")
    answer = ann.put("/jobs", json={})
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("name", ["x", "0" * 24, "..%2Fjobs", "a:states", "%00", "0" * 90])
def test_ids_that_are_none_are_not_there(ann, name):
    answer = ann.get(f"/jobs/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_pipelines_are_told_with_the_schema_of_their_options(ann):
    assert {"nuclei", "model"} <= {one["name"] for one in ann.get("/pipelines").json()}
    told = ann.get("/pipelines/nuclei").json()
    assert told["models"] == ["nuclei"]
    assert told["products"]["labels"] is True
    assert told["options"]["additionalProperties"] is False
    assert told["options"]["properties"]["pixel_size"]["description"]
    assert ann.get("/pipelines/model").json()["products"] is None
    problem(ann.get("/pipelines/cell"), 404, "not_found")


def test_models_are_told_without_where_they_lie(ann):
    assert "nuclei" in {one["name"] for one in ann.get("/models").json()}
    told = ann.get("/models/nuclei").json()
    assert told["inputs"]
    assert "folder" not in told
    assert str(json.dumps(told)).find("/src/") == -1
    for name in ("cell", "..", "%2Fetc", "http:%2F%2Flocalhost"):
        assert ann.get(f"/models/{name}").status_code == 404


def test_every_answer_is_safe_to_open_in_a_browser(ann):
    for path in ("/jobs", "/nothing", "/openapi.json"):
        headers = ann.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers
