"""What the trials of an arm measure: what can be searched for, what is where nothing is named, and what is judged."""

from __future__ import annotations

from analysis.record import schema
from analysis.record.schema import QUALITY, TRAINING
from analysis.results.thresholds import JUDGED_METRICS
from study.config.arms import Arm, constants_of
from study.config.plan import StudyPlan
from study.config.schema import StudyConfig
from trainables import data
from trainables.models.catalogue import measured_columns
from trainables.spec import Spec

DIAGNOSTICS = (  # nothing to search for
    "critic_bound", "induced_divergence", "bound_gap", "ratio_error", "generator_mean", "generator_std",
    "jacobian_real", "jacobian_imaginary", "jacobian_radius", "memorisation",
)  # fmt: skip
OF_MODES = "mass_js"  # what is searched for by default where it is measured and there are several modes
OF_POINTS = "coverage"  # of points that are no mixture, in raw features, where fid sees mean and covariance alone
SEARCHABLE = frozenset(  # errors and the ends of an interval are no metric either
    column.name
    for column in (*TRAINING, *QUALITY)
    if column.name not in DIAGNOSTICS and not column.name.endswith(("_low", "_high", "_error"))
)


def measured(config: StudyConfig, arm: Arm) -> frozenset[str]:
    """Names of the measurements that every trial of an arm brings and that can be searched for."""
    model = constants_of(config, arm).get("model", Spec.model)
    features = config.evaluation["features"]
    columns = measured_columns(model, data.describe(**config.data), config.measure, features)
    return frozenset(name for name in columns if name in SEARCHABLE or name.startswith(schema.OWN))


def of_raw_points(config: StudyConfig) -> bool:
    """Whether features are the data themselves, points whose distribution is not known."""
    description = data.describe(**config.data)
    return config.evaluation["features"] == "raw" and not (description.images or description.mixture)


def judged_by(plan: StudyPlan) -> tuple[str, ...]:
    """The metrics whose swings and progress are judged: `outcomes.metric`, or what null stands for in each arm."""
    if plan.config.outcomes.metric is not None:
        return (plan.config.outcomes.metric,)
    every = (measured(plan.config, arm) for arm in plan.arms)
    firsts = (next((name for name in JUDGED_METRICS if name in found), None) for found in every)
    return tuple(dict.fromkeys(name for name in firsts if name is not None))
