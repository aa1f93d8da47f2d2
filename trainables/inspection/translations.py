"""What a cyclegan makes of samples, both ways, as plain arrays for pictures."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray

from trainables.models.cyclegan import CycleGAN
from trainables.population import views
from trainables.training import Training

IMAGES, POINTS = 32, 150  # samples of either way


@torch.no_grad()
def translations(training: Training, replicas: int) -> dict[str, NDArray[Any]]:
    """The arrays of the first `replicas` replicas: `there` (R, n, 2, *shape), samples of the source and what is made of
    each, and `back`, the same of fresh samples of the data; the same samples at every call. Empty for other models."""
    model = training.model
    if not isinstance(model, CycleGAN):
        return {}
    streams, count = training.context.streams("pictures"), IMAGES if training.data.images else POINTS
    weights = views(model.stacks[0].network, training.average)
    a, b = model.latents(count, streams), training.data.fresh(count, streams)[0]
    made = {
        "there": (a, training.generate(a)),
        "back": (b, training.pieces(lambda x, _: model.back(weights, x), b, None)),
    }
    return {name: torch.stack(pair, 2)[:replicas].cpu().numpy() for name, pair in made.items()}
