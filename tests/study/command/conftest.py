"""A study whose searches ended, with generators kept of it, made without Ray."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

from study.ledger.lock import lock_file
from study.record import build
from study.storage import generators
from study.storage.store import store_at
from trainables.kept import to_bytes
from trainables.kept.file import METADATA, metadata
from trainables.spec import Spec
from trainables.training import Training

OnlyRead = Callable[[Path], Path]
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


def fell(path: Path, seed: int, weights: float | None = None) -> None:
    """Make a replica of a file of kept generators one that diverged at step 1, with all its weights alike if given."""
    tensors, about = load_file(path), json.loads(metadata(path.read_bytes())[METADATA])
    place = about["seeds"].index(seed)
    about["diverged"][place] = 1
    for tensor in tensors.values() if weights is not None else ():
        tensor[place] = weights
    save_file(tensors, path, {METADATA: json.dumps(about)})


@pytest.fixture(scope="session", name="fell")
def _fell() -> Callable[..., None]:
    """`fell(path, seed, weights=…)`; see there."""
    return fell


@pytest.fixture(scope="session")
def keep(begun: Callable[..., Path]) -> Keep:
    """`keep(folder, spec={…}, study="rings", …)`: a study in which both trials of hinge ended and were kept."""

    def made(folder: Path, spec: dict[str, Any] | None = None, **changes: Any) -> Path:
        begun(folder, keep="all", **changes)
        for trial_id in KEPT:
            generators.write(store_at(str(folder.resolve())), trial_id, payload(**(spec or {})))
        return folder

    return made


@pytest.fixture
def only_read(monkeypatch: pytest.MonkeyPatch) -> OnlyRead:
    """`only_read(folder)`: the folder, which from now on refuses to be written as that of another user does, whoever
    runs the tests."""

    def refusing(folder: Path) -> Path:
        def lock(path: Path, patience: float) -> int:
            if path.is_relative_to(folder):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return lock_file(path, patience)

        def access(path: Path, mode: int, **how: bool) -> bool:
            return not (mode & os.W_OK and Path(path).is_relative_to(folder)) and allowed(path, mode, **how)

        allowed = os.access
        monkeypatch.setattr(build, "lock_file", lock)
        monkeypatch.setattr(os, "access", access)
        return folder

    return refusing
