"""`import cytomill`: segment and run, as a notebook calls them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tifffile

import cytomill
from cytomill.errors import CytomillError, InputError, OptionError, OutputError


def ids(labels) -> int:
    return len(np.unique(labels)) - 1


@pytest.fixture(scope="module")
def expected(scene):
    labels = cytomill.segment(scene[0])
    assert ids(labels) == pytest.approx(scene[1], rel=0.2)
    return labels


@pytest.fixture(autouse=True)
def silent(capfd):
    yield
    assert capfd.readouterr() == ("", "")


def test_labels_have_the_shape_of_the_array(scene, expected):
    assert expected.shape == scene[0].shape
    assert expected.dtype == np.uint16
    assert expected.max() == ids(expected)


@pytest.mark.parametrize(
    ("axes", "given", "labels"),
    [
        (None, (4, 200, 200), (4, 200, 200)),
        ("TYX", (4, 200, 200), (4, 200, 200)),
        ("CYX", (4, 200, 200), (200, 200)),
        ("YXC", (200, 200, 4), (200, 200)),
        (None, (2, 3, 200, 200), (3, 200, 200)),
        ("TZYX", (2, 3, 200, 200), (2, 3, 200, 200)),
        ("zcyx", (2, 3, 200, 200), (2, 200, 200)),
        (None, (1, 2, 2, 200, 200), (1, 2, 200, 200)),
    ],
)
def test_axes_less_channels_are_those_of_the_labels(scene, expected, axes, given, labels):
    image = scene[0]
    array = np.empty(given, image.dtype)
    array[:] = image[..., None] if axes == "YXC" else image
    found = cytomill.segment(array, axes=axes)
    assert found.shape == labels
    planes = found.reshape(-1, *image.shape)
    assert all(np.array_equal(plane > 0, expected > 0) for plane in planes)
    assert found.max() == ids(found) == len(planes) * expected.max()


def test_the_channel_is_chosen_by_number_in_either_form(scene, expected):
    array = np.stack([np.zeros_like(scene[0]), scene[0]])
    for channel in (1, "1"):
        assert np.array_equal(cytomill.segment(array, axes="CYX", channel=channel), expected)


@pytest.mark.parametrize(
    "form",
    [
        lambda image: image.astype(">u2"),
        lambda image: image.astype(np.int64),
        lambda image: image.astype(np.float32),
        lambda image: image.astype(np.float64),
        lambda image: np.asfortranarray(image),
        lambda image: np.repeat(image, 3, 1)[:, ::3],
        lambda image: image[::-1, ::-1].copy()[::-1, ::-1],
    ],
)
def test_layout_and_byte_order_change_nothing(scene, expected, form):
    labels = cytomill.segment(form(scene[0]))
    assert np.mean((labels > 0) == (expected > 0)) > 0.999


def test_the_array_is_left_alone_and_may_be_read_only(scene, expected):
    image = scene[0].copy()
    image.flags.writeable = False
    assert np.array_equal(cytomill.segment(image), expected)
    assert np.array_equal(image, scene[0])


def test_pixel_size_scales_what_a_nucleus_is(scene):
    fine = scene[0].repeat(4, 0).repeat(4, 1)
    labels = cytomill.segment(fine, pixel_size=0.65 / 4)
    assert ids(labels) == pytest.approx(scene[1], rel=0.25)
    assert labels.shape == fine.shape


@pytest.mark.parametrize(
    ("array", "options", "error", "told"),
    [
        (np.zeros(5), {}, InputError, "array: has 1 axes"),
        (np.zeros((5, 5)), {"axes": "XX"}, InputError, "give axes"),
        (np.zeros((5, 5)), {"axes": "CX"}, InputError, "give axes"),
        (np.zeros((5, 5, 5)), {"axes": "AYX"}, InputError, "give axes"),
        (np.zeros((5, 0)), {}, InputError, "is empty"),
        (np.zeros((5, 5), complex), {}, InputError, "complex128"),
        (np.zeros((5, 5), object), {}, InputError, "object"),
        (np.zeros((5, 5)), {"pixel_size": 0}, InputError, "0 µm"),
        (np.zeros((5, 5)), {"pixel_size": float("nan")}, InputError, "nan µm"),
        (np.zeros((5, 5)), {"channel": "DAPI"}, InputError, "has no channel 'DAPI'"),
        (np.zeros((5, 5)), {"chanel": 0}, OptionError, "its options are: channel"),
        (np.zeros((5, 5)), {"measure": True}, OptionError, "use cytomill.run"),
        (np.zeros((5, 5)), {"pipeline": "cells"}, OptionError, "no pipeline 'cells'"),
        (np.zeros((5, 5)), {"device": "gpu"}, OptionError, "must be auto, cpu, cuda"),
    ],
)
def test_nonsense_is_refused_in_words(array, options, error, told):
    with pytest.raises(error, match=told):
        cytomill.segment(array, **options)


def test_run_is_the_command(cytomill_program, images, tmp_path):
    calls = []
    report = cytomill.run(
        images, tmp_path / "api", overlay=True, progress=lambda *told: calls.append(told[1:])
    )
    assert (report.done, report.failed, report.skipped) == (3, (), frozenset())
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert report.objects > 0
    assert [path.name for path in report.tables] == ["measurements.csv", "measurements.parquet"]
    command = tmp_path / "command"
    cytomill_program("run", images, "-o", command, "--overlay")
    for path in sorted(command.rglob("*_labels.tif")):
        twin = tmp_path / "api" / path.relative_to(command)
        assert np.array_equal(tifffile.imread(path), tifffile.imread(twin))
    for name in ("measurements.csv", "a_overlay.png"):
        assert (command / name).read_bytes() == (tmp_path / "api" / name).read_bytes()
    again = cytomill.run([str(images)], str(tmp_path / "api"), overlay=True)
    assert len(again.skipped) == 3


@pytest.fixture
def cytomill_program(program):
    return program


def test_a_failed_input_is_a_record_not_an_exception(images, tmp_path):
    (images / "bad.tif").write_text("no pixels")
    report = cytomill.run(images, tmp_path / "out")
    (failed,) = report.failed
    assert (failed.input, failed.status) == ("bad.tif", "failed")
    assert "it holds text" in failed.error
    assert report.done == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "png"}, "--format png"),
        ({"ngff": "0.5"}, "add --format zarr"),
        ({"ngff": "0.9", "format": "zarr"}, "must be 0.4 or 0.5"),
        ({"device": "gpu"}, "must be auto, cpu, cuda"),
        ({"threads": 0}, "must be 1 or more"),
        ({"shard": "2/1"}, "must be I/N"),
        ({"colour": "red"}, "no option 'colour'"),
        ({"pixel_size": -1}, "pixel_size=-1"),
    ],
)
def test_an_option_that_is_not_one_is_refused(images, tmp_path, options, told):
    with pytest.raises(OptionError, match=told):
        cytomill.run(images, tmp_path / "out", **options)
    assert not list(tmp_path.glob("out/*labels*"))


def test_what_stops_all_work_is_an_exception(images, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        cytomill.run(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is not a folder"):
        cytomill.run(images, tmp_path / "file")
    assert issubclass(OutputError, CytomillError)


def test_import_loads_no_heavy_library(tmp_path):
    heavy = "numpy scipy numba cv2 tifffile zarr openvino onnxruntime pydantic pyarrow yaml PIL"
    code = f"import sys, cytomill; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_command_line_alone_loads_none_either():
    heavy = "numpy scipy numba cv2 tifffile zarr openvino onnxruntime pydantic pyarrow yaml PIL"
    code = (
        "import sys, cytomill.cli.main as m; m.cli.main(['--help'], standalone_mode=False);"
        f"print([m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_a_run_loads_only_what_its_images_need(images, tmp_path):
    others = "zarr cv2 PIL onnxruntime torch pandas pyarrow.compute"
    asked = f"{str(images)!r}, {str(tmp_path / 'out')!r}, device='cpu'"
    code = (
        f"import sys, cytomill; cytomill.run({asked});"
        f"print([m for m in {others.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
