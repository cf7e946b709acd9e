from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cytomill.errors import ModelError
from cytomill.models.description import Axis, Fixed, Open, Step, Tensor
from cytomill.models.processing import Chain, Named
from cytomill.models.processing.operator import cast
from cytomill.models.processing.statistics import moments, quantiles

BCYX = (
    Axis("batch", "batch", Open()),
    Axis("channel", "channel", Fixed(3)),
    Axis("y", "space", Open()),
    Axis("x", "space", Open()),
)
IDS = tuple(axis.id for axis in BCYX)

X = np.random.default_rng(0).gamma(2, 30, (2, 3, 21, 17))
REFERENCE = np.random.default_rng(1).gamma(3, 20, (2, 3, 21, 17))

PLANE, ALL = (2, 3), (0, 1, 2, 3)


def chain(*steps: tuple[str, dict[str, object]], axes: tuple[Axis, ...] = BCYX) -> Chain:
    made = tuple(Step(name, kwargs) for name, kwargs in steps)
    return Chain.of(Tensor("raw", axes, "float32", steps=made))


def run(x, *steps):
    processing = chain(*steps)
    return processing.apply(x, processing.measure(x, {"other": Named(REFERENCE, IDS)}))


def over(function, x, axes, *args, **kwargs):
    return function(x, *args, axis=axes, keepdims=True, **kwargs)


def standard(x, axes, eps=1e-6):
    return (x - over(np.mean, x, axes)) / (over(np.std, x, axes) + eps)


def ranged(x, axes, low, high, eps=1e-6, of=None):
    low, high = (over(np.percentile, x if of is None else of, axes, p) for p in (low, high))
    return (x - low) / (high - low + eps)


def matched(x, axes):
    mean, std = over(np.mean, REFERENCE, axes), over(np.std, REFERENCE, axes)
    return standard(x, axes) * (std + 1e-6) + mean


def clipped(x, axes, low, high, method):
    low, high = (over(np.percentile, x, axes, p, method=method) for p in (low, high))
    return np.clip(x, low, high)


def each(*values):
    return np.array(values)[:, None, None]


CASES = [
    ("zero_mean_unit_variance", {}, standard(X, ALL)),
    ("zero_mean_unit_variance", {"axes": ["y", "x"]}, standard(X, PLANE)),
    ("zero_mean_unit_variance", {"axes": ["channel"], "eps": 0.1}, standard(X, (1,), 0.1)),
    ("zero_mean_unit_variance", {"axes": ["batch", "y", "x"]}, standard(X, (0, 2, 3))),
    ("fixed_zero_mean_unit_variance", {"mean": 9, "std": 3.5}, (X - 9) / (3.5 + 1e-6)),
    (
        "fixed_zero_mean_unit_variance",
        {"mean": [1, 2, 3], "std": [4, 5, 6], "axis": "channel"},
        (X - each(1, 2, 3)) / (each(4, 5, 6) + 1e-6),
    ),
    ("scale_range", {}, ranged(X, ALL, 0, 100)),
    (
        "scale_range",
        {"axes": ["y", "x"], "min_percentile": 1, "max_percentile": 99.8, "eps": 1e-3},
        ranged(X, PLANE, 1, 99.8, 1e-3),
    ),
    (
        "scale_range",
        {"axes": ["y", "x"], "reference_tensor": "other"},
        ranged(X, PLANE, 0, 100, of=REFERENCE),
    ),
    ("scale_mean_variance", {"reference_tensor": "other"}, matched(X, ALL)),
    ("scale_mean_variance", {"reference_tensor": "other", "axes": ["y", "x"]}, matched(X, PLANE)),
    ("clip", {"min": 20, "max": 60.5}, np.clip(X, 20, 60.5)),
    ("clip", {"max": 60}, np.minimum(X, 60)),
    (
        "clip",
        {"min_percentile": 3, "max_percentile": 97, "axes": ["y", "x"]},
        clipped(X, PLANE, 3, 97, "inverted_cdf"),
    ),
    ("clip", {"min_percentile": 3, "max_percentile": 97}, clipped(X, ALL, 3, 97, "linear")),
    ("scale_linear", {"gain": 0.5, "offset": -3}, X * 0.5 - 3),
    ("scale_linear", {"gain": [0.5]}, X * 0.5),
    (
        "scale_linear",
        {"gain": [1, 2, 3], "offset": 1, "axis": "channel"},
        X * each(1, 2, 3) + 1,
    ),
    ("binarize", {"threshold": 30}, X > 30),
    ("binarize", {"threshold": [10, 30, 50], "axis": "channel"}, each(10, 30, 50) < X),
    ("ensure_dtype", {"dtype": "int32"}, np.trunc(X)),
]


