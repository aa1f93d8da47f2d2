"""A replica of a game in plain PyTorch: two modules, two of torch's optimisers, one loop, and losses as in papers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from games import (
    BETA1,
    BETA2,
    CLASSES,
    CLIP,
    CRITIC_LR,
    END,
    GENERATOR_LR,
    HIDDEN,
    LATENT,
    NOISE,
    SETTINGS,
    SHAPE,
    SMOOTHING,
    STRENGTH,
    UNTIL,
    WARMUP,
    Case,
    Game,
)
from torch import Tensor, nn
from torch.nn import functional

from trainables.batches import Batch


def along(case: Case, i: int, progress: float) -> float:
    """What replica i's settings are times, in plain Python."""
    if not case.scheduled:
        return 1.0
    if progress < WARMUP[i]:
        return progress / WARMUP[i]
    share = min(1.0, (progress - WARMUP[i]) / (UNTIL[i] - WARMUP[i]))
    share = {"linear": share, "cosine": (1 - math.cos(math.pi * share)) / 2, "constant": 0.0}[SHAPE[i]]
    return 1 + (END - 1) * share


Scores = Callable[[Tensor], Tensor]


def bce(target: float) -> Scores:
    return lambda d: functional.binary_cross_entropy_with_logits(d, torch.full_like(d, target))


# Losses as the papers write them: of the critic on real, of the critic on fake, of the generator.
LOSSES: dict[tuple[str, str], tuple[Scores, Scores, Scores]] = {
    ("non_saturating", "default"): (bce(1), bce(0), bce(1)),
    ("non_saturating", "saturating"): (bce(1), bce(0), lambda d: -bce(0)(d)),
    ("minimax", "default"): (bce(1), bce(0), lambda d: (1 - d.sigmoid()).log().mean()),
    ("minimax", "critic_mean"): (bce(1), bce(0), lambda d: -d.mean()),
    ("least_squares", "default"): (
        lambda d: ((d - 1) ** 2).mean() / 2, lambda d: (d**2).mean() / 2, lambda d: ((d - 1) ** 2).mean() / 2,
    ),
    ("hinge", "default"): (lambda d: (1 - d).relu().mean(), lambda d: (1 + d).relu().mean(), lambda d: -d.mean()),
    ("wasserstein", "default"): (lambda d: -d.mean(), lambda d: d.mean(), lambda d: -d.mean()),
    ("absolute_error", "default"): (
        lambda d: (1 - d.sigmoid()).abs().mean() / 2, lambda d: d.sigmoid().abs().mean() / 2,
        lambda d: -d.sigmoid().mean() / 2,
    ),
    ("kl", "default"): (lambda d: -d.mean(), lambda d: (d - 1).exp().mean(), lambda d: -(d - 1).exp().mean()),
    ("pearson_chi2", "non_saturating"): (
        lambda d: -d.mean(), lambda d: (d**2 / 4 + d).mean(), lambda d: -d.mean(),
    ),
    ("energy", "default"): (lambda d: d.mean(), lambda d: (1 - d).relu().mean(), lambda d: d.mean()),
}  # fmt: skip
# Relativistic losses as Jolicoeur-Martineau (2019) and Huang et al. (2024, R3GAN) write them: of the critic and of the
# generator, for outputs on real and on fake samples.
Compared = Callable[[Tensor, Tensor], Tensor]
RELATIVISTIC: dict[tuple[str, str, str], tuple[Compared, Compared]] = {
    ("relativistic", "non_saturating", "default"): (
        lambda real, fake: functional.softplus(-(real - fake)).mean(),
        lambda real, fake: functional.softplus(-(fake - real)).mean(),
    ),
    ("relativistic", "minimax", "default"): (
        lambda real, fake: functional.softplus(fake - real).mean(),
        lambda real, fake: -functional.softplus(fake - real).mean(),
    ),
    ("relativistic_average", "non_saturating", "default"): (
        lambda real, fake: bce(1)(real - fake.mean()) + bce(0)(fake - real.mean()),
        lambda real, fake: bce(1)(fake - real.mean()) + bce(0)(real - fake.mean()),
    ),
    ("relativistic_average", "hinge", "non_saturating"): (
        lambda real, fake: (1 - (real - fake.mean())).relu().mean() + (1 + (fake - real.mean())).relu().mean(),
        lambda real, fake: (1 - (fake - real.mean())).relu().mean() + (1 + (real - fake.mean())).relu().mean(),
    ),
    ("relativistic", "wasserstein", "default"): (
        lambda real, fake: fake.mean() - real.mean(), lambda real, fake: real.mean() - fake.mean(),
    ),
}  # fmt: skip


