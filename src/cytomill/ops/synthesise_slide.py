"""Synthetic images of any size, drawn in bands from the top down.

The plane is a grid of fields. What a field holds follows from the seed and the field's place
alone; its nuclei may reach into the neighbouring fields, so there are no seams. Only the rows that
are still being drawn are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .synthesise import (
    CAMERA_OFFSET,
    Camera,
    Labels,
    Scene,
    bodies,
    chromatin,
    paint,
    positions,
    scatter,
)

# Distances in steps; a step is about a quarter of a diameter, and the grid on which the light from
# out of focus is reckoned.
_FIELD = 32
_REACH = 24  # from a field's edge: a stray member of a clump, and its own extent
_GLOW = 12  # reach of the light from out of focus, two of its standard deviations
_HALO = _GLOW + 2  # and the pixels that its interpolation needs

#: Members of a clump are at most this many diameters outside their field, or they are left out.
_STRAY = 4.0

#: Edge of the texture from which nuclei take their grain, in diameters.
_TEXTURE = 24

# The first number of the seed of each kind of draw, so that none repeats another.
_CAMERA, _NUCLEI, _NOISE = range(3)


@dataclass(frozen=True, slots=True)
class Band:
    """Full rows of an image from row ``top`` on.

    ``image`` is uint16, ``labels`` uint16 or uint32, both (y, x).
    """

    top: int
    image: NDArray[np.uint16]
    labels: Labels


def slide(scene: Scene, seed: int = 0) -> Iterator[Band]:
    """Draw an image of any size band by band, from the top row to the bottom one without gaps.

    Labels are unique over the whole image and count from 1 without gaps; they are uint16 where
    there cannot be more than 65,535, else uint32. Memory is in proportion to the width times 30
    diameters. The same scene and seed give the same pixels; they are not those of `nuclei`.
    """
    rng = np.random.default_rng([seed, _CAMERA])
    camera = Camera.random(rng)
    edge = max(64, int(np.ceil(_TEXTURE * scene.diameter)))
    texture = chromatin(scene, (edge, edge), rng)
    step = _step(scene)
    field, reach, halo = _FIELD * step, _REACH * step, _HALO * step
    height, width = scene.shape
    padded = -(-width // step) * step
    per_field = _per_field(scene, field)
    rows, columns = -(-height // field), -(-width // field)

    labels: Labels = np.zeros((0, padded), label_dtype(scene))
    light = np.zeros((0, padded), np.float32)
    top = 0  # the row of the image that the first row of the canvas is
    done = 0  # rows handed out
    label = 0
    for row in range(rows):
        bottom = (row + 1) * field + reach
        fresh = bottom - top - len(light)
        labels = np.pad(labels, ((0, fresh), (0, 0)))
        light = np.pad(light, ((0, fresh), (0, 0)))
        for column in range(columns):
            origin = (row * field - top, column * field)
            in_image = labels[: height - top, :width]
            place = [seed, _NUCLEI, row, column]
            label = _draw_field(in_image, light, scene, texture, origin, label, per_field, place)
        last = row == rows - 1
        ready = height if last else max(0, min((row + 1) * field - reach - halo, height))
        if ready > done:
            image = _expose(light, scene, camera, step, (top, done, ready), [seed, _NOISE, row])
            yield Band(done, image, labels[done - top : ready - top, :width].copy())
            done = ready
            keep = max(0, (done - halo) // step * step)
            labels, light, top = labels[keep - top :], light[keep - top :], keep


def label_dtype(scene: Scene) -> np.dtype[np.unsignedinteger[Any]]:
    """The dtype of the labels of a slide: uint16 where there cannot be too many, else uint32."""
    field = _FIELD * _step(scene)
    fields = int(np.prod([-(-side // field) for side in scene.shape]))
    # Every nucleus may be in anaphase and so count twice.
    most = 2 * fields * int(np.ceil(_per_field(scene, field)))
    return np.dtype(np.uint16 if most <= np.iinfo(np.uint16).max else np.uint32)


def _step(scene: Scene) -> int:
    return int(np.ceil(scene.diameter / 4))


def _per_field(scene: Scene, field: int) -> float:
    """Nuclei that a field of ``field`` by ``field`` pixels holds on average."""
    return scene.coverage * field**2 / (np.pi * (scene.diameter / 2) ** 2)


def _draw_field(
    labels: Labels,
    light: NDArray[np.float32],
    scene: Scene,
    texture: NDArray[np.float32],
    origin: tuple[int, int],
    label: int,
    expected: float,
    seed: list[int],
) -> int:
    """Draw the field with its upper left corner at ``origin`` (y, x); returns the last label."""
    rng = np.random.default_rng(seed)
    step = _step(scene)
    field = _FIELD * step
    count = int(expected + rng.random())
    stray = _STRAY * scene.diameter
    texture_edge, margin = texture.shape[0], texture.shape[0] // 3
    first = label
    for place in positions(scene, (field, field), count, rng):
        if place.min() < -stray or place.max() > field + stray:
            continue
        for body in bodies(scene, place + origin, rng):
            y, x = rng.integers(margin, texture_edge - margin, 2)
            body = replace(body, grain=(int(y), int(x)))
            label += paint(labels, light, body, label + 1, scene, texture, rng)
    if scene.debris:
        rows, columns = (slice(start, start + field) for start in origin)
        scatter(light, scene, (rows, columns), rng.poisson(scene.debris * (label - first)), rng)
    return label


def _expose(
    light: NDArray[np.float32],
    scene: Scene,
    camera: Camera,
    step: int,
    rows: tuple[int, int, int],
    seed: list[int],
) -> NDArray[np.uint16]:
    """Photograph part of the light; ``rows`` are the first on the canvas, the first and the end.

    As `synthesise.photograph`, with the light from out of focus reckoned on a coarse grid and the
    shot noise drawn as a normal deviate of the Poisson variance.
    """
    top, start, stop = rows
    height, width = scene.shape
    inside = slice(start - top, stop - top)
    size = (light.shape[1] // step, light.shape[0] // step)
    coarse = cv2.resize(light[: size[1] * step], size, interpolation=cv2.INTER_AREA)
    kernel = 2 * _GLOW + 1
    coarse = cv2.GaussianBlur(coarse, (kernel, kernel), 1.5 * scene.diameter / step)
    glow = cv2.resize(coarse, (light.shape[1], size[1] * step), interpolation=cv2.INTER_LINEAR)
    photons = cv2.GaussianBlur(light, (0, 0), scene.blur)[inside, :width]
    photons = photons + np.float32(camera.glow) * glow[inside, :width]
    down = camera.slope[0] * ((np.arange(start, stop, dtype=np.float32) / height) - 0.5)
    across = camera.slope[1] * ((np.arange(width, dtype=np.float32) / width) - 0.5)
    photons *= 1 + down[:, None] + across[None, :]
    photons += 0.02
    photons *= camera.full_well
    noise = np.random.default_rng(seed).standard_normal(photons.shape, dtype=np.float32)
    noise *= np.sqrt(photons + np.float32((scene.noise * camera.full_well) ** 2))
    photons += noise
    photons *= scene.gain / camera.full_well
    photons += CAMERA_OFFSET
    return np.asarray(np.clip(np.rint(photons, out=photons), 0, 65_535), np.uint16)
