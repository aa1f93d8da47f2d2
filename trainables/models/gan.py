"""GAN and conditional GAN as a `Model`: two players, their optimisers, and the critic's outputs as measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields

import torch
from torch import Tensor

from trainables import objectives, penalties
from trainables.augmentations import numbers_of
from trainables.batches import Batch
from trainables.data import DataSet, Mixture, floats
from trainables.data.mixture import gaussian
from trainables.models.critic_bound import CriticBound
from trainables.models.jacobian import LARGEST, SpectrumEnds, spectrum
from trainables.models.lookahead import LookAhead
from trainables.models.model import Model, ModelContext, Pieces
from trainables.models.players import Players
from trainables.models.updates import PerPlayer, batches_per_step, step
from trainables.networks import Network
from trainables.objectives.pairing import check_pairing
from trainables.penalties import Term
from trainables.population import StackedParameters
from trainables.spec import Spec


class GAN(Model):
    """A population of (conditional) GANs, made from `context`."""

    reports = ("loss_critic", "loss_generator", "gradient_norm_critic", "gradient_norm_generator")
    measured: tuple[str, ...] = (
        "critic_real", "critic_fake", "probability_real", "probability_fake", "critic_accuracy",
        "parameter_norm_critic",
    )  # fmt: skip

    def __init__(self, context: ModelContext) -> None:
        spec, self.players = context.spec, self.play(context)
        stacks = [self.players.generator, self.players.critic]
        rates = [context.present("generator_lr"), context.present("critic_lr")]
        sample_size = context.data.train[0].numel()
        self.lookahead: LookAhead | None = None
        if spec.lookahead:
            weights, alpha = [stack.flat for stack in stacks], context.vector(lambda s: s.lookahead_alpha)
            self.lookahead = LookAhead.start(spec.lookahead, alpha, weights)
        drawn = sum(term.columns.stop - term.columns.start for term in self.players.terms)
        anchors = [term.anchors for term in self.players.terms if term.anchors is not None]
        super().__init__(
            context,
            stacks,
            rates,
            buffers=[*self.players.spectral, *anchors, *(self.lookahead.state if self.lookahead else [])],
            batches=batches_per_step(spec.updates, spec.critic_steps),
            draws=drawn + 2 * numbers_of(spec.augmentations),
            noise=0 if self.players.noise is None else 2 * sample_size,
        )
        self.players.updates = self.optimizers[1].count  # itself, so that it moves along
        self.critic_bound = _critic_bound(context, self.players)
        parameters = sum(stack.flat.shape[1] for stack in stacks)
        if "jacobian" in spec.measure and parameters > LARGEST:
            raise ValueError(
                f"measure: jacobian is for small networks, {LARGEST:,} parameters at most, got {parameters:,}"
            )

    def play(self, context: ModelContext) -> Players:
        """The game that a step plays."""
        return _players(context)

    def critic(self) -> tuple[Network, Sequence[Tensor]]:
        stack = self.players.critic
        return stack.network, self.players.critic_weights(stack.constants)

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:
        optimizers = PerPlayer(critic=self.optimizers[1], generator=self.optimizers[0])  # stacks: generator first
        report = step(self.players, optimizers, batches, alive, self.spec.updates, self.spec.bound)
        if self.lookahead:
            self.lookahead.pull([stack.flat for stack in self.stacks], alive)
        return report

    def measure(
        self, weights: Sequence[Tensor], samples: Tensor, labels: Tensor | None, data: DataSet, pieces: Pieces
    ) -> dict[str, Tensor]:
        """The critic's outputs on held-out real samples and on as many fresh generated ones, as columns (R,)."""
        count = min(samples.shape[1], data.heldout.shape[0])
        count -= count % self.players.packing
        real = floats(data.heldout[:count]).expand(samples.shape[0], count, *data.shape)
        requested = None if labels is None else labels[:, :count]
        shown = None
        if labels is not None and data.heldout_labels is not None:
            shown = data.heldout_labels[:count].expand(samples.shape[0], count)
        used = self.players.critic_weights(self.players.critic.constants)

        def judge(x: Tensor, y: Tensor | None) -> Tensor:
            return self.players.score(used, x, y)

        on_real = pieces(judge, self.players.packed(real), shown)
        on_fake = pieces(judge, self.players.packed(samples[:, :count]), requested)
        columns = {
            **super().measure(weights, samples, labels, data, pieces),
            "critic_real": on_real.mean(1),
            "critic_fake": on_fake.mean(1),
            "probability_real": on_real.sigmoid().mean(1),
            "probability_fake": on_fake.sigmoid().mean(1),
            "critic_accuracy": accuracy(self.players, on_real, on_fake),
            "parameter_norm_critic": self.players.critic.flat.norm(dim=1),
        }
        if "divergences" not in self.spec.measure:
            return columns
        if self.critic_bound is not None:
            known = self._known(columns)
            columns |= self.critic_bound.columns(data.heldout[:count], samples, (on_real, on_fake), known)
        return {**columns, "critic_bound": self.players.value(on_real.double(), on_fake.double())}

    def spectra(self, batch: Batch, alive: Tensor) -> dict[str, Tensor]:
        """The ends of every replica's spectrum, at the weights that train, as `trainables.models.jacobian` says."""
        lost = SpectrumEnds(math.nan, math.nan, math.nan)
        rows = [spectrum(self.players, batch, i) if live else lost for i, live in enumerate(alive.tolist())]
        values = torch.tensor([astuple(row) for row in rows], dtype=torch.float64, device=alive.device)
        return {f"jacobian_{field.name}": values[:, i] for i, field in enumerate(fields(SpectrumEnds))}

    def _known(self, columns: Mapping[str, Tensor]) -> list[Mixture | None]:
        """The exact distribution of each replica's generator, where it has one that is finite and not a point."""
        if "generator_mean" not in columns or self.spec.latent != "normal":
            return [None] * len(self.players.critic.flat)
        both = torch.stack([columns["generator_mean"], columns["generator_std"]], 1)
        return [gaussian(*one) if bool(one.isfinite().all()) and bool(one[1] > 0) else None for one in both]