class PlainCritic(nn.Module):
    def __init__(self, case: Case) -> None:
        super().__init__()
        norms = [nn.BatchNorm1d(w, track_running_stats=False) for w in HIDDEN] if case.critic_norm else None
        inputs, layers = 2 * case.packing + (CLASSES if case.conditioning == "join" else 0), []
        for i, width in enumerate(HIDDEN):
            layers += [nn.Linear(inputs, width), *([norms[i]] if norms else []), nn.LeakyReLU(0.2)]
            inputs = width
        self.body, self.head = nn.Sequential(*layers), nn.Linear(HIDDEN[-1], 1)
        if case.conditioning == "projection":
            self.embedding = nn.Embedding(CLASSES, HIDDEN[-1])
        self.case = case

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        if self.case.conditioning == "join":
            assert labels is not None
            x = torch.cat([x, functional.one_hot(labels, CLASSES)], 1)
        hidden = self.body(x)
        d: Tensor = self.head(hidden)[:, 0]
        if self.case.conditioning == "projection":
            d = d + (hidden * self.embedding(labels)).sum(1)
        return functional.softplus(d, threshold=50) if self.case.objective == "energy" else d


class OptimisticAdam(torch.optim.Adam):
    """Twice torch's Adam step less the step before, both at the present rate; Adam's steps depend on the gradients
    alone."""

    before: Sequence[Tensor | float] = ()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        parameters, rate = self.param_groups[0]["params"], self.param_groups[0]["lr"]
        starts = [parameter.clone() for parameter in parameters]
        self.param_groups[0]["lr"] = 1.0
        super().step(closure)
        self.param_groups[0]["lr"] = rate
        steps = [parameter - start for parameter, start in zip(parameters, starts, strict=True)]
        for p, start, now, before in zip(parameters, starts, steps, self.before or [0.0] * len(steps), strict=True):
            p.copy_(start + rate * (2 * now - before))
        self.before = steps


def optimizer(name: str, module: nn.Module, lr: float, i: int) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(module.parameters(), lr, (BETA1[i], BETA2[i]))
    if name == "optimistic_adam":
        return OptimisticAdam(module.parameters(), lr, (BETA1[i], BETA2[i]))
    if name == "nesterov":
        return torch.optim.SGD(module.parameters(), lr, momentum=BETA1[i], nesterov=BETA1[i] > 0)
    if name == "rmsprop":
        return torch.optim.RMSprop(module.parameters(), lr, BETA2[i])
    return torch.optim.SGD(module.parameters(), lr, momentum=BETA1[i])


