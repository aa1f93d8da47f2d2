"""The runs of a study's arms, between its own and those of its trials: one each, logged to only where something is new.

Importing this module imports MLflow. A run that somebody removed in MLflow is left alone, and made anew by the next
`ArmRuns`. Methods raise whatever else MLflow raises; what was asked for may then be done or not, and can be asked for
again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlflow.entities import DatasetInput

from study.tracking.arms import Summary
from study.tracking.runs import Runs
from study.tracking.summaries import milliseconds
from study.tracking.tags import LEVEL, LEVEL_OF_ARMS, NOTE, PARENT, STUDY

RUNNING = "RUNNING"


@dataclass
class ArmRun:
    """The run of an arm, and what MLflow has of it."""

    run_id: str
    status: str = RUNNING
    ended: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class ArmRuns:
    """The runs of the arms of the study whose run is `parent`.

    `permanent` says of an error of MLflow's and a run's id that a retry cannot succeed.
    """

    def __init__(self, runs: Runs, parent: str, permanent: Callable[[Exception, str], bool]) -> None:
        self._runs, self._parent, self._permanent = runs, parent, permanent
        self._known: dict[str, ArmRun] = {}

    def find(self) -> None:
        """Learn which runs there are, from MLflow; of several of one arm, that which something was logged to."""
        condition = f"tags.`{STUDY}` = '{self._runs.study}' and tags.{LEVEL} = '{LEVEL_OF_ARMS}'"
        found = sorted(self._runs.search(condition), key=lambda run: (bool(run.data.params), run.info.run_id))
        for run in found:
            data, info = run.data, run.info
            self._known[data.tags["arm"]] = ArmRun(
                info.run_id, info.status, info.end_time, data.params, data.metrics, data.tags
            )

    @property
    def ids(self) -> dict[str, str]:
        """The run of each arm that has one."""
        return {arm: run.run_id for arm, run in self._known.items()}

    def of(
        self, arm: str, time: float, params: Mapping[str, str], tags: Mapping[str, str], data: DatasetInput | None
    ) -> str:
        """The run of an arm, begun at a time in unix seconds and with these tags if it is new, with its params and the
        data set."""
        run = self._known.get(arm)
        if run is None:
            about = {PARENT: self._parent, LEVEL: LEVEL_OF_ARMS, "arm": arm, **tags}
            run = self._known[arm] = ArmRun(self._runs.create(f"arm/{arm}", arm, time, about))
        lacking = {name: value for name, value in params.items() if name not in run.params}
        if lacking:
            self._try(run, partial(self._runs.log, run.run_id, (), lacking, {}))
            if data is not None:
                self._try(run, partial(self._runs.client.log_inputs, run.run_id, [data]))
            run.params = {**run.params, **lacking}
        return run.run_id

    def say(self, summary: Summary, note: str) -> None:
        """Log what is known of an arm that has a run, unless MLflow has it."""
        run = self._known[summary.arm]
        tags = {**summary.tags, NOTE: note}
        told = {name: value for name, value in tags.items() if run.tags.get(name) != value}
        rows = [row for row in summary.rows if not _same(run.metrics.get(row[0]), row[1])]
        gone = [name for name in run.tags if name.startswith("best.") and name not in tags]
        if told or rows:
            self._try(run, partial(self._runs.log, run.run_id, rows, {}, told))
        for name in gone:
            self._try(run, partial(self._runs.client.delete_tag, run.run_id, name))
        kept = {name: value for name, value in run.tags.items() if name not in gone}
        run.tags, run.metrics = kept | tags, {**run.metrics, **{name: value for name, value, *_ in rows}}

    def reopen(self) -> None:
        """The study goes on."""
        for run in self._known.values():
            if run.status != RUNNING:
                self._try(run, partial(self._runs.client.update_run, run.run_id, RUNNING))
                run.status = RUNNING

    def end(self, arm: str, status: str, time: float) -> None:
        """End the run of an arm as its study has ended, at a time in unix seconds."""
        run, ended = self._known[arm], milliseconds(time)
        if (run.status, run.ended) != (status, ended):
            self._try(run, partial(self._runs.client.set_terminated, run.run_id, status, ended))
            run.status, run.ended = status, ended

    def _try(self, run: ArmRun, call: Callable[[], Any]) -> None:
        try:
            call()
        except Exception as error:
            if not self._permanent(error, run.run_id):
                raise


def _same(one: float | None, other: float) -> bool:
    return one is not None and (one == other or (math.isnan(one) and math.isnan(other)))
