"""Builds a study's record, writes its report, and hands it to MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis import report
from study import config, record
from study.arms import arms_of, constants_of
from study.status import status
from study.tracking import sync
from trainables.induced import explain

DELIVERY = 30.0  # seconds that MLflow gets to take the report


def write(folder: str | Path) -> Path:
    """Write `report/index.html` of the study in `folder`, finished or not, and return its path.

    Raises:
        FileNotFoundError: the folder holds no study.
        OSError: it could not be written; the former report stays.
    """
    record.build(folder)
    found = status(folder)
    return report.write(folder, state=found, objectives=_objectives(folder))


def deliver(folder: str | Path) -> int:
    """Log the report to the study's MLflow run, unless the study is running and will do so itself at its end.

    Returns how many ledger entries MLflow still lacks; while there are any the report waits with them.
    """
    state = status(folder)["state"]
    if state == "running" or not (Path(folder) / "tracking.json").exists():
        return 0
    settings = config.load(Path(folder) / "study.yaml")
    return sync(folder, settings, DELIVERY, "FINISHED" if state == "done" else "KILLED")


def _objectives(folder: str | Path) -> list[dict[str, Any]]:
    """What every pair (f, g) of the study's arms does, each once."""
    settings = config.load(Path(folder) / "study.yaml")
    found: dict[str, dict[str, Any]] = {}
    for arm in arms_of(settings):
        constants = constants_of(settings, arm)
        objective = constants.get("objective", "non_saturating")
        generator = constants.get("generator_loss", "default")
        found.setdefault(f"{objective} {generator}", explain(objective, generator_loss=generator).to_dict())
    return list(found.values())
