from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from study.config.plan import StudyPlan
from study.progress import overheads
from study.progress.overheads import Parts

Build = Callable[..., StudyPlan]
PARTS = Parts(start=20.0, preparation=1.0, training=90.0, evaluation=10.0, records=8.0, report=5.0)


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores, on which trials begin after 10 s and the last things take 5."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(overheads, "BEGINS", 10.0)
    monkeypatch.setattr(overheads, "END", 5.0)


def wall(workers: int, longest: float = 0.0, pace: float = 1.0, **changes: float) -> float:
    return overheads.wall(PARTS._replace(**changes), workers, longest, 1, pace)


def test_a_run_is_all_but_the_report() -> None:
    assert PARTS.run == 20 + 1 + 90 + 10 + 8


def test_workers_share_the_work_and_records_are_kept_beside_it() -> None:
    assert wall(1) == 10 + 100 + 5
    assert wall(2) == 10 + 50 + 5
    assert wall(4) == 10 + 25 + 8 / 4 + 5  # no core is left for the records
    assert wall(2, longest=20) == 10 + 50 + 10 + 5
    assert wall(3, longest=80) == 10 + 80 + 5
    assert wall(2, records=70) == 10 + 70 + 5


def test_a_slow_machine_starts_slowly_and_a_long_preparation_is_waited_for() -> None:
    assert wall(1, pace=2.0) == 20 + 100 + 10
    assert wall(1, preparation=60.0) == 60 + 5 + 100 + 5


def test_records_grow_with_trials_evaluations_and_pictures(least: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"PER_TRIAL": 1.0, "PER_EVALUATION": 0.1, "PER_PICTURE": 10.0}.items():
        monkeypatch.setattr(overheads, name, seconds)
    budget = {"steps": 20, "evaluations": 4, "batch_size": 8}
    plans = [least(budget=budget, tracking={"pictures": pictures}) for pictures in (0, 3, 9)]
    found = [overheads.records(plan.config, 6, 2, 1.0) for plan in plans]
    assert found == pytest.approx([5 + 8 * 1.4, 5 + 8 * 31.4, 5 + 8 * 41.4])
    assert overheads.records(plans[0].config, 6, 2, 2.0) == pytest.approx(2 * found[0])


def test_workers_are_as_many_as_fit(least: Build) -> None:
    asked = ({"cpu": 1}, {"cpu": 3}, {"cpu": 1, "workers": 2}, {"cpu": 1, "workers": 99})
    assert [overheads.workers(least(resources=one).config) for one in asked] == [4, 1, 2, 4]
