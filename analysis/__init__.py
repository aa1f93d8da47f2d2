"""Judges a study from its record: outcomes, survival, comparisons, figures and tables.

`analysis.load` reads a record and `analysis.report.write` reports on one; notebooks start from these two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.record.loading import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`load` on first use, so that importing a part of `analysis` does not import pandas and pyarrow as well."""
    if name == "load":
        from analysis.record.loading import load

        return load
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")
