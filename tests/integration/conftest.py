"""A model server that several modules ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import TensorProto

from tests import networks
from tests.model_server import Server, serving


@pytest.fixture(scope="session")
def networks_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models for a server."""
    folder = tmp_path_factory.mktemp("served")
    networks.double(folder / "double.onnx")
    networks.pair(folder / "pair.onnx")
    networks.root(folder / "root.onnx")
    networks.slow(folder / "slow.onnx")
    for name, kind in {
        "uint8": TensorProto.UINT8,
        "uint16": TensorProto.UINT16,
        "int64": TensorProto.INT64,
        "float16": TensorProto.FLOAT16,
        "bool": TensorProto.BOOL,
    }.items():
        networks.same(folder / f"{name}.onnx", kind)
    (folder / "no-onnx.onnx").write_bytes(b"this is no network" * 100)
    return folder


@pytest.fixture(scope="session")
def server(networks_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It takes messages of 32 MiB at most, so that tests can exceed that."""
    errors = tmp_path_factory.mktemp("server") / "errors.txt"
    limit = {"CYTOMILL_MESSAGE_BYTES": str(32 * 2**20)}
    with serving(networks_folder, "--threads", 1, "--load", "double", errors=errors, **limit) as s:
        yield s
