"""Synthetic movies of nuclei that move, grow, divide, leave and enter, with their lineage.

Nuclei live in a world a little larger than the image, so that they cross its edges. They drift at
random, push each other apart, double their area from birth to division, round up, form a plate and
part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..errors import OptionError
from .synthesise import (
    Body,
    Camera,
    Outline,
    Scene,
    chromatin,
    paint,
    photograph,
    plate,
    positions,
    scatter,
)
from .track import Track

#: Width of the world outside the image, in diameters.
_MARGIN = 3.0

#: Part of the velocity that a nucleus keeps from one frame to the next.
_PERSISTENCE = 0.7

#: Nuclei are pushed apart when nearer than this share of the sum of their radii.
_ELBOW_ROOM = 0.95

#: Labels that a 16-bit image can hold.
_MOST_TRACKS = 65_535

# The first number of the seed of each kind of draw, so that none repeats another.
_LIFE, _CAMERA, _NOISE = range(10, 13)


@dataclass(frozen=True, slots=True)
class Film:
    """What a synthetic movie shows.

    ``scene`` is what a frame shows at the start; ``frames`` their number; ``speed`` the standard
    deviation of a nucleus's change of velocity, in diameters per frame; ``cycle`` the mean number
    of frames from birth to division.
    """

    scene: Scene
    frames: int = 20
    speed: float = 0.04
    cycle: float = 40.0


@dataclass(slots=True)
class _Nucleus:
    place: NDArray[np.float64]
    velocity: NDArray[np.float64]
    adult: Outline
    brightness: float
    grain: tuple[int, int]
    age: int
    cycle: int
    track: int = 0
    parent: int = 0

    @property
    def growth(self) -> float:
        """The radius over that at division: the area doubles in a cycle."""
        return float(np.sqrt(0.5 + 0.5 * min(self.age / self.cycle, 1)))

    def body(self) -> Body:
        """How it looks at its age."""
        outline = replace(self.adult, radius=self.adult.radius * self.growth)
        boost = 1.0
        left = self.cycle - self.age
        if left == 1:
            outline, boost = plate(self.adult.radius, self.adult.turn), 2.6
        elif self.age <= 1:
            outline, boost = plate(0.9 * self.adult.radius, self.adult.turn), 2.2 - 0.3 * self.age
        elif left == 2:
            outline, boost = replace(outline, radius=0.9 * outline.radius, stretch=1.05), 1.6
        elif self.age == 2:
            boost = 1.4
        return Body(self.place, outline, boost, self.brightness, self.grain)


class Movie:
    """A movie, drawn frame by frame: iterate once, then read `tracks`.

    A frame is ``(image, labels)``, both uint16 (y, x); a label is the number of a track. A nucleus
    that leaves the image, or is hidden, and comes back is a new track. Iterating raises
    `OptionError` where there are more tracks than a 16-bit image can hold. The same film and seed
    give the same pixels.
    """

    def __init__(self, film: Film, seed: int = 0) -> None:
        self.film = film
        # Nuclei that push each other rarely overlap: when they do, both stay in view.
        self._scene = replace(film.scene, overlap=0.6)
        self._seed = seed
        self._tracks: dict[int, Track] = {}

    @property
    def tracks(self) -> list[Track]:
        """The tracks of the frames drawn so far, by label."""
        return list(self._tracks.values())

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
        """Draw the movie from its first frame."""
        self._tracks.clear()
        scene = self._scene
        rng = np.random.default_rng([self._seed, _LIFE])
        edge = max(64, int(np.ceil(24 * scene.diameter)))
        texture = chromatin(scene, (edge, edge), rng)
        dirt = np.zeros(scene.shape, np.float32)
        nuclei = self._population(edge, rng)
        if scene.debris:
            whole = (slice(0, scene.shape[0]), slice(0, scene.shape[1]))
            scatter(dirt, scene, whole, rng.poisson(scene.debris * len(nuclei)), rng)
        camera = Camera.random(np.random.default_rng([self._seed, _CAMERA]))
        for time in range(self.film.frames):
            labels = np.zeros(scene.shape, np.uint16)
            light = dirt.copy()
            for nucleus in nuclei:
                self._show(nucleus, time, labels, light, texture, rng)
            noise = np.random.default_rng([self._seed, _NOISE, time])
            yield photograph(light, scene, camera, noise), labels
            _move(nuclei, self.film, rng)
            nuclei = _divided(nuclei, self.film, edge, rng)

    def _population(self, edge: int, rng: np.random.Generator) -> list[_Nucleus]:
        scene, film = self._scene, self.film
        margin = _MARGIN * scene.diameter
        world = (int(scene.shape[0] + 2 * margin), int(scene.shape[1] + 2 * margin))
        count = int(scene.coverage * world[0] * world[1] / (np.pi * (scene.diameter / 2) ** 2))
        nuclei = []
        for place in positions(scene, world, count, rng):
            # Mid-cycle nuclei have the scene's mean diameter.
            radius = 0.58 * scene.diameter * float(np.exp(rng.normal(0, 0.12)))
            cycle = _cycle(film, rng)
            age = int(rng.integers(3, cycle))
            brightness = float(np.exp(rng.normal(0, 0.3)))
            outline = Outline.random(radius, rng)
            grain = _somewhere(edge, rng)
            nuclei.append(
                _Nucleus(place - margin, np.zeros(2), outline, brightness, grain, age, cycle)
            )
        _push_apart(nuclei, 30)
        return nuclei

    def _show(
        self,
        nucleus: _Nucleus,
        time: int,
        labels: NDArray[np.uint16],
        light: NDArray[np.float32],
        texture: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        """Draw the nucleus where it is in view, and note that in its track."""
        label = nucleus.track or len(self._tracks) + 1
        if label > _MOST_TRACKS:
            raise OptionError(f"more than {_MOST_TRACKS} tracks; make the movie smaller or shorter")
        if not paint(labels, light, nucleus.body(), label, self._scene, texture, rng):
            nucleus.track = nucleus.parent = 0
            return
        if nucleus.track:
            self._tracks[label] = replace(self._tracks[label], end=time)
        else:
            self._tracks[label] = Track(label, time, time, nucleus.parent)
            nucleus.track, nucleus.parent = label, 0


def _cycle(film: Film, rng: np.random.Generator) -> int:
    return max(8, round(film.cycle * float(np.exp(rng.normal(0, 0.2)))))


def _somewhere(edge: int, rng: np.random.Generator) -> tuple[int, int]:
    """A place in a texture of ``edge`` by ``edge`` that is not near its rim."""
    y, x = rng.integers(edge // 3, edge - edge // 3, 2)
    return int(y), int(x)


def _move(nuclei: list[_Nucleus], film: Film, rng: np.random.Generator) -> None:
    """Let a frame pass: all grow older, drift, turn and make room; the world's edge holds them."""
    diameter = film.scene.diameter
    margin = _MARGIN * diameter
    for nucleus in nuclei:
        nucleus.age += 1
        kick = rng.normal(0, film.speed * diameter, 2)
        nucleus.velocity = _PERSISTENCE * nucleus.velocity + kick
        nucleus.place = nucleus.place + nucleus.velocity
        turn = nucleus.adult.turn + rng.normal(0, 0.06)
        nucleus.adult = replace(nucleus.adult, turn=turn)
    _push_apart(nuclei, 5)
    for nucleus in nuclei:
        held = np.clip(nucleus.place, -margin, np.add(film.scene.shape, margin))
        nucleus.velocity[held != nucleus.place] *= -1
        nucleus.place = held


