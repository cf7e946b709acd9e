"""What a client of the service may rely on: its own answer, in time, or a word why not."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from time import monotonic

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytomill.inference.server import scheduler
from cytomill.inference.server.request import Code, Request, ServerError
from cytomill.inference.stop import Stop
from tests import networks
from tests.service import FOR_EVER, answered, ask, busy, in_loop, linear, rows, serving, until

#: What each model computes: factor and offset.
LINES = {"one": (3, 1), "two": (-2, 7)}

#: What becomes of a request that nothing happens to is an answer; else it may be one of these.
FATES = {
    "stop": {Code.CANCELLED},
    "cancel": {Code.CANCELLED},
    "deadline": {Code.DEADLINE_EXCEEDED},
    "none": set(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, line in LINES.items():
        linear(folder / f"{name}.onnx", *line)
    busy(folder / "busy.onnx")
    networks.root(folder / "root.onnx")
    return folder


async def client(service, number, fate, dice):
    """Ask once with numbers that nobody else has; returns how it went and the answer."""
    model = dice.choice(list(LINES))
    x = [1000 * number + row for row in range(dice.randint(1, 3))]
    stop, deadline = Stop(), None
    await asyncio.sleep(dice.random() * 0.2)
    moment = dice.random() * 0.05
    if fate == "deadline":
        deadline = monotonic() + moment
    asking = asyncio.ensure_future(
        answered(service, model, x, priority=dice.choice([0, 1, 3]), deadline=deadline, stop=stop)
    )
    if fate in ("stop", "cancel"):
        call = stop.set if fate == "stop" else asking.cancel
        asyncio.get_running_loop().call_later(moment, call)
    await asyncio.wait([asking])
    if asking.cancelled():
        assert fate == "cancel"
        return None
    error = asking.exception()
    if error is None:
        return asking.result().outputs["y"], LINES[model], x
    assert isinstance(error, ServerError)
    assert error.code in FATES[fate], str(error)
    return None


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32))
def test_everybody_gets_their_own_answer_whoever_gives_up(folder, seed):
    dice, count = random.Random(seed), 1500

    @in_loop
    async def all_at_once():
        async with serving(folder, threads=2, batch=4, queue=count, load=tuple(LINES)) as service:
            fates = dice.choices(list(FATES), weights=[1, 1, 1, 5], k=count)
            found = await asyncio.gather(
                *(client(service, *each, dice) for each in enumerate(fates))
            )
            # They are compared when all are done: an answer stays what it was while it is kept.
            for answer, (factor, offset), x in filter(None, found):
                assert np.array_equal(answer, rows(x) * factor + offset)
            done = [each is not None for each in found]
            assert all(ok for ok, fate in zip(done, fates, strict=True) if fate == "none")
            counted = service.statistics()
            assert sum(each.success.count for each in counted) == sum(done)
            assert sum(each.success.count + each.fail.count for each in counted) == count
            assert sum(each.executions for each in counted) < sum(done)  # some were joined
            await until(lambda: not any(w.running or w.waiting for w in service.workers()))

    all_at_once()


@in_loop
async def test_an_answer_that_is_kept_is_not_overwritten(folder):
    async with serving(folder) as service:
        kept = [await ask(service, "one", number) for number in range(50)]
        assert all(np.array_equal(y, rows(n) * 3 + 1) for n, y in enumerate(kept))


@in_loop
async def test_large_tensors_and_growing_ones_come_back_whole(folder):
    async with serving(folder) as service:
        for count in (1, 10**5, 10, 5 * 10**6, 100):
            x = np.arange(count) % 10**6
            assert np.array_equal(await ask(service, "one", x), rows(x) * 3 + 1)


@pytest.mark.parametrize("how", ["stop", "cancel", "deadline"])
@in_loop
async def test_giving_up_frees_the_device(folder, how):
    async with serving(folder, load=("busy",)) as service:
        stop = Stop()
        deadline = monotonic() + 0.3 if how == "deadline" else None
        asking = asyncio.ensure_future(
            ask(service, "busy", 1, turns=20000, stop=stop, deadline=deadline)
        )
        await until(lambda: service.workers()[0].running == 1)
        if how == "stop":
            stop.set()
        elif how == "cancel":
            asking.cancel()
        with pytest.raises((ServerError, asyncio.CancelledError)):
            await asking
        assert (await ask(service, "busy", 5, turns=1))[0, 0] == 6
        (worker,) = service.workers()
        assert worker.restarts == 0  # by stopping the run, not the worker


@in_loop
async def test_a_run_that_will_not_stop_is_ended_by_force(folder, monkeypatch):
    monkeypatch.setattr(scheduler, "_PATIENCE", 0.2)
    async with serving(folder, load=("busy",)) as service:
        with pytest.raises(ServerError, match="the deadline passed while the request waited or"):
            await ask(service, "busy", 1, turns=FOR_EVER, deadline=monotonic() + 0.2)
        assert (await ask(service, "busy", 5, turns=1))[0, 0] == 6
        (worker,) = service.workers()
        assert worker.restarts == 1


@in_loop
async def test_who_gives_up_in_the_queue_is_never_run(folder):
    async with serving(folder, load=("busy",)) as service:
        first = asyncio.ensure_future(ask(service, "busy", 1, turns=1000))
        await until(lambda: service.workers()[0].running == 1)
        ahead = [asyncio.ensure_future(ask(service, "busy", 2, turns=1)) for _ in range(2)]
        await until(lambda: service.workers()[0].running == 3)
        with pytest.raises(ServerError, match="deadline passed") as caught:
            await ask(service, "busy", 3, turns=1, deadline=monotonic() + 0.01)
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        gone = asyncio.ensure_future(ask(service, "busy", 4, turns=1))
        await until(lambda: service.workers()[0].waiting == 1)
        gone.cancel()
        await until(lambda: service.workers()[0].waiting == 0)
        await asyncio.gather(first, *ahead)
        (counted,) = service.statistics("busy")
        assert counted.executions == 3
        assert counted.failures == {"DEADLINE_EXCEEDED": 1, "CANCELLED": 1}


@in_loop
async def test_a_deadline_that_has_passed_is_told_at_once(folder):
    async with serving(folder) as service:
        with pytest.raises(ServerError, match="passed before the request came"):
            await ask(service, "one", 1, deadline=monotonic() - 1)
        assert service.workers() == []


@in_loop
async def test_the_urgent_go_first(folder):
    async with serving(folder, load=("busy",)) as service:
        order = []

        async def one(name, priority):
            await ask(service, "busy", 1, turns=1, priority=priority)
            order.append(name)

        first = asyncio.ensure_future(ask(service, "busy", 1, turns=2000))
        await until(lambda: service.workers()[0].running == 1)
        # Two more are with the worker already, and out of the order.
        ahead = [asyncio.ensure_future(one("ahead", 9)) for _ in range(2)]
        await until(lambda: service.workers()[0].running == 3)
        wanted = [("later", 3), ("usual", 0), ("urgent", 1), ("usual too", 0), ("latest", 9)]
        waiting = []
        for each in wanted:
            waiting.append(asyncio.ensure_future(one(*each)))
            await until(lambda: service.workers()[0].waiting == len(waiting))
        await asyncio.gather(first, *ahead, *waiting)
        assert order[2:] == ["urgent", "usual", "usual too", "later", "latest"]


@in_loop
async def test_a_full_queue_says_when_to_come_back(folder):
    async with serving(folder, queue=3, load=("busy",)) as service:
        asking = [asyncio.ensure_future(ask(service, "busy", 1, turns=300)) for _ in range(6)]
        await until(lambda: service.workers()[0].waiting == 3)
        with pytest.raises(ServerError) as caught:
            await ask(service, "busy", 1, turns=1)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        assert re.fullmatch(
            r"model busy is busy: 3 requests are waiting; try again in about \d+ s",
            str(caught.value),
        )
        await asyncio.gather(*asking)
        assert (await ask(service, "busy", 1, turns=1)).all()


@in_loop
async def test_a_queue_is_full_of_bytes_too_but_takes_one_of_any_size(folder):
    async with serving(folder, queue_bytes=100, load=("busy",)) as service:
        large = np.arange(100)
        asking = [asyncio.ensure_future(ask(service, "busy", large, turns=500)) for _ in range(3)]
        await until(lambda: service.workers()[0].running == 3)
        asking.append(asyncio.ensure_future(ask(service, "busy", large, turns=1)))
        await until(lambda: service.workers()[0].waiting == 1)
        with pytest.raises(ServerError, match="1 requests are waiting"):
            await ask(service, "busy", large, turns=1)
        await asyncio.gather(*asking)


@in_loop
async def test_the_fault_of_one_is_not_that_of_those_joined_to_it(folder):
    async with serving(folder, batch=8, delay=1, load=("root",)) as service:
        values = [4, 9, -1, 16, 25, 36, 49, 64]
        found = await asyncio.gather(
            *(ask(service, "root", value) for value in values), return_exceptions=True
        )
        fault = found.pop(2)
        assert isinstance(fault, ServerError)
        assert fault.code is Code.INTERNAL
        assert str(fault) == "model root: its output y holds NaN for this input"
        assert [y[0, 0] for y in found] == [2, 3, 4, 5, 6, 7, 8]
        (counted,) = service.statistics("root")
        assert counted.executions == 1
        assert counted.inferences == 8
        assert list(counted.batches) == [8]
        assert (counted.success.count, counted.fail.count) == (7, 1)


@in_loop
async def test_tensors_are_joined_only_on_the_operators_word(folder):
    """The file of a network does not say that its first axis is a batch."""
    async with serving(folder, load=("one",)) as service:
        assert (await service.config("one")).batch == 0
        await asyncio.gather(*(ask(service, "one", n) for n in range(8)))
        assert list(service.statistics("one")[0].batches) == [1]


WRONG = [
    (("none", "", "", {}), Code.NOT_FOUND, "no model 'none'; the models are: busy, nuclei"),
    (("one.pixels", "", "", {}), Code.NOT_FOUND, "no model 'one.pixels'"),
    (("one", "7", "", {}), Code.NOT_FOUND, "model one has no version '7'; it has version 1"),
    (("one", "1", "", {}), Code.INVALID_ARGUMENT, "one: lacks its input x"),
    (
        ("one", "", "", {"x": np.zeros((1, 4))}),
        Code.INVALID_ARGUMENT,
        "one: takes x, float32 of any x 4; was given float64 of 1 x 4",
    ),
    (
        ("one", "", "", {"x": np.zeros((1, 5), np.float32)}),
        Code.INVALID_ARGUMENT,
        "was given float32 of 1 x 5",
    ),
    (
        ("one", "", "", {"x": np.zeros((0, 4), np.float32)}),
        Code.INVALID_ARGUMENT,
        "its input x is 0 x 4, which is nothing",
    ),
    (("one", "", "", {"x": rows(1)}, ("z",)), Code.INVALID_ARGUMENT, "no output 'z'"),
    (
        ("one", "", "", {"x": rows(1)}, None, -1),
        Code.INVALID_ARGUMENT,
        "priority -1: must be 1, or more for later",
    ),
    (
        ("one", "", "", {"x": rows(1)}, None, 0, None, {"tempo": 1}),
        Code.INVALID_ARGUMENT,
        "parameters that are not known: tempo",
    ),
]


@in_loop
async def test_what_does_not_fit_is_refused_before_it_waits(folder):
    async with serving(folder, load=("one",)) as service:
        for request, code, message in WRONG:
            with pytest.raises(ServerError, match=re.escape(message)) as caught:
                await service.infer(Request(*request))
            assert caught.value.code is code
        assert service.workers()[0].busy == 0


@in_loop
async def test_the_service_tells_what_a_model_takes_and_how_it_is_run(folder):
    async with serving(folder, batch=4) as service:
        metadata = await service.metadata("one")
        assert (metadata.versions, metadata.platform) == (("1",), "onnx_onnxv1")
        assert [str(port) for port in metadata.inputs] == ["x, float32 of any x 4"]
        config = await service.config("one")
        assert (config.slots, config.batch, config.device) == (1, 4, "cpu (OpenVINO f32)")
        with pytest.raises(ServerError, match=r"no model 'one\.pixels'"):
            await service.metadata("one.pixels")


@in_loop
async def test_time_is_counted_where_it_is_spent(folder):
    async with serving(folder, load=("busy",)) as service:
        await ask(service, "busy", 1, turns=100)
        (counted,) = service.statistics("busy")
        parts = [counted.queue, counted.compute_input, counted.compute_infer]
        parts.append(counted.compute_output)
        assert {part.count for part in parts} == {1}
        assert all(part.ns > 0 for part in parts)
        assert sum(part.ns for part in parts) <= counted.success.ns
        assert service.workers()[0].busy == counted.compute_infer.ns / 1e9


@in_loop
async def test_raw_pixels_are_a_view_of_the_same_worker():
    async with serving() as service:
        pixels = np.random.default_rng(0).integers(0, 4096, (64, 80), dtype=np.uint16)
        answer = await service.infer(Request("nuclei.pixels", "", "7", {"pixels": pixels}))
        assert (answer.id, answer.outputs["maps"].shape) == ("7", (3, 64, 80))
        with suppress(ServerError):
            await service.infer(Request("nuclei", "", "", {"image": pixels}))
        assert len(service.workers()) == 1
        assert [entry.name for entry in await service.index()] == ["nuclei", "nuclei.pixels"]
