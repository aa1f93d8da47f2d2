"""Simulated records of known truth, written as `study/record/build.py` writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.record.schema import MEASUREMENTS, METADATA, history_schema, trials_schema
from analysis.results.hops import multinomial_noise

MODES, SAMPLES, STEPS = 8, 400, 1000
MEASURED = frozenset(column.name for column in MEASUREMENTS)
ARMS = ("non_saturating", "least_squares", "hinge")
CONFIG = {
    "study": "simulated",
    "data": {"name": "ring", "modes": MODES, "std": 0.02},
    "scientific": {"objective": list(ARMS)},
    "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "critic_lr": {"log_uniform": [1e-4, 1e-2]}},
    "search": {"metric": "fid", "mode": "min", "seed": 0},
    "confirm": {"top": 1, "replicas": 12},
}
SETTINGS = {"critic_lr": "float64", "generator_lr": "float64"}
FLOOR = {"fid": 0.001, "modes": float(MODES), "high_quality": 0.99}
Simulate = Callable[..., Path]


@pytest.fixture(scope="session")
def simulate() -> Simulate:
    """`simulate(folder, arms=…, trials=…, …)`; see `write_record`."""
    return write_record


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished study: three arms, the later the worse."""
    return write_record(tmp_path_factory.mktemp("simulated"))


def write_record(
    folder: Path,
    *,
    arms: Sequence[str] = ARMS,
    repeats: int = 1,
    trials: int = 20,
    replicas: int = 4,
    evaluations: int = 10,
    confirm: int = 12,
    seed: int = 0,
    running: int = 0,
    failed: int = 0,
    truncated: int = 0,
    message: str = "out of memory",
    about: dict[str, Any] | None = None,
    study: str = "simulated",
) -> Path:
    """Write a record in which arm k has a median FID of 0.02·(1+k) and diverges and collapses with chance 0.05·(1+k).

    The last search trials of the first arm, in its last repeat, are `running`, `failed` or `truncated` after half of
    their evaluations (none at all for `failed`). FID falls with the distance of the generator's learning rate from
    1e-3. A replica that neither diverged nor collapsed is near the data from a quarter of its training on, and has
    converged.
    """
    random = np.random.default_rng(seed)
    rows = _replicas(arms, repeats, trials, replicas, confirm, random, failed, running, truncated).assign(study=study)
    history, summary = _history(rows, evaluations, random), rows
    summary = _summary(rows, history)
    mark = {"build": study, "study": study, "built": 1.8e9, "config": {**CONFIG, "study": study}, "floor": FLOOR}
    session = {"kind": "session", "time": 1.8e9 - 3600, "host": "box", "pid": 1, "versions": {"python": "3.11"}}
    mark |= {"sessions": [session], "classifier": None, "damaged": 0, "undeclared": []}
    mark |= {"searched": {arm: list(SETTINGS) for arm in arms}, **(about or {})}
    summary["message"] = np.where(summary["status"] == "failed", message, None)
    for name, frame, schema in (
        ("history", history, history_schema()),
        ("trials", summary, trials_schema(SETTINGS)),
    ):
        columns = [
            pa.array(frame[field.name], field.type, from_pandas=True)
            if field.name in frame
            else pa.nulls(len(frame), field.type)
            for field in schema
        ]
        table = pa.Table.from_arrays(columns, schema=schema)
        metadata = {METADATA: json.dumps(mark).encode()}
        pq.write_table(table.replace_schema_metadata(metadata), folder / f"{name}.parquet")
    return folder


def _replicas(
    arms: Sequence[str],
    repeats: int,
    trials: int,
    replicas: int,
    confirm: int,
    random: Any,
    failed: int,
    running: int,
    truncated: int,
) -> pd.DataFrame:
    parts = []
    for (place, arm), repeat in product(enumerate(arms), range(repeats)):
        rates = 10 ** random.uniform(-4, -2, (trials, 2))
        best = int(np.argmin(np.abs(np.log10(rates[:, 0]) + 3)))
        for phase, indices, seeds in (("search", np.arange(trials), replicas), ("confirm", np.array([best]), confirm)):
            index = np.repeat(indices, seeds)
            first = repeat * replicas if phase == "search" else 10_000
            parts.append(
                pd.DataFrame(
                    {
                        "phase": phase, "arm": arm, "repeat": repeat, "index": index, "place": place, "objective": arm,
                        "seed": first + np.tile(np.arange(seeds), len(indices)),
                        "config.generator_lr": rates[index, 0], "config.critic_lr": rates[index, 1],
                    }
                )
            )  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    again = ("-r" + rows["repeat"].astype(str)).where(rows["repeat"] > 0, "")
    rows["trial_id"] = rows["phase"] + "-" + rows["arm"] + again + "-" + rows["index"].astype(str).str.zfill(4)
    chance = 0.05 * (1 + rows["place"].to_numpy())
    drawn = random.random(len(rows))
    rows["falls"] = np.where(drawn < chance, random.uniform(0.2, 0.9, len(rows)), np.inf)
    rows["collapses"] = (drawn >= chance) & (drawn < 2 * chance)
    rows["status"] = "completed"
    last = (rows["phase"] == "search") & (rows["place"] == 0) & (rows["repeat"] == repeats - 1)
    edge = trials
    for status, count in (("running", running), ("failed", failed), ("truncated", truncated)):
        rows.loc[last & (rows["index"] >= edge - count) & (rows["index"] < edge), "status"] = status
        edge -= count
    penalty = 1 + np.abs(np.log10(rows["config.generator_lr"]) + 3)
    rows["level"] = 0.02 * (1 + rows["place"]) * penalty * np.exp(random.normal(0, 0.25, len(rows)))
    return rows.assign(model="gan", generator_loss="default", penalty="none")


