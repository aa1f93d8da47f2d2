"""Objectives compared by one random search each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.results import random_search
from analysis.results.cohort import cohorts
from analysis.results.random_search import RandomSearch
from analysis.results.selection import Selection

RANDOM = {"config": {"search": {"sampler": "random"}}}
Compared = Callable[..., RandomSearch | None]


@pytest.fixture
def compared(scored: Callable[..., pd.DataFrame], of_phase: Callable[[pd.DataFrame, str], Selection]) -> Compared:
    """`compared(*parts, about=RANDOM)`: by fid."""

    def compared(*parts: Any, about: dict[str, Any] = RANDOM) -> RandomSearch | None:
        selected = replace(of_phase(scored(*parts), "search"), about=about)
        return random_search.compared(selected, cohorts(selected, "fid"), "fid")

    return compared


def arm(name: str, costs: np.ndarray, repeats: int = 1) -> list[tuple[str, str, tuple[int, int], list[float]]]:
    return [(name, "search", (i % repeats, i), list(row)) for i, row in enumerate(costs)]


def costs(seed: int, n: int = 12, seeds: int = 3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, 1)) + generator.normal(size=(n, seeds))


def chosen(table: np.ndarray, k: int) -> np.ndarray:
    """The costs of what every search of k would choose, each replica by the median of the others, one after another."""
    seeds = range(table.shape[1])
    found = []
    for some in combinations(range(len(table)), k):
        for seed in seeds:
            by = np.median(np.delete(table[list(some)], seed, 1), 1)
            found.append(table[some[by.argmin()], seed])
    return np.array(found)


@pytest.mark.golden
def test_the_estimate_is_the_mean_over_all_searches(compared: Compared) -> None:
    a, b = costs(0), costs(1)
    found = compared(*arm("a", a), *arm("b", b))
    assert found is not None
    assert (found.k, found.metric) == (4, "fid")
    (pair,) = found.effects
    first, second = chosen(a, 4), chosen(b, 4)
    assert pair.effect.estimate == pytest.approx((first[:, None] < second).mean(), abs=1e-9)
    assert (pair.a, pair.b, pair.n_a, pair.n_b, pair.null) == ("a", "b", 12, 12, 0.5)
    assert pair.effect.low < pair.effect.estimate < pair.effect.high
    assert 0 < pair.p == pair.p_holm <= 1


def test_an_arm_that_is_plainly_worse_is_told_apart(compared: Compared) -> None:
    found = compared(*arm("good", costs(0, 24)), *arm("bad", costs(1, 24) + 5), *arm("like good", costs(2, 24)))
    assert found is not None
    p = {(one.a, one.b): one.p_holm for one in found.effects}
    assert p["good", "bad"] < 0.05
    assert p["bad", "like good"] < 0.05
    assert p["good", "like good"] > 0.05


def test_diverged_replicas_are_worse_and_incomplete_configurations_are_left_out(compared: Compared) -> None:
    diverged, short = costs(0), arm("b", costs(1, 13))
    diverged[:6] = np.nan
    short[0] = (*short[0][:3], short[0][3][:2])
    found = compared(*arm("a", diverged), *short)
    assert found is not None
    assert found.effects[0].n_b == 12
    assert found.effects[0].effect.estimate < 0.5


@pytest.mark.parametrize(
    ("parts", "about"),
    [
        pytest.param([*arm("a", costs(0)), *arm("b", costs(1))], {"config": {"search": {"sampler": "tpe"}}}, id="tpe"),
        pytest.param([*arm("a", costs(0)), *arm("b", costs(1))], {}, id="unknown sampler"),
        pytest.param([*arm("a", costs(0), 2), *arm("b", costs(1), 2)], RANDOM, id="repeated"),
        pytest.param(arm("a", costs(0)), RANDOM, id="one arm"),
        pytest.param([*arm("a", costs(0)), *arm("b", costs(1, 11))], RANDOM, id="few configurations"),
        pytest.param([*arm("a", costs(0, 12, 1)), *arm("b", costs(1, 12, 1))], RANDOM, id="one seed"),
        pytest.param(
            [*arm("a", costs(0)), *arm("b", costs(1)), ("a", "search", 12, None)], RANDOM, id="stopped by a scheduler"
        ),
    ],
)
def test_where_it_says_nothing(compared: Compared, parts: list[Any], about: dict[str, Any]) -> None:
    assert compared(*parts, about=about) is None