@pytest.mark.parametrize(("operator", "kwargs", "expected"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operators_compute_their_formula(operator, kwargs, expected, dtype):
    found = run(X.astype(dtype), (operator, kwargs))
    assert found.shape == X.shape
    tolerance = 1e-5 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_sigmoid_and_softmax_bear_any_number():
    x = (X.astype(np.float32) - 60) / 10
    np.testing.assert_allclose(run(x, ("sigmoid", {})), 1 / (1 + np.exp(-x)), rtol=1e-6)
    share = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(run(x, ("softmax", {})), share, rtol=1e-5)
    extreme = np.full((1, 3, 1, 2), np.float32([-1e4, 1e4]))
    assert run(extreme, ("sigmoid", {})).ravel().tolist() == [0, 1] * 3
    np.testing.assert_allclose(run(extreme, ("softmax", {})), 1 / 3, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, bool])
def test_integers_are_computed_with_as_numbers(dtype):
    x = X.astype(dtype)
    found = run(x, ("zero_mean_unit_variance", {"axes": ["y", "x"]}))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, standard(x.astype(float), PLANE), atol=1e-5)


@pytest.mark.parametrize(("operator", "kwargs", "expected"), CASES)
def test_a_window_gets_what_the_whole_gets(operator, kwargs, expected):
    processing, x = chain((operator, kwargs)), X.astype(np.float32)
    measured = processing.measure(x, {"other": Named(REFERENCE, IDS)})
    whole = processing.apply(x, measured)
    window = processing.apply(x[1:, :, 5:20, 7:9], measured, (1, 0, 5, 7))
    assert np.array_equal(window, whole[1:, :, 5:20, 7:9])


def test_a_step_measures_what_the_steps_before_it_left():
    found = run(
        X,
        ("clip", {"min": 30, "max": 60}),
        ("zero_mean_unit_variance", {"axes": ["y", "x"]}),
        ("scale_range", {"axes": ["x"]}),
        ("scale_linear", {"gain": 2}),
    )
    expected = 2 * ranged(standard(np.clip(X, 30, 60), PLANE), (3,), 0, 100)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_references_are_matched_by_the_names_of_axes():
    tensor = Named(REFERENCE[:, 0].transpose(2, 1, 0), ("x", "y", "batch"))
    processing = chain(("scale_mean_variance", {"reference_tensor": "r", "axes": ["y", "x"]}))
    found = processing.apply(X, processing.measure(X, {"r": tensor}))
    np.testing.assert_allclose(found.mean(PLANE), REFERENCE[:, :1].mean(PLANE).repeat(3, 1))
    short = Named(REFERENCE[:, :2], IDS)
    with pytest.raises(ModelError, match=r"'raw': scale_mean_variance: a reference of .* not fit"):
        processing.measure(X, {"r": short})
    with pytest.raises(ModelError, match="no tensor 'r' to refer to"):
        processing.measure(X)


