"""Rows of trials.parquet, and a phase selected from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pytest

from analysis.record.loading import Record
from analysis.results.selection import Selection, select

Rows = list[dict[str, Any]]
Part = tuple[str, str, int | tuple[int, int], Sequence[float] | None]


@pytest.fixture(scope="session")
def trial() -> Callable[..., Rows]:
    """Rows of one trial, a replica for each value of `fid`, those numbered in `diverged` diverged."""

    def trial(
        arm: str = "hinge",
        index: int = 0,
        phase: str = "search",
        fid: tuple[float, ...] = (1.0, 2.0),
        status: str = "completed",
        study: str = "rings",
        diverged: tuple[int, ...] = (),
        repeat: int = 0,
    ) -> Rows:
        same = {
            "study": study, "phase": phase, "arm": arm, "repeat": repeat, "index": index,
            "trial_id": f"{phase}-{arm}{f'-r{repeat}' if repeat else ''}-{index:04d}",
            "status": status, "floor.fid": 0.5,
        }  # fmt: skip
        ended = {"running": None, "failed": "failed", "truncated": "truncated"}.get(status, "converged")
        return [
            {**same, "seed": seed, "outcome": "diverged" if seed in diverged else ended, "fid": value}
            for seed, value in enumerate(fid)
        ]

    return trial


@pytest.fixture(scope="session")
def frame() -> Callable[..., pd.DataFrame]:
    """`frame(*trials)`: the rows of several trials as a table."""

    def frame(*trials: Rows) -> pd.DataFrame:
        rows = pd.DataFrame([row for rows in trials for row in rows])
        return rows.astype(dict.fromkeys(("study", "phase", "arm", "status"), "category"))

    return frame


@pytest.fixture(scope="session")
def scored() -> Callable[..., pd.DataFrame]:
    """`scored(*parts)`: rows of trials by their scores; a part is (arm, phase, index, scores), NaN where diverged, None
    for a stopped trial. The index is one of repeat 0, or a pair: repeat and index."""

    def scored(*parts: Part) -> pd.DataFrame:
        numbered = [(arm, phase, at if isinstance(at, tuple) else (0, at), scores) for arm, phase, at, scores in parts]
        rows = [
            {"study": "rings", "phase": phase, "arm": arm, "repeat": repeat, "index": index,
             "trial_id": f"{phase}-{arm}-r{repeat}-{index:04d}", "seed": seed,
             "status": "truncated" if scores is None else "completed",
             "outcome": "truncated" if scores is None else "diverged" if math.isnan(score) else "converged",
             "fid": score, "floor.fid": 0.1}
            for arm, phase, (repeat, index), scores in numbered
            for seed, score in enumerate([0.0] if scores is None else scores)
        ]  # fmt: skip
        return pd.DataFrame(rows)

    return scored


@pytest.fixture(scope="session")
def of_phase() -> Callable[[pd.DataFrame, str], Selection]:
    """`of_phase(rows, phase)`: what is selected from a record with these rows in both tables."""
    return lambda rows, phase: select(Record(rows, rows, {}), phase)


@pytest.fixture(scope="session")
def four() -> pd.DataFrame:
    """Four replicas of a search: two of trial t and one of u in arm a, one of v in arm b, which failed."""
    return pd.DataFrame(
        {
            "study": "s", "phase": "search", "arm": list("aaab"), "repeat": 0, "trial_id": list("ttuv"),
            "seed": range(4), "status": ["completed", "completed", "truncated", "failed"],
            "outcome": ["converged", "diverged", "truncated", None],
        }
    )  # fmt: skip
