"""Training images and their target maps.

Targets are made once, at full resolution, and warped together with the image: a nucleus cut by the
edge of a crop keeps the distance map of the whole nucleus.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from cytomill.ops.synthesise import Scene, nuclei

#: One training image in this many is kept for validation.
VALIDATION_SHARE = 8

#: Width of the rim, in pixels, in which two nuclei count as touching.
CONTACT_REACH = 2

#: Median diameters of nuclei in pixels that the network is trained to see.
DIAMETERS = (9.0, 56.0)

#: Percentiles stored with each image, from which augmentation draws its normalisation.
LEVELS = np.concatenate([np.linspace(0, 5, 11), np.linspace(80, 100, 81)])


@dataclass(frozen=True, slots=True)
class Example:
    """An image with everything the trainer needs of it.

    ``maps`` is float32 (y, x, 4): distance, centre, contact, weight. ``levels`` are the image's
    intensities at the percentiles `LEVELS`.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.int32]
    maps: NDArray[np.float32]
    levels: NDArray[np.float64]
    diameter: float


def example(name: str, image: NDArray[np.generic], labels: NDArray[np.integer]) -> Example:
    pixels = image.astype(np.float32)
    ids = labels.astype(np.int32)
    areas = np.bincount(ids.ravel())[1:]
    areas = areas[areas > 0]
    diameter = 2 * float(np.sqrt(np.median(areas) / np.pi)) if len(areas) else 24.0
    return Example(name, pixels, ids, targets(ids), np.percentile(pixels, LEVELS), diameter)


def targets(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Distance, centre, contact and weight maps of a label image, float32 (y, x, 4).

    Distance is the Euclidean distance to the outside of the nucleus over its maximum in that
    nucleus; centre is a Gaussian around the deepest point nearest the centroid, its width a
    quarter of the equivalent radius; contact is 1 where another nucleus is within `CONTACT_REACH`;
    weight evens out the say of small and large nuclei.
    """
    maps = np.zeros((*labels.shape, 4), np.float32)
    maps[..., 3] = 1
    highest = ndimage.maximum_filter(labels, size=2 * CONTACT_REACH + 1)
    filled = np.where(labels == 0, np.iinfo(np.int32).max, labels)
    lowest = ndimage.minimum_filter(filled, size=2 * CONTACT_REACH + 1)
    maps[..., 2] = (highest > 0) & (lowest != np.iinfo(np.int32).max) & (highest != lowest)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        mask = labels[box] == label
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        area = np.count_nonzero(mask)
        radius = np.sqrt(area / np.pi)
        y, x = np.nonzero(mask)
        spread = np.hypot(y - y.mean(), x - x.mean())
        score = depth[y, x] - 0.5 * spread
        cy, cx = y[score.argmax()], x[score.argmax()]
        yy, xx = np.mgrid[: mask.shape[0], : mask.shape[1]]
        sigma = max(0.35 * radius, 1.0)
        centre = np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / (2 * sigma**2))
        region = maps[box]
        region[..., 0][mask] = (depth / depth.max())[mask]
        region[..., 1][mask] = centre[mask]
        region[..., 3][mask] = np.clip(10.0 / max(radius, 1.0), 0.6, 3.0)
    return maps


def real(folder: Path) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.integer]]]:
    """The CC0 images: ``dsb2018_stardist/train`` and ``bbbc038_stage1_train_rest``."""
    train = folder / "dsb2018_stardist" / "train"
    for path in sorted((train / "images").glob("*.tif")):
        yield path.stem, tifffile.imread(path), tifffile.imread(train / "masks" / path.name)
    rest = folder / "bbbc038_stage1_train_rest"
    for path in sorted((rest / "images").glob("*.png")):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(rest / "masks" / path.name), cv2.IMREAD_UNCHANGED)
        if image is None or mask is None:
            sys.exit(f"{path}: not a readable PNG, or its mask is missing")
        if image.ndim == 3:
            image = image[..., :3].max(axis=2)
        yield "rest-" + path.stem, image, mask


def synthetic(
    count: int, seed: int
) -> Iterator[tuple[str, NDArray[np.generic], NDArray[np.integer]]]:
    """Random scenes, a few of them empty but for noise."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        scene = Scene(
            shape=(320, 320),
            diameter=float(np.exp(rng.uniform(np.log(10), np.log(40)))),
            coverage=float(rng.uniform(0.02, 0.9)) if index % 12 else 0.0,
            clustering=float(rng.random()),
            noise=float(np.exp(rng.uniform(np.log(0.01), np.log(0.4)))),
            blur=float(rng.uniform(0.5, 2.5)),
        )
        yield f"synthetic-{index}", *nuclei(scene, seed=seed * 100_000 + index)


def is_validation(name: str) -> bool:
    """Whether an image is kept for validation: decided by its name alone, so it never moves."""
    if name.startswith(("rest-", "synthetic-")):
        return False
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % VALIDATION_SHARE == 0


def load(folder: Path, synthetic_count: int, seed: int) -> tuple[list[Example], list[Example]]:
    """All training examples and all validation examples."""
    train: list[Example] = []
    validation: list[Example] = []
    for name, image, labels in real(folder):
        (validation if is_validation(name) else train).append(example(name, image, labels))
    train += [example(*item) for item in synthetic(synthetic_count, seed)]
    return train, validation
