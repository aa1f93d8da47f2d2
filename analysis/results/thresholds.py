"""The thresholds of the outcomes, as a configuration sets them under `outcomes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

SHARES = ("tail", "quality", "coverage", "support", "modes")  # in [0, 1]
FACTORS = ("factor", "swing", "progress")  # of 1 or more
NOISE_KNOWN = ("mass_js", "fid", "kid", "mmd")  # metrics with an error of their own, or an interval
JUDGED_METRICS = ("mass_js", "fid")  # what `metric` None stands for: the first that is measured
EVALUATIONS = 20  # of a replica, from which on its outcome is told well enough to build on: docs/outcomes.md


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of the outcomes; raises ValueError naming a field out of range.

    Attributes:
        metric: the measurement whose swings and progress are judged: `mass_js`, `fid`, `kid` or `mmd`, whose sampling
            noise is known; None for `mass_js` where it is measured and some samples lie in modes, and `fid` elsewhere.
        tail: share of the evaluations, the last ones, that are judged, in (0, 1]; five at least, where there are as
            many.
        quality: samples are near the data if good ones (of high quality; by precision, where data are no mixture) are
            at least this much as frequent as among fresh real samples.
        coverage: besides, at least this share of the modes, or classes, must be covered that real samples cover.
        factor: besides, FID of data that are no mixture must be at most so many times that of fresh real samples.
        support: instead, where features are the data themselves, `coverage` must be at least this share of that of
            fresh real samples.
        gradient_norm: norm of the generator's gradient under which it is frozen.
        hop_rate: mode mass moved per evaluation, less noise, over which a replica hops.
        modes: share of the modes that hold mass under which a replica has collapsed.
        swing: factor by which `metric` both rises and falls, one of the two within the tail, from which a replica
            oscillates.
        progress: factor by which `metric` falls over the tail from which a replica is still learning, if it ends lower
            than ever before; for `mass_js`, which is bounded, log(progress) / 4 of its range.
        gain: what good samples must become more frequent by over the tail, in units of their share among fresh real
            ones, for a replica near the data to be still learning.
        noise: standard errors that are taken off either end of a rise or fall of `metric`.
    """

    metric: str | None = None
    tail: float = 0.4
    quality: float = 0.8
    coverage: float = 0.9
    factor: float = 4.0
    support: float = 0.6
    gradient_norm: float = 1e-3
    hop_rate: float = 0.2
    modes: float = 0.75
    swing: float = 2.0
    progress: float = 1.3
    gain: float = 0.075
    noise: float = 1.0

    def __post_init__(self) -> None:
        """Check every threshold's type and range."""
        if self.metric is not None and self.metric not in NOISE_KNOWN:
            known = ", ".join(NOISE_KNOWN)
            raise ValueError(
                f"outcomes.metric: expected one of {known}, whose sampling noise is known, or null, got {self.metric!r}"
            )
        for name in NUMBERS:
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                raise ValueError(f"outcomes.{name}: expected a number, got {value!r}")
            if name in SHARES and not 0 <= value <= 1:
                raise ValueError(f"outcomes.{name}: expected a share in [0, 1], got {value!r}")
            least = 1 if name in FACTORS else 0
            if not value >= least:
                raise ValueError(f"outcomes.{name}: expected a number >= {least}, got {value!r}")
        if self.tail == 0:
            raise ValueError("outcomes.tail: expected a share above 0, got 0")


# What the rule before this one was set by, every name of which a study of that time wrote into its configuration.
EARLIER = frozenset(
    {"modes", "hop_rate", "oscillation", "metric", "tail", "critic_accuracy", "gradient_norm", "quality"}
)
KEYS = tuple(field.name for field in fields(Thresholds))
NUMBERS = tuple(name for name in KEYS if name != "metric")


def is_earlier(settings: Mapping[str, Any]) -> bool:
    """Whether these settings were written out by a version with the rule before this one, whose thresholds mean
    nothing to it."""
    return set(settings) == EARLIER


def thresholds_from(settings: Mapping[str, Any]) -> Thresholds:
    """The thresholds that a study's written-out configuration has under `outcomes`; the present defaults for a study
    from before this rule. Raises ValueError for what is no threshold."""
    if is_earlier(settings):
        return Thresholds()
    if unknown := [name for name in settings if name not in KEYS]:
        raise ValueError(f"outcomes: expected of {', '.join(KEYS)}, got {unknown[0]!r}")
    return Thresholds(**settings)
