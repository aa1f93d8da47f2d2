"""The oracle draws real samples and learns nothing: a reference for every measurement of a perfect generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from trainables.batches import Batch
from trainables.models.model import Model, ModelContext
from trainables.networks.layered import LayeredNetwork
from trainables.population import StackedParameters


class Oracle(Model):
    """Fresh draws of a known mixture or, for other data, held-out samples drawn with replacement."""

    reports = ()

    def __init__(self, context: ModelContext) -> None:
        nothing = LayeredNetwork()
        flat = torch.zeros(len(context.seeds), 0, device=context.device)
        super().__init__(context, [StackedParameters(nothing, flat)], batches=0)
        self.data, self.latent_dim = context.data, 0

    def step(self, batches: Sequence[Batch], alive: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        return {}

    def latents(self, count: int, streams: Sequence[torch.Generator]) -> Tensor:
        """The samples themselves, (R, count, *shape)."""
        return self.data.fresh(count, streams)[0]

    def generate(self, weights: Sequence[Tensor], latents: Tensor, labels: Tensor | None) -> Tensor:  # noqa: ARG002
        """Real samples, as drawn."""
        return latents
