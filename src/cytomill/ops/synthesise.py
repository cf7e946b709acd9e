"""Synthetic fluorescence images of nuclei, with ground truth.

Shapes are ellipses bent by a few random Fourier modes; brightness, chromatin texture, focus,
uneven illumination, camera offset, shot and read noise vary from image to image as they do between
microscopes. Everything follows from the seed. `synthesise_slide` makes planes of any size from the
same parts, `synthesise_movie` sets them in motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: A plane of labels: uint16 or uint32.
Labels = NDArray[np.unsignedinteger[Any]]

#: Counts that the camera reads in the dark.
CAMERA_OFFSET = 100

#: Fourier modes that bend an ellipse into a nucleus: enough for a kidney, too few for a star.
_MODES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a synthetic image shows.

    ``shape`` is (y, x) in pixels; ``diameter`` the mean nuclear diameter in pixels; ``coverage``
    the fraction of the image that nuclei would cover without overlap; ``clustering`` 0 (spread
    evenly) to 1 (all in clumps); ``noise`` the standard deviation of the camera's read noise
    relative to the brightness of a typical nucleus; ``blur`` the standard deviation of the
    point-spread function in pixels.

    ``overlap`` is the largest fraction of a nucleus that others may hide, above which it is not
    drawn; ``dome`` says how much a nucleus darkens towards its rim, 0 (flat) to 1 (an ellipsoid
    seen from above); ``grain`` the contrast of chromocentres and nucleoli; ``mitotic`` the
    fraction of nuclei in division; ``debris`` the number of bright unlabelled specks per nucleus;
    ``gain`` the counts of a typical nucleus above the camera's offset.
    """

    shape: tuple[int, int] = (512, 512)
    diameter: float = 22.0
    coverage: float = 0.25
    clustering: float = 0.4
    noise: float = 0.04
    blur: float = 1.0
    overlap: float = 0.35
    dome: float = 0.0
    grain: float = 0.0
    mitotic: float = 0.0
    debris: float = 0.0
    gain: float = 8000.0


@dataclass(frozen=True, slots=True)
class Camera:
    """How an image is taken.

    ``glow`` is the share of light from out of focus; ``slope`` how much the illumination gains
    over the height and the width; ``full_well`` the photons of a typical nucleus per pixel.
    """

    glow: float
    slope: tuple[np.float64, np.float64]
    full_well: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Camera:
        """The camera of one image or movie."""
        glow = rng.uniform(0, 0.25)
        slope = rng.uniform(-0.25, 0.25, 2)
        return cls(glow, (slope[0], slope[1]), rng.uniform(300, 3000))


def nuclei(scene: Scene, seed: int = 0) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw one image; returns ``(image, labels)``, both uint16 of shape ``scene.shape`` (y, x).

    The same scene and seed give the same pixels.
    """
    rng = np.random.default_rng(seed)
    labels, light = _draw(scene, rng)
    return photograph(light, scene, Camera.random(rng), rng), labels


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of a nucleus: an ellipse bent by Fourier modes.

    ``radius`` is in pixels; the half axes are ``radius`` times and over ``stretch``; ``turn`` is
    the angle of the long axis in radians; ``bends`` holds the (amplitude, phase) of each mode, the
    amplitude relative to the radius.
    """

    radius: float
    stretch: float
    turn: float
    bends: tuple[tuple[float, float], ...]

    @classmethod
    def random(cls, radius: float, rng: np.random.Generator) -> Outline:
        """The outline of an interphase nucleus."""
        stretch = float(np.exp(rng.normal(0, 0.16)))
        turn = rng.uniform(0, np.pi)
        bends = tuple((rng.normal(0, 0.11 / mode), rng.uniform(0, 2 * np.pi)) for mode in _MODES)
        return cls(radius, stretch, turn, bends)

    def fill(
        self, centre: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64], tuple[int, int]]:
        """The inside as a mask, the relative distance from the centre, and where they lie.

        ``centre`` is (y, x). The mask and the distance (0 at the centre, 1 at the outline) have
        the same shape; the (y, x) of their upper left corner in the image comes last.
        """
        bulge = 1 + sum(abs(amplitude) for amplitude, _ in self.bends)
        reach = int(np.ceil(self.radius * max(self.stretch, 1 / self.stretch) * bulge)) + 1
        top, left = (int(np.floor(c)) - reach for c in centre)
        y, x = np.mgrid[: 2 * reach + 1, : 2 * reach + 1]
        y = y + top - centre[0]
        x = x + left - centre[1]
        u = (x * np.cos(self.turn) + y * np.sin(self.turn)) / self.stretch
        v = (y * np.cos(self.turn) - x * np.sin(self.turn)) * self.stretch
        angle = np.arctan2(v, u)
        edge = np.full(angle.shape, self.radius)
        for mode, (amplitude, phase) in zip(_MODES, self.bends, strict=True):
            edge += self.radius * amplitude * np.cos(mode * angle + phase)
        distance = np.hypot(u, v)
        return distance <= edge, distance / edge, (top, left)


