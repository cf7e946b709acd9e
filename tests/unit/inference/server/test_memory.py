from __future__ import annotations

import os
import subprocess
import sys

from cytomill.inference.server import memory


def test_a_process_takes_memory_and_the_dead_none():
    assert 2**20 < memory.of(os.getpid()) < 2**40
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert memory.of(process.pid) == 0


def test_what_was_given_back_counts_for_it_may_be_taken_again():
    program = (
        "import os; from cytomill.inference.server import memory; "
        "large = bytearray(os.urandom(2**20) * 200); del large; print(memory.of(os.getpid()))"
    )
    found = subprocess.check_output([sys.executable, "-c", program])
    assert int(found) >= 200 * 2**20


def test_models_may_not_take_all_memory():
    assert 0 < memory.available() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_sizes_are_readable():
    assert memory.readable(3 * 2**20) == "3 MiB"
    assert memory.readable(3 * 2**29) == "1.50 GiB"
