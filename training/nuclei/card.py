"""The README inside the model package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_TEXT = """# Cytomill nuclei

Three maps of every pixel of a 2D fluorescence image of nuclei: foreground probability, distance to
the outline over its maximum in the nucleus, and nearness to the nucleus' centre, as bytes. A
watershed over the two distance maps, with the thresholds in `rdf.yaml` under
`config.cytomill.watershed`, makes labels of them.

- Input: one grey plane, float32, sides multiples of 16 pixels, about 0.65 µm per pixel; its 1st
  percentile at 0, its 99.8th at 1, what is above 1 compressed to 1 + ln x.
- Weights: `nuclei.onnx` in 32-bit floats, `nuclei_int8.onnx` in 8-bit integers (ONNX, opset 17).
- Licence: Apache-2.0. Trained on images in the public domain (CC0): BBBC038, stage 1 of the 2018
  Data Science Bowl (Caicedo et al., Nature Methods 16, 2019), and on synthetic images.
- Limits: bright field and stained tissue are not what it was trained on; nuclei below about 9 or
  above about 56 pixels across are beyond its training.

## Scores

{scores}

Validation images were used to choose the thresholds. The test images are the 50 that StarDist
published; no weight and no threshold was chosen on them.

## Training

{images} images, {steps} steps in {minutes} minutes on {device}.

![Loss while training](loss.png)
"""


def write_readme(
    folder: Path, scores: dict[str, dict[str, dict[str, float]]], recipe: dict[str, Any]
) -> None:
    """Write ``folder/README.md``: what the model is, and the scores as a table."""
    columns = [(w, s) for w, sets in scores.items() for s in sets]
    measures = list(next(iter(next(iter(scores.values())).values())))
    lines = [
        "| | " + " | ".join(f"`{w}`, {s}" for w, s in columns) + " |",
        "|---|" + "---|" * len(columns),
        *(
            f"| {m} | " + " | ".join(f"{scores[w][s][m]}" for w, s in columns) + " |"
            for m in measures
        ),
    ]
    text = _TEXT.format(
        scores="\n".join(lines),
        images=recipe["images"]["training"],
        steps=recipe["steps"],
        minutes=recipe["minutes"],
        device=recipe["device"],
    )
    (folder / "README.md").write_text(text, "utf-8")
