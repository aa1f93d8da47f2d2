"""In which unit a column of a study's record is: those of features are the data's own, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.record.schema import HISTORY, TRIALS

UNITS = {column.name: column.unit for column in (*HISTORY, *TRIALS)}


def unit_of(column: str, about: Mapping[str, Any], otherwise: str = "1") -> str:
    """The unit of a column in the record that `about` is of: of distances in features that of the data, "data", where
    they are taken of the data themselves (evaluation.features: raw), else "1"; `otherwise` where none is declared."""
    unit = UNITS.get(column, otherwise)
    if not unit.startswith("features"):
        return unit
    spaces = {str(stated(one, "config.evaluation.features", "raw")) for one in studies_of(about)}
    return unit.replace("features", "data") if spaces == {"raw"} else "1"
