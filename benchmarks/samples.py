"""Synthetic images with ground truth, made once and kept in the scratch folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from cytomill.ops.synthesise import Scene, nuclei

#: Mean diameter of the nuclei in µm.
DIAMETER = 14.0

#: µm per pixel of a 10x objective, the model's own.
PIXEL_SIZE = 0.65

#: Shares of an image under nuclei, from the sparsest image to the densest.
_COVERAGE = (0.05, 0.35)


def size(text: str) -> tuple[int, int]:
    """(y, x) from ``1280x1080``, for argparse."""
    width, found, height = text.lower().partition("x")
    if not (found and width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text}: must be WIDTHxHEIGHT, like 1280x1080")
    return int(height), int(width)


def scenes(count: int, shape: tuple[int, int], pixel_size: float = PIXEL_SIZE) -> list[Scene]:
    """``count`` scenes of ``shape`` (y, x), from sparse to dense."""
    plain = Scene(shape=shape, diameter=DIAMETER / pixel_size)
    shares = np.linspace(*_COVERAGE, count) if count > 1 else [sum(_COVERAGE) / 2]
    return [replace(plain, coverage=float(share)) for share in shares]


def folder(
    scratch: Path, count: int, shape: tuple[int, int], pixel_size: float = PIXEL_SIZE
) -> tuple[Path, Path]:
    """Folders of ``count`` uint16 TIFF files and of their labels; made where they are not there.

    The files say nothing of the size of a pixel.
    """
    home = scratch / f"images-{count}-{shape[1]}x{shape[0]}-{pixel_size:g}"
    images, truth, whole = home / "images", home / "truth", home / "whole"
    if not whole.exists():
        for place in (images, truth):
            place.mkdir(parents=True, exist_ok=True)
        for seed, scene in enumerate(scenes(count, shape, pixel_size)):
            image, labels = nuclei(scene, seed)
            tifffile.imwrite(images / f"{seed:04}.tif", image)
            tifffile.imwrite(truth / f"{seed:04}.tif", labels, compression="zlib")
        whole.touch()
    return images, truth


def pairs(images: Path, truth: Path) -> list[tuple[NDArray[np.generic], NDArray[np.integer]]]:
    """Images and labels of the same name, both (y, x), in order of name."""
    return [
        (tifffile.imread(path), tifffile.imread(truth / path.name))
        for path in sorted(images.glob("*.tif"))
    ]
