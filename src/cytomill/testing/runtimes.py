"""The contract of runtimes as tests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from ..errors import ModelError
from ..inference.runtime import Runtime


class RuntimeTests:
    """Subclass it and give the fixture ``runtime``, of a model of one input channel."""

    @pytest.fixture
    def runtime(self) -> Runtime:
        """The runtime under test, with a model loaded."""
        raise NotImplementedError

    def test_it_says_what_runs_where(self, runtime: Runtime) -> None:
        """The manifest names the weights and the device."""
        assert runtime.weights in (runtime.model.weights, runtime.model.int8)
        assert runtime.device

    @pytest.mark.parametrize("n", [1, 3])
    @pytest.mark.parametrize("sides", [(1, 1), (2, 5), (7, 3)])
    def test_maps_have_the_shape_of_the_input(
        self, runtime: Runtime, n: int, sides: tuple[int, int]
    ) -> None:
        """Any multiple of the stride, any number of images."""
        x = _input(runtime, n, sides)
        maps = runtime.predict(x)
        assert maps.dtype == np.uint8
        assert maps.shape == (n, len(runtime.model.maps), *x.shape[2:])

    def test_the_same_input_gives_the_same_maps(self, runtime: Runtime) -> None:
        """Runtimes are deterministic."""
        x = _input(runtime)
        assert np.array_equal(runtime.predict(x), runtime.predict(x))

    def test_many_threads_get_their_own_results(self, runtime: Runtime) -> None:
        """Calls from several threads at once do not mix."""
        inputs = [_input(runtime, seed=seed) for seed in range(12)]
        alone = [runtime.predict(x) for x in inputs]
        with ThreadPoolExecutor(4) as pool:
            beside = list(pool.map(runtime.predict, inputs))
        assert all(np.array_equal(one, other) for one, other in zip(alone, beside, strict=True))
        assert len({one.tobytes() for one in alone}) > 1

    def test_the_result_belongs_to_the_caller(self, runtime: Runtime) -> None:
        """It may be written to, and a later call does not change it."""
        x, other = _input(runtime, seed=1), _input(runtime, seed=2)
        maps = runtime.predict(x)
        kept = maps.copy()
        runtime.predict(other)
        assert np.array_equal(maps, kept)
        maps[:] = 7
        assert np.array_equal(runtime.predict(x), kept)

    def test_the_input_is_left_alone_and_may_have_any_layout(self, runtime: Runtime) -> None:
        """Read-only and strided arrays are as good as any."""
        x = _input(runtime, sides=(2, 3))
        expected = runtime.predict(x)
        kept = x.copy()
        x.flags.writeable = False
        assert np.array_equal(runtime.predict(x), expected)
        assert np.array_equal(runtime.predict(np.asfortranarray(x)), expected)
        assert np.array_equal(runtime.predict(np.repeat(x, 2, 3)[..., ::2]), expected)
        assert np.array_equal(x, kept)

    @pytest.mark.parametrize("shape", [(2, 64, 64), (1, 2, 64, 64), (1, 1, 1, 64, 64)])
    def test_an_input_of_another_shape_is_refused(
        self, runtime: Runtime, shape: tuple[int, ...]
    ) -> None:
        """In words, with the model and the shape, and without harm to what follows."""
        with pytest.raises(ModelError, match=runtime.model.name):
            runtime.predict(np.zeros(shape, np.float32))
        assert runtime.predict(_input(runtime)).shape[0] == 1


def _input(
    runtime: Runtime, n: int = 1, sides: tuple[int, int] = (4, 4), seed: int = 0
) -> NDArray[np.float32]:
    """Noise, ``sides`` strides high and wide."""
    height, width = (side * runtime.model.stride for side in sides)
    noise = np.random.default_rng(seed).random((n, 1, height, width), np.float32)
    # On noise alone a network may see nothing, wherever it is.
    stripes = np.indices((height, width)).sum(0) // 8 % 2
    return np.asarray(noise + 2 * stripes, np.float32)
