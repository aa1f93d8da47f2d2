"""Search spaces as Optuna's distributions."""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from study.config.arms import Arm
from study.config.spaces import Space


def distributions(arm: Arm) -> dict[str, BaseDistribution]:
    """The arm's space, a distribution for each of its hyperparameters."""
    return {name: _distribution(space) for name, space in arm.space.items()}


def _distribution(space: Space) -> BaseDistribution:
    if not space.numeric:
        return CategoricalDistribution(space.options)
    kind: Any = IntDistribution if space.whole else FloatDistribution
    distribution: BaseDistribution = kind(space.low, space.high, log=space.logarithmic)
    return distribution
