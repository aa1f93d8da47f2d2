"""Measurements of the user's own in a record: which there are, and which way each is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.record.join import studies_of
from analysis.record.loading import Record
from analysis.record.metadata import stated
from analysis.record.schema import HIGHER, OWN


def own_measurements(record: Record) -> tuple[str, ...]:
    """The columns `own.*` of a record, measurements that the user wrote."""
    return tuple(str(name) for name in record.trials if str(name).startswith(OWN))


def own_meanings(about: Mapping[str, Any]) -> dict[str, str]:
    """What each of the user's own measurements is said to be, in a sentence, by its column; "" where nothing is."""
    own = {name: said for study in studies_of(about) for name, said in stated(study, "own", {}).items()}
    return {name: str(said.get("meaning") or "") for name, said in own.items()}


def higher_is_better(metric: str, about: Mapping[str, Any]) -> bool | None:
    """Whether more of a measurement is better; None of a user's own that does not say, or in which studies differ."""
    if not metric.startswith(OWN):
        return metric in HIGHER
    declared = {stated(study, "own", {}).get(metric, {}).get("better") for study in studies_of(about)} - {None}
    return declared == {"high"} if len(declared) == 1 else None
