from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cytomill.inference.server.link import LONGEST, Link


def fill(link):
    while True:
        link.send({"x": "x" * 10000})


def descriptors():
    return {path.name for path in Path("/proc/self/fd").iterdir()}


@pytest.fixture
def ends():
    own, other = Link.pair()
    worker = Link(other)
    yield own, worker
    own.close()
    worker.close()


def test_messages_arrive_one_by_one_in_order(ends):
    own, worker = ends
    sent = [{"n": number, "text": "x" * number} for number in range(20)]
    for message in sent:
        own.send(message)
    assert [worker.receive() for _ in sent] == [(message, []) for message in sent]


def test_descriptors_travel_with_their_message_and_leave_the_sender(ends):
    own, worker = ends
    fd = os.memfd_create("test")
    os.write(fd, b"hello")
    own.send({}, [fd])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    _, (received,) = worker.receive()
    assert os.pread(received, 9, 0) == b"hello"
    assert not os.get_inheritable(received)
    os.close(received)


def test_the_end_is_told_after_all_messages(ends):
    own, worker = ends
    worker.send({"last": 1})
    worker.close()
    assert own.receive() == ({"last": 1}, [])
    assert own.receive() is None


def test_the_server_never_waits(ends):
    own, _ = ends
    with pytest.raises(BlockingIOError):
        own.receive()
    with pytest.raises(BlockingIOError):
        fill(own)


def test_sending_to_the_dead_is_an_error(ends):
    own, worker = ends
    worker.close()
    fd = os.memfd_create("test")
    with pytest.raises(OSError, match="Broken pipe"):
        own.send({}, [fd])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_message_that_is_too_long_is_not_sent(ends):
    own, worker = ends
    with pytest.raises(ValueError, match="longer than"):
        worker.send({"x": "x" * LONGEST})
    with pytest.raises(BlockingIOError):
        own.receive()


@pytest.mark.parametrize("data", [b"no JSON", b"[]", b"\xff", b'"' + b"x" * LONGEST + b'"'])
def test_what_is_no_message_is_refused(ends, data):
    own, worker = ends
    fd = os.memfd_create("test")
    before = descriptors()
    socket.send_fds(worker.socket, [data], [fd])
    with pytest.raises(ValueError):
        own.receive()
    assert descriptors() == before
    os.close(fd)
