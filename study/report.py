"""Builds a study's record and writes its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis import report
from study import record
from study.status import status


def write(folder: str | Path) -> Path:
    """Write `report/index.html` of the study in `folder`, finished or not, and return its path.

    Raises:
        FileNotFoundError: the folder holds no study.
        OSError: it could not be written; the former report stays.
    """
    record.build(folder)
    found = status(folder)
    return report.write(folder, state=found, objectives=_objectives(folder))


def _objectives(folder: str | Path) -> list[dict[str, Any]]:
    """What every pair (f, g) of the study's arms does, each once."""
    from study import config
    from study.arms import arms_of, constants_of
    from trainables.induced import explain

    settings = config.load(Path(folder) / "study.yaml")
    found: dict[str, dict[str, Any]] = {}
    for arm in arms_of(settings):
        constants = constants_of(settings, arm)
        objective = constants.get("objective", "non_saturating")
        generator = constants.get("generator_loss", "default")
        found.setdefault(f"{objective} {generator}", explain(objective, generator_loss=generator).to_dict())
    return list(found.values())
