"""The same movie as others would have made and segmented it.

Synthetic cells are better behaved than real ones. So that the networks do not count on that, each
time a movie is used its cells jump, its divisions fly apart, sizes and brightness follow other
laws, frames are left out, the stage drifts, and detections are missed, invented and inexact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cytomill.tracks.linking.detections import Detections

from .movies import Example

_COLUMNS = ("ids", "y", "x", "area", "major", "minor", "turn", "mean", "rim")


def varied(movie: Example, rng: np.random.Generator) -> Example:
    """The movie with other habits of cells, and other faults of segmentation."""
    frames = movie.frames[:: int(rng.choice([1, 1, 2, 3]))]
    parents = dict(movie.parents)
    if rng.random() < 0.85:
        frames = _moved(frames, parents, rng)
    if rng.random() < 0.35:
        frames = _framed(frames, parents, rng)
    return Example(_faulty(frames, rng), parents)


def take(found: Detections, rows: NDArray[np.generic]) -> Detections:
    """Some detections of a frame."""
    return replace(found, **{name: getattr(found, name)[rows] for name in _COLUMNS})


class _Habits:
    """How the cells of one movie behave; lengths in pixels."""

    def __init__(self, diameter: float, spacing: float, rng: np.random.Generator) -> None:
        def sometimes(share: float, low: float, high: float) -> float:
            return float(rng.uniform(low, high)) if rng.random() < share else 0.0

        self.jumps = 0.0 if rng.random() < 0.25 else 10 ** rng.uniform(-3, -1)
        self.jump = rng.uniform(0.15, 1.0) * spacing
        self.room = 0.5 * spacing
        self.tail = sometimes(0.6, 0, 0.04) * spacing
        self.parting = sometimes(0.85, -0.2, 1.5) * diameter
        self.stray = rng.uniform(0, 0.5) * diameter
        self.aside = rng.uniform(0, 0.6) * diameter
        self.own_area, self.own_mean = rng.random() < 0.4, rng.random() < 0.5
        self.halving = rng.uniform(0.2, 1.05)
        self.flash = float(np.exp(rng.normal(0, 0.5)))
        self.power = rng.uniform(0.2, 1.3)
        self.scatter = rng.uniform(0.03, 0.25)


def _moved(
    frames: list[Detections], parents: dict[int, int], rng: np.random.Generator
) -> list[Detections]:
    largest = max(frames, key=len)
    if len(largest) < 3:
        return frames
    spacing = float(np.median(cKDTree(largest.places).query(largest.places, k=2)[0][:, 1]))
    diameter = float(np.median(2 * np.sqrt(largest.area / np.pi)))
    habits = _Habits(diameter, spacing, rng)
    children: dict[int, list[int]] = {}
    for label, parent in parents.items():
        children.setdefault(parent, []).append(label)
    aside_seed = int(rng.integers(2**32))  # sisters are put aside together
    offset: dict[int, NDArray[np.float64]] = {}
    looks: dict[int, tuple[float, float]] = {}
    made = []
    for frame in frames:
        row = {int(label): k for k, label in enumerate(frame.ids)}
        places, area, mean = frame.places, frame.area.copy(), np.maximum(frame.mean, 1e-3)
        tree = cKDTree(places) if len(places) else None
        for label, k in row.items():
            parent = parents.get(label, 0)
            if label in offset:
                offset[label] = offset[label] + _wander(habits, places[k], tree, rng)
            else:
                offset[label] = offset.get(parent, np.zeros(2)).copy()
                looks[label] = float(np.log(area[k])), float(np.log(mean[k]))
                if parent in looks:
                    looks[label] = (
                        looks[parent][0] + np.log(habits.halving) + rng.normal(0, habits.scatter),
                        looks[parent][1] + np.log(habits.flash) + rng.normal(0, habits.scatter),
                    )
                    sister = [row[one] for one in children[parent] if one != label and one in row]
                    if sister:
                        apart = places[k] - places[sister[0]]
                        apart = apart / (np.hypot(*apart) + 1e-9)
                        aside = np.random.default_rng([parent, aside_seed])
                        offset[label] += aside.normal(0, habits.aside, 2)
                        offset[label] += 0.5 * habits.parting * rng.lognormal(0, 0.3) * apart
                        offset[label] += (rng.random() < 0.5) * rng.normal(0, habits.stray, 2)
            looks[label] = looks[label][0] + rng.normal(0.01, 0.03), looks[label][1]
            if habits.own_area:
                area[k] = np.exp(looks[label][0])
            if habits.own_mean:
                mean[k] = np.exp(looks[label][1] + rng.normal(0, 0.03))
        places = places + np.array([offset[int(label)] for label in frame.ids]).reshape(-1, 2)
        wider = np.sqrt(area / frame.area)
        other = replace(
            frame,
            y=places[:, 0],
            x=places[:, 1],
            area=area,
            major=frame.major * wider,
            minor=frame.minor * wider,
            mean=mean**habits.power,
        )
        inside = ((places >= 0) & (places < frame.shape)).all(axis=1)
        made.append(take(other, inside))
    return made


def _wander(
    habits: _Habits, place: NDArray[np.float64], tree: cKDTree | None, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A step beyond those of the synthetic cells; jumps lead where there is room."""
    step = habits.tail * np.clip(rng.standard_t(2.2, 2), -6, 6)
    if tree is not None and rng.random() < habits.jumps:
        jump = rng.normal(0, habits.jump, 2)
        if len(tree.query_ball_point(place + jump, habits.room)) <= 1:
            step = step + jump
    return np.asarray(step)


