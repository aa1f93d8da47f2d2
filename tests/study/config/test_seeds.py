from __future__ import annotations

from collections.abc import Callable

import pytest

from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.config.seeds import BLOCK, confirm_seeds, search_seeds

Build = Callable[..., StudyPlan]


def test_no_seed_serves_two_studies_phases_or_repeats(tiny: Build) -> None:
    seen: list[int] = []
    for seed in range(3):
        config = tiny(replicas=50, search={"seed": seed, "repeats": 4}, confirm={"top": 1, "replicas": 4096}).config
        seen += [one for repeat in range(4) for one in search_seeds(config, repeat)] + confirm_seeds(config)
    assert len(seen) == len(set(seen)) == 3 * (4 * 50 + 4096)


def test_the_seeds_of_a_study_without_repeats_are_as_they_always_were(tiny: Build) -> None:
    config = tiny(replicas=3, search__seed=7, confirm={"top": 1, "replicas": 2}).config
    assert search_seeds(config) == [140_000, 140_001, 140_002]
    assert confirm_seeds(config) == [150_000, 150_001]
    assert search_seeds(config, 2) == [140_006, 140_007, 140_008]


def test_repeats_that_leave_their_block_are_refused(tiny: Build) -> None:
    most = tiny(replicas=3000, search__repeats=3).config
    assert search_seeds(most, 2)[-1] < BLOCK
    message = (
        "search.repeats: expected at most 3, as each trains its 3000 replicas on seeds of its own, of 10,000, got 4"
    )
    with pytest.raises(ConfigError, match=message):
        tiny(replicas=3000, search__repeats=4)
