"""The record's schema: every column of both tables, declared once with dtype, unit and meaning.

`history.parquet` has one row per trial × replica × evaluation, `trials.parquet` one per trial × replica; `HISTORY` and
`TRIALS` are their columns. `study/record/build.py` writes exactly `history_schema()` and `trials_schema(...)`, and
`analysis.record.loading.load` refuses anything else. Four families of columns follow rules, the last three of them in
`trials.parquet` alone:

- `own.*`: measurements that the user wrote; which they are differs from study to study.

- `config.*`: the trial's resolved configuration, flat and dotted, null what nothing reads beside its other settings
  (β2 under SGD, any objective of a `vae`); names and dtypes differ from study to study.
- `floor.*`: each sample-based measurement, taken of fresh real samples against the same reference: what a perfect
  generator would score, as the mean over several draws of samples; `floor_spread.*` is the standard deviation of one.
- `later.*`: measurements made after the trial had ended, of the generators that it kept, float64 all; the metadata's
  `later` says what made them, and when.

Null means that the measurement does not apply or was not asked for; NaN that it was taken without a finite result,
as after a divergence. pandas shows both as NaN, and the column `diverged` says which. The unit "1" marks pure
numbers, "steps" generator updates, "nats" natural logarithms, "data" the units of the data, "features" those
of the features that distances are taken in (`analysis.record.units`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf, log
from typing import Any

import pyarrow as pa

PHASES = ("search", "confirm")
STATUSES = ("completed", "diverged", "truncated", "failed", "running")
OUTCOMES = (
    "converged", "stalled", "learning", "oscillating", "hopping", "collapsed", "frozen", "diverged", "truncated",
    "failed",
)  # fmt: skip
EARLIER_OUTCOMES = ("vanished",)  # of an earlier rule, in records that an earlier version wrote
ARROW = {
    "category": pa.dictionary(pa.int32(), pa.string()),
    "text": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "counts": pa.list_(pa.int64()),
}
OWN = "own."  # how the names of the user's own measurements begin
METADATA = b"ganstudy"  # the key under which a file's schema carries `Record.about`


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
_ARM = Column("arm", "category", "", "the scientific choices, one name per combination", True)
_REPEAT = Column("repeat", "int64", "", "which of the arm's searches, made independently of each other, from 0", True)
_INDEX = Column("index", "int64", "", "number of the trial within its phase, arm and repeat", True)
_TRIAL = Column(
    "trial_id",
    "category",
    "",
    "phase-arm-index, or phase-arm-rREPEAT-index from repeat 1 on; further seeds of a confirmation: …-roundROUND",
    True,
)
_SEED = Column("seed", "int64", "", "seed of the replica", True)
_STEP = Column("step", "int64", "steps", "generator updates taken at this evaluation", True)
_WALL_TIME = Column(
    "wall_time",
    "float64",
    "s",
    "time spent training since the trial began, all replicas together; of a pack's (resources.pack), an even share",
)
CHOICES = (  # null where the model reads none
    Column("model", "category", "", "gan, cgan, cyclegan, matching, vae, oracle or dirac"),
    Column("objective", "category", "", "name of the pair (f, g)"),
    Column("generator_loss", "category", "", "default, saturating, non_saturating, critic_mean or a formula"),
    Column("penalty", "category", "", "name of the critic's penalty, or none"),
)

# fmt: off
TRAINING = _reals([
    ("loss_critic", "1", "the critic's loss, penalty included"),
    ("loss_generator", "1", "the generator's loss"),
    ("critic_real", "1", "mean critic output d, after the link, on held-out real samples"),
    ("critic_fake", "1", "mean critic output d, after the link, on fresh generated samples"),
    ("probability_real", "1", "mean sigmoid(d) on held-out real samples; 1/2 at the minimax equilibrium"),
    ("probability_fake", "1", "mean sigmoid(d) on fresh generated samples; 1/2 at the minimax equilibrium"),
    ("critic_accuracy", "1", "share of held-out real and fresh generated samples told apart; 1/2 at equilibrium"),
    ("gradient_norm_generator", "1", "Euclidean norm of the generator's gradient"),
    ("gradient_norm_critic", "1", "Euclidean norm of the critic's gradient"),
    ("parameter_norm_generator", "1", "Euclidean norm of the generator's parameters"),
    ("parameter_norm_critic", "1", "Euclidean norm of the critic's parameters"),
    ("critic_bound", "1", "the critic's E_p f(d) + E_q g(d) on held-out real and fresh generated samples"),
    ("induced_divergence", "1", "sup F = E_q phi(p/q), the value of an optimal critic; of known mixtures"),
    ("bound_gap", "1", "induced_divergence less critic_bound, each with its own sampling error"),
    ("ratio_error", "1", "mean distance of the critic's own p/(p+q) from the true one, on real and generated samples"),
    ("generator_mean", "data", "mean of what an affine generator in one dimension draws"),
    ("generator_std", "data", "standard deviation of what an affine generator in one dimension draws"),
    ("jacobian_real", "1", "largest real part among the eigenvalues of the game's Jacobian at the end of training"),
    ("jacobian_imaginary", "1", "size of the imaginary part of the eigenvalue with the largest real part"),
    ("jacobian_radius", "1", "largest modulus among the eigenvalues of the game's Jacobian at the end of training"),
    ("cycle_error", "data", "mean absolute difference per coordinate of held-out samples and their way there and back"),
    ("partner_error", "data", "the same of translations, both ways, and the held-out samples that are right"),
    ("dirac_converged", "1", "share of a Dirac-GAN's map of steps and gammas that has converged by now"),
    ("dirac_agreement", "1", "share of that map whose convergence by now is as its eigenvalues predict"),
])
QUALITY = _reals([
    ("fid", "features²", "Fréchet distance of Gaussians fitted to features (Heusel 2017)"),
    ("fid_error", "features²", "standard error of fid over the samples drawn, from 5 blocks; near the floor too large"),
    ("fid_infinity", "features²", "fid of infinitely many samples, extrapolated (Chong & Forsyth 2020); may be < 0"),
    ("fid_infinity_low", "features²", "lower end of fid_infinity's 95 % interval over the samples drawn"),
    ("fid_infinity_high", "features²", "upper end of fid_infinity's 95 % interval over the samples drawn"),
    ("inception_score", "1", "exp of the mean KL of InceptionV3's classes of a sample from all (Salimans 2016)"),
    ("modes", "modes", "modes captured: at least one high-quality sample each; classes for labelled images"),
    ("modes_held", "modes", "modes with at least a tenth of the samples they should have; classes likewise"),
    ("modes_covered", "modes", "modes with at least a tenth of the high-quality samples they should have; or classes"),
    ("high_quality", "1", "share of samples within 3 sigma of their nearest mean; mixtures only"),
    ("reverse_kl", "nats", "KL of the generated mode weights from the true ones; floor about (K-1)/2n"),
    ("mode_js", "nats", "Jensen-Shannon divergence of the generated and true mode weights"),
    ("mass_js", "nats", "Jensen-Shannon divergence of where samples and data lie: shells of the modes, and the rest"),
    ("mass_js_error", "nats", "standard error of mass_js, as fid_error; mixtures only"),
    ("precision", "1", "share of generated samples within the real neighbourhoods (Kynkäänniemi 2019)"),
    ("recall", "1", "share of real samples within the generated neighbourhoods (Kynkäänniemi 2019)"),
    ("density", "1", "mean number of real neighbourhoods a generated sample is in, over k (Naeem 2020)"),
    ("coverage", "1", "share of real neighbourhoods that hold a generated sample (Naeem 2020)"),
    ("label_fidelity", "1", "share of samples found to be of the requested label; of a translation, of its partner's"),
    ("class_fid", "features²", "Fréchet distance within each class, mean over classes; where labels are requested"),
    ("class_coverage", "1", "coverage within each class, mean over classes (Naeem 2020); likewise"),
    ("kid", "1", "unbiased squared kernel distance of features (Binkowski 2018)"),
    ("kid_low", "1", "lower end of kid's 95 % interval over the samples drawn"),
    ("kid_high", "1", "upper end of kid's 95 % interval over the samples drawn"),
    ("mmd", "1", "unbiased squared distance under Gaussian kernels about the median distance (Gretton 2012)"),
    ("mmd_low", "1", "lower end of mmd's 95 % interval over the samples drawn"),
    ("mmd_high", "1", "upper end of mmd's 95 % interval over the samples drawn"),
    ("sliced_wasserstein", "features", "root mean square of the Wasserstein-2 distances along random directions"),
    ("wasserstein_1d", "data", "exact Wasserstein-1 distance; data on a line only"),
    ("density_js", "nats", "Jensen-Shannon divergence of data and samples as densities, an estimate; mixtures only"),
    ("density_kl", "nats", "KL(p||q) of the data p and the samples' density q, an estimate; mixtures only"),
    ("density_reverse_kl", "nats", "KL(q||p) of the samples' density q and the data p, an estimate; mixtures only"),
    ("density_tv", "1", "total variation between data and samples as densities, an estimate; mixtures only"),
    ("fid_back", "features²", "fid of a cyclegan's translations back, the transformation undone, to the data"),
    ("fid_back_error", "features²", "standard error of fid_back, as fid_error"),
    ("modes_held_back", "modes", "modes_held of translations back, likewise"),
    ("label_fidelity_back", "1", "label_fidelity of translations back, likewise"),
    ("memorisation", "1", "chance that a sample is nearer to the training data than a held-out point (Meehan 2020)"),
])
DERIVED = _reals([
    ("mode_fraction", "1", "modes captured over all modes"),
    ("held_fraction", "1", "modes_held over all modes"),
    ("covered_fraction", "1", "modes_covered over all modes"),
    ("hop", "1", "mode mass moved since the previous evaluation (total variation), less multinomial noise"),
])
# Measurements of which more is better; of the other `DIRECTED` ones, less is.
HIGHER = frozenset({
    "modes", "modes_held", "modes_covered", "mode_fraction", "held_fraction", "covered_fraction", "high_quality",
    "precision", "recall", "density", "coverage", "class_coverage", "label_fidelity", "inception_score",
    "modes_held_back", "label_fidelity_back",
    "dirac_converged", "dirac_agreement",
})
# fmt: on
OF_LABELS = ("class_fid", "label_fidelity", "class_coverage")  # see whether samples are of the class asked for
DIRECTED = HIGHER | {column.name for column in (*QUALITY, *DERIVED)}  # losses, norms and such are neither
MEASUREMENTS = (*TRAINING, *QUALITY, *DERIVED)
COUNTED = ("modes", "modes_held", "modes_covered")  # at most as many as the histogram has; the record derives shares
WHOLE = (*COUNTED, "modes_held_back")  # of a replica; the floor is a mean over draws
HISTOGRAM = Column("mode_histogram", "counts", "samples", "generated samples nearest to each mode")


SHARE, AMOUNT = (0.0, 1.0), (0.0, inf)
RANGES = {  # of what can take no other value than these, rounding apart, whoever measured it; of floors likewise
    **dict.fromkeys(
        ("probability_real", "probability_fake", "critic_accuracy", "ratio_error", "dirac_converged", "dirac_agreement",
         "high_quality", "precision", "recall", "coverage", "class_coverage", "label_fidelity", "label_fidelity_back",
         "memorisation", "mode_fraction", "held_fraction", "covered_fraction", "near"), SHARE
    ),
    **dict.fromkeys(
        ("gradient_norm_generator", "gradient_norm_critic", "parameter_norm_generator", "parameter_norm_critic",
         "generator_std", "jacobian_imaginary", "jacobian_radius", "cycle_error", "partner_error",
         "fid", "fid_back", "class_fid", "reverse_kl", "sliced_wasserstein", "wasserstein_1d",
         *WHOLE, "density", "fid_error", "fid_back_error", "mass_js_error", "held", "progress",
         "index", "repeat", "seed", "step", "steps", "wall_time", "critic_updates",
         "real_samples", "operations", "core_seconds"), AMOUNT
    ),
    **dict.fromkeys(("mode_js", "mass_js"), (0.0, log(2))),  # the greatest divergence of Jensen and Shannon
    **dict.fromkeys(("inception_score", "swing"), (1.0, inf)),
    "hop": (-1.0, 1.0),  # a total variation, less another
}  # fmt: skip
ROUNDING = 1e-6  # by which a value may be outside of its range

SIGNALS = _reals(
    [  # of a replica's outcome
        (
            "held",
            "1",
            "share of the modes that hold mass, of those that do in real data; median over the tail",
        ),
        (
            "hop_rate",
            "1",
            "mean hop over the tail, the largest visit left out, or the largest in its last half if less",
        ),
        ("near", "1", "share of the tail's evaluations whose samples are near the data"),
        ("swing", "1", "factor by which the judged metric both rose and fell, beyond noise"),
        ("progress", "1", "factor by which the judged metric improved over the tail"),
    ]
)

SPENT = (  # null where the trial's specification is unknown, or of a version that cannot be read
    Column("critic_updates", "int64", "updates", "critic updates taken in these steps; 0 for models without a critic"),
    Column("real_samples", "int64", "samples", "real samples that the replica's training has drawn in these steps"),
    Column("operations", "float64", "1", "floating-point operations of the replica's networks in these steps"),
    Column("core_seconds", "float64", "s", "wall_time times a trial's cores, as last set; all replicas together"),
)

HISTORY = (
    _STUDY, _PHASE, _ARM, _REPEAT, _TRIAL, _SEED, _STEP, *CHOICES, _WALL_TIME,
    Column("diverged", "bool", "", "had diverged by this evaluation", True),
    *MEASUREMENTS, HISTOGRAM,
)  # fmt: skip


def floors(measured: Iterable[Column]) -> tuple[Column, ...]:
    """The columns of what fresh real samples score by these measurements."""
    kinds = (("floor", "of fresh real samples"), ("floor_spread", "standard deviation of one such draw"))
    return tuple(
        replace(column, name=f"{kind}.{column.name}", meaning=f"{meaning}: {column.meaning}")
        for kind, meaning in kinds
        for column in measured
    )


def own(names: Iterable[str]) -> tuple[Column, ...]:
    """The columns of the user's own measurements `names`."""
    return _reals((name, "1", "a measurement of the user's own") for name in names)


