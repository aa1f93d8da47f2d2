"""A cyclegan made from specs against the textbook's program, and its measurements of translations that are known.

The program is the one of Zhu, Park, Isola & Efros (2017): two generators, two critics, Adam over either pair, and a
loop; of ours it has the weights at the start and the batches.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.batches import Batch, BatchSampler, BatchShape
from trainables.data import load
from trainables.models.cyclegan import CycleGAN
from trainables.models.lookahead import LookAhead
from trainables.models.model import ModelContext
from trainables.optimizers import Optimizer
from trainables.population import StackedParameters
from trainables.spec import Spec
from trainables.training import Training

RING = {"name": "ring", "modes": 8, "radius": 1.0, "std": 0.1, "points": 400, "heldout": 200}
HIDDEN, BATCH, STEPS, ANGLE = 5, 8, 4, 30.0
GENERATOR_LR, CRITIC_LR, BETAS = (2**-6, 2**-8), (2**-7, 2**-5), (0.5, 1 - 2**-6)  # exact in float32
CYCLE, IDENTITY = (8.0, 0.5), (4.0, 0.25)
DECAY = 0.75  # of LeCam's averages

Scores = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


def bce(target: float) -> Scores:
    return lambda d: functional.binary_cross_entropy_with_logits(d, torch.full_like(d, target))


# Of scores of real and of generated samples: what the critic descends, and what the generator does.
LOSSES: dict[str, tuple[Loss, Loss]] = {
    "least_squares": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2, lambda r, f: ((f - 1) ** 2).mean() / 2,
    ),
    "non_saturating": (lambda r, f: bce(1)(r) + bce(0)(f), lambda r, f: bce(1)(f)),
    "minimax": (lambda r, f: bce(1)(r) + bce(0)(f), lambda r, f: -bce(0)(f)),
    "hinge": (lambda r, f: (1 - r).relu().mean() + (1 + f).relu().mean(), lambda r, f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "exponential": (lambda r, f: (-r).exp().mean() + f.exp().mean(), lambda r, f: -f.exp().mean()),
}  # fmt: skip
RELATIVISTIC: tuple[Loss, Loss] = (
    lambda r, f: functional.softplus(f - r).mean(), lambda r, f: functional.softplus(r - f).mean(),
)  # fmt: skip
R1_AND_R2 = [{"name": "r1", "weight": 0.5}, {"name": "r2", "weight": 2.0}]
LAZY = [{"name": "r1", "weight": 0.5, "every": 2}, {"name": "r2", "weight": 2.0, "every": 3, "compensated": False}]

CASES: list[dict[str, Any]] = [
    *[
        {"objective": name, **order}
        for name in LOSSES
        for order in ({}, {"critic_steps": 2}, {"updates": "simultaneous"})
    ],
    *[
        {"objective": "least_squares", "penalty": penalty, **order}
        for penalty in (R1_AND_R2, LAZY, "gradient_penalty", {"name": "lecam", "weight": 0.25, "decay": DECAY})
        for order in ({}, {"critic_steps": 2}, {"updates": "simultaneous"})
    ],
    {"objective": "wasserstein", "penalty": {"name": "clip", "bound": 0.125}},
    {"pairing": "relativistic", "penalty": R1_AND_R2},
    {"pairing": "relativistic", "updates": "simultaneous"},
    {"objective": "hinge", "cycle_weight": 0.0},
    {"objective": "hinge", "identity_weight": 0.0},
    {"source": {"name": "inverted"}},
    {"packing": 2, "penalty": "gradient_penalty"},
    {"instance_noise": {"from": 0.5, "to": 0.5}, "penalty": R1_AND_R2},
    {"lookahead": 2, "lookahead_alpha": 0.25},
    {"objective": "least_squares", "updates": "sga", "optimizer": "sgd"},
    {"unroll": 2, "optimizer": "sgd", "penalty": {"name": "r1", "weight": 0.5}},
]


def name_of(changes: dict[str, Any]) -> str:
    return "-".join(str(value) for value in changes.values()) or "default"


class Ours:
    """Two replicas, which differ in rates and weights, in float64."""

    def __init__(self, changes: dict[str, Any]) -> None:
        specs = [
            Spec(**{
                "data": RING, "model": "cyclegan", "steps": STEPS, "evaluations": 1, "batch_size": BATCH,
                "generator": {"hidden": [HIDDEN]}, "critic": {"hidden": [HIDDEN]},
                "source": {"name": "rotated", "angle": ANGLE}, "beta1": BETAS[0], "beta2": BETAS[1],
                "generator_lr": GENERATOR_LR[i], "critic_lr": CRITIC_LR[i],
                "cycle_weight": CYCLE[i], "identity_weight": IDENTITY[i], **changes,
            })
            for i in range(2)
        ]  # fmt: skip
        data = load(**RING)
        context = ModelContext(specs, [3, 4], data, 0, torch.device("cpu"))
        self.spec, self.specs, self.model, self.alive = specs[0], specs, CycleGAN(context), torch.ones(2).bool()
        shape = BatchShape(self.model.batches, BATCH, 0, "normal", self.model.draws, self.model.noise)
        self.sampler = BatchSampler(data, shape, context.streams("batches"), conditional=False)
        self._double()

    def _double(self) -> None:
        model, players = self.model, self.model.players

        def exact(value: Tensor | None) -> Tensor | None:
            return None if value is None else value.double()

        model.stacks = [StackedParameters(stack.network, stack.flat.double()) for stack in model.stacks]
        terms = [
            replace(
                term, weight=term.weight.double(), settings={k: v.double() for k, v in term.settings.items()},
                anchors=exact(term.anchors),
            )
            for term in players.terms
        ]  # fmt: skip
        model.optimizers = [
            Optimizer.zero(self.spec.optimizer, stack.flat, old.lr[:, 0], old.beta1[:, 0], old.beta2[:, 0])
            for stack, old in zip(model.stacks, model.optimizers, strict=True)
        ]
        model.players = replace(
            players, generator=model.stacks[0], critic=model.stacks[1], terms=terms, clip=exact(players.clip),
            noise=exact(players.noise), cycle=exact(players.cycle), identity=exact(players.identity),
            updates=model.optimizers[1].count,
        )  # fmt: skip
        if model.lookahead:
            alpha = torch.full((2,), self.spec.lookahead_alpha)
            model.lookahead = LookAhead.start(self.spec.lookahead, alpha, [stack.flat for stack in model.stacks])

    def batches(self) -> list[list[Batch]]:
        drawn = [list(step) for step in self.sampler.draw(STEPS, of=STEPS)]
        for batch in itertools.chain.from_iterable(drawn):
            batch.uniform, batch.normal, batch.latents = (
                x.double() for x in (batch.uniform, batch.normal, batch.latents)
            )
            batch.real = batch.real.double()
        return drawn


class Textbook:
    """Replica i."""

    def __init__(self, ours: Ours, i: int) -> None:
        self.spec, self.i = ours.specs[i], i
        pack = 2 * self.spec.packing
        self.g, self.f = (nn.Sequential(nn.Linear(2, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)) for _ in range(2))
        self.d_b, self.d_a = (
            nn.Sequential(nn.Linear(pack, HIDDEN), nn.LeakyReLU(0.2), nn.Linear(HIDDEN, 1)) for _ in range(2)
        )
        for stack, modules in zip(ours.model.stacks, self.players, strict=True):
            parts = iter(stack.flat[i].split([p.numel() for m in modules for p in m.parameters()]))
            for module in modules:
                for parameter, part in zip(module.double().parameters(), parts, strict=False):
                    value = part.view(parameter.shape[::-1]).T if parameter.dim() == 2 else part
                    parameter.data = value.clone().contiguous()
        self.generators, self.critics = ([p for m in modules for p in m.parameters()] for modules in self.players)
        self.optimizers = [
            torch.optim.Adam(parameters, lr, BETAS) if self.spec.optimizer == "adam"
            else torch.optim.SGD(parameters, lr, BETAS[0])
            for parameters, lr in ((self.generators, GENERATOR_LR[i]), (self.critics, CRITIC_LR[i]))
        ]  # fmt: skip
        self.losses = RELATIVISTIC if self.spec.pairing == "relativistic" else LOSSES[self.spec.objective["name"]]
        self.updates, self.steps = 0, 0
        self.averages: dict[nn.Module, tuple[float, float]] = {}
        self.slow = [p.detach().clone() for p in (*self.generators, *self.critics)]

    @property
    def players(self) -> tuple[tuple[nn.Module, nn.Module], tuple[nn.Module, nn.Module]]:
        return (self.g, self.f), (self.d_b, self.d_a)

    def flat(self, modules: Sequence[nn.Module]) -> Tensor:
        return torch.cat([(p.T if p.dim() == 2 else p).detach().flatten() for m in modules for p in m.parameters()])

    def domains(self, pair: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        """Samples of A and of B: of each two batches the first has the data's, the second what is turned."""
        unturned, b = pair[1].real[self.i], pair[0].real[self.i]
        if self.spec.source["name"] == "inverted":
            return -unturned, b
        cosine, sine = math.cos(math.radians(ANGLE)), math.sin(math.radians(ANGLE))
        x, y = unturned[:, 0], unturned[:, 1]
        return torch.stack([cosine * x - sine * y, sine * x + cosine * y], 1), b

    def shown(self, samples: Tensor, batch: Batch, last: bool = False) -> Tensor:
        if self.spec.instance_noise:
            normal = batch.normal[self.i]
            samples = samples + 0.5 * (normal[:, 2:] if last else normal[:, :2])
        return samples.reshape(len(samples) // self.spec.packing, -1)

    def critics_loss(self, pair: Sequence[Batch], critics: Sequence[Scores]) -> Tensor:
        a, b = self.domains(pair)
        whole = torch.zeros((), dtype=torch.float64)
        games = ((critics[0], self.d_b, b, self.g(a), pair[0]), (critics[1], self.d_a, a, self.f(b), pair[1]))
        for critic, module, real, fake, batch in games:
            real, fake = self.shown(real, batch), self.shown(fake, batch, last=True)
            on_real, on_fake = critic(real)[:, 0], critic(fake)[:, 0]
            whole = whole + self.losses[0](on_real, on_fake)
            for penalty in self.spec.penalties:
                weight = penalty.get("weight", 10.0)
                every = penalty.get("every", 1)
                weight *= (every if penalty.get("compensated", True) else 1) * (self.updates % every == 0)
                if penalty["name"] == "lecam":
                    now = float(on_real.detach().mean()), float(on_fake.detach().mean())
                    before = self.averages.get(module, now)
                    mean_real, mean_fake = (DECAY * x + (1 - DECAY) * y for x, y in zip(before, now, strict=True))
                    self.averages[module] = mean_real, mean_fake
                    apart = ((on_real - mean_fake) ** 2).mean() + ((on_fake - mean_real) ** 2).mean()
                    whole = whole + weight * apart
                elif penalty["name"] in ("r1", "r2", "gradient_penalty"):
                    u = batch.uniform[self.i, : len(real), :1]
                    points = {"r1": real, "r2": fake}.get(
                        penalty["name"], real + u * (fake - real) if u.numel() else real
                    )
                    points = points if points.requires_grad else points.clone().requires_grad_()
                    (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
                    length = slope.norm(dim=1)
                    cost = (length - 1) ** 2 if penalty["name"] == "gradient_penalty" else length**2 / 2
                    whole = whole + weight * cost.mean()
        return whole

    def generators_loss(self, pair: Sequence[Batch], critics: Sequence[Scores]) -> Tensor:
        a, b = self.domains(pair)
        fake_b, fake_a = self.g(a), self.f(b)
        whole = torch.zeros((), dtype=torch.float64)
        for critic, real, fake, batch in ((critics[0], b, fake_b, pair[0]), (critics[1], a, fake_a, pair[1])):
            on_real = critic(self.shown(real, batch, last=True))[:, 0]
            whole = whole + self.losses[1](on_real, critic(self.shown(fake, batch))[:, 0])
        cycle = functional.l1_loss(self.f(fake_b), a) + functional.l1_loss(self.g(fake_a), b)
        identity = functional.l1_loss(self.g(b), b) + functional.l1_loss(self.f(a), a)
        return whole + self.spec.cycle_weight * cycle + self.spec.identity_weight * identity

    def learn(self, pair: Sequence[Batch]) -> list[Tensor]:
        """The critics' loss, and their gradients set."""
        loss = self.critics_loss(pair, (self.d_b, self.d_a))
        for parameter, gradient in zip(self.critics, torch.autograd.grad(loss, self.critics), strict=True):
            parameter.grad = gradient
        self.updates += 1
        return [loss.detach()]

    def answer(self, pair: Sequence[Batch]) -> list[Tensor]:
        """The generators' loss, and their gradients set."""
        loss = self.generators_loss(pair, self.ahead(pair) if self.spec.unroll else (self.d_b, self.d_a))
        for parameter, gradient in zip(self.generators, torch.autograd.grad(loss, self.generators), strict=True):
            parameter.grad = gradient
        return [loss.detach()]

    def ahead(self, pair: Sequence[Batch]) -> list[Scores]:
        """The critics after updates by gradient descent with momentum, through which the generators are led."""
        values = list(self.critics)
        momenta = [self.optimizers[1].state[p].get("momentum_buffer") for p in values]
        momenta = [torch.zeros_like(p) if m is None else m.clone() for p, m in zip(values, momenta, strict=True)]

        def scores(values: Sequence[Tensor]) -> list[Scores]:
            found = []
            for module, part in ((self.d_b, values[: len(values) // 2]), (self.d_a, values[len(values) // 2 :])):
                named = dict(zip([name for name, _ in module.named_parameters()], part, strict=True))
                found.append(lambda x, m=module, named=named: torch.func.functional_call(m, named, (x,)))
            return found

        for _ in range(self.spec.unroll):
            gradients = torch.autograd.grad(self.critics_loss(pair, scores(values)), values, create_graph=True)
            momenta = [BETAS[0] * m + g for m, g in zip(momenta, gradients, strict=True)]
            values = [p - CRITIC_LR[self.i] * m for p, m in zip(values, momenta, strict=True)]
        return scores(values)

    def adjusted(self, pair: Sequence[Batch]) -> list[Tensor]:
        """Both losses on one batch, and gradients adjusted by the antisymmetric part of the whole Jacobian."""
        critics = (self.d_b, self.d_a)
        losses = [self.critics_loss(pair, critics), self.generators_loss(pair, critics)]
        weights = [*self.critics, *self.generators]
        own = [
            torch.autograd.grad(loss, parameters, create_graph=True)
            for loss, parameters in zip(losses, (self.critics, self.generators), strict=True)
        ]
        xi = torch.cat([gradient.flatten() for gradients in own for gradient in gradients])
        rows = [
            torch.cat([x.flatten() for x in torch.autograd.grad(x, weights, retain_graph=True, materialize_grads=True)])
            for x in xi
        ]
        jacobian, xi = torch.stack(rows), xi.detach()
        adjustment, slope = (jacobian.T - jacobian) @ xi / 2, jacobian.T @ xi
        sign = torch.sign((xi @ slope) * (adjustment @ slope) / len(xi) + 0.1)
        moved = (xi + sign * adjustment).split([p.numel() for p in weights])
        for parameter, part in zip(weights, moved, strict=True):
            parameter.grad = part.view_as(parameter)
        return [loss.detach() for loss in losses]

    def step(self, batches: Sequence[Batch]) -> list[Tensor]:
        """The losses of the critics' and of the generators' last update."""
        pairs = [batches[k : k + 2] for k in range(0, len(batches), 2)]
        if self.spec.updates == "alternating":
            for pair in pairs[:-1]:
                losses = self.learn(pair)
                self.update(1)
            losses += self.answer(pairs[-1])
            self.update(0)
        elif self.spec.updates == "simultaneous":
            losses = self.learn(pairs[0]) + self.answer(pairs[1])
            self.update(1), self.update(0)
        else:
            losses = self.adjusted(pairs[0])
            self.update(1), self.update(0)
        self.steps += 1
        if self.spec.lookahead and self.steps % self.spec.lookahead == 0:
            for slow, parameter in zip(self.slow, (*self.generators, *self.critics), strict=True):
                slow += self.spec.lookahead_alpha * (parameter.detach() - slow)
                parameter.data.copy_(slow)
        return losses

    def update(self, player: int) -> None:
        self.optimizers[player].step()
        (penalty, *_) = self.spec.penalties
        if player == 1 and penalty["name"] == "clip":
            for parameter in self.critics:
                parameter.data.clamp_(-penalty["bound"], penalty["bound"])


@pytest.mark.parametrize("changes", CASES, ids=name_of)
def test_updates_are_those_of_the_textbook(changes: dict[str, Any]) -> None:
    ours = Ours(changes)
    books = [Textbook(ours, i) for i in range(2)]
    start = [stack.flat.clone() for stack in ours.model.stacks]
    for batches in ours.batches():
        report = ours.model.step(batches, ours.alive)
        for i, book in enumerate(books):
            for name, loss in zip(("loss_critic", "loss_generator"), book.step(batches), strict=True):
                torch.testing.assert_close(report[name][i], loss, rtol=1e-8, atol=1e-9)
            for stack, modules in zip(ours.model.stacks, book.players, strict=True):
                torch.testing.assert_close(stack.flat[i], book.flat(modules), rtol=1e-7, atol=1e-8)
    assert ours.alive.all()
    assert all((stack.flat != before).any(1).all() for stack, before in zip(ours.model.stacks, start, strict=True))


QUARTER = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])  # x @ QUARTER is x turned by 90 degrees, which moves a mode by two
POINT = torch.tensor([0.6, 0.8])


def measured(maps: Sequence[tuple[Tensor, Tensor]]) -> tuple[Training, dict[str, float]]:
    """What is measured of G(a) = a W + c and F(b) = b W + c, from a ring turned by 90 degrees to the ring."""
    spec = Spec(
        data={**RING, "points": 20000, "heldout": 4000, "std": 0.02}, model="cyclegan", steps=1, evaluations=1,
        batch_size=8, source={"name": "rotated", "angle": 90.0}, generator={"hidden": []}, critic={"hidden": [4]},
        evaluation={"samples": 4000, "neighbour_samples": 500},
    )  # fmt: skip
    training = Training(spec, [0])
    weights = torch.cat([torch.cat([w.flatten(), c]) for w, c in maps])[None]
    training.model.stacks[0].flat.copy_(weights)
    training.average.copy_(weights)
    return training, {name: float(value[0]) for name, value in training.measure().items() if value.dim() == 1}


NOTHING = torch.zeros(2)


def test_the_right_translations_are_measured_as_such() -> None:
    _, found = measured([(QUARTER.T, NOTHING), (QUARTER, NOTHING)])
    assert found["label_fidelity"] == found["label_fidelity_back"] == 1
    assert found["cycle_error"] == pytest.approx(0, abs=1e-6)
    assert found["partner_error"] == pytest.approx(0, abs=1e-6)
    assert max(found["fid"], found["fid_back"]) < 1e-3
    assert found["modes"] == 8


def test_translations_to_wrong_partners_are_in_the_right_places() -> None:
    """A ring of eight turned by two modes is the same ring: G and F that change nothing give each sample another's
    partner, and yet undo one another."""
    training, found = measured([(torch.eye(2), NOTHING), (torch.eye(2), NOTHING)])
    assert found["label_fidelity"] == found["label_fidelity_back"] == 0
    assert found["cycle_error"] == pytest.approx(0, abs=1e-6)
    b = training.data.heldout
    assert found["partner_error"] == pytest.approx(float((b @ QUARTER - b).abs().mean()), rel=1e-5)
    assert max(found["fid"], found["fid_back"]) < 1e-3


def test_translations_to_one_point_are_as_far_as_it_is() -> None:
    """The Fréchet distance of the ring, of variance 1/2 + std² along each axis, to a point is that of their means and
    the sum of its variances; the other way all is right."""
    training, found = measured([(torch.zeros(2, 2), POINT), (QUARTER, NOTHING)])
    assert found["fid"] == pytest.approx(1 + 2 * (0.5 + 0.02**2), rel=0.02)
    assert found["fid_back"] < 1e-3
    assert found["modes"] == 0  # it is 0.15 from the nearest
    assert found["label_fidelity_back"] == 1
    b = training.data.heldout
    a = b @ QUARTER
    there_and_back = (POINT @ QUARTER - a).abs().mean() + (POINT - b).abs().mean()
    assert found["cycle_error"] == pytest.approx(float(there_and_back) / 2, rel=1e-5)
    assert found["partner_error"] == pytest.approx(float((POINT - b).abs().mean()) / 2, rel=1e-5)
    _, found = measured([(QUARTER.T, NOTHING), (torch.zeros(2, 2), POINT @ QUARTER)])
    assert found["fid"] < 1e-3
    assert found["fid_back"] == pytest.approx(1 + 2 * (0.5 + 0.02**2), rel=0.02)


def test_the_share_mapped_to_the_right_partner_is_counted() -> None:
    """A reflection keeps the two modes on its axis and takes the six others to their mirror images."""
    mirror = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    _, found = measured([(QUARTER.T @ mirror, NOTHING), (mirror @ QUARTER, NOTHING)])
    assert found["label_fidelity"] == pytest.approx(2 / 8, abs=0.03)
    assert found["label_fidelity_back"] == pytest.approx(2 / 8, abs=0.03)
    assert max(found["fid"], found["fid_back"]) < 1e-3
