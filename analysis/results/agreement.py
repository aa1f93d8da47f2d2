"""Agreement of outcomes by eye with the rule's: the confusion table and Cohen's kappa.

Kappa (Cohen 1960) is the agreement beyond chance, (a - e) / (1 - e), of the agreement a and of e, what two judges would
agree on who use each outcome as often but independently. 1 is full agreement, 0 that of chance; it is NaN where both
use one outcome alone. Its interval is the bootstrap's over replicas, by percentiles: of a table without a disagreement
it has no width, however few replicas there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.record.schema import OUTCOMES
from analysis.statistics.bootstrap import Resampling, ordered_quantiles
from analysis.statistics.intervals import Floats, Interval, wilson

CHOICES = tuple(name for name in OUTCOMES if name not in ("truncated", "failed"))  # what can be seen in a replica
CANNOT_TELL = "cannot tell"
REPLICA = ["study", "trial_id", "seed"]


@dataclass(frozen=True)
class Agreement:
    """Labels by eye beside the rule's verdicts.

    Attributes:
        table: counts; rows are outcomes by eye, columns the rule's, those that occur in either, in `OUTCOMES`' order.
        n: replicas compared.
        left_out: replicas without a label, or for which a person could not tell.
        agreement: the share on which both agree, with Wilson's interval.
        kappa: Cohen's.
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
    used = [name for name in OUTCOMES if name in {*both["by_eye"], *both["rule"]}]
    table = pd.crosstab(both["by_eye"], both["rule"]).reindex(index=used, columns=used, fill_value=0)
    differ = both["by_eye"] != both["rule"]
    share = replace(wilson(len(both) - int(differ.sum()), len(both), resampling.confidence), captures="replicas")
    disagreements = both[differ].reset_index(drop=True)
    kappa = _with_interval(table.to_numpy(np.int64), resampling)
    return Agreement(table, len(both), len(labels) - len(told), share, kappa, disagreements)


def cohens_kappa(tables: ArrayLike) -> Floats:
    """Kappa of confusion tables (…, K, K) of counts."""
    counts = np.asarray(tables, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / counts.sum((-2, -1), keepdims=True)
        expected = (shares.sum(-1) * shares.sum(-2)).sum(-1)
        kappa: Floats = (np.trace(shares, axis1=-2, axis2=-1) - expected) / (1 - expected)
    return np.where(expected < 1 - 1e-12, kappa, np.nan)


def _with_interval(table: Any, resampling: Resampling) -> Interval:
    n, low, high = int(table.sum()), np.nan, np.nan
    if n:
        # Replicas drawn with replacement are a multinomial over the table's cells.
        cells = resampling.generator.multinomial(n, table.ravel() / n, resampling.resamples)
        draws = cohens_kappa(cells.reshape(-1, *table.shape))
        known, tail = draws[~np.isnan(draws)], (1 - resampling.confidence) / 2
        low, high = ordered_quantiles(known, (tail, 1 - tail)) if len(known) else (np.nan, np.nan)
    estimate = float(cohens_kappa(table)) if n else np.nan
    return Interval(estimate, low, high, n, "bootstrap of replicas", "replicas", resampling.confidence)
