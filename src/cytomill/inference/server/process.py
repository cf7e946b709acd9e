"""The server's handle on one worker process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..load import Device
from .block import Block, measure, write
from .call import Call, Died, Done, NeverBegun, Signature, member_of, ports_of
from .link import Link, Message
from .pool import LARGEST_KEPT, Pool
from .request import Code, ServerError

#: Bytes above which copying into shared memory is left to a thread: below, waking one costs more.
_INLINE = 2**20

#: Seconds within which a process that hung up must end; then it is killed.
_LAST_WORDS = 5.0


class Worker:
    """A process with one model. Its methods belong to the event loop's thread.

    That thread must live as long as the server: the kernel kills the process with it.
    """

    def __init__(self, name: str, copies: Executor) -> None:
        self.name = name
        self.on_death: Callable[[str], object] = lambda reason: None
        self.views: dict[str, Signature] = {}
        self.device, self.platform, self.slots = "", "", 0
        #: The name and, where it is known, the SHA-256 of the file of weights.
        self.weights: tuple[str, str | None] = ("", None)
        self.batched: bool | None = None
        self.alive = True
        self._copies = copies
        self._loop = asyncio.get_running_loop()
        self._inputs, self._outputs = Pool(), dict[int, Block]()
        self._returned: deque[int] = deque()
        self._asked: dict[int, asyncio.Future[tuple[Message, NDArray[np.uint8] | None]]] = {}
        self._numbers = count()
        self._ready: asyncio.Future[Message] = self._loop.create_future()
        self._fate: asyncio.Future[str] = self._loop.create_future()
        self._end_task: asyncio.Task[None] | None = None
        self._closing, self._reason = False, ""
        self._link, other = Link.pair()
        with other:
            arguments = [str(other.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cytomill.inference.server.worker", *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._loop.add_reader(self._link.socket, self._read)

    @property
    def shared(self) -> int:
        """Bytes of the memory shared with it."""
        return self._inputs.size + sum(block.size for block in self._outputs.values())

    async def load(self, path: Path, device: Device, threads: int) -> None:
        """Have it load the model; raises `Died`, and `ServerError` where it cannot."""
        order = {"do": "load", "name": self.name, "path": str(path)}
        self._send(order | {"device": device, "threads": threads})
        message = await self._ready
        if message["is"] == "failed":
            raise ServerError(Code.FAILED_PRECONDITION, message["reason"])
        self.device, self.slots = message["device"], message["slots"]
        self.platform = message["platform"]
        file, digest = message["weights"]
        self.weights = file, digest
        self.batched = message["batched"]
        self.views = {
            ending: Signature(ports_of(ports["inputs"]), ports_of(ports["outputs"]))
            for ending, ports in message["views"].items()
        }

    async def run(self, call: Call) -> Done:
        """Run the network; raises `Died` or `NeverBegun`, `ServerError` where nothing was run.

        The outputs are views of shared memory that goes back to the worker once they are garbage.
        """
        begun = perf_counter_ns()
        size = measure(piece for pieces in call.tensors.values() for piece in pieces)
        inputs = self._inputs
        try:
            number, block, fd = inputs.take(size)
        except OSError as error:
            message = f"{self.name}: there is not enough memory for the inputs; try again later"
            raise ServerError(Code.RESOURCE_EXHAUSTED, message) from error
        told = fd is None
        try:
            if size <= _INLINE:
                places = write(block, call.tensors)
            else:
                places = await self._loop.run_in_executor(self._copies, write, block, call.tensors)
            if call.stopped:
                raise ServerError(Code.CANCELLED, f"{self.name}: the request was called off")
            call.id = next(self._numbers)
            future = self._asked[call.id] = self._loop.create_future()
            order = {
                "do": "run",
                "id": call.id,
                "view": call.view,
                "block": number,
                "size": block.size,
                "places": places,
                "outputs": call.outputs,
                "rows": call.rows,
                "gone": inputs.gone(),
                "free": self._finished(),
            }
            descriptors, fd = [] if fd is None else [fd], None
            await self._order(order, descriptors)
            told = True
            reply, memory = await future
            read = perf_counter_ns()
            members = [member_of(member, memory) for member in reply["members"]]
            return Done(
                members,
                reply["waited"],
                # The clock is the machine's, one for both processes. Ours would count what the
                # worker does meanwhile, where this thread gets no turn once the order is sent.
                reply["arrived"] - begun,
                reply["infer"],
                reply["output"] + perf_counter_ns() - read,
                reply["runs"],
                reply["apart"],
            )
        finally:
            if fd is not None:
                os.close(fd)
            if told:
                inputs.give(number)
            else:
                inputs.drop(number)
            if call.id is not None:
                self._asked.pop(call.id, None)

    def stop(self, call: Call) -> None:
        """Call a run off; its `run` ends once the device is free."""
        if not call.stopped:
            call.stopped = True
            if call.id is not None and self.alive:
                with suppress(Died):
                    self._send({"do": "stop", "id": call.id})

    def kill(self, reason: str) -> None:
        """End it as if it had crashed, for ``reason``."""
        self._reason = reason
        self._process.kill()

    async def close(self) -> None:
        """End it; what it is running fails. Idempotent."""
        self._closing = True
        self._process.kill()
        self._hang_up()
        await self.death()

    async def death(self) -> str:
        """Wait until it is gone, and say how it went; `on_death` was called by then."""
        return await asyncio.shield(self._fate)

    async def _order(self, message: Message, descriptors: Sequence[int]) -> None:
        try:
            self._send(message, descriptors)
        except Died:
            self._hang_up()
            raise NeverBegun(await self.death()) from None

    def _send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        if not self.alive:
            for descriptor in descriptors:
                os.close(descriptor)
            raise Died("its process is gone")
        try:
            self._link.send(message, descriptors)
        except BlockingIOError as error:
            self.kill("its process was killed, for it did not listen any more")
            raise Died("its process is gone") from error
        except OSError as error:  # the end of the socket is about to be read
            raise Died("its process is gone") from error

    def _read(self) -> None:
        try:
            while (received := self._link.receive()) is not None:
                self._take(*received)
        except BlockingIOError:
            return
        except (ValueError, KeyError, TypeError):  # it is broken: nothing it says can be relied on
            self.kill("its process was killed, for it sent what makes no sense")
        self._hang_up()

    def _take(self, message: Message, descriptors: list[int]) -> None:
        if message["is"] != "done":
            if not self._ready.done():
                self._ready.set_result(message)
            return
        for number in message["gone"]:
            self._outputs.pop(number, None)
        memory, number = None, message["block"]
        if number is not None:
            if descriptors:
                self._outputs[number] = Block.attach(descriptors[0], message["size"])
            memory = self._outputs[number].bytes()
            # The lease on the block: every output is a view of this array and keeps it alive.
            weakref.finalize(memory, self._release, number, message["size"]).atexit = False
        future = self._asked.pop(message["id"], None)
        if future is not None and not future.done():
            future.set_result((message, memory))

    def _release(self, number: int, size: int) -> None:
        # The last reader of an answer may be any thread, anywhere in its work.
        self._returned.append(number)
        if size > LARGEST_KEPT:
            with suppress(RuntimeError):  # the loop may be closed
                self._loop.call_soon_threadsafe(self._free)

    def _free(self) -> None:
        numbers = self._finished()
        if numbers and self.alive:
            with suppress(Died):
                self._send({"do": "free", "free": numbers})

    def _finished(self) -> list[int]:
        """The blocks that nobody reads any more."""
        numbers = [self._returned.popleft() for _ in range(len(self._returned))]
        for number in numbers:
            block = self._outputs.get(number)
            if block is not None and block.size > LARGEST_KEPT:
                del self._outputs[number]
        return numbers

    def _hang_up(self) -> None:
        if self._end_task is None:
            self.alive = False
            self._loop.remove_reader(self._link.socket)
            self._link.close()
            self._end_task = self._loop.create_task(self._end())

    async def _end(self) -> None:
        status = await asyncio.to_thread(self._reap)
        reason = "it was unloaded" if self._closing else self._reason or _reason(status)
        # It begins with calls in their order, and with no more than its slots before it replies.
        calls = [self._asked[number] for number in sorted(self._asked)]
        _give_up([self._ready, *calls[: self.slots]], Died(reason))
        _give_up(calls[self.slots :], NeverBegun(reason))
        if not self._closing:
            self.on_death(reason)
        self._fate.set_result(reason)
        # Whoever still knows of it, as a cycle of references does, need not keep its memory.
        self._inputs, self.on_death = Pool(), lambda reason: None
        self._outputs.clear()

    def _reap(self) -> int:
        try:
            return self._process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _give_up(futures: Sequence[asyncio.Future[Any]], error: Died) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
            future.exception()  # whether or not anybody waits for it


def _reason(status: int) -> str:
    if status >= 0:
        return f"its process ended with status {status}"
    hint = ", as the kernel does where memory runs out" if -status == signal.SIGKILL else ""
    return f"its process was killed by {signal.Signals(-status).name}{hint}"
