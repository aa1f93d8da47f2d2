"""The score that a search is told of a trial: the median over replicas, a diverged one worse than any finite score.

A replica's score is None where it diverged, otherwise its value of the metric (a list where there are several). In the
median a value that could not be measured (NaN, or infinite at the better end, which is no score in a report either) is
as bad as one of a replica that diverged.

Where a study bounds how many replicas may diverge (`search.diverged_at_most`), every configuration that is allowed goes
before any other; those that are not go by how many of their replicas diverged, and then by the same median (Deb's rule,
2000). The median counts the diverged replicas of all of them, as those that did not diverge alone would flatter.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from study.config.goal import Goal

Values = tuple[float, ...]
Score = float | list[float] | None
DIVERGED = "diverged"  # what Optuna is told that the bound on diverged replicas is called
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


def excess(scores: Sequence[Score], goal: Goal) -> float | None:
    """The share of replicas that diverged (None) less the share that may: above 0 the configuration is not allowed,
    which is how Optuna's constraints have it. None where any share may."""
    if goal.diverged_at_most is None:
        return None
    return sum(score is None for score in scores) / len(scores) - goal.diverged_at_most


def beyond(scores: Sequence[Score], goal: Goal) -> float:
    """By what share of replicas too many diverged; 0 where the configuration is allowed. First in every order."""
    return max(0.0, excess(scores, goal) or 0.0)


def none_allowed(share: float) -> str:
    """What is said of an arm none of whose configurations had so small a share of diverged replicas."""
    return (
        f"no configuration diverged in at most {share:.0%} of its replicas so far, and the best is one that diverged"
        " least"
    )


def ordered(scores: Sequence[Score], goal: Goal) -> float:
    """One finite number, as Tune wants it, that puts trials of one metric in their order: the median within ±`LARGEST`
    and, of configurations that are not allowed, what is worse than that by how far they are `beyond`."""
    value, (worst, *_) = medians(scores, goal)[0], goal.worst()
    if over := beyond(scores, goal):
        return math.copysign(LARGEST * (1 + over), worst)
    return max(-LARGEST, min(LARGEST, value))


def _value(score: Score, position: int, worst: float) -> float:
    if isinstance(score, list):  # shorter than the metrics in a ledger of a study that searched fewer
        score = score[position] if position < len(score) else None
    return worst if score is None or math.isnan(score) or score == -worst else score
