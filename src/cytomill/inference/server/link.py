"""The wire between the server and a worker: small messages in order, with file descriptors."""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Sequence
from threading import Lock
from typing import Any

#: Bytes of the longest message, well below what Linux lets a socket buffer unasked (208 KiB).
LONGEST = 128 * 1024

#: Descriptors that one message may carry.
_DESCRIPTORS = 4

Message = dict[str, Any]


class Link:
    """One end of a pair of Unix sockets that keep the bounds of messages.

    Messages are JSON: whatever a broken worker writes, reading it runs no code.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._lock = Lock()
        self._buffer = bytearray(LONGEST)
        self._room = socket.CMSG_SPACE(_DESCRIPTORS * array.array("i").itemsize)

    @classmethod
    def pair(cls) -> tuple[Link, socket.socket]:
        """The server's end, which never blocks, and the socket for the worker."""
        own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own.setblocking(False)
        return cls(own), other

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message, from any thread, and close the ``descriptors`` that go with it.

        Raises `OSError` where the other side is gone, and `BlockingIOError` on the server's end
        where it has stopped reading.
        """
        try:
            data = json.dumps(message, separators=(",", ":")).encode()
            if len(data) > LONGEST:
                raise ValueError(f"a message of {len(data)} bytes is longer than {LONGEST}")
            with self._lock:
                socket.send_fds(self.socket, [data], list(descriptors))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def receive(self) -> tuple[Message, list[int]] | None:
        """The next message and its descriptors, which are the caller's; None once the other side
        is gone.

        Raises `BlockingIOError` on the server's end where nothing has come, `ValueError` for what
        is no message.
        """
        try:
            size, ancillary, flags, _ = self.socket.recvmsg_into(
                [self._buffer], self._room, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            return None
        descriptors = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
        if size == 0:
            return None
        try:
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise ValueError("a message was cut short")
            message = json.loads(memoryview(self._buffer)[:size].tobytes())
            if not isinstance(message, dict):
                raise ValueError("a message is no object")
        except ValueError:
            for descriptor in descriptors:
                os.close(descriptor)
            raise
        return message, list(descriptors)

    def close(self) -> None:
        """Hang up: the other side reads the end."""
        self.socket.close()
