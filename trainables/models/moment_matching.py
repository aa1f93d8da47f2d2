"""Generative moment matching: a generator trained by maximum mean discrepancy alone, without a critic.

    MMD^2(p, q) = E k(x, x') + E k(y, y') - 2 E k(x, y),    k(x, y) = sum_s exp(-|x - y|^2 / (2 (s m)^2))

The kernel is a sum of Gaussians (Gretton 2012; Li, Swersky & Zemel 2015) whose bandwidths are multiples s of m, the
median distance of two training samples; the estimate is the unbiased one, so it may be negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables import networks
from trainables.batches import Batch
from trainables.data import floats
from trainables.models.model import Model, ModelContext
from trainables.models.updates import descend
from trainables.population import StackedParameters

MULTIPLES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
SUBSAMPLE = 1000  # training samples that the median distance is taken over


class MomentMatching(Model):
    """A population of generators that match kernel moments of the data."""

    def __init__(self, context: ModelContext) -> None:
        spec, data = context.spec, context.data
        network = networks.generator(spec.generator, spec.latent_dim, data.shape)
        generator = StackedParameters.drawn(network, context.streams("generator"))
        super().__init__(context, [generator], [context.present("generator_lr")])
        some = floats(data.train[:SUBSAMPLE]).flatten(1)
        self.bandwidths = torch.pdist(some).median() * torch.tensor(MULTIPLES, device=context.device)

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:
        """Descend the discrepancy between one batch of real and one of generated samples."""
        (batch,) = batches
        fake = self.generate(self.stacks[0].views, batch.latents, None)
        loss = discrepancy(batch.real.flatten(2), fake.flatten(2), self.bandwidths)
        (norm,) = descend(self.stacks, self.optimizers, loss, alive, self.spec.bound)
        return {"loss_generator": loss.detach(), "gradient_norm_generator": norm}


def discrepancy(x: Tensor, y: Tensor, bandwidths: Tensor) -> Tensor:
    """Unbiased MMD^2 (R,) of samples x (R, n, d) and y (R, m, d) under a sum of Gaussian kernels."""

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        # Squared distances by the binomial formula, whose gradient is finite where two points coincide.
        squared = a.square().sum(2, keepdim=True) + b.square().sum(2)[:, None] - 2 * a @ b.mT
        return torch.stack([torch.exp(-squared / (2 * s * s)) for s in bandwidths]).sum(0)

    def within(a: Tensor) -> Tensor:
        count = a.shape[1]
        gram = kernel(a, a)
        return (gram.sum((1, 2)) - gram.diagonal(dim1=1, dim2=2).sum(1)) / (count * (count - 1))

    return within(x) + within(y) - 2 * kernel(x, y).mean((1, 2))
