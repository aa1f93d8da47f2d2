"""The seeds of replicas: which of them a search, its repeats and the confirmation train on.

Every study seed sets aside two blocks of `BLOCK` replica seeds. The first is the search's: repeat r of every arm trains
all its trials on the r-th `replicas` of them, so that arms and configurations share the draws of weights, noise and
batches, and repeats share none. The second is the confirmation's, the same seeds in every arm and repeat.
"""

from __future__ import annotations

from study.config.messages import ConfigError
from study.config.schema import StudyConfig

BLOCK = 10_000  # more than any population


def search_seeds(config: StudyConfig, repeat: int = 0) -> list[int]:
    """The seeds of a search trial's replicas."""
    first = 2 * BLOCK * config.search.seed + repeat * config.replicas
    return list(range(first, first + config.replicas))


def confirm_seeds(config: StudyConfig) -> list[int]:
    """The seeds of a confirm trial's replicas."""
    first = 2 * BLOCK * config.search.seed + BLOCK
    return list(range(first, first + config.confirm.replicas))


def check_repeats(config: StudyConfig) -> None:
    """Refuse more repeats than have seeds of their own. Raises `ConfigError`."""
    most = BLOCK // config.replicas
    if config.search.repeats > most:
        raise ConfigError(
            f"search.repeats: expected at most {most:,}, as each trains its {config.replicas} replicas on seeds of its"
            f" own, of {BLOCK:,}, got {config.search.repeats:,}"
        )
