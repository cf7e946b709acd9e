"""Whatever is done to uploads, what is counted of them is what there is."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cytomill.errors import CytomillError
from cytomill.jobs.bucket import Bucket
from cytomill.jobs.redis import connect
from cytomill.jobs.uploads import Uploads
from cytomill.settings import Settings
from tests.redis_server import clear

PATHS = st.sampled_from(["a", "b", "c/d", "c/e", "a/f"])
SIZES = st.integers(0, 60)
QUOTA = 200


class BrokenError(Exception):
    """A client that goes away."""


def machine(url, folder):
    """The machine, in a Redis and a folder of the test."""

    class Machine(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            clear(url)
            self.client = connect(url)
            self.bucket = Bucket(tempfile.mkdtemp(dir=folder))
            chosen = replace(Settings(), piece_bytes=16, user_bytes=QUOTA)
            self.uploads = Uploads(self.client, self.bucket, chosen)
            self.names = [self.uploads.create("ann").id for _ in range(2)]
            self.begun = {}

        def teardown(self):
            for name in getattr(self, "names", ()):
                assert self.uploads.delete(name)
                assert self.uploads.get(name) is None
            if hasattr(self, "client"):
                assert list(self.bucket.list()) == []
                assert self.client.keys() == []
                self.client.close()

        @rule(which=st.integers(0, 1), path=PATHS, size=SIZES, told=st.booleans())
        def put(self, which, path, size, told):
            name = self.names[which]
            try:
                self.uploads.put(name, path, [b"x" * size], size=size if told else None)
            except CytomillError:
                assert self.uploads.used("ann") + size > QUOTA or self.blocked(name, path)

        @rule(which=st.integers(0, 1), path=PATHS, size=SIZES, told=st.booleans())
        def break_off(self, which, path, size, told):
            def chunks():
                yield b"x" * size
                raise BrokenError

            size_told = size + 1 if told else None
            with pytest.raises((BrokenError, CytomillError)):
                self.uploads.put(self.names[which], path, chunks(), size=size_told)

        @rule(which=st.integers(0, 1), path=PATHS, size=st.integers(1, 60))
        def start(self, which, path, size):
            name = self.names[which]
            try:
                self.uploads.large.start(name, path, size)
                self.begun[name, path] = size
            except CytomillError:
                pass

        @rule(which=st.integers(0, 1), path=PATHS, piece=st.integers(0, 3))
        def piece(self, which, path, piece):
            name = self.names[which]
            if (name, path) in self.begun:
                file = self.uploads.large.find(name, path)
                if piece < file.pieces:
                    self.uploads.large.put(name, file, piece, [b"x" * file.length(piece)])

        @rule(which=st.integers(0, 1), path=PATHS, size=st.integers(1, 60))
        def send_in_pieces(self, which, path, size):
            self.start(which, path, size)
            for piece in range(4):
                self.piece(which, path, piece)
            self.complete(which, path)

        @rule(which=st.integers(0, 1), path=PATHS)
        def complete(self, which, path):
            name = self.names[which]
            try:
                self.uploads.large.complete(name, path)
                self.begun.pop((name, path), None)
            except CytomillError:
                pass

        @rule(which=st.integers(0, 1))
        def delete(self, which):
            assert self.uploads.delete(self.names[which])
            gone, self.names[which] = self.names[which], self.uploads.create("ann").id
            self.begun = {key: size for key, size in self.begun.items() if key[0] != gone}

        def blocked(self, name, path):
            """Whether a file is in the way of a folder, or the other way round."""
            paths = [file.path for file in self.uploads.files(name)]
            return any(path.startswith(f"{one}/") or one.startswith(f"{path}/") for one in paths)

        @invariant()
        def it_is_what_there_is(self):
            total = 0
            for name in getattr(self, "names", ()):
                files = list(self.uploads.files(name))
                held = sum(file.bytes for file in files)
                begun = sum(size for (one, _), size in self.begun.items() if one == name)
                told = self.uploads.get(name)
                assert (told.bytes, told.files) == (held + begun, len(files))
                total += told.bytes
            if hasattr(self, "names"):
                assert self.uploads.used("ann") == total <= QUOTA

    return Machine


def test_what_is_counted_is_what_there_is(redis_url, tmp_path):
    chosen = settings(
        max_examples=20,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine(redis_url, tmp_path), settings=chosen)
