"""What must hold of a study whatever was done to it, counted: one function, `audit`, and what it compares with.

`undisturbed` is the study as it would be if nothing ever happened: made in this process, one trial after the other,
without Ray and without a kill. What a study proposes depends on neither workers nor time, so both must agree in every
configuration and, on a CPU, in every bit of every curve.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from account import Account
from in_process import train_here
from rich.console import Console
from subject import Acknowledged

from analysis.record.loading import load
from analysis.record.schema import DERIVED, MEASUREMENTS
from study.config.plan import StudyPlan
from study.ledger.entries import Entry, Session, TrialEntry
from study.ledger.journal import Journal
from study.ledger.ledger import entries, identity
from study.progress.live import Progress
from study.progress.tally import Tally
from study.storage.store import store_of

Row = tuple[str, int, int]  # trial, seed, step
MEASURED = frozenset(column.name for column in MEASUREMENTS)


@dataclass
class Reference:
    """A study as nothing disturbed it: configuration and seeds by trial, and what was measured by trial and step."""

    trials: dict[str, str]
    curves: dict[tuple[str, int], str]


@dataclass
class Finding(Account):
    """What an audit found.

    Attributes:
        trials, rows: of the record.
        lost: rows that the ledger or the reference has and the record has not, or not with the same values.
        twice: rows that stand twice in the ledger, in history.parquet or in MLflow.
        trials_lost: trials that are missing, did not end, ended twice or with another status than they must.
        differing: configurations that are not the reference's.
        untracked: rows of MLflow and the record that the other has not, or not with the same value; runs too.
    """

    FAULTS = ("lost", "twice", "trials_lost", "differing", "untracked")

    trials: int = 0
    rows: int = 0
    lost: int = 0
    twice: int = 0
    trials_lost: int = 0
    differing: int = 0
    untracked: int = 0

    def count(self, kind: str, found: Iterable[Any]) -> None:
        """Add what was found to a count."""
        found = sorted(map(str, found))
        self.note(kind, "; ".join(found[:3]), len(found))


def audit(
    folder: Path,
    reference: Reference | None = None,
    seen: Collection[Acknowledged] = (),
    database: Path | None = None,
    failed: Collection[str] = (),
) -> Finding:
    """Hold a study that is over to everything that was promised.

    Args:
        folder: the study's.
        reference: what the study must equal, but for the trials that `failed`; None: not compared.
        seen: what the ledger had acknowledged before any of the faults.
        database: MLflow's SQLite file; the study's own by default.
        failed: the trials that must have failed; all others must not have.
    """
    told = [entry for _, entry in entries(folder)]
    finding = Finding()
    _audit_endings(finding, told, failed)
    curves = _curves(told)
    finding.count("lost", (row[:2] for row in seen if curves.get(row[:2]) != row.columns))
    finding.count("twice", (key for key, times in _lines(told).items() if times > 1))
    if reference is not None:
        _audit_reference(finding, told, curves, reference, failed)
    history = _audit_record(finding, folder, curves, told)
    _audit_tracking(finding, folder, history, database or folder / "mlflow.db")
    return finding


def undisturbed(plan: StudyPlan, folder: Path) -> Reference:
    """Make the study in `folder`, in this process, one trial after the other; what was begun there is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with closing(Journal.open(folder)) as journal:
        journal.append(Session(session="undisturbed", config=plan.config.resolved()))
        train_here(
            plan,
            folder,
            store_of(plan.config, folder),
            journal,
            Progress(plan, Tally(plan, journal.state), Console(quiet=True)),
        )
    told = [entry for _, entry in entries(folder)]
    return Reference(_planned(told), _curves(told))


def _planned(told: Iterable[Entry]) -> dict[str, str]:
    plans = (entry for entry in told if entry.kind == "planned")
    names = ("config", "spec", "seeds")
    return {plan.trial_id: json.dumps([getattr(plan, name) for name in names], sort_keys=True) for plan in plans}


def _lives(told: Iterable[Entry]) -> Iterable[tuple[int, Entry]]:
    """Entries of trials, each with which life of its trial it is; one planned after its end begins another."""
    lives: Counter[str] = Counter()
    over: set[str] = set()
    for entry in told:
        if not isinstance(entry, TrialEntry):
            continue
        trial = entry.trial_id
        if entry.kind == "planned" and trial in over:
            lives[trial] += 1
            over.discard(trial)
        if entry.kind == "ended":
            over.add(trial)
        yield lives[trial], entry


def _lines(told: Iterable[Entry]) -> Counter[tuple[str, int, int]]:
    return Counter((e.trial_id, life, e.step) for life, e in _lives(told) if e.kind == "result")


def _curves(told: Iterable[Entry]) -> dict[tuple[str, int], str]:
    """What was measured in every trial's last life, as replaying the ledger tells it; times left out."""
    found: dict[tuple[str, int], str] = {}
    last: dict[str, int] = {}
    for life, entry in _lives(told):
        trial = entry.trial_id
        if last.setdefault(trial, life) != life:
            found = {key: value for key, value in found.items() if key[0] != trial}
            last[trial] = life
        if entry.kind == "result":
            found[trial, entry.step] = json.dumps(entry.columns, sort_keys=True)
    return found


