"""``cytomill submit`` and ``cytomill jobs`` as a user types them, and what ``run`` makes of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import cytomill as package
from cytomill.ops.synthesise import Scene, nuclei
from cytomill.settings import settings
from tests import redis_server as redis_servers
from tests.answers import answering, tell
from tests.kiosk import kiosk
from tests.labs import lab


@pytest.fixture(scope="module")
def server(redis_server, tmp_path_factory):
    """A kiosk that all tests share; each has a user of its own."""
    redis_servers.clear(redis_server.url)
    with lab(tmp_path_factory.mktemp("kiosk"), redis_server.url) as found:
        yield found


@pytest.fixture
def user(server, request, tmp_path, monkeypatch):
    """The environment of a user of the kiosk, who is in a folder of their own."""
    token = server.token_of(re.sub(r"\W", "-", request.node.name)[:40])
    own = replace(settings, server=server.url, token=token)
    monkeypatch.setattr("cytomill.client.server.settings", own)
    monkeypatch.setattr("cytomill.client.server.TOKEN_FILE", tmp_path / "none")
    monkeypatch.chdir(tmp_path)
    return token


def files(folder):
    """The files of results with their content; of manifests what may be compared.

    A kiosk does not know in which folder an input was.
    """
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name.startswith(".cytomill/"):
            continue
        if name == "manifest.json":
            told = json.loads(path.read_text().replace('"images/', '"'))
            found[name] = {
                **{key: told[key] for key in ("program", "version", "pipeline", "options")},
                "inputs": [
                    {
                        key: one.get(key)
                        for key in ("input", "status", "objects", "outputs", "error")
                    }
                    for one in told["inputs"]
                ],
            }
        else:
            found[name] = path.read_bytes()
    return found


def test_results_are_those_of_a_run(user, images, cytomill):
    (images / "broken.tif").write_text("no image")
    with zipfile.ZipFile(images / "more.zip", "w") as packed:
        packed.write(images / "a.tif", "inside/e.tif")
    words = ["images", "--overlay", "--geojson", "--pixel-size", "0.5"]
    there = cytomill("submit", *words, "-o", "there", "--json", "-q")
    here = cytomill("run", *words, "-o", "here", "--json", "-q")
    assert there.code == here.code == 1
    assert files("there") == files("here")
    assert there.told["done"] == here.told["done"] == 4
    (fault,), (expected,) = there.told["failed"], here.told["failed"]
    assert f"images/{fault['error']}" == expected["error"]
    assert fault["input"] == expected["input"]
    assert there.told["objects"] == here.told["objects"]
    assert there.told["tables"] == [path.replace("here", "there") for path in here.told["tables"]]


@pytest.mark.parametrize(
    "inputs",
    [
        ["images/d.tif", "images/a.tif", "images/b/c.tif"],
        ["images/a.tif", "other", "images/a.tif"],
        ["images/b/*.tif", "images/?.tif"],
        ["cells.zarr"],
    ],
)
def test_inputs_of_all_kinds_are_taken_as_a_run_takes_them(user, images, cytomill, inputs):
    shutil.copytree("images", "other")
    assert cytomill("sample", "-q", "-o", "made", "-n", 1, "--size", "64x64", "--format", "zarr")
    shutil.copytree(next(Path("made/images").glob("*.zarr")), "cells.zarr")
    assert cytomill("submit", *inputs, "-o", "there", "-q").code == 0
    assert cytomill("run", *inputs, "-o", "here", "-q").code == 0
    assert files("there") == files("here")


def test_zarr_results_and_a_pattern(user, images, cytomill):
    words = ["images", "--pattern", "[ab]*", "--format", "zarr", "--ngff", "0.5"]
    assert cytomill("submit", *words, "-o", "there", "-q").code == 0
    assert cytomill("run", *words, "-o", "here", "-q").code == 0
    assert set(files("there")) == set(files("here"))
    assert "a.ome.zarr/zarr.json" in files("there")


def test_submit_and_come_back(user, images, cytomill):
    done = cytomill("submit", "images", "--name", "mine")
    job = done.out.strip()
    assert re.fullmatch("[0-9a-f]{24}", job)
    assert f"cytomill jobs download {job[:8]} -o OUT" in done.err
    watched = cytomill("jobs", "watch", job[:8])
    assert re.search(r"3 done in [\d.]+ s; \d+ objects", watched.out)
    listed = cytomill("jobs", "list")
    head, row = listed.out.splitlines()
    assert head.split() == ["job", "state", "done", "failed", "pipeline", "age", "name"]
    assert row.split()[:3] == [job[:8], "done", "3/3"]
    assert row.endswith("mine")
    assert "pipeline  nuclei" in cytomill("jobs", "show", job).out
    assert cytomill("jobs", "show", job, "--json").told["id"] == job
    fetch = ["jobs", "download", job[:6], "-o", "out"]
    assert cytomill(*fetch).out == "6 files fetched to out\n"
    assert cytomill(*fetch).out == "0 files fetched to out, 6 were there\n"
    assert cytomill("jobs", "pin", job).out == f"{job[:8]}  done, pinned\n"
    assert cytomill("jobs", "unpin", job).out == f"{job[:8]}  done\n"
    assert cytomill("jobs", "delete", job).out == f"{job[:8]}  deleted\n"
    gone = cytomill("jobs", "show", job)
    assert gone.code == 1 or "deleting" in gone.out


def test_what_was_sent_is_not_sent_again(user, images, cytomill, server):
    for _ in range(2):
        assert cytomill("submit", "images", "-q").code == 0
    with server.client(user) as client:
        assert len(client.get("/uploads").json()["uploads"]) == 1
    tifffile.imwrite(images / "a.tif", np.zeros((9, 9), np.uint8))
    assert cytomill("submit", "images", "-q").code == 0
    with server.client(user) as client:
        assert len(client.get("/uploads").json()["uploads"]) == 2


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["nowhere"], "nowhere: does not exist"),
        ([], "give INPUT to send, or --source"),
        (["images", "--source", "nas"], "give INPUT to send, or --source"),
        (["images", "--prefix", "x"], "--prefix: is a folder of a source"),
        (["--source", "nas"], "source 'nas': there is none"),
        (
            ["images", "-p", "unknown"],
            "no pipeline 'unknown'; it has: link, model, nuclei",
        ),
        (["images", "--option", "radius=3"], "nuclei has no option 'radius' there"),
        (["images", "--option", "radius"], "write NAME=VALUE"),
        (["images", "--pixel-size", "-1"], "pixel_size"),
        (["images", "--pixel-size", "1", "--option", "pixel_size=1"], "is given twice"),
        (["images", "--server", "kiosk"], "--server 'kiosk': is no address"),
        (["images", "--server", "http://127.0.0.1:1"], "no kiosk answers (connection refused)"),
        (["images", "--token", "wrong"], "the token is wrong, revoked or expired"),
        (["images", "-o", "images"], "holds what no download made"),
        (["images", "--overwrite"], "--overwrite: is about the folder of results"),
    ],
)
def test_what_cannot_be_begun_is_told_and_sends_nothing(
    user, images, cytomill, server, words, fault
):
    done = cytomill("submit", *words)
    assert (done.code, done.out) == (2, "")
    assert fault in done.err
    assert len(done.err.splitlines()) == 1
    with server.client(user) as client:
        assert client.get("/uploads").json()["uploads"] == []


def test_a_source_of_the_kiosk(redis_url, own_redis, tmp_path, images, cytomill, monkeypatch):
    with lab(tmp_path / "kiosk", own_redis.url, sources=f"nas={tmp_path}") as found:
        words = ["--server", found.url, "--token", found.token]
        named = ["--source", "nas", "--prefix", "images", "--pattern", "*c*"]
        done = cytomill("submit", *named, *words, "-o", tmp_path / "out", "--json", "-q")
    assert done.code == 0, done.err
    assert (tmp_path / "out/b/c_labels.tif").exists()
    assert done.told["done"] == 1


def test_a_pipeline_that_only_the_kiosk_has(images, cytomill):
    sent = []

    def answer(request):
        path = request.path.partition("?")[0].removeprefix("/api/v1")
        if path == "/pipelines":
            tell(request, 200, [{"name": "spots"}])
        elif path == "/pipelines/spots":
            options = {"properties": {"radius": {}, "name": {}, "bright": {}}}
            tell(request, 200, {"name": "spots", "options": options})
        elif path == "/uploads":
            tell(request, 200, {"id": "u", "uploads": [], "next": None})
        elif path == "/jobs":
            sent.append(json.loads(request.body))
            tell(request, 201, {"id": "j" * 24, "state": "listing"})
        else:
            tell(request, 201, [])

    with answering(answer) as url:
        words = ["submit", images, "--server", url, "-p", "spots"]
        given = ["--option", "radius=2.5", "--option", "name=x=y", "--option", "bright=true"]
        assert cytomill(*words, *given, "--json").told == {"job": "j" * 24, "state": "listing"}
        assert "no option 'colour' there" in cytomill(*words, "--option", "colour=1").err
    (job,) = sent
    assert job["options"] == {"radius": 2.5, "name": "x=y", "bright": True}
    assert (job["pipeline"], job["name"]) == ("spots", "images")


@pytest.fixture
def idle(own_redis, tmp_path):
    """A kiosk without consumers: whatever it is given waits."""
    with kiosk(tmp_path / "idle", own_redis.url) as found:
        yield found


def test_ctrl_c_while_waiting_leaves_the_job_alone(idle, images, start, cytomill):
    words = ["--server", idle.url, "--token", idle.token]
    process = start("submit", images, "--wait", *words)
    job = process.stdout.readline().strip()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"job {job} goes on: cytomill jobs watch {job[:8]}" in told
    assert "Traceback" not in told
    assert cytomill("jobs", "show", job, "--json", *words).told["state"] == "listing"
    assert cytomill("jobs", "pause", job, *words).out.endswith("  paused\n")
    assert cytomill("jobs", "resume", job, *words).out.endswith("  listing\n")
    assert cytomill("jobs", "cancel", job[:4], *words).out.endswith("  cancelled\n")
    ended = cytomill("jobs", "watch", job, *words)
    assert ended.code == 1
    assert f"job {job} was cancelled" in ended.err


def test_ctrl_c_while_sending_is_told(images, start):
    sending, over, made = threading.Event(), threading.Event(), []

    def answer(request):
        path = request.path.partition("?")[0].removeprefix("/api/v1")
        if path == "/pipelines":
            tell(request, 200, [{"name": "nuclei"}])
        elif path == "/pipelines/nuclei":
            tell(request, 200, {"options": {}})
        elif path == "/uploads":
            tell(request, 200, {"id": "u", "uploads": [], "next": None})
        elif path == "/jobs":
            made.append(request.body)
        else:
            sending.set()
            over.wait(60)

    with answering(answer) as url:
        process = start("submit", images, "--server", url)
        assert sending.wait(60)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
        over.set()
    assert (process.returncode, out, made) == (130, "", [])
    assert "what was finished is kept, run the same command to go on" in told
    assert len(told.splitlines()) == 1


def test_beginnings_of_several_jobs_and_of_none(idle, images, cytomill):
    words = ["--server", idle.url, "--token", idle.token]
    jobs = [cytomill("submit", images, "-q", *words).out.strip() for _ in range(17)]
    first = [job[0] for job in jobs]
    twice = next(letter for letter in first if first.count(letter) > 1)
    done = cytomill("jobs", "cancel", twice, *words)
    assert done.code == 2
    assert f"{twice}: several jobs begin so" in done.err
    assert cytomill("jobs", "cancel", "x", *words).code == 1
    states = {job["state"] for job in json.loads(cytomill("jobs", "list", "--json", *words).out)}
    assert states == {"listing"}


def test_somebody_elses_job_is_not_there(user, images, cytomill, server):
    job = cytomill("submit", "images", "-q").out.strip()
    done = cytomill("jobs", "show", job, "--token", server.token_of("eve"))
    assert done.code == 1
    assert "not_found" in done.err


def test_an_array_gives_the_labels_that_segment_gives(user, server, scene):
    image = np.stack([scene[0], nuclei(Scene((200, 200)), seed=5)[0]])
    with package.Client() as client:
        for array, options in (
            (image[0], {}),
            (image, {"axes": "TYX", "pixel_size": 0.5}),
            (image, {"axes": "CYX", "channel": 1}),
            (image.astype(np.float64) / 7, {}),
        ):
            labels = client.run(array, **options)
            expected = package.segment(array, **options)
            assert labels.dtype == expected.dtype
            assert np.array_equal(labels, expected), options
        assert client.jobs() == [] or {job.state for job in client.jobs()} == {"deleting"}
        assert client.uploads() == []
        with pytest.raises(package.CytomillError, match="no channel"):
            client.run(image[0], channel="DAPI")


def test_files_from_python(user, images):
    with package.Client() as client:
        results = client.run(images, out="out", overlay=True)
        assert (results.done, len(results.failed)) == (3, 0)
        assert results.manifest == Path("out/manifest.json")
        assert Path("out/b/c_overlay.png").exists()
        assert client.run([images], out="out", overlay=True).objects == results.objects


def test_axes_are_said_to_a_kiosk_as_to_a_run(user, images, cytomill):
    plane = tifffile.imread(images / "a.tif")
    tifffile.imwrite("s.tif", np.stack([plane, plane[::-1]]), photometric="minisblack")
    words = ["s.tif", "--axes", "tyx"]
    assert cytomill("submit", *words, "-o", "there", "-q").code == 0
    assert cytomill("run", *words, "-o", "here", "-q").code == 0
    assert files("there") == files("here")
    done = cytomill("submit", "s.tif", "--axes", "TYY")
    assert (done.code, "Y is there twice" in done.err) == (2, True)


def test_results_are_fetched_in_other_formats(user, images, cytomill):
    job = cytomill("submit", "images", "-q", "--wait").out.split()[0]
    words = ("jobs", "download", job, "-o", "there", "--formats")
    done = cytomill(*words, "zarr, overlay,csv", "--json")
    assert (done.code, done.told["faults"], done.told["kept"]) == (0, [], 0)
    assert cytomill("run", "images", "--format", "zarr", "--overlay", "-o", "here", "-q").code == 0
    expected = files("here")
    del expected["measurements.parquet"]
    found = files("there")
    assert found.keys() == expected.keys()
    assert done.told["fetched"] == len(found)
    assert done.told["tables"] == ["there/measurements.csv"]
    # The manifest tells what the job wrote.
    assert [name for name in found if found[name] != expected[name]] == ["manifest.json"]
    wrong = cytomill(*words, "docx")
    assert wrong.code == 1
    assert "no 'docx' of this job; it has tiff, zarr, csv" in wrong.err
    with package.Client() as client:
        upload = client.job(job).inputs[0]["upload"]
        client.delete_upload(upload)
        assert [one["name"] for one in client.formats(job)][:2] == ["tiff", "zarr"]
    done = cytomill(*words, "tiff,zarr")
    assert done.code == 1
    assert "some could not be made; see there/a_error.txt and 2 more" in done.err
    assert "has been deleted" in Path("there/a_error.txt").read_text()
    assert Path("there/a_labels.tif").exists()
