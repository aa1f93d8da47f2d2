from __future__ import annotations

from collections.abc import Callable

import pytest

from study.config.plan import StudyPlan
from study.progress.forecast import forecast
from study.progress.packing import in_packs

Build = Callable[..., StudyPlan]
RATES = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
TEN = {"sampler": "random", "trials_per_arm": 10}
LONG = {"steps": 5000, "evaluations": 20, "batch_size": 16}


def test_trials_of_equal_shapes_fill_packs(tiny: Build) -> None:
    plan = tiny(nuisance=RATES, search=TEN, budget=LONG, resources={"pack": 4})
    found = [arm.packing for arm in forecast(plan).arms]
    assert [(one.size, one.packs, one.unseen) for one in found] == [(4, 3.0, 0)] * 2
    assert all(one.saved_seconds > 0.5 * one.core_seconds for one in found)
    assert in_packs(plan.config, 1, found)[0].startswith(
        "packs: 4 configurations of an arm train as one population of up to 8 rows, the 20 trials of the searches as"
        " about 6 packs, with "
    )


def test_trials_of_unequal_shapes_make_more_packs(tiny: Build) -> None:
    [packs, _] = [arm.packing.packs for arm in forecast(tiny(search=TEN, resources={"pack": 10})).arms]
    assert packs == 2  # of one critic step and of two


def test_a_search_that_learns_says_how_late(tiny: Build) -> None:
    plan = tiny(nuisance=RATES, search={"trials_per_arm": 30, "lag": 2}, resources={"pack": 5})
    found = [arm.packing for arm in forecast(plan).arms]
    assert [one.unseen for one in found] == [10, 10]
    assert in_packs(plan.config, 3, found)[1] == (
        "packs: of the 30 trials of an arm's search the first 10 are drawn before any result is known, with"
        " search.lag 2"
    )


def test_what_is_saved_is_taken_off_the_estimate(tiny: Build) -> None:
    alone, together = (forecast(tiny(nuisance=RATES, search=TEN, resources={"pack": size})) for size in (1, 4))
    saved = sum(arm.packing.saved_seconds for arm in together.arms)
    assert alone.core_seconds == pytest.approx(together.core_seconds + saved)
    assert in_packs(tiny().config, 1, [arm.packing for arm in alone.arms]) == []


def test_the_program_reads_it_too(tiny: Build) -> None:
    arms = forecast(tiny(nuisance=RATES, search=TEN, resources={"pack": 4})).to_dict()["arms"]
    assert arms[0]["packing"]["size"] == 4
