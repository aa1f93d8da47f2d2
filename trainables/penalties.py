"""Regularisation of critics: penalties on gradient and output, clipped weights, spectral normalisation, consensus.

Any of them combines with any objective, and several with each other. A gradient penalty is an expectation, or a
maximum, of a function of the norm of the critic's gradient with respect to its input, at points made from real samples
x and generated samples y. What each row charges is said in its `charges`. A gradient penalty may be lazy: charged in
every k-th update of the critic only, and then k times if compensated (Karras et al. 2020, StyleGAN2, whose optimiser's
rates, scaled as well, are left as they are here). Those on the output are in `trainables.output_penalties`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from trainables.augmentations import numbers
from trainables.checks import choice, flag, interval, only, shown, whole
from trainables.schedules import settled

# Real and generated samples (R, B, *shape) and uniform numbers (R, B, count) to the points where the gradient is taken.
Points = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Penalty:
    """One row: the points where the critic's gradient is taken, the cost of its squared norm (R, B), and the settings.

    `generated`: the points are the generated samples, and carry their labels. `worst`: the largest cost of a batch is
    charged, not the mean. `bounds_slope`: it keeps the critic's slope below a bound, as the Wasserstein distance wants.
    Instead of its gradient the critic's output may be charged: where it changes with a change of the samples of the
    sets `consistent`, or (`anchored`) for its distance to what it was. `settings` maps each setting to its default;
    None means that it must be given. All are positive numbers, within `WITHIN` if they stand there, a weight also a
    schedule of these, but for those of `LAZY`, which every gradient penalty has. `charges` says in words what is
    charged or done.
    """

    name: str
    source: str = ""
    charges: str = ""
    points: Points | None = None
    draws: Callable[[tuple[int, ...]], int] = lambda shape: 0  # uniform numbers that a sample of that shape needs
    cost: Callable[[Tensor], Tensor] | None = None
    generated: bool = False
    worst: bool = False
    consistent: tuple[str, ...] = ()
    anchored: bool = False
    bounds_slope: bool = False
    settings: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def charged(self) -> bool:
        """Whether it is a term of the critic's loss."""
        return self.points is not None or bool(self.consistent) or self.anchored


# Of gradient penalties: charged in one of so many updates of the critic, and whether then so many times.
LAZY: Mapping[str, Any] = {"every": 1, "compensated": True}


WITHIN = {"decay": (0, 1, "left"), "shift": (0, 0.5, "right"), "flip": (0, 1, "both")}
OF_IMAGES, OF_POINTS = ("shift", "flip"), ("noise",)  # settings that mean nothing for the others


@dataclass(frozen=True)
class Term:
    """A penalty in the loss of a population's critics.

    `weight` is (R,), as are its other `settings`; it is charged in one of `every` updates of the critic, the first
    included, and `compensated` then `every` times. `columns` are its own of the uniform numbers (R, B, draws) of a
    batch. `anchors` (R, 2) are moving averages of the critic's outputs on real and on generated samples, NaN before the
    first.
    """

    row: Penalty
    weight: Tensor
    every: int
    compensated: bool
    columns: slice
    settings: Mapping[str, Tensor] = field(default_factory=dict)
    anchors: Tensor | None = None

    def present(self, updates: Tensor) -> Tensor:
        """The weight (R,) in the critic's update after so many, (); 0 where it is not the penalty's turn."""
        if self.every == 1:
            return self.weight
        turn = (updates % self.every == 0).to(self.weight)  # a tensor's answer, so that a step can be recorded
        return self.weight * turn * (self.every if self.compensated else 1)

    def averaged(self) -> Term:
        """The term in every update, at the weight that it has on average over its turns; its anchors are copies."""
        weight = self.weight if self.compensated else self.weight / self.every
        return replace(self.apart(), weight=weight, every=1, compensated=True)

    def apart(self) -> Term:
        """The term with anchors of its own."""
        return self if self.anchors is None else replace(self, anchors=self.anchors.clone())

    def of(self, replicas: slice) -> Term:
        """The term of some replicas, copied to float64; its anchors hold."""
        settings = {name: value[replicas].double() for name, value in self.settings.items()}
        settings |= {"decay": torch.ones_like(settings["decay"])} if self.anchors is not None else {}
        anchors = None if self.anchors is None else self.anchors[replicas].double()
        return replace(self, weight=self.weight[replicas].double(), settings=settings, anchors=anchors)


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


CHANGE = {"shift": 0.125, "flip": 0.0, "noise": 0.01}  # of samples, by `trainables.augmentations.changed`

