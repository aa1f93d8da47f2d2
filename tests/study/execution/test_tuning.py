"""Tune's controller, driven for real with fake workers."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ray.tune.experiment import Trial

from benchmarks.fake_workers import Fakes, Work, faked
from study.config.plan import StudyPlan
from study.execution.interruption import Interruption
from study.execution.tuning import train
from study.ledger.journal import Journal
from study.progress.live import Progress
from study.progress.tally import Tally
from study.storage.data_set import DataAt
from study.storage.store import store_of

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]


def test_tune_keeps_no_trial_that_has_ended(tiny: Callable[..., StudyPlan], journal: Journal, tmp_path: Path) -> None:
    plan = tiny(search__trials_per_arm=6, search__lag=2, confirm={"top": 1, "replicas": 2})
    held = -1

    def count(*_: Any) -> None:
        nonlocal held
        if held < 0 and sum(trial.ended is not None for trial in journal.state.trials.values()) == 12:
            gc.collect()
            held = sum(issubclass(type(one), Trial) and one.is_finished() for one in gc.get_objects())

    journal.listeners.append(count)
    progress = Progress(plan, Tally(plan, journal.state))
    with faked(Fakes(Work(seconds=10.0, evaluations=2))):
        train(plan, tmp_path, store_of(plan.config, tmp_path), "session", DataAt(), journal, progress, Interruption())
    assert [trial.status for trial in journal.state.trials.values()] == ["completed"] * 14
    assert held in (0, 1)
