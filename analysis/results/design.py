"""Hyperparameters as inputs of a forest: one column of numbers each, on the scale on which it was searched.

Numbers searched on a logarithmic scale enter as their logarithm, so that splits and grids are evenly spaced.
Non-numeric choices enter as the index of their text in sorted order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.record.join import studies_of
from analysis.record.metadata import stated
from analysis.statistics.intervals import Floats

SCALES = ("log", "linear", "categorical")
PREFIX = "config."
KINDS = {"log_uniform": "log", "log_int_uniform": "log", "uniform": "linear", "int_uniform": "linear"}
STEPS = "steps"  # of a trial
POINTS = 16  # of a partial dependence


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter of an arm's configurations.

    Attributes:
        name: without "config.".
        scale: of `SCALES`.
        column: (n,) the forest's input; NaN where a configuration does not have it.
        grid: (G,) points of its partial dependence, in the units of `column`.
        values: the same points in the units of the configuration, numbers or texts.
    """

    name: str
    scale: str
    column: Floats
    grid: Floats
    values: tuple[Any, ...]


def hyperparameter(name: str, drawn: pd.Series, scale: str | None = None) -> Hyperparameter:
    """The column of one hyperparameter from the values (n,) that were drawn; its scale is guessed when None."""
    numeric = pd.api.types.is_numeric_dtype(drawn) and not pd.api.types.is_bool_dtype(drawn)
    if not numeric or scale == "categorical":
        texts = drawn.astype(object).map(str, na_action="ignore")
        values = sorted(texts.dropna().unique())
        codes = texts.map({text: float(place) for place, text in enumerate(values)}).to_numpy(np.float64)
        return Hyperparameter(name, "categorical", codes, np.arange(float(len(values))), tuple(values))
    numbers: Floats = drawn.to_numpy(np.float64, na_value=np.nan)
    scale = scale or _guess(numbers[~np.isnan(numbers)])
    if scale not in SCALES:
        raise ValueError(f"scales: expected one of {', '.join(SCALES)} for {name}, got {scale!r}")
    if scale == "log" and not (numbers[~np.isnan(numbers)] > 0).all():
        raise ValueError(f"scales: expected positive values of {name} for a log scale, got {np.nanmin(numbers)}")
    column = np.log(numbers) if scale == "log" else numbers
    known = np.unique(column[~np.isnan(column)])
    grid = known if len(known) <= POINTS else np.linspace(known[0], known[-1], POINTS)
    return Hyperparameter(name, scale, column, grid, tuple((np.exp(grid) if scale == "log" else grid).tolist()))


def varying(rows: pd.DataFrame, names: Sequence[str] | None = None) -> list[str]:
    """The hyperparameters, of those named or of all, that take two values or more in these rows of trials.parquet.

    `STEPS` are none: where they vary, they follow from others by what all trials spend alike.
    """
    if names is None:
        names = [str(column).removeprefix(PREFIX) for column in rows if str(column).startswith(PREFIX)]
        names = [name for name in names if name != STEPS]
    unknown = [name for name in names if PREFIX + name not in rows]
    if unknown:
        raise ValueError(f"hyperparameters: the record has no column {', '.join(PREFIX + name for name in unknown)}")
    return [name for name in names if rows[PREFIX + name].nunique() > 1]


def scales_of(about: Mapping[str, Any]) -> dict[str, str]:
    """The scale of every range that a study, or studies joined, searched, by their resolved configurations.

    `about` is that of a `Record`. A range searched on different scales by joined studies is left out.
    """
    found: dict[str, set[str]] = {}
    for study in studies_of(about):
        scientific, nuisance = (stated(study, f"config.{section}", {}) for section in ("scientific", "nuisance"))
        for key, entry in [*_choices(scientific), *nuisance.items()]:
            for name, scale in _walk(key, entry):
                found.setdefault(name, set()).add(scale)
    return {name: min(scales) for name, scales in found.items() if len(scales) == 1}


def _choices(scientific: Any) -> Iterator[tuple[str, Any]]:
    """Every choice with its key: `scientific` is a mapping of lists, or a list of mappings of lists and single values.

    Raises `TypeError` for a mapping of anything else.
    """
    crossed = isinstance(scientific, Mapping)
    for entry in [scientific] if crossed else scientific:
        for key, values in entry.items():
            several = crossed or isinstance(values, (list, tuple))
            yield from ((key, value) for value in (values if several else [values]))


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):  # of several named mappings
        for one in value:
            if isinstance(one, Mapping) and "name" in one:
                yield from _walk(f"{path}.{one['name']}", one)
    if not isinstance(value, Mapping):
        return
    for key, inner in value.items():
        if key in KINDS:
            yield path, KINDS[key]
        else:
            yield from _walk(f"{path}.{key}", inner)


def _guess(numbers: Floats) -> str:
    """log where the logarithms are more evenly spaced than the numbers."""
    values = np.unique(numbers)
    if len(values) < 8 or values[0] <= 0:
        return "linear"
    return "log" if _unevenness(np.log(values)) < _unevenness(values) else "linear"


def _unevenness(values: Floats) -> float:
    """The largest distance of ascending values from even spacing, relative to their range."""
    share = (values - values[0]) / (values[-1] - values[0])
    return float(np.abs(share - np.linspace(0, 1, len(values))).max())
