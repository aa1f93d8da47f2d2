"""MLflow inside the study folder: `mlflow.db` (SQLite) and `artifacts/`, which move with the folder."""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from urllib.request import url2pathname

from study.atomic_write import SUFFIX
from study.config.addresses import of_sqlite
from study.tracking.tags import LEVEL, STUDY

DATABASE = "mlflow.db"
LOCAL = f"sqlite:///{DATABASE}"  # what a cursor calls it, wherever the folder is
ADDRESSES = (  # tables and columns with absolute ones
    ("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
    ("model_versions", "source"), ("model_versions", "storage_location"),
)  # fmt: skip
BRIEF = 2.0  # seconds to wait for whoever is writing to the database
_MOVE = "UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"


def database_uri(folder: Path) -> str:
    """The tracking URI of the study's own database."""
    return of_sqlite(folder.resolve() / DATABASE)


def create(folder: Path) -> None:
    """Make the study's own database where there is none.

    MLflow makes its tables one after the other, for a second or so, and cannot go on with some of what a kill leaves
    meanwhile: they are made in a folder beside, and a whole database takes its place. Imports MLflow.
    """
    from mlflow import MlflowClient

    if (folder / DATABASE).exists():
        return
    for left in folder.glob(f".{DATABASE}.*{SUFFIX}"):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=f".{DATABASE}.", suffix=SUFFIX, dir=folder) as beside:
        made = Path(beside).resolve() / DATABASE
        try:
            MlflowClient(of_sqlite(made)).search_experiments()
        finally:
            remove_stray(Path(beside))
        made.replace(folder / DATABASE)


def remove_stray(folder: Path) -> None:
    """Remove the empty folder that MLflow makes beside one whose path holds % or ?, by the quoted name in the address;
    once its database is open."""
    stray = Path(database_uri(folder).removeprefix("sqlite:///")).parent
    while not folder.resolve().is_relative_to(stray):
        try:
            stray.rmdir()
        except OSError:  # not there, or somebody's
            return
        stray = stray.parent


def artifact_uri(folder: Path) -> str:
    """Where the study's own artifacts are."""
    return _artifacts(folder).as_uri()


def _artifacts(folder: Path) -> Path:
    return folder.resolve() / "artifacts"


def experiment_in(folder: Path, tag: str) -> tuple[str, bool] | None:
    """The id of the newest experiment in the study's own database, and whether it has a tag; None without one."""
    asked = """SELECT experiment_id, EXISTS (SELECT 1 FROM experiment_tags AS tags
        WHERE tags.experiment_id = experiments.experiment_id AND tags.key = ?)
        FROM experiments WHERE experiment_id != 0 AND lifecycle_stage = 'active' ORDER BY experiment_id DESC"""
    with closing(sqlite3.connect(folder / DATABASE, timeout=BRIEF)) as database:
        found = database.execute(asked, (tag,)).fetchone()
    return found and (str(found[0]), bool(found[1]))


@dataclass(frozen=True)
class Run:
    """A run in the study's own database: how it ended, where its artifacts are, the id of its experiment, its tags, and
    its metrics' newest values, NaN where they are none."""

    status: str
    address: str
    experiment: str
    tags: dict[str, str]
    metrics: dict[str, float]


def runs(folder: Path, study: str) -> dict[str, Run]:
    """The active runs of a study and its arms, by id. sqlite3.Error where there is no database of MLflow's."""
    of_study = """FROM runs JOIN tags AS whose USING (run_uuid) JOIN tags AS level USING (run_uuid)
        WHERE lifecycle_stage = 'active' AND whose.key = ? AND whose.value = ? AND level.key = ? AND level.value != ?"""
    asked = (STUDY, study, LEVEL, "trial")
    values = "SELECT run_uuid, own.key, {} FROM {} AS own WHERE run_uuid IN (SELECT run_uuid " + of_study + ")"
    address = f"{(folder / DATABASE).resolve().as_uri()}?mode=ro"  # not to make an empty one
    with closing(sqlite3.connect(address, timeout=BRIEF, uri=True)) as database:
        about = database.execute(f"SELECT run_uuid, status, artifact_uri, experiment_id {of_study}", asked)
        found = {run: Run(status, address, str(one), {}, {}) for run, status, address, one in about}
        for run, name, value in database.execute(values.format("own.value", "tags"), asked):
            found[run].tags[name] = value
        number = "CASE WHEN is_nan THEN NULL ELSE own.value END"
        for run, name, value in database.execute(values.format(number, "latest_metrics"), asked):
            found[run].metrics[name] = math.nan if value is None else value
    return found


