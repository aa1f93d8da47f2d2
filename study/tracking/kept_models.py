"""Kept generators in MLflow: each trial's file as a LoggedModel of its run, each arm's winner in the model registry.

A model bears the trial's name, parameters and last metrics, and is an output of the trial's run; the file is the run's
artifact too. Everything can be done again: what is there already is found by tags and left as it is, so that after a
failure the rest follows. A store without logged models, or without a registry, goes without; a retried trial's model
takes the place of the former one.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException

from analysis.wording import counted
from study.config.plan import StudyPlan
from study.ledger.state import StudyState, TrialState
from study.search.ranking import winner
from study.storage import generators
from study.storage.store import Store
from study.tracking.summaries import hyperparameters

LOGGER = logging.getLogger(__name__)
STUDY, IDENTITY, ENDED, MODEL = "ganstudy.study", "ganstudy.run", "ganstudy.ended", "ganstudy.model"  # tags
VERSIONS = "mlflow.modelVersions"  # the tag by which MLflow's page leads from a model to its registered versions
ALIAS = "winner"
LACKING = ("ENDPOINT_NOT_FOUND", "FEATURE_DISABLED", "NOT_IMPLEMENTED", "PERMISSION_DENIED", "INVALID_PARAMETER_VALUE")
_UNNAMEABLE = str.maketrans("/:.%\"'", "------")  # what MLflow allows in no model's name


class KeptModels:
    """The models of one study in an experiment; `run_of` finds a trial's run by its name, None where it has none.

    Methods raise whatever MLflow raises, except where the store says that it has no such thing.
    """

    def __init__(
        self, client: MlflowClient, experiment: str, study: str, store: Store, run_of: Callable[[str], str | None]
    ) -> None:
        self._client, self._experiment, self._study = client, experiment, study
        self._store, self._run_of = store, run_of

    def log(self, state: StudyState, there: Collection[str]) -> dict[str, LoggedModel]:
        """Log every trial whose generators are `there` and that MLflow lacks; returns all of them by trial."""
        trials = [one for one in state.trials.values() if one.trial_id in there and one.status is not None]
        if not trials:
            return {}
        try:
            known = {str(model.tags.get(IDENTITY)): model for model in self._found()}
            logged = {trial.trial_id: self._logged(trial, known) for trial in trials}
        except MlflowException as error:
            if error.error_code not in LACKING:
                raise
            LOGGER.info("MLflow takes no models: %s", error)
            return {}
        return {trial_id: model for trial_id, model in logged.items() if model is not None}

    def register(self, plan: StudyPlan, state: StudyState, models: Mapping[str, LoggedModel]) -> None:
        """Make the winner of each arm the newest version of the arm's registered model, called `winner` there."""
        kept = [trial for trial in state.trials.values() if trial.trial_id in models]
        for arm in dict.fromkeys(trial.arm for trial in kept):
            mine = [trial for trial in kept if trial.arm == arm]
            best = winner(mine, state.trials.values(), plan.goal, plan.config.confirm.top)
            if best is None:
                continue
            try:
                about = (
                    f"Generators of the arm {arm} of the study {plan.config.study}, one per replica. `{ALIAS}` is of"
                    f" its best trial by {plan.goal.metrics[0]}, of those confirmed where there are any;"
                    f" `ganstudy sample DIR --arm {arm} --out FILE.npz` draws from it."
                )
                trial = f"{best.trial_id}: {counted(len(best.seeds), 'replica')}"
                self._register(f"{plan.config.study}-{arm}", about, models[best.trial_id], trial)
            except MlflowException as error:
                if error.error_code not in LACKING:
                    raise
                LOGGER.info("MLflow registers no model: %s", error)
                return

    def _found(self) -> Iterator[LoggedModel]:
        token = None
        while True:
            condition = f"tags.`{STUDY}` = '{self._study}'"
            page = self._client.search_logged_models([self._experiment], condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _logged(self, trial: TrialState, known: Mapping[str, LoggedModel]) -> LoggedModel | None:
        identity, ended = f"{self._study}/{trial.trial_id}", str(trial.ended)
        model = known.get(identity)
        if model is not None and model.tags.get(ENDED) != ended:  # of an earlier attempt
            self._client.delete_logged_model(model.model_id)
            model = None
        if model is not None and model.status == LoggedModelStatus.READY:
            return model
        payload, run_id = self._store.read(generators.name_of(trial.trial_id)), self._run_of(trial.trial_id)
        if payload is None or run_id is None:
            return None
        if model is None:
            tags = {STUDY: self._study, IDENTITY: identity, ENDED: ended}
            params, name = hyperparameters(trial.spec, trial.config), trial.trial_id.translate(_UNNAMEABLE)
            model = self._client.create_logged_model(self._experiment, name, run_id, tags, params, "generator")
        self._fill(model, run_id, payload)
        return self._client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)

    def _fill(self, model: LoggedModel, run_id: str, payload: bytes) -> None:
        """Give a model its file and the run's last metrics, and the run its model."""
        with TemporaryDirectory() as folder:
            Path(folder, generators.FILE).write_bytes(payload)
            self._client.log_artifacts(run_id, folder)
            self._client.log_model_artifacts(model.model_id, folder)
        last: Any = self._client.get_run(run_id).to_proto().data.metrics  # with their times, which `data.metrics` lacks
        there = {one.key for one in self._client.get_logged_model(model.model_id).metrics or ()}
        metrics = [
            Metric(one.key, one.value, one.timestamp, one.step, model.model_id)
            for one in last
            # MLflow gives NaN of a model back as 0, and of more than a hundred metrics refuses those that are there.
            if math.isfinite(one.value) and one.key not in there
        ]
        self._client.log_batch(run_id, metrics)
        step = max((one.step for one in last), default=0)
        self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step)])

    def _register(self, name: str, about: str, model: LoggedModel, trial: str) -> None:
        """Make a model the `winner` of a registered one, which `about` describes, as `trial` does the version."""
        try:
            self._client.create_registered_model(name, description=about)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        versions = self._client.search_model_versions(f"name = '{name}'")
        found = next((one for one in versions if one.tags.get(MODEL) == model.model_id), None)
        if found is None:
            source, run_id = model.artifact_location, model.source_run_id
            tags = {STUDY: self._study, MODEL: model.model_id}
            found = self._client.create_model_version(
                name, source, run_id, tags, description=trial, model_id=model.model_id
            )
        versions_of_model = json.dumps([{"name": name, "version": str(found.version)}])
        self._client.set_logged_model_tags(model.model_id, {VERSIONS: versions_of_model})
        self._client.set_registered_model_alias(name, ALIAS, str(found.version))
