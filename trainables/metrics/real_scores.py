"""What fresh real samples score, several times over: the floor of every measurement, and how far one draw is from it.

A mixture is sampled anew for each draw, so the draws are independent. Of other data each draw takes n of the N
held-out points without replacement; the draws overlap, which makes their variance smaller than that of fresh samples by
the factor 1 − n/N, and the spread is divided by its root (Cochran 1977, Sampling Techniques, theorem 2.2; exact for
means). With n = N all draws would be the same one: a single draw is measured, and its spread is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data import DataSet, floats


@dataclass(frozen=True)
class RealScores:
    """What fresh real samples score, by the name of each measurement.

    Attributes:
        mean: over the draws; NaN where a draw could not be measured.
        spread: the standard deviation of a single draw, by which one evaluation of a perfect generator differs from
            the next; NaN where `mean` is, and where a single draw was measured.
        draws: how many were measured.
    """

    mean: Mapping[str, float]
    spread: Mapping[str, float]
    draws: int


def draw(data: DataSet, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
    """`count` fresh real points (1, count, *shape), at most all held-out ones where the data are no mixture, and their
    labels (1, count) if they have any."""
    if data.mixture is not None:
        points, modes = data.mixture.to("cpu").sample(count, generator)
        return points.unsqueeze(0), modes.unsqueeze(0) if data.classes else None
    chosen = torch.randperm(len(data.heldout), generator=generator)[:count].to(data.heldout.device)
    labels = data.heldout_labels
    return floats(data.heldout[chosen]).unsqueeze(0), None if labels is None else labels[chosen].unsqueeze(0)


def summarised(measured: Mapping[str, Tensor], part: float) -> RealScores:
    """The scores of draws measured as columns (draws,), of which each took a `part` of the points there are: 0 for
    independent ones, 1 only for a single draw. Columns of counts are left out."""
    columns = {name: values.double() for name, values in measured.items() if values.ndim == 1}
    draws = len(next(iter(columns.values())))
    mean = {name: float(values.mean()) for name, values in columns.items()}
    if draws == 1:
        return RealScores(mean, dict.fromkeys(mean, math.nan), draws)
    return RealScores(
        mean, {name: float(values.std()) / math.sqrt(1 - part) for name, values in columns.items()}, draws
    )
