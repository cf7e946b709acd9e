"""The network behind the built-in ``nuclei`` model.

A U-shaped network made for CPUs: the image is folded 2x2 into channels before the first
convolution and unfolded after the last, so that no convolution runs at full resolution; skips are
added, not concatenated, which halves the decoder. Every width is a multiple of 16, the lane count
of a 512-bit register.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels at 1/2, 1/4, 1/8 and 1/16 of the image's resolution.
WIDTHS = (16, 48, 96, 192)

#: Height and width of an input must be multiples of this (pixels).
STRIDE = 16

#: Names of the output maps, in channel order; each lies in 0..1.
OUTPUTS = ("foreground", "distance", "centre")


class Conv(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class NucleiNet(nn.Module):
    """One grey plane in, three maps out.

    Input: float32, (batch, 1, y, x), y and x multiples of `STRIDE`. Output: float32 logits,
    (batch, 3, y, x), in the order of `OUTPUTS`; `forward` with ``probabilities=True`` applies the
    sigmoid.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.fold = nn.PixelUnshuffle(2)
        self.encoder = nn.ModuleList()
        inputs = 4
        for width in widths:
            self.encoder.append(nn.Sequential(Conv(inputs, width), Conv(width, width)))
            inputs = width
        self.bottom = Conv(widths[-1], widths[-1])
        self.lateral = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for width in widths[-2::-1]:
            self.lateral.append(Conv(inputs, width, size=1))
            self.decoder.append(Conv(width, width))
            inputs = width
        self.head = nn.Conv2d(inputs, 4 * len(OUTPUTS), 1)
        self.unfold = nn.PixelShuffle(2)

    def forward(self, x: Tensor, probabilities: bool = False) -> Tensor:
        x = self.fold(x)
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            if level:
                x = functional.max_pool2d(x, 2)
            x = block(x)
            skips.append(x)
        x = x + self.bottom(x)
        for lateral, block, skip in zip(self.lateral, self.decoder, skips[-2::-1], strict=True):
            x = functional.interpolate(lateral(x), scale_factor=2.0, mode="nearest") + skip
            x = block(x)
        maps: Tensor = self.unfold(self.head(x))
        return torch.sigmoid(maps) if probabilities else maps
