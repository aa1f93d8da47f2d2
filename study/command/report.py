"""Builds a study's record, writes its report, and hands it to MLflow; also reports of records from elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analysis import report
from study.config import loading
from study.config.arms import arms_of, constants_of
from study.config.messages import ConfigError
from study.config.schema import StudyConfig
from study.progress.status import status
from study.record import build as record
from study.record import sources
from study.tracking import sync
from trainables.objectives.induced import explain

LOGGER = logging.getLogger(__name__)
DELIVERY = 30.0  # seconds that MLflow gets to take the report


def write(folder: str | Path) -> Path:
    """Write `report/index.html` of the study in `folder`, finished or not, and return its path.

    Raises:
        FileNotFoundError: the folder holds no study.
        OSError: it could not be written; the former report stays.
    """
    record.build(folder)
    found = status(folder)
    return report.write(folder, state=found, objectives=_objectives([loading.load(Path(folder) / "study.yaml")]))


def gather(places: Sequence[str], out: Path, tracking: str | None = None) -> Path:
    """Bring records from anywhere (see `study.record.sources`) into `out` and write their one report there; its path.

    Raises what `study.record.sources.fetch` raises.
    """
    found = sources.fetch(places, out, tracking)
    studies = [place for place in map(Path, places) if sources.is_study(place)]
    state = status(studies[0]) if studies and len(places) == 1 else None
    settings = [built for _, kept in found if (built := _settings(kept.about)) is not None]
    return report.write(out, [folder for folder, _ in found], state=state, objectives=_objectives(settings))


def deliver(folder: str | Path) -> int:
    """Log the report to the study's MLflow run, unless the study is running and will do so itself at its end.

    Returns how many ledger entries MLflow still lacks; while there are any the report waits with them.
    """
    state = status(folder)["state"]
    if state == "running" or not (Path(folder) / "tracking.json").exists():
        return 0
    settings = loading.load(Path(folder) / "study.yaml")
    return sync(folder, settings, DELIVERY, "FINISHED" if state == "done" else "KILLED")


def _settings(about: Any) -> StudyConfig | None:
    """The configuration that a record holds; None, and a warning, where this version cannot read it."""
    try:
        return loading.build(about.get("config", {}))
    except ConfigError as error:
        first = str(error).splitlines()[0]
        LOGGER.warning("%s: its pairs (f, g) are not explained: %s", about.get("study"), first)
        return None


def _objectives(studies: Iterable[StudyConfig]) -> list[dict[str, Any]]:
    """What every pair (f, g) of the studies' arms does, each once."""
    found: dict[str, dict[str, Any]] = {}
    for settings in studies:
        for arm in arms_of(settings):
            constants = constants_of(settings, arm)
            objective = constants.get("objective", "non_saturating")
            generator = constants.get("generator_loss", "default")
            if f"{objective} {generator}" not in found:
                explained = explain(objective, generator_loss=generator).to_dict()
                found[f"{objective} {generator}"] = explained
    return list(found.values())
