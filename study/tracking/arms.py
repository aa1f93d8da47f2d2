"""What an arm's run says: how good its replicas are and how they ended, as the report has it, and its best trials.

Metrics under plain names are of the phase that is judged: the confirmation or, in a study that confirms nothing, the
search. Of a study that confirms, the search's own stand under `search/`. All follows from the ledger up to a position,
so that saying it again changes nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.record.schema import OUTCOMES
from analysis.statistics.bootstrap import Resampling, bootstraps
from analysis.statistics.intervals import Captures, Interval, proportion
from analysis.wording import spoken
from study.config.arms import constants_of
from study.config.plan import StudyPlan
from study.ledger.entries import CONFIRM, SEARCH, Ended, trial_id_of
from study.ledger.ledger import Position, entries
from study.ledger.state import SUMMARY, StudyState, TrialState
from study.ledger.validation import InvalidEntry
from study.search.ranking import best_first, no_longer_chosen
from study.search.scores import beyond, none_allowed
from study.tracking.summaries import Row, hyperparameters, milliseconds, named

NONE_YET = "no replica has a score yet"
SHARES = tuple(name for name in OUTCOMES if name != "failed")


@dataclass(frozen=True)
class Summary:
    """What is logged of one arm, or of the study.

    Attributes:
        arm: its name; "" for the study.
        time: of the newest entry that changed it, unix seconds.
        endings: how many endings of its trials the ledger holds, of a trial that was tried again each.
        metrics: by name; NaN where an order statistic is infinite, as a median is where half of the replicas diverged,
            and for the ends of an interval that so few units do not give: they may have had one before, as of the one
            repeat that was confirmed first, and MLflow's newest value must not remain that.
        tags: the phase that is judged, the metric, the `result` in words, the best and the confirmed trials.
        barred: words on the best trial, where the arm has no configuration that `search.diverged_at_most` allows.
    """

    arm: str
    time: float
    endings: int
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    barred: str = ""

    @property
    def rows(self) -> list[Row]:
        """The metrics as MLflow's rows, whose steps are the endings so far.

        The searched one is the last, and there from the first time on, if only as NaN: MLflow's page that compares runs
        opens on the metric that it heard of first, and `Runs.log` sends the last one first.
        """
        time, goal = milliseconds(self.time), self.tags["metric"]
        others = {name: value for name, value in self.metrics.items() if name != goal}
        last = {goal: self.metrics.get(goal, math.nan)}
        return [(name, value, time, self.endings) for name, value in {**others, **last}.items()]


def params_of(plan: StudyPlan, arm: str) -> dict[str, str]:
    """What is the same in all trials of an arm: its scientific choices and what is fixed; {} for none of the plan's."""
    found = next((one for one in plan.arms if one.name == arm), None)
    return {} if found is None else hyperparameters(constants_of(plan.config, found))


def state_at(folder: Path, position: Position) -> tuple[StudyState, Counter[str]]:
    """The study as its ledger has it up to a position, and the endings of each arm's trials so far."""
    state, endings = StudyState(), Counter[str]()
    for place, entry in entries(folder, kinds=SUMMARY):
        if place > position:
            break
        try:
            state.apply(entry, place)
        except InvalidEntry:
            continue
        if isinstance(entry, Ended):
            endings[entry.arm] += 1
    return state, endings


def summaries_of(plan: StudyPlan, state: StudyState, endings: Mapping[str, int]) -> list[Summary]:
    """Every arm that has a trial: the best median first, those without one last."""
    arms: dict[str, list[TrialState]] = {}
    for trial in state.trials.values():
        arms.setdefault(trial.arm, []).append(trial)
    drawn = any(sum(trial.phase == SEARCH for trial in trials) > 1 for trials in arms.values())
    found = []
    for arm, trials in arms.items():
        time = max(max(trial.planned, trial.ended or 0.0) for trial in trials)
        found.append(Summary(arm, time, endings.get(arm, 0), *_summary(plan, trials, drawn)))
    sign = 1 if plan.goal.modes[0] == "min" else -1
    medians = [sign * one.metrics.get(plan.goal.metrics[0], math.nan) for one in found]
    ranks = sorted(range(len(found)), key=lambda place: (math.isnan(medians[place]), medians[place], place))
    return [found[place] for place in ranks]


def of_study(plan: StudyPlan, arms: Sequence[Summary]) -> Summary:
    """What is said of the whole study: how far it is, and the arm ahead, by its median alone; `arms` is not empty."""
    first, goal = arms[0], plan.goal.metrics[0]
    metrics = {name: sum(arm.metrics[name] for arm in arms) for name in ("trials", "trials_failed")}
    result = (goal, f"{goal}_low", f"{goal}_high", "share_converged")
    metrics |= {name: first.metrics[name] for name in result if name in first.metrics}
    ahead = {"ahead": first.arm, "result": first.tags["result"]} if goal in first.metrics else {}
    tags = {"phase": first.tags["phase"], "metric": goal, **ahead}
    return Summary("", max(arm.time for arm in arms), sum(arm.endings for arm in arms), metrics, tags)


