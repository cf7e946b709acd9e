"""How models come into memory and leave it, and what happens when a worker or the server dies."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import psutil
import pytest

from cytomill.errors import OptionError
from cytomill.inference.server import budget, memory, served
from cytomill.inference.server.options import Options
from cytomill.inference.server.request import Code, ServerError
from cytomill.inference.server.service import Service, State
from tests.service import PATIENCE, ask, busy, children, in_loop, linear, serving, until


@pytest.fixture
def folder(tmp_path):
    for name, factor in (("one", 1), ("two", 2), ("three", 3)):
        linear(tmp_path / f"{name}.onnx", factor, 5)
    busy(tmp_path / "busy.onnx")
    return tmp_path


@pytest.fixture
def for_one(monkeypatch):
    """Bytes that are enough for one worker, and not for two.

    What a worker really takes depends on what else runs here, for libraries are shared.
    """
    monkeypatch.setattr(memory, "of", lambda pid: 100 * 2**20)
    return 150 * 2**20


def pid(service, name):
    """The process of a model."""
    (found,) = [p for p in children() if p.pid == service._open.find(name)[0].worker.pid]
    return found.pid


async def states(service):
    return {entry.name: entry.state for entry in await service.index()}


def alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@in_loop
async def test_a_model_is_loaded_once_by_those_who_ask_first(folder):
    async with serving(folder) as service:
        assert not service.model_ready("two")
        assert children() == []
        found = await asyncio.gather(*(ask(service, "two", n) for n in range(20)))
        assert [y[0, 0] for y in found] == [2 * n + 5 for n in range(20)]
        (worker,) = service.workers()
        assert (worker.loads, len(children())) == (1, 1)
        assert service.model_ready("two")
        assert service.ready()


@in_loop
async def test_unloading_frees_the_process_and_the_next_request_loads(folder):
    async with serving(folder, load=("one",)) as service:
        asking = [asyncio.ensure_future(ask(service, "one", n)) for n in range(5)]
        await asyncio.sleep(0)
        await service.unload("one")
        assert all([(await each).all() for each in asking])
        assert children() == []
        (entry,) = [e for e in await service.index() if e.name == "one"]
        assert entry.state is State.UNAVAILABLE
        assert entry.reason == "was unloaded; its next request loads it"
        assert (await ask(service, "one", 1))[0, 0] == 6


def own_threads():
    """Threads but for those of the loop's pool, which grows to its size when it pleases."""
    return sum(not thread.name.startswith("asyncio") for thread in threading.enumerate())


@in_loop
async def test_loading_and_unloading_leaves_nothing_behind(folder):
    async with serving(folder) as service:
        this = psutil.Process()
        for turn in range(8):
            await ask(service, "one", 1)
            await service.unload("one")
            if turn == 2:
                before = this.num_fds(), own_threads()
        assert (this.num_fds(), own_threads()) == before
        assert children() == []


@in_loop
async def test_the_least_recently_used_makes_room(folder, for_one):
    async with serving(folder, memory=for_one) as service:
        await ask(service, "one", 1)
        await ask(service, "two", 1)
        found = await states(service)
        assert (found["one"], found["two"]) == (State.UNAVAILABLE, State.READY)
        (entry,) = [e for e in await service.index() if e.name == "one"]
        assert entry.reason == "was unloaded to make room for two; its next request loads it"
        assert sum(worker.memory for worker in service.workers()) <= service.memory
        assert (await ask(service, "one", 1))[0, 0] == 6
        assert (await states(service))["two"] is State.UNAVAILABLE


@in_loop
async def test_a_model_larger_than_all_memory_is_refused_with_both_figures(folder):
    async with serving(folder, memory=2**20) as service:
        with pytest.raises(ServerError) as caught:
            await ask(service, "one", 1)
        assert caught.value.code is Code.FAILED_PRECONDITION
        assert re.fullmatch(
            r"model one takes \d+ MiB, more than the 1 MiB that all models may take together; "
            r"start the server with a larger --memory",
            str(caught.value),
        )
        assert children() == []
        assert service.ready()  # for others


