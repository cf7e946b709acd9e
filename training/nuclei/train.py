"""Fit `NucleiNet`: resumable, on a CPU or a GPU.

The learning rate follows the share of the budget that is spent (steps or minutes, whichever is
nearer its end), so a run on any machine ends annealed.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from .augment import crop
from .data import Example
from .network import NucleiNet

#: Learning rate at its peak, and the share of the budget spent warming up to it.
PEAK_RATE, WARM_UP = 3e-3, 0.03

#: Decay of the exponential moving average of the weights, per step: what is exported.
AVERAGE_DECAY = 0.999

#: Seconds between checkpoints.
CHECKPOINT_EVERY = 120


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: until ``steps`` steps or ``minutes`` minutes are spent."""

    steps: int = 200_000
    minutes: float = 90.0
    batch: int = 8
    size: int = 192


class _Crops(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless random crops; real images are drawn by the square root of their area."""

    def __init__(self, examples: list[Example], size: int, seed: int) -> None:
        self._examples, self._size, self._seed = examples, size, seed
        is_synthetic = np.array([e.name.startswith("synthetic-") for e in examples])
        weight = np.array([math.sqrt(e.image.size) for e in examples])
        weight[is_synthetic] *= (
            0.2 * weight[~is_synthetic].sum() / max(weight[is_synthetic].sum(), 1)
        )
        self._chance = weight / weight.sum()

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        info = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self._seed, info.id if info else 0])
        while True:
            item = self._examples[rng.choice(len(self._examples), p=self._chance)]
            image, target = crop(item, self._size, rng)
            yield torch.from_numpy(image[None]), torch.from_numpy(target)


def loss_of(logits: Tensor, target: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy and overlap for the foreground, weighted cross-entropy for the other maps."""
    foreground, distance, centre, contact, weight = target.unbind(1)
    weight = weight * (1 + 3 * contact)
    cross = functional.binary_cross_entropy_with_logits(logits[:, 0], foreground, reduction="none")
    cross = (cross * weight).sum() / weight.sum()
    p = torch.sigmoid(logits)
    overlap = 2 * (p[:, 0] * foreground).sum((1, 2)) + 1
    dice = 1 - (overlap / (p[:, 0].sum((1, 2)) + foreground.sum((1, 2)) + 1)).mean()
    # Cross-entropy against a soft target: its gradient does not vanish as a squared error's does.
    maps = functional.binary_cross_entropy_with_logits(
        logits[:, 1:], torch.stack([distance, centre], 1), reduction="none"
    )
    maps = (maps * weight[:, None]).sum((0, 2, 3)) / weight.sum()
    total = cross + 0.3 * dice + maps[0] + 1.5 * maps[1]
    parts = {"foreground": cross, "dice": dice, "distance": maps[0], "centre": maps[1]}
    return total, {name: float(value.detach()) for name, value in parts.items()}


def rate(progress: float) -> float:
    """Learning rate after a share ``progress`` of the budget: warm-up, then half a cosine."""
    if progress < WARM_UP:
        return PEAK_RATE * (progress + 1e-3) / WARM_UP
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * min((progress - WARM_UP) / (1 - WARM_UP), 1)))


def fit(
    examples: list[Example], out: Path, budget: Budget, device: str, seed: int, workers: int = 1
) -> NucleiNet:
    """Train, or carry on where ``out/checkpoint.pt`` left off; returns the averaged network."""
    torch.manual_seed(seed)
    model = NucleiNet().to(device, memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        model,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE_DECAY),
        use_buffers=True,
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.01)
    step, spent = 0, 0.0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]

    def save() -> None:
        torch.save(
            {
                "model": model.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step,
                "spent": spent,
            },
            out / "checkpoint.tmp",
        )
        (out / "checkpoint.tmp").replace(checkpoint)

    loader = DataLoader(
        _Crops(examples, budget.size, seed + step),
        budget.batch,
        num_workers=workers,
        prefetch_factor=16 if workers else None,
    )
    batches = iter(loader)
    curve = (out / "loss.csv").open("a", newline="")
    log = csv.writer(curve)
    begun = saved = time.monotonic()
    before = spent
    running: dict[str, float] = {}
    while (progress := max(step / budget.steps, spent / (60 * budget.minutes))) < 1:
        for group in optimiser.param_groups:
            group["lr"] = rate(progress)
        image, target = next(batches)
        image = image.to(device, memory_format=torch.channels_last, non_blocking=True)
        target = target.to(device, non_blocking=True)
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            logits = model(image)
        total, parts = loss_of(logits.float(), target)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average.update_parameters(model)
        step += 1
        spent = before + time.monotonic() - begun
        for name, value in {"total": float(total.detach()), **parts}.items():
            running[name] = 0.99 * running.get(name, value) + 0.01 * value
        if step % 200 == 0:
            log.writerow(
                [
                    step,
                    round(spent),
                    *(
                        f"{running[k]:.5f}"
                        for k in ("total", "foreground", "dice", "distance", "centre")
                    ),
                ]
            )
            curve.flush()
        if time.monotonic() - saved > CHECKPOINT_EVERY:
            save()
            saved = time.monotonic()
    save()
    curve.close()
    module: NucleiNet = average.module
    return module.eval()