def _audit_endings(finding: Finding, told: list[Entry], failed: Collection[str]) -> None:
    endings = Counter((e.trial_id, life) for life, e in _lives(told) if e.kind == "ended")
    plans = {(e.trial_id, life) for life, e in _lives(told) if e.kind == "planned"}
    wrong = (key for key in plans | {*endings} if endings[key] != 1)
    finding.count("trials_lost", (f"{key} ended {endings[key]} times" for key in wrong))
    statuses = {entry.trial_id: entry.status for entry in told if entry.kind == "ended"}
    for trial, status in statuses.items():
        if (status == "failed") != (trial in failed):
            finding.count("trials_lost", [f"{trial} is {status}"])
    finding.count("trials_lost", (f"{trial} never ended" for trial in failed if trial not in statuses))


def _audit_reference(
    finding: Finding,
    told: list[Entry],
    curves: dict[tuple[str, int], str],
    reference: Reference,
    failed: Collection[str],
) -> None:
    plans = _planned(told)
    finding.count("trials_lost", (f"{trial} was not planned" for trial in reference.trials if trial not in plans))
    finding.count("differing", (trial for trial, plan in plans.items() if reference.trials.get(trial) != plan))
    wanted = {key: value for key, value in reference.curves.items() if key[0] not in failed}
    finding.count("lost", (key for key, value in wanted.items() if curves.get(key) != value))
    finding.count("differing", (key for key in curves if key not in reference.curves))


def _audit_record(finding: Finding, folder: Path, curves: dict[tuple[str, int], str], told: list[Entry]) -> Any:
    """history.parquet against the ledger, row by row and value by value."""
    tables = load(folder)
    history, seeds = tables.history, {e.trial_id: e.seeds for e in told if e.kind == "planned"}
    finding.trials, finding.rows = tables.trials["trial_id"].nunique(), len(history)
    keys = list(zip(history["trial_id"], history["seed"], history["step"], strict=True))
    finding.count("twice", (key for key, times in Counter(keys).items() if times > 1))
    rows = dict(zip(keys, history.to_dict("records"), strict=True))
    for (trial, step), text in curves.items():
        columns = {name: values for name, values in json.loads(text).items() if name in MEASURED}
        for replica, seed in enumerate(seeds[trial]):
            row = rows.pop((trial, seed, step), None)
            if row is None or any(not same(row[name], values[replica]) for name, values in columns.items()):
                finding.count("lost", [(trial, seed, step, "in history.parquet")])
    finding.count("differing", (f"{key} is in history.parquet alone" for key in rows))
    return history


def same(one: Any, other: Any) -> bool:
    """Whether two values are one; null, which pandas shows as NaN, is like NaN."""
    nothing = [value is None or math.isnan(value) for value in (one, other)]
    return all(nothing) if any(nothing) else float(one) == float(other)


def _audit_tracking(finding: Finding, folder: Path, history: Any, database: Path) -> None:
    """MLflow's rows against history.parquet, whose medians over replicas are taken here by NumPy."""
    tracked: Counter[tuple[str, str, int]] = Counter()
    values: dict[tuple[str, str, int], float] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        parents = store.execute(PARENTS, (identity(folder),)).fetchall()
        finding.count("untracked", (f"{len(parents)} parent runs" for _ in range(len(parents) != 1)))
        runs = store.execute(TRIALS, (identity(folder),)).fetchall()
        for run, trial, status in runs:
            finding.count("untracked", [f"{trial} is {status}"] if status not in ("FINISHED", "FAILED") else [])
            for key, step, value in store.execute(METRICS, (run,)):
                tracked[trial, key, step] += 1
                values[trial, key, step] = value
    names = Counter(trial for _, trial, _ in runs)
    finding.count("twice", (f"{trial} has {times} runs in MLflow" for trial, times in names.items() if times > 1))
    finding.count("twice", (f"{key} in MLflow" for key, times in tracked.items() if times > 1))
    wanted = _medians(history)
    beside = re.compile(r".*_(q25|q75|iqm)")
    compared = {key: value for key, value in values.items() if not beside.fullmatch(key[1])}
    for key in wanted.keys() | compared.keys():
        mine, theirs = wanted.get(key), compared.get(key)
        if mine is None or theirs is None or not math.isclose(mine, theirs, rel_tol=1e-12, abs_tol=1e-300):
            finding.count("untracked", [f"{key}: record {mine}, MLflow {theirs}"])


PARENTS = """SELECT runs.run_uuid FROM runs JOIN tags USING (run_uuid)
    WHERE tags.key = 'ganstudy.run' AND tags.value = ? AND runs.lifecycle_stage = 'active'"""
TRIALS = """SELECT runs.run_uuid, runs.name, runs.status FROM runs JOIN tags USING (run_uuid)
    JOIN tags AS level USING (run_uuid) WHERE level.key = 'level' AND level.value = 'trial'
    AND tags.key = 'ganstudy.study' AND tags.value = ? AND runs.lifecycle_stage = 'active'"""
METRICS = "SELECT key, step, value FROM metrics WHERE run_uuid = ?"


def _medians(history: Any) -> dict[tuple[str, str, int], float]:
    """What MLflow must hold of the record, but for the quartiles: (trial, key, step) -> value."""
    wanted: dict[tuple[str, str, int], float] = {}
    derived = {column.name for column in DERIVED}  # of the record alone
    for (trial, step), rows in history.groupby(["trial_id", "step"], observed=True):
        for name in MEASURED - derived:
            taken = rows[name].to_numpy(float)
            taken = taken[np.isfinite(taken)]
            if taken.size:
                wanted[trial, name, step] = float(np.median(taken))
        wanted[trial, "diverged", step] = float(rows["diverged"].sum())
        wanted[trial, "wall_time", step] = float(rows["wall_time"].iloc[0])
    return wanted
