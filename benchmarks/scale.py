"""What a trial costs as studies grow: 100, 1,000 and 10,000 trials that do next to nothing, in 50 arms.

Each study runs in a process of its own, whose functions are timed from outside: processor time of the driver, by what
it is spent on, and its memory. Where the columns stay flat a study costs what its trials cost.

    python -m benchmarks.scale [TRIALS ...]
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SIZES = (100, 1_000, 10_000)
ARMS = 50
OBJECTIVES = ["non_saturating", "minimax", "least_squares", "hinge", "absolute_error"]
CONFIG: dict[str, Any] = {
    "study": "scale",
    "data": {"name": "ring", "points": 1000, "heldout": 100},
    "budget": {"steps": 1, "evaluations": 1, "batch_size": 2},
    "replicas": 1,
    "scientific": {"objective": OBJECTIVES, "beta1": [place / 20 for place in range(ARMS // len(OBJECTIVES))]},
    "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "critic_lr": {"log_uniform": [1e-4, 1e-2]}},
    "fixed": {"generator": {"hidden": [2]}, "critic": {"hidden": [2]}},
    "evaluation": {"samples": 50, "neighbour_samples": 50},
    "tracking": {"pictures": 0},
}
COLUMNS = {
    "wall": "wall, ms",
    "driver": "driver, ms",
    "search": "of it search",
    "ledger": "ledger",
    "mlflow": "MLflow",
    "record": "record",
    "tune": "Tune and the rest",
    "memory": "memory, MiB",
    "kilobytes": "folder, kB",
}


class Meter:
    """Processor seconds of the calling thread spent inside functions that were put under it."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def put(self, owner: Any, name: str, on: str) -> None:
        """Time a method of a class, or a function of a module, from now on."""
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def timed(*arguments: Any, **settings: Any) -> Any:
            started = time.thread_time()
            try:
                return function(*arguments, **settings)
            finally:
                self.spent[on] = self.spent.get(on, 0.0) + time.thread_time() - started

        setattr(owner, name, timed)


def measured(trials: int) -> dict[str, float]:
    """Run a study in this process; milliseconds a trial, MiB of memory at its highest, kilobytes of folder a trial."""
    from study import run
    from study.config import loading
    from study.ledger.ledger import Ledger
    from study.search.arm_search import ArmSearch
    from study.tracking.tracker import Tracker

    meter = Meter()
    meter.put(ArmSearch, "ask", "search")
    meter.put(Ledger, "append", "ledger")
    meter.put(Tracker, "_attempt", "mlflow")
    meter.put(run, "build_record", "record")
    plan = loading.build({**CONFIG, "search": {"trials_per_arm": trials // ARMS}})
    with tempfile.TemporaryDirectory(prefix="ganstudy-scale-") as temporary:
        folder = Path(temporary) / "study"
        started = time.monotonic()
        before = time.process_time()
        assert run.run_study(plan, folder) == 0
        wall, driver = time.monotonic() - started, time.process_time() - before
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    spent = {name: 1000 * meter.spent.get(name, 0.0) / trials for name in ("search", "ledger", "mlflow", "record")}
    return {
        "trials": trials,
        "wall": 1000 * wall / trials,
        "driver": 1000 * driver / trials,
        **spent,
        "tune": 1000 * driver / trials - sum(spent.values()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "kilobytes": size / 1000 / trials,
    }


def apart(trials: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--one", str(trials)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{finished.stderr[-3000:]}")
    found: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return found


def table(rows: Sequence[dict[str, float]]) -> str:
    """Markdown; times are a trial's."""
    head = ["trials", *COLUMNS.values()]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = [f"{row['trials']:,.0f}", *(f"{row[name]:.3g}" for name in COLUMNS)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="What a trial costs at scale.")
    parser.add_argument("trials", nargs="*", type=int, help=f"multiples of {ARMS} (default: {SIZES})")
    parser.add_argument("--one", type=int, metavar="TRIALS", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(measured(options.one)))
        return
    rows = []
    for trials in options.trials or SIZES:
        rows.append(apart(trials))
        print(table(rows[-1:]), file=sys.stderr, flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
