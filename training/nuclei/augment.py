"""Random views of training examples: geometry, light, optics and camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cytomill.ops.normalise import soft_knee

from .data import DIAMETERS, LEVELS, Example

_LOW = LEVELS <= 5

#: Share of the crops that get every change of scale, light, optics and camera.
HARD_SHARE = 0.5


def crop(
    item: Example, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One training crop: image float32 (size, size) and targets float32 (5, size, size).

    Targets: foreground, distance, centre, contact, weight. Outside the image both are mirrored.
    Half of the crops are as inference meets the image, but for turns, small changes of scale and
    of light: nothing but hard crops teaches caution where the image is plain.
    """
    is_hard = bool(rng.random() < HARD_SHARE)
    matrix = _geometry(item, size, is_hard, rng)
    options = {"dsize": (size, size), "borderMode": cv2.BORDER_REFLECT_101}
    image = cv2.warpAffine(item.image, matrix, flags=cv2.INTER_LINEAR, **options)
    labels = cv2.warpAffine(
        item.labels.astype(np.float32), matrix, flags=cv2.INTER_NEAREST, **options
    ).astype(np.int32)
    maps = cv2.warpAffine(item.maps, matrix, flags=cv2.INTER_LINEAR, **options)
    target = np.empty((5, size, size), np.float32)
    target[0] = labels > 0
    target[1:] = maps.transpose(2, 0, 1)
    return _light(image, labels, item, is_hard, rng), target


def _geometry(
    item: Example, size: int, is_hard: bool, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The affine map from image to crop: scale, stretch, turn, mirror, place."""
    if not is_hard or rng.random() < 0.5:
        scale = np.exp(rng.uniform(np.log(0.8), np.log(1.25)))
    else:
        low = max(DIAMETERS[0] / item.diameter, 0.4)
        high = min(DIAMETERS[1] / item.diameter, 2.5)
        scale = np.exp(rng.uniform(np.log(min(low, 1)), np.log(max(high, 1))))
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.7 else rng.integers(4) * np.pi / 2
    stretch = np.exp(rng.normal(0, 0.08))
    cos, sin = np.cos(angle), np.sin(angle)
    linear = scale * np.array([[cos, -sin], [sin, cos]]) @ np.diag([stretch, 1 / stretch])
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    height, width = item.image.shape
    # Keep the crop inside the image where the image is large enough for it.
    margin = 0.5 * size / scale
    focus = [
        rng.uniform(margin, extent - margin) if extent > 2 * margin else extent / 2
        for extent in (width, height)
    ]
    offset = size / 2 - linear @ np.array(focus)
    return np.column_stack([linear, offset])


def _light(
    image: NDArray[np.float32],
    labels: NDArray[np.int32],
    item: Example,
    is_hard: bool,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    low = float(rng.choice(item.levels[_LOW]))
    # Mostly near the percentile used at inference; sometimes far below, as in crowded images, or
    # at the very top.
    top = 100 - 15 * rng.random() ** 3 if is_hard and rng.random() < 0.5 else 99.8
    high = float(np.interp(top, LEVELS, item.levels))
    span = max(high - low, 1e-3 * (float(item.levels[-1]) - low), 1e-6)
    x = (image - low) / span
    if not is_hard:
        x = x * np.float32(np.exp(rng.normal(0, 0.1)))
        return soft_knee(np.ascontiguousarray(x, np.float32))
    if rng.random() < 0.25:
        # Nuclei of one image differ in brightness: more so than in most training images.
        factors = np.exp(rng.normal(0, 0.4, int(labels.max()) + 1)).astype(np.float32)
        factors[0] = 1
        x *= cv2.GaussianBlur(factors[labels], (0, 0), 1.0)
    if rng.random() < 0.3:
        sigma = rng.uniform(0.4, 1.8)
        x = cv2.GaussianBlur(x, (0, 0), sigma)
    if rng.random() < 0.4:
        x = np.sign(x) * np.abs(x) ** np.float32(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.3:
        x = x + _glow(x.shape[0], rng)
    if rng.random() < 0.8:
        x = x * np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.5:
        x = _noise(x, rng)
    return soft_knee(np.ascontiguousarray(x, np.float32))


def _glow(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Light without structure: a ramp or smooth blobs."""
    grid = rng.random((rng.integers(2, 6),) * 2).astype(np.float32)
    smooth = cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
    return smooth * np.float32(rng.uniform(0.0, 0.4))


def _noise(x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    read = np.exp(rng.uniform(np.log(0.005), np.log(0.2)))
    shot = np.exp(rng.uniform(np.log(0.005), np.log(0.15)))
    sigma = np.sqrt(read**2 + shot**2 * np.clip(x, 0, None)).astype(np.float32)
    noise = rng.standard_normal(x.shape, dtype=np.float32)
    if rng.random() < 0.3:  # binned or interpolated cameras: noise with a grain
        noise = 1.8 * cv2.GaussianBlur(noise, (0, 0), 0.8)
    return x + sigma * noise
