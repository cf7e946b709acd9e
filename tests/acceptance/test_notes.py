"""What a user is told of a part that was lost, and the folders and tables of such a result."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cytomill.client import Client
from cytomill.pipelines import registry
from cytomill.pipelines.own import OwnPipelines
from cytomill.settings import settings
from tests import frail
from tests.labs import lab

NOTE = "Plane 5 is lost: a.tif: could not be processed (ValueError: no good); please report this"
WORDS = ("-p", "frail", "--fault", "always")


@pytest.fixture(autouse=True)
def _own(tmp_path, monkeypatch):
    made = frail.pipeline(tmp_path)
    own = OwnPipelines(Path(made["CYTOMILL_PIPELINES"]))
    monkeypatch.setattr(registry, "_own", lambda: own)
    monkeypatch.setenv("FRAIL", made["FRAIL"])
    monkeypatch.chdir(tmp_path)
    frail.stack(tmp_path / "images/a.tif", 6)
    frail.stack(tmp_path / "images/b.tif", 4)


def files(folder: str) -> dict[str, bytes]:
    """The files of results with their content."""
    found = {one.relative_to(folder).as_posix(): one for one in Path(folder).rglob("*")}
    return {
        name: path.read_bytes()
        for name, path in sorted(found.items())
        if path.is_file() and not name.startswith(".") and name != "manifest.json"
    }


def test_a_run_tells_and_a_second_one_tells_again(cytomill):
    for words in ([], ["--overwrite"], []):
        done = cytomill("run", "images", "-o", "out", *WORDS, *words)
        assert done.code == 0
        assert f"note: a.tif: {NOTE}\n" in done.out
        assert done.out.count("note: ") == 1
        assert f"files     {Path('out/a_planes.json')} and 3 more\n" in done.out
        assert f"table     {Path('out/planes.csv')}\n" in done.out
    told = cytomill("run", "images", "-o", "out", *WORDS, "--json").told
    assert (told["skipped"], told["notes"]) == (2, [{"input": "a.tif", "note": NOTE}])
    first, second = json.loads(Path("out/manifest.json").read_text())["inputs"]
    assert first["notes"] == [NOTE]
    assert "notes" not in second
    assert first["outputs"] == ["a_labels.tif", "a_planes.json", "a_RES"]


def test_a_journal_of_another_version_means_that_all_is_done_again(cytomill):
    cytomill("run", "images", "-o", "out", *WORDS)
    journal = Path("out/.cytomill/journal.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        del line["tables"], line["notes"]
        line |= {"rows": None, "classes": None}
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = cytomill("run", "images", "-o", "out", *WORDS, "--json").told
    assert (told["done"], told["skipped"], told["failed"]) == (2, 0, [])


def test_a_kiosk_gives_the_same_and_tells_it(cytomill, redis_url, tmp_path, monkeypatch):
    cytomill("run", "images", "-o", "here", *WORDS)
    with lab(tmp_path / "kiosk", redis_url) as server:
        own = replace(settings, server=server.url, token=server.token)
        monkeypatch.setattr("cytomill.client.server.settings", own)
        done = cytomill("submit", "images", "-o", "there", *WORDS)
        assert done.code == 0, done.err
        assert f"note: a.tif: {NOTE}\n" in done.out
        told = cytomill("jobs", "download", "last", "-o", "there", "--json").told
        assert told["notes"] == [{"input": "a.tif", "note": NOTE}]
        with Client(server.url, server.token) as client, server.client() as api:
            job = client.find("last").id
            first, second = client.items(job)
            packed = api.get(f"/jobs/{job}/results.zip").content
            member = api.get(f"/jobs/{job}/items/0/outputs/a_RES/mask003.npy").content
            assert api.get(f"/jobs/{job}/items/0/outputs/a_RES/none").status_code == 404
            assert api.get(f"/jobs/{job}/items/0/preview.png").status_code == 200
    expected = files("here")
    assert files("there") == expected
    assert (first.notes, second.notes) == ((NOTE,), ())
    assert {one.name: one.folder for one in first.outputs} == {
        "a_labels.tif": False,
        "a_planes.json": False,
        "a_RES": True,
    }
    size = sum(len(data) for name, data in expected.items() if name.startswith("a_RES/"))
    assert first.outputs[-1].bytes == size
    assert member == expected["a_RES/mask003.npy"]
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        names = set(opened.namelist()) - {"manifest.json"}
        assert {name: opened.read(name) for name in names} == expected
