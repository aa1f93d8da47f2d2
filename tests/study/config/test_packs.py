"""How large packs are, by number and by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.config import packs as module
from study.config.messages import ConfigError
from study.config.packs import CPU_ROWS, GPU_ROWS
from study.config.plan import StudyPlan

Build = Callable[..., StudyPlan]
RATES = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
RANDOM = {"sampler": "random", "trials_per_arm": 1000}
LONG = {"steps": 5000, "evaluations": 20}
CARD = {"pack": "auto", "gpu": 1.0}


def sizes(build: Build, **sections: Any) -> set[int]:
    budget = {**LONG, "batch_size": 16}
    return set(
        build(
            **{"nuisance": RATES, "budget": budget, "resources": {"pack": "auto"}, "search": RANDOM, **sections}
        ).packs.values()
    )


def test_a_number_is_every_arms(tiny: Build) -> None:
    assert tiny(resources={"pack": 7}).packs == {"non_saturating": 7, "hinge": 7}
    assert set(tiny().packs.values()) == {1}


@pytest.mark.parametrize("given", [0, "most", 1.5, None])
def test_anything_else_is_refused(tiny: Build, given: Any) -> None:
    with pytest.raises(ConfigError, match=r"resources\.pack"):
        tiny(resources={"pack": given})


def test_small_networks_fill_a_population_and_large_ones_stay_alone(tiny: Build) -> None:
    assert sizes(tiny) == {CPU_ROWS // 2}
    large = {"generator": {"hidden": [256, 256]}, "critic": {"hidden": [256, 256]}}
    assert sizes(tiny, fixed=large, budget={**LONG, "batch_size": 256}) == {1}


def test_the_largest_network_that_is_searched_decides(tiny: Build) -> None:
    widths = {**RATES, "critic": {"hidden": {"choice": [[8], [1024, 1024]]}}}
    assert sizes(tiny, nuisance=widths, fixed={}, budget={**LONG, "batch_size": 256}) == {1}


def test_a_search_that_learns_hears_of_results_four_times(tiny: Build) -> None:
    assert sizes(tiny, search={"trials_per_arm": 40, "lag": 2}) == {5}
    assert sizes(tiny, search={"trials_per_arm": 4, "lag": 2}) == {1}
    assert sizes(tiny, search={"trials_per_arm": 3, "sampler": "random"}) == {3}


def test_a_card_holds_as_many_rows_as_fit_its_share(tiny: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "replica_bytes", lambda _: 10**7)
    assert sizes(tiny, resources=CARD) == {GPU_ROWS // 2}
    assert sizes(tiny, resources={**CARD, "gpu": 0.1}) == {70}
    monkeypatch.setattr(module, "replica_bytes", lambda _: 10**12)
    assert sizes(tiny, resources=CARD) == {1}
    monkeypatch.setattr(module, "replica_bytes", lambda _: None)
    assert sizes(tiny, resources=CARD) == {1}