FLOORS = floors(QUALITY)
TRIALS = (
    _STUDY, _PHASE, _ARM, _REPEAT, _INDEX, _TRIAL, _SEED, *CHOICES,
    Column("status", "category", "", f"how the trial ended: {', '.join(STATUSES)}", True),
    Column("outcome", "category", "", "verdict (analysis.results.outcomes); null if running or not judged"),
    Column("diverged_step", "int64", "steps", "the step at which the replica diverged; null if it did not, or unknown"),
    Column("message", "text", "", "why the trial failed"),
    Column("started", "time", "UTC", "when the trial was planned", True),
    Column("ended", "time", "UTC", "when the trial ended; null while running"),
    _WALL_TIME,
    Column("steps", "int64", "steps", "generator updates taken at the last evaluation; 0 before the first", True),
    *SPENT, *SIGNALS, *MEASUREMENTS, *FLOORS,
)  # fmt: skip
MEASURED_LATER = "later."  # how the columns begin of what was measured after the trial had ended
FILES = ("history.parquet", "trials.parquet")  # of a record
ROUND = r"-round\d+$"  # what the name of a trial ends with that trains further seeds of a confirmation
HISTORY_KEYS = ("study", "phase", "arm", "repeat", "trial_id", "seed", "step")
TRIALS_KEYS = HISTORY_KEYS[:-1]


