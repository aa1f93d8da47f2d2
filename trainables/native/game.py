"""An adversarial game between dense networks: losses and gradients from a batch in one call a player.

Each replica goes from its batch to its gradient alone, and while its numbers are in the cache.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from trainables.native.dense import DenseLayers
from trainables.native.formulas import Formula
from trainables.native.library import address, kernels, over_replicas


class _Game(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("generator", "critic", "real", "fake", "loss", "cost")),
        ("packing", ctypes.c_int), ("at_fake", ctypes.c_int),
    ]  # fmt: skip


@dataclass(frozen=True)
class DenseGame:
    """Two dense networks and what is made of the critic's outputs: the values of `real` and of `fake` samples, whose
    means the critic raises, and the generator's `loss`. The critic judges `packing` samples at once.

    With a `cost` of the squared slope of the critic's output, its mean at the real samples (`at_fake`: at the generated
    ones) is added to the critic's loss. All tensors but the indices must be `usable`.
    """

    generator: DenseLayers
    critic: DenseLayers
    real: Formula
    fake: Formula
    loss: Formula
    cost: Formula | None = None
    packing: int = 1
    at_fake: bool = False

    def of_critic(
        self, generator: Tensor, critic: Tensor, data: Tensor, indices: Tensor, latents: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The critic's losses (R,) and their gradients (R, P) for the players' weights (R, ...), at real samples
        data[indices], indices (R, B), and at those made from latents (R, B, L); `weight` (R,) is that of the cost."""
        generator, critic, data = generator.contiguous(), critic.contiguous(), data.contiguous()
        indices, latents = indices.contiguous(), latents.contiguous()
        loss, gradient = critic.new_empty(len(critic)), critic.new_empty(critic.shape)
        over_replicas(
            kernels().critic_descent, len(critic), self._described, latents.shape[1], address(generator),
            address(critic), address(data), address(indices), address(latents), address(weight), address(loss),
            address(gradient),
        )  # fmt: skip
        return loss, gradient

    def of_generator(self, generator: Tensor, critic: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's losses (R,) and their gradients (R, P) at latents (R, B, L)."""
        generator, critic, latents = generator.contiguous(), critic.contiguous(), latents.contiguous()
        loss, gradient = generator.new_empty(len(generator)), generator.new_empty(generator.shape)
        over_replicas(
            kernels().generator_descent, len(generator), self._described, latents.shape[1],
            address(generator), address(critic), address(latents), address(loss), address(gradient),
        )  # fmt: skip
        return loss, gradient

    @cached_property
    def _described(self) -> Any:
        formulas = (one and one.described for one in (self.real, self.fake, self.loss, self.cost))
        parts: list[Any] = [self.generator.chain, self.critic.chain, *formulas]
        places = [ctypes.cast(part, ctypes.c_void_p) for part in parts]
        return ctypes.pointer(_Game(*places, self.packing, self.at_fake))
