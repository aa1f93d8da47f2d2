"""Trials of an arm that share a population (`resources.pack`), beside the same trials one after the other, on one core.

An arm as in `configs/quickstart.yaml`, of three replicas a trial and with learning rates of each trial's own, its
evaluations included. Both sides train the same configurations from the same seeds; a turn takes them from one
evaluation to the next. Costs are processor time, which other processes on the machine disturb less than the clock.

    python -m benchmarks pack [--turns N]
"""

from __future__ import annotations

import time

import torch

from benchmarks.comparison import Comparison, in_turns
from trainables.data import DataSet, load
from trainables.metrics.evaluator import Evaluator
from trainables.spec import Spec
from trainables.training import Training

REPLICAS = 3
INTERVAL = 250  # updates between two evaluations
# Width, trials to a pack, and the prediction: from an overhead of half a millisecond a step, and 20 ms an evaluation.
SIZES = ((32, 4, 1.6), (32, 8, 1.9), (64, 4, 1.5), (64, 8, 1.6))


def arm(width: int, trials: int, evaluations: int) -> list[Spec]:
    """The specs of so many trials, which differ in their learning rates and the penalty's weight."""
    networks = {"hidden": [width, width]}
    return [
        Spec(
            data={"name": "ring"},
            steps=INTERVAL * evaluations,
            evaluations=evaluations,
            batch_size=64,
            objective={"name": "hinge"},
            penalty={"name": "r1", "weight": 0.01 * 10 ** (place / trials)},
            generator_lr=2e-3 * 5 ** (place / trials),
            critic_lr=1e-2 * 0.2 ** (place / trials),
            ema=0.995,
            generator=networks,
            critic=networks,
        )
        for place in range(trials)
    ]


def populations(specs: list[Spec], together: int, data: DataSet, evaluator: Evaluator) -> list[Training]:
    """Trainings of so many trials each."""
    packs = [specs[first : first + together] for first in range(0, len(specs), together)]
    rows = [[spec for spec in pack for _ in range(REPLICAS)] for pack in packs]
    seeds = [[*range(REPLICAS)] * len(pack) for pack in packs]
    return [Training(*one, data=data, evaluator=evaluator) for one in zip(rows, seeds, strict=True)]


def interval(trainings: list[Training], trials: int) -> float:
    """Milliseconds of processor time a trial, from one evaluation to the next."""
    start = time.process_time()
    for training in trainings:
        training.advance()
    return (time.process_time() - start) / trials * 1e3


def against_alone(width: int, pack: int, turns: int, data: DataSet, evaluator: Evaluator) -> list[tuple[float, float]]:
    """Costs of trials one after the other and of the same in a pack; the first turn is thrown away."""
    specs = arm(width, pack, turns + 1)
    alone, packed = (populations(specs, together, data, evaluator) for together in (1, pack))
    return in_turns(turns + 1, lambda: interval(alone, pack), lambda: interval(packed, pack))[1:]


def compare(turns: int = 5) -> list[Comparison]:
    torch.set_num_threads(1)
    data = load(name="ring")
    evaluator = Evaluator(data, {})
    return [
        Comparison(
            what=f"{pack} trials of {REPLICAS} replicas in one population, width {width}, batch 64",
            peer="the same trials one after the other",
            unit="ms a trial and evaluation",
            turns=against_alone(width, pack, turns, data, evaluator),
            target=1.0,
            predicted=predicted,
            method=f"processor time on one thread, {turns} turns, evaluations included",
        )
        for width, pack, predicted in SIZES
    ]
