from __future__ import annotations

import os
import subprocess

from cytomill.inference.server import memory


def test_a_process_takes_memory_and_the_dead_none():
    assert 2**20 < memory.of(os.getpid()) < 2**40
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert memory.of(process.pid) == 0


def test_what_was_given_back_counts_for_it_may_be_taken_again():
    before = memory.of(os.getpid())
    large = bytearray(200 * 2**20)
    large[::4096] = bytes(len(large[::4096]))
    del large
    assert memory.of(os.getpid()) >= before
    assert memory.of(os.getpid()) >= 200 * 2**20


def test_models_may_not_take_all_memory():
    assert 0 < memory.available() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_sizes_are_readable():
    assert memory.readable(3 * 2**20) == "3 MiB"
    assert memory.readable(3 * 2**29) == "1.50 GiB"
