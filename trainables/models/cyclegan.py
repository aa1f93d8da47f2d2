"""CycleGAN as a `Model`: a generator of the data whose latents are samples of another domain, and its way back.

The source is a transformation T of the data (`trainables.data.transformations`), so that of each source sample T(b) the
right translation is known: b. Training sees no pairs: it draws both domains' samples apart. Evaluations translate
held-out samples, or fresh ones of a known mixture, whose labels count as requested: `label_fidelity` is the share of
translations that are of their partner's mode or class. What F makes is measured with T undone, against the same data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import torch
from torch import Tensor

from trainables.batches import Batch
from trainables.data import DataSet, floats
from trainables.data.transformations import transformation
from trainables.models.cycle_game import CycleGame, difference
from trainables.models.gan import GAN
from trainables.models.model import ModelContext, Pieces
from trainables.models.players import Players
from trainables.networks import TwoNetworks
from trainables.spec import Spec


class CycleGAN(GAN):
    """A population of pairs of GANs; the critic's measurements are those of the data's critic."""

    measured = (*GAN.measured, "cycle_error", "partner_error")
    players: CycleGame

    def __init__(self, context: ModelContext) -> None:
        super().__init__(context)
        again = self.players.terms[len(self.players.terms) // 2 :]  # of the second game, which has batches of its own
        self.draws -= sum(term.columns.stop - term.columns.start for term in again)
        self.batches, self.latent_dim, self.data = 2 * self.batches, 0, context.data

    def play(self, context: ModelContext) -> CycleGame:
        single = super().play(context)
        shared = {field.name: getattr(single, field.name) for field in fields(Players)}
        return CycleGame(
            **{**shared, "terms": [*single.terms, *(term.apart() for term in single.terms)]},
            transformation=transformation("source", context.spec.source, context.data.shape),
            cycle=_weight(context, lambda s: s.cycle_weight),
            identity=_weight(context, lambda s: s.identity_weight),
        )

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:
        return super().step(self.players.paired(batches), alive)

    def inputs(
        self, count: int, streams: Sequence[torch.Generator], labels: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Samples of the source (R, count, *shape) and their labels (R, count), if they have any."""
        b, labels = self.data.fresh(count, streams)
        return self.players.transformation(b), labels

    def latents(self, count: int, streams: Sequence[torch.Generator]) -> Tensor:
        """Samples of the source (R, count, *shape)."""
        return self.inputs(count, streams, None)[0]

    def generate(self, weights: Sequence[Tensor], latents: Tensor, labels: Tensor | None) -> Tensor:  # noqa: ARG002
        """G(a) (R, B, *shape) of samples a of the source, by the weights of both generators."""
        return self.stacks[0].network(weights, latents)

    def back(self, weights: Sequence[Tensor], samples: Tensor) -> Tensor:
        """F(b) (R, B, *shape) of samples b of the data, by the weights of both generators."""
        both = self.stacks[0].network
        assert isinstance(both, TwoNetworks)
        return both.back(both.apart(weights)[1], samples)

    def reverse(
        self, weights: Sequence[Tensor], count: int, streams: Sequence[torch.Generator], pieces: Pieces
    ) -> tuple[Tensor, Tensor | None]:
        """F(b) with T undone (R, count, *shape) of fresh samples b of the data, and their labels."""
        b, labels = self.data.fresh(count, streams)
        made = pieces(lambda x, _: self.back(weights, x), b, None)
        return self.players.transformation.undone(made), labels

    def measure(
        self, weights: Sequence[Tensor], samples: Tensor, labels: Tensor | None, data: DataSet, pieces: Pieces
    ) -> dict[str, Tensor]:
        """The critic's columns, and of held-out pairs a = T(b), both ways: `cycle_error`, the mean of |F(G(a)) - a| and
        |G(F(b)) - b|, and `partner_error`, that of |G(a) - b| and |F(b) - a|."""

        def there(x: Tensor) -> Tensor:
            return pieces(lambda some, _: self.generate(weights, some, None), x, None)

        def back(x: Tensor) -> Tensor:
            return pieces(lambda some, _: self.back(weights, some), x, None)

        count = min(samples.shape[1], len(data.heldout))
        b = floats(data.heldout[:count]).expand(len(samples), count, *data.shape)
        a = self.players.transformation(b)
        to_b, to_a = there(a), back(b)
        return {
            **super().measure(weights, samples, labels, data, pieces),
            "cycle_error": (difference(back(to_b), a) + difference(there(to_a), b)) / 2,
            "partner_error": (difference(to_b, b) + difference(to_a, a)) / 2,
        }

    def spectra(self, batch: Batch, alive: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        """None: the batch of a single game is not one of this."""
        return {}


def _weight(context: ModelContext, read: Callable[[Spec], float]) -> Tensor | None:
    """A weight of each replica (R,); None where it is 0 in all."""
    vector = context.vector(read)
    return vector if bool(vector.any()) else None
