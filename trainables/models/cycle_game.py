"""The game of a cyclegan (Zhu, Park, Isola & Efros 2017): two games at once, and what ties their generators together.

    critics:     the critic's loss of D_B on b and G(a) + that of D_A on a and F(b)
    generators:  the generator's loss of G against D_B + that of F against D_A
                 + cycle_weight [mean |F(G(a)) - a| + mean |G(F(b)) - b|]
                 + identity_weight [mean |G(b) - b| + mean |F(a) - a|]

with samples a of the source A = T(B) and b of the data B that are drawn apart, generators G: A -> B and F: B -> A, and
critics D_B and D_A. Means are over samples and coordinates, as in the authors' code, whose weights are 10 and 5. One
player moves both critics, the other both generators, so that orders of updates, penalties and pairings are those of a
single game.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from trainables.batches import Batch
from trainables.data.transformations import Transformation
from trainables.models.players import Players, Weights
from trainables.networks import TwoNetworks
from trainables.population import StackedParameters


@dataclass
class TwoWayBatch(Batch):
    """A batch of G's game: its latents are samples a (R, B, *shape), its real samples b; `back` is one of F's, in which
    they change places."""

    back: Batch


@dataclass(kw_only=True)
class CycleGame(Players):
    """Players of two games: `generator` is a stack of both generators, `critic` one of both critics, `terms` and
    `spectral` are first those of D_B, then as many of D_A. `transformation` is T, `cycle` and `identity` (R,) are the
    weights, None: off. A score is D_B's."""

    transformation: Transformation
    cycle: Tensor | None
    identity: Tensor | None

    def paired(self, batches: Sequence[Batch]) -> list[TwoWayBatch]:
        """Of each two batches one of both games: the first brings samples of the data, the second of the source."""
        made = []
        for data, source in zip(batches[::2], batches[1::2], strict=True):
            a, b = self.transformation(source.real), data.real
            back = Batch(**{**_fields(source), "latents": b})
            there = TwoWayBatch(**{**_fields(data), "latents": a, "back": back})
            there.real, back.real = b, a
            made.append(there)
        return made

    def critic_losses(self, batch: Batch, generator: Weights, critic: Weights) -> tuple[Tensor, Tensor | None]:
        assert isinstance(batch, TwoWayBatch)
        (g, f), (d_b, d_a) = self._apart(generator, critic)
        there, back = self._games
        (value, charge), (other, charge_back) = (
            there.critic_losses(batch, g, d_b), back.critic_losses(batch.back, f, d_a)
        )  # fmt: skip
        return value + other, None if charge is None or charge_back is None else charge + charge_back

    def generator_loss(self, batch: Batch, generator: Weights, critic: Weights) -> Tensor:
        assert isinstance(batch, TwoWayBatch)
        (g, f), (d_b, d_a) = self._apart(generator, critic)
        there, back = self._games
        a, b = batch.latents, batch.real
        to_b, to_a = there.generate(g, a, None), back.generate(f, b, None)
        loss = there.loss_of(to_b, batch, d_b) + back.loss_of(to_a, batch.back, d_a)
        if self.cycle is not None:
            around = difference(back.generate(f, to_b, None), a) + difference(there.generate(g, to_a, None), b)
            loss = loss + self.cycle * around
        if self.identity is not None:
            moved = difference(there.generate(g, b, None), b) + difference(back.generate(f, a, None), a)
            loss = loss + self.identity * moved
        return loss

    def _apart(self, generator: Weights, critic: Weights) -> tuple[tuple[Weights, Weights], tuple[Weights, Weights]]:
        generators, critics = self._networks
        return generators.apart(generator), critics.apart(critic)

    @property
    def _networks(self) -> tuple[TwoNetworks, TwoNetworks]:
        generators, critics = self.generator.network, self.critic.network
        assert isinstance(generators, TwoNetworks)
        assert isinstance(critics, TwoNetworks)
        return generators, critics

    @property
    def _games(self) -> tuple[Players, Players]:
        """Each game by itself, its stacks views of ours."""
        generators, critics = self._networks
        g, d = generators.there.size, critics.there.size
        half, charged = len(self.spectral) // 2, len(self.terms) // 2
        flat, judges = self.generator.flat, self.critic.flat
        shared = {field.name: getattr(self, field.name) for field in fields(Players)}
        there = {
            "generator": StackedParameters(generators.there, flat[:, :g]),
            "critic": StackedParameters(critics.there, judges[:, :d]),
            "spectral": self.spectral[:half],
            "terms": self.terms[:charged],
        }
        back = {
            "generator": StackedParameters(generators.back, flat[:, g:]),
            "critic": StackedParameters(critics.back, judges[:, d:]),
            "spectral": self.spectral[half:],
            "terms": self.terms[charged:],
        }
        return Players(**{**shared, **there}), Players(**{**shared, **back})


def _fields(batch: Batch) -> dict[str, Any]:
    return {field.name: getattr(batch, field.name) for field in fields(Batch)}


def difference(x: Tensor, y: Tensor) -> Tensor:
    """The mean absolute difference (R,) of samples (R, B, *shape), over samples and coordinates."""
    gap = x - y
    # Not by abs, whose second derivative is a tensor of noted zeros, which a recorded step cannot hold.
    return (gap * gap.detach().sign()).flatten(1).mean(1)
