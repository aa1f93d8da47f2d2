"""Whether a study can run on this machine: its data's files, a feature space's packages, memory, processors, GPUs."""

from __future__ import annotations

import math
import os

from study.config.messages import ConfigError, brief
from study.config.schema import StudyConfig
from trainables import data
from trainables.metrics import feature_spaces

BYTES = 4  # of a number


def ready(config: StudyConfig) -> None:
    """Refuse what cannot run here, or on the cluster that RAY_ADDRESS names. Raises `ConfigError`."""
    try:
        feature_spaces.require(config.evaluation["features"])
        data.check(**config.data)
    except (OSError, ValueError) as error:
        raise ConfigError(brief(error)) from None
    if os.environ.get("RAY_ADDRESS"):
        return  # its nodes may come and go, and Ray says what it waits for
    check_memory(config, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    gpus = 0
    if config.resources.gpu:
        import torch

        gpus = torch.cuda.device_count()
    check_resources(config, gpus, os.cpu_count() or 1)


def check_memory(config: StudyConfig, available: int) -> None:
    """Refuse data, samples and batches that alone exceed the memory, in bytes. Raises `ConfigError`.

    What a study needs is more; how much, depends on the networks and on the measurements.
    """
    source = data.source(**config.data)
    size = BYTES * math.prod(source.shape)
    replicas = max(config.replicas, config.confirm.replicas if config.confirm else 0)
    samples, batch = config.evaluation["samples"], config.budget.batch_size or 1
    needed = {
        "data.points": (size * sum(source.counts or (0,)), (source.counts or (0,))[0]),
        "evaluation.samples": (size * replicas * samples, samples),
        "budget.batch_size": (size * replicas * batch, batch),
    }
    for key, (most, got) in needed.items():
        if most > available:
            raise ConfigError(
                f"{key}: expected what this machine's {available / 1e9:.0f} GB of memory can hold, got {got:,}, which"
                f" take {most / 1e9:.0f} GB{'' if key == 'data.points' else f' with {replicas} replicas'}"
            )


def check_resources(config: StudyConfig, gpus_available: float, cpus_available: float | None = None) -> None:
    """Refuse a trial that asks for more than there is, as it would never start. Raises `ConfigError`."""
    for kind, available in (("gpu", gpus_available), ("cpu", cpus_available)):
        asked = getattr(config.resources, kind)
        if available is not None and asked > available:
            raise ConfigError(
                f"resources.{kind}: expected at most {available:g}, all that this machine has, got {asked:g}"
            )
