"""What a kiosk tells, parsed once."""

from __future__ import annotations

import pytest

from cytomill.client.records import Item, Job, Stored
from cytomill.errors import PermanentError


def test_a_kiosk_may_be_newer_than_its_client():
    job = Job.parse({"id": "a", "state": "running", "invented later": 1})
    assert (job.id, job.ended) == ("a", False)


@pytest.mark.parametrize("told", [None, [], "x", {}, {"id": "a"}])
@pytest.mark.parametrize("kind", [Job, Item])
def test_what_is_no_record_is_told(kind, told):
    with pytest.raises(PermanentError, match="is a kiosk's, and its version"):
        kind.parse(told)


def test_what_there_is_not_yet_is_empty():
    item = Item.parse({"index": 1, "name": "a", "state": "waiting", "error": None, "outputs": None})
    assert (item.error, item.outputs, item.seconds) == ("", (), {})


@pytest.mark.parametrize("state", ["done", "failed", "cancelled", "deleting"])
def test_a_job_has_ended(state):
    assert Job("a", state).ended


def test_inputs_as_the_api_has_them():
    assert Stored(upload="u").told() == {"upload": "u"}
    assert Stored(upload="u", folder="01").told() == {"upload": "u", "folder": "01"}
    source = Stored(source="nas", prefix="a", pattern="*.tif")
    assert source.told() == {"source": "nas", "prefix": "a", "pattern": "*.tif"}
