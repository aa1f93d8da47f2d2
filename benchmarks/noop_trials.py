"""200 trials that do next to nothing, MLflow and record included: what a trial costs by itself.

The peer is Ray Tune's documented way, `plain_noop.py`; it runs a few trials, and the cost of its trials is scaled to
200. Ours are real trials of one step, one replica and the smallest evaluation, searched by TPE.

    python -m benchmarks.noop_trials [turns]
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.comparison import Comparison, in_turns, table
from benchmarks.whole import ganstudy, peer

TRIALS, PEER_TRIALS, TARGET = 200, 12, 25.0
# Predicted from early measurements, in seconds: the start of either; a trial of Tune; one of ours, which is Tune with
# reused actors, a batch to MLflow and the ledger.
START, THEIRS, OURS = 12.0, 2.7, 0.034 + 0.020 + 0.005
OBJECTIVES = ["non_saturating", "least_squares", "hinge", "absolute_error"]
CONFIG: dict[str, Any] = {
    "study": "noop",
    "data": {"name": "ring", "points": 1000, "heldout": 100},
    "budget": {"steps": 1, "evaluations": 1, "batch_size": 2},
    "replicas": 1,
    "scientific": {"objective": OBJECTIVES},
    "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}},
    "fixed": {"generator": {"hidden": [2]}, "critic": {"hidden": [2]}},
    "evaluation": {"samples": 50, "neighbour_samples": 50},
    "search": {"trials_per_arm": TRIALS // len(OBJECTIVES)},
    "tracking": {"pictures": 0},
}


def compare(turns: int = 1) -> list[Comparison]:
    """The whole study, and what one more trial costs."""
    pairs = in_turns(turns, lambda: peer("plain_noop.py", "--trials", str(PEER_TRIALS)), lambda: ganstudy(CONFIG))
    scaled = f"wall time, {turns} turn(s); the peer's {PEER_TRIALS} trials scaled to {TRIALS}"
    by = "Ray Tune's documented way with MLflow"

    def row(what: str, costs: list[tuple[float, float]], predicted: float, method: str) -> Comparison:
        return Comparison(what, by, "s a trial", costs, TARGET, predicted, method)

    return [
        row(
            f"a study of {TRIALS} no-op trials, Ray's start included",
            [(theirs.per_trial(TRIALS), ours.per_trial(TRIALS)) for theirs, ours in pairs],
            (START + TRIALS * THEIRS) / (START + TRIALS * OURS),
            scaled,
        ),
        row(
            "one more no-op trial",
            [(theirs.further, ours.further) for theirs, ours in pairs],
            THEIRS / OURS,
            f"{scaled}; the starts of Ray and of our workers left out, our record and MLflow's catching up kept in",
        ),
    ]


if __name__ == "__main__":
    print(table(compare(*map(int, sys.argv[1:]))))
