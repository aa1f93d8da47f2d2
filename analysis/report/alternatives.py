"""What stands for each picture where it cannot be seen: the result that it shows, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.report.findings import Measured
from analysis.results.best_of_k import BestOfK
from analysis.results.compare import ArmOutcomes
from analysis.results.critic_bound import GAP, ArmCriticBound, BoundCurve
from analysis.results.dirac import DiracMap
from analysis.results.incidence import Incidences
from analysis.results.jacobian import ArmSpectrum
from analysis.results.learning import LearningCurve, ModeShares
from analysis.results.pairs import Comparison
from analysis.results.selection_bias import SelectionBias
from analysis.results.sensitivity import Sensitivity
from analysis.results.survival import Survival
from analysis.statistics.intervals import Floats
from analysis.wording import EVENTS, NOT_JUDGED, clock_time, counted, listed, named, number, percent, spoken_time, whole

MOST = 12  # arms or pairs that are listed; of more the first
NOTHING = "not measured"
TENTH = 0.1  # of an even share of the samples, from which a mode is held


def outcomes(found: Sequence[ArmOutcomes]) -> str:
    """The share of each arm's replicas that converged."""
    shares = _each((one.arm, percent(one.probabilities["converged"].estimate)) for one in found)
    return f"Share of replicas that converged: {shares}."


def survival(found: Survival) -> str:
    """How long each arm went without the event, and how many replicas met it."""
    means = {one.arm: f" (on average {spoken_time(found.clock, one.mean)} without)" for one in found.means}
    met = _each((one.arm, f"{one.events} of {one.n}{means.get(one.arm, '')}") for one in found.curves)
    return f"Replicas that met {EVENTS[found.event]}: {met}."


def incidence(found: Incidences) -> str:
    """The share of each arm that met one kind of failure."""
    pairs = zip(found.curves, found.at_horizon, strict=True)
    shares = _each((curve.arm, percent(share.estimate)) for curve, share in pairs)
    return f"Share that had met {EVENTS[found.event]} by {clock_time(found.clock, found.horizon)}: {shares}."


def quality(found: Measured) -> str:
    """The median of each arm."""
    medians = _each((one.arm, _score(one.median.estimate)) for one in found.quality)
    return f"Median of the final {named(found.metric)}: {medians}."


def pairs(found: Comparison) -> str:
    """How likely the leader is better than each other arm, and which pairs are told apart."""
    first, *others = found.arms
    chances = _each((arm, percent(found.pair(first, arm).effect.estimate)) for arm in others)
    told = _listed([f"{one.a} from {one.b}" for one in found.told]) or "none"
    return f"A {found.each} of {first} is better than one of another arm with probability: {chances}. Apart: {told}."


def profiles(found: Measured) -> str:
    """The share of each arm at least as good as the bound in the middle of the picture."""
    bounds = found.profiles[0].band.x if found.profiles else ()
    if not len(bounds):
        return f"No replica has a finite {named(found.metric)}."
    middle = len(bounds) // 2
    shares = _each((one.arm, percent(one.band.estimate[middle])) for one in found.profiles)
    return f"Share with a {named(found.metric)} at least as good as {number(float(bounds[middle]))}: {shares}."


def learning(found: Sequence[LearningCurve]) -> str:
    """Where each arm's median began and ended, by measurement."""
    metrics = dict.fromkeys(one.metric for one in found)
    said = [f"{named(name)}: {_each(_course(one) for one in found if one.metric == name)}" for name in metrics]
    return f"Medians from the first evaluation to the last. {'. '.join(said)}."


def mode_shares(found: Sequence[ModeShares]) -> str:
    """How many modes each replica's samples hold at the end."""

    def held(row: ModeShares) -> str:
        seen = [one[np.isfinite(one).all(axis=1)] for one in row.relative]
        return listed([str(int((one[-1] >= TENTH).sum())) if len(one) else NOTHING for one in seen])

    modes = max((row.relative.shape[2] for row in found), default=0)
    return f"Modes of {modes} that hold a tenth of their samples at their last evaluation, seed by seed: " + (
        f"{_each((row.arm, held(row)) for row in found)}."
    )


def samples(shown: Iterable[tuple[str, str, int]], trials: pd.DataFrame) -> str:
    """How the replicas ended whose samples are shown: by arm, trial and seed; `trials` as of `Record.trials`."""
    judged = trials[trials["outcome"].notna()].set_index(["trial_id", "seed"])["outcome"].astype(str)
    said = _each((arm, judged.get((trial, seed), NOT_JUDGED)) for arm, trial, seed in shown)
    return f"Outcomes of the replicas whose samples are shown: {said}."


