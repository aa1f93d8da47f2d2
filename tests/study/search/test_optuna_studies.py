"""A study's searches as Optuna's, read back by Optuna and held against the ledger."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from study.config import loading
from study.ledger.entries import Ended, Planned, Result
from study.ledger.journal import Journal
from study.ledger.state import StudyState
from study.search.optuna_studies import read, write

SPEC = {"data": {"name": "ring"}, "objective": {"name": "hinge"}, "penalty": {"name": "none"}}


def end(journal: Journal, index: int, status: str, scores: list[Any], repeat: int = 0, **config: Any) -> None:
    """A trial of hinge that reached step 20 and ended, its metric 1 / step at each evaluation of the first replica."""
    of: dict[str, Any] = {"phase": "search", "arm": "hinge", "index": index, "repeat": repeat}
    journal.append(Planned(**of, config=config, spec=SPEC, seeds=[0, 1], told=index))
    for step in (10, 20):
        columns = {"mass_js": [1 / step, 3 / step], "diverged": [False, status == "diverged"]}
        journal.append(Result(**of, seeds=[0, 1], step=step, wall_time=1.0, columns=columns))
    outcomes = ["converged", "diverged" if status == "diverged" else "converged"]
    said = "out of memory" if status == "failed" else ""
    verdict: dict[str, Any] = {"outcomes": [] if status == "failed" else outcomes, "scores": scores}
    journal.append(Ended(**of, status=status, message=said, **verdict))


@pytest.fixture(scope="module")
def folder(begun: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = begun(tmp_path_factory.mktemp("searched") / "tiny", search={"metric": "mass_js", "repeats": 2})
    journal = Journal.open(made)
    end(journal, 0, "completed", [0.2, 0.4], generator_lr=2e-3, critic_steps=1)
    end(journal, 1, "diverged", [0.2, None], generator_lr=3e-3, critic_steps=2)
    end(journal, 2, "truncated", [0.5, 0.7], generator_lr=4e-3, critic_steps=1)
    end(journal, 3, "failed", [], generator_lr=5e-3, critic_steps=1)
    end(journal, 0, "completed", [0.1, 0.1], repeat=1, generator_lr=6e-3, critic_steps=2)
    journal.close()
    return made


def written(folder: Path, path: Path) -> dict[str, optuna.Study]:
    plan, url = loading.load(folder / "study.yaml"), f"sqlite:///{path}"
    counts = write(plan, *read(plan, folder), path)
    found = {name: optuna.load_study(study_name=name, storage=url) for name in counts}
    assert {name: len(one.trials) for name, one in found.items()} == counts
    assert set(optuna.get_all_study_names(url)) == set(counts)
    return found


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, optuna.Study]:
    return written(folder, folder / "optuna.db")


def test_every_search_is_a_study_and_says_what_the_ledger_says(folder: Path, found: dict[str, optuna.Study]) -> None:
    assert sorted(found) == ["tiny/hinge", "tiny/hinge/r1", "tiny/non_saturating"]
    state = StudyState.replay(folder)
    for one in found.values():
        about = one.user_attrs
        assert (about["ganstudy"], about["metrics"]) == ("tiny", ["mass_js"])
        assert one.directions == [optuna.study.StudyDirection.MINIMIZE]
        for trial in one.trials:
            ours = state.trials["search", about["arm"], about["repeat"], trial.user_attrs["index"], 0]
            assert trial.user_attrs["trial_id"] == ours.trial_id
            assert (trial.params or trial.user_attrs["config"]) == ours.config
            assert trial.user_attrs["status"] == (ours.status or "running")
            assert trial.user_attrs["told"] == ours.told
            assert trial.datetime_start is not None
            assert trial.datetime_start.timestamp() == pytest.approx(ours.planned, abs=1e-3)
            ended = None if trial.datetime_complete is None else trial.datetime_complete.timestamp()
            assert ended == (None if ours.ended is None else pytest.approx(ours.ended, abs=1e-3))


def test_states_values_and_curves(found: dict[str, optuna.Study]) -> None:
    hinge = found["tiny/hinge"]
    states = [trial.state for trial in hinge.trials]
    assert states == [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
    assert [trial.values for trial in hinge.trials[:3]] == [[pytest.approx(0.3)], [math.inf], [pytest.approx(0.6)]]
    assert hinge.trials[3].values is None
    assert not any(trial.constraints for trial in hinge.trials)
    assert hinge.best_trial.user_attrs["trial_id"] == "search-hinge-0000"
    assert hinge.trials[0].intermediate_values == pytest.approx({10: 0.2, 20: 0.1})  # of step 5 there is none any more
    assert hinge.trials[1].intermediate_values == {10: math.inf, 20: math.inf}
    assert hinge.trials[1].user_attrs["share_diverged"] == hinge.trials[1].user_attrs["share_converged"] == 0.5
    assert hinge.trials[3].user_attrs["message"] == "out of memory"
    assert hinge.trials[0].params == {"generator_lr": 2e-3, "critic_steps": 1}
    assert set(hinge.trials[0].distributions) == {"generator_lr", "critic_steps"}


def test_a_bound_on_diverged_replicas_is_a_constraint(begun: Callable[..., Path], tmp_path: Path) -> None:
    folder = begun(tmp_path / "tiny", search={"metric": "mass_js", "diverged_at_most": 0.0})
    journal = Journal.open(folder)
    end(journal, 0, "completed", [0.2, 0.4], generator_lr=2e-3, critic_steps=1)
    end(journal, 1, "completed", [0.1, None], generator_lr=3e-3, critic_steps=2)
    end(journal, 2, "failed", [], generator_lr=3e-3, critic_steps=2)
    journal.close()
    hinge = written(folder, tmp_path / "made.db")["tiny/hinge"]
    assert [trial.constraints for trial in hinge.trials] == [{"diverged": 0.0}, {"diverged": 0.5}, {}]
    assert hinge.best_trial.number == 0


def test_a_trial_that_trains_and_one_whose_configuration_is_none_of_the_space(found: dict[str, optuna.Study]) -> None:
    (trial,) = found["tiny/non_saturating"].trials
    assert trial.state == TrialState.RUNNING
    assert [*trial.intermediate_values] == [5, 10]
    assert trial.params == {}
    assert trial.user_attrs["config"] == {"generator_lr": 1e-3, "critic_steps": 1e-3}


def test_several_metrics_have_several_values_and_no_curves(begun: Callable[..., Path], tmp_path: Path) -> None:
    search = {"sampler": "nsga2", "metric": ["fid", "modes"], "mode": ["min", "max"]}
    folder = begun(tmp_path / "tiny", search=search)
    journal = Journal.open(folder)
    end(journal, 0, "completed", [[0.2, 8.0], [0.4, 6.0]], generator_lr=2e-3, critic_steps=1)
    journal.close()
    hinge = written(folder, tmp_path / "made.db")["tiny/hinge"]
    assert [one.name for one in hinge.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert hinge.trials[0].values == pytest.approx([0.3, 7.0])
    assert hinge.trials[0].intermediate_values == {}
