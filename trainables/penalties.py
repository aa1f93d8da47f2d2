"""Regularisation of critics: penalties on the gradient, clipped weights, spectral normalisation, consensus.

Any of them combines with any objective. A gradient penalty is an expectation of a function of the norm of
the critic's gradient with respect to its input, at points made from real samples x and generated samples y. What each
row charges is said in its `charges`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from trainables.checks import choice, interval, only

# Real and generated samples (R, B, *shape) and uniform numbers (R, B, count) to the points where the gradient is taken.
Points = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Penalty:
    """One row: the points where the critic's gradient is taken, the cost of its squared norm (R, B), and the settings.

    `generated`: the points are the generated samples, and carry their labels. `bounds_slope`: it keeps the critic's
    slope below a bound, as the Wasserstein distance wants. `settings` maps each setting to its default; None means that
    it must be given. All are positive numbers. `charges` says in words what is charged or done.
    """

    name: str
    source: str = ""
    charges: str = ""
    points: Points | None = None
    draws: Callable[[int], int] = lambda size: 0  # uniform numbers a sample of that size needs
    cost: Callable[[Tensor], Tensor] | None = None
    generated: bool = False
    bounds_slope: bool = False
    settings: Mapping[str, float | None] = field(default_factory=dict)


def at_real(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:  # noqa: ARG001
    """At the real samples."""
    return real


def at_generated(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:  # noqa: ARG001
    """At the generated samples."""
    return fake


def _between(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:
    return torch.lerp(real, fake, uniform.view(*uniform.shape[:2], *([1] * (real.dim() - 2))))


def _around(real: Tensor, fake: Tensor, uniform: Tensor) -> Tensor:  # noqa: ARG001
    spread = real.flatten(1).std(1).view(-1, *([1] * (real.dim() - 1)))
    noise = uniform[..., :1] * uniform[..., 1:]
    return real + 0.5 * spread * noise.view_as(real)


def _norm(squared: Tensor) -> Tensor:
    return (squared + 1e-12).sqrt()  # the root's gradient at 0 is infinite


# fmt: off
_ROWS = (
    Penalty("none", charges="nothing"),
    Penalty(
        "clip", "Arjovsky et al. 2017", "every weight is clamped to [-bound, bound] after each update",
        bounds_slope=True, settings={"bound": None},
    ),
    Penalty(
        "gradient_penalty", "Gulrajani et al. 2017", "weight E (|grad d| - 1)² at x + u (y - x), u ~ U[0, 1]: WGAN-GP",
        _between, lambda size: 1,
        lambda s: (_norm(s) - 1).square(), bounds_slope=True, settings={"weight": 10.0},
    ),
    Penalty(
        "lipschitz_penalty", "Petzka et al. 2018", "weight E max(0, |grad d| - 1)² at the same points: WGAN-LP",
        _between, lambda size: 1,
        lambda s: (_norm(s) - 1).relu().square(), bounds_slope=True, settings={"weight": 10.0},
    ),
    Penalty(
        "r1", "Mescheder et al. 2018", "weight/2 E |grad d|² at x", at_real,
        cost=lambda s: s / 2, settings={"weight": 1.0},
    ),
    Penalty(
        "r2", "Mescheder et al. 2018", "weight/2 E |grad d|² at y", at_generated,
        cost=lambda s: s / 2, generated=True, settings={"weight": 1.0},
    ),
    Penalty(
        "dragan", "Kodali et al. 2017",
        "weight E (|grad d| - 1)² at x + u v std(x)/2, u ~ U[0, 1], v ~ U[0, 1]^dim", _around, lambda size: 1 + size,
        lambda s: (_norm(s) - 1).square(), bounds_slope=True, settings={"weight": 10.0},
    ),
    Penalty(
        "spectral_norm", "Miyato et al. 2018",
        "each weight matrix is divided by its largest singular value, by one power iteration an update",
        bounds_slope=True,
    ),
    Penalty(
        "consensus", "Mescheder et al. 2017",
        "weight/2 |v|² in both players' losses, v being the gradients of both losses together",
        settings={"weight": 0.1},
    ),
)
# fmt: on

PENALTIES: dict[str, Penalty] = {row.name: row for row in _ROWS}


def resolve(given: Mapping[str, Any]) -> tuple[Penalty, dict[str, float]]:
    """The row and its settings, defaults filled in. Raises `ValueError` or `TypeError` naming the setting."""
    choice("penalty", given.get("name"), PENALTIES)
    row = PENALTIES[given["name"]]
    values = {name: value for name, value in given.items() if name != "name"}
    only(f"penalty {row.name}", values, row.settings)
    for name, default in row.settings.items():
        value = values.setdefault(name, default)
        if value is None:
            raise ValueError(f"penalty.{name}: {row.name} needs it, expected a positive number, got nothing")
        interval(f"penalty.{name}", value, 0, math.inf)
    return row, values


def gradient_penalty(
    row: Penalty,
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    uniform: Tensor,
    slopes: Callable[[Tensor], Tensor | None] = lambda points: None,
) -> Tensor:
    """The unweighted penalty (R,) of a critic (R, B, *shape) -> (R, B); `uniform` is (R, B, draws).

    `slopes` tells the critic's gradients (R, B, *shape) at points, if it can without autograd. Differentiable also with
    respect to whatever the samples were computed from, if they require gradients.
    """
    assert row.points is not None
    assert row.cost is not None
    points = row.points(real, fake, uniform)
    slope = slopes(points)
    if slope is None:
        if not points.requires_grad:
            points = points.detach().requires_grad_()
        (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return row.cost(slope.flatten(2).square().sum(2)).mean(1)


def spectral_start(shapes: Sequence[tuple[int, ...]], generators: Sequence[torch.Generator]) -> list[Tensor]:
    """Unit vectors (R, rows), one per weight matrix, that power iteration starts from."""
    starts = []
    for shape in shapes:
        rows = [torch.randn(shape[0], generator=g, device=g.device) for g in generators]
        starts.append(functional.normalize(torch.stack(rows), dim=1))
    return starts


def spectral_divide(matrix: Tensor, vector: Tensor, iterate: bool) -> Tensor:
    """Divide weights (R, rows, ...) by the singular value that `vector` (R, rows) points at.

    `iterate` first moves `vector`, in place, by one power iteration.
    """
    flat = matrix.flatten(2)
    with torch.no_grad():
        right = functional.normalize(torch.bmm(vector[:, None], flat), dim=2)
        if iterate:
            vector.copy_(functional.normalize(torch.bmm(flat, right.mT), dim=1).squeeze(2))
    sigma = torch.bmm(torch.bmm(vector[:, None], flat), right.mT)
    return matrix / sigma.view(-1, *([1] * (matrix.dim() - 1)))