def _history(rows: pd.DataFrame, evaluations: int, random: Any) -> pd.DataFrame:
    seen = rows["status"].map({"failed": 0, "running": evaluations // 2, "truncated": evaluations // 2})
    seen = seen.fillna(evaluations).astype(int).to_numpy()
    replica = np.repeat(np.arange(len(rows)), seen)
    number = np.concatenate([np.arange(1, count + 1) for count in seen])
    history = rows.iloc[replica].reset_index(drop=True)
    share = number / evaluations
    history["step"] = (share * STEPS).astype(np.int64)
    history["wall_time"] = 0.01 * history["step"]
    history["diverged"] = history["falls"].to_numpy() <= share
    alive = ~history["diverged"].to_numpy()
    counts = _histograms(history["collapses"].to_numpy(), share, random)
    for name in ("modes", "modes_held", "modes_covered"):  # a mode has none of the samples, or about its share
        history[name] = np.where(alive, (counts > 0).sum(axis=1), np.nan)
    for name in ("mode_fraction", "held_fraction", "covered_fraction"):
        history[name] = history["modes"] / MODES
    moved = _hops(counts, replica)
    measured = {
        "fid": history["level"] * (1 + 8 * np.exp(-6 * share)) * np.exp(random.normal(0, 0.05, len(history))),
        "high_quality": np.clip(3 * share, 0, 0.9),
        "critic_accuracy": 0.5 + 0.3 * np.exp(-3 * share),
        "gradient_norm_generator": 1 + random.random(len(history)),
        "hop": moved,
    }
    for name, values in measured.items():
        history[name] = np.where(alive, values, np.nan)
    held = [row if live else None for row, live in zip(counts.tolist(), alive, strict=True)]
    history["mode_histogram"] = pd.Series(held, dtype=object)
    return history


def _histograms(collapses: Any, share: Any, random: Any) -> Any:
    weights = np.full((len(share), MODES), 1 / MODES)
    gone = collapses & (share > 0.2)
    weights[gone] = np.r_[1.0, np.zeros(MODES - 1)]
    return random.multinomial(SAMPLES, weights)


def _hops(counts: Any, replica: Any) -> Any:
    moved = np.full(len(counts), np.nan)
    distance = 0.5 * np.abs(np.diff(counts / SAMPLES, axis=0)).sum(axis=1)
    moved[1:] = distance - multinomial_noise(counts[:-1], counts[1:])
    first = np.r_[True, replica[1:] != replica[:-1]]
    return np.where(first, np.nan, moved)


def _summary(rows: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    keys = ["trial_id", "seed"]
    measured = [str(name) for name in history if name in MEASURED]
    last = history.groupby(keys, sort=False)[[*keys, "step", "diverged", *measured]].tail(1)
    last = last.rename(columns={"step": "steps"})
    fallen = history[history["diverged"]].groupby(keys)["step"].min().rename("diverged_step")
    summary = rows.merge(last, on=keys, how="left").merge(fallen, on=keys, how="left")
    outcome = np.where(summary["collapses"], "collapsed", "converged")
    outcome = np.where(summary["diverged"].eq(True), "diverged", outcome).astype(object)
    for status in ("failed", "truncated"):
        outcome[(summary["status"] == status) & ~summary["diverged"].eq(True)] = status
    outcome[summary["status"] == "running"] = None
    started = pd.Timestamp("2026-01-01") + pd.to_timedelta(summary["index"] * 3 + summary["place"], "min")
    return summary.assign(
        outcome=outcome,
        started=started,
        ended=started.where(summary["status"] != "running"),
        wall_time=10.0,
        steps=summary["steps"].fillna(0).astype(np.int64),
        critic_updates=summary["steps"].fillna(0).astype(np.int64),
        real_samples=64 * summary["steps"].fillna(0).astype(np.int64),
        operations=1e6 * summary["steps"].fillna(0),
        core_seconds=10.0,
        diverged_step=summary["diverged_step"].astype("Int64"),
        held=summary["held_fraction"],
        hop_rate=summary["hop"],
        near=np.where(outcome == "converged", 1.0, 0.0),
        swing=1.1 + 0.01 * summary["seed"] % 0.3,
        progress=1.0,
        **{f"floor.{name}": value for name, value in FLOOR.items()},
    )
