"""The score that a search is told of a trial: the median over replicas, a diverged one worse than any finite score.

A replica's score is None where it diverged, otherwise its value of the metric (a list where there are several). A
value that could not be measured (NaN) counts as diverged.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from study.config.goal import Goal

Values = tuple[float, ...]
Score = float | list[float] | None
LARGEST = 1e30  # stands for infinity where Tune and its schedulers need a finite number


def replica_scores(columns: Mapping[str, Sequence[Any]], goal: Goal) -> list[Score]:
    """One score per replica from an evaluation's columns; raises `KeyError` naming a metric that was not measured."""
    if missing := unmeasured(columns, goal):
        raise KeyError(f"search.metric: expected one of {', '.join(sorted(columns))}, got {', '.join(missing)}")
    values = zip(*(columns[name] for name in goal.metrics), strict=True)
    flags = columns.get("diverged") or [False] * len(columns[goal.metrics[0]])
    return [
        None if diverged else (list(value) if len(goal.metrics) > 1 else value[0])
        for diverged, value in zip(flags, values, strict=True)
    ]


def unmeasured(columns: Mapping[str, Sequence[Any]], goal: Goal) -> list[str]:
    """The metrics that an evaluation's columns lack."""
    return [name for name in goal.metrics if name not in columns]


def medians(scores: Sequence[Score], goal: Goal) -> Values:
    """The median over replicas of each metric, ±inf where half of them or more diverged; `scores` is not empty."""
    return tuple(
        statistics.median(_value(score, position, worst) for score in scores)
        for position, worst in enumerate(goal.worst())
    )


def finite(value: float) -> float:
    """The value within ±`LARGEST`, as Tune wants it."""
    return max(-LARGEST, min(LARGEST, value))


def _value(score: Score, position: int, worst: float) -> float:
    if isinstance(score, list):  # shorter than the metrics in a ledger of a study that searched fewer
        score = score[position] if position < len(score) else None
    return worst if score is None or math.isnan(score) else score
