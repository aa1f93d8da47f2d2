"""Selections: the rows of one phase of a record, arm by arm. Every statistic takes its rows from one.

Rows of the search and confirmed rows are never pooled: the former chose the configurations that the latter repeat, so
that their scores are biased by selection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.record.schema import PHASES, ROUND
from analysis.results.effects import Sample, Unit
from analysis.statistics.intervals import Captures, Floats

SPAN = 10**6  # more configurations than one search may have
Arms = list[tuple[str, pd.DataFrame]]  # the name of each arm and its rows of trials.parquet


@dataclass(frozen=True)
class Selection(Record):
    """The rows of one phase of a record, arm by arm in the order in which they were planned: the configuration's."""

    phase: str

    @cached_property
    def captures(self) -> Captures:
        """What tests of all arms capture; see `captured`. Confirmed replicas that failed or still run are none yet."""
        return captured(self.trials if self.phase == "search" else self._ended, self.phase)

    @cached_property
    def cohorts(self) -> dict[tuple[str, int], Any]:
        """What `analysis.results.cohort` has found of these rows, by metric and sign: many results ask for the same."""
        return {}

    @property
    def repeats(self) -> dict[str, int]:
        """Of how many of its searches each arm has replicas here, failed and running ones left out; arms without any
        are."""
        counts = self._ended.groupby("arm", observed=True, sort=False)["repeat"].nunique()
        return {str(arm): int(count) for arm, count in counts.items()}

    @property
    def unit(self) -> Unit:
        """What is independent of the others of its kind: a configuration of a search; of confirmed rows a repeat, or
        where each arm was searched once a replica."""
        if self.captures == "seeds":
            return "replica"
        return "configuration" if self.phase == "search" else "repeat"

    def captures_of(self, rows: pd.DataFrame) -> Captures:
        """What intervals of one arm's replicas capture: in a search as for all arms; of confirmed ones seeds alone
        where that arm was searched once, whatever the others."""
        captures = self.captures
        return captures if self.phase == "search" or captures == "seeds" else captured(rows, self.phase)

    def units_of(self, rows: pd.DataFrame) -> NDArray[np.str_]:
        """Each replica's unit (N,) in such an interval; see `units`."""
        return np.array(trials_of(rows), np.str_) if self.captures_of(rows) == "seeds" else units(rows, self.phase)

    def sample(self, arm: str, rows: pd.DataFrame, values: Floats) -> Sample:
        """Values (N,) of an arm's replicas, with what tells their units."""
        repeat, seed = (rows[name].to_numpy(np.int64) for name in ("repeat", "seed"))
        return Sample(arm, values, np.array(trials_of(rows), np.str_), repeat, seed)

    @property
    def _ended(self) -> pd.DataFrame:
        return self.trials[~self.trials["status"].isin(("running", "failed"))]

    def arms(self) -> Arms:
        """Each arm's replicas; none where the phase has no rows."""
        return [(str(arm), rows) for arm, rows in self.trials.groupby("arm", observed=True, sort=False)]

    def finished(self) -> Arms:
        """Each arm's replicas that ended at their budget without having diverged; arms without any are left out."""
        kept = [
            (arm, rows[(rows["status"] == "completed") & (rows["outcome"] != "diverged")]) for arm, rows in self.arms()
        ]
        return [(arm, rows) for arm, rows in kept if len(rows)]

    def without(self, arms: Collection[str]) -> Selection:
        """The selection without the rows of some arms in `trials`."""
        return replace(self, trials=self.trials[~self.trials["arm"].isin(list(arms))])


def select(record: Record, phase: str) -> Selection:
    """The rows of a phase, "search" or "confirm", but for those `no_longer_chosen`; raises ValueError for any other."""
    if phase not in PHASES:
        raise ValueError(f"phase: expected one of {', '.join(PHASES)}, got {phase!r}; the two are never pooled")
    arms = arms_in_order(record.trials)
    left_out = no_longer_chosen(record.about) if phase == "confirm" else frozenset[str]()
    history, trials = (_of_phase(rows, phase, arms, left_out) for rows in (record.history, record.trials))
    return Selection(history, trials, record.about, phase)


