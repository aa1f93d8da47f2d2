"""What the study's run in MLflow holds as files."""

from __future__ import annotations

from pathlib import Path

from analysis.record.schema import FILES
from study.config.addresses import masked
from study.config.loading import STUDY_FILE


def of_study(folder: Path) -> tuple[list[Path], str | None]:
    """The record's files and the report's folder, as far as they are there, and the text of study.yaml without secrets,
    None where there is no such file."""
    there = [path for name in (*FILES, "report") if (path := folder / name).exists()]
    settings = folder / STUDY_FILE
    return there, masked(settings.read_text("utf-8")) if settings.is_file() else None
