"""A grid of Dirac-GANs as a model: each (step, gamma) cell is a game, and a training step is one move in every cell.

A replica is a starting point, drawn uniformly from the circle of the data set's radius about the equilibrium. Cells are
computed on the CPU in float64, whatever the device. Near the equilibrium the linear part decides, and the
eigenvalues predict which cells converge (Mescheder et al. 2018). A cell that overflows is a result of the map, not a
divergence of the replica.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.batches import Batch
from trainables.data import DataSet
from trainables.data.source import Axis
from trainables.data.synthetic import Dirac
from trainables.models.model import Model, ModelContext, Pieces
from trainables.networks.layered import LayeredNetwork
from trainables.objectives import dirac
from trainables.population import StackedParameters


class DiracMap(Model):
    """R starts of the same S x G games; the buffers are theta and psi (R, S, G), and how many moves were made."""

    reports = ()
    measured = ("dirac_converged", "dirac_agreement")
    sampled = False
    elsewhere = True

    def __init__(self, context: ModelContext) -> None:
        spec, seeds = context.spec, context.seeds
        self.settings = Dirac(**{name: value for name, value in spec.data.items() if name != "name"})
        self.steps, self.gammas = places(self.settings.step), places(self.settings.gamma)
        rules = (spec.updates, spec.critic_steps, spec.generator_loss)
        objective, penalty = spec.objective, spec.penalties[0]["name"]
        gamma, step = (axis.copy() for axis in np.broadcast_arrays(self.gammas[None, :], self.steps[:, None]))
        with np.errstate(over="ignore", invalid="ignore"):
            values = dirac.eigenvalues(objective, penalty, gamma, step, *rules)
        self.radius = np.abs(values).max(-1)
        shape = (len(seeds), *gamma.shape)
        self._play, self._size = dirac.dynamics(objective, penalty, np.tile(gamma, (len(seeds), 1, 1)), step, *rules)
        streams = context.streams("generator")  # starting points correspond to initial weights
        angles = [torch.rand((), generator=g, device=g.device, dtype=torch.float64) for g in streams]
        turn = 2 * math.pi * torch.stack(angles).cpu().view(-1, 1, 1).expand(shape)
        self.theta, self.psi = self.settings.radius * turn.cos(), self.settings.radius * turn.sin()
        self.moves = torch.zeros((), dtype=torch.int64)
        nothing = StackedParameters(LayeredNetwork(), torch.zeros(len(seeds), 0, device=context.device))
        super().__init__(context, [nothing], buffers=[self.theta, self.psi, self.moves], batches=0)

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        theta, psi = self._play.iterate(self.theta, self.psi, self._size)
        self.theta.copy_(theta)
        self.psi.copy_(psi)
        self.moves += 1
        return {}

    def measure(
        self,
        weights: Sequence[Tensor],  # noqa: ARG002
        samples: Tensor,
        labels: Tensor | None,  # noqa: ARG002
        data: DataSet,  # noqa: ARG002
        pieces: Pieces,  # noqa: ARG002
    ) -> dict[str, Tensor]:
        """The shares (R,) of the cells that have converged, and of those whose outcome the eigenvalues predict."""
        converged = self.distance < self.settings.tolerance
        agreed = converged == torch.as_tensor(self.predicted)
        shares = {"dirac_converged": converged, "dirac_agreement": agreed}
        return {name: cells.double().mean((1, 2)).to(samples.device) for name, cells in shares.items()}

    @property
    def distance(self) -> Tensor:
        """Distances (R, S, G) from the equilibrium, relative to the start's; NaN or infinite after an overflow."""
        return torch.hypot(self.theta, self.psi) / self.settings.radius

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """Whether a cell (S, G) should have converged by now: spectral radius^moves < tolerance."""
        with np.errstate(divide="ignore"):
            predicted: NDArray[np.bool_] = int(self.moves) * np.log(self.radius) < math.log(self.settings.tolerance)
        return predicted

    def picture(self, replicas: int) -> dict[str, NDArray[Any]]:
        """The map: distances (replicas, S, G), axes (S,) and (G,), spectral radii (S, G), moves and tolerance."""
        return {
            "dirac_distance": self.distance[:replicas].numpy(),
            "dirac_step": self.steps,
            "dirac_gamma": self.gammas,
            "dirac_radius": self.radius,
            "dirac_moves": np.array(int(self.moves)),
            "dirac_tolerance": np.array(self.settings.tolerance),
        }


def places(axis: Axis) -> NDArray[np.float64]:
    """The points (count,) of an axis."""
    return np.geomspace(axis.low, axis.high, axis.count)