def no_longer_chosen(about: Mapping[str, Any]) -> frozenset[str]:
    """The confirm trials, as "study/trial", of configurations that were the best of their search before it went on, and
    have been beaten by others since that were confirmed too: what a search chose are the latter."""
    return frozenset(
        f"{study.get('study')}/{trial}"
        for study in studies_of(about)
        for trial in stated(study, "no_longer_chosen", [])
    )


def captured(trials: pd.DataFrame, phase: str) -> Captures:
    """What intervals over these replicas capture: "both" in a search, whose configurations are drawn, and where
    configurations of several searches of an arm were confirmed, which are draws too; otherwise "seeds".

    A search with a single configuration in every arm captures seeds only.
    """
    if not len(trials):
        return "both" if phase == "search" else "seeds"
    draws = set(zip(trials["arm"], trials["trial_id" if phase == "search" else "repeat"], strict=True))
    return "both" if len(draws) > len({arm for arm, _ in draws}) else "seeds"


def replicas_named(rows: pd.DataFrame) -> tuple[str, ...]:
    """Each of N replicas by its seed and trial, for a reader."""
    return tuple(f"seed {seed}, {trial}" for seed, trial in zip(rows["seed"], trials_of(rows), strict=True))


def units(rows: pd.DataFrame, phase: str) -> NDArray[np.str_]:
    """What each replica (N,) is drawn with: its trial; of confirmed rows of an arm's several searches its repeat, so
    that all that one search has chosen is one draw."""
    if phase == "search" or captured(rows, phase) == "seeds":
        return np.array(trials_of(rows), np.str_)
    arms = _names(rows["study"], rows["arm"])
    return np.array([f"{arm}/r{repeat}" for arm, repeat in zip(arms, rows["repeat"], strict=True)], np.str_)


def configurations(rows: pd.DataFrame) -> NDArray[np.int64]:
    """A number for the configuration of each of N replicas, (N,), the same in the search and in the confirmation.

    Within an arm each configuration has its own: repeat × `SPAN` + index, from which `divmod` gives both back.
    """
    found: NDArray[np.int64] = rows["repeat"].to_numpy(np.int64) * SPAN + rows["index"].to_numpy(np.int64)
    return found


def arms_in_order(trials: pd.DataFrame) -> list[str]:
    """The arms of `Record.trials` in the order in which they were first planned: the configuration's, as all searches
    take turns, an extension's arms last.

    Joined studies stand one after the other.
    """
    columns = trials.reindex(columns=["started", "repeat", "index"]).assign(
        arm=trials["arm"].astype(str),
        study=pd.factorize(trials["study"])[0],
        place=np.arange(len(trials)),
    )
    first = columns.sort_values(["study", "started", "repeat", "index", "place"]).drop_duplicates("arm")
    return list(first["arm"])


def trials_of(rows: pd.DataFrame) -> list[str]:
    """Each replica's trial (N) as "study/trial", whether studies are joined or not; the rounds of one configuration's
    confirmation, which are trials of their own on further seeds, all as its first."""
    return _names(rows["study"], rows["trial_id"].astype(str).str.replace(ROUND, "", regex=True))


def _names(studies: pd.Series, names: pd.Series) -> list[str]:
    """Trials or arms (N) as "study/name"."""
    both = zip(studies.astype(str), names.astype(str), strict=True)
    return [name if name.startswith(f"{study}/") else f"{study}/{name}" for study, name in both]


def numbers(column: pd.Series) -> Floats:
    """A measurement (N,) of the replicas; NaN where it was not taken or is not a number."""
    found: Floats = column.to_numpy(np.float64, na_value=np.nan)
    return found


def _of_phase(rows: pd.DataFrame, phase: str, arms: Sequence[str], left_out: Collection[str]) -> pd.DataFrame:
    chosen = rows[rows["phase"] == phase]
    if left_out:
        chosen = chosen[~np.isin(_names(chosen["study"], chosen["trial_id"]), list(left_out))]
    arm = chosen["arm"].astype(str)
    there = set(arm)
    places = pd.Categorical(arm, [one for one in arms if one in there])
    return chosen.assign(arm=places).iloc[np.argsort(places.codes, kind="stable")]