@in_loop
async def test_a_busy_model_is_never_unloaded_for_another(folder, for_one):
    async with serving(folder, memory=for_one) as service:
        asking = asyncio.ensure_future(ask(service, "busy", 1, turns=30000))
        await until(lambda: any(worker.running for worker in service.workers()))
        # What it takes becomes known by the try, and that there is no room for it.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(budget, "_PATIENCE", 0.1)
            with pytest.raises(ServerError, match="are busy; try again later") as caught:
                await ask(service, "one", 1)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        with pytest.raises(ServerError, match="are busy; try again later") as caught:
            await ask(service, "one", 1, deadline=monotonic() + 0.3)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        waiting = asyncio.ensure_future(ask(service, "one", 1))
        await until(lambda: any(worker.waiting for worker in service.workers()))
        assert service.model_ready("busy")
        assert not waiting.done()
        asking.cancel()
        assert (await waiting)[0, 0] == 6  # as soon as there is room


@in_loop
async def test_a_crash_fails_what_ran_and_nothing_else(folder):
    async with serving(folder, load=("busy", "one")) as service:
        asking = [asyncio.ensure_future(ask(service, "busy", n, turns=1000)) for n in range(5)]
        await until(lambda: service.workers()[0].waiting == 2)
        os.kill(pid(service, "busy"), signal.SIGKILL)
        with pytest.raises(ServerError) as caught:
            await asking[0]
        assert caught.value.code is Code.UNAVAILABLE
        assert str(caught.value) == (
            "model busy: its process was killed by SIGKILL, as the kernel does where memory runs "
            "out; the request was lost, send it again"
        )
        assert not service.ready()
        assert not service.model_ready("busy")
        assert service.model_ready("one")
        found = await asyncio.gather(*asking[1:])
        assert [y[0, 0] for y in found] == [2, 3, 4, 5]
        assert service.ready()
        assert service.model_ready("busy")
        assert [worker.restarts for worker in service.workers()] == [1, 0]


@in_loop
async def test_a_worker_that_dies_while_idle_is_replaced(folder):
    async with serving(folder, load=("one",)) as service:
        os.kill(pid(service, "one"), signal.SIGSEGV)
        await until(lambda: service.workers()[0].restarts == 1)
        assert not service.model_ready("one")
        await until(service.ready)
        assert (await ask(service, "one", 1))[0, 0] == 6


@in_loop
async def test_a_worker_that_keeps_dying_is_left_alone_for_a_while(folder):
    async with serving(folder, load=("one",)) as service:
        for _ in range(2):
            await until(lambda: service.model_ready("one"))
            os.kill(pid(service, "one"), signal.SIGSEGV)
            await until(lambda: not service.model_ready("one"))
        await until(service.ready)  # it says of itself that it is not, and the server is
        with pytest.raises(ServerError) as caught:
            await ask(service, "one", 1)
        assert caught.value.code is Code.UNAVAILABLE
        assert str(caught.value) == (
            "model one: its process was killed by SIGSEGV; it is tried again in 1 s"
        )
        await service.load("one")  # at once, on the operator's word
        assert (await ask(service, "one", 1))[0, 0] == 6


@in_loop
async def test_a_crash_while_loading_is_told(folder, monkeypatch):
    monkeypatch.setattr(served, "_LONGEST_PAUSE", 0.0)
    async with serving(folder) as service:
        asking = asyncio.ensure_future(ask(service, "one", 1))
        await until(lambda: bool(children()))
        children()[0].kill()
        with pytest.raises(ServerError, match="model one cannot be loaded: its process was killed"):
            await asking
        assert (await ask(service, "one", 1))[0, 0] == 6


