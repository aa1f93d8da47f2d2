from __future__ import annotations

from collections.abc import Callable

import pytest

from study.config.plan import StudyPlan
from study.progress import forecast as module
from study.progress.calibration import Calibration, Factors
from study.progress.forecast import at_start, forecast

Build = Callable[..., StudyPlan]
SMALL = {"generator": {"hidden": [8]}, "critic": {"hidden": [16]}, "latent_dim": 3}


@pytest.fixture
def study(least: Build) -> Build:
    """A study of three trials of two replicas, a hundred updates each."""
    rates = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
    budget = {"steps": 100, "evaluations": 4, "batch_size": 8}
    trials = {"replicas": 2, "search": {"trials_per_arm": 3}}
    return lambda **sections: least(**{"budget": budget, "nuisance": rates, **trials, **sections})


def test_counts_are_exact(study: Build) -> None:
    expected = forecast(
        study(scientific={"objective": ["hinge", "minimax"]}, confirm={"top": 1, "replicas": 5}, fixed=SMALL)
    )
    assert [arm.name for arm in expected.arms] == ["hinge", "minimax"]
    assert (expected.arms[0].search_trials, expected.arms[0].confirm_trials) == (3, 1)
    assert expected.arms[0].updates == 100 * (3 * 2 + 1 * 5)
    assert (expected.trials, expected.replicas) == (8, 22)
    assert (expected.evaluations, expected.updates) == (88, 2200)
    assert sum(expected.parts[2:4]) == pytest.approx(sum(arm.core_seconds for arm in expected.arms))
    assert expected.core_seconds == pytest.approx(sum(expected.parts[:5]))
    assert expected.arms[0].space == {"generator_lr": "0.0001 … 0.01 log"}
    assert expected.to_dict()["arms"][1]["name"] == "minimax"


@pytest.mark.parametrize(
    ("keep", "replicas"),
    [("none", 0), ("confirmed", 2 * 5), ("best", 2 * 5 + 2), ("all", 2 * 5 + 3 * 2)],
)
def test_what_is_kept_is_known_in_bytes(study: Build, keep: str, replicas: int) -> None:
    weights = 3 * 8 + 8 + 8 * 2 + 2
    repeated = {"confirm": {"top": 2, "replicas": 5}, "search": {"trials_per_arm": 3, "repeats": 4}, "fixed": SMALL}
    assert forecast(study(keep=keep, **repeated)).kept_bytes == 4 * 4 * replicas * weights
    judged = forecast(study(keep={"generators": keep, "critics": True}, **repeated)).kept_bytes
    assert judged == 4 * 4 * replicas * (weights + 2 * 16 + 16 + 16 + 1)


def test_what_metrics_are_left_to_the_data_is_told(study: Build) -> None:
    searched = {"trials_per_arm": 3, "metric": ["fid", "modes"], "mode": ["min", "max"], "sampler": "nsga2"}
    for sections, by, judged in (
        ({}, ["mass_js"], ["mass_js"]),
        ({"data": "gaussian"}, ["fid"], ["mass_js"]),
        ({"search": searched, "outcomes": {"metric": "fid"}}, ["fid", "modes"], ["fid"]),
    ):
        expected = forecast(study(**sections)).to_dict()
        assert (list(expected["searched_by"]), list(expected["judged_by"])) == (by, judged)


def test_repeats_multiply_all_but_an_arm(study: Build) -> None:
    once, thrice = (
        forecast(study(confirm={"top": 1, "replicas": 5}, search={"trials_per_arm": 3, "repeats": repeats}))
        for repeats in (1, 3)
    )
    assert (thrice.repeats, thrice.arms[0].search_trials, thrice.arms[0].confirm_trials) == (3, 9, 3)
    for name in ("trials", "replicas", "evaluations", "updates"):
        assert getattr(thrice, name) == 3 * getattr(once, name)
    for part in ("training", "evaluation"):
        assert getattr(thrice.parts, part) == pytest.approx(3 * getattr(once.parts, part))


def test_no_more_is_confirmed_than_was_searched(study: Build) -> None:
    assert forecast(study(confirm={"top": 9})).arms[0].confirm_trials == 3


def test_what_is_searched_counts_by_its_average(study: Build) -> None:
    one, five = (forecast(study(fixed={**SMALL, "critic_steps": steps})).parts.training for steps in (1, 5))
    both = forecast(study(fixed=SMALL, nuisance={"critic_steps": {"choice": [1, 5]}})).parts.training
    assert both == pytest.approx((one + five) / 2)


def test_what_a_trial_takes_is_a_range_over_its_space(study: Build) -> None:
    nuisance = {"critic_steps": {"choice": [1, 5]}}
    (updates,), (samples,) = (
        forecast(
            study(nuisance=nuisance, budget={"steps": 100, "evaluations": 4, "batch_size": 8, "equal": equal})
        ).arms
        for equal in ("updates", "samples")
    )
    assert (updates.steps, updates.samples, updates.updates) == ((100, 100), (800, 4000), 100 * 6)
    assert (samples.steps, samples.samples, samples.updates) == ((20, 100), (800, 800), 60 * 6)


def test_a_study_begins_with_what_is_measured_if_it_is_long_enough(
    study: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[StudyPlan] = []

    def calibrate(plan: StudyPlan) -> Calibration:
        measured.append(plan)
        return Calibration({arm.name: {2: Factors(3.0)} for arm in plan.arms})

    monkeypatch.setattr(module, "calibrate", calibrate)
    monkeypatch.setattr(module, "load", lambda: 3.0)
    short, long = study(), study(budget={"steps": 10_000_000, "evaluations": 4, "batch_size": 8})
    assert at_start(short) == forecast(short, Calibration(load=3.0))
    assert measured == []
    found = at_start(long)
    assert (found.calibrated, measured) == (True, [long])
    assert found.parts.training == pytest.approx(3 * forecast(long).parts.training)


def test_a_classifiers_training_is_in_the_estimate_that_decides_whether_to_measure(
    study: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Calibration(preparation=200.0)
    monkeypatch.setattr(module, "calibrate", lambda plan: measured)
    mnist = study(data={"name": "mnist"}, fixed=SMALL)
    rough = forecast(mnist)
    assert rough.parts.preparation > 100 > rough.parts.training
    assert rough.seconds > rough.parts.preparation
    assert at_start(mnist) == forecast(mnist, measured)
    assert forecast(mnist, measured).parts.preparation == 200
