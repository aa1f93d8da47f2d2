"""Whether a study can run on this machine: the data set's files, a feature space's packages, processors and GPUs."""

from __future__ import annotations

import os

from study.config.messages import ConfigError, brief
from study.config.schema import StudyConfig
from trainables import data
from trainables.metrics import feature_spaces


def ready(config: StudyConfig) -> None:
    """Refuse what cannot run here, or on the cluster that RAY_ADDRESS names. Raises `ConfigError`."""
    try:
        feature_spaces.require(config.evaluation["features"])
        data.check(**config.data)
    except (OSError, ValueError) as error:
        raise ConfigError(brief(error)) from None
    if os.environ.get("RAY_ADDRESS"):
        return  # its nodes may come and go, and Ray says what it waits for
    gpus = 0
    if config.resources.gpu:
        import torch

        gpus = torch.cuda.device_count()
    check_resources(config, gpus, os.cpu_count() or 1)


def check_resources(config: StudyConfig, gpus_available: float, cpus_available: float | None = None) -> None:
    """Refuse a trial that asks for more than there is, as it would never start. Raises `ConfigError`."""
    for kind, available in (("gpu", gpus_available), ("cpu", cpus_available)):
        asked = getattr(config.resources, kind)
        if available is not None and asked > available:
            raise ConfigError(
                f"resources.{kind}: expected at most {available:g}, all that this machine has, got {asked:g}"
            )
