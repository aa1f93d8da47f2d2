"""The thresholds of the outcomes, as a configuration sets them under `outcomes`."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of the outcomes; raises ValueError naming a field out of range.

    Attributes:
        modes: captured share of the modes under which a replica has collapsed, in [0, 1].
        hop_rate: mode mass moved per evaluation, less noise, above which a replica oscillates, ≥ 0.
        oscillation: interquartile range of `metric` relative to its median over which it oscillates, ≥ 0.
        metric: the measurement whose oscillation is judged.
        tail: share of the evaluations, the last ones, that hop rate, oscillation and vanishing look at, in (0, 1];
            three evaluations at least, where there are as many.
        critic_accuracy: median accuracy from which the critic separates perfectly, in [0, 1].
        gradient_norm: median norm of the generator's gradient under which it is negligible, ≥ 0.
        quality: median share of high-quality samples (precision, where data are no mixture) under which it is bad.
    """

    modes: float = 0.5
    hop_rate: float = 0.1
    oscillation: float = 1.0
    metric: str = "fid"
    tail: float = 0.25
    critic_accuracy: float = 0.99
    gradient_norm: float = 1e-3
    quality: float = 0.25

    def __post_init__(self) -> None:
        """Check every threshold's type and range."""
        for item in fields(self):
            value, wanted = getattr(self, item.name), str if item.name == "metric" else (int, float)
            if not isinstance(value, wanted) or isinstance(value, bool):
                expected = "a measurement's name" if wanted is str else "a number"
                raise ValueError(f"outcomes.{item.name}: expected {expected}, got {value!r}")
        for name in ("modes", "tail", "critic_accuracy", "quality"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"outcomes.{name}: expected a share in [0, 1], got {getattr(self, name)!r}")
        for name in ("hop_rate", "oscillation", "gradient_norm"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"outcomes.{name}: expected a number >= 0, got {getattr(self, name)!r}")
        if self.tail == 0:
            raise ValueError("outcomes.tail: expected a share above 0, got 0")