def history_schema(measured: Iterable[str] = ()) -> Any:
    """The `pyarrow.Schema` of history.parquet; `measured` are the names `own.*` of the user's own measurements."""
    return pa.schema([column.arrow for column in (*HISTORY, *own(measured))])


def trials_schema(config: Mapping[str, str], measured: Iterable[str] = (), later: Iterable[str] = ()) -> Any:
    """The `pyarrow.Schema` of trials.parquet; `config` gives the dtype of each `config.*` column (`config_dtype`),
    `measured` as in `history_schema`, `later` the names of what was measured later, without their `later.`."""
    more = own(measured)
    meaning = "of the trial's resolved configuration"
    extra = [Column(f"config.{name}", config[name], "", meaning) for name in sorted(config)]
    afterwards = "measured of kept generators, after the trial had ended"
    extra += _reals((f"{MEASURED_LATER}{name}", "", afterwards) for name in later)
    return pa.schema([column.arrow for column in (*TRIALS, *more, *floors(more), *extra)])


def config_dtype(kinds: Iterable[type]) -> str:
    """The dtype of a `config.*` column whose values over all trials are of these types; a mixture is text."""
    found = set(kinds) - {type(None)}
    if found == {bool}:
        return "bool"
    if found and found <= {int, float}:
        return "int64" if found == {int} else "float64"
    return "category"
