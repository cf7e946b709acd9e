"""What viewers read: pixels and labels as OME-Zarr that any client can open."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np
import PIL.Image
import pyarrow as pa
import pytest
import tifffile

from cytomill.image import ngff_write, series
from cytomill.image.archive import zip_entries
from cytomill.image.array import from_array
from cytomill.jobs import layout
from cytomill.kiosk import frames, place
from tests.integration.test_api_jobs import problem
from tests.kiosk import kiosk
from tests.viewed import arrays, make

RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def api(tmp_path_factory, module_redis):
    with kiosk(tmp_path_factory.mktemp("kiosk"), module_redis, user_requests=10**6) as running:
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


def stack(path, pixels, axes):
    tifffile.imwrite(path, pixels, metadata={"axes": axes})


def picture(path, pixels, axes):
    PIL.Image.fromarray(np.moveaxis(pixels, 0, -1) if axes == "CYX" else pixels).save(path)


def folder(path, pixels, axes):
    ngff_write.write_image(path, from_array(pixels, axes))


FLOATS = RANDOM.normal(0, 5, (520, 600)).astype(np.float32)
FLOATS[:20] = np.nan
FLOATS[30, 30] = np.inf
BYTES = RANDOM.integers(0, 255, (3, 530, 610), np.uint8)

#: Name of the file, how it is written, its pixels and axes, and the type that they are sent as.
KINDS = [
    ("bytes.tif", stack, BYTES[0], "YX", "uint8"),
    ("grey.png", picture, BYTES[0], "YX", "uint8"),
    ("colours.png", picture, BYTES, "CYX", "uint8"),
    ("bits.png", picture, BYTES[0] > 100, "YX", "uint8"),
    ("floats.tif", stack, FLOATS, "YX", "float32"),
    ("doubles.tif", stack, FLOATS.astype(np.float64), "YX", "float32"),
    ("signed.tif", stack, BYTES[0].astype(np.int16) - 100, "YX", "float32"),
    ("wide.tif", stack, BYTES[0].astype(np.uint32) * 7, "YX", "float32"),
    ("depth.ome.tif", stack, RANDOM.integers(0, 99, (4, 60, 70), np.uint16), "ZYX", "uint16"),
    ("movie.ome.tif", stack, RANDOM.integers(0, 99, (3, 2, 2, 60, 70), np.uint8), "TZCYX", "uint8"),
    ("folder.zarr", folder, RANDOM.integers(0, 99, (2, 1100, 1200), np.uint16), "CYX", "uint16"),
    ("tiny.tif", stack, BYTES[0, :1, :1], "YX", "uint8"),
    ("line.tif", stack, BYTES[0].reshape(1, -1)[:, :2000], "YX", "uint8"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "pixels", "axes", "dtype"), KINDS)
def test_images_of_all_kinds_are_what_their_files_hold(
    api, ann, tmp_path, name, write, pixels, axes, dtype
):
    path = tmp_path / name
    write(path, pixels, axes)
    made = make(api, ann, path)
    (told,) = view(ann, made)
    expected = from_array(pixels, axes)
    assert (told["dtype"], told["error"], told["labels"]) == (dtype, None, None)
    assert tuple(told["shape"].values()) == expected.shape
    assert told["rgb"] == (name == "colours.png")
    found = arrays(ann, made.path("view/0/image.zarr"))
    assert found[0].dtype == dtype
    planes = [(t, c, z) for t, c, z in np.ndindex(expected.shape[:3])]
    for plane in planes:
        np.testing.assert_array_equal(found[0][plane], expected.read(*plane).astype(dtype))
    for one, channel in enumerate(told["channels"]):
        assert channel["low"] < channel["high"], one
        assert np.isfinite([channel["low"], channel["high"], channel["min"], channel["max"]]).all()


def test_contrast_is_that_of_nearly_all_pixels(api, ann, tmp_path):
    pixels = RANDOM.normal(1000, 50, (700, 700)).astype(np.uint16)
    pixels[:4, :4] = 60_000
    stack(tmp_path / "a.tif", pixels, "YX")
    made = make(api, ann, tmp_path / "a.tif")
    (channel,) = view(ann, made)[0]["channels"]
    assert 900 < channel["low"] < 960
    assert 1040 < channel["high"] < 1300
    assert channel["max"] == 60_000
    told = ann.get(made.path("view/0/image.zarr/.zattrs")).json()
    window = {"start": channel["low"], "end": channel["high"]}
    assert window.items() <= told["omero"]["channels"][0]["window"].items()


def test_an_image_in_a_zip_is_shown(api, ann, tmp_path):
    stack(tmp_path / "b.tif", BYTES[0], "YX")
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(tmp_path / "b.tif", "inside/b.tif")
    (entry,) = zip_entries(path, "z.zip", lambda _: True)
    item = {"name": "z/inside/b.tif", "entry": place.told(entry.source, path, "z.zip")}
    made = make(api, ann, path, item=item)
    assert view(ann, made)[0]["name"] == "z/inside/b.tif"
    (found, _) = arrays(ann, made.path("view/0/image.zarr"))
    np.testing.assert_array_equal(found[0, 0, 0], BYTES[0])


def test_frames_in_a_folder_are_a_movie(api, ann, tmp_path):
    place = tmp_path / "movie"
    place.mkdir()
    names = [f"t{number}.tif" for number in range(3)]
    for name, frame in zip(names, BYTES, strict=True):
        stack(place / name, frame, "YX")
    upload = make(api, ann, place).upload
    ((found, _),) = series.series_of(names)
    keys = {name: f"{layout.upload_files(upload)}/movie/{name}" for name in names}
    item = {"entry": frames.told_objects(found, keys), "name": "movie"}
    made = make(api, ann, place, item=item, pipeline="track")
    (told,) = view(ann, made)
    assert (told["axes"], told["shape"]["t"], told["error"]) == ("TYX", 3, None)
    np.testing.assert_array_equal(arrays(ann, made.path("view/0/image.zarr"))[0][:, 0, 0], BYTES)
    # Of a frame that is damaged it is said which; the others are shown.
    ann.put(f"/uploads/{upload}/files/movie/t1.tif", content=b"II*\0 no image")
    made = make(api, ann, place, item={**item, "stem": "b"}, pipeline="track")
    assert ann.get(made.path("view/0/image.zarr/0/0/0/0/0/0")).status_code == 200
    told = problem(ann.get(made.path("view/0/image.zarr/0/1/0/0/0/0")), 422, "input")
    assert told["detail"].startswith("movie/t1.tif: ")


def test_each_image_of_a_file_has_a_number(api, ann, tmp_path):
    path = tmp_path / "several.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for number in range(3):
            writer.write(BYTES[number, : 500 + number], metadata={"axes": "YX"})
    labels = [labelled(500 + number, 610) * (number + 1) for number in range(3)]
    table = pa.table({"image": ["several.ome.tif#1"] * 2, "label": [1, 2], "area": [3.0, 4.0]})
    made = make(api, ann, path, labels=labels, tables={"measurements": table})
    told = view(ann, made)
    assert [one["name"] for one in told] == [f"several.ome.tif#{number}" for number in range(3)]
    assert [one["rows"] for one in told] == [0, 2, 0]
    for number in range(3):
        (found, _) = arrays(ann, made.path(f"view/{number}/image.zarr"))
        np.testing.assert_array_equal(found[0, 0, 0], BYTES[number, : 500 + number])
        (found, _) = arrays(ann, made.path(f"view/{number}/labels.zarr"))
        np.testing.assert_array_equal(found[:, 0], labels[number])
    answer = ann.get(made.path("view"), params={"after": 1, "limit": 1}).json()
    assert ([one["name"] for one in answer["images"]], answer["next"]) == ([told[1]["name"]], 2)
    problem(ann.get(made.path("view/3/image.zarr/.zattrs")), 404, "not_found")


def test_an_image_is_as_its_pipeline_saw_it(api, ann, tmp_path):
    pixels = RANDOM.integers(0, 99, (5, 60, 70), np.uint16)
    stack(tmp_path / "a.ome.tif", pixels, "ZYX")
    made = make(api, ann, tmp_path / "a.ome.tif", pipeline="track")
    (told,) = view(ann, made)
    assert (told["axes"], told["shape"]["t"], told["shape"]["z"]) == ("TYX", 5, 1)
    (found,) = arrays(ann, made.path("view/0/image.zarr"))
    np.testing.assert_array_equal(found[:, 0, 0], pixels)


def test_an_image_is_as_its_user_corrected_it(api, ann, tmp_path):
    pixels = RANDOM.integers(0, 99, (5, 60, 70), np.uint16)
    stack(tmp_path / "a.ome.tif", pixels, "ZYX")
    item = {"axes": "CYX", "pixel_size": 0.25}
    made = make(api, ann, tmp_path / "a.ome.tif", item=item)
    (told,) = view(ann, made)
    assert (told["axes"], told["shape"]["c"]) == ("CYX", 5)
    assert told["pixel_size"] == {"x": 0.25, "y": 0.25, "z": None}
    (found,) = arrays(ann, made.path("view/0/image.zarr"))
    np.testing.assert_array_equal(found[0, :, 0], pixels)


@pytest.fixture(scope="module")
def usual(api, ann, tmp_path_factory):
    """An item with labels and measurements."""
    path = tmp_path_factory.mktemp("usual") / "a.tif"
    stack(path, BYTES[0], "YX")
    table = pa.table({"image": ["a.tif"] * 3, "label": [1, 2, 3], "area_um2": [3.0, None, 4.0]})
    return make(
        api, ann, path, labels=[labelled(530, 610)], objects=3, tables={"measurements": table}
    )


def test_an_image_that_is_not_done_is_shown_alone(api, ann, tmp_path):
    stack(tmp_path / "a.tif", BYTES[0], "YX")
    made = make(api, ann, tmp_path / "a.tif", done=False)
    (told,) = view(ann, made)
    assert (told["labels"], told["rows"], told["columns"], told["tracks"]) == (None, 0, [], False)
    np.testing.assert_array_equal(arrays(ann, made.path("view/0/image.zarr"))[0][0, 0, 0], BYTES[0])
    problem(ann.get(made.path("view/0/labels.zarr/.zattrs")), 404, "not_found")
    assert ann.get(made.path("measurements")).json()["rows"] == 0
    assert ann.get(made.path("tracks")).json() == {"tracks": [], "next": None}


def test_labels_are_shown_of_an_image_that_has_been_deleted(api, ann, tmp_path, monkeypatch):
    from cytomill.kiosk.view import opened

    stack(tmp_path / "a.tif", BYTES[0], "YX")
    made = make(api, ann, tmp_path / "a.tif", labels=[labelled(530, 610)], objects=7)
    assert view(ann, made)[0]["error"] is None
    monkeypatch.setattr(opened, "_FRESH", 0.0)
    ann.delete(f"/uploads/{made.upload}").raise_for_status()
    (told,) = view(ann, made)
    assert "the image itself has been deleted" in told["error"]["fault"]
    assert (told["dtype"], told["channels"], told["shape"]["x"]) == (None, [], 610)
    assert told["labels"] == {"dtype": "uint32", "count": 7}
    (found, _) = arrays(ann, made.path("view/0/labels.zarr"))
    np.testing.assert_array_equal(found[:, 0], labelled(530, 610))
    said = problem(ann.get(made.path("view/0/image.zarr/0/0/0/0/0/0")), 404, "not_found")
    assert "deleted" in said["detail"]


def test_an_image_that_was_deleted_and_has_no_labels_is_not_there(api, ann, tmp_path):
    stack(tmp_path / "a.tif", BYTES[0], "YX")
    made = make(api, ann, tmp_path / "a.tif", done=False)
    ann.delete(f"/uploads/{made.upload}").raise_for_status()
    assert "deleted" in problem(ann.get(made.path("view")), 404, "not_found")["detail"]


def test_what_is_damaged_is_told_in_words_that_do_not_say_where_it_lies(api, ann, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0 no image")
    made = make(api, ann, path, done=False)
    told = problem(ann.get(made.path("view")), 422, "input")["detail"]
    assert told.startswith("a.tif: ")
    assert "/" not in told


def test_labels_that_are_damaged_do_not_hide_the_image(api, ann, tmp_path):
    stack(tmp_path / "a.tif", BYTES[0], "YX")
    made = make(api, ann, tmp_path / "a.tif", labels=[labelled(530, 610)])
    (key,) = [
        one.key for one in api.backend.bucket.list(layout.job(made.job)) if "labels" in one.key
    ]
    api.backend.bucket.put(key, b"II*\0 no image")
    (told,) = view(ann, made)
    assert (told["dtype"], told["labels"]) == ("uint8", None)
    assert "cut short" in told["error"]["fault"]
    said = problem(ann.get(made.path("view/0/labels.zarr/.zattrs")), 422, "input")
    assert said["detail"].startswith("a_labels.tif: ")


@pytest.mark.parametrize(
    "path",
    [
        "view/0/image.zarr/", "view/0/image.zarr/0", "view/0/image.zarr/..", "view/0/image.zarr/.",
        "view/0/image.zarr/%2e%2e/%2e%2e/x", "view/0/image.zarr/..%2f..%2f.zattrs",
        "view/0/image.zarr/0/0/0/0/0/99", "view/0/image.zarr/0/1/0/0/0/0",
        "view/0/image.zarr/9/.zarray", "view/0/image.zarr/9/0/0/0/0/0",
        "view/0/image.zarr/0/0/0/0/0/00", "view/0/image.zarr/0/0/0/0/0/-1",
        "view/0/image.zarr/zarr.json", "view/0/image.zarr/%00", "view/0/image.zarr//etc/passwd",
        "view/0/labels.zarr/0/0/1/0/0/0", "view/1/image.zarr/.zattrs", "view/1/labels.zarr/.zattrs",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(ann, usual, path):
    problem(ann.get(usual.path(path)), 404, "not_found")


def test_places_that_are_no_numbers_are_refused(ann, usual):
    for path in ("view/-1/image.zarr/.zattrs", "view/x/image.zarr/.zattrs"):
        problem(ann.get(usual.path(path)), 422, "option")
    problem(ann.get(usual.path("view").replace("items/0", "items/9")), 404, "not_found")
    problem(ann.get(usual.path("measurements"), params={"columns": "area"}), 422, "option")
    problem(ann.get(usual.path("view"), params={"size": 9}), 422, "option")


def test_chunks_are_packed_as_the_client_can_unpack_them(ann, usual):
    path = usual.path("view/0/labels.zarr/0/0/0/0/0/0")

    def raw(accepted):
        headers = {"Accept-Encoding": accepted}
        with ann.stream("GET", path, headers=headers) as answer:
            return answer.headers.get("content-encoding"), b"".join(answer.iter_raw())

    name, plain = raw("identity")
    assert (name, len(plain)) == (None, 2**20)
    np.testing.assert_array_equal(
        np.frombuffer(plain, "<u4").reshape(512, 512), labelled(530, 610)[0, 0, :512, :512]
    )
    for accepted, expected in (("gzip, zstd;q=0", "gzip"), ("br, zstd", "zstd"), ("br", None)):
        name, packed = raw(accepted)
        assert name == expected
        if expected is not None:
            assert len(packed) < len(plain) / 10
            unpack = imagecodecs.gzip_decode if name == "gzip" else imagecodecs.zstd_decode
            assert bytes(unpack(packed)) == plain


def test_what_a_client_has_is_not_sent_again(ann, usual):
    for below in (".zattrs", "0/.zarray", "0/0/0/0/1/1"):
        path = usual.path(f"view/0/image.zarr/{below}")
        answer = ann.get(path)
        assert answer.headers["cache-control"].startswith("private")
        assert {"Authorization", "Cookie"} <= set(answer.headers["vary"].split(", "))
        again = ann.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = ann.get(path, headers={"If-None-Match": '"x"'})
        assert other.content == answer.content


def test_edges_are_filled_up(ann, usual):
    answer = ann.get(usual.path("view/0/image.zarr/0/0/0/0/1/1"))
    found = np.frombuffer(answer.content, np.uint8).reshape(512, 512)
    np.testing.assert_array_equal(found[:18, :98], BYTES[0, 512:, 512:])
    assert not found[18:].any()
    assert not found[:, 98:].any()


def test_all_who_look_at_once_see_the_same(api, ann, usual):
    def look(number):
        kind = ("image", "labels")[number % 2]
        answer = ann.get(usual.path(f"view/0/{kind}.zarr/{number // 2 % 2}/0/0/0/0/0"))
        return number % 4, answer.status_code, answer.content

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(look, range(64)))
    assert len(found) == 4
    assert {status for _, status, _ in found} == {200}


def test_columns_have_units_and_limits(ann, usual):
    (told,) = view(ann, usual)
    label = {"name": "label", "unit": "", "kind": "number", "min": 1, "max": 3}
    area = {"name": "area_um2", "unit": "µm²", "kind": "number", "min": 3, "max": 4}
    assert (told["rows"], told["columns"]) == (3, [label, area])
