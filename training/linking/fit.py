"""Fitting a network to features and whether they are of a true link."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from cytomill.tracks.linking.network import Network

#: Rows of one step of the optimiser, and its greatest rate.
_BATCH, _RATE = 4096, 6e-3


def fit(
    features: NDArray[np.float32],
    truth: NDArray[np.bool_],
    hidden: tuple[int, ...],
    *,
    passes: int,
    decay: float,
    seed: int,
) -> Network:
    """The network of these ``hidden`` layers that tells true rows of ``features`` from others."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rows, wanted = torch.tensor(features), torch.tensor(truth, dtype=torch.float32)
    mean, spread = rows.mean(0), rows.std(0) + 1e-3
    rows = (rows - mean) / spread
    sizes = [rows.shape[1], *hidden, 1]
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    steps = max(1, passes * len(rows) // _BATCH)
    parameters = [value for layer in layers for value in layer.parameters()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps + 1)
    loss = torch.nn.BCEWithLogitsLoss()
    for _ in range(steps):
        some = torch.randint(0, len(rows), (_BATCH,))
        values = rows[some]
        for layer in layers[:-1]:
            values = torch.tanh(layer(values))
        optimiser.zero_grad()
        loss(layers[-1](values)[:, 0], wanted[some]).backward()
        optimiser.step()
        schedule.step()
    weights = tuple(
        (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy())
        for layer in layers
    )
    return Network(mean.numpy(), spread.numpy(), weights)


def told(network: Network, features: NDArray[np.float32], truth: NDArray[np.bool_]) -> str:
    """How well a network does, in words."""
    odds = network.odds(features)
    loss = float(np.mean(np.logaddexp(0, odds) - truth * odds))
    right = int(((odds > 0) & truth).sum())
    precision, recall = right / max(1, int((odds > 0).sum())), right / max(1, int(truth.sum()))
    return f"loss {loss:.4f}, precision {precision:.4f}, recall {recall:.4f}, {len(truth)} rows"
