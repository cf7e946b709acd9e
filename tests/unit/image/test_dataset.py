from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cytomill.errors import InputError, OptionError
from cytomill.image.collect import collect
from cytomill.image.dataset import Dataset, Sample, dataset_entries, parse_dataset, read_dataset

EVERY_FORM = """\
name: kidneys
description: every legal form
classes: [healthy, '1', no]
features: [age, sex, 2]
images:
  - a.tif
  - [p/1.tif, p/2.tif]
  - location: b.tif
    label: healthy
  - location: [c1.tif, c2.tif]
    label: 2
    values: [61, null, f]
  - location: /data/d.tif
    label: [healthy, no]
    values: {sex: m, age: 4.5}
  - location: e.tif
    label: [0, 1]
  - location: f.tif
    label: truth/f.png
    values: [true, 12:30, 1_000, 0x10, 007]
split:
  training: [0, 1, 2]
  test: [4, 3]
  pilot study: []
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "set.yml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(entry: object) -> str:
    with pytest.raises(InputError) as caught:
        entry.open().__enter__()  # type: ignore[attr-defined]
    return str(caught.value)


def test_every_legal_form_is_parsed() -> None:
    dataset = parse_dataset(EVERY_FORM)
    assert dataset == Dataset(
        name="kidneys",
        description="every legal form",
        classes=("healthy", "1", "no"),
        features=("age", "sex", "2"),
        images=(
            Sample("a.tif"),
            Sample(("p/1.tif", "p/2.tif")),
            Sample("b.tif", "healthy"),
            Sample(("c1.tif", "c2.tif"), 2, (61, None, "f")),
            Sample("/data/d.tif", ("healthy", "no"), {"sex": "m", "age": 4.5}),
            Sample("e.tif", (0, 1)),
            Sample("f.tif", "truth/f.png", (True, "12:30", "1_000", "0x10", "007")),
        ),
        splits={"training": (0, 1, 2), "test": (4, 3), "pilot study": ()},
    )
    assert dataset.images[2].line == 8


def test_every_legal_form_survives_writing() -> None:
    dataset = parse_dataset(EVERY_FORM)
    assert parse_dataset(dataset.to_yaml()) == dataset


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6)
PATH = TEXT.filter(lambda text: text.strip("./") != "" and "\0" not in text)
VALUE = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    classes = draw(st.none() | st.lists(TEXT, min_size=1, max_size=3).map(tuple))
    features = draw(st.none() | st.lists(TEXT, min_size=1, max_size=3, unique=True).map(tuple))
    index = st.integers(0, len(classes) - 1 if classes else 9)
    keys = st.sampled_from(features) if features else TEXT
    sample = st.builds(
        Sample,
        PATH | st.lists(PATH, min_size=1, max_size=3).map(tuple),
        st.none() | index | TEXT | st.lists(index | TEXT, max_size=3).map(tuple),
        st.none()
        | st.lists(VALUE, max_size=3).map(tuple)
        | st.dictionaries(keys, VALUE, max_size=3),
    )
    images = draw(st.lists(sample, min_size=1, max_size=4))
    for number, image in enumerate(images):
        unique = (
            f"{number}/{image.location}"
            if isinstance(image.location, str)
            else (*image.location, str(number))
        )
        images[number] = Sample(unique, image.label, image.values)
    indices = st.lists(st.integers(0, len(images) - 1), max_size=3).map(tuple)
    return Dataset(
        tuple(images),
        draw(st.none() | TEXT),
        draw(st.none() | TEXT),
        classes,
        features,
        draw(st.none() | st.dictionaries(TEXT, indices, max_size=3)),
    )


@settings(max_examples=150, deadline=None)
@given(datasets())
@example(Dataset((Sample("a\x85b"), Sample("c\u2028\ufeff "))))
def test_writing_and_reading_loses_nothing(dataset: Dataset) -> None:
    assert parse_dataset(dataset.to_yaml()) == dataset


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "dataset: is not a dataset"),
        ("- a.tif", "line 1: is not a dataset"),
        ("name: x", "has no images"),
        ("images: []", "at least one image"),
        ("images: a.tif", "at least one image"),
        ("imagess: [a]", "unknown key, 'imagess'"),
        ("images:\n- {location: a, lable: 1}", "line 2: has an unknown key, 'lable'"),
        ("images:\n- label: 1", r"line 2: images\[0\] has no location"),
        ("images:\n- a\n- ./a", r"line 3: images\[1\] has the location of images\[0\]"),
        ("images:\n- []", r"line 2: the location of images\[0\] is not text"),
        ("images:\n- [[a]]", r"the location of images\[0\] is not text"),
        ("images:\n- null", r"the location of images\[0\] is not text"),
        ('images:\n- ""', "is not a path"),
        ('images:\n- "a\\0b"', "is not a path"),
        ("images: [a]\nclasses: x", "classes is not a list"),
        ("images:\n- {location: a, label: 2}\nclasses: [x, y]", "label 2 of .* there are 2"),
        ("images:\n- {location: a, label: -1}", "label -1"),
        ("images:\n- {location: a, label: {b: c}}", r"the label of images\[0\] is not text"),
        ("images:\n- {location: a, values: 3}", "neither a list nor a mapping"),
        ("images:\n- {location: a, values: [[3]]}", "not a single value"),
        ("features: [x]\nimages:\n- {location: a, values: {y: 3}}", "'y', which is not a feature"),
        ("images: [a]\nsplit: [0]", "split is not a mapping"),
        ("images: [a]\nsplit: {test: 0}", "split test is not a list"),
        ("images: [a]\nsplit:\n  test: [0, 1]", "line 3: split test has index 1; the 1 images"),
        ("images: [a]\nsplit: {test: [-1]}", "has index -1"),
        ("images: [a]\nsplit: {test: [x]}", "not an index"),
        ("images: [a]\nsplit: {test: [true]}", "not an index"),
        ("images: [a]\nsplit: {test: [0.0]}", "not an index"),
        ("images: [a]\nimages: [b]", "line 2: gives 'images' a second time"),
        ("images: [a\nname: x", "line [123]: is not YAML"),
        ("images: [a]\n---\nimages: [b]", "line 2: starts a second document"),
        ("images: !!python/object/apply:os.system [ls]", "has a tag"),
        ("images: &a [*a]", "is not complete before it"),
        ("images: [a]\n? [b]\n: c", "list or mapping for a key"),
        ("[" * 100_000, "nested more than"),
        ("images: " + "- " * 20_000, "line 1: is "),
    ],
)
def test_what_is_not_legal_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_dataset(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", ["images: [é]".encode("latin-1"), b"images: [\x00]", b"\xff\xfe\x00"]
)
def test_what_is_not_text_is_told(data: bytes) -> None:
    with pytest.raises(InputError, match="set: is not"):
        parse_dataset(data, "set")


def test_an_alias_stands_for_its_anchor_but_never_for_millions() -> None:
    (sample, other) = parse_dataset(
        "images:\n- {location: a, values: &v [1, 2]}\n- {location: b, values: *v}"
    ).images
    assert sample.values == other.values == (1, 2)
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with pytest.raises(InputError, match="unfolds to more than 10,000,000 values"):
        parse_dataset(f"l0: &l0 [x]\n{levels}images: *l11")


def test_a_file_of_hundreds_of_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "set.yml"
    with path.open("wb") as file:
        file.truncate(2**26 + 1)
    with pytest.raises(InputError, match="is larger than"):
        read_dataset(path)


def test_entries_are_named_below_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, f"images: [a/b.tif, {tmp_path}/c/d.tif, ../e/f.tif, /g/h.tif, ./i.tif]")
    names = ["a/b.tif", "c/d.tif", "f.tif", "h.tif", "i.tif"]
    assert [entry.name for entry in collect([path])] == names
    assert [entry.name for entry in collect([path], pattern="*/*")] == ["a/b.tif", "c/d.tif"]


def test_a_split_takes_its_images(tmp_path: Path) -> None:
    path = write(tmp_path, EVERY_FORM)
    assert [entry.name for entry in collect([path], split="test")] == ["c1.tif", "d.tif"]
    with pytest.raises(OptionError, match="its splits are training, test, pilot study"):
        collect([path], split="validation")
    with pytest.raises(OptionError, match="it has no splits"):
        collect([write(tmp_path, "images: [a]")], split="test")


def test_a_label_that_is_a_path_is_the_truth(tmp_path: Path) -> None:
    text = "images:\n- {location: a.tif, label: t/a.png}\n- {location: b.tif, label: 1}\n- c.tif"
    entries = dataset_entries(write(tmp_path, text))
    assert [entry.truth for entry in entries] == [tmp_path / "t/a.png", None, None]


def test_a_label_that_is_neither_class_nor_file_is_told(tmp_path: Path) -> None:
    images = "- {location: a.tif, label: cel}\n- {location: b.tif, label: cell}"
    path = write(tmp_path, f"classes: [cell]\nimages:\n{images}")
    first, second = dataset_entries(path)
    assert "line 3: label 'cel' of images[0] is neither a class nor a file; " in fault(first)
    assert second.truth is None


@pytest.mark.parametrize(
    "url", ["https://x.org/a.tif", "HTTP://x.org/a.tif", "file:///a.tif", "s3://b/a.tif"]
)
def test_nothing_is_fetched(tmp_path: Path, url: str) -> None:
    (entry,) = dataset_entries(write(tmp_path, f"images:\n- {url}"))
    assert entry.name == "a.tif"
    assert f"line 2: images[0] is a URL, {url}; download it" in fault(entry)


def test_a_missing_image_fails_alone(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "here.tif", np.zeros((2, 3), np.uint8))
    gone, here = dataset_entries(write(tmp_path, "images: [gone.tif, here.tif]"))
    assert "gone.tif: does not exist" in fault(gone)
    with here.open() as file:
        assert file.images[0].shape[-2:] == (2, 3)


@pytest.mark.parametrize(
    ("location", "words"), [("/", "but not OME-Zarr"), ("/dev/zero", "not a regular file")]
)
def test_what_would_never_end_is_not_read(tmp_path: Path, location: str, words: str) -> None:
    (entry,) = dataset_entries(write(tmp_path, f"images: [{location}]"))
    assert entry.bytes == 0
    assert words in fault(entry)
    with pytest.raises(InputError, match=words):
        entry.digest()


def test_planes_become_the_depth_of_one_image(tmp_path: Path) -> None:
    for z in range(3):
        tifffile.imwrite(tmp_path / f"{z}.tif", np.full((4, 5), z, np.uint16))
    (entry,) = dataset_entries(write(tmp_path, "images:\n- [2.tif, 0.tif, 1.tif]"))
    with entry.open() as file:
        (image,) = file.images
        assert (image.axes, image.shape) == ("ZYX", (1, 1, 3, 4, 5))
        assert [int(image.read(z=z)[0, 0]) for z in range(3)] == [2, 0, 1]
        assert image.read(z=1, y=slice(1, 3), x=slice(0, 2)).shape == (2, 2)
    assert entry.bytes == sum((tmp_path / f"{z}.tif").stat().st_size for z in range(3))
    assert len(entry.digest()) == 64
    assert entry.stamp()


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (np.zeros((4, 6), np.uint16), "4×6 uint16"),
        (np.zeros((4, 5), np.uint8), "4×5 uint8"),
        (np.zeros((2, 4, 5), np.uint16), "listed as one plane"),
    ],
)
def test_planes_that_do_not_match_are_told(tmp_path: Path, second: np.ndarray, words: str) -> None:
    tifffile.imwrite(tmp_path / "0.tif", np.zeros((4, 5), np.uint16))
    axes = "ZYX"[-second.ndim :]
    tifffile.imwrite(
        tmp_path / "1.tif", second, imagej=second.dtype == np.uint16, metadata={"axes": axes}
    )
    (entry,) = dataset_entries(write(tmp_path, "images:\n- [0.tif, 1.tif]"))
    assert "1.tif: " in fault(entry)
    assert words in fault(entry)
