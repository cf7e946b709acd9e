"""What a job found, over HTTP: images, files, ranges, and all of it as a zip."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest

from cytomill.jobs import layout
from tests.integration.test_api_jobs import problem
from tests.kiosk import content, kiosk, submit, work

NAMES = ["a.tif", "b/ü.tif", "broken.tif", "z.tif"]


@pytest.fixture(scope="module")
def api(tmp_path_factory, module_redis):
    with kiosk(tmp_path_factory.mktemp("kiosk"), module_redis) as running:
        yield running


@pytest.fixture(scope="module")
def ann(api):
    with api.client() as client:
        yield client


@pytest.fixture(scope="module")
def job(api, ann):
    name = submit(ann, name="My plate/1")["id"]
    work(api.backend, NAMES, failed=["broken.tif"])
    return f"/jobs/{name}"


def test_images_are_listed_with_what_became_of_them(ann, job):
    told = ann.get(f"{job}/items").json()
    assert [one["name"] for one in told["items"]] == NAMES
    assert [one["index"] for one in told["items"]] == [0, 1, 2, 3]
    assert [one["state"] for one in told["items"]] == ["done", "done", "failed", "done"]
    assert told["next"] is None
    first, second, broken, _ = told["items"]
    assert (first["objects"], first["seconds"], first["error"]) == (3, {"predict": 0.5}, "")
    assert [one["name"] for one in first["outputs"]] == [
        "a_labels.tif",
        "a.geojson",
        "a.ome.zarr",
    ]
    assert "%C3%BC" in second["outputs"][0]["url"]
    assert broken["error"] == "broken.tif: not a TIFF file"
    assert broken["outputs"] == []


def test_images_come_in_pages_and_by_their_state(ann, job):
    page = ann.get(f"{job}/items", params={"limit": 3}).json()
    assert page["next"] == 3
    page = ann.get(f"{job}/items", params={"limit": 3, "after": page["next"]}).json()
    assert [one["index"] for one in page["items"]] == [3]
    assert page["next"] is None
    found = ann.get(f"{job}/items", params={"state": "done", "limit": 2}).json()
    assert [one["index"] for one in found["items"]] == [0, 1]
    rest = ann.get(f"{job}/items", params={"state": "done", "after": found["next"]}).json()
    assert [one["index"] for one in rest["items"]] == [3]
    rest = ann.get(f"{job}/items", params={"state": "done", "skip": 1}).json()
    assert [one["index"] for one in rest["items"]] == [1, 3]
    rest = ann.get(f"{job}/items", params={"skip": 2, "limit": 1}).json()
    assert ([one["index"] for one in rest["items"]], rest["next"]) == ([2], 3)
    assert ann.get(f"{job}/items", params={"state": "done", "skip": 9}).json()["items"] == []
    assert ann.get(f"{job}/items", params={"after": 10**9}).json() == {"items": [], "next": None}
    assert ann.get(f"{job}/items/2").json()["state"] == "failed"
    problem(ann.get(f"{job}/items/4"), 404, "not_found")


def test_a_file_is_fetched_where_the_list_says(ann, api, job):
    (_, item, _, _) = ann.get(f"{job}/items").json()["items"]
    answer = ann.get(f"{api.url}{item['outputs'][0]['url']}")
    assert answer.content == content("b/ü")
    assert answer.headers["content-length"] == str(len(content("b/ü")))
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=70000-80000", 70000, 80001),
        ("bytes=256000-", 256000, 256001),
        ("bytes=-10", 255991, 256001),
        ("bytes=-999999999", 0, 256001),
        ("bytes=5-999999999", 5, 256001),
    ],
)
def test_a_part_of_a_file_is_fetched(ann, job, asked, start, end):
    answer = ann.get(f"{job}/items/0/outputs/a_labels.tif", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == content("a")[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/256001"


@pytest.mark.parametrize("asked", ["bytes=1-2,4-5", "lines=1-2", "bytes=5-2", "bytes=-", "bytes=a"])
def test_what_is_no_single_range_gets_the_whole_file(ann, job, asked):
    answer = ann.get(f"{job}/items/0/outputs/a_labels.tif", headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, 256001)


def test_a_range_beyond_the_end_is_refused(ann, job):
    for asked in ("bytes=256001-", "bytes=-0"):
        answer = ann.get(f"{job}/items/0/outputs/a_labels.tif", headers={"Range": asked})
        problem(answer, 416, "range_not_satisfiable")
        assert answer.headers["content-range"] == "bytes */256001"


def test_a_file_that_is_known_is_not_sent_again(ann, job):
    path = f"{job}/items/0/outputs/a_labels.tif"
    tag = ann.get(path).headers["etag"]
    again = ann.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert ann.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    part = {"Range": "bytes=0-9", "If-Range": tag}
    assert ann.get(path, headers=part).status_code == 206
    assert ann.get(path, headers={**part, "If-Range": '"other"'}).status_code == 200


def test_two_files_of_an_image_have_different_tags(ann, job):
    tags = {
        ann.get(f"{job}/items/0/outputs/{name}").headers["etag"]
        for name in ("a_labels.tif", "a.geojson", "a.ome.zarr/zarr.json")
    }
    assert len(tags) == 3


def test_a_folder_of_results_is_fetched_as_a_zip_or_file_by_file(ann, job):
    path = f"{job}/items/0/outputs/a.ome.zarr"
    with zipfile.ZipFile(io.BytesIO(ann.get(path).content)) as found:
        assert found.namelist() == ["a.ome.zarr/0/c/0", "a.ome.zarr/zarr.json"]
    assert ann.get(f"{path}/0/c/0").content == b"chunk"
    for below in ("0/c/1", "0", "", "../0", "..%2F0", "0//c/0", "%00"):
        assert ann.get(f"{path}/{below}").status_code in (404, 200 if not below else 404)


def test_files_that_are_not_there(ann, job):
    for name in ("b_labels.tif", "record.arrow", "..%2F..%2F..%2Freport%2Fmanifest.json", "a"):
        problem(ann.get(f"{job}/items/0/outputs/{name}"), 404, "not_found")
    told = problem(ann.get(f"{job}/items/2/outputs/a_labels.tif"), 409, "conflict")
    assert "failed" in told["detail"]


def test_a_bucket_without_addresses_of_its_own_sends_the_file(ann, job):
    path = f"{job}/items/0/outputs/a_labels.tif"
    assert ann.get(path, params={"redirect": True}).content == content("a")


def test_tables_and_manifest_are_fetched(ann, job):
    told = ann.get(f"{job}/report").json()
    assert [one["name"] for one in told] == ["manifest.json", "measurements.csv"]
    assert ann.get(f"{job}/report/manifest.json").json() == {"pipeline": "nuclei"}
    assert ann.get(f"{job}/report/measurements.csv").content == b"image,area\n"
    problem(ann.get(f"{job}/report/x"), 404, "not_found")
    problem(ann.get(f"{job}/report/..%2Fitems%2F000000.jsonl"), 404, "not_found")


def test_all_results_are_one_zip_laid_out_as_a_run_does(ann, job):
    answer = ann.get(f"{job}/results.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert "My_plate_1.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        assert found.namelist() == [
            "manifest.json",
            "measurements.csv",
            *(
                f"{stem}{end}"
                for stem in ("a", "b/ü", "z")
                for end in ("_labels.tif", ".geojson", ".ome.zarr/0/c/0", ".ome.zarr/zarr.json")
            ),
        ]
        assert found.read("b/ü_labels.tif") == content("b/ü")


@pytest.mark.parametrize("action", ["cancel", "pause"])
def test_a_job_that_has_not_ended_gives_what_there_is(api, ann, action):
    name = submit(ann)["id"]
    work(api.backend, NAMES, most=2)  # the list, and the first image
    ann.post(f"/jobs/{name}/{action}")
    with zipfile.ZipFile(io.BytesIO(ann.get(f"/jobs/{name}/results.zip").content)) as found:
        assert [one for one in found.namelist() if one.endswith(".tif")] == ["a_labels.tif"]
    assert ann.get(f"/jobs/{name}/report").json() == []


def test_a_zip_that_cannot_be_finished_is_broken_off(api, ann):
    name = submit(ann)["id"]
    work(api.backend, NAMES)
    api.backend.bucket.delete([f"{layout.attempt(name, 3, 1)}/0"])
    with (
        pytest.raises(httpx.RemoteProtocolError),
        ann.stream("GET", f"/jobs/{name}/results.zip") as answer,
    ):
        answer.read()


def test_items_beyond_a_page_are_found(api, ann):
    name = submit(ann)["id"]
    names = [f"{n}.tif" for n in range(layout.PAGE + 3)]
    work(api.backend, names, most=1)
    told = ann.get(f"/jobs/{name}/items", params={"after": layout.PAGE - 1, "limit": 3}).json()
    assert [one["name"] for one in told["items"]] == names[layout.PAGE - 1 : layout.PAGE + 2]
    assert told["next"] == layout.PAGE + 2
    ann.post(f"/jobs/{name}/cancel")


def test_of_a_job_that_has_not_ended_it_is_said_that_tables_come(api, ann):
    job = submit(ann)["id"]
    work(api.backend, ["a.tif", "b.tif"], most=2)
    formats = {"formats": "tiff,csv"}
    answer = ann.get(f"/jobs/{job}/results.zip", params=formats)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert sorted(found.namelist()) == ["a_labels.tif", "tables_error.txt"]
        assert b"when all images have ended" in found.read("tables_error.txt")
    with api.client(api.token_of("bob")) as bob:
        problem(bob.get(f"/jobs/{job}/formats"), 404, "not_found")
        problem(bob.get(f"/jobs/{job}/results.zip", params=formats), 404, "not_found")
    ann.post(f"/jobs/{job}/cancel")