@dataclass(frozen=True, slots=True)
class Body:
    """A nucleus to be drawn.

    ``centre`` is (y, x) in pixels; ``boost`` says how much brighter its state makes it;
    ``brightness`` is its own, drawn at random where None; ``grain`` is the (y, x) of its centre in
    the texture, the same as in the image where None.
    """

    centre: NDArray[np.float64]
    outline: Outline
    boost: float = 1.0
    brightness: float | None = None
    grain: tuple[int, int] | None = None


def plate(radius: float, turn: float) -> Outline:
    """Condensed chromosomes side by side, seen edge on: a short bar along ``turn`` (radians)."""
    return Outline(0.58 * radius, 1.5, turn, ((0.04, 0.0), (0.0, 0.0), (0.0, 0.0)))


def bodies(scene: Scene, centre: NDArray[np.float64], rng: np.random.Generator) -> list[Body]:
    """The nucleus at ``centre`` (y, x): one body, or two where a division has parted them.

    A dividing nucleus is in prophase (round, small, bright), in metaphase (a bright plate) or in
    anaphase (two plates).
    """
    radius = 0.5 * scene.diameter * float(np.exp(rng.normal(0, 0.18)))
    if scene.mitotic == 0 or rng.random() >= scene.mitotic:
        return [Body(centre, Outline.random(radius, rng))]
    stage = rng.integers(3)
    turn = float(rng.uniform(0, np.pi))
    if stage == 0:
        outline = Outline.random(0.85 * radius, rng)
        return [Body(centre, outline, 1.8)]
    if stage == 1:
        return [Body(centre, plate(radius, turn), 2.6)]
    apart = radius * rng.uniform(0.55, 0.9) * np.array([np.cos(turn), -np.sin(turn)])
    daughter = plate(0.9 * radius, turn)
    return [Body(centre + side * apart, daughter, 2.2) for side in (-1, 1)]


def paint(
    labels: Labels,
    light: NDArray[np.float32],
    body: Body,
    label: int,
    scene: Scene,
    texture: NDArray[np.float32],
    rng: np.random.Generator,
) -> bool:
    """Draw ``body`` as ``label`` into both planes (y, x), if enough of it is free; says whether.

    ``labels`` is 0 where free. Pixels that another nucleus holds keep their label; light adds up.
    ``texture`` (y, x) multiplies the light; it is as large as ``light`` unless the body says where
    in it to look.
    """
    mask, distance, (top, left) = body.outline.fill(body.centre)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + mask.shape[0], labels.shape[0]), min(left + mask.shape[1], labels.shape[1])
    if y0 >= y1 or x0 >= x1:
        return False
    inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    mask = mask[inside]
    region = labels[y0:y1, x0:x1]
    size = np.count_nonzero(mask)
    free = mask & (region == 0)
    left_over = np.count_nonzero(free)
    if size == 0 or left_over < (1 - scene.overlap) * size:
        return False
    if left_over < size:
        # What is left of a half-hidden nucleus may fall apart: keep its largest piece.
        pieces, n = ndimage.label(free)
        if n > 1:
            free = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    region[free] = label
    brightness = body.brightness
    if brightness is None:
        brightness = float(np.exp(rng.normal(0, 0.35)))
    dy, dx = (0, 0) if body.grain is None else np.subtract(body.grain, body.centre.astype(int))
    shine = brightness * body.boost * texture[y0 + dy : y1 + dy, x0 + dx : x1 + dx][mask]
    if scene.dome:
        thickness = np.clip(1 - distance[inside][mask] ** 2, 0, None)
        shine = shine * (0.15 + 0.85 * thickness**0.5) ** scene.dome
    light[y0:y1, x0:x1][mask] += shine
    return True