def damage(folder: Path) -> str | None:
    """Why a folder's database cannot be written to, and what to do; None where it can, being MLflow's, and where there
    is none."""
    if not (folder / DATABASE).exists():
        return None
    address = f"{(folder / DATABASE).resolve().as_uri()}?mode=rw"  # not to make an empty one
    try:
        with closing(sqlite3.connect(address, timeout=BRIEF, uri=True, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            _refuse_strange(database)
            database.execute("SELECT artifact_location FROM experiments LIMIT 1").fetchall()
    except sqlite3.Error as error:
        return unusable(folder, error)
    return None


def refuse_strange(folder: Path) -> None:
    """Raise sqlite3.Error where a folder's database, if there is one, is none, or has what MLflow's has not: views, and
    triggers elsewhere than on its secrets, which in one that somebody else gave would change what is written, as where
    MLflow keeps a run's files, or answer without end; and tables half changed, as by a kill while it was made."""
    if (folder / DATABASE).exists():
        with closing(sqlite3.connect(folder / DATABASE, timeout=BRIEF)) as database:
            _refuse_strange(database)


def _refuse_strange(database: sqlite3.Connection) -> None:
    asked = """SELECT type, name FROM sqlite_master
        WHERE type = 'view' OR type = 'trigger' AND lower(tbl_name) != 'secrets' OR name GLOB '_alembic_tmp_*'"""
    if found := database.execute(asked).fetchone():
        raise sqlite3.DatabaseError("a {} is in it, named {!r}".format(*found))


def unusable(folder: Path, error: object) -> str:
    """That a folder's database is none, or somebody else is writing to it, and what to do."""
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        return f"{folder / DATABASE} is locked by another process; end that, and `ganstudy resume` brings what it lacks"
    return (
        f"{folder / DATABASE}: expected MLflow's database, got one that cannot be used ({error}); move it and"
        " tracking.json out of the folder, and `ganstudy resume` writes both anew from the ledger"
    )


def tag(folder: Path, run: str, name: str, value: str) -> None:
    """Give a run a tag. sqlite3.Error where that cannot be."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=BRIEF)) as database, database:
        database.execute("INSERT OR REPLACE INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", (run, name, value))


def settle(folder: Path) -> None:
    """Let the database of a folder that was moved or copied point to the artifacts that came with it.

    MLflow keeps absolute addresses. sqlite3.Error if the file is not MLflow's database.
    """
    now = artifact_uri(folder)
    with closing(sqlite3.connect(folder / DATABASE, timeout=BRIEF)) as database, database:
        _refuse_strange(database)
        known = database.execute("SELECT DISTINCT artifact_location FROM experiments WHERE experiment_id != 0")
        for (was,) in known.fetchall():
            if was != now:
                for table, column in ADDRESSES:
                    move = _MOVE.format(table=table, column=column)
                    database.execute(move, (now, len(was) + 1, len(was) + 1, f"{was}/"))
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (now, was))


def refuse_places_outside(folder: Path, experiment: str) -> None:
    """Raise `RuntimeError` where MLflow would write what it keeps of an experiment anywhere but into the folder's
    `artifacts`: the database, like the folder, may be anybody's."""
    with closing(sqlite3.connect(folder / DATABASE, timeout=BRIEF)) as database:
        for table, column in ADDRESSES[:3]:  # those that belong to an experiment
            asked = f"SELECT DISTINCT {column} FROM {table} WHERE experiment_id = ?"
            for (address,) in database.execute(asked, (experiment,)):
                if not _within(_artifacts(folder), str(address)):
                    raise RuntimeError(unusable(folder, f"it keeps artifacts at {address}, outside of the folder"))


def _within(root: Path, address: str) -> bool:
    parts = urlsplit(address)
    place = os.path.normpath(url2pathname(parts.path))
    return (parts.scheme, parts.netloc) == ("file", "") and Path(place).is_relative_to(root)
