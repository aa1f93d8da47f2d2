"""What several tests of the engine need: a small configuration, a journal that lives in a temporary folder, one Ray."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import study.environment  # noqa: F401 - before anything imports Ray
from study import config as configuration
from study.config import StudyConfig
from study.journal import Journal

TINY: dict[str, Any] = {
    "study": "tiny",
    "data": {"name": "ring", "modes": 8, "std": 0.02, "points": 2000, "heldout": 500},
    "budget": {"steps": 20, "evaluations": 4, "batch_size": 16},
    "replicas": 2,
    "scientific": {"objective": ["non_saturating", "hinge"]},
    "nuisance": {"generator_lr": {"log_uniform": [1e-4, 1e-2]}, "critic_steps": {"choice": [1, 2]}},
    "fixed": {"generator": {"hidden": [8]}, "critic": {"hidden": [8]}},
    "evaluation": {"samples": 60, "neighbour_samples": 60},
    "search": {"trials_per_arm": 2},
    "tracking": {"pictures": 2},
}
Build = Callable[..., StudyConfig]

torch.set_num_threads(1)  # tiny networks: threads only get in each other's way


def tiny_values(**changes: Any) -> dict[str, Any]:
    """The small configuration; `search__lag=1` changes one setting of a section, `search={…}` the whole section."""
    values = copy.deepcopy(TINY)
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            values.setdefault(section, {})[name] = value
        else:
            values[section] = value
    return values


@pytest.fixture(scope="session")
def tiny() -> Build:
    """Builds the small configuration, changed as `tiny_values` says."""
    return lambda **changes: configuration.build(tiny_values(**changes))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in `tmp_path`."""
    opened = Journal.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared_ray() -> Iterator[None]:
    """One Ray for all tests that train for real; studies that find it running use it."""
    from study.cluster import connected

    with connected():
        yield
