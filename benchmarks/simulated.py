"""A simulated study's record of any size, in the files and columns that `study/record/build.py` writes.

Replicas learn a ring of eight modes at a speed that hangs on the learning rate; some diverge, some collapse to a mode
within the first half of their training, the others are near the data from a quarter of it on.
What a study of a ring measures is filled in; a measurement that it does not take is null, as in a real record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.record import schema

MODES, SAMPLES, STEPS = 8, 1000, 5000
START = np.datetime64("2026-01-01T00:00", "us")
NUISANCE = {
    "generator_lr": {"log_uniform": [1e-4, 1e-2]},
    "critic_lr": {"log_uniform": [1e-4, 1e-2]},
    "beta1": {"uniform": [0.0, 0.9]},
    "critic_steps": {"choice": [1, 2, 5]},
}
SETTINGS = {"generator_lr": "float64", "critic_lr": "float64", "beta1": "float64", "critic_steps": "int64"}
FLOORS = {"fid": 0.001, "modes": float(MODES), "high_quality": 0.99}
MEASURED = (  # beside fid, high_quality, modes, hop and histogram
    "loss_critic", "loss_generator", "critic_real", "critic_fake", "probability_real", "probability_fake",
    "critic_accuracy", "gradient_norm_generator", "gradient_norm_critic", "parameter_norm_generator",
    "parameter_norm_critic", "critic_bound", "induced_divergence", "bound_gap", "ratio_error",
    "reverse_kl", "mode_js", "precision", "recall", "density", "coverage",
)  # fmt: skip
Floats = NDArray[np.float64]


def write(
    folder: Path, arms: Sequence[str], trials: int, replicas: int, evaluations: int, confirm: int, seed: int = 0
) -> int:
    """Write both files of a finished study, `trials` configurations an arm; returns the rows of history.parquet."""
    random = np.random.default_rng(seed)
    about = {
        "build": f"simulated-{seed}", "built": 1.8e9, "study": "simulated", "floor": FLOORS, "damaged": 0,
        "config": {
            "study": "simulated", "data": {"name": "ring", "modes": MODES}, "scientific": {"objective": list(arms)},
            "nuisance": NUISANCE, "search": {"metric": "fid", "mode": "min", "seed": seed}, "replicas": replicas,
        },
    }  # fmt: skip
    schemas = {"history": schema.history_schema(), "trials": schema.trials_schema(SETTINGS)}
    schemas = {name: one.with_metadata({schema.METADATA: json.dumps(about)}) for name, one in schemas.items()}
    rows = 0
    with (
        pq.ParquetWriter(folder / "history.parquet", schemas["history"], compression="zstd") as history,
        pq.ParquetWriter(folder / "trials.parquet", schemas["trials"], compression="zstd") as summary,
    ):
        for place, arm in enumerate(arms):
            settings = _settings(trials, random)
            chosen = np.argmin(np.abs(np.log10(settings["generator_lr"]) + 3))
            for phase, index, seeds in (
                ("search", np.arange(trials), np.arange(replicas)),
                ("confirm", np.array([chosen]), 1_000_000 + np.arange(confirm)),
            ):
                drawn = {name: values[index] for name, values in settings.items()}
                part = _Part(phase, arm, place, index, seeds, drawn, evaluations, random)
                history.write_table(part.history(schemas["history"]))
                summary.write_table(part.summary(schemas["trials"]))
                rows += len(index) * len(seeds) * evaluations
    return rows


def _settings(trials: int, random: np.random.Generator) -> dict[str, Any]:
    return {
        "generator_lr": 10 ** random.uniform(-4, -2, trials),
        "critic_lr": 10 ** random.uniform(-4, -2, trials),
        "beta1": random.uniform(0, 0.9, trials),
        "critic_steps": random.choice([1, 2, 5], trials),
    }


class _Part:
    """The trials of one arm in one phase; arrays are (trials × replicas, evaluations)."""

    def __init__(
        self,
        phase: str,
        arm: str,
        place: int,
        index: NDArray[np.int64],
        seeds: NDArray[np.int64],
        settings: Mapping[str, Any],
        evaluations: int,
        random: np.random.Generator,
    ) -> None:
        self.index, self.seed = np.repeat(index, len(seeds)), np.tile(seeds, len(index))
        self.count, self.evaluations = len(self.index), evaluations
        self.settings = {name: np.repeat(values, len(seeds)) for name, values in settings.items()}
        self.names = {
            "study": "simulated", "phase": phase, "arm": arm, "model": "gan", "objective": arm,
            "generator_loss": "default", "penalty": "none",
        }  # fmt: skip
        self.trial_ids = [f"{phase}-{arm}-{one:05d}" for one in self.index]
        self.share = np.arange(1, evaluations + 1) / evaluations
        self.step = np.rint(self.share * STEPS).astype(np.int64)
        off = np.abs(np.log10(self.settings["generator_lr"]) + 3)
        chance = (0.02 + 0.01 * place) * (1 + 3 * off)
        drawn, moment = random.random(self.count), random.uniform(0.2, 0.7, self.count)  # a collapse fills the tail
        self.falls = np.where(drawn < chance, moment, math.inf)
        self.collapses = (drawn >= chance) & (drawn < 2 * chance)
        self.fallen = self.share >= self.falls[:, None]
        self._measure(0.02 * (1 + place) * (1 + off), moment, random)

    def _measure(self, level: Floats, moment: Floats, random: np.random.Generator) -> None:
        shape = (self.count, self.evaluations)
        weights = np.full((*shape, MODES), 1 / MODES)
        weights[self.collapses[:, None] & (self.share >= moment[:, None] / 2)] = np.eye(MODES)[0]
        self.counts = random.multinomial(SAMPLES, weights)
        modes = (self.counts > 0).sum(-1).astype(np.float64)
        moved = 0.5 * np.abs(np.diff(self.counts / SAMPLES, axis=1)).sum(-1)
        fid = level[:, None] * (1 + 8 * np.exp(-6 * self.share)) * np.exp(random.normal(0, 0.2, shape))
        most = {name: min(schema.RANGES.get(name, schema.SHARE)[1], 1.0) for name in MEASURED}
        values = {name: most[name] * random.random(shape) for name in MEASURED}
        values |= {"critic_accuracy": 0.5 + 0.3 * np.exp(-3 * self.share) * random.random(shape)}
        values |= {"fid": fid, "modes": modes, "mass_js": fid / (1 + 2 * fid), "high_quality": np.full(shape, 0.9)}
        values |= dict.fromkeys(("mode_fraction", "held_fraction", "covered_fraction"), modes / MODES)
        values["hop"] = np.hstack([np.full((self.count, 1), np.nan), moved])
        self.values = {name: np.where(self.fallen, np.nan, value) for name, value in values.items()}

    def history(self, schema: Any) -> Any:
        """The rows of history.parquet."""
        seen = self.evaluations
        columns = {
            "repeat": np.zeros(self.count * seen, np.int64),
            "trial_id": np.repeat(self.trial_ids, seen), "seed": np.repeat(self.seed, seen),
            "step": np.tile(self.step, self.count), "wall_time": np.tile(0.01 * self.step, self.count),
            "diverged": self.fallen.ravel(), **{name: value.ravel() for name, value in self.values.items()},
        }  # fmt: skip
        bounds = np.arange(self.count * seen + 1, dtype=np.int32) * MODES
        flat = pa.array(self.counts.reshape(-1))
        histograms = pa.ListArray.from_arrays(bounds, flat, mask=pa.array(self.fallen.ravel()))
        return self._table(schema, {**columns, "mode_histogram": histograms}, self.count * seen)

    def summary(self, schema: Any) -> Any:
        """The rows of trials.parquet."""
        fell = np.isfinite(self.falls)
        last = {name: value[:, -1] for name, value in self.values.items()}
        first = np.where(fell, self.step[np.argmax(self.fallen, axis=1)], 0)
        outcome = np.where(fell, "diverged", np.where(self.collapses, "collapsed", "converged"))
        started = START + self.index * np.timedelta64(60, "s")
        columns = {
            "repeat": np.zeros(self.count, np.int64), "index": self.index, "trial_id": self.trial_ids,
            "seed": self.seed, "status": ["completed"] * self.count,
            "outcome": outcome, "diverged_step": pa.array(first, mask=~fell), "started": started,
            "ended": started + np.timedelta64(50, "s"), "wall_time": np.full(self.count, 50.0),
            "steps": np.full(self.count, STEPS), "hop_rate": last["hop"],
            "near": np.where(fell | self.collapses, 0.0, 1.0), "swing": np.where(fell, np.nan, 1.3), **last,
            **{f"floor.{name}": np.full(self.count, value) for name, value in FLOORS.items()},
            **{f"config.{name}": values for name, values in self.settings.items()},
        }  # fmt: skip
        return self._table(schema, columns, self.count)

    def _table(self, schema: Any, columns: Mapping[str, Any], rows: int) -> Any:
        arrays = []
        for field in schema:
            if field.name in self.names:
                values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [self.names[field.name]])
            elif field.name not in columns:
                values = pa.nulls(rows, field.type)
            else:
                values = columns[field.name]
                if pa.types.is_dictionary(field.type):
                    values = pa.array(np.asarray(values, object), pa.string()).dictionary_encode()
                elif not isinstance(values, pa.Array):
                    values = pa.array(values)
            arrays.append(values.cast(field.type))
        return pa.Table.from_arrays(arrays, schema=schema)
