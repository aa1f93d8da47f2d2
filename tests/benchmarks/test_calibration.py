"""The calibration in small; its limits are the target and three Monte-Carlo errors of the studies simulated here."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks import calibration, error_rates, hard_worlds, power_tables, unlike_searches
from benchmarks.error_rates import (
    OURS,
    Size,
    chances_of_better,
    covered,
    different,
    false_alarms,
    ours,
    power,
    shifted,
    told,
    tuned_rates,
)
from benchmarks.repeated import NOISE, World, draw
from benchmarks.rivals import one_search

STUDIES = 300
MOST = calibration.LIMIT + 3 * np.sqrt(calibration.LIMIT * (1 - calibration.LIMIT) / STUDIES)


@pytest.mark.parametrize("arms", [2, 6])
@pytest.mark.parametrize("spread", [0.2, 0.5])
def test_identical_objectives_are_rarely_told_apart(arms, spread):
    asked = {endpoint: (endpoint, ours(endpoint)) for endpoint in OURS}
    found = false_alarms(World(spread, "often"), Size(arms, 3, 32, STUDIES), asked)
    assert set(found) == {"quality", "shares", "times"}
    assert max(found.values()) <= MOST


def test_twelve_arms_too_with_seeds_that_arms_share():
    found = false_alarms(World(0.5, "often", 0.25, 0.16), Size(12, 3, 16, STUDIES), {"": ("quality", ours("quality"))})
    assert found[""] <= MOST


def test_one_search_tells_them_apart_in_most_studies():
    found = false_alarms(World(0.5), Size(6, 1, 32, 100), {"": ("quality", one_search)})
    assert found[""] > 0.7


def test_long_searches_do_not_either():
    found = tuned_rates(World(0.5, "often"), 2, 60, 20, STUDIES)
    assert max(found["quality"][0], found["shares"][0]) <= MOST
    assert np.isnan(found["quality"][1])
    assert tuned_rates(World(0.2, shift=(1.0, 0.0)), 2, 60, 20, 100)["quality"][1] > 0.7


def test_a_plain_difference_is_found():
    world = World(0.2, shift=shifted(1.0, 6, "half"))
    assert power(world, Size(6, 3, 32, 100), {"": ours("quality")})[""] > 0.8


def test_intervals_hold_the_truth():
    world = World(0.5, "often", shift=shifted(0.6, 2, "one"))
    scores = draw(world, (STUDIES, 2, 3, 16), np.random.default_rng(0)).score
    each, together = covered(OURS["quality"](scores), chances_of_better(world, 2))
    assert each == together
    assert each >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / STUDIES)


def test_the_chance_of_being_better_is_that_of_the_shift():
    for by in (0.0, 1.0):
        world = World(0.0, searched=False, shift=shifted(by, 2, "one"))
        assert chances_of_better(world, 2) == pytest.approx([norm.cdf(-by / NOISE / math.sqrt(2))], abs=0.01)


def test_pairs_that_differ():
    assert different(World(shift=shifted(0.3, 4, "half")), 4).tolist() == [False, True, True, True, True, False]
    assert not different(World(), 3).any()
    assert told(np.array([[0.01, 0.02, 0.9], [0.02, 0.02, 0.9]])).tolist() == [[True, True, False], [False] * 3]


@pytest.fixture
def few(monkeypatch):
    """Few and small studies."""
    for module in (calibration, error_rates, hard_worlds):
        monkeypatch.setattr(module, "ARMS", (2, 3))
    monkeypatch.setattr(error_rates, "REPEATS", (2,))
    monkeypatch.setattr(hard_worlds, "SHAPES", ((2, 2), (3, 2)))
    monkeypatch.setattr(power_tables, "COVERED", ((2, 2, 0.6, 0.3),))
    monkeypatch.setattr(power_tables, "LONG", ((2, 21), (3, 24)))


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        (calibration.before, 4),
        (hard_worlds.harder, 23),
        (hard_worlds.unfinished, 6),
        (hard_worlds.rivals, 9),
        (unlike_searches.alike, 20),
        (power_tables.powers, 5),
        (power_tables.share_powers, 5),
        (power_tables.coverages, 3),
        (power_tables.long_searches, 4),
    ],
)
def test_every_table_is_made(few, table, lines):
    made = table(8).splitlines()
    assert len(made) == lines
    assert len({line.count("|") for line in made}) == 1


def test_the_table_that_decides_says_its_largest_share(few):
    made, largest = calibration.levels(8)
    assert made.startswith("| arms | repeats | quality, sd 0.2 |")
    assert error_rates.percent(largest) in made.replace("*", "")


def test_shares_beyond_the_limit_are_bold():
    assert error_rates.percent(0.0612, 0.06) == "**6.1%**"
    assert error_rates.percent(0.06, 0.06) == "6.0%"
    assert error_rates.percent(None) == ""
    assert false_alarms(World(shift=(1.0, 0.0)), Size(2, 2, 4, 8), {}) == {}
