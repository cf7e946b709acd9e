"""One's own pipelines in a kiosk that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytomill.pipelines import new, registry
from cytomill.pipelines.own import OwnPipelines
from tests.kiosk import kiosk


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = OwnPipelines(tmp_path / "own")
    monkeypatch.setattr(registry, "_own", lambda: own)
    return tmp_path / "own"


def test_the_api_shows_what_comes_changes_and_goes(tmp_path: Path, redis_url: str, folder: Path):
    with kiosk(tmp_path, redis_url) as running, running.client() as ann:

        def listed() -> dict[str, dict[str, str]]:
            return {one["name"]: one for one in ann.get("/pipelines").json()}

        assert "spots" not in listed()
        path = new.write("spots", folder)
        assert listed()["spots"]["summary"] == "Labels what is brighter than its surroundings."
        told = ann.get("/pipelines/spots").json()
        assert told["options"]["properties"]["sigma"]["default"] == 2.0

        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("Field(2.0,", "Field(12.5,"), encoding="utf-8")
        told = ann.get("/pipelines/spots").json()
        assert told["options"]["properties"]["sigma"]["default"] == 12.5

        path.write_text(text + "\n1 / 0\n", encoding="utf-8")
        assert "ZeroDivisionError" in listed()["spots"]["error"]
        assert listed()["nuclei"]["summary"]

        path.unlink()
        assert ann.get("/pipelines/spots").status_code == 404
