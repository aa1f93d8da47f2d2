"""The record: every column of both tables declared once, and `load`, which holds files to it.

`history.parquet` has a row per trial × replica × evaluation, `trials.parquet` a row per trial × replica.
`HISTORY` and `TRIALS` below are their columns, with dtype, unit and meaning; `study/record/build.py` writes exactly
`history_schema()` and `trials_schema(...)`, and `load` refuses anything else. Two families of columns of
`trials.parquet` follow rules: `config.*`, the trial's resolved configuration, flat and dotted, whose names and
dtypes differ from study to study; and `floor.*`, each sample-based measurement of fresh real samples against
the same reference, the best value that anything could show.

Null means that the measurement does not apply or was not asked for; NaN that it was taken and is not a number,
as after a divergence. pandas shows both as NaN, and the column `diverged` says which. The unit "1" marks pure
numbers, "steps" generator updates, "nats" natural logarithms, "data" the units of the data or of its features.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

STATUSES = ("completed", "diverged", "truncated", "failed", "running")
ARROW = {
    "category": pa.dictionary(pa.int32(), pa.string()),
    "text": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "counts": pa.list_(pa.int64()),
}
METADATA = b"ganstudy"


class RecordError(ValueError):
    """A record that is not what this module declares; the message names file, column or rows."""


@dataclass(frozen=True)
class Column:
    """One column: its name, dtype (a key of `ARROW`), unit and meaning; `required` columns hold no null."""

    name: str
    dtype: str
    unit: str
    meaning: str
    required: bool = False

    @property
    def arrow(self) -> Any:
        """The column as a `pyarrow.Field` that carries unit and meaning in its metadata."""
        about = {"unit": self.unit, "meaning": self.meaning}
        return pa.field(self.name, ARROW[self.dtype], nullable=not self.required, metadata=about)


def _reals(rows: Iterable[tuple[str, str, str]]) -> tuple[Column, ...]:
    return tuple(Column(name, "float64", unit, meaning) for name, unit, meaning in rows)


_STUDY = Column("study", "category", "", "name of the study", True)
_PHASE = Column("phase", "category", "", "search, or confirm: fresh seeds of each arm's best", True)
_ARM = Column("arm", "category", "", "the scientific choices, one name a combination", True)
_INDEX = Column("index", "int64", "", "number of the trial within its phase and arm", True)
_TRIAL = Column("trial_id", "category", "", "phase-arm-index", True)
_SEED = Column("seed", "int64", "", "seed of the replica", True)
_STEP = Column("step", "int64", "steps", "generator updates taken at this evaluation", True)
_WALL_TIME = Column("wall_time", "float64", "s", "time spent training since the trial began, all replicas together")
CHOICES = (
    Column("model", "category", "", "gan, cgan, matching, vae, oracle or dirac"),
    Column("objective", "category", "", "name of the pair (f, g)"),
    Column("generator_loss", "category", "", "default, saturating, non_saturating, critic_mean or a formula"),
    Column("penalty", "category", "", "name of the critic's penalty, or none"),
)

# fmt: off
SIGNALS = _reals([
    ("loss_critic", "1", "the critic's loss, penalty included"),
    ("loss_generator", "1", "the generator's loss"),
    ("critic_real", "1", "mean raw critic output d on held-out real samples"),
    ("critic_fake", "1", "mean raw critic output d on fresh generated samples"),
    ("probability_real", "1", "mean sigmoid(d) on held-out real samples; 1/2 at the minimax equilibrium"),
    ("probability_fake", "1", "mean sigmoid(d) on fresh generated samples; 1/2 at the minimax equilibrium"),
    ("critic_accuracy", "1", "share of held-out real and fresh generated samples told apart; 1/2 at equilibrium"),
    ("gradient_norm_generator", "1", "Euclidean norm of the generator's gradient"),
    ("gradient_norm_critic", "1", "Euclidean norm of the critic's gradient"),
    ("parameter_norm_generator", "1", "Euclidean norm of the generator's parameters"),
    ("parameter_norm_critic", "1", "Euclidean norm of the critic's parameters"),
    ("critic_bound", "1", "the critic's E_p f(d) + E_q g(d) on held-out real and fresh generated samples"),
    ("induced_divergence", "1", "sup F = E_q phi(p/q), what the best of all critics would reach; of known mixtures"),
    ("bound_gap", "1", "induced_divergence less critic_bound, each with its own sampling error"),
    ("ratio_error", "1", "mean distance of the critic's own p/(p+q) from the true one, on real and generated samples"),
    ("generator_mean", "data", "mean of what an affine generator in one dimension draws"),
    ("generator_std", "data", "standard deviation of what an affine generator in one dimension draws"),
    ("jacobian_real", "1", "largest real part among the eigenvalues of the game's Jacobian at the end of training"),
    ("jacobian_imaginary", "1", "size of the imaginary part of the eigenvalue with the largest real part"),
    ("jacobian_radius", "1", "largest modulus among the eigenvalues of the game's Jacobian at the end of training"),
    ("dirac_converged", "1", "share of a Dirac-GAN's map of steps and gammas that has converged by now"),
    ("dirac_agreement", "1", "share of that map that has converged by now or not as its eigenvalues foretell"),
])
QUALITY = _reals([
    ("fid", "data²", "Fréchet distance of Gaussians fitted to features (Heusel 2017)"),
    ("modes", "modes", "modes captured: at least one high-quality sample each; classes for labelled images"),
    ("high_quality", "1", "share of samples within 3 sigma of their nearest mean; mixtures only"),
    ("reverse_kl", "nats", "KL of the generated mode weights from the true ones; floor about (K-1)/2n"),
    ("mode_js", "nats", "Jensen-Shannon divergence of the generated and true mode weights"),
    ("precision", "1", "share of generated samples within the real neighbourhoods (Kynkäänniemi 2019)"),
    ("recall", "1", "share of real samples within the generated neighbourhoods (Kynkäänniemi 2019)"),
    ("density", "1", "mean number of real neighbourhoods a generated sample is in, over k (Naeem 2020)"),
    ("coverage", "1", "share of real neighbourhoods that hold a generated sample (Naeem 2020)"),
    ("label_fidelity", "1", "share of samples the classifier finds to be of the requested label; cgan only"),
    ("class_fid", "data²", "Fréchet distance within each class, mean over classes; cgan only"),
    ("class_coverage", "1", "coverage within each class, mean over classes (Naeem 2020); cgan only"),
    ("kid", "1", "unbiased squared kernel distance of features (Binkowski 2018)"),
    ("kid_low", "1", "lower end of kid's 95 % interval over the samples drawn"),
    ("kid_high", "1", "upper end of kid's 95 % interval over the samples drawn"),
    ("mmd", "1", "unbiased squared distance under Gaussian kernels about the median distance (Gretton 2012)"),
    ("mmd_low", "1", "lower end of mmd's 95 % interval over the samples drawn"),
    ("mmd_high", "1", "upper end of mmd's 95 % interval over the samples drawn"),
    ("sliced_wasserstein", "data", "root mean square of the Wasserstein-2 distances along random directions"),
    ("wasserstein_1d", "data", "exact Wasserstein-1 distance; data on a line only"),
    ("density_js", "nats", "Jensen-Shannon divergence of data and samples as densities, an estimate; mixtures only"),
    ("density_kl", "nats", "KL(p||q) of the data p and the samples' density q, an estimate; mixtures only"),
    ("density_reverse_kl", "nats", "KL(q||p) of the samples' density q and the data p, an estimate; mixtures only"),
    ("density_tv", "1", "total variation between data and samples as densities, an estimate; mixtures only"),
    ("memorisation", "1", "chance that a sample is nearer to the training data than a held-out point (Meehan 2020)"),
])
DERIVED = _reals([
    ("mode_fraction", "1", "modes captured over modes there are"),
    ("hop", "1", "mode mass moved since the evaluation before (total variation), less multinomial noise"),
])
# Measurements of which more is better; of every other, less is.
HIGHER = frozenset({
    "modes", "mode_fraction", "high_quality", "precision", "recall", "density", "coverage", "class_coverage",
    "label_fidelity", "dirac_converged", "dirac_agreement",
})
# fmt: on
MEASUREMENTS = (*SIGNALS, *QUALITY, *DERIVED)
HISTOGRAM = Column("mode_histogram", "counts", "samples", "generated samples nearest to each mode")

HISTORY = (
    _STUDY, _PHASE, _ARM, _TRIAL, _SEED, _STEP, *CHOICES, _WALL_TIME,
    Column("diverged", "bool", "", "had diverged by this evaluation", True),
    *MEASUREMENTS, HISTOGRAM,
)  # fmt: skip
FLOORS = tuple(replace(c, name=f"floor.{c.name}", meaning=f"of fresh real samples: {c.meaning}") for c in QUALITY)
TRIALS = (
    _STUDY, _PHASE, _ARM, _INDEX, _TRIAL, _SEED, *CHOICES,
    Column("status", "category", "", f"how the trial ended: {', '.join(STATUSES)}", True),
    Column("outcome", "category", "", "verdict on the replica (analysis/results/outcomes.py); null while running"),
    Column("diverged_step", "int64", "steps", "the step at which the replica diverged; null if it did not"),
    Column("message", "text", "", "why the trial failed"),
    Column("started", "time", "UTC", "when the trial was planned", True),
    Column("ended", "time", "UTC", "when the trial ended; null while running"),
    _WALL_TIME,
    Column("steps", "int64", "steps", "generator updates taken at the last evaluation; 0 before the first", True),
    Column("hop_rate", "float64", "1", "mean hop over the last part of training"),
    Column("oscillation", "float64", "1", "spread of the judged metric over the last part, relative to its median"),
    *MEASUREMENTS, *FLOORS,
)  # fmt: skip
FILES = ("history.parquet", "trials.parquet")  # of a record
HISTORY_KEYS = ("study", "phase", "arm", "trial_id", "seed", "step")
TRIALS_KEYS = ("study", "phase", "arm", "trial_id", "seed")


def history_schema() -> Any:
    """The `pyarrow.Schema` of history.parquet."""
    return pa.schema([column.arrow for column in HISTORY])


def trials_schema(config: Mapping[str, str]) -> Any:
    """The `pyarrow.Schema` of trials.parquet; `config` gives the dtype of each `config.*` column (`config_dtype`)."""
    meaning = "of the trial's resolved configuration"
    extra = [Column(f"config.{name}", config[name], "", meaning) for name in sorted(config)]
    return pa.schema([column.arrow for column in (*TRIALS, *extra)])


def config_dtype(kinds: Iterable[type]) -> str:
    """The dtype of a `config.*` column whose values over all trials are of these types; a mixture is text."""
    found = set(kinds) - {type(None)}
    if found == {bool}:
        return "bool"
    if found and found <= {int, float}:
        return "int64" if found == {int} else "float64"
    return "category"


@dataclass(frozen=True)
class Record:
    """Both tables and `about`, what the files say of themselves: config, sessions, versions, floor, damaged lines.

    In `history` and `trials` category columns are pandas categoricals, `mode_histogram` stays in Arrow, and integer
    columns that may be null are `Int64`.
    """

    history: pd.DataFrame
    trials: pd.DataFrame
    about: Mapping[str, Any]

    @property
    def running(self) -> bool:
        """Whether some trial had not ended when the record was written."""
        return bool((self.trials["status"] == "running").any())


def load(folder: str | Path, columns: Sequence[str] | None = None) -> Record:
    """Read and check the record in `folder`.

    Args:
        folder: where history.parquet and trials.parquet lie; a study folder, or a folder with copies of the two.
        columns: the columns of `HISTORY` to read besides its keys; all when None.

    Raises:
        FileNotFoundError: a file is missing.
        RecordError: a column is missing, unknown or of another dtype; a key is null or stands twice; the two
            files do not belong together; an evaluation that a replica must have is missing. The message says which.
    """
    declared = [c.name for c in HISTORY]
    unknown = [name for name in columns or () if name not in declared]
    if unknown:
        raise RecordError(f"analysis/record/schema.py declares no column(s) {', '.join(unknown)} of history.parquet")
    names = declared if columns is None else list(dict.fromkeys([*HISTORY_KEYS, *columns]))
    past, past_about = _read(Path(folder) / FILES[0], history_schema(), names)
    now, about = _read(Path(folder) / FILES[1], trials_schema({}), None)
    if past_about.get("build") != about.get("build"):
        raise RecordError(f"{folder}: history.parquet and trials.parquet are of different builds; build them again")
    history, trials = _frame(past), _frame(now)
    _check_keys(history, HISTORY_KEYS, "history.parquet")
    _check_keys(trials, TRIALS_KEYS, "trials.parquet")
    _check_rows(history, trials)
    return Record(history, trials, about)


def _read(path: Path, schema: Any, names: list[str] | None) -> tuple[Any, dict[str, Any]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no record there; `ganstudy run` writes it when a study ends")
    with pq.ParquetFile(path) as file:
        _check_columns(path, file.schema_arrow, schema)
        about = json.loads((file.metadata.metadata or {}).get(METADATA, b"{}"))
        return file.read(columns=names), about


def _check_columns(path: Path, found: Any, schema: Any) -> None:
    missing = [name for name in schema.names if name not in found.names]
    if missing:
        raise RecordError(f"{path}: lacks the column(s) {', '.join(missing)}; build the record again from its ledger")
    unknown = [name for name in found.names if name not in schema.names and not name.startswith("config.")]
    if unknown:
        raise RecordError(f"{path}: column(s) that analysis/record/schema.py does not declare: {', '.join(unknown)}")
    for want in schema:
        got = found.field(want.name).type
        if got != want.type:
            raise RecordError(f"{path}: column {want.name} should be {want.type}, is {got}")


def _frame(table: Any) -> pd.DataFrame:
    """To pandas, lists left in Arrow and integers that may be null as Int64."""
    nullable = [f.name for f in table.schema if f.type == pa.int64() and f.nullable]
    kept: pd.DataFrame = table.to_pandas(
        types_mapper=lambda kind: pd.ArrowDtype(kind) if pa.types.is_list(kind) else None,
        split_blocks=True,
        self_destruct=True,
    )
    return kept.astype(dict.fromkeys(nullable, "Int64"))


def _named(rows: pd.DataFrame, limit: int = 3) -> str:
    """The first rows in words, `trial_id a, seed 1; trial_id b, seed 2 and 7 more`."""
    shown = [", ".join(f"{k} {v}" for k, v in row.items()) for row in rows.head(limit).to_dict("records")]
    return "; ".join(shown) + (f" and {len(rows) - limit} more" if len(rows) > limit else "")


def _check_keys(frame: pd.DataFrame, keys: tuple[str, ...], file: str) -> None:
    for key in keys:
        if frame[key].isna().any():
            raise RecordError(f"{file}: the key {key} is null in {int(frame[key].isna().sum())} row(s)")
    twice = frame.duplicated(list(keys))
    if twice.any():
        raise RecordError(f"{file}: {int(twice.sum())} row(s) stand twice: {_named(frame.loc[twice, list(keys[2:])])}")


def _check_rows(history: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Each replica has all evaluations that its fellows have, up to the step that trials.parquet names."""
    keys = list(TRIALS_KEYS)
    seen = history.groupby(keys, observed=True)["step"].agg(["size", "max"]).reset_index()
    both = trials[[*keys, "steps"]].merge(seen, on=keys, how="outer", indicator=True)
    orphans = both[both["_merge"] == "right_only"]
    if len(orphans):
        raise RecordError(f"history.parquet: rows of replicas unknown to trials.parquet: {_named(orphans[keys[3:]])}")
    short = both["max"].fillna(0) != both["steps"]
    short |= both["size"].fillna(0) < both.groupby(keys[:-1], observed=True)["size"].transform("max").fillna(0)
    if short.any():
        raise RecordError(f"history.parquet: lacks evaluations of {_named(both.loc[short, [*keys[3:], 'steps']])}")