# fmt: off
_ROWS = (
    Penalty("none", charges="nothing"),
    Penalty(
        "clip", "Arjovsky et al. 2017", "every weight is clamped to [-bound, bound] after each update",
        bounds_slope=True, settings={"bound": None},
    ),
    Penalty(
        "gradient_penalty", "Gulrajani et al. 2017", "weight E (|grad d| - 1)² at x + u (y - x), u ~ U[0, 1]: WGAN-GP",
        _between, lambda shape: 1,
        lambda s: (_norm(s) - 1).square(), bounds_slope=True, settings={"weight": 10.0},
    ),
    Penalty(
        "lipschitz_penalty", "Petzka et al. 2018", "weight E max(0, |grad d| - 1)² at the same points: WGAN-LP",
        _between, lambda shape: 1,
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
        "weight E (|grad d| - 1)² at x + u v std(x)/2, u ~ U[0, 1], v ~ U[0, 1]^dim",
        _around, lambda shape: 1 + math.prod(shape),
        lambda s: (_norm(s) - 1).square(), bounds_slope=True, settings={"weight": 10.0},
    ),
    Penalty(
        "max_gradient", "Zhou et al. 2019", "weight max |grad d|², of a batch's x + u (y - x): LGAN",
        _between, lambda shape: 1,
        lambda s: s, worst=True, bounds_slope=True, settings={"weight": 1.0},
    ),
    Penalty(
        "lecam", "Tseng et al. 2021",
        "weight [E (d(x) - a)² + E (d(y) - b)²], a and b moving averages of d(y) and of d(x) that keep `decay`",
        anchored=True, settings={"weight": 0.3, "decay": 0.99},
    ),
    Penalty(
        "consistency", "Zhang et al. 2020", "weight E (d(x) - d(T x))²: CR",
        draws=numbers, consistent=("real",), settings={"weight": 10.0, **CHANGE},
    ),
    Penalty(
        "balanced_consistency", "Zhao et al. 2021", "weight [E (d(x) - d(T x))² + E (d(y) - d(T y))²]: bCR",
        draws=lambda shape: 2 * numbers(shape), consistent=("real", "generated"), settings={"weight": 10.0, **CHANGE},
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


def resolve(given: Mapping[str, Any], key: str = "penalty") -> tuple[Penalty, dict[str, Any]]:
    """The row and its settings, defaults filled in. Raises `ValueError` or `TypeError` that names the setting."""
    choice(key, given.get("name"), PENALTIES)
    row = PENALTIES[given["name"]]
    values = {name: value for name, value in given.items() if name != "name"}
    lazy = LAZY if row.points is not None else {}
    only(f"penalty {row.name}", values, (*row.settings, *lazy))
    for name, default in row.settings.items():
        value = values.setdefault(name, default)
        if value is None:
            raise ValueError(f"{key}.{name}: {row.name} needs it, expected a positive number, got nothing")
        if name == "weight":
            values[name] = settled(f"{key}.{name}", value, math.inf, "neither")
        else:
            interval(f"{key}.{name}", value, *WITHIN.get(name, (0, math.inf)))
    for name, default in lazy.items():
        value = values.setdefault(name, default)
        flag(f"{key}.{name}", value) if isinstance(default, bool) else whole(f"{key}.{name}", value, low=1)
    return row, values


def resolve_all(given: Sequence[Mapping[str, Any]]) -> list[tuple[Penalty, dict[str, Any]]]:
    """Each of several penalties, or the only one, as `resolve` has it. Raises `ValueError` for one that comes twice."""
    if len(given) == 1:
        return [resolve(given[0])]
    for one in given:
        choice("penalty", one.get("name"), PENALTIES)
    found = [resolve(one, f"penalty.{one['name']}") for one in given]
    names = [row.name for row, _ in found]
    if "none" in names:
        raise ValueError(f"penalty: expected none alone, got {', '.join(names)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"penalty: expected each once, got {twice[0]} twice")
    return found


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
    costs = row.cost(slope.flatten(2).square().sum(2))
    return costs.amax(1) if row.worst else costs.mean(1)


def check_samples(given: Sequence[Mapping[str, Any]], shape: tuple[int, ...]) -> None:
    """Refuse settings that mean nothing for samples of a shape with a `ValueError`."""
    wrong, of = (OF_POINTS, "points") if len(shape) == 3 else (OF_IMAGES, "images")
    for one in given:
        for name in wrong:
            if name in one and PENALTIES[one["name"]].consistent:
                raise ValueError(
                    f"penalty.{name}: expected only for {of}, got {shown(one[name])} for samples of {shape}"
                )


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
