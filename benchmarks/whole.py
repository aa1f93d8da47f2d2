"""A whole study as one command, timed: what is paid once apart from what grows with the number of trials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from study.ledger.ledger import entries

LONGEST = 3600.0  # seconds


@dataclass(frozen=True)
class Whole:
    """Seconds from the command to the first trial (of ours, to its first result), and from there to the end."""

    start: float
    work: float
    trials: int

    def per_trial(self, trials: int) -> float:
        """Seconds a trial in a study of so many, the start included."""
        return self.start / trials + self.further

    @property
    def further(self) -> float:
        """Seconds that one more trial costs."""
        return self.work / self.trials


def peer(script: str, *arguments: str) -> Whole:
    """Run a script of this folder that prints how long its trials took."""
    with TemporaryDirectory(prefix="bench-") as folder:
        began = time.perf_counter()
        printed = _command([str(Path(__file__).with_name(script)), "--folder", folder, *arguments])
        wall = time.perf_counter() - began
    said = json.loads(printed.splitlines()[-1])
    return Whole(wall - said["seconds"], said["seconds"], said["trials"])


def ganstudy(config: Mapping[str, Any], seeds: int = 1) -> Whole:
    """`ganstudy run`, its MLflow and record included; a trial counts for each of its `seeds` seeds."""
    with TemporaryDirectory(prefix="bench-") as place:
        path, out = Path(place, "study.yaml"), Path(place, "out")
        path.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
        began, clock = time.perf_counter(), time.time()
        _command(["-m", "study", "run", str(path), "--out", str(out)])
        wall = time.perf_counter() - began
        ledger = [entry for _, entry in entries(out)]
    start = next(entry.time for entry in ledger if entry.kind == "result") - clock
    done = sum(entry.kind == "ended" and entry.status == "completed" for entry in ledger)
    if done != sum(entry.kind == "planned" for entry in ledger):
        raise RuntimeError(f"{config['study']}: only {done} trials completed")
    return Whole(start, wall - start, done * seeds)


def _command(arguments: Sequence[str]) -> str:
    """Run Python as any user's shell would; what it prints. Raises `RuntimeError` with the end of its errors."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    ran = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{' '.join(arguments)} exited {ran.returncode}:\n{ran.stderr[-4000:]}")
    return ran.stdout
