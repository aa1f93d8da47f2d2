"""`python -m study`, with workers that write down where and when each trial trains.

Trials that were given a share of a GPU compute on the processor: what is watched is who runs where beside whom, which
a GPU that is declared and not there shows as well.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import ray

import study.execution.preparation
import study.execution.tuning
from study.__main__ import main
from study.cluster.environment import RAY_ENVIRONMENT
from study.execution.preparation import prepare as prepare_on
from study.execution.worker import Worker

NOTES = os.environ["NOTES"]
TOGETHER = int(os.environ["TOGETHER"])  # workers that wait for each other before their first trial
PAUSE = float(os.environ["PAUSE"])  # seconds that every report takes longer
PATIENCE = 120.0  # seconds


class Watched(Worker):
    """Notes its trial, node, process and GPUs before and after every report."""

    def step(self) -> dict[str, Any]:
        self._note()
        patience = time.monotonic() + PATIENCE
        while len(list(Path(NOTES).iterdir())) < TOGETHER and time.monotonic() < patience:
            time.sleep(0.05)
        time.sleep(PAUSE)
        result = super().step()
        self._note()
        return result

    def _begin(self, config: dict[str, Any]) -> None:
        jobs = [{**job, "device": "cpu"} for job in json.loads(config["job"])]
        super()._begin({**config, "job": json.dumps(jobs)})

    def _build(self) -> Any:
        pack = super()._build()
        self._note(begins_at=pack.trials[0].training.step)
        return pack

    def _note(self, **further: Any) -> None:
        line = {
            "trial": self._jobs[0].trial_id,
            "node": ray.get_runtime_context().get_node_id(),
            "pid": os.getpid(),
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
            "settings": RAY_ENVIRONMENT.items() <= os.environ.items(),
            "time": time.time(),
            **further,
        }
        with Path(NOTES, f"{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def prepare(config: Any, place: str, *further: Any) -> Any:
    """The study's own preparation, on the processor."""
    resources = config.resources.model_copy(update={"gpu": 0.0})
    return prepare_on(config.model_copy(update={"resources": resources}), place, *further)


if __name__ == "__main__":
    study.execution.tuning.Worker = Watched  # type: ignore[misc]
    study.execution.preparation.prepare = prepare
    sys.exit(main())
