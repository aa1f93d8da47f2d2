"""One step of a cyclegan's population against plain PyTorch, replica by replica: four modules and two optimisers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables import networks, objectives, penalties
from trainables.batches import Batch, BatchSampler, BatchShape
from trainables.data import load
from trainables.data.transformations import Transformation
from trainables.models.cycle_game import CycleGame, TwoWayBatch, difference
from trainables.models.updates import PerPlayer, batches_per_step, step
from trainables.optimizers import Optimizer
from trainables.penalties import Term
from trainables.population import StackedParameters, generators

REPLICAS, BATCH, HIDDEN, ANGLE = 3, 8, 6, 30.0
LR, BETAS = (1e-2, 3e-2, 2e-3), (0.5, 0.99)
WEIGHT, CYCLE, IDENTITY = (0.5, 1.0, 2.0), (10.0, 0.0, 3.0), (0.0, 5.0, 1.0)


@dataclass(frozen=True)
class Case:
    updates: str = "alternating"
    critic_steps: int = 1
    penalty: str = "none"
    pairing: str = "independent"
    identity: bool = True
    cycle: bool = True


CASES = [
    Case(),
    Case(critic_steps=2, penalty="r1", identity=False),
    Case(updates="simultaneous", penalty="gradient_penalty", cycle=False),
    Case(updates="extragradient", pairing="relativistic"),
    Case(updates="simultaneous", penalty="consensus"),
]


def doubled(batch: Batch) -> Batch:
    made = Batch(
        batch.data, batch.indices, batch.latents.double(), None,
        batch.uniform.double(), batch.normal.double(), batch.progress,
    )  # fmt: skip
    made.real = batch.real.double()
    return made


class Population:
    """Ours: stacks of two networks, their game and optimisers, in float64."""

    def __init__(self, case: Case) -> None:
        seeds, vector = range(REPLICAS), lambda values: torch.tensor(values, dtype=torch.float64)
        translator = networks.translator(networks.settings("generator", {"hidden": [HIDDEN]}), (2,))
        judge = networks.critic(networks.settings("critic", {"hidden": [HIDDEN]}), (2,))
        stacks = []
        for place, one in enumerate((translator, judge)):
            drawn = StackedParameters.drawn(networks.TwoNetworks(one, one), generators(seeds, place, "cpu"))
            stacks.append(StackedParameters(drawn.network, drawn.flat.double()))
        row = penalties.PENALTIES[case.penalty]
        draws = row.draws(2) if row.points else 0
        term = [Term(row, vector(WEIGHT), 1, True, slice(0, draws))] if row.points else []
        self.game = CycleGame(
            objectives.resolve({"name": "non_saturating"}, "default"), *stacks, terms=[*term, *term],
            consensus=vector(WEIGHT) if case.penalty == "consensus" else None, pairing=case.pairing,
            transformation=Transformation("rotated", ANGLE, images=False),
            cycle=vector(CYCLE) if case.cycle else None, identity=vector(IDENTITY) if case.identity else None,
        )  # fmt: skip
        betas = [torch.full((REPLICAS,), beta, dtype=torch.float64) for beta in BETAS]
        g, d = (Optimizer.zero("adam", stack.flat, vector(LR), *betas) for stack in stacks)
        self.optimizers, self.game.updates = PerPlayer(critic=d, generator=g), d.count
        shape = BatchShape(2 * batches_per_step(case.updates, case.critic_steps), BATCH, 0, "normal", draws)
        ring = load("ring", modes=4, std=0.3, points=300, heldout=10)
        self.sampler, self.case = BatchSampler(ring, shape, generators(seeds, 3, "cpu"), False), case
        self.alive = torch.ones(REPLICAS, dtype=torch.bool)

    def step(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        pairs = self.game.paired(batches)
        return step(self.game, self.optimizers, pairs, self.alive, self.case.updates, 1e6)


def module(weights: Sequence[Tensor], i: int, activation: Callable[[], nn.Module]) -> nn.Sequential:
    made = nn.Sequential(nn.Linear(2, HIDDEN), activation(), nn.Linear(HIDDEN, len(weights[3][i]))).double()
    for parameter, value in zip(made.parameters(), weights, strict=True):
        parameter.data = (value[i].T if value.dim() == 3 else value[i]).detach().clone()
    return made


def flat(modules: Sequence[nn.Module]) -> Tensor:
    return torch.cat([(p.T if p.dim() == 2 else p).detach().flatten() for m in modules for p in m.parameters()])


class Peer:
    """Replica i, written out."""

    def __init__(self, ours: Population, i: int) -> None:
        self.i, self.case = i, ours.case
        g, d = ours.game.generator, ours.game.critic
        self.g, self.f = (module(g.views[start : start + 4], i, nn.ReLU) for start in (0, 4))
        self.d_b, self.d_a = (module(d.views[start : start + 4], i, lambda: nn.LeakyReLU(0.2)) for start in (0, 4))
        self.generators, self.critics = [*self.g.parameters(), *self.f.parameters()], []
        self.critics = [*self.d_b.parameters(), *self.d_a.parameters()]
        self.optimizers = [torch.optim.Adam(p, LR[i], BETAS) for p in (self.generators, self.critics)]

    def samples(self, pair: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        angle = math.radians(ANGLE)
        rows = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        return pair[1].real[self.i] @ torch.tensor(rows, dtype=torch.float64).T, pair[0].real[self.i]

    def critics_loss(self, pair: Sequence[Batch]) -> Tensor:
        a, b = self.samples(pair)
        total = torch.zeros((), dtype=torch.float64)
        for critic, real, fake, batch in ((self.d_b, b, self.g(a), pair[0]), (self.d_a, a, self.f(b), pair[1])):
            on_real, on_fake = critic(real)[:, 0], critic(fake)[:, 0]
            if self.case.pairing == "relativistic":
                total = total + functional.softplus(on_fake - on_real).mean()
            else:
                total = total + functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()
            total = total + WEIGHT[self.i] * self.penalty(critic, real, fake, batch)
        return total

    def penalty(self, critic: nn.Module, real: Tensor, fake: Tensor, batch: Batch) -> Tensor | float:
        if self.case.penalty not in ("r1", "gradient_penalty"):
            return 0.0
        u = batch.uniform[self.i]
        points = real if self.case.penalty == "r1" else (1 - u) * real + u * fake
        points = points.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        if self.case.penalty == "r1":
            return slope.square().sum(1).mean() / 2
        return (slope.norm(dim=1) - 1).square().mean()

    def generators_loss(self, pair: Sequence[Batch]) -> Tensor:
        a, b = self.samples(pair)
        made_b, made_a = self.g(a), self.f(b)
        total = torch.zeros((), dtype=torch.float64)
        for critic, real, fake in ((self.d_b, b, made_b), (self.d_a, a, made_a)):
            margin = critic(fake)[:, 0] - (critic(real)[:, 0] if self.case.pairing == "relativistic" else 0)
            total = total + functional.softplus(-margin).mean()
        if self.case.cycle:
            total = total + CYCLE[self.i] * (
                functional.l1_loss(self.f(made_b), a) + functional.l1_loss(self.g(made_a), b)
            )
        if self.case.identity:
            total = total + IDENTITY[self.i] * (functional.l1_loss(self.g(b), b) + functional.l1_loss(self.f(a), a))
        return total

    def gradients(self, for_critics: Sequence[Batch] | None, for_generators: Sequence[Batch] | None) -> list[Tensor]:
        asked = [
            (self.critics, self.critics_loss, for_critics),
            (self.generators, self.generators_loss, for_generators),
        ]
        games = [(parameters, loss(pair)) for parameters, loss, pair in asked if pair is not None]
        consensus = self.case.penalty == "consensus"
        found = [torch.autograd.grad(loss, p, create_graph=consensus, retain_graph=True) for p, loss in games]
        energy = WEIGHT[self.i] / 2 * torch.stack([g.square().sum() for gs in found for g in gs]).sum()
        for (parameters, _), own in zip(games, found, strict=True):
            more = torch.autograd.grad(energy, parameters, retain_graph=True) if consensus else [0.0] * len(own)
            for parameter, gradient, extra in zip(parameters, own, more, strict=True):
                parameter.grad = gradient.detach() + extra
        return [loss.detach() for _, loss in games]

    def step(self, batches: Sequence[Batch]) -> list[Tensor]:
        pairs = [batches[k : k + 2] for k in range(0, len(batches), 2)]
        generators, critics = self.optimizers
        if self.case.updates == "alternating":
            for pair in pairs[:-1]:
                losses = self.gradients(pair, None)
                critics.step()
            losses += self.gradients(None, pairs[-1])
            generators.step()
            return losses
        before = [p.detach().clone() for p in (*self.generators, *self.critics)]
        for k in range(0, len(pairs), 2):
            losses = self.gradients(pairs[k], pairs[k + 1])
            if k:
                for parameter, value in zip((*self.generators, *self.critics), before, strict=True):
                    parameter.data.copy_(value)
            critics.step()
            generators.step()
        return losses


@pytest.mark.parametrize("case", CASES, ids=str)
def test_three_steps_are_those_of_a_plain_loop(case: Case) -> None:
    ours = Population(case)
    peers = [Peer(ours, i) for i in range(REPLICAS)]
    for batches in ours.sampler.draw(3, of=3):
        batches = [doubled(batch) for batch in batches]
        report = ours.step(batches)
        for i, peer in enumerate(peers):
            critics, generators_ = peer.step(batches)
            torch.testing.assert_close(report["loss_critic"][i], critics, rtol=1e-9, atol=1e-9)
            torch.testing.assert_close(report["loss_generator"][i], generators_, rtol=1e-9, atol=1e-9)
            for stack, modules in ((ours.game.generator, (peer.g, peer.f)), (ours.game.critic, (peer.d_b, peer.d_a))):
                torch.testing.assert_close(stack.flat[i], flat(modules), rtol=1e-9, atol=1e-9)
    assert ours.alive.all()


def test_a_pair_of_batches_is_one_of_each_game() -> None:
    ours = Population(Case())
    (batches,) = ours.sampler.draw(1)
    first, _ = ours.game.paired(batches)
    assert isinstance(first, TwoWayBatch)
    turned = ours.game.transformation(batches[1].real)
    assert torch.equal(first.real, batches[0].real)
    assert torch.equal(first.back.latents, batches[0].real)
    assert torch.equal(first.latents, turned)
    assert torch.equal(first.back.real, turned)
    assert torch.equal(first.back.uniform, batches[1].uniform)


def test_a_difference_is_a_mean_over_samples_and_coordinates() -> None:
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 1.0]]])
    assert difference(x, torch.zeros_like(x)).tolist() == [2.5, 0.25]
