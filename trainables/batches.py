"""Training batches for all replicas: real samples, latents, labels, and the random numbers of penalties and noise.

Each replica draws everything from one generator of its own, in blocks of steps whose length depends on the
configuration alone. So a replica's batches do not depend on which others it trains with, and drawing costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor

from trainables.data import DataSet, floats

BLOCK = 2**18  # numbers a replica draws at once, at most
CHUNK = 4096  # samples of a replica that networks see at once outside of training, at most


@dataclass
class Batch:
    """The input of one network update: `indices` (R, B) of real samples, `latents` (R, B, L), the labels `requested` of
    generated samples (R, B; None for unconditional models), `uniform` numbers (R, B, draws), `normal` ones (R, B,
    noise), and the fraction of training completed, `progress`, float64 on the batch's device."""

    data: DataSet
    indices: Tensor
    latents: Tensor
    requested: Tensor | None
    uniform: Tensor
    normal: Tensor
    progress: Tensor

    @cached_property
    def real(self) -> Tensor:
        """Real samples (R, B, *shape); gathered when first asked for, as a generator's update needs none."""
        rows = self.data.train.index_select(0, self.indices.flatten())
        return floats(rows).view(*self.indices.shape, *self.data.shape)

    @property
    def labels(self) -> Tensor | None:
        """The real samples' labels (R, B), for conditional models."""
        return None if self.requested is None or self.data.labels is None else self.data.labels[self.indices]

    @property
    def both_labels(self) -> Tensor | None:
        """The labels of the real and then of the generated samples (R, 2B)."""
        labels = self.labels
        return None if labels is None or self.requested is None else torch.cat([labels, self.requested], 1)


@dataclass(frozen=True)
class BatchShape:
    """The random numbers of one replica in one step: `updates` batches of `batch` samples, and for each sample a
    latent, `draws` uniform and `noise` normal numbers."""

    updates: int
    batch: int
    latent_dim: int
    latent: str
    draws: int
    noise: int = 0

    @property
    def block(self) -> int:
        """Steps drawn at once."""
        return max(1, BLOCK // (max(1, self.updates) * self.batch * (self.latent_dim + self.draws + self.noise + 2)))


def latents(shape: Sequence[int], kind: str, generator: torch.Generator) -> Tensor:
    """Latents of a `normal` N(0, I) or a `uniform` U[-1, 1] prior."""
    if kind == "normal":
        return torch.randn(*shape, generator=generator, device=generator.device)
    return torch.rand(*shape, generator=generator, device=generator.device) * 2 - 1


def in_pieces(
    function: Callable[[Tensor, Tensor | None], Tensor],
    x: Tensor,
    labels: Tensor | None,
    size: int,
    whole: bool = False,
) -> Tensor:
    """Apply a function of samples and labels to pieces of the second axis, `size` at a time, and join its results.

    `whole` is for networks that normalise over a batch: the last piece then takes rows of the one before it to be as
    large as the others, whose results do not count twice. Fewer than `size` rows in all are one piece.
    """
    made = []
    for start in range(0, max(1, x.shape[1]), size):
        first = max(0, min(start, x.shape[1] - size)) if whole else start
        piece = slice(first, first + size)
        done = function(x[:, piece], None if labels is None else labels[:, piece])
        made.append(done[:, start - first :])
    return torch.cat(made, 1)


@dataclass(frozen=True)
class Block:
    """The random numbers of S steps, drawn at once, of `updates` batches each.

    `numbers` are a batch's indices, its requested labels as indices of samples that have them (none where it has no
    labels), latents, uniform and normal numbers: each (S * updates, R, B, ...), so that those of an update lie
    together. `progress` is (S,).
    """

    data: DataSet
    updates: int
    numbers: tuple[Tensor, ...]
    progress: Tensor

    def __len__(self) -> int:
        return len(self.progress)

    def __getitem__(self, steps: slice) -> Block:
        """Some steps one after the other, as views."""
        first, last, _ = steps.indices(len(self))
        rows = slice(first * self.updates, last * self.updates)
        return Block(self.data, self.updates, tuple(x[rows] for x in self.numbers), self.progress[first:last])

    def copy_(self, other: Block) -> None:
        """Take over the numbers of as many steps."""
        for mine, theirs in zip((*self.numbers, self.progress), (*other.numbers, other.progress), strict=True):
            mine.copy_(theirs)

    def clone(self) -> Block:
        """A copy with memory of its own."""
        return Block(self.data, self.updates, tuple(x.clone() for x in self.numbers), self.progress.clone())

    def steps(self) -> Iterator[list[Batch]]:
        """For each step a list with one batch per network update."""
        updates = zip(*(numbers.unbind() for numbers in self.numbers), strict=True)
        for progress in self.progress.unbind():
            yield [
                Batch(self.data, indices, z, self._labels(requested), uniform, normal, progress)
                for indices, requested, z, uniform, normal in islice(updates, self.updates)
            ]

    def _labels(self, requested: Tensor) -> Tensor | None:
        return self.data.labels[requested] if self.data.labels is not None and requested.numel() else None


class BatchSampler:
    """Batches for R replicas from R generators. `conditional` asks for labels."""

    def __init__(
        self, data: DataSet, batch_shape: BatchShape, generators: Sequence[torch.Generator], conditional: bool
    ) -> None:
        self.data, self.batch_shape, self.generators = data, batch_shape, list(generators)
        self.conditional = conditional

    def block(self, steps: int, first: int = 0, of: int = 1) -> Block:
        """The numbers of the next `steps` steps.

        `first` is the number of the first of these steps and `of` that of all steps; they give `Batch.progress`.
        """
        drawn = [self._drawn(steps, generator) for generator in self.generators]
        numbers = tuple(torch.stack(pieces, 2).flatten(0, 1) for pieces in zip(*drawn, strict=True))
        count = torch.arange(first, first + steps, dtype=torch.float64, device=self.data.train.device)
        return Block(self.data, self.batch_shape.updates, numbers, count / of)

    def draw(self, steps: int, first: int = 0, of: int = 1) -> Iterator[list[Batch]]:
        """The batches of the next `steps` steps, as `block` and `Block.steps` have them."""
        return self.block(steps, first, of).steps()

    def _drawn(self, steps: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        batch_shape = self.batch_shape
        shape = (steps, batch_shape.updates, batch_shape.batch)
        count = self.data.train.shape[0]

        def pick() -> Tensor:
            return torch.randint(count, shape, generator=generator, device=generator.device)

        indices = pick()
        requested = pick() if self.conditional else indices[..., :0]
        noise = latents((*shape, batch_shape.latent_dim), batch_shape.latent, generator)
        uniform = torch.rand(*shape, batch_shape.draws, generator=generator, device=generator.device)
        normal = torch.randn(*shape, batch_shape.noise, generator=generator, device=generator.device)
        return indices, requested, noise, uniform, normal
