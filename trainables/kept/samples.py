"""Samples of kept generators: the same for the same seed, always.

Latents are drawn on the CPU from a stream of the replica's seed that nothing else uses, in blocks, so that the first n
samples are the same however many are drawn. Labels, where none is chosen, are every class in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.batches import latents
from trainables.kept.file import Kept
from trainables.models.model import STREAMS
from trainables.population import generators

BLOCK = 4096  # latents drawn at once


@torch.no_grad()
def draw(
    kept: Kept, seeds: Sequence[int], count: int, label: int | None = None, weights: str = "average"
) -> tuple[Tensor, Tensor | None]:
    """Samples (seeds, count, *shape) of replicas, and of a conditional generator their labels (seeds, count).

    `label` is the class of all of them. Where the generator normalises over its batch, samples are made in batches of
    the training's size. Raises `KeptError` for a seed, and `ValueError` for a label, that is not there.
    """
    if label is not None and not 0 <= label < kept.classes:
        expected = f"expected one from 0 to {kept.classes - 1}" if kept.classes else "expected none without classes"
        raise ValueError(f"label: {expected}, got {label}")
    places, network = [kept.place(seed) for seed in seeds], kept.generator
    mine = [values[places] for values in kept.weights(weights)]
    size = kept.spec.batch_size if network.normalises else BLOCK
    z, labels = _latents(kept, seeds, count), _labels(kept, len(seeds), count, label)
    asked = [None] * -(-count // size) if labels is None else labels.split(size, 1)
    return torch.cat([network(mine, *both) for both in zip(z.split(size, 1), asked, strict=True)], 1), labels


def _latents(kept: Kept, seeds: Sequence[int], count: int) -> Tensor:
    streams, shape = generators(seeds, STREAMS.index("kept"), "cpu"), (BLOCK, kept.spec.latent_dim)
    blocks = range(-(-count // BLOCK))
    drawn = [torch.cat([latents(shape, kept.spec.latent, stream) for _ in blocks]) for stream in streams]
    return torch.stack(drawn)[:, :count]


def _labels(kept: Kept, replicas: int, count: int, label: int | None) -> Tensor | None:
    if not kept.classes:
        return None
    every = torch.arange(count) % kept.classes if label is None else torch.full((count,), label)
    return every.expand(replicas, -1)
