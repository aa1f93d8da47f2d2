"""The report of 10,000 trials × 8 replicas × 20 evaluations, ten arms, each confirmed on 32 seeds.

There is no peer: what was asked is the page in under a minute on two cores, and the ratio is how often ours fits in it.

    python -m benchmarks.report [turns]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from analysis import report
from benchmarks import simulated
from benchmarks.comparison import Comparison, table

ASKED = 60.0  # seconds
PREDICTED = 50.0  # early guess: reading 5 s, forests 20 s, resampling 10 s, pictures and tables 15 s
ARMS, TRIALS, REPLICAS, EVALUATIONS, CONFIRMED = 10, 1000, 8, 20, 32


def compare(turns: int = 1) -> list[Comparison]:
    """Wall time of `analysis.report.write`, and in its method the processor time."""
    with TemporaryDirectory(prefix="bench-") as place:
        arms = [f"objective_{number}" for number in range(ARMS)]
        rows = simulated.write(Path(place), arms, TRIALS, REPLICAS, EVALUATIONS, CONFIRMED)
        costs = [timed(Path(place)) for _ in range(turns)]
    processor = median(spent for _, spent in costs)
    return [
        Comparison(
            what=f"the report of {ARMS * TRIALS:,} trials × {REPLICAS} replicas × {EVALUATIONS} evaluations",
            peer="what was asked",
            unit="s",
            turns=[(ASKED, wall) for wall, _ in costs],
            target=1.0,
            predicted=ASKED / PREDICTED,
            method=f"wall time of analysis.report.write, {turns} turn(s), {rows:,} rows of history;"
            f" {processor:.3g} s of processor time",
        )
    ]


def timed(folder: Path) -> tuple[float, float]:
    """Wall and processor seconds of the report on a record."""
    wall, processor = time.perf_counter(), time.process_time()
    report.write(folder)
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    print(table(compare(*map(int, sys.argv[1:]))))
