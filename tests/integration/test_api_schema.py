"""What the API says of itself is true: requests made from its description find no fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.kiosk import PATIENCE, kiosk, submit, work


@pytest.fixture
def api(tmp_path, redis_url):
    with kiosk(tmp_path, redis_url, user_requests=100_000) as running:
        yield running


@pytest.fixture
def told(api):
    return httpx.get(f"{api.url}/api/v1/openapi.json", timeout=PATIENCE).json()


def run(api, folder, *options):
    """Run schemathesis; it must find nothing."""
    token = api.token_of("ann", role="admin", scopes={"read", "write", "admin", "metrics"})
    program = Path(sys.executable).with_name("schemathesis")
    config = folder / "schemathesis.toml"
    config.touch()
    words = [program, "--config-file", config, "run", f"{api.url}/api/v1/openapi.json"]
    words += ["--header", f"Authorization: Bearer {token}", "--no-color", "--seed", "1"]
    words += ["--request-timeout", f"{PATIENCE}", "--generation-database", "none"]
    # Streams do not end, and what is well formed may still name a job that is not there.
    words += ["--exclude-path-regex", "/events$", "--exclude-checks", "positive_data_acceptance"]
    found = subprocess.run(
        [*words, "--continue-on-failure", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_requests_made_from_the_description_find_no_fault(api, tmp_path):
    run(api, tmp_path, "--phases", "coverage,fuzzing,stateful", "--max-examples", "3")


def test_requests_about_a_job_that_is_there_find_no_fault(api, tmp_path):
    with api.client() as ann:
        job = submit(ann)
        work(api.backend, ["a.tif", "b.tif"], failed=["b.tif"])
    upload = job["inputs"][0]["upload"]
    text = f'[parameters]\njob_id = "{job["id"]}"\nupload = "{upload}"\nindex = 0\n'
    (tmp_path / "schemathesis.toml").write_text(text)
    phases = ["--phases", "coverage,fuzzing", "--max-examples", "10"]
    run(api, tmp_path, *phases, "--include-path-regex", "/{job_id}", "--exclude-method", "DELETE")


def test_every_operation_is_described(told):
    names = []
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            names.append(operation["operationId"])
            assert operation["summary"], place
            assert operation["description"], place
            for status in ("401", "404", "422", "429", "500", "503", "507"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"], place
            is_open = "/health/" in path or path.endswith("/session")
            assert ("security" in operation) != is_open, place
    assert len(names) == len(set(names))


def test_every_field_of_a_request_is_described(told):
    schemas = told["components"]["schemas"]
    sent = [
        content["schema"]["$ref"].rpartition("/")[2]
        for operations in told["paths"].values()
        for operation in operations.values()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]
    assert {"NewJob", "JobChange"} <= set(sent)
    for name in sent:
        assert schemas[name]["additionalProperties"] is False, name
        for field, schema in schemas[name]["properties"].items():
            assert "description" in schema, f"{name}.{field}"


def test_it_names_no_other_host_and_needs_no_page_from_one(api, told):
    assert "http" not in json.dumps(told["paths"])
    assert "servers" not in told
    for page in ("/docs", "/redoc", "/api/v1/docs"):
        assert httpx.get(f"{api.url}{page}", timeout=PATIENCE).status_code == 404
