"""The experiment of a study in MLflow: found or created by the study's name, with tags that say how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from study.tracking import local

if TYPE_CHECKING:
    from mlflow import MlflowClient

REFUSED = "PERMISSION_DENIED"  # to change an experiment of somebody else's


def found(client: MlflowClient, name: str, folder: Path | None) -> str:
    """The id of the experiment `name`; with a study's folder, whose own database the client has open, its addresses are
    made those of the folder.

    RuntimeError if it was deleted in MLflow, or keeps artifacts outside of the folder.
    """
    one = client.get_experiment_by_name(name)
    if folder is not None:
        local.remove_stray(folder)
    if one is None:
        return str(client.create_experiment(name, local.artifact_uri(folder) if folder is not None else None))
    if one.lifecycle_stage != "active":
        raise RuntimeError(f"experiment '{name}' was deleted in MLflow; restore it there, or remove it for good")
    if folder is not None:
        local.settle(folder)
        local.refuse_places_outside(folder, one.experiment_id)
    return str(one.experiment_id)


def tags(metric: str) -> dict[str, str]:
    """An experiment of model training, whose runs are compared by a metric."""
    return {"mlflow.experimentKind": "custom_model_development", "mlflow.experiment.primaryMetric.name": metric}


def show(client: MlflowClient, experiment: str, wanted: Mapping[str, str], given: dict[str, str]) -> None:
    """Give an experiment the tags that it lacks; `given` are those that it was given before, and learns of these.

    Where MLflow lets this user change runs alone, the page stays as it is.
    """
    from mlflow.exceptions import MlflowException

    for name, value in wanted.items():
        if given.get(name) != value:
            try:
                client.set_experiment_tag(experiment, name, value)
            except MlflowException as error:
                if error.error_code != REFUSED:
                    raise
            given[name] = value
