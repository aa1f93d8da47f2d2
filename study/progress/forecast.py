"""What a study will do and about what it will cost, before it runs.

The counts are exact, unless a scheduler stops trials early. The cost is an estimate for processor cores like the one
it was calibrated on (x86, one thread, 2025): the arithmetic of the networks at `SECONDS_PER_FLOP`, and a fixed part
for every update of a population. It was within a factor of two where it was tried, knows nothing of GPUs, and leaves
out the preparation of the data and of a classifier. A run's own first trials are the better guide.

Floating point operations per sample: g for the generator forwards, d for the critic. A backward pass costs twice the
forward one, once where only inputs or only weights need gradients, so a critic update costs 6d + g, a penalty on its
gradient another 6d, a generator update 3g + 2d.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from study.config.arms import Arm, networks_of, spec_for
from study.config.plan import StudyPlan
from study.config.rules import warnings
from study.config.schema import StudyConfig
from trainables import data
from trainables.networks import Network
from trainables.penalties import PENALTIES
from trainables.spec import Spec

SECONDS_PER_FLOP = {"mlp": 2.5e-11, "conv": 6e-11}
SECONDS_PER_UPDATE = 4e-4  # of a whole population
SECONDS_PER_EVALUATION = 0.02  # of a replica, beside its networks' arithmetic
SECONDS_PER_CELL = 4e-8  # of a map of Dirac-GANs, for each move of each replica
INCEPTION = 1.1e10  # operations per image
ARCHITECTURE = ("data", "model", "latent_dim", "conditioning", "generator", "critic")
DRAWS = 12  # configurations of an arm that its cost is averaged over


@dataclass(frozen=True)
class ArmForecast:
    """One arm: its search space as text, its trials, their generator updates over all replicas, seconds of one core."""

    name: str
    space: Mapping[str, str]
    search_trials: int
    confirm_trials: int
    updates: int
    core_seconds: float


@dataclass(frozen=True)
class Forecast:
    """The whole study; `trials`, `replicas` (trained one by one), `evaluations`, `updates` are totals over arms."""

    study: str
    data: str
    arms: tuple[ArmForecast, ...]
    trials: int
    replicas: int
    evaluations: int
    updates: int
    core_seconds: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return asdict(self)


def forecast(plan: StudyPlan) -> Forecast:
    """Count and estimate all that the study would train."""
    config = plan.config
    arms = tuple(_arm(config, arm) for arm in plan.arms)
    search, confirm = (sum(getattr(arm, name) for arm in arms) for name in ("search_trials", "confirm_trials"))
    replicas = search * config.replicas + confirm * config.confirm.replicas
    return Forecast(
        study=config.study,
        data=config.data["name"],
        arms=arms,
        trials=search + confirm,
        replicas=replicas,
        evaluations=replicas * config.budget.evaluations,
        updates=sum(arm.updates for arm in arms),
        core_seconds=sum(arm.core_seconds for arm in arms),
        warnings=tuple(warnings(plan)),
    )


def _arm(config: StudyConfig, arm: Arm) -> ArmForecast:
    search = config.search.trials_per_arm
    confirm = min(config.confirm.top, search)
    typical = [_draw(config, arm, (place + 0.5) / DRAWS) for place in range(DRAWS if arm.space else 1)]

    def seconds(trials: int, replicas: int) -> float:
        return trials * sum(_seconds(spec, replicas) for spec in typical) / len(typical)

    return ArmForecast(
        name=arm.name,
        space={name: str(space) for name, space in arm.space.items()},
        search_trials=search,
        confirm_trials=confirm,
        updates=config.budget.steps * (search * config.replicas + confirm * config.confirm.replicas),
        core_seconds=seconds(search, config.replicas) + seconds(confirm, config.confirm.replicas),
    )


def _draw(config: StudyConfig, arm: Arm, share: float) -> Spec:
    return spec_for(config, arm, {name: space.at(share) for name, space in arm.space.items()})


def _seconds(spec: Spec, replicas: int) -> float:
    """Of one trial on one core."""
    if spec.model == "dirac":
        cells = int(spec.data["step"]["count"]) * int(spec.data["gamma"]["count"])
        return spec.steps * (SECONDS_PER_UPDATE + SECONDS_PER_CELL * cells * replicas * (1 + spec.critic_steps))
    g, d = _operations(json.dumps({name: value for name, value in spec.to_dict().items() if name in ARCHITECTURE}))
    penalised = 6 * d if PENALTIES[spec.penalty["name"]].points else 0.0
    step = spec.batch_size * (spec.critic_steps * (6 * d + g + penalised) + 3 * g + 2 * d)
    features = INCEPTION if spec.evaluation["features"] == "inception" else 0.0
    evaluation = spec.evaluation["samples"] * (g + 2 * d + features)
    rate = SECONDS_PER_FLOP["conv" if "conv" in (spec.generator["kind"], spec.critic["kind"]) else "mlp"]
    fixed = spec.steps * SECONDS_PER_UPDATE * (1 + spec.critic_steps)
    fixed += replicas * spec.evaluations * SECONDS_PER_EVALUATION
    total: float = fixed + rate * replicas * (spec.steps * step + spec.evaluations * evaluation)
    return total


@lru_cache(maxsize=4096)
def _operations(architecture: str) -> tuple[float, float]:
    """Operations per sample of the generator and of the critic, forwards."""
    spec = Spec.from_dict({**json.loads(architecture), "steps": 1, "evaluations": 1, "batch_size": 1})
    description = data.describe(**spec.data)
    generator, critic = networks_of(spec, description)
    side = description.shape[-1]
    return _forward(generator, side, growing=True), _forward(critic, side, growing=False)


def _forward(network: Network, side: int, growing: bool) -> float:
    """Two operations for each weight of a dense layer, and for each of a convolution at every position it is put.

    Every convolution halves the side of the image or, in a generator (`growing`), doubles it up to `side`.
    """
    convolutions = [weight.size for weight in network.weights if len(weight.shape) == 4]
    positions = [(side >> halvings) ** 2 for halvings in range(1, len(convolutions) + 1)]
    dense = sum(weight.size for weight in network.weights if len(weight.shape) == 2)
    placed = zip(convolutions, reversed(positions) if growing else positions, strict=True)
    return 2.0 * (dense + sum(size * count for size, count in placed))