def _framed(
    frames: list[Detections], parents: dict[int, int], rng: np.random.Generator
) -> list[Detections]:
    """Without what lies near the border; who leaves and comes back is somebody else."""
    largest = max(frames, key=len)
    if not len(largest):
        return frames
    margin = rng.uniform(0, 1.5) * float(np.median(2 * np.sqrt(largest.area / np.pi)))
    now: dict[int, int] = {}
    seen: dict[int, int] = {}
    made = []
    for t, frame in enumerate(frames):
        places, far = frame.places, np.array(frame.shape) - 1 - margin
        inside = take(frame, ((places >= margin) & (places <= far)).all(axis=1))
        ids = inside.ids.copy()
        for k, label in enumerate(inside.ids.tolist()):
            if label in seen and seen[label] < t - 1:
                now[label] = max(parents) + 1
                parents[now[label]] = 0
            seen[label] = t
            ids[k] = now.get(label, label)
        made.append(replace(inside, ids=ids))
    for label, parent in list(parents.items()):
        parents[label] = now.get(parent, parent)
    return made


def _faulty(frames: list[Detections], rng: np.random.Generator) -> list[Detections]:
    missed = 0.0 if rng.random() < 0.4 else rng.uniform(0, 0.1)
    invented = 0.0 if rng.random() < 0.6 else rng.uniform(0, 0.06)
    dark, markers = rng.random() < 0.4, rng.random() < 0.35
    sizes, places, light = rng.uniform(0, 0.15), rng.uniform(0, 0.06), rng.uniform(0, 0.2)
    if markers:
        sizes, places = rng.uniform(0.1, 0.6), rng.uniform(0, 0.12)
    radius, likeness = rng.uniform(2, 10), rng.uniform(0, 1)
    slip = rng.uniform(0, 1) if rng.random() < 0.25 else 0.0
    drift = np.zeros(2)
    made = []
    for t, whole in enumerate(frames):
        found = take(whole, rng.random(len(whole)) >= missed)
        count = len(found)
        diameter = 2 * np.sqrt(np.median(found.area) / np.pi) if count else 1.0
        drift = drift + rng.normal(0, slip * diameter, 2)
        area = found.area
        if markers and count:
            area = np.pi * radius**2 * (area / np.median(area)) ** likeness
        area = np.maximum(area * rng.lognormal(0, sizes, count), 1.0)
        ratio = np.maximum(found.major / np.maximum(found.minor, 1.0), 1.0)
        if markers:
            ratio = np.exp(np.abs(rng.normal(0, 0.1, count)))
        ratio = np.maximum(ratio * rng.lognormal(0, sizes / 2, count), 1.0)
        axis = 2 * np.sqrt(area / np.pi)
        found = replace(
            found,
            t=t,
            y=found.y + rng.normal(0, places * diameter, count) + drift[0],
            x=found.x + rng.normal(0, places * diameter, count) + drift[1],
            area=area,
            major=axis * np.sqrt(ratio),
            minor=axis / np.sqrt(ratio),
            turn=rng.uniform(-np.pi / 2, np.pi / 2, count) if markers else found.turn,
            mean=np.full(count, np.nan) if dark else found.mean * rng.lognormal(0, light, count),
        )
        made.append(_with_debris(found, rng.poisson(invented * count), rng))
    return made


def _with_debris(found: Detections, count: int, rng: np.random.Generator) -> Detections:
    if not count:
        return found
    like = take(found, rng.integers(0, len(found), count))
    shrunk = rng.uniform(0.1, 1, count)
    debris = replace(
        like,
        ids=np.full(count, -1, np.int32),
        y=rng.uniform(0, found.shape[0], count),
        x=rng.uniform(0, found.shape[1], count),
        area=like.area * shrunk,
        major=like.major * np.sqrt(shrunk),
        minor=like.minor * np.sqrt(shrunk),
        mean=like.mean * rng.uniform(0.3, 1.2, count),
        rim=np.zeros(count, bool),
    )
    both = {n: np.concatenate([getattr(found, n), getattr(debris, n)]) for n in _COLUMNS}
    return replace(found, **both)
