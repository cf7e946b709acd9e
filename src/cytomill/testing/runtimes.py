"""The contract of runtimes as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from ..errors import Interrupted, ModelError
from ..inference.runtime import Runtime
from ..inference.stop import Stop

#: Stands for any size where a network leaves it open: a multiple of every stride in use.
_SIDE = 64


class RuntimeTests:
    """Subclass it and give the fixture ``runtime``: any network of at least one float input."""

    @pytest.fixture
    def runtime(self) -> Runtime:
        """The runtime under test, with a network loaded."""
        raise NotImplementedError

    def test_it_says_what_runs_where(self, runtime: Runtime) -> None:
        """The manifest names the model, the weights and the device."""
        assert runtime.name
        assert runtime.device
        assert runtime.weights.path.name
        assert runtime.inputs
        assert runtime.outputs

    def test_outputs_are_as_declared(self, runtime: Runtime) -> None:
        """Names, data types and shapes."""
        found = runtime.infer(_inputs(runtime))
        assert list(found) == [port.name for port in runtime.outputs]
        for port in runtime.outputs:
            assert found[port.name].dtype == port.dtype
            assert port.admits(found[port.name].shape)

    def test_only_the_outputs_that_are_asked_for_come(self, runtime: Runtime) -> None:
        """And they are the same."""
        name = runtime.outputs[-1].name
        found = runtime.infer(_inputs(runtime), [name])
        assert list(found) == [name]
        assert np.array_equal(found[name], runtime.infer(_inputs(runtime))[name])

    def test_the_same_input_gives_the_same_outputs(self, runtime: Runtime) -> None:
        """Runtimes are deterministic."""
        assert _same(runtime.infer(_inputs(runtime)), runtime.infer(_inputs(runtime)))

    def test_many_threads_get_their_own_results(self, runtime: Runtime) -> None:
        """Calls from several threads at once do not mix."""
        inputs = [_inputs(runtime, seed) for seed in range(12)]
        alone = [runtime.infer(x) for x in inputs]
        with ThreadPoolExecutor(4) as pool:
            beside = list(pool.map(runtime.infer, inputs))
        assert all(map(_same, alone, beside))
        assert len({_bytes(one) for one in alone}) > 1

    def test_the_result_belongs_to_the_caller(self, runtime: Runtime) -> None:
        """It may be written to, and a later call does not change it."""
        found = runtime.infer(_inputs(runtime, 1))
        kept = {name: array.copy() for name, array in found.items()}
        runtime.infer(_inputs(runtime, 2))
        assert _same(found, kept)
        for array in found.values():
            array[...] = np.ones((), array.dtype)
        assert _same(runtime.infer(_inputs(runtime, 1)), kept)

    def test_the_input_is_left_alone_and_may_have_any_layout(self, runtime: Runtime) -> None:
        """Read-only and strided arrays are as good as any."""
        inputs = _inputs(runtime)
        expected = runtime.infer(inputs)
        kept = {name: array.copy() for name, array in inputs.items()}
        for array in inputs.values():
            array.flags.writeable = False
        assert _same(runtime.infer(inputs), expected)
        strided = {name: np.repeat(array, 2, -1)[..., ::2] for name, array in inputs.items()}
        assert _same(runtime.infer(strided), expected)
        fortran = {name: np.asfortranarray(array) for name, array in inputs.items()}
        assert _same(runtime.infer(fortran), expected)
        assert _same(inputs, kept)

    def test_an_input_that_does_not_fit_is_refused(self, runtime: Runtime) -> None:
        """In words, with the model and what it takes, and without harm to what follows."""
        good = _inputs(runtime)
        name = runtime.inputs[0].name
        for bad in (
            {**good, name: good[name][0]},
            {**good, name: good[name].astype(np.complex64)},
            {**good, "no such input": good[name]},
            {key: array for key, array in good.items() if key != name},
        ):
            with pytest.raises(ModelError, match=runtime.name):
                runtime.infer(bad)
        with pytest.raises(ModelError, match="no output 'no such output'"):
            runtime.infer(good, ["no such output"])
        assert runtime.infer(good)

    def test_a_call_that_is_stopped_ends(self, runtime: Runtime) -> None:
        """And the next one works."""
        stop = Stop()
        stop.set()
        with pytest.raises(Interrupted):
            runtime.infer(_inputs(runtime), stop=stop)
        assert _same(runtime.infer(_inputs(runtime), stop=Stop()), runtime.infer(_inputs(runtime)))

    def test_a_call_that_is_stopped_on_the_way_ends(self, runtime: Runtime) -> None:
        """Though the stop was not set when it began."""
        with pytest.raises(Interrupted):
            runtime.infer(_inputs(runtime), stop=_Late())
        assert runtime.infer(_inputs(runtime))


class _Late(Stop):
    """Sets itself as soon as a call can be called off."""

    @contextmanager
    def calling(self, hook: Callable[[], object]) -> Iterator[None]:
        with super().calling(hook):
            self.set()
            yield


def _inputs(runtime: Runtime, seed: int = 0) -> dict[str, NDArray[np.generic]]:
    """Noise in stripes for every input that must be given."""
    random = np.random.default_rng(seed)
    made = {}
    for port in runtime.inputs:
        if port.optional:
            continue
        shape = [_SIDE if size < 0 else size for size in port.shape]
        if port.shape[:1] == (-1,):
            shape[0] = 1
        # On noise alone a network may see nothing, wherever it is.
        stripes = np.indices(shape).sum(0) // 8 % 2
        values = 20 * random.random(shape) + 20 * stripes
        made[port.name] = np.asarray(values, port.dtype)
    return made


def _same(one: dict[str, NDArray[np.generic]], other: dict[str, NDArray[np.generic]]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


def _bytes(tensors: dict[str, NDArray[np.generic]]) -> bytes:
    return b"".join(array.tobytes() for array in tensors.values())