def selection_bias(found: Sequence[SelectionBias]) -> str:
    """Each winner's score in the search and on fresh seeds."""
    scores = ((one.arm, f"{_score(one.search.estimate)} and {_score(one.confirmed.estimate)}") for one in found)
    return f"Median {_metric(found)} in the search and on fresh seeds: {_each(scores)}."


def best_of_k(found: Sequence[BestOfK], of: str = "configurations") -> str:
    """The best score of each arm after its whole search."""
    spent = whole if of == "configurations" else number
    ends = ((one.arm, one.median) for one in found if len(one.median.x))
    best = ((arm, f"{_score(curve.estimate[-1])} after {spent(curve.x[-1])}") for arm, curve in ends)
    return f"Best {_metric(found)}, {of}: {_each(best)}."


def importances(found: Sequence[Sensitivity]) -> str:
    """The hyperparameter that matters most in each arm."""
    of_arms = [one for one in found if one.importances]
    most = [(one.arm, max(one.importances, key=lambda each: each.interval.estimate)) for one in of_arms]
    return "What matters most: " + (
        f"{_each((arm, f'{each.hyperparameter} ({percent(each.interval.estimate)})') for arm, each in most)}."
    )


def dependence(found: Sequence[Sensitivity]) -> str:
    """Between which values the response changes most in each arm, and with which hyperparameter."""
    said = []
    for one in found:
        widest = max(one.dependence, key=lambda each: float(np.ptp(each.band.estimate)), default=None)
        if widest is not None:
            low, high = widest.band.estimate.min(), widest.band.estimate.max()
            said.append((one.arm, f"with {widest.hyperparameter}, from {number(low)} to {number(high)}"))
    return f"What the response changes most with: {_each(said)}."


def bound_curves(found: Sequence[BoundCurve]) -> str:
    """The last estimate of each arm's critics, and the truth."""
    last = ((one.arm, _last(one.estimate.estimate), _last(one.truth.estimate)) for one in found)
    ends = ((arm, f"{_score(estimate)} of {_score(truth)}") for arm, estimate, truth in last)
    return f"The critic's estimate at the end, of the true divergence: {_each(ends)}."


def bound_errors(found: Sequence[ArmCriticBound]) -> str:
    """The median gap of each arm."""
    gaps = ((one.arm, _score(one.medians[GAP].estimate)) for one in found if GAP in one.medians)
    return f"Median of the truth less the estimate: {_each(gaps)}."


def spectra(found: Sequence[ArmSpectrum]) -> str:
    """The share of each arm's replicas that ended unstable."""
    return "Share of replicas whose leading eigenvalue is on the unstable side: " + (
        f"{_each((one.arm, percent(one.unstable.estimate)) for one in found)}."
    )


def dirac_maps(found: Sequence[DiracMap]) -> str:
    """The share of each map's cells that converged, and how many did not end as predicted."""
    shares = (
        (one.arm, f"{percent(float((one.ends == 0).mean()))}, {counted(int(one.wrong.sum()), 'cell')} not as predicted")
        for one in found
    )
    return f"Share of the map that converged: {_each(shares)}."


def _course(one: LearningCurve) -> tuple[str, str]:
    seen = one.band.estimate[np.isfinite(one.band.estimate)]
    return one.arm, f"{number(seen[0])} to {number(seen[-1])}" if len(seen) else NOTHING


def _last(values: Floats) -> float:
    seen = values[np.isfinite(values)]
    return float(seen[-1]) if len(seen) else float("nan")


def _metric(found: Sequence[SelectionBias] | Sequence[BestOfK]) -> str:
    return named(found[0].metric) if found else "score"


def _score(value: float) -> str:
    """A score in words; an infinite one is that of a replica without a finite one."""
    if np.isinf(value):
        return "not finite"
    return NOTHING if np.isnan(value) else number(value)


def _each(values: Iterable[tuple[str, str]]) -> str:
    """`a 5 %, b 7 %`; of nobody that it was not measured."""
    return _listed([f"{name} {words}" for name, words in values]) or NOTHING


def _listed(said: Sequence[str]) -> str:
    return ", ".join(said[:MOST]) + (f" and {len(said) - MOST} more" if len(said) > MOST else "")
