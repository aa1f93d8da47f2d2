"""Synthetic data: points drawn from a known mixture of Gaussians in one or two dimensions, or from one Gaussian in any.

`points` training points and `heldout` held-out ones are drawn from separate random streams, so that changing
the number of training points does not change the held-out ones. The label of a point is the mode it was drawn from; a
single mode has no labels. `dirac` alone is one point.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.checks import refused
from trainables.data.dataset import DataSet
from trainables.data.drawn import Drawn
from trainables.data.imbalance import Labelled
from trainables.data.mixture import Mixture
from trainables.data.source import (
    AXES,
    HELDOUT,
    TRAIN,
    Axis,
    Source,
    axis,
    integer,
    number,
    numbers,
    orthonormal,
    points,
    spectrum,
    stream,
)

MOST_MODES = 10_000  # each is counted at every evaluation of every replica


@dataclass(frozen=True, kw_only=True)
class KnownMixture(Drawn):
    """Points drawn from the mixture `exact()`."""

    @abstractmethod
    def exact(self) -> Mixture:
        """The exact distribution."""

    @property
    def of_mixture(self) -> bool:
        return True

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.exact().dimensions,)

    @property
    def classes(self) -> int:
        """The modes, or 0 when there is only one."""
        modes = self.exact().modes
        return modes if modes > 1 else 0

    def load(self) -> DataSet:
        exact = self.exact()
        train, labels = exact.sample(self.points, stream(self.seed, TRAIN))
        heldout, heldout_labels = exact.sample(self.heldout, stream(self.seed, HELDOUT))
        labelled = self.classes > 0
        return DataSet(
            name=self.name,
            train=train.float(),
            labels=labels if labelled else None,
            heldout=heldout.float(),
            heldout_labels=heldout_labels if labelled else None,
            classes=self.classes,
            mixture=exact,
        )


@dataclass(frozen=True, kw_only=True)
class SingleGaussian(KnownMixture):
    """N(mean, std²) on every coordinate; by default on a line, where it differs in both from the usual latent N(0, 1).

    With a `spectrum` of d numbers it has these as its standard deviations along d orthogonal axes, which `seed` draws,
    and `std` and `dimensions` mean nothing (with 75 such: the test of symplectic gradient adjustment, Letcher et al.
    2019). It is told as a known mixture in one and two dimensions without a spectrum; else its samples stand for it.

    Attributes:
        mean: of every coordinate.
        std: standard deviation of every coordinate.
        dimensions: of the space.
        spectrum: standard deviations along as many orthogonal axes; null: `std` along `dimensions` of them.
    """

    name: ClassVar[str] = "gaussian"
    mean: float = number(4.0)
    std: float = number(0.5, low=1e-6)
    dimensions: int = integer(1, low=1)
    spectrum: tuple[float, ...] | None = spectrum()

    @property
    def of_mixture(self) -> bool:
        return self.spectrum is None and self.dimensions <= 2

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dimensions if self.spectrum is None else len(self.spectrum),)

    def exact(self) -> Mixture:
        return _alike(torch.full(self.shape, self.mean, dtype=torch.float64).unsqueeze(0), self.std)

    def load(self) -> DataSet:
        if self.of_mixture:
            return super().load()
        train, heldout = (
            self._drawn(count, stream(self.seed, part)).float()
            for count, part in ((self.points, TRAIN), (self.heldout, HELDOUT))
        )
        return DataSet(self.name, train, None, heldout, None, 0)

    def _drawn(self, count: int, generator: torch.Generator) -> Tensor:
        normal = torch.randn(count, *self.shape, generator=generator, dtype=torch.float64)
        if self.spectrum is None:
            return self.mean + self.std * normal
        axes = orthonormal(len(self.spectrum), len(self.spectrum), stream(self.seed, AXES))
        return self.mean + (normal * torch.tensor(self.spectrum, dtype=torch.float64)) @ axes.T


@dataclass(frozen=True, kw_only=True)
class AlikeModes(KnownMixture, Labelled):
    """A mixture whose modes, at `means()`, all have the standard deviation `std` on each coordinate.

    Attributes:
        modes (modes): how many there are.
        spacing: between neighbouring modes of a row or column.
        std: standard deviation of every mode, on each coordinate.
    """

    std: float = number(0.02, low=1e-6)

    @abstractmethod
    def means(self) -> Tensor:
        """Where the modes are, (K, 2)."""

    @property
    def classes(self) -> int:
        modes = len(self.means())
        return modes if modes > 1 else 0

    def exact(self) -> Mixture:
        return _alike(self.means(), self.std, self.class_weights)


@dataclass(frozen=True, kw_only=True)
class Ring(AlikeModes):
    """`modes` Gaussians at angles 2πk/K on a circle; defaults of Metz et al. (2017), Unrolled GANs.

    Attributes:
        radius: of the circle of means.
    """

    name: ClassVar[str] = "ring"
    modes: int = integer(8, low=1, high=MOST_MODES)
    radius: float = number(2.0, low=1e-6)
    std: float = number(0.02, low=1e-6)

    def means(self) -> Tensor:
        """Mode k at radius·(cos 2πk/K, sin 2πk/K)."""
        angles = 2 * math.pi / self.modes * torch.arange(self.modes, dtype=torch.float64)
        return self.radius * torch.stack([angles.cos(), angles.sin()], dim=-1)


@dataclass(frozen=True, kw_only=True)
class Grid(AlikeModes):
    """`modes` (a square number) Gaussians on a grid about 0; defaults of Srivastava et al. (2017), VEEGAN."""

    name: ClassVar[str] = "grid"
    modes: int = integer(25, low=1, high=MOST_MODES)
    spacing: float = number(2.0, low=1e-6)
    std: float = number(0.05, low=1e-6)

    def __post_init__(self) -> None:
        """Refuse also a number of modes that makes no square."""
        super().__post_init__()
        if math.isqrt(self.modes) ** 2 != self.modes:
            raise refused("data.modes", "a square number, 25 for a grid of 5 x 5", self.modes)

    def means(self) -> Tensor:
        """Mode side·i + j at row i and column j."""
        return _lattice(math.isqrt(self.modes), self.spacing)


@dataclass(frozen=True, kw_only=True)
class Sixteen(AlikeModes):
    """Sixteen Gaussians on a 4 x 4 grid about 0, the layout of Balduzzi et al. (2018)."""

    name: ClassVar[str] = "sixteen"
    spacing: float = number(1.0, low=1e-6)
    std: float = number(0.1, low=1e-6)

    def means(self) -> Tensor:
        """Mode 4i + j at row i and column j."""
        return _lattice(4, self.spacing)


@dataclass(frozen=True, kw_only=True)
class ExplicitMixture(KnownMixture):
    """Any mixture in one or two dimensions.

    Attributes:
        means: of the modes, as [-1.0, 2.0] on a line or [[0, 0], [1, 2]] in the plane.
        variances: of the modes, the same on both coordinates.
        weights: how likely the modes are, relative to each other; null: equally.
    """

    name: ClassVar[str] = "mixture"
    means: tuple[tuple[float, ...], ...] = points()
    variances: tuple[float, ...] = numbers(low=1e-12)
    weights: tuple[float, ...] | None = numbers(None, low=1e-12)

    def __post_init__(self) -> None:
        """Refuse also lists of unequal length."""
        super().__post_init__()
        for key, values in (("variances", self.variances), ("weights", self.weights)):
            if values is not None and len(values) != len(self.means):
                raise refused(f"data.{key}", f"{len(self.means)} numbers, one for each mean", list(values))

    def exact(self) -> Mixture:
        weights = self.weights or (1.0,) * len(self.means)
        parts = (weights, self.means, self.variances)
        return Mixture(*(torch.tensor(values, dtype=torch.float64) for values in parts))


@dataclass(frozen=True, kw_only=True)
class Dirac(Source):
    """A point mass at 0, with the grid of Dirac-GANs to simulate on it (Mescheder et al. 2018).

    Every pair of a `step` and a `gamma` is a cell with a game of its own.

    Attributes:
        step: step sizes, evenly spaced on a logarithmic scale.
        gamma: strengths of the penalty, likewise.
        radius: at what distance from the equilibrium games begin.
        tolerance: a game has converged where its distance is below so many times the first; below 1.
    """

    name: ClassVar[str] = "dirac"
    step: Axis = axis(1e-3, 2.0, 64)  # noqa: RUF009
    gamma: Axis = axis(1e-2, 10.0, 64)  # noqa: RUF009
    radius: float = number(0.1, low=1e-6)
    tolerance: float = number(1e-3, low=1e-12)

    def __post_init__(self) -> None:
        """Refuse also a tolerance of 1 or more, at which every game would have converged at its start."""
        super().__post_init__()
        if self.tolerance >= 1:
            raise refused("data.tolerance", "a share below 1 of the first distance", self.tolerance)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1,)

    @property
    def classes(self) -> int:
        return 0

    def load(self) -> DataSet:
        point = torch.zeros(1, 1)
        return DataSet(self.name, point, None, point.clone(), None, 0)


def _alike(means: Tensor, std: float, weights: tuple[float, ...] | None = None) -> Mixture:
    """One standard deviation, and equal weights where none are given."""
    ones = torch.ones(len(means), dtype=torch.float64)
    return Mixture(ones if weights is None else torch.tensor(weights).double(), means, std**2 * ones)


def _lattice(side: int, spacing: float) -> Tensor:
    """(side², 2) points of a square grid centred on 0."""
    line = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return torch.cartesian_prod(line, line)
