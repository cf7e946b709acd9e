"""The program of a worker: ``python -m cytomill.inference.server.worker FD PARENT``.

It loads one model as the first message on the socket FD says, answers ``ready`` with what the model
takes and gives, or ``failed``, and then runs what it is asked to:

    server                                       worker
    load   name path device threads              ready  views device weights platform slots batched
    run    id view places block rows outputs     done   id block members apart and times
    stop   id

``free`` in any message, and ``gone`` in any but the first, number the blocks of the other side that
this one has read and those of its own that it gave up.

A message that is the first to name a block carries its descriptor and its ``size``. The worker ends
when the socket does.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import perf_counter_ns
from typing import Any, NoReturn

from ...errors import CytomillError
from ..runtime import Port, Runtime
from ..stop import Stop
from .block import Block, view
from .link import Link, Message
from .opening import batched, views
from .pool import LARGEST_KEPT, Pool
from .run import Run, run

_PR_SET_PDEATHSIG = 1

#: How much rather than others, from -1000 to 1000, the kernel kills this process where memory runs
#: out: it should be the worker, which is replaced, and not the server.
_OOM_SCORE = 500

#: What the protocol calls kinds of weights.
_PLATFORMS = {"onnx": "onnx_onnxv1", "torchscript": "pytorch_torchscript"}

log = logging.getLogger(__name__)


class Worker:
    """One model, and the threads that run it."""

    def __init__(self, link: Link, runtimes: dict[str, Runtime], slots: int) -> None:
        self._link, self._runtimes = link, runtimes
        self._inputs: dict[int, Block] = {}
        self._outputs = Pool()
        self._stops: dict[int, Stop] = {}
        self._runs: SimpleQueue[tuple[Message, int]] = SimpleQueue()
        for number in range(slots):
            Thread(target=self._work, name=f"run {number}", daemon=True).start()

    def listen(self) -> None:
        """Do as the server says until it hangs up."""
        while (received := self._link.receive()) is not None:
            message, descriptors = received
            for number in message.get("free", ()):
                self._outputs.give(number)
            if message["do"] == "run":
                if descriptors:
                    # Nobody writes there, but some runtimes copy arrays that are read-only.
                    block = Block.attach(descriptors[0], message["size"], writable=True)
                    self._inputs[message["block"]] = block
                for number in message["gone"]:
                    self._inputs.pop(number, None)
                self._stops[message["id"]] = Stop()
                self._runs.put((message, perf_counter_ns()))
            elif message["do"] == "stop":
                stop = self._stops.get(message["id"])
                if stop is not None:  # else it is done
                    stop.set()

    def _work(self) -> None:
        while True:
            message, arrived = self._runs.get()
            try:
                self._link.send(*self._done(message, arrived))
            except OSError:
                _leave()  # the server is gone
            except Exception:
                log.exception("the worker is at fault")
                _leave(1)

    def _done(self, message: Message, arrived: int) -> tuple[Message, list[int]]:
        begun = perf_counter_ns()
        number = message["block"]
        block = self._inputs[number]
        if block.size > LARGEST_KEPT:
            del self._inputs[number]
        memory = block.bytes()
        result = run(
            self._runtimes[message["view"]],
            Run(
                {place[0]: view(memory, place) for place in message["places"]},
                message["outputs"],
                message["rows"],
                self._stops[message["id"]],
            ),
            self._outputs,
        )
        del self._stops[message["id"]]
        reply = {
            "is": "done",
            "id": message["id"],
            "block": result.block,
            "size": result.size,
            "members": result.members,
            "gone": self._outputs.gone(),
            "arrived": arrived,
            "waited": begun - arrived,
            "infer": result.infer,
            "output": perf_counter_ns() - begun - result.infer,
            "runs": result.runs,
            "apart": result.apart,
        }
        return reply, [] if result.fd is None else [result.fd]


def main(arguments: list[str]) -> None:
    """Serve one model until the server is gone."""
    fd, parent = map(int, arguments)
    _die_with(parent)
    # Both reach a whole group of processes; the server decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.dup2(2, 1)  # what a library prints is no output of the server
    logging.basicConfig(format="%(levelname)s: %(message)s")
    link = Link(socket.socket(fileno=fd))
    received = link.receive()
    if received is not None:
        worker = _load(link, received[0])
        if worker is not None:
            worker.listen()
    _leave()


def _load(link: Link, message: Message) -> Worker | None:
    path = Path(message["path"])
    try:
        runtimes = views(message["name"], path, message["device"], message["threads"])
        known = batched(path)
    except (CytomillError, MemoryError) as error:
        link.send({"is": "failed", "reason": _short(str(error) or "there is not enough memory")})
        return None
    except Exception as error:
        log.exception("%s: cannot be loaded", message["name"])
        reason = f"{message['name']}: cannot be loaded ({type(error).__name__}: {error})"
        link.send({"is": "failed", "reason": _short(reason)})
        return None
    device = runtimes[""].device
    # Two let the device compute one while the other's tensors travel.
    slots = message["threads"] if device.startswith("cpu") else 2
    worker = Worker(link, runtimes, slots)
    weights = runtimes[""].weights
    described = {
        ending: {"inputs": _ports(runtime.inputs), "outputs": _ports(runtime.outputs)}
        for ending, runtime in runtimes.items()
    }
    link.send(
        {
            "is": "ready",
            "views": described,
            "device": device,
            "weights": [weights.path.name, weights.sha256],
            "platform": _PLATFORMS.get(weights.kind, weights.kind),
            "slots": slots,
            "batched": known,
        }
    )
    return worker


def _ports(ports: tuple[Port, ...]) -> list[list[Any]]:
    return [[p.name, p.dtype.str, list(p.shape), p.optional, p.real] for p in ports]


def _short(reason: str) -> str:
    return " ".join(reason.split())[:2000]


def _die_with(parent: int) -> None:
    """Be killed when the server dies, even within native code that never returns."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _leave()
    Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))


def _leave(status: int = 0) -> NoReturn:
    # Without the clean-up of libraries whose threads may be at work: the kernel does it.
    os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
