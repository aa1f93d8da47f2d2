"""Runs of one study in an MLflow experiment: found by a tag that says whose they are, created, and removed when double.

Importing this module imports MLflow. Methods raise whatever MLflow raises; what was asked for may then be done or not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from study.tracking.environment import prepare, source
from study.tracking.summaries import Row, milliseconds
from study.tracking.tags import IDENTITY, STUDY

prepare()

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag, ViewType  # noqa: E402

DIGEST = 36  # characters of a data set's digest that MLflow takes


class Runs:
    """The runs of the study with this identity in an experiment.

    A run's own identity is the study's for the study's run, else the study's and what follows a slash.
    """

    def __init__(self, client: MlflowClient, experiment: str, study: str) -> None:
        self.client, self.experiment, self.study = client, experiment, study

    def identity(self, of: str = "") -> str:
        """The identity of the study's run, or of the run of something in it."""
        return f"{self.study}/{of}" if of else self.study

    def create(self, of: str, name: str, time: float, tags: Mapping[str, str]) -> str:
        """A new run, begun at a time in unix seconds; its id."""
        about = {STUDY: self.study, IDENTITY: self.identity(of), **source(), **tags}
        run = self.client.create_run(self.experiment, milliseconds(time), about, name)
        return str(run.info.run_id)

    def find(self, of: str = "") -> str | None:
        """The run of the study, or of something in it; of several, the one that something was logged to."""
        runs = list(self.search(f"tags.`{IDENTITY}` = '{self.identity(of)}'"))
        runs.sort(key=lambda run: (not run.data.params, not run.data.metrics, run.info.run_id))
        return str(runs[0].info.run_id) if runs else None

    def search(self, condition: str) -> Iterator[Run]:
        """The active runs of the experiment that fulfil a condition."""
        token = None
        while True:
            page = self.client.search_runs([self.experiment], condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def exists(self, run_id: str) -> bool:
        """Whether the store has a run, deleted or not; by search, as MLflow denies plain users a missing run."""
        condition = f"attributes.run_id = '{run_id}'"
        return bool(self.client.search_runs([self.experiment], condition, ViewType.ALL, 1))

    def log(self, run_id: str, metrics: Sequence[Row], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Log all of it in one request, the newest metrics first: MLflow's store writes one that is newer than the one
        before it over the run's latest."""
        given = [Param(*param) for param in params.items()], [RunTag(*tag) for tag in tags.items()]
        newest_first = [Metric(*metric) for metric in reversed(metrics)]
        self.client.log_batch(run_id, newest_first, *given)

    def remove_doubles(self, known: Collection[str]) -> None:
        """Remove runs that a server created although its answer never came, and that were then created again; those
        that are `known` stay."""
        for run in self.search(f"tags.`{STUDY}` = '{self.study}' and attributes.status = 'RUNNING'"):
            if run.info.run_id not in known and not run.data.params and not run.data.metrics:
                self.client.delete_run(run.info.run_id)


def data_input(data: Mapping[str, Any]) -> DatasetInput:
    """The study's data set as an input of a run: name, digest, size, and the path it was read from, if it was."""
    path = str(data["origin"])
    kind, source = ("local", {"uri": path}) if Path(path).is_absolute() else ("code", {"tags": {"origin": path}})
    size = {name: data[name] for name in ("train", "heldout", "shape", "classes") if name in data}
    dataset = Dataset(
        str(data["name"]), str(data["digest"])[:DIGEST], kind, json.dumps(source), profile=json.dumps(size)
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
