"""Points about a support of fewer dimensions than the space: a line, a circle, a swiss roll, embedded Gaussians.

They are drawn; their densities, where they have one, are not used.
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
from trainables.data.source import AXES, HELDOUT, TRAIN, integer, number, orthonormal, stream


@dataclass(frozen=True, kw_only=True)
class Support(Drawn):
    """Points of which `draw` says where they lie; without classes unless a kind of them has some."""

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Points (count, d) in float64, and their labels (count,) if there are classes."""

    @property
    def classes(self) -> int:
        return 0

    def load(self) -> DataSet:
        train, labels = self.draw(self.points, stream(self.seed, TRAIN))
        heldout, heldout_labels = self.draw(self.heldout, stream(self.seed, HELDOUT))
        return DataSet(self.name, train.float(), labels, heldout.float(), heldout_labels, self.classes)


@dataclass(frozen=True, kw_only=True)
class Curve(Support):
    """Points of a curve in the plane, and on each coordinate normal noise of standard deviation `std`.

    Attributes:
        std: standard deviation of the noise.
    """

    std: float = number(0.02, low=0.0)

    @abstractmethod
    def curve(self, share: Tensor) -> Tensor:
        """The points (n, 2) at shares (n,) in [0, 1) of the curve's parameter."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        share = torch.rand(count, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, 2, generator=generator, dtype=torch.float64)
        return self.curve(share) + self.std * noise, None


@dataclass(frozen=True, kw_only=True)
class Line(Curve):
    """A segment through 0, filled evenly, with noise.

    Attributes:
        length: from end to end.
        angle (degrees): to the first axis.
    """

    name: ClassVar[str] = "line"
    length: float = number(4.0, low=1e-6)
    angle: float = number(45.0)

    def curve(self, share: Tensor) -> Tensor:
        """From one end to the other."""
        turn = math.radians(self.angle)
        along = torch.tensor([math.cos(turn), math.sin(turn)], dtype=torch.float64)
        return self.length * (share - 0.5)[:, None] * along


@dataclass(frozen=True, kw_only=True)
class Circle(Curve):
    """A circle about 0, filled evenly, with noise.

    Attributes:
        radius: of the circle.
    """

    name: ClassVar[str] = "circle"
    radius: float = number(2.0, low=1e-6)

    def curve(self, share: Tensor) -> Tensor:
        """Once around, from the first axis on."""
        angles = 2 * math.pi * share
        return self.radius * torch.stack([angles.cos(), angles.sin()], -1)


@dataclass(frozen=True, kw_only=True)
class SwissRoll(Curve):
    """scikit-learn's swiss roll seen from its side, over 7.5, with noise as in Gulrajani et al. (2017).

    The curve t·(cos t, sin t)/7.5 with t even from 1.5 π to 4.5 π, so that points are denser inside.
    """

    name: ClassVar[str] = "swiss_roll"
    std: float = number(0.25 / 7.5, low=0.0)

    def curve(self, share: Tensor) -> Tensor:
        """From the inner end outwards."""
        t = 1.5 * math.pi * (1 + 2 * share)
        return torch.stack([t * t.cos(), t * t.sin()], -1) / 7.5


@dataclass(frozen=True, kw_only=True)
class EmbeddedMixture(Support, Labelled):
    """Gaussians of `intrinsic` dimensions on a subspace of `dimensions`, by default equally likely ones: ten of 700 in
    1200, as in Srivastava et al. (2017), VEEGAN, who do not say where the modes lie and how wide they are.

    Here their means are drawn from N(0, spread² I) in the subspace, which has a random orthonormal basis, both fixed by
    `seed`; each coordinate within has standard deviation `std`. The label of a point is the mode it was drawn from.

    Attributes:
        modes (modes): how many there are.
        intrinsic: dimensions of the subspace.
        dimensions: of the space.
        spread: standard deviation of the means' coordinates in the subspace.
        std: standard deviation of every mode, on each coordinate of the subspace.
    """

    name: ClassVar[str] = "embedded_mixture"
    points: int = integer(20_000, low=1)
    heldout: int = integer(5_000, low=1)
    modes: int = integer(10, low=2)
    intrinsic: int = integer(700, low=1)
    dimensions: int = integer(1200, low=1)
    spread: float = number(1.0, low=1e-6)
    std: float = number(0.1, low=1e-6)

    def __post_init__(self) -> None:
        """Refuse also a subspace larger than the space."""
        super().__post_init__()
        if self.intrinsic > self.dimensions:
            raise refused("data.intrinsic", f"at most data.dimensions = {self.dimensions}", self.intrinsic)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dimensions,)

    @property
    def classes(self) -> int:
        return self.modes

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        means, basis = self._laid_out()
        weights = torch.tensor(self.class_weights or (1.0,) * self.modes, dtype=torch.float64)
        labels = torch.multinomial(weights, count, replacement=True, generator=generator)
        noise = torch.randn(count, self.intrinsic, generator=generator, dtype=torch.float64)
        return (means[labels] + self.std * noise) @ basis.T, labels

    def _laid_out(self) -> tuple[Tensor, Tensor]:
        """The means (modes, intrinsic) in the subspace, and its basis (dimensions, intrinsic)."""
        generator = stream(self.seed, AXES)
        means = self.spread * torch.randn(self.modes, self.intrinsic, generator=generator, dtype=torch.float64)
        return means, orthonormal(self.dimensions, self.intrinsic, generator)
