"""Maps of an image done in tiles by the zoo's reference model are those of the image done whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytomill.image.array import from_array
from cytomill.inference.load import models as load
from cytomill.pipelines import zoo_sample
from cytomill.pipelines.base import Result
from cytomill.pipelines.zoo import Zoo
from cytomill.pipelines.zoo_options import ZooOptions
from cytomill.settings import Settings

MODEL = Path(__file__).resolve().parents[3] / "shared" / "models" / "unet2d_nuclei_broad"

pytestmark = pytest.mark.skipif(
    not MODEL.is_dir(), reason=f"the model is not part of the repository, nor at {MODEL}"
)


def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pixels = np.load(MODEL / "test_input.npy")[0, 0]
    mirrored = np.block([[pixels, pixels[:, ::-1]], [pixels[::-1], pixels[::-1, ::-1]]])
    # Brighter to the right: statistics of a tile would differ from those of the whole.
    image = from_array((mirrored * np.linspace(1, 2, 1024))[:896].astype(np.uint16))
    models = load("cpu", 2)

    def done(settings: Settings) -> tuple[int, Result]:
        monkeypatch.setattr(zoo_sample, "settings", settings)
        pipeline = Zoo(ZooOptions(model=str(MODEL)))
        parts = pipeline.split(image)
        partials = (pipeline.process(image, part, models) for part in parts)
        return len(parts), pipeline.merge(image, partials, tmp_path)

    _, whole = done(Settings(whole=2**40))
    count, tiled = done(Settings(tile=512, whole=1))
    assert count == 4
    one, other = (result.maps["probability"].read() for result in (whole, tiled))
    assert abs(one - other).max() <= 0.003
    assert whole.labels is not None
    assert tiled.labels is not None
    assert abs(whole.count - tiled.count) <= 1
    assert np.mean((whole.labels[...] > 0) != (tiled.labels[...] > 0)) < 1e-5
