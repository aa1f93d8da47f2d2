"""Dirac-GANs over a grid of steps and gammas: where gradient descent converges, and where eigenvalues predict it.

The games and their symbols are those of `trainables.objectives.dirac`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from trainables.checks import whole
from trainables.objectives.dirac import array_of, beginning, dynamics, eigenvalues
from trainables.objectives.induced import AnyObjective

ROUNDING = (1e-150, 1e-13)  # distances that are rounding error: without, and with the quadrature of instance noise


@dataclass(frozen=True)
class Sweep:
    """Where gradient descent on a Dirac-GAN converges, over steps (S,) and gammas (G,); everything else is (S, G).

    `radius` is the spectral radius of the map's Jacobian, `predicted` whether radius^steps is below `tolerance`.
    `distance` is the last iterate's from the equilibrium relative to the start's, `converged` whether it is below
    `tolerance`, and `rate` the factor per iteration by which the distance changed last: between 1e-4 and
    rounding if it gets there, else over the second half. All three are of the simulation alone; NaN or infinite
    distances count as not converged, and their rate is infinite.
    """

    step: NDArray[np.float64]
    gamma: NDArray[np.float64]
    steps: int
    tolerance: float
    radius: NDArray[np.float64]
    distance: NDArray[np.float64]
    rate: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """Whether a cell (S, G) converges within the steps by its spectral radius."""
        with np.errstate(divide="ignore"):
            return self.steps * np.log(self.radius) < math.log(self.tolerance)

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether the distance of a cell (S, G) ended below the tolerance."""
        return self.distance < self.tolerance

    @property
    def agreement(self) -> float:
        """The fraction of the cells whose outcome was predicted."""
        return float((self.predicted == self.converged).mean())


def sweep(
    objective: AnyObjective,
    penalty: str | None = None,
    gamma: ArrayLike = (1.0,),
    step: ArrayLike = (0.1,),
    steps: int = 1000,
    updates: str = "simultaneous",
    critic_steps: int = 1,
    start: tuple[float, float] = (1.0, 1.0),
    generator_loss: str = "default",
    tolerance: float = 1e-3,
) -> Sweep:
    """Simulate every pair of a step (S,) and a gamma (G,) at once, and predict each from its eigenvalues.

    The prediction is that of the linearised map, exact in the limit of `start` at (0, 0). Raises as `simulate` does.
    """
    whole("steps", steps, low=2)
    step, gamma = np.atleast_1d(array_of("step", step)), np.atleast_1d(array_of("gamma", gamma))
    rules = updates, critic_steps, generator_loss
    play, size = dynamics(objective, penalty, gamma[None, :], step[:, None], *rules)
    with np.errstate(over="ignore", invalid="ignore"):
        radius = np.abs(eigenvalues(objective, penalty, gamma[None, :], step[:, None], *rules)).max(-1)
    theta, psi = beginning(start, size)
    line, rounding = _LogSlope(size), ROUNDING[play.penalty == "instance_noise"]
    for time in range(1, steps + 1):
        theta, psi = play.iterate(theta, psi, size)
        distance = torch.hypot(theta, psi)
        line.add(time, distance, (distance > rounding) & ((distance < 1e-4) | (time >= steps / 2)))
    rate = line.slope().exp().masked_fill(~distance.isfinite(), torch.inf)
    return Sweep(step, gamma, steps, tolerance, radius, (distance / math.hypot(*start)).numpy(), rate.numpy())


class _LogSlope:
    """Straight lines fitted to the logarithms of distances (...) over time, from running sums."""

    def __init__(self, like: Tensor) -> None:
        self._sums = [torch.zeros_like(like) for _ in range(5)]

    def add(self, time: int, distance: Tensor, counted: Tensor) -> None:
        """Add the finite distances selected by the mask `counted`."""
        weight = (counted & distance.isfinite()).double()
        height = distance.log().nan_to_num(0.0, 0.0, 0.0)
        for power, total in enumerate(self._sums[:3]):
            total.add_(weight * float(time) ** power)
        for power, total in enumerate(self._sums[3:]):
            total.add_(weight * float(time) ** power * height)

    def slope(self) -> Tensor:
        """The slopes; -inf where fewer than two distances were counted: the fall was too fast to measure."""
        n, t, tt, y, ty = self._sums
        return torch.where(n >= 2, (n * ty - t * y) / (n * tt - t * t), -torch.inf)
