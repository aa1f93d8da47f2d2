"""What a pilot says of a study to come: how a replica's variance divides, from its confirmed replicas.

Where arms were searched several times and each search's choice was confirmed on the same seeds, it says how much lies
between searches and in arm × seed (`analysis.statistics.crossed`), for the places of quality and for the indicator of
convergence. A pilot whose arms were searched once says how often replicas converge, and nothing of other searches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from analysis.record.loading import Record, RecordError
from analysis.results.cohort import cohorts
from analysis.results.criteria import metric_and_mode
from analysis.results.selection import SPAN, configurations, select
from analysis.statistics.crossed import SEEDS, components, table
from analysis.statistics.intervals import Floats
from analysis.statistics.power import Parts


@dataclass(frozen=True)
class Pilot:
    """A pilot's variances.

    Attributes:
        arms: those with confirmed replicas.
        repeats: most searches of an arm.
        seeds: on which they were confirmed.
        metric: of quality.
        converged: the mean over arms of the share of replicas that converged; NaN where none has an outcome.
        quality: parts of the variance of a replica's place; None where arms were searched once, or all score alike.
        convergence: parts of the variance of whether a replica converged; None likewise.
    """

    arms: int
    repeats: int
    seeds: int
    metric: str
    converged: float
    quality: Parts | None
    convergence: Parts | None


def pilot(record: Record) -> Pilot:
    """The variances of a study's record.

    Raises RecordError where nothing was confirmed, or several configurations of one search; ValueError where its
    metric was not measured.
    """
    selected = select(record, "confirm")
    if not len(selected.trials):
        raise RecordError("phase: expected confirmed replicas, got none; a pilot needs confirm.top: 1")
    if selected.trials.groupby(["arm", "repeat"], observed=True)["index"].nunique().max() > 1:
        raise RecordError("phase: expected one confirmed configuration of each search, got several (confirm.top)")
    metric, mode = metric_and_mode(record.about)
    scored = [one for one in cohorts(selected, metric, mode) if len(one.cost)]
    places = [
        _cells(one.arm, scipy.stats.rankdata(one.cost) / len(one.cost), one.configuration // SPAN, one.seed)
        for one in scored
    ]
    outcome = selected.trials["outcome"].astype(object)
    judged = selected.trials[outcome.notna() & ~outcome.isin(["failed", "truncated"])]
    held = _cells(
        judged["arm"].astype(str),
        judged["outcome"].eq("converged").to_numpy().astype(np.float64),
        configurations(judged) // SPAN,
        judged["seed"],
    )
    share = judged["outcome"].eq("converged").groupby(judged["arm"].astype(str)).mean().mean()
    rows = selected.trials
    return Pilot(
        arms=rows["arm"].nunique(),
        repeats=int(rows.groupby("arm", observed=True)["repeat"].nunique().max()),
        seeds=rows["seed"].nunique(),
        metric=metric,
        converged=float(share),
        quality=parts(_table(pd.concat(places))) if places else None,
        convergence=parts(_table(held)) if len(held) else None,
    )


def parts(cells: Floats) -> Parts | None:
    """The parts of the variance of scores (k, m, S), the mean of the arms'; None where they cannot be told."""
    found = components(cells)
    seeds = float(found.seeds)
    if found.degrees_of_freedom == 0 or seeds < 2 or np.nanmax(np.nanstd(cells, axis=(-2, -1))) == 0:
        return None
    common = float(np.minimum(found.interaction, SEEDS))
    # B holds a share 1/S of the rest, which is all that is neither between repeats nor common to a seed.
    between = (float(found.repeat.mean()) - (1 - common) / seeds) / (1 - 1 / seeds)
    return Parts(float(np.clip(between, 0.0, 1 - common)), common)


def _cells(arm: object, value: Floats, repeat: object, seed: object) -> pd.DataFrame:
    return pd.DataFrame({"arm": arm, "value": value, "repeat": repeat, "seed": seed})


def _table(rows: pd.DataFrame) -> Floats:
    return table(rows["value"], rows["arm"], rows["repeat"], rows["seed"])
