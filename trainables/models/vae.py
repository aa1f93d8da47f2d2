"""A variational autoencoder (Kingma & Welling 2014): the explicit-density contrast to adversarial training.

    loss = dim/2 log(mean |x - G(z)|^2 / dim) + KL(N(mu(x), sigma(x)^2) || N(0, I)),    z = mu(x) + sigma(x) eps

which is minus the evidence bound up to a constant, with the Gaussian likelihood's variance at its optimum for the batch
(Rybkin et al. 2021), so that there is no weight to choose. The encoder has the critic's architecture.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from trainables import networks
from trainables.batches import Batch
from trainables.models.model import Model, ModelContext
from trainables.models.updates import descend
from trainables.population import StackedParameters


class VAE(Model):
    """A population of decoders, which are the generators, each with its encoder; both learn at `generator_lr`."""

    def __init__(self, context: ModelContext) -> None:
        spec, data = context.spec, context.data
        decoder = networks.generator(spec.generator, spec.latent_dim, data.shape)
        encoder = networks.critic(spec.critic, data.shape, outputs=2 * spec.latent_dim)
        stacks = [
            StackedParameters.drawn(decoder, context.streams("generator")),
            StackedParameters.drawn(encoder, context.streams("critic")),
        ]
        rate = context.present("generator_lr")
        super().__init__(context, stacks, [rate, rate])

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:
        (batch,) = batches
        decoder, encoder = self.stacks
        mean, log_variance = encoder.network(encoder.views, batch.real).chunk(2, 2)
        latents = mean + (log_variance / 2).exp() * batch.latents
        loss = negative_bound(batch.real, self.generate(decoder.views, latents, None), mean, log_variance)
        norm, _ = descend(self.stacks, self.optimizers, loss, alive, self.spec.bound)
        return {"loss_generator": loss.detach(), "gradient_norm_generator": norm}


def negative_bound(real: Tensor, made: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Minus the evidence bound (R,) of samples (R, B, *shape) with latents N(mean, exp(log_variance)) (R, B, L)."""
    squared = (real - made).flatten(2).square()
    misfit = squared.shape[2] / 2 * squared.mean((1, 2)).log()
    divergence = (log_variance.exp() + mean.square() - 1 - log_variance).sum(2).mean(1) / 2
    return misfit + divergence
