"""A consumer that is killed in the middle of a movie."""

from __future__ import annotations

import numpy as np
import tifffile

from cytomill.jobs import layout
from cytomill.jobs.job import State
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from tests.compared import by_kiosk, by_run, differing
from tests.consumers import lab, wait_for

OPTIONS = {"files": "all", "max_gap": 1}

#: Frames in a few tasks, as those of a larger movie are.
FRAMES, TILE = 40, 256


def test_a_killed_consumer_changes_no_byte_of_the_tracks(tmp_path, redis_url):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in/a.tif"
    frames = [image for image, _ in Movie(Film(Scene((160, 160)), FRAMES), seed=1)]
    metadata = {"axes": "TYX", "finterval": 300.0}
    tifffile.imwrite(path, np.stack(frames), imagej=True, metadata=metadata)
    with lab(tmp_path, redis_url) as (made, consumers):
        first = consumers.start("--threads", 1, tile=TILE)
        job = made.submit(made.upload(path.parent), pipeline="track", options=OPTIONS)
        bucket, parts = made.backend.bucket, layout.parts(job.id, 0)
        wait_for(lambda: len(list(bucket.list(parts))) > 2)
        first.kill()
        assert not made.job(job).state.ended
        made.backend.queue.bury(first.name, ["track"])
        consumers.start("--threads", 2, tile=TILE)
        assert made.wait(job).state is State.DONE
        files, notes = by_kiosk(made, job)
    expected = by_run(path, tmp_path / "out", pipeline="track", **OPTIONS)
    assert "tracks.csv" in files
    assert (differing(files, expected[0]), notes) == ([], expected[1])
