"""The seeds of replicas: which of them a search, its repeats and the confirmation train on.

Every study seed sets aside two blocks of `BLOCK` replica seeds. The first is the search's: repeat r of every arm trains
all its trials on the r-th `replicas` of them, so that arms and configurations share the draws of weights, noise and
batches, and repeats share none. The second is the confirmation's, the same seeds in every arm and repeat; each of its
rounds has the next ones.
"""

from __future__ import annotations

from study.config.messages import ConfigError
from study.config.schema import StudyConfig

BLOCK = 10_000  # more than any population


def search_seeds(config: StudyConfig, repeat: int = 0) -> list[int]:
    """The seeds of a search trial's replicas."""
    first = 2 * BLOCK * config.search.seed + repeat * config.replicas
    return list(range(first, first + config.replicas))


def confirm_seeds(config: StudyConfig, batch: int = 0) -> list[int]:
    """The seeds of a confirm trial's replicas; round `batch` has as many as all before it, round 0 the first."""
    first, replicas = 2 * BLOCK * config.search.seed + BLOCK, config.confirm.replicas
    begin = replicas << (batch - 1) if batch else 0
    return list(range(first + begin, first + (replicas << batch)))


def check_repeats(config: StudyConfig) -> None:
    """Refuse more repeats than have seeds of their own. Raises `ConfigError`."""
    most = BLOCK // config.replicas
    for key in ("repeats", "most_repeats"):
        if (asked := getattr(config.search, key)) is not None and asked > most:
            raise ConfigError(
                f"search.{key}: expected at most {most:,}, as each trains its {config.replicas} replicas on seeds of"
                f" its own, of {BLOCK:,}, got {asked:,}"
            )
