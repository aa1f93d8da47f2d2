from collections.abc import Callable
from typing import Any

import pytest

from study.config.messages import ConfigError
from study.config.notes import notes
from study.config.plan import StudyPlan
from study.config.rounds import Extent, after, first, limits, looks, rounds
from study.config.seeds import confirm_seeds

Build = Callable[..., StudyPlan]
ROUNDS = {"replicas": 16, "until": "decided", "most": 128}


def test_seeds_are_doubled_and_then_repeats(tiny: Build) -> None:
    config = tiny(confirm=ROUNDS, search={"trials_per_arm": 1, "repeats": 3, "most_repeats": 10}).config
    sizes = [first(config)]
    while (extent := after(config, sizes[-1])) is not None:
        sizes.append(extent)
    assert sizes == [(3, 16), (3, 32), (3, 64), (3, 128), (6, 128), (10, 128)]
    assert limits(config) == sizes[-1]
    assert [looks(config, size) for size in sizes] == [6, 5, 4, 3, 2, 1]
    assert after(config, Extent(3, 16), more_seeds=False) == (6, 16)
    assert after(config, Extent(10, 16), more_seeds=False) is None


def test_a_study_that_does_not_go_on_has_one_round_and_no_looks(tiny: Build) -> None:
    config = tiny(confirm={"top": 1, "replicas": 5}).config
    assert after(config, first(config)) is None
    assert (looks(config, first(config)), rounds(config, 5), confirm_seeds(config)) == (0, 1, [*range(10_000, 10_005)])


def test_rounds_share_no_seed_and_leave_none_out(tiny: Build) -> None:
    config = tiny(confirm={**ROUNDS, "replicas": 3, "most": 24}).config
    assert [rounds(config, seeds) for seeds in (3, 6, 12, 24)] == [1, 2, 3, 4]
    batches = [confirm_seeds(config, batch) for batch in range(4)]
    assert [len(batch) for batch in batches] == [3, 3, 6, 12]
    assert [seed for batch in batches for seed in batch] == list(range(10_000, 10_024))


def test_one_configuration_of_each_search_is_confirmed_where_nothing_is_said(tiny: Build) -> None:
    assert tiny(confirm=ROUNDS).config.confirm.top == 1


def test_one_arm_is_told_that_there_is_nothing_to_decide(tiny: Build) -> None:
    said = "confirm.until: one arm makes no pair to decide, so that it is confirmed once"
    assert said in notes(tiny(confirm=ROUNDS, scientific={"objective": ["hinge"]}))
    assert said not in notes(tiny(confirm=ROUNDS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"confirm": {"top": 1, "most": 64}}, "confirm.most: expected null where confirm.until is not decided, got 64"),
        ({"search__most_repeats": 4}, "search.most_repeats: expected null where confirm.until is not decided, got 4"),
        ({"confirm": {**ROUNDS, "top": 2}}, "confirm.top: expected 1, as .* got 2"),
        ({"confirm": {**ROUNDS, "until": "sure"}}, "confirm.until: expected .decided., got .*sure"),
        ({"confirm": {**ROUNDS, "most": None}}, "confirm.most: expected the most seeds .* got null"),
        ({"confirm": {**ROUNDS, "most": 100}}, r"confirm.most: expected .*, 32, 64, 128 …, .* got 100"),
        ({"confirm": {**ROUNDS, "most": 48}}, "confirm.most: expected .* got 48"),
        ({"confirm": {**ROUNDS, "most": 16}}, "confirm.most: expected .* got 16"),
        ({"confirm": ROUNDS, "search": {"most_repeats": 3}}, "search.most_repeats: expected null unless .* got 3"),
        (
            {"confirm": ROUNDS, "search": {"repeats": 3, "most_repeats": 3}},
            "search.most_repeats: expected more than search.repeats, 3, got 3",
        ),
        (
            {"confirm": ROUNDS, "search": {"repeats": 2, "most_repeats": 9000}},
            "search.most_repeats: expected at most 5,000, as each trains its 2 replicas .* got 9,000",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(tiny: Build, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tiny(**changes)