def _summary(
    plan: StudyPlan, trials: Sequence[TrialState], drawn: bool
) -> tuple[dict[str, float], dict[str, str], str]:
    goal, confirms = plan.goal.metrics[0], plan.config.confirm.top > 0
    ended = [trial for trial in trials if trial.status is not None]
    left_out = no_longer_chosen(trials, plan.goal, plan.config.confirm.top)
    searched, confirmed = (
        [one for one in ended if one.phase == phase and one.trial_id not in left_out] for phase in (SEARCH, CONFIRM)
    )
    judged = confirmed if confirms else searched
    metrics = {"trials": float(len(ended)), "trials_failed": float(sum(one.status == "failed" for one in ended))}
    metrics |= _quality(plan, judged, drawn) | _shares(plan, judged, drawn)
    if confirms:
        said = _quality(plan, searched, drawn, alone=True) | _shares(plan, searched, drawn)
        metrics |= {f"search/{name}": value for name, value in said.items()}
    tags = {"phase": CONFIRM if confirms else SEARCH, "metric": goal, "result": _result(goal, metrics)}
    best = best_first(plan.goal, searched)[:1]
    for trial in best:
        tags |= {"best": trial.trial_id} | {f"best.{name}": value for name, value in named(trial.config).items()}
        metrics |= {f"{goal}_best": value for value in _quality(plan, [trial], drawn, alone=True).values()}
    if confirmed:
        tags["confirmed"] = ", ".join(trial.trial_id for trial in confirmed if not trial.round)
    barred = any(beyond(trial.scores, plan.goal) for trial in best)
    return metrics, tags, none_allowed(plan.goal.diverged_at_most or 0.0) if barred else ""


def _result(goal: str, metrics: Mapping[str, float]) -> str:
    """The judged phase's quality and convergence in words."""
    if goal not in metrics:
        return NONE_YET
    estimate, low, high = (metrics.get(name, math.nan) for name in (goal, f"{goal}_low", f"{goal}_high"))
    words = f"median {goal} {spoken(Interval(estimate, low, high, 0, '', 'seeds'))}"
    if math.isnan(estimate):
        words = f"no finite median {goal}, as half of the replicas or more diverged"
    if "share_converged" not in metrics:  # no outcome can be told
        return words
    return f"{words}, {metrics['share_converged']:.0%} of {metrics['replicas']:.0f} replicas converged"


def _quality(plan: StudyPlan, trials: Sequence[TrialState], drawn: bool, alone: bool = False) -> dict[str, float]:
    """The median of the replicas that `analysis.results.cohort` takes and, unless it is wanted `alone`, the ends of its
    interval and the interquartile mean; nothing where no replica has a score."""
    goal, sign = plan.goal.metrics[0], 1 if plan.goal.modes[0] == "min" else -1
    found = [(cost, trial) for trial in trials for cost in _costs(trial, sign) if not math.isnan(cost)]
    if not found:
        return {}
    values = np.array([cost for cost, _ in found])
    if alone:
        return {goal: _finite(sign * float(np.median(values)))}
    units, captures = _units(plan, [trial for _, trial in found], drawn)
    resampling = Resampling(np.random.default_rng(0)).named(np.unique(units))
    both = bootstraps(values, units, resampling, ("median", "iqm"), captures)
    median, iqm = (one if sign == 1 else one.negated() for one in both)
    ends = {f"{goal}_low": _finite(median.low), f"{goal}_high": _finite(median.high)}
    return {goal: _finite(median.estimate), f"{goal}_iqm": _finite(iqm.estimate), **ends}


def _costs(trial: TrialState, sign: int) -> Iterator[float]:
    """A cost for each replica of a trial that ran to its end, +inf where it diverged, NaN where it has no score."""
    if trial.status not in ("completed", "diverged"):
        return
    for score, outcome in zip(trial.scores, trial.outcomes or [""] * len(trial.scores), strict=True):
        first = score[0] if isinstance(score, list) else score
        cost = math.inf if first is None or outcome == "diverged" else sign * float(first)
        yield math.nan if cost == -math.inf else cost


def _shares(plan: StudyPlan, trials: Sequence[TrialState], drawn: bool) -> dict[str, float]:
    """How many replicas have an outcome, the share of each, and an interval of those that converged."""
    judged = [(one, trial) for trial in trials if trial.status != "failed" for one in trial.outcomes if one]
    if not judged:
        return {}
    outcomes = np.array([one for one, _ in judged])
    units, captures = _units(plan, [trial for _, trial in judged], drawn)
    converged = proportion(outcomes == "converged", units, captures=captures)
    shares = {f"share_{name}": float(np.mean(outcomes == name)) for name in SHARES}
    ends = {"share_converged_low": converged.low, "share_converged_high": converged.high}
    return {"replicas": float(len(judged)), **shares, **ends}


def _units(plan: StudyPlan, trials: Sequence[TrialState], drawn: bool) -> tuple[list[str], Captures]:
    """What each replica was drawn with and what an interval captures, as `analysis.results.selection` has it; `drawn`
    says whether the study's searches draw several configurations."""
    repeats = {trial.repeat for trial in trials}
    if trials[0].phase == CONFIRM and len(repeats) > 1:
        return [f"{plan.config.study}/{trial.arm}/r{trial.repeat}" for trial in trials], "both"
    names = [f"{plan.config.study}/{trial_id_of(*trial.key[:4])}" for trial in trials]
    return names, "both" if trials[0].phase == SEARCH and drawn else "seeds"


def _finite(value: float) -> float:
    return value + 0.0 if math.isfinite(value) else math.nan  # a median of 0 that was negated is 0
