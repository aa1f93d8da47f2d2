"""The two players of an adversarial game, and the loss that each descends.

    critic:     -[mean f(d(x)) + mean g(d(G(z)))] + weight * penalty
    generator:   mean l(d(G(z)))

with real samples x, latents z, the generator G, the critic's output d (after the objective's link), and the objective's
functions f, g and l (`trainables.objectives.table`); relativistic pairings compare outputs first, and their penalties
are on the network's output itself (`trainables.objectives.pairing`). All losses are vectors (R,); replica i's loss
depends on replica i's weights and batch alone, so the gradient of their sum is the stack of their gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import torch
from torch import Tensor

from trainables import native, precision
from trainables.augmentations import augmented, numbers_of
from trainables.batches import Batch
from trainables.objectives import Game
from trainables.objectives.pairing import critic_value, generator_loss
from trainables.output_penalties import from_anchors, inconsistency
from trainables.penalties import Term, at_generated, at_real, gradient_penalty, spectral_divide
from trainables.population import StackedParameters

Weights = Sequence[Tensor]
Judged = tuple[Tensor, Tensor, Tensor | None]  # packed samples, the critic's outputs on them, and their labels


@dataclass
class Players:
    """Two stacks of networks and the game they play.

    `terms` are the penalties in the critic's loss, `consensus` (R,) the weight of consensus or None, `clip`
    (R, 1) the bound on weights or None, `spectral` the power iteration's vectors (empty without spectral
    normalisation), `updates` () how many updates the critic has had, which lazy penalties count by, `separate` keeps
    real and generated samples in batches of their own because the critic normalises over the batch. `noise` (R,) is
    the present standard deviation of instance noise (Sonderby 2017), `smoothing` (R,) how much of a real sample counts
    as fake (one-sided label smoothing, Salimans 2016); None: off. The critic judges `packing` samples at once (PacGAN,
    Lin 2018). `pairing` is a name of `trainables.objectives.pairing.PAIRINGS`. The generator answers the critic after
    `unroll` further updates (`trainables.models.unrolled`). All that the critic sees is changed by `augmentations`,
    names of `trainables.augmentations.AUGMENTATIONS`.
    """

    game: Game
    generator: StackedParameters
    critic: StackedParameters
    terms: Sequence[Term] = ()
    consensus: Tensor | None = None
    clip: Tensor | None = None
    spectral: Sequence[Tensor] = ()
    updates: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int64))
    separate: bool = False
    noise: Tensor | None = None
    smoothing: Tensor | None = None
    packing: int = 1
    pairing: str = "independent"
    unroll: int = 0
    augmentations: Sequence[str] = ()

    @cached_property
    def dense(self) -> native.DenseGame | None:
        """The game as the kernels know it; None for pairings, labels, noise, smoothing, augmentation, spectral
        normalisation, nets that are not dense, losses of unknown operations, several penalties, and others than on
        slopes at samples."""
        generator, critic = self.generator.network, self.critic.network
        changed = self.spectral or self.noise is not None or self.smoothing is not None or self.augmentations
        compared = critic.classes or self.pairing != "independent"
        if generator.dense is None or critic.dense is None or changed or compared:
            return None
        real, fake, loss = map(self._formula, (self.game.f, self.game.g, self.game.loss))
        row = self.terms[0].row if self.terms else None
        points, cost = (row.points, native.formula(row.cost)) if row and row.cost else (None, None)
        unknown = row and (points not in (at_real, at_generated) or not self.game.linear or cost is None)
        if real is None or fake is None or loss is None or unknown or len(self.terms) > 1 or self.consensus is not None:
            return None
        return native.DenseGame(
            generator.dense, critic.dense, real, fake, loss, cost, self.packing, points is at_generated
        )

    @property
    def _plain(self) -> bool:
        """Whether a score is the network's output itself."""
        return self.game.linear or self.pairing != "independent"

    def _formula(self, part: Callable[[Tensor], Tensor]) -> native.Formula | None:
        return native.formula(lambda output: part(self.game.link(output)))

    @property
    def charge(self) -> Tensor:
        """The present weight (R,) of the only gradient penalty, as `dense` takes it; 0 where there is none."""
        return self.terms[0].present(self.updates) if self.terms else self._nothing

    @cached_property
    def _nothing(self) -> Tensor:
        flat = self.critic.flat
        return flat.new_zeros(len(flat))

    def generate(self, weights: Weights, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Samples (R, B, *shape) from latents (R, B, L)."""
        return self.generator.network(weights, latents, labels)

    def critic_weights(self, weights: Weights, iterate: bool = False) -> Weights:
        """The critic's weights as its layers use them: divided by their norms under spectral normalisation."""
        if not self.spectral:
            return weights
        ready = list(weights)
        for index, vector in zip(self.critic.network.matrices, self.spectral, strict=False):
            ready[index] = spectral_divide(ready[index], vector, iterate)
        return ready

    def packed(self, samples: Tensor) -> Tensor:
        """Samples (R, B, c, ...) packed in groups of m along the channels: (R, B/m, m c, ...)."""
        if self.packing == 1:
            return samples
        packs: Tensor = samples.unflatten(1, (-1, self.packing))
        return packs.flatten(2, 3)

    def score(self, weights: Weights, packs: Tensor, labels: Tensor | None) -> Tensor:
        """The critic's output (R, B/m) for packed samples: d, after the link; before it where outputs are compared."""
        output = self.critic.network(weights, packs, labels)
        return self.game.link(output) if self.pairing == "independent" else output

    def value(self, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """What the critic maximises, penalties aside, (R,), for its scores (R, n) of real and of generated samples."""
        return critic_value(self.game, self.pairing, on_real, on_fake)

    def critic_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        """The critic's loss (R,), penalty included, for given weights of both players."""
        value, on_gradients = self.critic_losses(batch, generator, critic)
        return value if on_gradients is None else value + on_gradients

    def critic_losses(self, batch: Batch, generator: Weights, critic: Weights) -> tuple[Tensor, Tensor | None]:
        """The critic's loss (R,) in two parts: penalties on gradients, None without any, which are in float32 whatever
        the precision (`trainables.precision`), come second."""
        fake = self._seen(self.generate(generator, batch.latents, batch.requested), batch, last=True)
        real = self._seen(batch.real, batch)
        weights = self.critic_weights(critic, iterate=True)
        if self.separate:
            on_real = self.score(weights, real, batch.labels)
            on_fake = self.score(weights, fake, batch.requested)
        else:
            on_real, on_fake = self.score(weights, torch.cat([real, fake], 1), batch.both_labels).chunk(2, 1)
        loss = -critic_value(self.game, self.pairing, on_real, on_fake, self.smoothing)
        judged = {"real": (real, on_real, batch.labels), "generated": (fake, on_fake, batch.requested)}
        on_gradients: Tensor | None = None
        for term in self.terms:
            charge = term.present(self.updates) * self._charged(term, weights, judged, batch)
            if term.row.points is None:
                loss = loss + charge
            else:
                on_gradients = charge if on_gradients is None else on_gradients + charge
        return loss, on_gradients

    def _charged(self, term: Term, weights: Weights, judged: Mapping[str, Judged], batch: Batch) -> Tensor:
        """The unweighted penalty (R,) of a term at both sets of packed samples."""
        (real, on_real, labels), (fake, on_fake, requested) = judged["real"], judged["generated"]
        uniform = batch.uniform[:, : real.shape[1], term.columns]
        if term.row.anchored:
            return from_anchors(term, on_real, on_fake)
        if term.row.consistent:
            spread, changes = real.flatten(1).std(1), []
            for name, numbers in zip(term.row.consistent, uniform.chunk(len(term.row.consistent), 2), strict=True):
                samples, outputs, told = judged[name]
                critic = partial(self.score, weights, labels=told)
                changes.append(inconsistency(term, critic, samples, outputs, numbers, spread))
            return torch.stack(changes).sum(0)
        labels = requested if term.row.generated else labels
        with precision.exact():
            return gradient_penalty(
                term.row,
                lambda x: self.score(weights, x, labels),
                real,
                fake,
                uniform,
                lambda x: self.critic.network.input_gradient(weights, x, labels) if self._plain else None,
            )

    def generator_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        """The generator's loss (R,), for given weights of both players."""
        return self.loss_of(self.generate(generator, batch.latents, batch.requested), batch, critic)

    def loss_of(self, made: Tensor, batch: Batch, critic: Weights) -> Tensor:
        """The generator's loss (R,) for the samples (R, B, *shape) that it made of a batch."""
        fake, weights = self._seen(made, batch), self.critic_weights(critic)
        if self.pairing == "independent":
            return self.game.loss(self.score(weights, fake, batch.requested)).mean(1)
        real = self._seen(batch.real, batch, last=True)
        on_real = self.score(weights, real, batch.labels)
        return generator_loss(self.game, self.pairing, on_real, self.score(weights, fake, batch.requested))

    def _seen(self, samples: Tensor, batch: Batch, last: bool = False) -> Tensor:
        """Samples as the critic receives them: augmented, with instance noise, and packed."""
        if self.augmentations:
            count = numbers_of(self.augmentations)
            # The last numbers of the batch, as of the noise below.
            uniform = batch.uniform[..., -count:] if last else batch.uniform[..., -2 * count : -count]
            samples = augmented(samples, uniform, self.augmentations)
        if self.noise is not None:
            size = samples[0, 0].numel()
            # The batch holds noise for two sets of samples: real samples take the first half, the fake ones that the
            # critic learns from the last, so that the two are independent.
            normal = batch.normal[..., -size:] if last else batch.normal[..., :size]
            level = self.noise.view(-1, *([1] * (samples.dim() - 1)))
            samples = samples + level * normal.reshape(samples.shape)
        return self.packed(samples)