def accuracy(players: Players, real: Tensor, fake: Tensor) -> Tensor:
    """Fraction (R,) of real (R, n) and generated (R, n) samples on their own side of d*(1); ties count half.

    Where the level of d means nothing the median of all scores takes the place of d*(1).
    """
    level: Tensor | float = torch.cat([real, fake], 1).median(1, keepdim=True).values
    objective = players.game.objective
    if objective.boundary is not None and players.pairing == "independent":
        level = objective.boundary
    side = objective.orientation
    right = (side * (real - level)).sign().mean(1) - (side * (fake - level)).sign().mean(1)
    return 0.5 + right / 4


def _critic_bound(context: ModelContext, players: Players) -> CriticBound | None:
    """The comparison with the best critic, where it was asked for and is known: not for packed, labelled or paired
    samples."""
    mixture, alone = context.data.mixture, players.packing == 1 and players.pairing == "independent"
    if "divergences" not in context.spec.measure or mixture is None or not alone or context.classes:
        return None
    return CriticBound(players.game, mixture)


def _players(context: ModelContext) -> Players:
    spec = context.spec
    spec.check_samples(context.data.shape)
    generator, critic = spec.networks(context.data.shape, context.classes)
    names, spectral = [given["name"] for given in spec.penalties], list[Tensor]()
    if "spectral_norm" in names:
        shapes = [critic.weights[i].shape for i in critic.matrices]
        spectral = penalties.spectral_start(shapes, context.streams("spectral"))

    noisy, smoothing = any(one.instance_noise for one in context.specs), context.vector(lambda s: s.label_smoothing)
    game = objectives.resolve(spec.objective, spec.generator_loss)
    check_pairing(game, spec.pairing)
    return Players(
        game=game,
        generator=StackedParameters.drawn(generator, context.streams("generator")),
        critic=StackedParameters.drawn(critic, context.streams("critic")),
        terms=_terms(context),
        consensus=context.present("penalty.consensus.weight") if "consensus" in names else None,
        clip=_setting(context, "clip", "bound")[:, None] if "clip" in names else None,
        spectral=spectral,
        updates=torch.zeros((), dtype=torch.int64, device=context.device),
        separate=critic.normalises,
        noise=context.present("instance_noise") if noisy else None,
        smoothing=smoothing if bool(smoothing.any()) else None,
        packing=spec.packing,
        pairing=spec.pairing,
        unroll=spec.unroll,
        augmentations=spec.augmentations,
    )


def _setting(context: ModelContext, penalty: str, name: str) -> Tensor:
    """A setting of one of the population's penalties, (R,), which no schedule moves."""

    def read(spec: Spec) -> float:
        return float(next(values[name] for row, values in penalties.resolve_all(spec.penalties) if row.name == penalty))

    return context.vector(read)


def _terms(context: ModelContext) -> list[Term]:
    """The penalties in the critic's loss."""
    channels, *sides = context.data.shape
    shape, first, found = (channels * context.spec.packing, *sides), 0, []
    for row, values in penalties.resolve_all(context.spec.penalties):
        if row.charged:
            weight, columns = context.present(f"penalty.{row.name}.weight"), slice(first, first + row.draws(shape))
            settings = {name: _setting(context, row.name, name) for name in row.settings if name != "weight"}
            anchors = torch.full((len(context.specs), 2), math.nan, device=context.device) if row.anchored else None
            every, compensated = values.get("every", 1), values.get("compensated", True)
            found.append(Term(row, weight, every, compensated, columns, settings, anchors))
            first = columns.stop
    return found
