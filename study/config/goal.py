"""What a study optimises."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """The names of the metrics that a search optimises, and for each `min` or `max`; a configuration is allowed of
    whose replicas at most the share `diverged_at_most` diverged, None: any."""

    metrics: tuple[str, ...]
    modes: tuple[str, ...]
    diverged_at_most: float | None = None

    def worst(self) -> tuple[float, ...]:
        """The value of each metric for a trial whose replicas all diverged: ±inf."""
        return tuple(math.inf if mode == "min" else -math.inf for mode in self.modes)
