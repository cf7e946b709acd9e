"""Template: what stands out from the background."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cytomill.inference.runtime import Models
from cytomill.pipelines.planes import PlaneOptions, Planes


class TemplateOptions(PlaneOptions):
    """Each field is a flag of the command line and a field of every form."""

    sigma: float = Field(2.0, gt=0, le=50, description="Width of the blur, in pixels.")


class Template(Planes[TemplateOptions]):
    """Blur, threshold, and label what is connected."""

    name = "template"
    summary = "Labels what is brighter than its surroundings."
    Options = TemplateOptions

    def label(self, pixels: NDArray[Any], models: Models) -> NDArray[Any]:
        """Number the objects of one plane (y, x) from 1; 0 is background."""
        smooth = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), self.options.sigma)
        grey = cv2.normalize(smooth, smooth, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        bright = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
        return np.asarray(cv2.connectedComponents(bright)[1])
