"""The client without await is the one with it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
import threading

import pytest

import cytomill
from cytomill.client import AsyncClient, Client
from cytomill.client.loop import Loop
from cytomill.errors import CytomillError


def public(kind):
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


def test_both_have_the_same_methods():
    assert set(public(Client)) == set(public(AsyncClient))


@pytest.mark.parametrize("name", sorted({*public(AsyncClient), "__init__"} - {"run"}))
def test_arguments_are_the_same(name):
    here, there = (inspect.signature(getattr(kind, name)) for kind in (Client, AsyncClient))
    assert here.parameters == there.parameters


def test_both_are_there_for_who_imports_the_package():
    assert cytomill.Client is Client
    assert cytomill.AsyncClient is AsyncClient


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "cytomill-client"]


def test_a_client_that_nobody_has_any_more_ends_its_thread():
    before = len(threads())
    client = Client("http://localhost:1")
    assert len(threads()) == before + 1
    del client
    gc.collect()
    assert len(threads()) == before


def test_a_closed_client_says_so():
    client = Client("http://localhost:1")
    client.close()
    client.close()
    with pytest.raises(CytomillError, match="is closed"):
        client.me()


async def nothing():
    pass


def test_it_works_where_a_loop_runs_already():
    async def notebook():
        loop = Loop(nothing)
        try:
            return loop.call(asyncio.sleep(0, "done"))
        finally:
            loop.close()

    assert asyncio.run(notebook()) == "done"


CTRL_C = """
import asyncio, os, signal, threading, time
from cytomill.client.loop import Loop

async def nothing():
    pass

async def work():
    try:
        told.append("begun")
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.05)
        told.append("cleaned up")

def press():
    while not told:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

# Whoever starts this in the background has it ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
told, loop = [], Loop(nothing)
threading.Thread(target=press).start()
try:
    loop.call(work())
except KeyboardInterrupt:
    told.append("told")
loop.close()
print(*told)
"""


def test_ctrl_c_cancels_the_work_and_lets_it_clean_up():
    # In a process of its own: other tests' libraries may have a say in what signals do here.
    ended = subprocess.run(
        [sys.executable, "-c", CTRL_C], capture_output=True, text=True, check=False, timeout=50
    )
    assert ended.stdout == "begun cleaned up told\n", ended.stderr


def test_what_is_iterated_is_closed_when_it_is_left():
    loop = Loop(nothing)
    closed = []

    async def numbers():
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    for number in (found := loop.iterate(numbers())):
        if number == 2:
            break
    found.close()
    assert closed
    loop.close()
