from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from cytomill.errors import Interrupted, ModelError
from cytomill.inference.network import Network
from cytomill.inference.runtime import Port
from cytomill.inference.stop import Stop
from cytomill.models.description import Fixed, Open, Step, Stepped
from tests.unit.inference.arithmetic import (
    Arithmetic,
    described,
    follow,
    network,
    port,
    tensor,
)


def noise(*shape, dtype=np.float32):
    return (100 * np.random.default_rng(0).random(shape)).astype(dtype)


def blur(x, radius=3):
    """A convolution with zeros around: it feels the border of what it is given."""
    axes = tuple(range(2, x.ndim))
    return uniform_filter(x, 2 * radius + 1, mode="constant", axes=axes)


def grown(x, *sizes):
    """``x`` padded at its ends to those sizes of its last axes."""
    kept = x.ndim - len(sizes)
    widths = [(0, n - m) for n, m in zip(sizes, x.shape[kept:], strict=True)]
    return np.pad(x, [(0, 0)] * kept + widths, "symmetric")


def stepped(n, least, step):
    return least + max(0, -(-(n - least) // step)) * step


FIXED = {"y": Fixed(32), "x": Fixed(24)}
STEPS = {"y": Stepped(16, 8), "x": Stepped(8, 4)}


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 100), st.integers(1, 100))
def test_a_network_of_one_size_predicts_images_of_any(height, width):
    blurred = network(blur, [tensor("raw", "bcyx", FIXED)], [tensor("p", "bcyx", follow(), halo=3)])
    x = noise(1, 1, height, width)
    found = blurred.predict({"raw": x})["p"]
    expected = blur(grown(x, max(height, 32), max(width, 24)))[..., :height, :width]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([None, 100, 600, 2000]))
def test_sizes_in_steps_are_padded_and_cutting_changes_nothing(height, width, limit):
    blurred = network(blur, [tensor("raw", "bcyx", STEPS)], [tensor("p", "bcyx", follow(), halo=3)])
    x = noise(1, 1, height, width)
    found = blurred.predict({"raw": x}, limit=limit)["p"]
    whole = grown(x, stepped(height, 16, 8), stepped(width, 8, 4))
    np.testing.assert_allclose(found, blur(whole)[..., :height, :width], rtol=1e-4)
    if limit is None:
        assert blurred.runtime.seen == [{"raw": whole.shape}]


def test_a_limit_bounds_what_the_network_sees():
    blurred = network(blur, [tensor("raw", "bcyx", STEPS)], [tensor("p", "bcyx", follow(), halo=3)])
    blurred.predict({"raw": noise(1, 1, 200, 300)}, limit=64 * 64)
    areas = [np.prod(seen["raw"]) for seen in blurred.runtime.seen]
    assert max(areas) <= 64 * 64
    assert sum(areas) < 2 * 200 * 300


def double(x):
    return x.repeat(2, 2).repeat(2, 3)


