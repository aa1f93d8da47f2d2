"""A feature space of the user's own: the function, or `nn.Module`, at `my_embedding:embed`.

It is called with points (n, *shape), float32, at most `BATCH` at a time, and returns features (n, d), each from its own
point alone.
"""

from __future__ import annotations

import hashlib
import json

import torch
from torch import Tensor, nn

from trainables import own_code
from trainables.data import DataSet, floats
from trainables.metrics.features import FeatureSpace
from trainables.metrics.own import ABSOLUTE, RELATIVE, seeded

BATCH = 256
TRIED = 16  # points that it is tried out on


def own_features(location: str, device: torch.device | str = "cpu") -> FeatureSpace:
    """The space of the function at `module:attribute`; a module is set to evaluate and moved to the device.

    Raises what `own_code.attribute` raises, and `TypeError` for what cannot be called; its map `ValueError` for
    anything but features (n, d).
    """
    embed = own_code.attribute("evaluation.features.module", location)
    if not callable(embed) or isinstance(embed, type):
        raise TypeError(
            f"evaluation.features.module: expected a function or an nn.Module at '{location}', got {embed!r}"
        )
    if isinstance(embed, nn.Module):
        embed = embed.eval().to(device)

    def few(points: Tensor) -> Tensor:
        before = points._version
        with seeded(points.device):
            found = embed(points)
        if points._version != before:
            raise ValueError(f"evaluation.features: '{location}' changes the points in place, expected it not to")
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(points):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            expected = f"features ({len(points)}, d) of points {tuple(points.shape)}"
            raise ValueError(f"evaluation.features: '{location}': expected {expected}, got {got}")
        return found.to(device, torch.float32)

    @torch.no_grad()
    def extract(points: Tensor) -> Tensor:
        return torch.cat([few(some) for some in points.to(device).split(BATCH)])

    code = json.dumps(own_code.digests(), sort_keys=True)
    return FeatureSpace(extract, f"{location} {hashlib.sha256(code.encode()).hexdigest()}")


def try_out(location: str, data: DataSet) -> None:
    """Call the function on a few real points; raises `ValueError` saying what is wrong with what it does."""
    space, points = own_features(location), floats(data.train[:TRIED])
    try:
        together = space(points)
        alone = torch.cat([space(point) for point in points.split(1)])
    except own_code.RAISED as error:
        raise ValueError(f"evaluation.features: '{location}' fails on real points: {own_code.told(error)}") from error
    if not bool(together.isfinite().all()):
        raise ValueError(f"evaluation.features: '{location}': expected finite features of real points, got others")
    scale = float(together.abs().max())
    if not torch.allclose(alone, together, RELATIVE, ABSOLUTE + RELATIVE * scale):
        raise ValueError(
            f"evaluation.features: '{location}': expected a point's features to be the same alone and beside others,"
            f" got a difference of {float((alone - together).abs().max()):g}"
        )
