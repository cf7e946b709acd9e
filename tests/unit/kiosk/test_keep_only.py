"""What is left of earlier attempts goes, whatever a consumer that died was about."""

from __future__ import annotations

from pathlib import Path

from cytomill.jobs import layout
from cytomill.jobs.bucket import Bucket
from cytomill.kiosk.process import keep_only


def test_nothing_of_earlier_attempts_is_left(tmp_path: Path) -> None:
    bucket = Bucket(str(tmp_path))
    attempts = [tmp_path / layout.attempt("job", 7, attempt) for attempt in range(1, 5)]
    for place in attempts:
        place.mkdir(parents=True)
    (attempts[1] / ".0_labels.tif.12.abcdef01.part").write_bytes(b"half")
    (attempts[2] / "0.ome.zarr" / "0").mkdir(parents=True)
    (attempts[2] / "0_labels.tif").write_bytes(b"whole")
    (attempts[3] / "0_labels.tif").write_bytes(b"whole")
    other = tmp_path / layout.attempt("job", 8, 1)
    other.mkdir(parents=True)
    keep_only(bucket, "job", 7, 4)
    assert [place.exists() for place in attempts] == [False, False, False, True]
    assert (attempts[3] / "0_labels.tif").read_bytes() == b"whole"
    assert other.exists()


def test_there_may_be_nothing(tmp_path: Path) -> None:
    keep_only(Bucket(str(tmp_path)), "job", 1, 3)
    assert not (tmp_path / "jobs").exists()
