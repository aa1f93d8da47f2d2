"""A study's searches as studies of Optuna, for optuna-dashboard and Optuna's plots: derived from the ledger.

Each search of an arm is a study of Optuna's, NAME/ARM, with /r1 and so on for further repeats. Its trials are the
search's in the order of their indices:

- params: the configuration, with the distributions that the arm's search draws from; where it does not fit these, as in
  a ledger that was edited, there are none, and the user attribute `config` has it;
- values: what the search was told, of each metric the median over the replicas, a diverged one counted as ±∞;
- constraint `diverged`, where the study bounds it: the share of replicas that diverged less the share that may;
- intermediate values: the same median at each evaluation, where there is one metric;
- state: COMPLETE for trials that ended or diverged, PRUNED for those that a scheduler stopped, FAIL and RUNNING;
- user attributes: `trial_id`, `index`, `status`, `message` where there is one, `replicas`, `told`, and `share_OUTCOME`
  for every outcome that some of the replicas came to;
- times: when it was planned, and when it ended, in local time as Optuna has it.

What is confirmed is no part of a search, and is left out.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError
from optuna.study import StudyDirection as Direction
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from study.config.addresses import of_sqlite
from study.config.arms import Arm
from study.config.plan import StudyPlan
from study.ledger.entries import SEARCH, Entry, Key, Planned, Result
from study.ledger.state import StudyState, TrialState
from study.search.distributions import distributions
from study.search.scores import DIVERGED, excess, medians, replica_scores, unmeasured

STATES = {
    "completed": OptunaState.COMPLETE,
    "diverged": OptunaState.COMPLETE,
    "truncated": OptunaState.PRUNED,
    "failed": OptunaState.FAIL,
    None: OptunaState.RUNNING,
}
MARK = "ganstudy"  # the user attribute of a study by which its file is known for ours
Medians = dict[Key, dict[int, float]]  # of each trial's first metric, by step


def read(plan: StudyPlan, folder: Path) -> tuple[StudyState, Medians]:
    """The state of the study in `folder`, and the medians of its evaluations; FileNotFoundError without a ledger."""
    found: Medians = {}

    def see(entry: Entry, trial: TrialState | None) -> None:
        if isinstance(entry, Planned) and trial is not None and not trial.last_step:
            found.pop(entry.key, None)  # it began anew
        if isinstance(entry, Result) and trial is not None:
            columns = trial.results.get(entry.step, entry).columns
            if not unmeasured(columns, plan.goal):
                value = medians(replica_scores(columns, plan.goal), plan.goal)[0]
                found.setdefault(entry.key, {})[entry.step] = value

    return StudyState.replay(folder, seen=see), found


def write(plan: StudyPlan, state: StudyState, found: Medians, path: Path) -> dict[str, int]:
    """Write all searches that have trials to a new SQLite file; the number of trials of each study.

    A trial takes SQLAlchemy some 30 ms of processor. Raises `OSError` where the file cannot be written.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(of_sqlite(path))
    counts = {}
    try:
        for (name, repeat), arm in _searches(plan, state):
            called = f"{plan.config.study}/{arm.name}{f'/r{repeat}' if repeat else ''}"
            directions = [Direction.MINIMIZE if mode == "min" else Direction.MAXIMIZE for mode in plan.goal.modes]
            made = optuna.create_study(storage=storage, study_name=called, directions=directions)
            about = {"arm": name, "repeat": repeat, "metrics": list(plan.goal.metrics)}
            for key, value in {MARK: plan.config.study, **about}.items():
                made.set_user_attr(key, value)
            trials = sorted((t for t in state.trials.values() if t.key[:3] == (SEARCH, name, repeat)), key=_index)
            made.add_trials([_trial(plan, trial, distributions(arm), found.get(trial.key, {})) for trial in trials])
            counts[called] = len(trials)
    except StorageInternalError as error:
        said = getattr(error.__cause__, "orig", error) if path.parent.is_dir() else "its folder is gone"
        raise OSError(errno.EIO, str(said), str(path)) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()
    return counts


def _searches(plan: StudyPlan, state: StudyState) -> Iterator[tuple[tuple[str, int], Arm]]:
    """Each arm and repeat of which there is a search trial, arms in the study's order."""
    there = {trial.key[1:3] for trial in state.trials.values() if trial.phase == SEARCH}
    for arm in plan.arms:
        for repeat in sorted(repeat for name, repeat in there if name == arm.name):
            yield (arm.name, repeat), arm


def _index(trial: TrialState) -> int:
    return trial.index


def _trial(
    plan: StudyPlan, trial: TrialState, space: Mapping[str, BaseDistribution], curve: Mapping[int, float]
) -> FrozenTrial:
    single, ended = len(plan.goal.metrics) == 1, trial.status in STATES and trial.status != "failed"
    values = medians(trial.scores, plan.goal) if trial.scores and ended else None
    state = STATES[trial.status] if trial.status is None or values is not None else OptunaState.FAIL
    known: dict[str, Any] = {
        "state": state,
        "values": None if values is None or (state is OptunaState.PRUNED and not single) else list(values),
        "intermediate_values": dict(curve) if single else {},
    }
    if (over := excess(trial.scores, plan.goal) if values is not None else None) is not None:
        known["constraints"] = {DIVERGED: over}
    attributes = _attributes(trial)
    try:
        made = create_trial(**known, params=trial.config, distributions=dict(space), user_attrs=attributes)
    except (TypeError, ValueError):  # its plan is lost or was edited, or the space is another version's
        made = create_trial(**known, user_attrs={**attributes, "config": trial.config})
    made.datetime_start = datetime.fromtimestamp(trial.planned)
    made.datetime_complete = None if trial.ended is None else datetime.fromtimestamp(trial.ended)
    return made


def _attributes(trial: TrialState) -> dict[str, Any]:
    shares = {f"share_{name}": n / len(trial.outcomes) for name, n in sorted(Counter(trial.outcomes).items())}
    named = {"trial_id": trial.trial_id, "index": trial.index, "status": trial.status or "running"}
    message = {"message": trial.message} if trial.message else {}
    return {**named, **message, "replicas": len(trial.seeds), "told": trial.told, **shares}
