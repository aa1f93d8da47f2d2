"""What a worker is told about a trial."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.execution.job import REPORT, REPORTS, Job, from_json, job_of, to_json
from study.ledger.journal import Journal
from study.search.trials import search_trial
from study.storage.store import store_of

Build = Callable[..., StudyPlan]


def made(plan: StudyPlan, journal: Journal, folder: Path, **about: Any) -> Job:
    planned = search_trial(plan.config, plan.arms[0], 0, {"generator_lr": 1e-3, "critic_steps": 1})
    journal.append(planned)
    return job_of(plan, store_of(plan.config, folder), journal.state.trials[planned.key], **about)


def test_a_job_travels_as_a_string(tiny: Build, journal: Journal, tmp_path: Path) -> None:
    job = made(tiny(), journal, tmp_path)
    assert from_json(to_json([job, job])) == [job, job]


@pytest.mark.parametrize(("under_way", "seconds"), [(1, REPORT), (40, REPORT), (1000, 1000 / REPORTS)])
def test_many_workers_together_report_at_a_pace_that_the_driver_takes(
    tiny: Build, journal: Journal, tmp_path: Path, under_way: int, seconds: float
) -> None:
    assert made(tiny(), journal, tmp_path, under_way=under_way).report_seconds == seconds


def test_a_scheduler_sees_every_evaluation(tiny: Build, journal: Journal, tmp_path: Path) -> None:
    plan = tiny(scheduler={"name": "asha", "grace": 1, "reduction": 2})
    assert made(plan, journal, tmp_path, under_way=1000).report_seconds == 0