def _push_apart(nuclei: list[_Nucleus], rounds: int) -> None:
    """Move nuclei that crowd each other apart, each by half of what is missing."""
    if len(nuclei) < 2:
        return
    places = np.array([nucleus.place for nucleus in nuclei])
    radii = np.array([nucleus.adult.radius * nucleus.growth for nucleus in nuclei])
    for _ in range(rounds):
        pairs = cKDTree(places).query_pairs(2 * _ELBOW_ROOM * radii.max(), output_type="ndarray")
        first, second = pairs[np.lexsort(pairs.T)].T
        between = places[second] - places[first]
        distance = np.maximum(np.hypot(*between.T), 1e-6)
        missing = np.maximum(_ELBOW_ROOM * (radii[first] + radii[second]) - distance, 0)
        shift = (0.5 * missing / distance)[:, None] * between
        np.add.at(places, second, shift)
        np.subtract.at(places, first, shift)
    for nucleus, place in zip(nuclei, places, strict=True):
        nucleus.place = place


def _divided(
    nuclei: list[_Nucleus], film: Film, edge: int, rng: np.random.Generator
) -> list[_Nucleus]:
    """The nuclei, with those that have reached the end of their cycle replaced by two daughters."""
    after = []
    for nucleus in nuclei:
        if nucleus.age < nucleus.cycle:
            after.append(nucleus)
            continue
        turn, radius = nucleus.adult.turn, nucleus.adult.radius
        # The plates part along their normal.
        apart = 0.55 * radius * np.array([np.cos(turn), -np.sin(turn)])
        for side in (-1, 1):
            size = float(np.clip(radius * np.exp(rng.normal(0, 0.04)), 0.4 * radius, 2 * radius))
            outline = replace(Outline.random(size, rng), turn=turn)
            after.append(
                _Nucleus(
                    nucleus.place + side * apart,
                    nucleus.velocity + 0.5 * side * apart,
                    outline,
                    nucleus.brightness * float(np.exp(rng.normal(0, 0.05))),
                    _somewhere(edge, rng),
                    age=0,
                    cycle=_cycle(film, rng),
                    parent=nucleus.track,
                )
            )
    return after
