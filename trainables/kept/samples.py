"""Samples of kept generators: the same for the same seed, always.

Latents are drawn on the CPU from a stream of the replica's seed that nothing else uses, in blocks, so that the first n
samples are the same however many are drawn. Labels, where none is chosen, are every class in turn. A cyclegan's latents
are samples of its source, held-out ones or fresh ones of a known mixture, for which its data are loaded; their labels
are those of its samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.batches import in_pieces, latents
from trainables.data import load
from trainables.data.transformations import transformation
from trainables.kept.file import Kept
from trainables.models.model import STREAMS
from trainables.population import generators

BLOCK = 4096  # latents drawn at once


@torch.no_grad()
def draw(
    kept: Kept, seeds: Sequence[int], count: int, labels: Tensor | None = None, weights: str = "average"
) -> tuple[Tensor, Tensor | None]:
    """Samples (seeds, count, *shape) of replicas, and of a conditional generator their labels (seeds, count).

    `labels` (count,) may be chosen. Where the generator normalises over its batch, samples are made in whole batches of
    the training's size. Raises `KeptError` for a seed, and `ValueError` for a label, that is not there; of a cyclegan
    also what `trainables.data.load` raises.
    """
    places, network = [kept.place(seed) for seed in seeds], kept.generator
    mine = [values[places] for values in kept.weights(weights)]
    size = kept.spec.batch_size if network.normalises else BLOCK
    made = -(-count // size) * size if network.normalises else count
    chosen = None if labels is None else labels[torch.arange(made) % max(count, 1)]
    asked = _labels(kept, len(seeds), made, chosen)
    z, asked = _sources(kept, seeds, made) if kept.spec.model == "cyclegan" else (_latents(kept, seeds, made), asked)
    samples = in_pieces(lambda *piece: network(mine, *piece), z, asked, size)
    return samples[:, :count], None if asked is None else asked[:, :count]


def _latents(kept: Kept, seeds: Sequence[int], count: int) -> Tensor:
    streams, shape = generators(seeds, STREAMS.index("kept"), "cpu"), (BLOCK, kept.spec.latent_dim)
    blocks = range(-(-count // BLOCK))
    drawn = [torch.cat([latents(shape, kept.spec.latent, stream) for _ in blocks]) for stream in streams]
    return torch.stack(drawn)[:, :count]


def _sources(kept: Kept, seeds: Sequence[int], count: int) -> tuple[Tensor, Tensor | None]:
    data, streams = load(**kept.spec.data), generators(seeds, STREAMS.index("kept"), "cpu")
    drawn = [data.fresh(BLOCK, streams) for _ in range(-(-count // BLOCK))]
    labels = [of_block for _, of_block in drawn if of_block is not None]
    to_source = transformation("source", kept.spec.source, kept.shape)
    points = to_source(torch.cat([block for block, _ in drawn], 1)[:, :count])
    return points, torch.cat(labels, 1)[:, :count] if labels else None


def _labels(kept: Kept, replicas: int, count: int, chosen: Tensor | None) -> Tensor | None:
    if not kept.classes:
        if chosen is not None:
            raise ValueError(f"label: expected none, as {kept.spec.model} is not told classes, got {int(chosen[0])}")
        return None
    every = torch.arange(count) % kept.classes if chosen is None else chosen
    outside = every[(every < 0) | (every >= kept.classes)]
    if len(outside):
        raise ValueError(f"label: expected one from 0 to {kept.classes - 1}, got {int(outside[0])}")
    return every.expand(replicas, -1)
