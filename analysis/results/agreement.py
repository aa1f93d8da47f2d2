"""Agreement of outcomes by eye with the rule's: the confusion table and Cohen's kappa.

Kappa (Cohen 1960) is the agreement beyond chance, (a - e) / (1 - e), of the agreement a and of e, what two judges would
agree on who use each outcome as often but independently. 1 is full agreement, 0 that of chance. It says nothing, and
is NaN, where either uses one outcome alone: it would be 0 however often they agree. Its interval is the bootstrap's
over replicas, by percentiles; there is none for a table without a disagreement, of which every resample is alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.record.schema import OUTCOMES
from analysis.statistics.bootstrap import Resampling, ordered_quantiles
from analysis.statistics.intervals import Floats, Interval, wilson

CHOICES = tuple(name for name in OUTCOMES if name not in ("truncated", "failed"))  # what can be seen in a replica
CANNOT_TELL = "cannot tell"
REPLICA = ["study", "trial_id", "seed"]
NOTHING = "no replica has both a label and an outcome"
ONE_ALONE = "one outcome alone by eye or by the rule says nothing of agreement beyond chance"
NO_INTERVAL = "no interval, as there is no disagreement that could have been more or less frequent"


@dataclass(frozen=True)
class Agreement:
    """Labels by eye beside the rule's verdicts.

    Attributes:
        table: counts; rows are outcomes by eye, columns the rule's, those that occur in either, in `OUTCOMES`' order.
        n: replicas compared.
        left_out: replicas without a label, or for which a person could not tell.
        agreement: the share on which both agree, with Wilson's interval.
        kappa: Cohen's; `method` says why where it, or its interval, is NaN.
        disagreements: a row per replica with study, trial_id, seed, `by_eye` and `rule`.
    """

    table: pd.DataFrame
    n: int
    left_out: int
    agreement: Interval
    kappa: Interval
    disagreements: pd.DataFrame


def agreement(labels: pd.DataFrame, judged: pd.DataFrame, *, resampling: Resampling) -> Agreement:
    """Compare labels by eye with the rule's verdicts.

    Args:
        labels: `label`, one of `CHOICES`, `CANNOT_TELL` or empty, of replicas by study, trial_id and seed, each once.
        judged: their `outcome`, as of `analysis.results.outcomes.judge_record`; it may hold more replicas.
        resampling: of kappa's interval.

    Raises:
        ValueError: a label is none of these; a replica is unknown or has no outcome.
    """
    wrong = labels[~labels["label"].isin([*CHOICES, CANNOT_TELL, ""])]
    if len(wrong):
        raise ValueError(f"label: expected one of {', '.join(CHOICES)}, got {wrong['label'].iloc[0]!r}")
    told = labels[labels["label"].isin(CHOICES)]
    verdicts = judged[[*REPLICA, "outcome"]].astype(object)
    both = told[[*REPLICA, "label"]].astype(object).merge(verdicts, on=REPLICA, how="left", validate="one_to_one")
    lost = both[both["outcome"].isna()]
    if len(lost):
        _, trial, seed = lost[REPLICA].iloc[0]
        raise ValueError(f"label: expected of a replica with an outcome, got trial {trial}, seed {seed}")
    both = both.rename(columns={"label": "by_eye", "outcome": "rule"})
    table = confusion(both["by_eye"], both["rule"])
    differ = both["by_eye"] != both["rule"]
    share = replace(wilson(len(both) - int(differ.sum()), len(both), resampling.confidence), captures="replicas")
    disagreements = both[differ].reset_index(drop=True)
    kappa = _with_interval(table.to_numpy(np.int64), resampling)
    return Agreement(table, len(both), len(labels) - len(told), share, kappa, disagreements)


def confusion(first: pd.Series, second: pd.Series) -> pd.DataFrame:
    """The counts (K, K) of two judges' outcomes, the first's as rows; those that occur, in the order of `OUTCOMES`."""
    used = [name for name in OUTCOMES if name in {*first, *second}]
    return pd.crosstab(first, second).reindex(index=used, columns=used, fill_value=0)


def cohens_kappa(tables: ArrayLike) -> Floats:
    """Kappa of confusion tables (…, K, K) of counts."""
    counts = np.asarray(tables, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / counts.sum((-2, -1), keepdims=True)
        expected = (shares.sum(-1) * shares.sum(-2)).sum(-1)
        kappa: Floats = (np.trace(shares, axis1=-2, axis2=-1) - expected) / (1 - expected)
    return np.where(expected < 1 - 1e-12, kappa, np.nan)


def _with_interval(table: NDArray[np.int64], resampling: Resampling) -> Interval:
    n, whole = int(table.sum()), resampling.confidence
    alone = min((table.sum(axis) > 0).sum() for axis in (0, 1)) < 2
    if n == 0 or alone:
        return Interval(np.nan, np.nan, np.nan, n, ONE_ALONE if n else NOTHING, "replicas", whole)
    estimate = float(cohens_kappa(table))
    if np.trace(table) == n:
        return Interval(estimate, np.nan, np.nan, n, NO_INTERVAL, "replicas", whole)
    # Replicas drawn with replacement are a multinomial over the table's cells.
    cells = resampling.generator.multinomial(n, table.ravel() / n, resampling.resamples)
    draws = cohens_kappa(cells.reshape(-1, *table.shape))
    low, high = ordered_quantiles(draws[~np.isnan(draws)], ((1 - whole) / 2, (1 + whole) / 2))
    return Interval(estimate, low, high, n, "bootstrap of replicas", "replicas", whole)
