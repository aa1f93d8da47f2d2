"""Which confirmed configurations a search still chooses, after it went on."""

from __future__ import annotations

from typing import Any

import pytest

from study.config.goal import Goal
from study.search.ranking import Standing, best_first, no_longer_chosen, winner

FID = Goal(("fid",), ("min",))


def trial(phase: str, index: int, score: Any, repeat: int = 0, batch: int = 0, status: str = "completed") -> Standing:
    name = f"{phase}-r{repeat}-{index}" + f"-round{batch}" * (batch > 0)
    return Standing(phase, "hinge", repeat, index, name, status, [score] * 2)


def search(*scores: float | None, repeat: int = 0) -> list[Standing]:
    return [trial("search", index, score, repeat) for index, score in enumerate(scores)]


def test_nothing_is_left_out_of_a_study_that_never_went_on() -> None:
    every = [*search(3.0, 1.0, 2.0), trial("confirm", 1, 9.0)]
    assert no_longer_chosen(every, FID, 1) == []
    assert no_longer_chosen([*every, trial("confirm", 2, 5.0)], FID, 2) == []


def test_a_former_best_is_left_out_with_all_its_rounds_once_a_better_one_is_confirmed() -> None:
    every = [*search(3.0, 2.0, 1.0), trial("confirm", 1, 0.1), trial("confirm", 1, 0.1, batch=1)]
    assert no_longer_chosen(every, FID, 1) == []  # its successor is not confirmed yet
    every += [trial("confirm", 2, 9.0, status="failed")]
    assert no_longer_chosen(every, FID, 1) == []
    every += [trial("confirm", 2, 9.0)]  # chosen by the search, however good it turns out to be
    assert no_longer_chosen(every, FID, 1) == ["confirm-r0-1", "confirm-r0-1-round1"]
    assert no_longer_chosen(every, FID, 2) == []


def test_each_search_of_an_arm_has_its_own() -> None:
    every = [*search(1.0, 2.0), *search(2.0, 1.0, repeat=1)]
    every += [trial("confirm", index, 1.0, repeat) for repeat in (0, 1) for index in (0, 1)]
    assert no_longer_chosen(every, FID, 1) == ["confirm-r0-1", "confirm-r1-0"]


@pytest.mark.parametrize(
    ("goal", "scores"),
    [
        (Goal(("recall",), ("max",)), [0.1, 0.5]),
        (Goal(("fid", "recall"), ("min", "max")), [[2.0, 0.5], [1.0, 0.5]]),
        (Goal(("fid",), ("min",), 0.25), [None, 5.0]),
    ],
)
def test_it_is_by_the_order_of_the_search(goal: Goal, scores: list[Any]) -> None:
    every = [*search(*scores), *(trial("confirm", index, 1.0) for index in (0, 1))]
    assert [one.index for one in best_first(goal, every[:2])] == [1, 0]
    assert no_longer_chosen(every, goal, 1) == ["confirm-r0-0"]


def test_a_confirmation_whose_search_trial_is_lost_goes_last() -> None:
    confirmed = [trial("confirm", index, 1.0) for index in (0, 1)]
    assert no_longer_chosen([search(3.0, 2.0)[1], *confirmed], FID, 1) == ["confirm-r0-0"]
    assert no_longer_chosen(confirmed, FID, 1) == ["confirm-r0-1"]


def test_the_winner_is_the_best_confirmed_of_what_the_search_still_chooses() -> None:
    searched = search(3.0, 2.0, 1.0)
    former, chosen = trial("confirm", 1, 0.1), trial("confirm", 2, 0.5)
    assert winner(searched, searched, FID, 1) == searched[2]
    assert winner([*searched, former], [*searched, former], FID, 1) == former
    every = [*searched, former, chosen]
    assert winner(every, every, FID, 1) == chosen
    assert winner([former, chosen], every, FID, 1) == chosen  # the searches' own are not kept
    assert winner(every, every, FID, 2) == former
    assert winner([former], every, FID, 1) is None
    assert winner([], every, FID, 1) is None
