"""What a study optimises."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """The names of the metrics that a search optimises, and for each `min` or `max`."""

    metrics: tuple[str, ...]
    modes: tuple[str, ...]

    def worst(self) -> tuple[float, ...]:
        """The value of each metric for a trial whose replicas all diverged: ±inf."""
        return tuple(math.inf if mode == "min" else -math.inf for mode in self.modes)