def quarter(x):
    b, c, y, x_ = x.shape
    return x[..., : y // 2 * 2, : x_ // 2 * 2].reshape(b, c, y // 2, 2, x_ // 2, 2).mean((3, 5))


def cropped(x):
    return blur(x)[..., 3:-3, 3:-3]


def three_halves(x):
    rows, columns = (np.arange(n * 3 // 2) * 2 // 3 for n in x.shape[2:])
    return x[..., rows[:, None], columns]


@pytest.mark.parametrize(
    ("function", "factor", "offset"),
    [(double, 2, 0), (quarter, 0.5, 0), (cropped, 1, -6), (three_halves, 1.5, 0)],
)
@pytest.mark.parametrize("sizes", [FIXED, STEPS])
def test_outputs_may_be_of_another_scale(function, factor, offset, sizes):
    outputs = [tensor("p", "bcyx", follow(factor=factor, offset=offset)), *plain()]
    scaled = network(lambda x: (function(x), blur(x)), [tensor("raw", "bcyx", sizes)], outputs)
    for height, width in itertools.product((1, 31, 32, 64, 77), (24, 50)):
        x = noise(1, 1, height, width)
        found = scaled.predict({"raw": x}, limit=40 * 40)
        size = max(1, int(height * factor + offset)), max(1, int(width * factor + offset))
        assert found["p"].shape == (1, 1, *size)
        assert found["plain"].shape == x.shape
        even = height % 2 == width % 2 == 0
        if height >= 32 and even and (sizes is FIXED or height % 8 == width % 4 == 0):
            np.testing.assert_allclose(found["p"], function(x)[..., : size[0], : size[1]], 1e-4)
            np.testing.assert_allclose(found["plain"], blur(x), 1e-4)


def plain():
    return [tensor("plain", "bcyx", follow(), halo=4)]


def test_outputs_of_fixed_sizes_are_told_from_those_of_the_inputs():
    sizes = {"y": Fixed(16), "x": Fixed(12)}
    halved = network(quarter, [tensor("raw", "bcyx", FIXED)], [tensor("p", "bcyx", sizes)])
    x = noise(1, 1, 64, 48)
    np.testing.assert_allclose(halved.predict({"raw": x})["p"], quarter(x), 1e-5)
    sizes = {"y": Fixed(26), "x": Fixed(18)}
    lessened = network(cropped, [tensor("raw", "bcyx", FIXED)], [tensor("p", "bcyx", sizes)])
    np.testing.assert_allclose(lessened.predict({"raw": x})["p"], cropped(x), 1e-4)


def test_classes_are_the_mean_over_tiles_by_their_area():
    classes = [tensor("class", "bc", {"c": Fixed(2)}), tensor("one", "bcyx", pixel())]

    def pooled(x):
        mean = x.mean((2, 3))
        return np.concatenate([mean, -mean], 1), x.mean((2, 3), keepdims=True)

    sorts = network(pooled, [tensor("raw", "bcyx", FIXED)], classes)
    x = noise(1, 1, 48, 24)
    found = sorts.predict({"raw": x})
    mean = (x[..., :32, :].mean() + x[..., 16:, :].mean()) / 2
    np.testing.assert_allclose(found["class"], [[mean, -mean]], rtol=1e-5)
    np.testing.assert_allclose(found["one"], [[[[mean]]]], rtol=1e-5)
    assert found["class"].dtype == np.float32
    np.testing.assert_allclose(sorts.predict({"raw": x[..., :5, :5]})["one"].shape, (1, 1, 1, 1))


def pixel():
    return {"y": Fixed(1), "x": Fixed(1)}


def test_classes_that_are_numbered_have_no_mean():
    outputs = [tensor("class", "b", dtype="int64")]
    sorts = network(
        lambda x: x.mean((1, 2, 3)).astype(np.int64), [tensor("raw", "bcyx", FIXED)], outputs
    )
    assert sorts.predict({"raw": noise(1, 1, 8, 8)})["class"].dtype == np.int64
    with pytest.raises(ModelError, match="'class' is of int64, which has no mean over tiles"):
        sorts.predict({"raw": noise(1, 1, 80, 8)})


def test_outputs_whose_size_depends_on_the_data_come_from_whole_samples_only():
    def points(x):
        return np.argwhere(x[0, 0] > 90).astype(np.float32)

    outputs = [tensor("points", "ic", {"c": Fixed(2)})]
    finds = network(points, [tensor("raw", "bcyx", STEPS)], outputs)
    x = noise(1, 1, 40, 40)
    assert np.array_equal(finds.predict({"raw": x}, limit=100)["points"], points(x))
    finds = network(points, [tensor("raw", "bcyx", FIXED)], outputs)
    assert finds.predict({"raw": x[..., :30, :20]})["points"].shape[1] == 2
    with pytest.raises(ModelError, match="no more than 32 elements along y, and the output 'poin"):
        finds.predict({"raw": x})


@pytest.mark.parametrize(("size", "runs"), [(Open(), 5), (Fixed(1), 5), (Fixed(2), 3)])
def test_a_batch_goes_as_many_samples_at_a_time_as_the_network_takes(size, runs):
    outputs = [tensor("p", "bcyx", follow(), halo=3), tensor("class", "bc")]
    made = network(
        lambda x: (blur(x), x.mean((2, 3))), [tensor("raw", "bcyx", FIXED | {"b": size})], outputs
    )
    x = noise(5, 1, 32, 24)
    found = made.predict({"raw": x})
    np.testing.assert_allclose(found["p"], blur(x), rtol=1e-4)
    np.testing.assert_allclose(found["class"], x.mean((2, 3)), rtol=1e-5)
    assert len(made.runtime.seen) == runs
    large = made.predict({"raw": noise(5, 1, 50, 30)})["p"]
    np.testing.assert_allclose(large, blur(noise(5, 1, 50, 30)), rtol=1e-4)


def test_inputs_are_cut_together():
    inputs = [
        tensor("raw", "bcyx", FIXED),
        tensor("coarse", "bcyx", follow(factor=0.5)),
        tensor("beside", "byx", FIXED),
        tensor("bias", "c", {"c": Fixed(3)}),
    ]

    def add(raw, coarse, beside, bias):
        return raw + double(coarse) + beside[:, None] + bias.sum(), quarter(raw) + coarse

    outputs = [tensor("sum", "bcyx", follow()), tensor("small", "bcyx", follow("coarse"))]
    adds = network(add, inputs, outputs)
    given = {
        "raw": noise(1, 1, 90, 70),
        "coarse": noise(1, 1, 45, 35),
        "beside": noise(1, 90, 70),
        "bias": np.float32([1, 2, 3]),
    }
    found = adds.predict(given)
    expected = add(*given.values())
    np.testing.assert_allclose(found["sum"], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found["small"], expected[1], rtol=1e-5)
    with pytest.raises(ModelError, match="coarse: has 30 elements along y; must have 45"):
        adds.predict({**given, "coarse": given["coarse"][:, :, :30]})


def test_optional_inputs_may_be_left_out():
    inputs = [tensor("raw", "bcyx", STEPS), tensor("more", "bcyx", follow(), optional=True)]
    adds = network(
        lambda raw, more: raw if more is None else raw + more,
        inputs,
        [tensor("sum", "bcyx", follow())],
    )
    x = noise(1, 1, 30, 30)
    assert np.array_equal(adds.predict({"raw": x})["sum"], x)
    assert np.array_equal(adds.predict({"raw": x, "more": x})["sum"], 2 * x)
    needs = Network(
        adds.description,
        Arithmetic(np.add, [port(tensor("raw", "bcyx")), port(tensor("more", "bcyx"))], outs()),
    )
    with pytest.raises(ModelError, match="lacks its input 'more', which is optional in its desc"):
        needs.predict({"raw": x})
    lacks = Network(adds.description, Arithmetic(np.negative, [port(inputs[0])], outs()))
    assert np.array_equal(lacks.predict({"raw": x})["sum"], -x)
    with pytest.raises(ModelError, match="weights have no input 'more'"):
        lacks.predict({"raw": x, "more": x})


def outs():
    return [port(tensor("sum", "bcyx"))]


@pytest.mark.parametrize(
    ("axes", "shape", "sizes"),
    [
        ("byxc", (2, 50, 41, 3), FIXED | {"c": Fixed(3)}),
        ("bczyx", (1, 2, 11, 50, 41), FIXED | {"z": Fixed(4), "c": Fixed(2)}),
        ("zyx", (11, 50, 41), STEPS | {"z": Stepped(4, 4)}),
        ("btcyx", (1, 9, 1, 50, 41), FIXED | {"t": Fixed(4)}),
        ("iyx", (3, 50, 41), FIXED | {"i": Fixed(3)}),
        ("yx", (50, 41), FIXED),
    ],
)
def test_axes_may_be_any_and_in_any_order(axes, shape, sizes):
    outputs = [tensor("p", axes, follow() | {k: v for k, v in sizes.items() if k in "ci"})]
    doubles = network(lambda x: x * 2, [tensor("raw", axes, sizes)], outputs)
    x = noise(*shape)
    assert np.array_equal(doubles.predict({"raw": x}, limit=2000)["p"], x * 2)
    assert len(doubles.runtime.seen) > 1


def test_statistics_are_of_the_whole_sample_before_and_after():
    steps = (
        Step("ensure_dtype", {"dtype": "float32"}),
        Step("zero_mean_unit_variance", {"axes": ["y", "x"]}),
    )
    after = (
        Step("scale_range", {"axes": ["y", "x"], "max_percentile": 99}),
        Step("scale_mean_variance", {"reference_tensor": "raw"}),
    )
    made = network(
        lambda x: x,
        [tensor("raw", "bcyx", FIXED, steps=steps)],
        [tensor("p", "bcyx", follow(), steps=after)],
    )
    x = noise(2, 1, 90, 70, dtype=np.uint16) + 7
    found = made.predict({"raw": x})["p"]
    mean, std = x.mean((2, 3), keepdims=True), x.std((2, 3), keepdims=True)
    y = (x - mean) / std
    low, high = np.percentile(y, [0, 99], axis=(2, 3), keepdims=True)
    y = (y - low) / (high - low)
    np.testing.assert_allclose(found, (y - y.mean()) / y.std() * x.std() + x.mean(), rtol=1e-3)


def test_an_output_may_refer_to_one_that_nobody_asked_for():
    steps = (Step("scale_range", {"reference_tensor": "first"}),)
    outputs = [tensor("first", "x", follow()), tensor("second", "x", follow(), steps=steps)]
    made = network(lambda x: (x, 2 * x), [tensor("raw", "x", {"x": Fixed(4)})], outputs)
    found = made.predict({"raw": np.float32([0, 1, 2, 4])}, ["second"])
    assert list(found) == ["second"]
    np.testing.assert_allclose(found["second"], [0, 0.5, 1, 2], rtol=1e-6)


def test_a_softmax_is_taken_over_all_classes_whatever_the_size():
    outputs = [tensor("p", "byxc", follow() | {"c": Fixed(3)}, steps=(Step("softmax"),))]
    made = network(lambda x: x, [tensor("raw", "byxc", FIXED | {"c": Fixed(3)})], outputs)
    x = noise(1, 700, 700, 3) / 50
    found = made.predict({"raw": x})["p"]
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(found, np.exp(x) / np.exp(x).sum(-1, keepdims=True), rtol=1e-4)


def test_a_softmax_along_space_needs_all_of_it():
    steps = (Step("softmax", {"axis": "x"}),)
    outputs = [tensor("p", "bcyx", follow(), steps=steps)]
    after = network(lambda x: x, [tensor("raw", "bcyx", FIXED)], outputs)
    x = noise(1, 1, 1200, 1000) / 50
    np.testing.assert_allclose(after.predict({"raw": x})["p"].sum(3), 1, rtol=1e-4)
    before = network(lambda x: x, [tensor("raw", "bcyx", FIXED, steps=steps)], plain())
    assert before.predict({"raw": x[..., :24, :24]})["plain"].shape == (1, 1, 24, 24)
    with pytest.raises(ModelError, match="along x, and the softmax of 'raw' must have all"):
        before.predict({"raw": x})


def test_data_types_are_the_declared_ones():
    times = (Step("scale_linear", {"gain": 3}),)
    made = network(
        lambda x: x,
        [tensor("raw", "bcyx", FIXED, dtype="uint8")],
        [tensor("p", "bcyx", follow(), dtype="uint8", steps=times)],
    )
    x = noise(1, 1, 40, 40, dtype=np.uint16)
    found = made.predict({"raw": x})["p"]
    assert found.dtype == np.uint8
    assert np.array_equal(found, np.minimum(3 * x, 255))
    assert np.array_equal(made.predict({"raw": x.astype(np.float64)})["p"], found)
    for bad, told in ((x * 10, "from 0 to 255 .uint8.; was given uint16"), (x / 7, "float64 from")):
        with pytest.raises(ModelError, match=told):
            made.predict({"raw": bad})


def test_padding_is_as_the_input_says():
    for mode, value, expected in (
        ("symmetric", 0, [1, 2, 3, 3, 2, 1, 1]),
        ("reflect", 0, [1, 2, 3, 2, 1, 2, 3]),
        ("edge", 0, [1, 2, 3, 3, 3, 3, 3]),
        ("constant", 9, [1, 2, 3, 9, 9, 9, 9]),
    ):
        seen = []
        raw = tensor("raw", "x", {"x": Fixed(7)}, pad=mode, pad_value=value)
        made = network(
            lambda x, seen=seen: seen.append(x) or x, [raw], [tensor("p", "x", follow())]
        )
        assert made.predict({"raw": np.float32([1, 2, 3])})["p"].tolist() == [1, 2, 3]
        assert seen[0].tolist() == expected
        assert made.predict({"raw": np.float32([4])})["p"].tolist() == [4]


def test_ports_are_found_by_name_or_else_by_position():
    inputs = [tensor("a", "x", STEPS), tensor("b", "x", STEPS)]
    outputs = [tensor("difference", "x", follow("a"))]
    a, b = np.float32([5] * 8), np.float32([3] * 8)
    for names, expected in ((("b", "a"), -2), (("first", "second"), 2)):
        ports = [Port(name, np.dtype(np.float32), (-1,)) for name in names]
        more = [Port(name, np.dtype(np.float32), (-1,)) for name in ("out", "spare")]
        runtime = Arithmetic(lambda x, y: (x - y, x), ports, more)
        found = Network(described(inputs, outputs), runtime).predict({"a": a, "b": b})
        assert found["difference"].tolist() == [expected] * 8
    with pytest.raises(ModelError, match="has the tensors a, b, its weights have only"):
        Network(
            described(inputs, outputs), Arithmetic(np.negative, [port(inputs[0], "only")], more)
        )


def test_weights_may_insist_on_a_size_that_the_description_allows():
    raw, p = tensor("raw", "bcyx", STEPS), tensor("p", "bcyx", follow(), halo=3)
    own = Port("raw", np.dtype(np.float32), (1, 1, 32, -1))
    strict = Network(described([raw], [p]), Arithmetic(blur, [own], [port(p)]))
    x = noise(1, 1, 50, 40)
    np.testing.assert_allclose(strict.predict({"raw": x})["p"], blur(x), rtol=1e-4)
    other = Port("raw", np.dtype(np.float32), (1, 1, 33, -1))
    strict = Network(described([raw], [p]), Arithmetic(blur, [other], [port(p)]))
    with pytest.raises(ModelError, match=r"axis y of raw: .* 16 \+ n x 8, .* take 33"):
        strict.predict({"raw": x})


def test_several_threads_give_the_same_to_the_last_bit():
    inputs, outputs = [tensor("raw", "bcyx", FIXED)], [*plain(), tensor("class", "bc")]
    results = [
        network(lambda x: (blur(x), x.mean((2, 3))), inputs, outputs, threads).predict(
            {"raw": noise(2, 1, 200, 150)}
        )
        for threads in (1, 3)
    ]
    assert all(np.array_equal(results[0][name], results[1][name]) for name in results[0])


@pytest.mark.parametrize("threads", [1, 3])
def test_a_fault_in_a_tile_ends_the_prediction(threads):
    calls = itertools.count()

    def fails(x):
        if next(calls) == 4:
            raise ModelError("broken")
        return x

    made = network(fails, [tensor("raw", "bcyx", FIXED)], plain(), threads)
    with pytest.raises(ModelError, match="broken"):
        made.predict({"raw": noise(1, 1, 1000, 300)})
    assert next(calls) < 20


def test_a_prediction_that_is_stopped_ends():
    stop = Stop()

    class Stopping(Arithmetic):
        def infer(self, tensors, outputs=None, stop=None):
            with stop.calling(lambda: None):
                found = super().infer(tensors, outputs)
                if len(self.seen) == 3:
                    stop.set()
                return found

    inputs = [tensor("raw", "bcyx", FIXED)]
    runtime = Stopping(blur, [port(inputs[0])], [port(plain()[0])])
    with pytest.raises(Interrupted):
        Network(described(inputs, plain()), runtime).predict(
            {"raw": noise(1, 1, 300, 300)}, stop=stop
        )
    assert len(runtime.seen) == 3


def test_only_the_outputs_that_are_asked_for_are_computed():
    made = network(
        lambda x: (x, x), [tensor("raw", "bcyx", FIXED)], [*plain(), tensor("c", "bcyx", follow())]
    )
    assert list(made.predict({"raw": noise(1, 1, 40, 40)}, ["c"])) == ["c"]
    with pytest.raises(ModelError, match="no output 'd'; its outputs are: plain, c"):
        made.predict({"raw": noise(1, 1, 40, 40)}, ["d"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "arithmetic: lacks its input 'raw'"),
        ({"image": noise(1, 1, 9, 9)}, "no input 'image'; its inputs are: raw"),
        ({"raw": noise(9, 9)}, "has the axes batch, channel, y, x; was given 9 x 9"),
        ({"raw": noise(1, 1, 0, 9)}, "was given 1 x 1 x 0 x 9"),
        ({"raw": noise(1, 2, 9, 9)}, "takes 1 along channel; was given 2"),
        ({"raw": noise(1, 1, 9, 9).astype(complex)}, "takes numbers; was given complex128"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(inputs, message):
    made = network(blur, [tensor("raw", "bcyx", FIXED)], plain())
    with pytest.raises(ModelError, match=message):
        made.predict(inputs)


def test_a_network_that_is_not_as_described_is_told():
    raw = tensor("raw", "bcyx", FIXED)
    for function, message in (
        (cropped, "'plain' has 26 elements along y, its description says as many as y of raw"),
        (lambda x: x[0], "'plain' has 3 axes, its description says batch, channel, y, x"),
    ):
        made = network(function, [raw], plain())
        with pytest.raises(ModelError, match=message):
            made.predict({"raw": noise(1, 1, 32, 24)})
    with pytest.raises(ModelError, match="take raw, float32 of any x any; the axes of 'raw'"):
        Network(described([raw], plain()), Arithmetic(blur, [port(tensor("raw", "yx"))], outs()))
