"""Plans of trials: their seeds, their ledger entries, and which search trials are confirmed.

The seeds are those of `study.config.seeds`: the same for all arms and configurations. A confirm trial has the repeat
and the index of the search trial that it trains again; more seeds of it, in a later round, are a trial of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from study.config.arms import Arm, spec_for
from study.config.plan import StudyPlan
from study.config.rounds import rounds
from study.config.schema import StudyConfig
from study.config.seeds import confirm_seeds, search_seeds
from study.ledger.entries import CONFIRM, SEARCH, Planned, named
from study.ledger.state import StudyState, TrialState
from study.search.extents import extents
from study.search.ranking import best_first


def search_trial(
    config: StudyConfig, arm: Arm, index: int, params: Mapping[str, Any], repeat: int = 0, told: int | None = None
) -> Planned:
    """The ledger entry that plans an arm's trial with the configuration that the sampler of a repeat drew, having been
    told so many results."""
    return Planned(
        phase=SEARCH,
        arm=arm.name,
        repeat=repeat,
        index=index,
        config=dict(params),
        spec=spec_for(config, arm, params).to_dict(),
        seeds=search_seeds(config, repeat),
        told=told,
    )


def confirm_trial(config: StudyConfig, champion: TrialState, batch: int = 0) -> Planned:
    """The ledger entry that plans the confirmation of a search trial on the fresh seeds of a round."""
    return replace(planned_again(champion), phase=CONFIRM, round=batch, seeds=confirm_seeds(config, batch), told=None)


def planned_again(trial: TrialState) -> Planned:
    """The ledger entry after which a trial that ended starts over."""
    return Planned(**named(trial.key), config=trial.config, spec=trial.spec, seeds=trial.seeds, told=trial.told)


def searched(state: StudyState, arm: str, repeat: int) -> list[TrialState]:
    """The trials of one search of an arm."""
    return [trial for trial in state.trials.values() if trial.key[:3] == (SEARCH, arm, repeat)]


def champions(plan: StudyPlan, state: StudyState, arm: str, repeat: int) -> list[TrialState]:
    """The trials of one search of an arm to confirm, the best first; see `ranked`."""
    return ranked(plan, state, arm, repeat)[: plan.config.confirm.top]


def ranked(plan: StudyPlan, state: StudyState, arm: str, repeat: int) -> list[TrialState]:
    """The trials of one search of an arm that ended, the best first; see `study.search.ranking.best_first`. One whose
    plan is lost cannot be trained again and is left out."""
    return best_first(plan.goal, [trial for trial in searched(state, arm, repeat) if trial.spec])


def unconfirmed(plan: StudyPlan, state: StudyState, arm: str, repeat: int) -> list[tuple[TrialState, int]]:
    """The champions of a search with the rounds in which no confirm trial trains them yet, of those that there are to
    be so far: the first rounds first, in each the best champion.

    A confirm trial whose plan is damaged and which has not ended is planned again.
    """

    def confirmed(index: int, batch: int) -> bool:
        trial = state.trials.get((CONFIRM, arm, repeat, index, batch))
        return trial is not None and not (trial.unplanned and trial.status is None)

    found = champions(plan, state, arm, repeat)
    batches = range(rounds(plan.config, extents(plan, state)[arm].seeds))
    return [(trial, batch) for batch in batches for trial in found if not confirmed(trial.index, batch)]
