"""Walks between latent points, and samples with their nearest training points, as plain arrays for pictures.

A walk leads from one latent point to another. Normal latents are walked along great circles (White 2016), whose points
are as far from the origin as samples are; uniform ones straight.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data import floats
from trainables.metrics import memorisation
from trainables.training import Training

PATHS = 8
STOPS = {"images": 10, "points": 200}
PAIRS = 32  # samples shown beside their neighbours


def gallery(training: Training, replicas: int) -> dict[str, NDArray[Any]]:
    """The arrays of the first `replicas` replicas: `walk` (R, paths, stops, *shape) unless the model has no latents or
    the data lie on a line, and of images `beside` (R, n, 2, *shape), each sample and then the training image nearest to
    it in its pixels."""
    arrays = {}
    if training.model.latent_dim and training.data.shape != (1,):
        arrays["walk"] = walks(training)[:replicas].cpu().numpy()
    if training.data.images:
        arrays["beside"] = neighbour_pairs(training, replicas).cpu().numpy()
    return arrays


def walks(training: Training, paths: int = PATHS) -> Tensor:
    """Samples (R, paths, stops, *shape) along walks; of conditional models each with one label, every class in turn."""
    stops = STOPS["images" if training.data.images else "points"]
    ends = training.model.latents(2 * paths, training.context.streams("pictures"))
    share = torch.linspace(0, 1, stops, device=ends.device)
    between = along(ends[:, :paths], ends[:, paths:], share, training.spec.latent)
    labels = None
    if training.classes:
        turn = torch.arange(paths, device=ends.device) % training.classes
        labels = turn.repeat_interleave(stops).expand(len(ends), -1)
    made: Tensor = training.generate(between.flatten(1, 2), labels).unflatten(1, (paths, stops))
    return made


def along(start: Tensor, end: Tensor, share: Tensor, latent: str) -> Tensor:
    """Points (..., S, L) at the shares (S,) of the way between latents (..., L)."""
    a, b, t = start.unsqueeze(-2), end.unsqueeze(-2), share.unsqueeze(-1)
    straight = a + t * (b - a)
    if latent != "normal" or start.shape[-1] == 1:
        return straight
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1).unsqueeze(-1)
    angle = cosine.clamp(-1, 1).acos()
    sine = angle.sin()
    curved = ((1 - t) * angle).sin() / sine * a + (t * angle).sin() / sine * b
    return curved.where(sine > 1e-4, straight)


def neighbour_pairs(training: Training, replicas: int, count: int = PAIRS) -> Tensor:
    """The first samples of each picture and their nearest training points, (R, count, 2, *shape).

    A sample that is not finite is paired with itself.
    """
    samples = training.samples(count)[0][:replicas]
    points = floats(training.data.train).flatten(1)
    reference = memorisation.TrainingPoints(points, points.mean(0).double(), None, points.new_empty(0))
    shown = []
    for one in samples:
        _, indices = memorisation.nearest(one.flatten(1), reference)
        fine = one.flatten(1).isfinite().all(1).view(-1, *[1] * (one.dim() - 1))
        shown.append(torch.stack([one, floats(training.data.train[indices]).where(fine, one)], 1))
    return torch.stack(shown)
