"""Looking into uploads: what was understood of each file, and a small picture of it."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import PIL.Image
import pytest
import tifffile

from cytomill.image import ngff_write
from cytomill.image.array import from_array
from cytomill.kiosk import thumbnail
from tests.kiosk import kiosk


@pytest.fixture(scope="module")
def api(tmp_path_factory, module_redis):
    with kiosk(tmp_path_factory.mktemp("kiosk"), module_redis) as running:
        yield running


@pytest.fixture(scope="module")
def ann(api):
    with api.client() as client:
        yield client


@pytest.fixture
def upload(ann):
    return ann.post("/uploads", json={"name": ""}).json()["id"]


def put(ann, upload, path, content):
    ann.put(f"/uploads/{upload}/files/{path}", content=content).raise_for_status()


def inspect(ann, upload, path, **more):
    answer = ann.get(f"/uploads/{upload}/inspect", params={"path": path, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def thumbnail_of(ann, upload, path, **more):
    answer = ann.get(f"/uploads/{upload}/thumbnail.png", params={"path": path, **more})
    assert answer.status_code == 200, answer.text
    return np.asarray(PIL.Image.open(io.BytesIO(answer.content)))


def tiff(pixels, **more):
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, photometric="minisblack", **more)
    return sink.getvalue()


def packed(files, **more):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, **more) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def stack(frames=3):
    """Dark planes, the one in the middle with a bright left half."""
    pixels = np.zeros((frames, 40, 60), np.uint16)
    pixels[frames // 2, :, :30] = 4000
    return pixels


def test_an_image_is_told_with_all_that_was_understood(ann, upload):
    pixels = np.zeros((3, 2, 40, 60), np.uint16)
    meta = {
        "axes": "ZCYX",
        "Channel": {"Name": ["DAPI", "GFP"]},
        "PhysicalSizeX": 0.5,
        "PhysicalSizeY": 0.5,
        "PhysicalSizeZ": 2.0,
    }
    put(ann, upload, "deep/a.ome.tif", tiff(pixels, ome=True, metadata=meta))
    told = inspect(ann, upload, "deep/a.ome.tif")
    assert (told["path"], told["kind"], told["members"], told["error"]) == (
        "deep/a.ome.tif",
        "image",
        None,
        None,
    )
    (image,) = told["images"]
    assert image == {
        "name": "deep/a.ome.tif",
        "axes": "CZYX",
        "shape": {"t": 1, "c": 2, "z": 3, "y": 40, "x": 60},
        "dtype": "uint16",
        "bits": 16,
        "channels": ["DAPI", "GFP"],
        "rgb": False,
        "pixel_size": {"x": 0.5, "y": 0.5, "z": 2.0},
        "interval": None,
    }


def test_it_is_told_and_shown_as_corrected(ann, upload):
    put(ann, upload, "a.tif", tiff(stack()))
    told = inspect(ann, upload, "a.tif")
    assert told["images"][0]["axes"] == "ZYX"
    told = inspect(ann, upload, "a.tif", axes="tyx")
    assert told["images"][0]["axes"] == "TYX"
    assert told["images"][0]["shape"] == {"t": 3, "c": 1, "z": 1, "y": 40, "x": 60}
    middle = thumbnail_of(ann, upload, "a.tif")
    assert middle[:, :20].mean() > 200 > middle[:, 40:].mean()
    assert not thumbnail_of(ann, upload, "a.tif", axes="TYX").any()  # its first frame


@pytest.mark.parametrize("axes", ["TZX", "TTYX", "QYX", "", "TYXX"])
def test_axes_that_no_image_has_are_refused(ann, upload, axes):
    put(ann, upload, "a.tif", tiff(stack()))
    for what in ("inspect", "thumbnail.png"):
        answer = ann.get(f"/uploads/{upload}/{what}", params={"path": "a.tif", "axes": axes})
        assert answer.status_code == 422
        assert "letters of TCZYX" in answer.json()["detail"]


def test_axes_that_the_image_has_not_so_many_of_are_its_fault(ann, upload):
    put(ann, upload, "a.tif", tiff(stack()))
    told = inspect(ann, upload, "a.tif", axes="TZYX")
    assert told["images"] == []
    assert told["error"] == {
        "fault": "has 3 axes, ZYX (3×40×60), which cannot be TZYX",
        "advice": "give 3 letters, one for each axis, or none",
    }
    answer = ann.get(f"/uploads/{upload}/thumbnail.png", params={"path": "a.tif", "axes": "TZYX"})
    assert answer.status_code == 422


def test_a_zip_is_told_by_its_images_of_which_the_first_is_shown(ann, upload):
    first = np.zeros((20, 30), np.uint8)
    files = {"s/2.tif": tiff(first), "s/10.tif": tiff(first), "notes.txt": b"no image"}
    put(ann, upload, "b.zip", packed(files))
    told = inspect(ann, upload, "b.zip")
    assert (told["kind"], told["members"], told["error"]) == ("zip", 2, None)
    assert [one["name"] for one in told["images"]] == ["b.zip/s/2.tif"]
    told = inspect(ann, upload, "b.zip/s/10.tif")
    assert (told["kind"], told["members"]) == ("image", None)
    assert [one["name"] for one in told["images"]] == ["b.zip/s/10.tif"]
    assert thumbnail_of(ann, upload, "b.zip/s/10.tif").shape == (20, 30)
    for path in ("b.zip/none.tif", "b.zip/notes.txt", "none.zip/a.tif"):
        answer = ann.get(f"/uploads/{upload}/inspect", params={"path": path})
        assert answer.status_code == 404, path


def test_an_ome_zarr_folder_is_an_image(ann, upload, tmp_path):
    image = from_array(np.arange(300, dtype=np.uint16).reshape(3, 10, 10), "CYX", 0.25)
    ngff_write.write_image(tmp_path / "a.zarr", image)
    for file in sorted((tmp_path / "a.zarr").rglob("*")):
        if file.is_file():
            put(ann, upload, file.relative_to(tmp_path).as_posix(), file.read_bytes())
    (found,) = inspect(ann, upload, "a.zarr")["images"]
    assert (found["axes"], found["shape"]["c"]) == ("CYX", 3)
    assert found["pixel_size"] == {"x": 0.25, "y": 0.25, "z": None}
    assert thumbnail_of(ann, upload, "a.zarr").shape == (10, 10)


def test_a_colour_picture_is_shown_in_colour(ann, upload):
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:, :20, 0] = 255
    sink = io.BytesIO()
    PIL.Image.fromarray(pixels).save(sink, "PNG")
    put(ann, upload, "a.png", sink.getvalue())
    assert inspect(ann, upload, "a.png")["images"][0]["rgb"] is True
    shown = thumbnail_of(ann, upload, "a.png", size=20)
    assert shown.shape == (15, 20, 3)
    assert shown[5, 3].tolist() == [255, 0, 0]


FAULTS = {
    "empty.tif": (b"", "is empty (0 bytes)", "image"),
    "text.tif": (b"hello there\n" * 9, "is not an image: it holds text", "image"),
    "notes.txt": (b"hello there\n" * 9, "is not an image: it holds text", "other"),
    "cut.tif": (tiff(np.ones((300, 300), np.uint16))[:2000], "cut short", "image"),
    "locked.tif": (b"Salted__" + bytes(99), "is encrypted", "image"),
    "damaged.zip": (b"PK\3\4" + bytes(99), "is not a zip, or is damaged", "zip"),
    "none.zip": (packed({"a.txt": b"text"}), "holds no image", "zip"),
    "bomb.zip": (packed({"a.tif": bytes(80 * 2**20)}, compresslevel=9), "times its size", "zip"),
    "nested.zip": (packed({"in.zip": packed({"a.tif": b""})}), "is a zip in a zip", "zip"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_file_is_said_in_words(ann, upload, name):
    content, fault, kind = FAULTS[name]
    put(ann, upload, name, content)
    told = inspect(ann, upload, name)
    assert told["kind"] == kind
    assert fault in told["error"]["fault"]
    assert told["images"] == []
    assert "/" not in told["error"]["fault"].replace(f"{name}/", "")  # nor where it lies here
    answer = ann.get(f"/uploads/{upload}/thumbnail.png", params={"path": name})
    assert answer.status_code == 422
    assert name in answer.json()["detail"]


def test_an_encrypted_member_is_said_and_others_are_shown(ann, upload):
    data = bytearray(packed({"a.tif": tiff(stack()), "b.tif": tiff(stack(5))}))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    put(ann, upload, "b.zip", bytes(data))
    told = inspect(ann, upload, "b.zip")
    assert (told["members"], told["error"]) == (2, None)
    assert told["images"][0]["name"] == "b.zip/b.tif"
    told = inspect(ann, upload, "b.zip/a.tif")
    assert "is encrypted" in told["error"]["fault"]


def test_what_is_not_there_is_not_found(api, ann, upload):
    for what in ("inspect", "thumbnail.png"):
        answer = ann.get(f"/uploads/{upload}/{what}", params={"path": "none.tif"})
        assert answer.status_code == 404
        answer = ann.get(f"/uploads/{upload}/{what}", params={"path": "../../a.tif"})
        assert answer.status_code == 422
        assert ann.get(f"/uploads/{upload}/{what}").status_code == 422


def test_others_uploads_are_not_there(api, ann, upload):
    put(ann, upload, "a.tif", tiff(stack()))
    with api.client(api.token_of("bob")) as bob:
        for what in ("inspect", "thumbnail.png"):
            answer = bob.get(f"/uploads/{upload}/{what}", params={"path": "a.tif"})
            assert answer.status_code == 404


def test_a_picture_is_made_a_band_at_a_time_and_not_of_what_is_huge(ann, upload, monkeypatch):
    pixels = np.zeros((500, 300), np.uint8)
    pixels[250:] = 200
    put(ann, upload, "a.tif", tiff(pixels))
    whole = thumbnail_of(ann, upload, "a.tif", size=50)
    assert whole.shape == (50, 30)
    assert whole[:24].mean() < 10 < 200 < whole[26:].mean()
    monkeypatch.setattr(thumbnail, "_BAND", 7000)
    assert np.array_equal(thumbnail_of(ann, upload, "a.tif", size=50), whole)
    monkeypatch.setattr(thumbnail, "_MOST", 500 * 300 - 1)
    answer = ann.get(f"/uploads/{upload}/thumbnail.png", params={"path": "a.tif"})
    assert answer.status_code == 422
    assert "a.tif: is too large for a small picture" in answer.json()["detail"]
    monkeypatch.setattr(thumbnail, "_MOST", 2**28)
    monkeypatch.setattr(thumbnail, "_UNPACKED", 999)
    sink = io.BytesIO()
    PIL.Image.new("L", (40, 25)).save(sink, "PNG")  # which cannot be read in pieces
    put(ann, upload, "b.png", sink.getvalue())
    for axes in ("YX", "XY"):
        params = {"path": "b.png", "axes": axes}
        answer = ann.get(f"/uploads/{upload}/thumbnail.png", params=params)
        assert answer.status_code == 422
    monkeypatch.setattr(thumbnail, "_UNPACKED", 1000)
    assert thumbnail_of(ann, upload, "b.png").shape == (25, 40)


def test_of_a_pyramid_a_small_level_is_read(ann, upload, monkeypatch):
    pixels = np.zeros((512, 512), np.uint8)
    sink = io.BytesIO()
    with tifffile.TiffWriter(sink, ome=True) as tif:
        how = {"photometric": "minisblack", "tile": (64, 64)}
        tif.write(pixels, subifds=2, metadata={"axes": "YX"}, **how)
        tif.write(pixels[::2, ::2] + 9, subfiletype=1, **how)
        small = pixels[::4, ::4].copy()
        small[:64] = 200  # what no other level has
        tif.write(small, subfiletype=1, **how)
    put(ann, upload, "a.ome.tif", sink.getvalue())
    monkeypatch.setattr(thumbnail, "_MOST", 128 * 128)
    shown = thumbnail_of(ann, upload, "a.ome.tif", size=100)
    assert shown.shape == (64, 64)
    assert shown[:32].min() > 200 > 10 > shown[32:].max()
    answer = ann.get(f"/uploads/{upload}/thumbnail.png", params={"path": "a.ome.tif", "size": 200})
    assert answer.status_code == 422
