"""The study's run gets a new report where MLflow, in the study's own folder, has all else: without importing MLflow.

To import MLflow and open its database takes a second and a half. What is written is what MLflow's client writes: the
run's artifacts, which are files, and the tag that describes it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from study.config.loading import STUDY_FILE
from study.config.plan import StudyPlan
from study.ledger.ledger import identity
from study.tracking import artifacts, local, notes
from study.tracking.arms import Summary, of_study, state_at, summaries_of
from study.tracking.cursor import Cursor, waiting
from study.tracking.local import LOCAL, Run
from study.tracking.tags import LEVEL, LEVEL_OF_ARMS, NOTE


def renew(folder: Path, plan: StudyPlan, ending: str) -> bool:
    """Give the study's run the record and the report as they are in the folder; whether that was all that it lacked.

    Nothing is changed where it lacks more: entries of the ledger, this `ending`, what this version says of an arm, or
    addresses of the folder, which was moved. `study.tracking.sync` brings all of it.
    """
    cursor = Cursor.load(folder, LOCAL)
    if plan.config.tracking.uri is not None or not cursor.parent or cursor.trouble or waiting(folder):
        return False
    try:
        runs = local.runs(folder, identity(folder))
        run = runs.get(cursor.parent)
        place = folder / "artifacts" / cursor.parent / "artifacts"
        if run is None or (run.status, run.address) != (ending, place.resolve().as_uri()):
            return False
        state, endings = state_at(folder, cursor.position)
        found = summaries_of(plan, state, endings)
        arms = {one.tags["arm"]: key for key, one in runs.items() if one.tags.get(LEVEL) == LEVEL_OF_ARMS}
        if not all(_told(one, runs[key], ending) for one, key in _said(plan, found, arms, cursor.parent)):
            return False
        note = notes.of_study(folder.resolve(), found, arms, run.experiment, cursor.parent)
        _copy(folder, place)
        local.tag(folder, cursor.parent, NOTE, note)
    except (sqlite3.Error, KeyError, OSError, ValueError):  # no database of this version's, or an empty ledger or disk
        return False
    return True


def _said(plan: StudyPlan, found: list[Summary], arms: Mapping[str, str], parent: str) -> Iterator[tuple[Summary, str]]:
    """What is to be said of the study and of every arm, and the run of each. KeyError where an arm has none."""
    if found:
        yield of_study(plan, found), parent
    for one in found:
        yield one, arms[one.arm]


def _told(summary: Summary, run: Run, ending: str) -> bool:
    """Whether a run has ended so, with all that is known."""
    told = summary.metrics.keys() <= run.metrics.keys()
    same = told and np.array_equal(
        [*summary.metrics.values()], [run.metrics[name] for name in summary.metrics], equal_nan=True
    )
    return run.status == ending and summary.tags.items() <= run.tags.items() and same


def _copy(folder: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    there, settings = artifacts.of_study(folder)
    for path in there:
        if path.is_dir():
            shutil.copytree(path, place / path.name, dirs_exist_ok=True)
        else:
            shutil.copy2(path, place / path.name)
    if settings is not None:
        (place / STUDY_FILE).write_text(settings, "utf-8")
