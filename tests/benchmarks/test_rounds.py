"""The simulation of rounds in small; its limit is the target and three Monte-Carlo errors."""

import math

import numpy as np
import pytest

from benchmarks.error_rates import LIMIT
from benchmarks.repeated import World
from benchmarks.rounds import ONCE, REPEATED, config_of, drawn, errors, run, savings

STUDIES = 150
MOST = LIMIT + 3 * math.sqrt(LIMIT * (1 - LIMIT) / STUDIES)


@pytest.mark.parametrize("world", [World(), World(collapse="often")], ids=["never", "often"])
def test_alike_configurations_are_rarely_told_apart_at_any_look(world):
    assert max(errors(config_of(**ONCE), world, 2, STUDIES, others=False).values()) <= MOST


def test_alike_objectives_are_rarely_told_apart_by_anything():
    found = errors(config_of(**REPEATED), World(0.5, "often"), 2, STUDIES // 3)
    assert set(found) == {"quality", "shares", "times"}
    assert max(found.values()) <= LIMIT + 3 * math.sqrt(LIMIT * (1 - LIMIT) / (STUDIES // 3))


def test_plain_differences_save_most_of_the_seeds():
    saved, found, at_once = savings(config_of(**ONCE), World(shift=(0.0, 0.6)), 2, 40)
    assert saved >= 0.4
    assert min(found, at_once) > 0.95


def test_a_study_that_finds_nothing_trains_all_there_may_be():
    outcomes = drawn(config_of(**ONCE), World(), 3, np.random.default_rng(1))
    ended = run(config_of(**ONCE), outcomes)
    assert (ended.trained, ended.told, len(ended.looks)) == (1.0, [False] * 3, 4)
