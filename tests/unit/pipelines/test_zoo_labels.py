"""What the names of a model's outputs suggest, and what options make of them."""

from __future__ import annotations

import numpy as np
import pytest

from cytomill.errors import ModelError, OptionError
from cytomill.models.description import Axis, Description, Fixed, Relative, Step, Stepped, Tensor
from cytomill.pipelines.zoo_labels import Labelling, Ref, choose


def described(tmp_path, *outputs, deep=False, labels=None):
    """A model of one input, whose outputs are ``(id, channels, more)``."""
    space = ["z", "y", "x"] if deep else ["y", "x"]

    def tensor(name, channels, size, **more):
        given = Fixed(channels) if isinstance(channels, int) else Fixed(len(channels))
        names = () if isinstance(channels, int) else channels
        axes = [Axis("batch", "batch", Fixed(1)), Axis("channel", "channel", given, names=names)]
        axes += [Axis(name, "space", size(name)) for name in space]
        return Tensor(name, tuple(axes), **{"dtype": "float32", **more})

    return Description(
        name="net",
        version="1",
        description="",
        license="MIT",
        authors=(),
        format="0.5.4",
        folder=tmp_path,
        source=tmp_path / "rdf.yaml",
        inputs=(tensor("raw", 1, lambda _: Stepped(1, 1)),),
        outputs=tuple(
            tensor(name, channels, lambda axis: Relative("raw", axis), **dict(*more))
            for name, channels, *more in outputs
        ),
        weights=(),
        config={"cytomill": {"labels": labels}} if labels else {},
    )


SIGMOID = {"steps": (Step("sigmoid"),)}
BYTES = {"dtype": "uint8", "range": (0, 255)}


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([("probability", 1, SIGMOID)], Labelling("components", Ref("probability"))),
        ([("output0", 1, {"range": (0, 1)})], Labelling("components", Ref("output0"))),
        (
            [("out", ("foreground", "boundary"))],
            Labelling("boundary", Ref("out", 0), Ref("out", 1)),
        ),
        (
            [("nuclei", 1), ("cell borders", 1)],
            Labelling("boundary", Ref("nuclei"), Ref("cell borders")),
        ),
        (
            [("out", ("something", "boundary"))],
            Labelling("boundary", Ref("out", 0), Ref("out", 1)),
        ),
        (
            [("out", ("background", "interior", "boundary"))],
            Labelling("boundary", Ref("out", 0, inverse=True), Ref("out", 2)),
        ),
        (
            [("mask", 1), ("distance to boundary", 1)],
            Labelling("distance", Ref("mask"), Ref("distance to boundary")),
        ),
        ([("out", ("background", "cells"))], Labelling("components", Ref("out", 1))),
        ([("labels", 1, {"dtype": "int32"})], Labelling("instances", Ref("labels"))),
        ([("denoised", 1)], None),
        ([("distance", 1, {"range": (0, 1)})], None),
        ([("tissue", ("stroma", "gland", "fat"))], None),
        ([("restored", 1, {"dtype": "uint16"})], None),
    ],
)
def test_names_and_types_suggest_labels(tmp_path, outputs, expected):
    assert choose(described(tmp_path, *outputs), {}) == expected


def test_options_say_which_channel_is_what(tmp_path):
    model = described(tmp_path, ("a", 3), ("b", 1))
    asked = {"labels": "boundary", "foreground": "a:2", "boundary": "b", "threshold": 0.3}
    found = choose(model, {**asked, "min_area": 5})
    assert found == Labelling("boundary", Ref("a", 2), Ref("b"), 0.3, 5)
    assert choose(model, {"boundary": "b", "foreground": "a:0"}).method == "boundary"
    assert choose(model, {"foreground": "b"}) == Labelling("components", Ref("b"))
    assert choose(model, {"labels": "classes"}) == Labelling("classes", Ref("a", None))
    assert choose(model, {"labels": "none"}) is None


def test_channels_are_named_by_names_too(tmp_path):
    model = described(tmp_path, ("a", ("x", "y")), ("b", ("x", "z")))
    assert choose(model, {"foreground": "z"}).inside == Ref("b", 1)
    assert choose(model, {"foreground": "b:x"}).inside == Ref("b", 0)
    with pytest.raises(OptionError, match=r"name a channel .*: a:x, a:y, b:x, b:z"):
        choose(model, {"foreground": "x"})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"labels": "none", "threshold": 0.5}, "--threshold: has no effect on --labels none"),
        ({"threshold": 0.5}, "--threshold: .* suggest no labels .* choose them with --labels"),
        ({"labels": "components"}, "--foreground: name a channel of an output of model net: a:0"),
        ({"labels": "classes", "min_area": 3}, "--min-area: has no effect on --labels classes"),
        ({"labels": "classes", "threshold": 0.3}, "--threshold: has no effect"),
        ({"labels": "distance", "boundary": "a:0", "distance": "a:1"}, "--boundary: has no effect"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, asked, told):
    with pytest.raises(OptionError, match=told):
        choose(described(tmp_path, ("a", 2)), asked)


def test_volumes_are_not_divided_by_distance(tmp_path):
    model = described(tmp_path, ("mask", 1), ("distance", 1), deep=True)
    assert choose(model, {}) is None
    with pytest.raises(OptionError, match="--labels distance: divides planes"):
        choose(model, {"labels": "distance"})


def test_the_package_may_say_how(tmp_path):
    told = {"method": "components", "foreground": "a:1", "threshold": 0.7}
    model = described(tmp_path, ("a", 2), labels=told)
    assert choose(model, {}) == Labelling("components", Ref("a", 1), threshold=0.7)
    assert choose(model, {"threshold": 0.2}).threshold == 0.2
    assert choose(model, {"labels": "none"}) is None
    wrong = described(tmp_path, ("a", 2), labels={"how": "components"})
    with pytest.raises(ModelError, match="labels has no 'how'; its keys are: method, threshold"):
        choose(wrong, {})


def test_labels_are_made_as_chosen():
    maps = {"a": np.zeros((2, 9, 9), np.float32)}
    maps["a"][0, 1:8, 1:8] = 0.9
    maps["a"][1, :, 4] = 0.9
    whole = Labelling("components", Ref("a"), area=1).label(maps)
    divided = Labelling("boundary", Ref("a"), Ref("a", 1), area=1).label(maps)
    outside = Labelling("components", Ref("a", inverse=True), area=1).label(maps)
    assert (whole[1], divided[1], outside[1]) == (1, 2, 1)
    assert np.array_equal(whole[0] > 0, outside[0] == 0)
    assert (
        Labelling("classes", Ref("a", None)).label(maps)[0][0].tolist() == [0] * 4 + [1] + [0] * 4
    )


def test_whole_numbers_of_a_range_are_shares_of_it(tmp_path):
    model = described(tmp_path, ("maps", ("foreground", "distance"), BYTES))
    found = choose(model, {"min_area": 1})
    assert found.method == "distance"
    maps = {"maps": np.zeros((2, 9, 9), np.uint8)}
    maps["maps"][:, 2:7, 2:7] = 200
    maps["maps"][0, 0, 0] = 20
    labels, count = found.label(maps)
    assert count == 1
    assert np.array_equal(labels > 0, maps["maps"][1] > 0)
    ready = choose(described(tmp_path, ("labels", 1, BYTES)), {})
    assert (ready.method, ready.inside.full) == ("instances", 1.0)
