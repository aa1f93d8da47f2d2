"""Looks at the pairs of arms, between rounds of a confirmation that goes on until they are decided (`confirm.until`).

Once everything is trained that the arms were to have, every pair is tested by quality, as the report does. A pair is
decided when its p over all looks (`analysis.statistics.looks`), corrected by Holm, is at most `ALPHA`; the arms of
pairs that are not go on to the next extent (`study.config.rounds`), the others stay as they are. A look is a function
of what the ledger holds, former looks included, and becomes an entry of it: what is trained next follows from the
ledger alone, whatever the workers, kills and versions.

The unit is the replica where arms are searched once. Where searches are repeated it is the repeat: more seeds take off
only that part of the variance which lies within repeats, and are added while that part is `WORTH` or more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from analysis.results import effects, repeated
from analysis.results.effects import Sample
from analysis.statistics.holm import holm
from analysis.statistics.looks import next_level, over_looks
from study.config.plan import StudyPlan
from study.config.rounds import Extent, looks, rounds
from study.config.schema import StudyConfig
from study.ledger.entries import CONFIRM, Look, LookedAt
from study.ledger.state import StudyState, TrialState
from study.search.extents import extents
from study.search.ranking import no_longer_chosen

ALPHA = 0.05  # family-wise
WORTH = 0.1  # of the variance of an arm's mean


def look(plan: StudyPlan, state: StudyState) -> Look:
    """The ledger entry of the look that is due."""
    sizes = extents(plan, state)
    left_out = no_longer_chosen(state.trials.values(), plan.goal, plan.config.confirm.top)
    trials = [trial for trial in state.trials.values() if trial.phase == CONFIRM and trial.trial_id not in left_out]
    samples = [_sample(plan, trials, arm, size) for arm, size in sizes.items()]
    return looked(plan.config, state.looks, sizes, samples)


def looked(config: StudyConfig, past: Sequence[Look], sizes: Mapping[str, Extent], samples: Sequence[Sample]) -> Look:
    """The look that follows former ones, at arms of these extents; `samples` are their costs, less being better."""
    samples = [one for one in samples if len(one.values)]
    crossed = any(one.repeat.max() > 0 for one in samples)
    present = {one.arm for one in samples}
    pairs = list(combinations(sizes, 2))
    new = _tested(samples, crossed)
    p = [[_p(found.get(pair)) for pair in pairs] for found in (*map(_found, past), new)]
    levels, planned = [one.level for one in past], len(past) + _looks_left(config, past, sizes)
    level = next_level(levels, [one.planned for one in past], planned)
    adjusted = holm(over_looks(p, [*levels, level]))
    told = [LookedAt(*pair, new.get(pair), _known(one)) for pair, one in zip(pairs, adjusted, strict=True)]
    undecided = {arm for pair in told if not decided(pair) and {*pair[:2]} <= present for arm in pair[:2]}
    return Look(
        number=len(past),
        level=level,
        planned=planned,
        extents=sizes,
        pairs=told,
        open=[arm for arm in sizes if arm in undecided],
        more_seeds=not crossed or repeated.gain_of_seeds(samples) >= WORTH,
    )


def decided(pair: LookedAt) -> bool:
    """Whether a pair is told apart."""
    return pair.adjusted is not None and pair.adjusted <= ALPHA


def _sample(plan: StudyPlan, trials: Sequence[TrialState], arm: str, size: Extent) -> Sample:
    """The costs of an arm's replicas within its extent, as `analysis.results.cohort` has them; `trials` are the
    confirmations that count, of all arms."""
    sign = 1 if plan.goal.modes[0] == "min" else -1
    found: list[tuple[int, int, int, float]] = []
    for trial in trials:
        kept = trial.repeat < size.repeats and trial.round < rounds(plan.config, size.seeds)
        if trial.arm != arm or not kept or trial.status in (None, "failed"):
            continue
        for seed, score in zip(trial.seeds, trial.scores, strict=False):
            value = score[0] if isinstance(score, list) else score
            cost = np.inf if value is None else sign * value
            if cost > -np.inf:  # nor NaN: it was not measured
                found.append((trial.repeat, trial.index, seed, cost))
    found.sort()
    return Sample(
        arm,
        np.array([cost for *_, cost in found], np.float64),
        np.array([f"{repeat}-{index}" for repeat, index, *_ in found], np.str_),
        np.array([repeat for repeat, *_ in found], np.int64),
        np.array([seed for *_, seed, _ in found], np.int64),
    )


def _tested(samples: Sequence[Sample], crossed: bool) -> dict[tuple[str, str], float | None]:
    """p of every pair of arms that have a score."""
    if len(samples) < 2:
        return {}
    found = repeated.p_by_rank(samples) if crossed else effects.p_by_rank(samples, "replica")
    return {pair: _known(p) for pair, p in found.items()}


def _looks_left(config: StudyConfig, past: Sequence[Look], sizes: Mapping[str, Extent]) -> int:
    """How many looks there may be from this one on, at the arms that are new or were left open."""
    on = [arm for arm in sizes if not past or arm in past[-1].open or arm not in past[-1].extents]
    return max(looks(config, sizes[arm]) for arm in on)


def _found(one: Look) -> dict[tuple[str, str], float | None]:
    return {(pair.a, pair.b): pair.p for pair in one.pairs}


def _p(value: float | None) -> float:
    return np.nan if value is None else value


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