def positions(
    scene: Scene, extent: tuple[int, int], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Where ``count`` nuclei lie in a field of ``extent`` (y, x) pixels; float64 (count, 2).

    Clumped ones may lie outside the field, by a normal deviate of 1.4 diameters.
    """
    size = np.array(extent, float)
    centres: NDArray[np.float64] = rng.random((count, 2)) * size
    clumped = rng.random(count) < scene.clustering
    clumps = rng.random((max(1, count // 12), 2)) * size
    chosen = clumps[rng.integers(len(clumps), size=count)]
    spread = rng.normal(0, 1.4 * scene.diameter, (count, 2))
    centres[clumped] = (chosen + spread)[clumped]
    return centres


def chromatin(
    scene: Scene, extent: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """A texture of mean about 1 and of ``extent`` (y, x), in the contrast that this scene has."""
    noise = rng.standard_normal(extent, dtype=np.float32)
    fine = ndimage.gaussian_filter(noise, scene.diameter / 10)
    deviation = float(fine.std()) + 1e-6
    texture = 1 + fine * (rng.uniform(0.05, 0.3) / deviation)
    if scene.grain:
        coarse = ndimage.gaussian_filter(noise, scene.diameter / 16)
        coarse /= float(coarse.std()) + 1e-6
        texture += scene.grain * (np.clip(coarse - 1, 0, 2) - 0.4 * np.clip(-1 - coarse, 0, 1))
    return np.asarray(np.clip(texture, 0.2, None), np.float32)


def scatter(
    light: NDArray[np.float32],
    scene: Scene,
    extent: tuple[slice, slice],
    count: int,
    rng: np.random.Generator,
) -> None:
    """Strew ``count`` specks of debris over the part ``extent`` (y, x) of the light (y, x)."""
    for _ in range(count):
        centre = np.array([rng.uniform(side.start, side.stop) for side in extent])
        brightness = float(np.exp(rng.normal(0, 0.6)))
        for _ in range(1 + rng.poisson(1.5)):
            radius = scene.diameter * rng.uniform(0.03, 0.1)
            outline = Outline(radius, 1.0, 0.0, ((0.0, 0.0),) * len(_MODES))
            speck, _, (top, left) = outline.fill(centre + rng.normal(0, 0.15 * scene.diameter, 2))
            y0, x0 = max(top, 0), max(left, 0)
            part = light[y0 : max(top + len(speck), 0), x0 : max(left + len(speck), 0)]
            height, width = part.shape
            part[speck[y0 - top :, x0 - left :][:height, :width]] += brightness


def _draw(scene: Scene, rng: np.random.Generator) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    height, width = scene.shape
    labels = np.zeros(scene.shape, np.uint16)
    light = np.zeros(scene.shape, np.float32)
    texture = chromatin(scene, scene.shape, rng)
    area = np.pi * (scene.diameter / 2) ** 2
    count = min(int(scene.coverage * height * width / area), 65_000)
    label = 0
    for centre in positions(scene, scene.shape, count, rng):
        for body in bodies(scene, centre, rng):
            label += paint(labels, light, body, label + 1, scene, texture, rng)
    if scene.debris:
        whole = (slice(0, height), slice(0, width))
        scatter(light, scene, whole, rng.poisson(scene.debris * label), rng)
    return labels, light


def photograph(
    light: NDArray[np.float32], scene: Scene, camera: Camera, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """What the camera makes of the light (y, x): uint16 counts of the same shape."""
    image = ndimage.gaussian_filter(light, scene.blur)
    # Light from out of focus, then uneven illumination.
    image += camera.glow * ndimage.gaussian_filter(light, 1.5 * scene.diameter)
    height, width = light.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image *= 1 + camera.slope[0] * (y / height - 0.5) + camera.slope[1] * (x / width - 0.5)
    full_well = camera.full_well
    photons = rng.poisson(np.clip(image + 0.02, 0, None) * full_well).astype(np.float32)
    photons += rng.normal(0, scene.noise * full_well, light.shape).astype(np.float32)
    counts = CAMERA_OFFSET + photons * (scene.gain / full_well)
    return np.asarray(np.clip(np.rint(counts), 0, 65_535), np.uint16)
