"""The way to a model server: one persistent gRPC channel for all threads of the process.

Inference is a pure function, so that to ask again is safe. It is done for what passes: a server
that is away, or that has too much to do. Everything else is told at once.
"""

from __future__ import annotations

import os
import random
import re
import time
from functools import cache
from threading import Event

from ..errors import (
    BusyError,
    Interrupted,
    ModelError,
    OptionError,
    TemporaryError,
    UnreachableError,
)
from ..settings import settings
from .stop import Stop
from .traffic import count

# The library writes what it retries to standard error: this must be decided before its import.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import grpc

_SERVICE = "/inference.GRPCInferenceService/"

_OPTIONS = [
    ("grpc.max_send_message_length", settings.message_bytes),
    ("grpc.max_receive_message_length", settings.message_bytes),
    # A peer that vanished is noticed though nothing is sent; servers refuse to be asked more often.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A server that is back must not wait for the two minutes that the library would grow to.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # what one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Model servers are in the own network, where a proxy to the world does not lead.
    ("grpc.enable_http_proxy", 0),
    # Channels to one address would otherwise share a connection across runs, and its back-off.
    ("grpc.use_local_subchannel_pool", 1),
]

#: Seconds in which a server that this process has not met yet must answer: it may be starting.
_GREETING = 5.0

#: Seconds for which a call is put off: the first time at most, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

#: What passes. A server that is stopped cancels the calls in hand.
_AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
_BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED

#: What is said of a message, by the library at either end and by our server: that does not pass.
_TOO_LARGE = ("larger than max", "a message may have")

#: What our server says where the process of a model died under a request, and how often one is
#: repeated after that: it may itself be the cause.
_LOST, DEATHS = "the request was lost", 2


class NotServedError(ModelError):
    """The server has no such model; `cytomill model-server` says which it has."""


class LostError(TemporaryError):
    """The process of a model died under a request, which may be the cause; ask again."""


class Channel:
    """The way to the server at ``url``, ``grpc://HOST:PORT``; raises `OptionError` for another.

    Nothing is sent before the first call. One that is not ``patient`` asks nothing again.
    """

    def __init__(self, url: str, *, patient: bool = True) -> None:
        found = re.fullmatch(r"grpc://((?:[^\s/:@?#]+|\[[0-9a-fA-F:.%]+\]):\d{1,5})/?", url)
        if found is None:
            raise OptionError(
                f"--model-server {url}: must be grpc://HOST:PORT or grpc+dns://HOST:PORT"
            )
        self._patient = patient
        self.url = f"grpc://{found[1]}"
        self._channel = grpc.insecure_channel(found[1], options=_OPTIONS)
        self._met = self._closed = False

    def ask(
        self,
        method: str,
        message: bytes,
        *,
        model: str = "",
        stop: Stop | None = None,
        stopping: Event | None = None,
    ) -> bytes:
        """The answer to a call of the protocol, both as bytes.

        Asks again for up to `settings.retry_seconds` while the server is away or busy. Setting
        ``stop`` cancels the call; setting ``stopping`` lets it end, but not be repeated: both raise
        `Interrupted`. Raises `UnreachableError` where there is no server, `BusyError` where it has
        too much to do, `TemporaryError` where it does not manage it now, of which `LostError` is
        one, and `ModelError` for what it refuses; they name the URL and ``model``.
        """
        stop = Stop() if stop is None else stop  # one that is not set is false
        stopping = stopping or Event()
        subject = f"{self.url}: {model}" if model else self.url
        begun, pause, deaths = time.monotonic(), _FIRST_PAUSE, 0
        while True:
            try:
                return self._once(method, message, stop)
            except grpc.RpcError as error:
                code, told = error.code(), _one_line(error.details())
            if code is _BUSY and any(phrase in told for phrase in _TOO_LARGE):
                raise ModelError(f"{subject}: a message is too large ({told}); use smaller tiles")
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise TemporaryError(
                    f"{subject}: did not answer within {settings.call_seconds} s; raise "
                    "CYTOMILL_CALL_SECONDS or give the server fewer clients"
                )
            if code is grpc.StatusCode.NOT_FOUND:
                raise NotServedError(f"{subject}: {told or 'is not there'}")
            if code is not _BUSY and code not in _AWAY:
                raise ModelError(f"{subject}: {told or code.name}")
            if not self._patient:
                raise _passing(subject, code, told)
            deaths += _LOST in told
            if deaths > DEATHS:
                raise LostError(f"{subject}: {told}")
            limit = settings.retry_seconds if self._met else min(_GREETING, settings.retry_seconds)
            if time.monotonic() - begun + pause > limit:
                raise self._given_up(subject, code, told)
            wait(pause * random.uniform(0.5, 1), stop, stopping)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, method: str, message: bytes, stop: Stop) -> bytes:
        call = self._channel.unary_unary(_SERVICE + method)
        count(sent=len(message))
        if stop:
            raise Interrupted
        try:
            under_way = call.future(message, timeout=settings.call_seconds)
        except ValueError:
            if not self._closed:
                raise
            raise UnreachableError(f"{self.url}: is not there any more") from None
        try:
            with stop.calling(under_way.cancel):
                answer: bytes = under_way.result()
        except grpc.FutureCancelledError as error:
            raise Interrupted from error
        finally:
            under_way.cancel()  # where Ctrl-C ended the waiting
        self._met = True
        count(received=len(answer))
        return answer

    def _given_up(self, subject: str, code: grpc.StatusCode, told: str) -> TemporaryError:
        if code is _BUSY:
            return BusyError(
                f"{subject}: has too much to do ({told}); run the same command again later, with "
                "fewer --threads"
            )
        if self.lives():
            return TemporaryError(f"{subject}: {told or code.name}; run the same command again")
        return UnreachableError(
            f"{self.url}: does not answer; start it with `cytomill model-server` or leave out "
            "--model-server"
        )

    def lives(self) -> bool:
        """Whether a server answers, whatever it thinks of its models."""
        try:
            self._channel.unary_unary(_SERVICE + "ServerLive")(b"", timeout=_GREETING)
        except grpc.RpcError as error:
            return error.code() not in (*_AWAY, grpc.StatusCode.DEADLINE_EXCEEDED)
        return True

    def close(self) -> None:
        """Call off all calls, and take no more: they end as where the server is away."""
        self._closed = True
        self._channel.close()


def wait(seconds: float, stop: Stop, stopping: Event) -> None:
    """Wait, in pieces so that either way of being stopped ends it, with `Interrupted`."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stop or stopping.wait(min(left, 0.1)):
            raise Interrupted


def _passing(subject: str, code: grpc.StatusCode, told: str) -> TemporaryError:
    """What passes, for those who know another server to ask."""
    if _LOST in told:
        return LostError(f"{subject}: {told}")
    if code is _BUSY:
        return BusyError(f"{subject}: has too much to do ({told}); start more, or ask less")
    return UnreachableError(f"{subject}: {told or code.name}; another is asked")


@cache
def channel(url: str) -> Channel:
    """The channel of this process to ``url``; raises `OptionError` for what is no such address."""
    return Channel(url)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())[:500]
