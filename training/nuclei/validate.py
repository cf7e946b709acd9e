"""Choosing the watershed's thresholds on validation images, and scoring."""

from __future__ import annotations

import itertools
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from cytomill.ops.normalise import levels, normalise
from cytomill.ops.watershed import Watershed, watershed

from .data import Example

#: Values tried for each threshold, around the best so far, one pair at a time.
CHOICES: dict[str, tuple[float, ...]] = {
    "foreground": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "peak": (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "persistence": (0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25),
    "centre": (0.25, 0.5, 0.75, 1.0),
    "area": (4, 8, 12, 16, 24),
}


def average_precision(
    truth: NDArray[np.integer], found: NDArray[np.integer]
) -> NDArray[np.float64]:
    """AP = TP / (TP + FP + FN) at IoU 0.5 and 0.7, and F1 at IoU above 0.6.

    Three numbers in one pass; thresholds of a half and more make matches unique.
    """
    n, m = int(truth.max()), int(found.max())
    joint = np.bincount(
        truth.ravel().astype(np.int64) * (m + 1) + found.ravel(), minlength=(n + 1) * (m + 1)
    ).reshape(n + 1, m + 1)
    inside, outside = joint.sum(1)[1:], joint.sum(0)[1:]
    inside_count, outside_count = np.count_nonzero(inside), np.count_nonzero(outside)
    union = inside[:, None] + outside[None, :] - joint[1:, 1:]
    with np.errstate(invalid="ignore"):
        iou = np.where(union > 0, joint[1:, 1:] / np.maximum(union, 1), 0)
    best = iou.max(1) if m and n else np.zeros(n)
    result = []
    for threshold in (0.5, 0.7):
        hits = np.count_nonzero(best >= threshold)
        total = inside_count + outside_count - hits
        result.append(hits / total if total else 1.0)
    hits = np.count_nonzero(best > 0.6)
    both = inside_count + outside_count
    result.append(2 * hits / both if both else 1.0)
    return np.array(result)


def score(
    maps: list[NDArray[np.uint8]], examples: list[Example], how: Watershed
) -> NDArray[np.float64]:
    """Mean over images of `average_precision`."""
    return np.mean(
        [
            average_precision(e.labels, watershed(m, how).labels)
            for m, e in zip(maps, examples, strict=True)
        ],
        axis=0,
    )


def choose(maps: list[NDArray[np.uint8]], examples: list[Example]) -> tuple[Watershed, float]:
    """The thresholds with the best mean of AP at IoU 0.5 and 0.7: coordinate descent over pairs."""
    best, value = Watershed(), -1.0
    for _ in range(2):
        for names in itertools.combinations(CHOICES, 2):
            for values in itertools.product(*(CHOICES[n] for n in names)):
                trial = replace(best, **dict(zip(names, values, strict=True)))
                if (found := float(score(maps, examples, trial)[:2].mean())) > value + 1e-6:
                    best, value = trial, found
    return best, value


def prepared(item: Example) -> NDArray[np.float32]:
    """What the network sees of an example: (1, 1, y, x), sides mirrored up to multiples of 16."""
    x = normalise(item.image, levels(item.image.shape, lambda y, x: item.image[y, x]))
    bottom, right = (-n % 16 for n in x.shape)
    return np.pad(x, ((0, bottom), (0, right)), mode="symmetric")[None, None]


def thresholds(how: Watershed) -> dict[str, float]:
    """For the model's card."""
    return asdict(how)
