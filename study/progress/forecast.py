"""What a study will do and about what it will cost, before it runs.

The counts are exact, unless a scheduler stops trials early, or the confirmation goes on until pairs of arms are
decided: then they are the most that there may be. Where something else than updates is equal in all trials, updates are
averages over an arm's space. The cost is the estimate of `trainables.cost`, in proportion to what was measured here
(`study.progress.calibration`), with what is not training (`study.progress.overheads`). It leaves out what loading data
from files takes, and what a scheduler saves.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from analysis.wording import spelled
from study.config.arms import Arm, corners, spec_for
from study.config.measured import judged_by
from study.config.notes import notes
from study.config.plan import StudyPlan
from study.config.reference import specs_at_corners
from study.config.rounds import limits, rounds
from study.config.schema import StudyConfig
from study.config.seeds import confirm_seeds
from study.progress import overheads
from study.progress.calibration import WITHIN, Calibration, calibrate, load
from study.progress.overheads import Parts
from study.progress.packing import Packing, packing
from trainables import cost
from trainables.spec import Spec

WORTH = 20  # times as long as measuring takes, a study is long enough for it
DRAWS = 12  # configurations of an arm that its cost is averaged over


@dataclass(frozen=True)
class ArmForecast:
    """What one arm will do.

    Attributes:
        name: of the arm.
        choices: what its scientific entry sets, as text.
        space: what it searches, as text.
        search_trials, confirm_trials: how many, over all repeats.
        confirm_replicas: of all confirm trials.
        steps: generator updates of one replica, the least and the most at the corners of the space.
        samples: real samples that one replica sees in training, likewise.
        updates: generator updates over all trials and replicas.
        core_seconds: seconds of one core that training and evaluations take, and of them the evaluations'
            `evaluation_seconds`; the longest trial or pack takes `longest`.
        packing: of each of its searches in packs.
    """

    name: str
    choices: Mapping[str, str]
    space: Mapping[str, str]
    search_trials: int
    confirm_trials: int
    confirm_replicas: int
    steps: tuple[int, int]
    samples: tuple[int, int]
    updates: int
    core_seconds: float
    evaluation_seconds: float
    longest: float
    packing: Packing


@dataclass(frozen=True)
class Forecast:
    """The whole study; every arm is searched `repeats` times, or at most so often.

    `trials`, `replicas` (trained one by one), `evaluations`, `updates` are totals over arms.

    `parts` are seconds of one core and `core_seconds` their sum, without the `report`; `seconds` pass from beginning to
    end with `workers` workers on this machine if nothing else runs; `calibrated` says whether any of it was measured
    here. Of its `cores` other processes wanted `load` at that time, which may be more than there are.

    `kept_bytes` is what the generators take that the study keeps in the end.
    `searched_by` are the metrics that the search follows, `judged_by` those whose swings and progress outcomes are
    judged by, none for maps of Dirac-GANs: what `search.metric` and `outcomes.metric` say, or what null stands for.
    """

    study: str
    data: str
    searched_by: tuple[str, ...]
    judged_by: tuple[str, ...]
    repeats: int
    arms: tuple[ArmForecast, ...]
    trials: int
    replicas: int
    evaluations: int
    updates: int
    parts: Parts
    core_seconds: float
    workers: int
    seconds: float
    calibrated: bool
    cores: int
    load: float
    kept_bytes: int
    warnings: tuple[str, ...]

    @property
    def slowdown(self) -> float:
        """How many times as long as `seconds` the study takes while other processes want `load` cores."""
        return max(1.0, (min(self.workers, self.cores) + self.load) / self.cores)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return asdict(self)


def forecast(plan: StudyPlan, calibration: Calibration | None = None) -> Forecast:
    """Count and estimate all that the study would do, by what was measured on this machine if it was."""
    config, measured = plan.config, calibration or Calibration()
    arms = tuple(_arm(plan, arm, measured) for arm in plan.arms)
    search, confirm = (sum(getattr(arm, name) for arm in arms) for name in ("search_trials", "confirm_trials"))
    replicas = search * config.replicas + sum(arm.confirm_replicas for arm in arms)
    workers = overheads.workers(config)
    parts = Parts(
        start=overheads.start(workers, measured.pace),
        preparation=_preparation(plan) if measured.preparation is None else measured.preparation,
        training=sum(arm.core_seconds - arm.evaluation_seconds for arm in arms),
        evaluation=sum(arm.evaluation_seconds for arm in arms),
        records=overheads.records(config, search, confirm, measured.pace),
        report=overheads.report(len(arms), search + confirm, measured.pace),
    )
    return Forecast(
        study=config.study,
        data=config.data["name"],
        searched_by=plan.goal.metrics,
        judged_by=judged_by(plan),
        repeats=limits(config).repeats,
        arms=arms,
        trials=search + confirm,
        replicas=replicas,
        evaluations=replicas * config.budget.evaluations,
        updates=sum(arm.updates for arm in arms),
        parts=parts,
        core_seconds=parts.run,
        workers=workers,
        seconds=overheads.wall(parts, workers, max(arm.longest for arm in arms), config.resources.cpu, measured.pace),
        calibrated=bool(measured.factors),
        cores=os.cpu_count() or 1,
        load=measured.load,
        kept_bytes=sum(_kept_bytes(config, arm) for arm in plan.arms),
        warnings=tuple(notes(plan)),
    )


def at_start(plan: StudyPlan) -> Forecast:
    """The forecast that a study begins with: by what is measured, unless that takes a good part of the study."""
    rough = forecast(plan, Calibration(load=load()))
    return rough if rough.seconds < WORTH * WITHIN else forecast(plan, calibrate(plan))


def seconds_of_arms(plan: StudyPlan) -> dict[str, float]:
    """What a search trial of each arm takes, for proportions: of one typical draw, by what is known of no machine."""
    return {arm.name: cost.seconds(_draw(plan.config, arm, 0.5), plan.config.replicas) for arm in plan.arms}


def _arm(plan: StudyPlan, arm: Arm, measured: Calibration) -> ArmForecast:
    config = plan.config
    (repeats, seeds), search = limits(config), config.search.trials_per_arm
    chosen = repeats * min(config.confirm.top, search)
    search, confirm, confirm_replicas = repeats * search, chosen * rounds(config, seeds), chosen * seeds
    typical = [_draw(config, arm, (place + 0.5) / DRAWS) for place in range(DRAWS if arm.space else 1)]

    reached = [(spec.steps, spec.steps * cost.real_samples(spec)) for spec in specs_at_corners(config, arm)]
    steps, samples = ((min(counts), max(counts)) for counts in zip(*reached, strict=True))
    trained = search * config.replicas + confirm_replicas

    def seconds(replicas: int) -> tuple[float, float]:
        """What training and evaluating take a trial of so many replicas."""
        factors = measured.of(arm.name, replicas)
        steps = sum(spec.steps * cost.step_seconds(spec, replicas) for spec in typical)
        evaluations = sum(spec.evaluations * cost.evaluation_seconds(spec, replicas) for spec in typical)
        return factors.training * steps / len(typical), factors.evaluation * evaluations / len(typical)

    packs = packing(plan, arm, seconds)
    batches = [len(confirm_seeds(config, batch)) for batch in range(rounds(config, seeds))] if chosen else []
    populations = [(repeats * packs.packs, seconds(packs.rows)), *((chosen, seconds(batch)) for batch in batches)]

    return ArmForecast(
        name=arm.name,
        choices={key: spelled(value) for key, value in arm.choices.items()},
        space={name: str(space) for name, space in arm.space.items()},
        search_trials=search,
        confirm_trials=confirm,
        confirm_replicas=confirm_replicas,
        steps=steps,
        samples=samples,
        updates=round(trained * sum(spec.steps for spec in typical) / len(typical)),
        core_seconds=sum(count * sum(each) for count, each in populations),
        evaluation_seconds=sum(count * evaluating for count, (_, evaluating) in populations),
        longest=max(sum(each) for _, each in populations),
        packing=packs,
    )


def _preparation(plan: StudyPlan) -> float:
    """The estimate of what precedes the first trial; data and evaluation are the same in all arms."""
    return cost.preparation_seconds(_draw(plan.config, plan.arms[0], 0.5))


def _kept_bytes(config: StudyConfig, arm: Arm) -> int:
    """What an arm's kept generators take at the most, by the largest networks at the corners of its space."""
    keep, search, (repeats, seeds) = config.keep, config.search, limits(config)
    specs = [spec_for(config, arm, values) for values in corners(arm.space)]

    def of_each(replicas: int) -> int:
        return max(cost.kept_bytes(spec, replicas, keep.critics) for spec in specs)

    confirmed = min(config.confirm.top, search.trials_per_arm) if keep.writes(confirmed=True) else 0
    searched = {"all": search.trials_per_arm, "best": 1}.get(keep.generators, 0)
    return repeats * (confirmed * of_each(seeds) + searched * of_each(config.replicas))


def _draw(config: StudyConfig, arm: Arm, share: float) -> Spec:
    return spec_for(config, arm, {name: space.at(share) for name, space in arm.space.items()})
