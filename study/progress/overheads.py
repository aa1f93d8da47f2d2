"""What a study does besides training: it starts processes, prepares, keeps records, tells MLflow, and writes a report.

The constants are seconds of a core, measured on a machine of pace 1 (`study.progress.calibration`): two cores of an AMD
EPYC, 2026. They count Ray's processes and the driver's, which work beside the workers.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from study.config.schema import StudyConfig

START, PER_WORKER = 8.0, 3.6  # the driver's imports and Ray; a worker's process and imports
BEGINS = 6.0  # seconds that pass until the first trial trains
PER_TRIAL, PER_EVALUATION, PER_PICTURE = 0.04, 0.0065, 0.03  # the ledger, Tune and MLflow; a picture's drawing
END = 3.0  # the record, MLflow's catching up, Ray's end
REPORT, OF_ARM, OF_TRIAL = 6.0, 0.4, 0.002  # figures and tables, MLflow included


class Parts(NamedTuple):
    """Seconds of one core by what they are for."""

    start: float
    preparation: float
    training: float
    evaluation: float
    records: float
    report: float

    @property
    def run(self) -> float:
        """All but the report, which is a command of its own."""
        return sum(self) - self.report


def workers(config: StudyConfig) -> int:
    """How many trials train at once on this machine."""
    fit = int((os.cpu_count() or 1) / config.resources.cpu)
    return max(1, min(fit, config.resources.workers or fit))


def start(workers: int, pace: float) -> float:
    """What starting takes."""
    return pace * (START + PER_WORKER * workers)


def records(config: StudyConfig, search: int, confirm: int, pace: float) -> float:
    """What the records of so many trials take, from the ledger to MLflow and the record."""
    each = PER_TRIAL + PER_EVALUATION * config.budget.evaluations
    pictures = min(config.tracking.pictures, config.budget.evaluations)
    return pace * (END + (search + confirm) * (each + PER_PICTURE * pictures))


def report(arms: int, trials: int, pace: float) -> float:
    """What the report takes."""
    return pace * (REPORT + OF_ARM * arms + OF_TRIAL * trials)


def wall(parts: Parts, workers: int, longest: float, cpu: float, pace: float) -> float:
    """Seconds from beginning to end.

    The preparation runs while Ray starts. At the end workers are idle, half of the longest trial on average. Records
    are kept beside training by a core that no worker has, or by a share of all.
    """
    begun = max(pace * BEGINS, parts.preparation + pace * BEGINS / 2)
    work = parts.training + parts.evaluation
    spread = work / workers + (longest / 2 if workers > 1 else 0.0)
    cores = os.cpu_count() or 1
    if workers * cpu > cores - 1:
        spread += parts.records * max(cpu, 1.0) / cores
    return begun + max(spread, longest, parts.records) + pace * END