class Peer:
    """One replica in plain PyTorch: two modules, two of torch's optimisers, one loop."""

    def __init__(self, game: Game, i: int) -> None:
        self.i, self.case, case = i, game.case, game.case
        if case.pairing == "independent":
            self.real_loss, self.fake_loss, self.generator_loss = LOSSES[case.objective, case.loss]
        self.updates, self.foreseen, self.anchors = 0, dict[str, Tensor](), tuple[float, ...]()
        self.generator = nn.Sequential(
            nn.Linear(LATENT + case.classes, HIDDEN[0]), nn.ReLU(),
            nn.Linear(HIDDEN[0], HIDDEN[1]), nn.ReLU(), nn.Linear(HIDDEN[1], 2),
        ).double()  # fmt: skip
        self.critic = PlainCritic(case).double()
        self.vectors = {}
        matrices = iter(game.players.spectral)
        for module, stack in ((self.generator, game.players.generator), (self.critic, game.players.critic)):
            for (name, parameter), view in zip(module.named_parameters(), stack.views, strict=True):
                value = view[i].detach()
                parameter.data = (value if value.dim() == 1 or "embedding" in name else value.T).clone()
                if game.players.spectral and module is self.critic and parameter.dim() == 2:
                    self.vectors[name] = next(matrices)[i].clone()
        rates = ((self.generator, GENERATOR_LR[i]), (self.critic, CRITIC_LR[i]))
        self.optimizers = [optimizer(case.optimizer, module, lr, i) for module, lr in rates]

    def flat(self, module: nn.Module) -> Tensor:
        return torch.cat(
            [(p if p.dim() == 1 or "embedding" in n else p.T).detach().flatten() for n, p in module.named_parameters()]
        )

    def seen(self, samples: Tensor, batch: Batch, columns: slice) -> Tensor:
        """Samples with instance noise, side by side in packs."""
        if self.case.noise:
            left = self.factor if self.case.scheduled else 1 - batch.progress
            samples = samples + NOISE[self.i] * left * batch.normal[self.i][:, columns]
        return torch.cat([samples[k :: self.case.packing] for k in range(self.case.packing)], 1)

    def generate(self, batch: Batch, columns: slice) -> Tensor:
        z = batch.latents[self.i]
        if batch.requested is not None:
            z = torch.cat([z, functional.one_hot(batch.requested[self.i], CLASSES)], 1)
        return self.seen(self.generator(z), batch, columns)

    def scorer(self, iterate: bool) -> Callable[[Tensor, Tensor | None], Tensor]:
        """The critic, its matrices divided by their singular values under spectral normalisation."""
        ready: dict[str, Tensor] = dict(self.foreseen or self.critic.named_parameters())
        for name, u in self.vectors.items():
            matrix = ready[name] if "embedding" in name else ready[name].T
            v = functional.normalize(matrix.detach().T @ u, dim=0)
            if iterate:
                u = self.vectors[name] = functional.normalize(matrix.detach() @ v, dim=0)
            ready[name] = ready[name] / (u @ matrix @ v)
        return lambda x, labels: torch.func.functional_call(self.critic, ready, (x, labels))

    def penalties(
        self, score: Callable[[Tensor, Tensor | None], Tensor], batch: Batch, real: Tensor, fake: Tensor
    ) -> Tensor | float:
        whole: Tensor | float = 0.0
        numbers = batch.uniform[self.i, : len(real)]
        for name in self.case.penalties:
            if name in ("none", "clip", "spectral_norm", "consensus"):
                continue
            dim = real.shape[1]
            drawn = {
                "r1": 0, "r2": 0, "lecam": 0, "dragan": 1 + dim, "consistency": dim, "balanced_consistency": 2 * dim,
            }.get(name, 1)  # fmt: skip
            default = {"r1": 1, "r2": 1, "max_gradient": 1, "lecam": 0.3}.get(name, 10)
            strength = self.factor * STRENGTH[self.i] * default
            if self.updates % self.case.every == 0:
                scale = self.case.every if self.case.compensated else 1
                whole = whole + scale * strength * self.penalty(name, score, batch, real, fake, numbers[:, :drawn])
            numbers = numbers[:, drawn:]
        return whole

    def penalty(
        self, name: str, score: Callable[[Tensor, Tensor | None], Tensor], batch: Batch, real: Tensor, fake: Tensor,
        u: Tensor,
    ) -> Tensor:  # fmt: skip
        i, labels = self.i, row(batch.labels, self.i)
        if name == "lecam":
            return self.lecam(score(real, labels), score(fake, row(batch.requested, i)))
        if name.endswith("consistency"):
            sets = [(real, labels), (fake, row(batch.requested, i))][: 2 if name.startswith("balanced") else 1]
            whole = torch.zeros((), dtype=torch.float64)
            for k, (samples, told) in enumerate(sets):
                jitter = (2 * u[:, k * real.shape[1] : (k + 1) * real.shape[1]] - 1) * math.sqrt(3)
                moved = samples + SETTINGS["noise"][i] * real.std() * jitter
                whole = whole + ((score(samples, told) - score(moved, told)) ** 2).mean()
            return whole
        if name == "r2":
            points, labels = fake, row(batch.requested, i)
        elif name == "dragan":
            points = real + u[:, :1] * u[:, 1:] * real.std() / 2
        else:
            points = real if name == "r1" else (1 - u) * real + u * fake
        points = points.detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(score(points, labels).sum(), points, create_graph=True)
        norm: Tensor = slope.norm(dim=1)
        if name in ("r1", "r2"):
            return norm.square().mean() / 2
        if name == "max_gradient":
            return norm.square().max()
        excess = (norm - 1).relu() if name == "lipschitz_penalty" else norm - 1
        return excess.square().mean()

    def lecam(self, on_real: Tensor, on_fake: Tensor) -> Tensor:
        """Tseng et al.'s equation, with averages that begin at the first batch."""
        keep, now = SETTINGS["decay"][self.i], (float(on_real.detach().mean()), float(on_fake.detach().mean()))
        self.anchors = tuple(keep * old + (1 - keep) * new for old, new in zip(self.anchors or now, now, strict=True))
        return (on_real - self.anchors[1]).square().mean() + (on_fake - self.anchors[0]).square().mean()

    def critic_loss(self, batch: Batch) -> Tensor:
        real, fake = self.seen(batch.real[self.i], batch, slice(0, 2)), self.generate(batch, slice(2, 4))
        score = self.scorer(iterate=True)
        on_real, on_fake = score(real, row(batch.labels, self.i)), score(fake, row(batch.requested, self.i))
        penalties = self.penalties(score, batch, real, fake)
        if self.case.pairing != "independent":
            return RELATIVISTIC[self.case.pairing, self.case.objective, self.case.loss][0](on_real, on_fake) + penalties
        loss = self.real_loss(on_real)
        if self.case.smoothing:
            loss = (1 - SMOOTHING[self.i]) * loss + SMOOTHING[self.i] * self.fake_loss(on_real)
        return loss + self.fake_loss(on_fake) + penalties

    def unrolled_loss(self, batch: Batch) -> Tensor:
        """The generator's loss after further updates of the critic, by its optimiser's rule as the papers have it."""
        vectors, updates, anchors = dict(self.vectors), self.updates, self.anchors
        self.foreseen = {name: value.detach().requires_grad_() for name, value in self.critic.named_parameters()}
        moments, count = self.moments()
        for _ in range(self.case.unroll):
            gradients = torch.autograd.grad(
                self.critic_loss(batch), list(self.foreseen.values()), create_graph=True, materialize_grads=True
            )
            count += 1
            for (name, value), gradient in zip(list(self.foreseen.items()), gradients, strict=True):
                step = self.foreseen_step(moments[name], gradient, count)
                self.foreseen[name] = value - CRITIC_LR[self.i] * step
                if "clip" in self.case.penalties:
                    self.foreseen[name] = self.foreseen[name].clamp(-CLIP[self.i], CLIP[self.i])
            self.updates += 1
        loss = self.generators_loss(batch)
        self.vectors, self.updates, self.anchors, self.foreseen = vectors, updates, anchors, {}
        return loss

    def moments(self) -> tuple[dict[str, list[Tensor]], int]:
        """First and second moments of the critic's optimiser, and its count."""
        found, count = {}, 0
        for name, parameter in self.critic.named_parameters():
            state = self.optimizers[1].state.get(parameter, {})
            first, second = (state.get(key) for key in ("exp_avg", "exp_avg_sq"))
            first = state.get("momentum_buffer") if first is None else first
            second = state.get("square_avg") if second is None else second
            found[name] = [torch.zeros_like(parameter) if m is None else m.clone() for m in (first, second)]
            count = int(state.get("step", 0))
        return found, count

    def foreseen_step(self, moments: list[Tensor], gradient: Tensor, count: int) -> Tensor:
        (first, second), beta1, beta2 = moments, BETA1[self.i], BETA2[self.i]
        if self.case.optimizer in ("sgd", "nesterov"):
            moments[0] = beta1 * first + gradient
            return gradient + beta1 * moments[0] if self.case.optimizer == "nesterov" else moments[0]
        second = moments[1] = beta2 * second + (1 - beta2) * gradient**2
        least = 1e-300  # a weight that never had a gradient has none here either
        if self.case.optimizer == "rmsprop":
            return gradient / ((second + least).sqrt() + 1e-8)
        first = moments[0] = beta1 * first + (1 - beta1) * gradient
        return first / (1 - beta1**count) / ((second / (1 - beta2**count) + least).sqrt() + 1e-8)

    def generators_loss(self, batch: Batch) -> Tensor:
        if self.case.unroll and not self.foreseen:
            return self.unrolled_loss(batch)
        score = self.scorer(iterate=False)
        on_fake = score(self.generate(batch, slice(0, 2)), row(batch.requested, self.i))
        if self.case.pairing == "independent":
            return self.generator_loss(on_fake)
        on_real = score(self.seen(batch.real[self.i], batch, slice(2, 4)), row(batch.labels, self.i))
        return RELATIVISTIC[self.case.pairing, self.case.objective, self.case.loss][1](on_real, on_fake)

    def differentiate(self, for_critic: Batch | None, for_generator: Batch | None) -> list[Tensor]:
        """Set the gradients of one or both players at the present weights."""
        asked = [(self.critic, self.critic_loss, for_critic), (self.generator, self.generators_loss, for_generator)]
        games = [(list(module.parameters()), loss(batch)) for module, loss, batch in asked if batch is not None]
        if self.case.updates == "sga":
            self.adjust(games)
            return [loss.detach() for _, loss in games]
        consensus = self.case.penalty == "consensus"
        found = [
            torch.autograd.grad(loss, parameters, create_graph=consensus, retain_graph=True)
            for parameters, loss in games
        ]
        energy = (
            self.factor * 0.1 * STRENGTH[self.i] / 2 * torch.stack([g.square().sum() for gs in found for g in gs]).sum()
        )
        for (parameters, _), gradients in zip(games, found, strict=True):
            extra: Sequence[Tensor] = [torch.zeros(())] * len(parameters)
            if consensus:
                extra = torch.autograd.grad(energy, parameters, retain_graph=True, materialize_grads=True)
            for parameter, gradient, more in zip(parameters, gradients, extra, strict=True):
                parameter.grad = gradient.detach() + more
        return [loss.detach() for _, loss in games]

    def adjust(self, games: Sequence[tuple[list[nn.Parameter], Tensor]]) -> None:
        """Symplectic gradient adjustment with the whole Jacobian as a matrix (Balduzzi et al. 2018, algorithm 1)."""
        everything = [parameter for parameters, _ in games for parameter in parameters]
        found = [torch.autograd.grad(loss, parameters, create_graph=True) for parameters, loss in games]
        xi = torch.cat([gradient.flatten() for gradients in found for gradient in gradients])
        rows = torch.autograd.grad(
            xi, everything, torch.eye(len(xi), dtype=xi.dtype), is_grads_batched=True, allow_unused=True
        )
        blocks = [
            torch.zeros(len(xi), parameter.numel(), dtype=xi.dtype) if row is None else row.flatten(1)
            for row, parameter in zip(rows, everything, strict=True)
        ]
        jacobian, xi = torch.cat(blocks, 1), xi.detach()
        adjustment, slope = (jacobian - jacobian.T).T @ xi / 2, jacobian.T @ xi
        sign = torch.sign((xi @ slope) * (adjustment @ slope) / len(xi) + 0.1)
        parts = (xi + sign * adjustment).split([parameter.numel() for parameter in everything])
        for parameter, part in zip(everything, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def update(self, critic: bool = True, generator: bool = True) -> None:
        if critic:
            self.optimizers[1].step()
            self.updates += 1
        if critic and "clip" in self.case.penalties:
            for parameter in self.critic.parameters():
                parameter.data.clamp_(-CLIP[self.i], CLIP[self.i])
        if generator:
            self.optimizers[0].step()

    def step(self, batches: Sequence[Batch]) -> list[Tensor]:
        """The losses of the critic's and of the generator's last update."""
        self.factor = along(self.case, self.i, float(batches[0].progress))
        if self.case.scheduled:
            for optimizer, rates in zip(self.optimizers, (GENERATOR_LR, CRITIC_LR), strict=True):
                (group,) = optimizer.param_groups
                group["lr"] = self.factor * rates[self.i]
                group["betas"] = (BETA1[self.i], self.factor * BETA2[self.i])
                group["alpha"] = self.factor * BETA2[self.i]  # RMSProp's
        if self.case.updates == "alternating":
            for batch in batches[:-1]:
                critic_loss = self.differentiate(batch, None)
                self.update(generator=False)
            generator_loss = self.differentiate(None, batches[-1])
            self.update(critic=False)
            return critic_loss + generator_loss
        losses = self.differentiate(batches[0], batches[0 if self.case.updates == "sga" else 1])
        if self.case.updates == "extragradient":
            modules = (self.generator, self.critic)
            before = [parameter.detach().clone() for module in modules for parameter in module.parameters()]
            self.update()
            losses = self.differentiate(*batches[2:])
            for parameter, value in zip((p for m in modules for p in m.parameters()), before, strict=True):
                parameter.data.copy_(value)
        self.update()
        return losses


def row(labels: Tensor | None, i: int) -> Tensor | None:
    return None if labels is None else labels[i]
