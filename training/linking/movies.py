"""Synthetic movies as the linker sees them: the detections of their frames, and who is whose."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from cytomill.ops.measure import measure
from cytomill.ops.synthesise import Scene
from cytomill.ops.synthesise_movie import Film, Movie
from cytomill.tracks.linking.detections import Detections, detections


@dataclass(frozen=True)
class Example:
    """A movie: ``frames`` whose ids are the labels of tracks, and the parent of each label."""

    frames: list[Detections]
    parents: dict[int, int]


def examples(folder: Path, count: int, workers: int) -> Iterator[Example]:
    """Movies 0 to ``count`` - 1, drawn where ``folder`` does not have them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04d}.pickle" for number in range(count)]
    missing = [path for path in paths if not path.exists()]
    with get_context("spawn").Pool(workers) as pool:
        for done, _ in enumerate(pool.imap(_draw, missing), start=1):
            print(f"movie {done} of {len(missing)}", flush=True)
    for path in paths:
        yield pickle.loads(path.read_bytes())


def film(rng: np.random.Generator) -> Film:
    """Any cells under any microscope, as often as one likes."""

    def between(low: float, high: float) -> float:
        return float(low * (high / low) ** rng.random())

    diameter = between(12, 40)
    side = int(np.clip(diameter * between(9, 26), 200, 700))
    scene = Scene(
        shape=(side, side),
        diameter=diameter,
        coverage=between(0.06, 0.5),
        clustering=between(0.1, 0.7),
        noise=between(0.01, 0.06),
        blur=between(0.8, 2),
        dome=between(0.4, 0.9),
        grain=between(0.02, 0.4),
        gain=between(300, 12_000),
    )
    frames = int(rng.integers(12, 32))
    return Film(scene, frames=frames, speed=between(0.015, 0.16), cycle=between(14, 60))


def _draw(path: Path) -> None:
    seed = int(path.stem)
    drawn = Movie(film(np.random.default_rng(seed)), seed)
    frames: list[Detections] = []
    for t, (image, labels) in enumerate(drawn):
        columns = measure(labels, [image], int(labels.max()))
        brightness = columns["intensity_mean-0"] - np.percentile(image, 30)
        frames.append(detections(t, labels.shape, columns, brightness=brightness))
    parents = {track.label: track.parent for track in drawn.tracks}
    partial = path.with_suffix(".partial")
    partial.write_bytes(pickle.dumps(Example(frames, parents)))
    partial.rename(path)


def split(paths: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Movies to train on, and every seventh to validate."""
    train = [one for n, one in enumerate(paths) if n % 7]
    return train, list(paths[::7])
