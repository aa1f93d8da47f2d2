"""Under `keep: best` each search keeps its best trial's generators and no other's, in whatever order trials end."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from study.config.plan import StudyPlan
from study.execution.keeping import best_of, superseded, sweep
from study.ledger.entries import CONFIRM, SEARCH, Ended
from study.ledger.journal import Journal
from study.ledger.state import StudyState
from study.search.trials import search_trial
from study.storage import generators
from study.storage.store import Store, store_at

Build = Callable[..., StudyPlan]
PARAMS = {"generator_lr": 1e-3, "critic_steps": 1}
SCORES = {0: 3.0, 1: None, 2: 1.0, 3: 1.0}  # by index; None failed


def end(plan: StudyPlan, state: StudyState, store: Store, index: int, repeat: int = 0) -> None:
    """End a search trial as worker and recorder do: the file, the ending, what is superseded."""
    planned, score = search_trial(plan.config, plan.arms[0], index, PARAMS, repeat), SCORES[index]
    state.apply(planned)
    trial = state.trials[planned.key]
    generators.write(store, trial.trial_id, b"weights")
    former = best_of(plan, state, trial)
    verdict = ("failed", [None, None]) if score is None else ("completed", [score, score])
    about = {"phase": SEARCH, "arm": trial.arm, "repeat": repeat, "index": index, "time": 1.0}
    state.apply(Ended(**about, status=verdict[0], scores=verdict[1]))  # type: ignore[arg-type]
    generators.remove(store, superseded(plan, state, trial, former))


@pytest.mark.parametrize("order", [*permutations(SCORES)][::5])
def test_the_best_stays_in_every_order(tiny: Build, tmp_path: Path, order: tuple[int, ...]) -> None:
    plan, state, store = tiny(keep="best", search__repeats=2), StudyState(), store_at(str(tmp_path))
    for index in order:
        end(plan, state, store, index)
    end(plan, state, store, 0, repeat=1)
    assert generators.listed(store) == {"search-non_saturating-0002", "search-non_saturating-r1-0000"}


def test_of_all_trials_only_failed_ones_go(tiny: Build, tmp_path: Path) -> None:
    plan, state, store = tiny(keep="all"), StudyState(), store_at(str(tmp_path))
    for index in SCORES:
        end(plan, state, store, index)
    assert generators.listed(store) == {f"search-non_saturating-{index:04d}" for index in (0, 2, 3)}


def test_what_a_killed_driver_left_is_swept_and_confirmed_trials_stay(
    tiny: Build, journal: Journal, tmp_path: Path
) -> None:
    best, store = tiny(keep="best"), store_at(str(tmp_path))
    for index, score in SCORES.items():
        planned = search_trial(best.config, best.arms[0], index, PARAMS)
        status, scores = ("failed", []) if score is None else ("completed", [score] * 2)
        journal.append(planned, Ended(phase=SEARCH, arm=planned.arm, index=index, status=status, scores=scores))
    journal.append(search_trial(best.config, best.arms[1], 0, PARAMS))  # under way
    kept = [f"search-non_saturating-{index:04d}" for index in SCORES]
    for trial_id in (*kept, f"{CONFIRM}-non_saturating-0002", "search-hinge-0000"):
        generators.write(store, trial_id, b"weights")
    sweep(tiny(keep="all"), journal.state, store)
    assert len(generators.listed(store)) == 6
    sweep(best, journal.state, store)
    assert generators.listed(store) == {kept[2], f"{CONFIRM}-non_saturating-0002", "search-hinge-0000"}