@pytest.mark.parametrize(
    ("operator", "kwargs", "message"),
    [
        ("blur", {}, "'raw': blur: no such operator; there are binarize, clip"),
        ("custom", {}, "custom: is not run here: it runs Python code"),
        ("stardist_postprocessing", {}, "it needs the program StarDist"),
        ("sigmoid", {"gain": 1}, "sigmoid: gain: Extra inputs"),
        ("clip", {}, "clip: min or max must be given"),
        ("clip", {"min": 3, "max": 1}, "least value must be below the most"),
        ("clip", {"min": 3, "min_percentile": 1}, "min and min_percentile exclude"),
        ("clip", {"min": 3, "axes": ["x"]}, "axes are for percentiles"),
        ("scale_range", {"min_percentile": 60, "max_percentile": 50}, "must be below"),
        ("scale_range", {"max_percentile": 0.99}, "max_percentile: .* greater than 1"),
        ("zero_mean_unit_variance", {"axes": ["z"]}, "no axis 'z'; the axes are batch, channel"),
        ("zero_mean_unit_variance", {"axes": "yx"}, "axes: .*valid tuple"),
        ("zero_mean_unit_variance", {"eps": 0}, "eps: .*greater than 0"),
        ("fixed_zero_mean_unit_variance", {"mean": 1}, "std: Field required"),
        (
            "fixed_zero_mean_unit_variance",
            {"mean": [1, 2], "std": [1, 2, 3], "axis": "channel"},
            "mean has 2 values, std has 3",
        ),
        ("softmax", {"axis": "batch"}, "axis 'batch' cannot be meant"),
        ("ensure_dtype", {"dtype": "complex64"}, "dtype: Input should be 'float32'"),
        ("scale_linear", {"gain": float("nan")}, "gain.*finite"),
    ],
)
def test_what_is_no_step_is_refused_in_one_line(operator, kwargs, message):
    with pytest.raises(ModelError, match=message) as caught:
        chain((operator, kwargs))
    assert "\n" not in str(caught.value)


def test_numbers_for_an_axis_are_as_many_as_its_elements():
    for kwargs, message in (
        ({"gain": [1, 2], "axis": "channel"}, "2 values are given for 3 elements"),
        ({"gain": [1, 2]}, "2 values are given, but no axis"),
    ):
        processing = chain(("scale_linear", kwargs))
        with pytest.raises(ModelError, match=message):
            processing.measure(X)


arrays = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64]),
    hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
    elements=st.integers(0, 200),
)


@given(arrays, st.integers(0, 100), st.sampled_from(["linear", "inverted_cdf"]))
def test_quantiles_are_those_of_numpy(x, percent, method):
    for axes in ((0,), (0, 1), tuple(range(x.ndim))):
        (found,) = quantiles(x, axes, [percent / 100], method)
        wide = x.astype(np.float64)
        expected = np.quantile(wide, percent / 100, axis=axes, keepdims=True, method=method)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_quantiles_of_many_integers_are_counted_right():
    x = np.random.default_rng(0).poisson(300, (2, 300, 300)).astype(np.uint16)
    wanted = [0, 0.013, 0.5, 0.998, 1]
    found = quantiles(x, (1, 2), wanted, "linear")
    expected = np.quantile(x.astype(float), wanted, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_nan_is_not_hidden():
    x = np.ones((1, 1, 4, 4), np.float32)
    x[0, 0, 1, 1] = np.nan
    assert np.isnan(quantiles(x, PLANE, [0.5], "linear")[0]).all()
    assert np.isnan(moments(x, PLANE)[0]).all()


def test_moments_of_far_off_values_keep_their_digits():
    x = (1e7 + np.random.default_rng(0).normal(0, 1, (3, 1500, 1500))).astype(np.float32)
    mean, std = moments(x, (1, 2))
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((1, 2), keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(std, exact.std((1, 2), keepdims=True), rtol=1e-9)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "int64", "uint64"])
def test_a_cast_keeps_within_the_type(dtype):
    limits = np.iinfo(dtype)
    for source in (np.float32, np.float64):
        x = np.array([-np.inf, -1e30, -1, 0, 2.9, 1e30, np.inf, np.nan], source)
        found = cast(x, dtype)
        assert found.dtype == dtype
        assert found[[0, 2, 3, 4, 7]].tolist() == [limits.min, max(-1, limits.min), 0, 2, 0]
        assert found[5] == found[6]
        assert found[6] >= limits.max - limits.max // 2**52
    wide = np.array([np.iinfo(np.int64).min, -1, 5, np.iinfo(np.int64).max])
    assert (
        cast(wide, dtype).tolist() == np.clip(wide.astype(object), limits.min, limits.max).tolist()
    )
