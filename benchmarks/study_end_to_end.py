"""The same study by `ganstudy` and by a careful user's script on Ray, `plain_study.py`: the cost of a seed-trial.

Two objectives, two configurations of each, 32 seeds of every configuration: 128 seed-trials of 2,000 steps and ten
evaluations on a ring, width 64, batch 128. The script trains one seed a trial; it runs a few trials, and their cost
is scaled to 128. Ours measures more (precision, recall, density, coverage, mode divergences) and keeps a record.

    python -m benchmarks.study_end_to_end [turns]
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.comparison import Comparison, in_turns, table
from benchmarks.whole import ganstudy, peer

SEEDS, PER_ARM, TARGET = 32, 2, 10.0
PEER_TRIALS = 4  # of each objective
# Predicted from early measurements, in seconds with both cores busy: a seed-trial of the script; 2,000 steps of 1 ms.
THEIRS, OURS = 12.0, 2000 * 1.0e-3 / 2
OBJECTIVES = ["non_saturating", "least_squares"]
SEED_TRIALS = SEEDS * PER_ARM * len(OBJECTIVES)
CONFIG: dict[str, Any] = {
    "study": "end-to-end",
    "data": {"name": "ring", "modes": 8, "std": 0.02},
    "budget": {"steps": 2000, "evaluations": 10, "batch_size": 128},
    "replicas": SEEDS,
    "scientific": {"objective": OBJECTIVES},
    "nuisance": {
        "generator_lr": {"log_uniform": [1e-4, 1e-2]},
        "critic_lr": {"log_uniform": [1e-4, 1e-2]},
    },
    "fixed": {"generator": {"hidden": [64, 64]}, "critic": {"hidden": [64, 64]}},
    "evaluation": {"samples": 2500},
    "search": {"trials_per_arm": PER_ARM},
}


def compare(turns: int = 1) -> list[Comparison]:
    pairs = in_turns(
        turns, lambda: peer("plain_study.py", "--trials", str(PEER_TRIALS)), lambda: ganstudy(CONFIG, SEEDS)
    )
    measured = PEER_TRIALS * len(OBJECTIVES)
    return [
        Comparison(
            what=f"a study of {SEED_TRIALS} seed-trials on a ring, width 64, batch 128, 2,000 steps, 10 evaluations",
            peer="a careful user's script on Ray, Optuna and MLflow",
            unit="s a seed-trial",
            turns=[(theirs.per_trial(SEED_TRIALS), ours.per_trial(SEED_TRIALS)) for theirs, ours in pairs],
            target=TARGET,
            predicted=THEIRS / OURS,
            method=f"wall time, {turns} turn(s), Ray's start included; the script's {measured} seed-trials scaled",
        )
    ]


if __name__ == "__main__":
    print(table(compare(*map(int, sys.argv[1:]))))
