"""One row of the benchmark table: what a peer costs, what we cost, their ratio, and what was asked and predicted.

Times on a shared machine wander by half; ratios of neighbours in time wander by a tenth. So a peer and we take turns,
and the ratio is the median over the turns. A prediction is written down before the measurement and never adjusted to
it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import TypeVar

PACKAGES = ("torch", "ray", "optuna", "mlflow", "numpy", "scipy", "torchmetrics")
COLUMNS = ("what", "peer", "peer's cost", "ours", "ratio", "target", "predicted", "met", "how it was measured")
Theirs = TypeVar("Theirs")
Ours = TypeVar("Ours")


@dataclass(frozen=True)
class Comparison:
    """`turns` are pairs of costs in `unit`, the peer's and ours; `target` is the least ratio that was asked."""

    what: str
    peer: str
    unit: str
    turns: Sequence[tuple[float, float]]
    target: float
    predicted: float
    method: str

    @property
    def peer_cost(self) -> float:
        """The peer's median cost."""
        return median(theirs for theirs, _ in self.turns)

    @property
    def our_cost(self) -> float:
        """Our median cost."""
        return median(ours for _, ours in self.turns)

    @property
    def ratio(self) -> float:
        """How many times cheaper we are: the median over the turns."""
        return median(theirs / ours for theirs, ours in self.turns)

    @property
    def met(self) -> bool:
        """Whether the ratio reaches its target."""
        return self.ratio >= self.target

    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of `COLUMNS`."""
        return (
            self.what,
            self.peer,
            f"{self.peer_cost:.3g} {self.unit}",
            f"{self.our_cost:.3g} {self.unit}",
            f"{self.ratio:.1f}×",
            f"≥ {self.target:g}×",
            f"{self.predicted:.1f}×",
            "yes" if self.met else "**no**",
            self.method,
        )


def in_turns(turns: int, peer: Callable[[], Theirs], ours: Callable[[], Ours]) -> list[tuple[Theirs, Ours]]:
    """Measure the peer and us one after the other, some times over."""
    return [(peer(), ours()) for _ in range(turns)]


def table(rows: Sequence[Comparison]) -> str:
    """The rows as a Markdown table."""
    return markdown([COLUMNS, *(row.cells() for row in rows)])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its heads first."""
    heads, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ("---",) * len(heads), *body])


def provenance() -> str:
    """When, with which versions and on how many cores."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    today = datetime.now(UTC).date().isoformat()
    return f"{today}, {cores} cores, Python {platform.python_version()}, {versions}."
