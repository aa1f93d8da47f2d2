from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.progress import forecast as module
from study.progress.forecast import forecast

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
    assert expected.core_seconds == pytest.approx(sum(arm.core_seconds for arm in expected.arms))
    assert expected.arms[0].space == {"generator_lr": "0.0001 … 0.01 log"}
    assert expected.to_dict()["arms"][1]["name"] == "minimax"


def test_no_more_is_confirmed_than_was_searched(study: Build) -> None:
    assert forecast(study(confirm={"top": 9})).arms[0].confirm_trials == 3


def test_the_cost_is_the_arithmetic_of_the_updates(study: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_PER_FLOP", {"mlp": 1.0, "conv": 0.0})
    monkeypatch.setattr(module, "SECONDS_PER_UPDATE", 0.0)
    monkeypatch.setattr(module, "SECONDS_PER_EVALUATION", 0.0)
    g, d = 2 * (3 * 8 + 8 * 2), 2 * (2 * 16 + 16)
    evaluations = 4 * 50 * (g + 2 * d)
    sections = {"evaluation": {"samples": 50}, "search": {"trials_per_arm": 1}, "replicas": 1}

    def operations(**fixed: Any) -> float:
        return forecast(study(fixed={**SMALL, **fixed}, **sections)).core_seconds - evaluations

    assert operations() == pytest.approx(100 * 8 * ((6 * d + g) + 3 * g + 2 * d))
    assert operations(critic_steps=5) == pytest.approx(100 * 8 * (5 * (6 * d + g) + 3 * g + 2 * d))
    assert operations(penalty="r1") == pytest.approx(100 * 8 * ((12 * d + g) + 3 * g + 2 * d))
    assert operations(penalty="spectral_norm") == operations()


def test_the_operations_of_convolutions_count_every_position(study: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_PER_FLOP", {"mlp": 0.0, "conv": 1.0})
    monkeypatch.setattr(module, "SECONDS_PER_UPDATE", 0.0)
    monkeypatch.setattr(module, "SECONDS_PER_EVALUATION", 0.0)
    conv = {"kind": "conv", "width": 4, "depth": 2}
    expected = forecast(
        study(
            data="digits",
            budget={"steps": 1, "evaluations": 1, "batch_size": 1},
            evaluation={"samples": 50},
            fixed={"latent_dim": 3, "generator": conv, "critic": conv},
            search={"trials_per_arm": 1},
            replicas=1,
        )
    )
    # Dense to 8 planes of 2x2; every pixel into 4x4 of 4 planes of 4x4, and of these into 4x4 of the image of 8x8.
    g = 2 * (3 * 8 * 4 + 8 * 4 * 16 * 2**2 + 4 * 1 * 16 * 4**2)
    # Patches of 4x4 at 4x4 positions, then at 2x2, then dense from 8 planes of 2x2.
    d = 2 * (1 * 4 * 16 * 4**2 + 4 * 8 * 16 * 2**2 + 8 * 4)
    assert expected.core_seconds == pytest.approx((8 * d + 4 * g) + 50 * (g + 2 * d))


def test_what_is_searched_counts_by_its_average(study: Build) -> None:
    one, five = (forecast(study(fixed={**SMALL, "critic_steps": steps})).core_seconds for steps in (1, 5))
    both = forecast(study(fixed=SMALL, nuisance={"critic_steps": {"choice": [1, 5]}})).core_seconds
    assert both == pytest.approx((one + five) / 2)


def test_inception_features_dominate_an_evaluation(study: Build) -> None:
    conv = {"kind": "conv", "width": 8, "depth": 2}
    sections = {"data": "cifar10", "fixed": {"generator": conv, "critic": conv}}
    raw, inception = (
        forecast(study(**sections, evaluation={"features": name})).core_seconds for name in ("raw", "inception")
    )
    assert inception > 10 * raw
