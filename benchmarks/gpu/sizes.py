"""What is trained: populations of small networks, and the same networks as plain modules of torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from benchmarks.population import Unmeasured, plain_players
from trainables.data import DataSet, load
from trainables.networks import plain, settings
from trainables.spec import Spec
from trainables.training import Training

LATENTS = 64  # of pictures
STEPS = 10**6  # more than any measurement takes


@dataclass(frozen=True)
class Size:
    """Networks `width` wide, with batches of `batch`: of points on a ring or, with a `side`, of pictures of so many
    pixels a side and `channels`, halved `depth` times (DCGAN)."""

    width: int
    batch: int
    side: int = 0
    channels: int = 1
    depth: int = 2

    @property
    def name(self) -> str:
        """As tables have it."""
        kind = f"DCGAN {self.side}×{self.side}" if self.side else "MLP"
        return f"{kind}, width {self.width}, batch {self.batch}"

    @property
    def latent_dim(self) -> int:
        """Of the generator's input."""
        return LATENTS if self.side else 2

    @cached_property
    def data(self) -> DataSet:
        """The ring, or pictures of noise: what they show costs nothing."""
        if not self.side:
            return load("ring")
        shape = (1000, self.channels, self.side, self.side)
        pictures = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        return DataSet("noise", pictures, None, pictures[:10], None, classes=0)

    @property
    def networks(self) -> dict[str, Any]:
        """Settings of both networks."""
        if self.side:
            return {"kind": "conv", "width": self.width, "depth": self.depth}
        return {"hidden": [self.width, self.width]}

    def spec(self, steps: int = STEPS, evaluations: int = 1, **changes: Any) -> Spec:
        """A training of these networks."""
        both = {"generator": self.networks, "critic": self.networks}
        values = {"data": "ring", "batch_size": self.batch, "latent_dim": self.latent_dim, **both, **changes}
        return Spec(steps=steps, evaluations=evaluations, **values)

    def training(self, replicas: int, device: torch.device, precision: str = "fp32") -> Training:
        """A population that measures nothing."""
        spec = self.spec(precision=precision)
        return Training(spec, range(replicas), device, data=self.data, evaluator=Unmeasured())

    def players(self) -> tuple[nn.Module, nn.Module]:
        """The generator and the critic as modules."""
        if not self.side:
            return plain_players(self.width)
        shape = (self.channels, self.side, self.side)
        return plain.generator(settings("generator", self.networks), self.latent_dim, shape), self._critic()

    def _critic(self) -> nn.Module:
        here, parts = self.channels, []
        for level in range(self.depth):
            there = self.width * 2**level
            parts += [nn.Conv2d(here, there, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
            here = there
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(here * (self.side // 2**self.depth) ** 2, 1))


CARD = (Size(32, 64), Size(64, 128), Size(128, 256), Size(32, 64, side=28), Size(64, 64, side=32, channels=3, depth=3))
PROCESSOR = (Size(32, 64), Size(64, 128), Size(8, 16, side=28))
LEAST = (Size(4, 4), Size(2, 2, side=8))
