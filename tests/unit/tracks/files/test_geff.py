"""GEFF, the Graph Exchange File Format."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import geff
import numpy as np
import zarr
from geff.core_io import read_to_memory
from geff.validate.data import ValidationConfig, validate_data
from hypothesis import given, settings

from cytomill.image.core import PixelSize
from cytomill.ops.track import Track
from cytomill.tracks.files.geff import write_geff
from cytomill.tracks.lineage import Lineage
from tests.lineages import lineage_of, lineages


def read(
    path: Path,
) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """The metadata, the values of nodes by name, and the edges."""
    root = zarr.open_group(str(path), mode="r")
    nodes = {name: group["values"][...] for name, group in root["nodes/props"].groups()}
    assert root["nodes/ids"][...].tolist() == list(range(len(nodes["t"])))
    return dict(root.attrs)["geff"], nodes, root["edges/ids"][...].astype(int)


def tracks(nodes: dict[str, Any], edges: Any) -> tuple[Track, ...]:
    """The tracks that nodes and edges tell of."""
    found: dict[int, tuple[int, int]] = {}
    for t, label in zip(nodes["t"].tolist(), nodes["track"].tolist(), strict=True):
        begin, end = found.get(label, (t, t))
        found[label] = min(begin, t), max(end, t)
    parents = {
        int(nodes["track"][target]): int(nodes["track"][source])
        for source, target in edges
        if nodes["track"][target] != nodes["track"][source]
    }
    return tuple(Track(one, *found[one], parents.get(one, 0)) for one in sorted(found))


@settings(deadline=None, max_examples=15)
@given(lineages())
def test_the_graph_tells_the_same_lineage(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_geff(Path(folder) / "a.geff", lineage)
        about, nodes, edges = read(Path(folder) / "a.geff")
    assert tracks(nodes, edges) == lineage.tracks
    for name in ("t", "y", "x", "area", "filled"):
        assert np.array_equal(nodes[name], getattr(lineage.spots, name))
    assert np.array_equal(nodes["track"], lineage.spots.label)
    assert (nodes["t"][edges[:, 1]] > nodes["t"][edges[:, 0]]).all()
    # One edge leads to every spot but the first ones of founders.
    founders = sum(track.parent == 0 for track in lineage.tracks)
    assert len(set(edges[:, 1].tolist())) == len(edges) == len(lineage.spots) - founders
    # Spots of one tracklet are a path, and no path goes on in another one.
    out = Counter(edges[:, 0].tolist())
    for source, target in edges.tolist():
        same = nodes["tracklet"][source] == nodes["tracklet"][target]
        assert same == (out[source] == 1)
        assert nodes["lineage"][source] == nodes["lineage"][target]
    assert about["extra"]["cytomill"]["lost_frames"] == list(lineage.lost)


@settings(deadline=None, max_examples=8)
@given(lineages())
def test_any_lineage_is_valid_to_the_formats_own_library(lineage: Lineage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.geff"
        write_geff(path, lineage)
        geff.validate_structure(path)
        inside = read_to_memory(path)
        config = ValidationConfig(graph=True, sphere=True, lineage=True, tracklet=True)
        validate_data(inside, config)
        graph, about = geff.read(path, backend="networkx")
    assert graph.number_of_nodes() == len(lineage.spots)
    assert about.directed


def test_axes_have_units_and_what_a_pixel_and_a_frame_are(tmp_path: Path) -> None:
    known = lineage_of({Track(1, 0, 2): set()}, 3, pixel_size=PixelSize(0.5, 0.25), interval=60)
    write_geff(tmp_path / "known", known)
    axes = read(tmp_path / "known")[0]["axes"]
    assert axes[0] == {
        "name": "t",
        "type": "time",
        "unit": "frame",
        "min": 0.0,
        "max": 2.0,
        "scale": 60.0,
        "scaled_unit": "second",
    }
    assert [(axis["scale"], axis["scaled_unit"]) for axis in axes[1:]] == [
        (0.5, "micrometer"),
        (0.25, "micrometer"),
    ]
    write_geff(tmp_path / "unknown", lineage_of({Track(1, 0, 2): set()}, 3))
    axes = read(tmp_path / "unknown")[0]["axes"]
    assert [set(axis) for axis in axes] == [{"name", "type", "unit", "min", "max"}] * 3


def test_is_the_same_to_the_byte_whenever_written(tmp_path: Path) -> None:
    lineage = lineage_of({Track(1, 0, 2): set(), Track(2, 3, 3, 1): set()}, 4, lost=(1,))
    trees = []
    for name in ("a", "b"):
        write_geff(tmp_path / name, lineage)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        trees.append([(str(f.relative_to(tmp_path / name)), f.read_bytes()) for f in files])
    assert trees[0] == trees[1]
