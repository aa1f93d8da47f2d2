"""The Dirac-GAN (Mescheder et al. 2018): the smallest GAN there is, with a known spectrum.

The data are a point at 0, the generator a point at theta, the critic is d(x) = psi x, so that

    theta' = -psi l'(psi theta),    psi' = theta g'(psi theta) - the penalty's slope,

with the equilibrium at (0, 0), where the flow's eigenvalues are +-i sqrt(g'(0) l'(0)) for every smooth pair, and
-gamma/2 +- sqrt(gamma^2/4 - g'(0) l'(0)) under R1. Gradient steps of size h turn the flow into a map, which converges
to the equilibrium where its Jacobian's spectral radius is below 1. The objective is applied to d without its link. The
penalties, and the meaning of `gamma` for each (0 is the game without it; a bound is positive):

| penalty | gamma | effect |
|---|---|---|
| r1, r2 | weight | subtracts gamma/2 psi^2 from the critic's objective; the critic's slope is psi everywhere |
| gradient_penalty, dragan | weight | subtracts gamma (abs(psi) - 1)^2, which pushes psi away from its equilibrium |
| max_gradient | weight | subtracts gamma psi^2 |
| lipschitz_penalty | weight | subtracts gamma max(0, abs(psi) - 1)^2, which is 0 near the equilibrium |
| clip | bound | psi clamped to [-gamma, gamma] after every update of the critic |
| instance_noise | standard deviation | N(0, gamma^2) added to data and samples, in expectation (Sonderby et al. 2017) |
| consensus | weight | -gamma times the gradient of half the field's squared norm, added to it (Mescheder et al. 2017) |

Symplectic gradient adjustment adds to the field what `trainables.models.symplectic` says, with d = 2.

Steps and gammas may be arrays that broadcast: every cell is a game of its own. All is float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainables.checks import choice, whole
from trainables.objectives.induced import AnyObjective, resolved
from trainables.objectives.optimum import Function
from trainables.objectives.table import Game
from trainables.penalties import PENALTIES

STABILISERS = ("none", "clip", "instance_noise", "consensus", *(name for name, row in PENALTIES.items() if row.cost))
UPDATES = ("simultaneous", "alternating", "sga")
ALIGNMENT = 0.1  # of symplectic gradient adjustment: added where the field hardly changes in length
NOISE_NODES = 24  # of the Gauss-Hermite rule that takes the expectation over instance noise


def simulate(
    objective: AnyObjective,
    penalty: str | None = None,
    gamma: ArrayLike = 1.0,
    step: ArrayLike = 0.1,
    steps: int = 1000,
    updates: str = "simultaneous",
    critic_steps: int = 1,
    start: tuple[float, float] = (1.0, 1.0),
    generator_loss: str = "default",
) -> NDArray[np.float64]:
    """Gradient descent from `start`: the trajectory (steps + 1, 2) of (theta, psi), or (steps + 1, *cells, 2).

    `alternating` takes `critic_steps` updates of the critic, then one of the generator; `sga` is simultaneous. Where it
    overflows it is infinite or NaN from there on. Raises `ValueError` or `TypeError` naming the argument.
    """
    whole("steps", steps, low=1)
    play, size = dynamics(objective, penalty, gamma, step, updates, critic_steps, generator_loss)
    theta, psi = beginning(start, size)
    places = [torch.stack([theta, psi], -1)]
    for _ in range(steps):
        theta, psi = play.iterate(theta, psi, size)
        places.append(torch.stack([theta, psi], -1))
    return torch.stack(places).numpy()


def eigenvalues(
    objective: AnyObjective,
    penalty: str | None = None,
    gamma: ArrayLike = 1.0,
    step: ArrayLike | None = None,
    updates: str = "simultaneous",
    critic_steps: int = 1,
    generator_loss: str = "default",
) -> NDArray[np.complex128]:
    """Both eigenvalues (2,) or (*cells, 2) of the Jacobian at the equilibrium: of the flow or, given a step, of the
    map.

    A `gradient_penalty` has a kink at the equilibrium, rounded off as in training at 1e-6, which shows as an eigenvalue
    of about 2e6 gamma. NaN where f, g or the generator's loss has no derivative at 0. Raises as `simulate` does.
    """
    given = 1.0 if step is None else step
    play, size = dynamics(objective, penalty, gamma, given, updates, critic_steps, generator_loss)
    at = [torch.zeros_like(size).requires_grad_() for _ in range(2)]
    theta, psi = at
    moved = play.field(theta, psi) if step is None else play.iterate(theta, psi, size)
    rows = [torch.autograd.grad(part.sum(), at, retain_graph=True, materialize_grads=True) for part in moved]
    (a, b), (c, d) = ([part.detach().numpy() for part in row] for row in rows)
    root = np.sqrt((((a - d) / 2) ** 2 + b * c).astype(np.complex128))
    return np.stack([(a + d) / 2 + root, (a + d) / 2 - root], -1)


@dataclass(frozen=True)
class Dynamics:
    """The players' gradients and updates; `gamma` has the shape of the cells. Construct it with `dynamics`."""

    game: Game
    penalty: str
    gamma: Tensor
    updates: str
    critic_steps: int

    def iterate(self, theta: Tensor, psi: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """One iteration of both players."""
        if self.updates != "alternating":
            generator, critic = self.field(theta, psi)
            return theta + step * generator, self._clip(psi + step * critic)
        for _ in range(self.critic_steps):
            psi = self._clip(psi + step * self._critic(theta, psi))
        return theta + step * self._generator(theta, psi), psi

    def field(self, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
        """The vector field: the directions of theta and psi, each in the shape of the cells."""
        if self.updates == "sga":
            return self._adjusted(theta, psi)
        if self.penalty == "consensus":
            return self._consensus(theta, psi)
        return self._generator(theta, psi), self._critic(theta, psi)

    def _generator(self, theta: Tensor, psi: Tensor) -> Tensor:
        if self.penalty == "consensus":
            return self._consensus(theta, psi)[0]
        if self.penalty == "instance_noise":
            noise, weights = self._noise()
            slopes = [_slope(self.game.loss, psi * (theta + sign * noise)) for sign in (1, -1)]
            return -psi * (weights * (slopes[0] + slopes[1])).sum(0)
        return -psi * _slope(self.game.loss, psi * theta)

    def _critic(self, theta: Tensor, psi: Tensor) -> Tensor:
        if self.penalty == "consensus":
            return self._consensus(theta, psi)[1]
        if self.penalty == "instance_noise":
            return self._noisy_critic(theta, psi)
        ascent = theta * _slope(self.game.g, psi * theta)
        cost = PENALTIES[self.penalty].cost if self.penalty in PENALTIES else None
        return ascent if cost is None else ascent - self.gamma * _slope(lambda x: cost(x.square()), psi)

    def _noisy_critic(self, theta: Tensor, psi: Tensor) -> Tensor:
        """The mean of e f'(psi e) + (theta + e) g'(psi (theta + e)) over the noise e, exactly 0 at the equilibrium."""
        noise, weights = self._noise()
        real = [_slope(self.game.f, sign * psi * noise) for sign in (1, -1)]
        fake = [_slope(self.game.g, psi * (theta + sign * noise)) for sign in (1, -1)]
        odd = noise * (real[0] - real[1] + fake[0] - fake[1])
        return (weights * (odd + theta * (fake[0] + fake[1]))).sum(0)

    def _noise(self) -> tuple[Tensor, Tensor]:
        """The positive half (N/2, *cells) of the symmetric rule's nodes, and their weights."""
        nodes, weights = (torch.as_tensor(part[NOISE_NODES // 2 :]) for part in hermegauss(NOISE_NODES))
        shape = (-1, *[1] * self.gamma.dim())
        return nodes.view(shape) * self.gamma, (weights / weights.sum() / 2).view(shape)

    def _consensus(self, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
        keep, plain = theta.requires_grad, replace(self, penalty="none")
        with torch.enable_grad():
            # Separate leaves: under alternating updates psi has been computed from theta.
            at = [place.view_as(place) if keep else place.detach().requires_grad_() for place in (theta, psi)]
            field = plain.field(at[0], at[1])
            half = (field[0].square() + field[1].square()).sum() / 2
            pulls = torch.autograd.grad(half, at, create_graph=keep, materialize_grads=True)
            moves = [part - self.gamma * pull for part, pull in zip(field, pulls, strict=True)]
        return (moves[0], moves[1]) if keep else (moves[0].detach(), moves[1].detach())

    def _adjusted(self, theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
        keep, plain = theta.requires_grad, replace(self, updates="simultaneous")
        with torch.enable_grad():
            at = [place.view_as(place) if keep else place.detach().requires_grad_() for place in (theta, psi)]
            v = plain.field(at[0], at[1])
            (a, b), (c, d) = [torch.autograd.grad(x.sum(), at, create_graph=True, materialize_grads=True) for x in v]
            turn = (c - b) / 2  # of v, which is the negative of the losses' gradients, as are its derivatives
            more = -turn * v[1], turn * v[0]
            slope = a * v[0] + c * v[1], b * v[0] + d * v[1]
            inner = [x[0] * slope[0] + x[1] * slope[1] for x in (v, more)]
            sign = (inner[0] * inner[1] / 2 + ALIGNMENT).sign()
            moves = [x + sign * y for x, y in zip(v, more, strict=True)]
        return (moves[0], moves[1]) if keep else (moves[0].detach(), moves[1].detach())

    def _clip(self, psi: Tensor) -> Tensor:
        return psi.clamp(-self.gamma, self.gamma) if self.penalty == "clip" else psi


def _slope(function: Function, x: Tensor) -> Tensor:
    """The derivative of a function at many places, itself differentiable where x is."""
    keep = x.requires_grad
    with torch.enable_grad():
        at = x if keep else x.detach().requires_grad_()
        value = function(at)
        if not value.requires_grad:
            return torch.zeros_like(x)
        (slope,) = torch.autograd.grad(value.sum(), at, create_graph=keep, materialize_grads=True)
    return slope


def dynamics(
    objective: AnyObjective,
    penalty: str | None,
    gamma: ArrayLike,
    step: ArrayLike,
    updates: str,
    critic_steps: int,
    generator_loss: str,
) -> tuple[Dynamics, Tensor]:
    """Check all arguments; returns the game's dynamics and the step in every cell, for `Dynamics.iterate`.

    The cells are what `gamma` and `step` broadcast to. Raises as `simulate` does.
    """
    name = "none" if penalty is None else penalty
    choice("penalty", name, STABILISERS)
    choice("updates", updates, UPDATES)
    whole("critic_steps", critic_steps, low=1)
    if updates != "alternating" and critic_steps != 1:
        raise ValueError(f"critic_steps: expected 1 with {updates} updates, got {critic_steps}")
    if updates == "sga" and name == "consensus":
        raise ValueError("penalty: expected no consensus with sga, which adjusts both gradients itself")
    weight, size = _numbers("gamma", gamma, positive=name == "clip"), _numbers("step", step, positive=True)
    try:
        weight, size = torch.broadcast_tensors(weight, size)
    except RuntimeError:
        got = f"{tuple(weight.shape)} and {tuple(size.shape)}"
        raise ValueError(f"gamma: expected a shape that broadcasts with that of step, got {got}") from None
    game = resolved(objective, generator_loss)
    return Dynamics(game, name, weight.clone(), updates, critic_steps), size.clone()


def beginning(start: tuple[float, float], size: Tensor) -> tuple[Tensor, Tensor]:
    """The same theta and psi in every cell; raises as `simulate` does."""
    places = array_of("start", start)
    if places.shape != (2,) or not np.isfinite(places).all():
        raise ValueError(f"start: expected two finite numbers, got {start!r}")
    return torch.full_like(size, float(places[0])), torch.full_like(size, float(places[1]))


def _numbers(name: str, values: ArrayLike, positive: bool) -> Tensor:
    array = array_of(name, values)
    if not np.all(np.isfinite(array) & (array >= 0)) or (positive and not np.all(array)):
        expected = "positive finite numbers" if positive else "finite numbers >= 0"
        raise ValueError(f"{name}: expected {expected}, got {values!r}")
    return torch.as_tensor(array)


def array_of(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """An argument's numbers as an array; raises as `simulate` does."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of several lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected a number or an array of numbers, got {values!r}")
    return array.astype(np.float64)
