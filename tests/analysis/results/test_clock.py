import numpy as np
import pandas as pd
import pytest

from analysis.results.clock import clock_of, equal_of, told

SAMPLES = {"config": {"budget": {"equal": {"name": "samples", "per_step": 64.0}}}}
UPDATES = {"config": {"budget": {"steps": 10, "equal": {"name": "updates", "per_step": None}}}}


@pytest.mark.parametrize("about", [{}, {"config": {}}, {"config": {"budget": {"steps": 10}}}, UPDATES])
def test_updates_are_the_clock_of_a_study_that_says_nothing_else(about):
    assert (equal_of(about), clock_of(about)) == ("updates", "updates")


def test_a_budget_of_samples_has_a_clock_of_shares():
    assert (equal_of(SAMPLES), clock_of(SAMPLES)) == ("samples", "budget")


def test_studies_joined_have_one_clock():
    assert clock_of({"joined": [UPDATES, UPDATES]}) == "updates"
    assert clock_of({"joined": [UPDATES, SAMPLES]}) == "budget"


def test_steps_are_told_as_they_are_or_as_shares_of_the_trials_own():
    trials = pd.DataFrame({"config.steps": pd.array([100, 20, None], dtype="Int64")})
    steps = np.array([50.0, 5.0, 5.0])
    assert told("updates", steps, trials) is steps
    assert told("budget", steps, trials)[:2].tolist() == [0.5, 0.25]
    assert np.isnan(told("budget", steps, trials)[2])
    curves = np.array([[50.0, 100.0], [10.0, 20.0], [1.0, 2.0]])
    assert told("budget", curves, trials)[:2].tolist() == [[0.5, 1.0], [0.5, 1.0]]
    assert np.isnan(told("budget", steps, trials.drop(columns="config.steps"))).all()