@in_loop
async def test_weights_that_are_none_are_refused_and_then_left_alone(folder):
    (folder / "bad.onnx").write_bytes(b"no weights at all")
    async with serving(folder) as service:
        for _ in range(2):
            with pytest.raises(ServerError, match=r"bad\.onnx") as caught:
                await ask(service, "bad", 1)
            assert caught.value.code is Code.FAILED_PRECONDITION
        with pytest.raises(ServerError, match="it is tried again in 1 s") as caught:
            await ask(service, "bad", 1)
        assert caught.value.code is Code.UNAVAILABLE
        assert (await ask(service, "one", 1))[0, 0] == 6
        linear(folder / "bad.onnx", 7, 0)
        await service.load("bad")
        assert (await ask(service, "bad", 1))[0, 0] == 7


@in_loop
async def test_added_changed_and_removed_models_are_seen_when_looked_for(folder):
    async with serving(folder, load=("one", "two")) as service:
        linear(folder / "four.onnx", 4, 0)
        linear(folder / "one.onnx", 100, 0)
        (folder / "two.onnx").unlink()
        found = await states(service)
        assert found["four"] is State.UNAVAILABLE
        assert "two" not in found
        assert (await ask(service, "four", 1))[0, 0] == 4
        assert (await ask(service, "one", 1))[0, 0] == 6  # as it was loaded
        await service.load("one")
        assert (await ask(service, "one", 1))[0, 0] == 100
        await until(lambda: len(children()) == 2)
        with pytest.raises(ServerError, match="no model 'two'"):
            await ask(service, "two", 1)


@in_loop
async def test_draining_finishes_what_is_in_hand_and_takes_no_more(folder):
    async with serving(folder, load=("busy",)) as service:
        asking = [asyncio.ensure_future(ask(service, "busy", n, turns=50)) for n in range(5)]
        await until(lambda: service.workers()[0].running > 0)
        draining = asyncio.ensure_future(service.drain(PATIENCE))
        await asyncio.sleep(0)
        assert not service.ready()
        with pytest.raises(ServerError, match="is shutting down") as caught:
            await ask(service, "one", 1)
        assert caught.value.code is Code.UNAVAILABLE
        assert [(await each)[0, 0] for each in asking] == [1, 2, 3, 4, 5]
        await draining
        assert children() == []


@in_loop
async def test_draining_ends_in_time(folder):
    async with serving(folder, load=("busy",)) as service:
        asking = [asyncio.ensure_future(ask(service, "busy", 1, turns=10**5)) for _ in range(5)]
        await until(lambda: service.workers()[0].waiting > 0)
        await service.drain(0.1)
        assert children() == []
        for each in asking:
            with pytest.raises(ServerError) as caught:
                await each
            assert caught.value.code is Code.UNAVAILABLE


@in_loop
async def test_a_load_that_nobody_waits_for_any_more_does_no_harm(folder):
    async with serving(folder) as service:
        with pytest.raises(ServerError, match="the deadline passed while the model was being load"):
            await ask(service, "one", 1, deadline=monotonic() + 0.01)
        assert (await ask(service, "one", 1))[0, 0] == 6


@in_loop
async def test_a_server_that_cannot_load_what_it_must_leaves_nothing(folder):
    service = Service(Options(models=folder, device="cpu", load=("one", "none")))
    with pytest.raises(OptionError, match="--load: no model 'none'"):
        await service.start()
    assert children() == []


SERVER = """
import asyncio, sys
from pathlib import Path
from tests.service import ask, serving

async def main():
    async with serving(Path(sys.argv[1]), load=("one", "busy")) as service:
        await ask(service, "one", 1)
        print("ready", flush=True)
        await ask(service, "busy", 1, turns=10**6)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_and_no_file_outlives_the_server(folder, how):
    command = [sys.executable, "-c", SERVER, str(folder)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        workers = psutil.Process(server.pid).children(recursive=True)
        assert len(workers) == 2
        for process in (server, *workers):  # what they share has no name that could be left behind
            assert "/dev/shm" not in Path(f"/proc/{process.pid}/maps").read_text()
        server.send_signal(how)
        try:
            server.wait(PATIENCE)
        finally:
            server.kill()
    gone, left = psutil.wait_procs(workers, PATIENCE)
    assert not left
    assert len(gone) == 2
