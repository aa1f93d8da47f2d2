"""A trial's evaluations on their way from the worker to the ledger, and in its checkpoints, as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.ledger.entries import Result, named

if TYPE_CHECKING:  # the driver's, as in `study.execution.job`
    from study.ledger.state import TrialState


@dataclass(frozen=True)
class TimedEvaluation:
    """What all replicas of a trial measured at one step.

    Attributes:
        step: generator updates taken.
        wall_time: seconds spent training since the trial began; of a pack's, the trial's even share.
        columns: measurement -> one value per replica, as `trainables.training.Evaluation` has them.
        pictures: the file with the samples of its picture, within the study's folder; None: it has none.
    """

    step: int
    wall_time: float
    columns: Mapping[str, Sequence[Any]]
    pictures: str | None = None

    def entry(self, trial: TrialState) -> Result:
        """What the ledger says of it."""
        return Result(**named(trial.key), seeds=trial.seeds, **vars(self))


def to_json(evaluations: Iterable[TimedEvaluation]) -> str:
    """A JSON list with one object per evaluation, as checkpoints hold it."""
    return json.dumps([vars(evaluation) for evaluation in evaluations])


def from_json(text: str) -> list[TimedEvaluation]:
    """The inverse of `to_json`; raises `ValueError` or `TypeError` for anything else."""
    return from_rows(json.loads(text))


def from_rows(rows: Iterable[Mapping[str, Any]]) -> list[TimedEvaluation]:
    """From the objects that a report holds."""
    return [TimedEvaluation(**row) for row in rows]
