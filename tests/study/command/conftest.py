"""A study whose searches ended, with generators kept of it, made without Ray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from study.storage import generators
from study.storage.store import store_at
from trainables.kept import to_bytes
from trainables.spec import Spec
from trainables.training import Training

KEPT = ("search-hinge-0000", "search-hinge-0001")
Keep = Callable[..., Path]


class Nothing:
    """An evaluator that measures nothing."""

    samples = 16

    def __call__(self, samples: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return {}


def payload(**changes: Any) -> bytes:
    """The file of a training of seeds 0 and 1 for two steps."""
    values: dict[str, Any] = {
        "data": {"name": "ring", "modes": 8, "std": 0.02, "points": 2000, "heldout": 500},
        "steps": 2,
        "evaluations": 1,
        "batch_size": 8,
        "generator": {"hidden": [6]},
        "critic": {"hidden": [5]},
    }
    training = Training(Spec(**{**values, **changes}), [0, 1], evaluator=Nothing())  # type: ignore[arg-type]
    training.advance()
    made = to_bytes(training)
    assert made is not None
    return made


@pytest.fixture(scope="session")
def keep(begun: Callable[..., Path]) -> Keep:
    """`keep(folder, spec={…}, study="rings", …)`: a study in which both trials of hinge ended and were kept."""

    def made(folder: Path, spec: dict[str, Any] | None = None, **changes: Any) -> Path:
        begun(folder, keep="all", **changes)
        for trial_id in KEPT:
            generators.write(store_at(str(folder.resolve())), trial_id, payload(**(spec or {})))
        return folder

    return made
