"""What viewers read: pixels and labels as OME-Zarr that any client can open."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from tests.kiosk import kiosk
from tests.viewed import arrays, make

RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def api(tmp_path_factory, redis_server):
    with kiosk(tmp_path_factory.mktemp("kiosk"), redis_server.url, user_requests=10**6) as running:
        yield running


@pytest.fixture(scope="module")
def ann(api):
    with api.client() as client:
        yield client


def view(client, made):
    answer = client.get(made.path("view"))
    assert answer.status_code == 200, answer.text
    return answer.json()["images"]


def labelled(height, width, *, times=1, depths=1, dtype=np.int32):
    """Labels (t, z, y, x) of squares of 40 pixels with gaps."""
    y, x = np.ogrid[:height, :width]
    plane = (y // 50 * (width // 50 + 1) + x // 50 + 1) * ((y % 50 < 40) & (x % 50 < 40))
    return np.broadcast_to(plane.astype(dtype), (times, depths, height, width)).copy()


@pytest.mark.parametrize("form", ["tiff", "zarr"])
def test_pixels_and_labels_are_those_of_the_files(api, ann, tmp_path, form):
    pixels = RANDOM.integers(0, 4000, (2, 700, 1100), np.uint16)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        pixels,
        metadata={"axes": "CYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25,
                  "Channel": {"Name": ["DAPI", "GFP"]}},
    )  # fmt: skip
    labels = labelled(700, 1100)
    made = make(api, ann, path, labels=[labels], form=form, objects=308)
    (told,) = view(ann, made)
    assert told["shape"] == {"t": 1, "c": 2, "z": 1, "y": 700, "x": 1100}
    assert (told["dtype"], told["axes"], told["rgb"]) == ("uint16", "CYX", False)
    assert told["pixel_size"] == {"x": 0.5, "y": 0.25, "z": None}
    assert told["levels"] == [[700, 1100], [350, 550], [175, 275]]
    assert (told["ready"], told["progress"], told["error"]) == (True, 1, None)
    assert told["labels"] == {"dtype": "uint32", "count": 308}
    assert [one["name"] for one in told["channels"]] == ["DAPI", "GFP"]
    found = arrays(ann, made.path("view/0/image.zarr"))
    np.testing.assert_array_equal(found[0][0, :, 0], pixels)
    assert [one.shape[3:] for one in found] == [tuple(one) for one in told["levels"]]
    found = arrays(ann, made.path("view/0/labels.zarr"))
    np.testing.assert_array_equal(found[0][:, 0], labels)
    np.testing.assert_array_equal(found[1][:, 0], labels[..., ::2, ::2])
