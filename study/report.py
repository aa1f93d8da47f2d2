"""Builds a study's record and writes its report."""

from __future__ import annotations

from pathlib import Path

from analysis import report
from study import record


def write(folder: str | Path) -> Path:
    """Write `report/index.html` of the study in `folder`, finished or not, and return its path.

    Raises:
        FileNotFoundError: the folder holds no ledger.
        OSError: it could not be written.
    """
    record.build(folder)
    return report.write(folder)
