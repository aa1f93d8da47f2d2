"""How fast this machine is at a study's own work, measured in seconds before it runs.

`trainables.cost` says how the arms' steps and evaluations compare; some are measured, and its estimates multiplied by
what came out. Measured is an arm's middle configuration, and one arm of those that differ in what hardly takes time,
with as many replicas as trials, packs and confirmations train at once; where evaluating them all would take long, only
some are evaluated.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from study.config.arms import Arm, spec_for
from study.config.plan import StudyPlan
from study.config.readiness import needed
from study.config.seeds import confirm_seeds
from trainables import checks, cost, timing
from trainables.memory import least_bytes
from trainables.spec import Spec, shared

LOGGER = logging.getLogger(__name__)
WITHIN = 8.0  # seconds that measuring may take, about
SHARE = 0.25  # of the memory, at most, that measuring may take
INDIFFERENT = ("objective", "generator_loss", "steps", "evaluations")  # to what a step takes
LOOP, USUAL = 200_000, 0.0054  # rounds of a loop, and the seconds that it took where overheads were measured


class Factors(NamedTuple):
    """What a step and an evaluation take for each second that `trainables.cost` estimates."""

    training: float = 1.0
    evaluation: float = 1.0


@dataclass(frozen=True)
class Calibration:
    """What was measured, or, made without arguments, that nothing was.

    Attributes:
        factors: by arm, and by the number of replicas that were measured.
        preparation: seconds that the floor and the study's classifier take; None: not measured.
        pace: seconds of Python here for each where the overheads of `study.progress.overheads` were measured.
        load: cores that other processes wanted meanwhile. What was measured is processor time, and knows nothing of it.
    """

    factors: Mapping[str, Mapping[int, Factors]] = field(default_factory=dict)
    preparation: float | None = None
    pace: float = 1.0
    load: float = 0.0

    def of(self, arm: str, replicas: int) -> Factors:
        """An arm's factors by the measured number of replicas that is nearest."""
        measured = self.factors.get(arm, {})
        return measured[min(measured, key=lambda count: abs(count - replicas))] if measured else Factors()


def calibrate(plan: StudyPlan, within: float = WITHIN) -> Calibration:
    """Measure on one worker's threads; nothing but the pace where trials run on a GPU, which is not modelled, or where
    data, samples or batches take more than `SHARE` of the memory, and no arm whose population would, or whose step
    would take longer than measuring may.

    What cannot be measured, or not in time, keeps the factors of what was, or has none.
    """
    if plan.config.resources.gpu or not _fits(plan):
        return Calibration(pace=_pace(), load=load())
    burden = load()
    threads, until = torch.get_num_threads(), time.monotonic() + within
    torch.set_num_threads(max(1, int(plan.config.resources.cpu)))
    found: dict[str, dict[int, Factors]] = {}
    by_arm: dict[str, dict[int, Factors]] = {}
    preparation: float | None = None
    try:
        for arm in plan.arms:
            spec = middle(plan, arm)
            alike = found.setdefault(_kind(spec), {})
            by_arm[arm.name] = alike
            for replicas in _sizes(plan, arm):
                soon = time.monotonic() < until or not any(found.values())
                if replicas not in alike and soon and _quick(spec, replicas):
                    alike[replicas] = _factors(spec, replicas)
                    preparation = timing.prepared(spec).seconds
    except Exception as error:  # whatever a network or a measurement of the user's own raises, which the run will say
        LOGGER.info("not all could be measured: %r", error)
    finally:
        torch.set_num_threads(threads)
    some = next((alike for alike in found.values() if alike), {})
    return Calibration({arm: alike or some for arm, alike in by_arm.items()}, preparation, _pace(), burden)


def load() -> float:
    """Processes that have wanted a core over the last minute, on average; 0 where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def middle(plan: StudyPlan, arm: Arm) -> Spec:
    """The spec of an arm's middle configuration."""
    return spec_for(plan.config, arm, {name: space.at(0.5) for name, space in arm.space.items()})


def _fits(plan: StudyPlan) -> bool:
    most = max(replicas for arm in plan.arms for replicas in _sizes(plan, arm))
    return max(needed(plan.config, most).values()) <= SHARE * checks.memory()


def _quick(spec: Spec, replicas: int) -> bool:
    fits = sum(least_bytes(spec, replicas).values()) <= SHARE * checks.memory()
    return fits and cost.step_seconds(spec, replicas) <= WITHIN


def _sizes(plan: StudyPlan, arm: Arm) -> Iterator[int]:
    """How many replicas train at once: of a trial, of a pack, of a confirmation."""
    yield plan.config.replicas
    yield plan.config.replicas * min(plan.packs.get(arm.name, 1), plan.config.search.trials_per_arm)
    if plan.config.confirm:
        yield len(confirm_seeds(plan.config, 0))


def _factors(spec: Spec, replicas: int) -> Factors:
    whole = cost.evaluation_seconds(spec, replicas)
    evaluated = max(1, min(replicas, int(replicas * WITHIN / whole))) if whole else replicas
    step, evaluation = timing.taken(spec, replicas, evaluated)
    estimate = cost.evaluation_seconds(spec, evaluated)
    return Factors(
        step / cost.step_seconds(spec, replicas),
        evaluation / estimate if evaluation is not None and estimate else 1.0,
    )


def _kind(spec: Spec) -> str:
    """Equal for specs whose steps take about as long for each second estimated."""
    settings = {name: value for name, value in shared(spec.to_dict()).items() if name not in INDIFFERENT}
    return json.dumps(settings, sort_keys=True)


def _pace() -> float:
    def loop() -> float:
        started, total = time.process_time(), 0
        for number in range(LOOP):
            total += number
        return time.process_time() - started

    return min(loop() for _ in range(5)) / USUAL
