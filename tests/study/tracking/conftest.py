"""A small study as its ledger tells it, and what MLflow must then hold, computed another way."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.config.schema import StudyConfig
from study.ledger.entries import to_json, trial_id_of
from study.ledger.ledger import Ledger, entries
from study.ledger.validation import from_json
from study.tracking.environment import prepare
from study.tracking.summaries import interquartile_mean

NAN, INF = float("nan"), float("inf")
Rows = dict[str, list[tuple[str, float | None, int, int]]]  # None: a metric that is not a number
ENDS = ("_q25", "", "_q75")


def trial_entries(
    index: int, steps: tuple[int, ...] = (10, 20), status: str = "completed", repeat: int = 0, **changes: Any
) -> list[dict[str, Any]]:
    """A trial of four replicas: planned, a result a step, ended; replica 3 diverges at the second step."""
    key = "search", "hinge", repeat, index
    trial = dict(zip(("phase", "arm", "repeat", "index"), key, strict=True), trial_id=trial_id_of(*key))
    start = 1_700_000_000.25 + 10 * index
    config = {"generator_lr": 1e-3 * (index + 1), "objective": {"name": "hinge"}, "penalty": "none"}
    planned = {"kind": "planned", **trial, "config": config, "spec": {"steps": 20, **changes}, "seeds": [0, 1, 2, 3]}
    story = [{**planned, "time": start}]
    for count, step in enumerate(steps):
        columns = {
            "diverged": [False, False, False, count > 0],
            "diverged_step": [None, None, None, 15 if count else None],
            "fid": [0.5 + index, 0.25, 1.5, NAN if count else 2.5],
            "loss_critic": [1.0, -2.0, 0.125, INF if count else 3.0],
            "mode_histogram": [[1, 2], [3, 4], [5, 6], [7, 8]],
            "kid": [None, None, None, None],
        }
        result = {"kind": "result", **trial, "step": step, "wall_time": 0.5 * step, "columns": columns}
        story.append({**result, "seeds": [0, 1, 2, 3], "pictures": None, "time": start + step / 10 + 0.0625})
    outcomes = ["converged", "converged", "oscillating", "diverged"]
    ended = {"kind": "ended", **trial, "status": status, "message": None, "outcomes": outcomes, "scores": [0.5] * 4}
    return [*story, {**ended, "time": start + 5}]


def session(config: StudyConfig, time: float = 1_699_999_999.0) -> dict[str, Any]:
    versions = {"torch": "2.15.0"}
    return {"kind": "session", "config": config.resolved(), "versions": versions, "host": "h", "pid": 1, "time": time}


FLOOR = {
    "kind": "floor",
    "values": {"fid": 0.001, "modes": 8, "kid": None},
    "classifier": {"accuracy": 0.98, "seed": 3},
    "time": 1_699_999_999.5,
}


def expected_rows(folder: Path) -> Rows:
    """The metric rows of every trial, from the ledger by NumPy: run name -> sorted (key, value, ms, step)."""
    rows: Rows = {}
    for _, found_entry in entries(folder, kinds={"planned", "result"}):
        entry = to_json(found_entry)
        found = rows.setdefault(entry["trial_id"], [])
        if entry["kind"] == "planned" or any(row[3] == entry["step"] for row in found):
            continue
        time = round(entry["time"] * 1000)
        for name in ("fid", "loss_critic"):
            values = np.array(entry["columns"][name], dtype=float)
            if name == "fid":  # less is better, so that a diverged replica is worse than any
                values[np.array(entry["columns"]["diverged"])] = 1e300
            values = values[np.isfinite(values)]
            said = {
                f"{name}{end}": np.quantile(values, share) for end, share in zip(ENDS, (0.25, 0.5, 0.75), strict=True)
            }
            said[f"{name}_iqm"] = interquartile_mean(values.tolist())
            for key, value in said.items():
                found.append((key, float(value) if value < 1e200 else None, time, entry["step"]))
        found.append(("diverged", float(sum(entry["columns"]["diverged"])), time, entry["step"]))
        found.append(("wall_time", float(entry["wall_time"]), time, entry["step"]))
    return {name: sorted(found, key=lambda row: (row[0], row[3])) for name, found in rows.items()}


def tracked_rows(folder: Path) -> Rows:
    """The metric rows of every trial's run in a study's own MLflow database, read with plain SQL."""
    query = """
        SELECT runs.name, metrics.key, CASE WHEN metrics.is_nan THEN NULL ELSE metrics.value END,
            metrics.timestamp, metrics.step
        FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'level' AND tags.value = 'trial'
        LEFT JOIN metrics ON metrics.run_uuid = runs.run_uuid WHERE runs.lifecycle_stage = 'active'
    """
    rows: Rows = {}
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        for name, *row in database.execute(query):
            rows.setdefault(name, []).extend([tuple(row)] if row[0] is not None else [])
    return {name: sorted(found, key=lambda row: (row[0], row[3])) for name, found in rows.items()}


@pytest.fixture(scope="session", autouse=True)
def mlflow_environment() -> None:
    prepare()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs: making one takes a second, copying it none."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def config() -> StudyConfig:
    values = {"study": "ring-study", "data": {"name": "ring", "modes": 8}, "budget": {"steps": 20, "evaluations": 2}}
    return StudyConfig.model_validate(values)


@pytest.fixture
def with_database(tmp_path: Path, empty_database: Path) -> Callable[[str], Path]:
    """Makes a folder of a name that holds an empty MLflow database and nothing else."""

    def made(name: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        shutil.copy(empty_database, place / "mlflow.db")
        return place

    return made


@pytest.fixture
def folder(with_database: Callable[[str], Path]) -> Path:
    """A study folder with an empty MLflow database and no ledger yet."""
    return with_database("study folder")


@pytest.fixture
def write(folder: Path, config: StudyConfig) -> Callable[..., None]:
    """Append a session, the floor, and the given entries (default: two trials, the second failed)."""

    def append(*story: dict[str, Any], begin: bool = True) -> None:
        with Ledger.open(folder) as ledger:
            if begin:
                ledger.append(from_json(session(config)), from_json(FLOOR))
            ledger.append(*map(from_json, story or (*trial_entries(0), *trial_entries(1, status="failed"))))

    return append


@pytest.fixture
def trial() -> Callable[..., list[dict[str, Any]]]:
    return trial_entries


@pytest.fixture
def expected() -> Callable[[Path], Rows]:
    return expected_rows


@pytest.fixture
def tracked() -> Callable[[Path], Rows]:
    return tracked_rows


@pytest.fixture
def picture_file(folder: Path) -> str:
    """A small picture of a ring, as a path within the study folder."""
    angles = 2 * np.pi * np.arange(8) / 8
    means = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    samples = means[np.arange(64) % 8] + np.random.default_rng(0).normal(0, 0.02, (4, 64, 2))
    np.savez_compressed(folder / "ring.npz", samples=samples, means=means, stds=np.full(8, 0.02))
    return "ring.npz"
