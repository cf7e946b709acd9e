from __future__ import annotations

import numpy as np
import pytest

from cytomill.batch.outputs import Outputs
from cytomill.errors import OptionError, OutputError
from cytomill.image.array import from_array
from cytomill.image.core import PixelSize
from cytomill.image.formats import open_images
from cytomill.pipelines.base import Result

LABELS = np.zeros((1, 1, 20, 30), np.uint16)
LABELS[0, 0, 5:9, 5:9] = 1
RESULT = Result(LABELS, 1, None, 0, PixelSize(0.5, 0.5), {})
IMAGE = from_array(LABELS[0, 0].astype(np.uint8), pixel_size=2.0)


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (Outputs(), ["a/b_labels.tif"]),
        (Outputs("zarr"), ["a/b.ome.zarr"]),
        (Outputs("zarr", ngff="0.5"), ["a/b.ome.zarr"]),
        (Outputs(overlay=True), ["a/b_labels.tif", "a/b_overlay.png"]),
        (
            Outputs(overlay=True, geojson=True),
            ["a/b_labels.tif", "a/b_overlay.png", "a/b.geojson"],
        ),
    ],
)
def test_exactly_the_named_files_are_written(tmp_path, outputs, names):
    assert outputs.names("a/b") == names
    outputs.write(tmp_path, "a/b", IMAGE, RESULT, "nuclei")
    written = {f"a/{path.name}" for path in (tmp_path / "a").iterdir()}
    assert written == set(names)


def test_labels_have_the_pixel_size_that_was_used(tmp_path):
    Outputs().write(tmp_path, "a", IMAGE, RESULT, "nuclei")
    with open_images(tmp_path / "a_labels.tif") as file:
        assert file.images[0].pixel_size == PixelSize(0.5, 0.5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "png"}, "--format png: must be tiff or zarr"),
        ({"ngff": "0.4"}, "--ngff 0.4: only OME-Zarr has it; add --format zarr"),
        ({"format": "zarr", "ngff": "0.3"}, "--ngff 0.3: must be 0.4 or 0.5"),
    ],
)
def test_what_cannot_be_written_is_refused(options, told):
    with pytest.raises(OptionError) as refused:
        Outputs(**options)
    assert str(refused.value) == told


def test_a_file_where_a_folder_is_needed_is_told(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        Outputs().write(tmp_path, "a/b", IMAGE, RESULT, "nuclei")
