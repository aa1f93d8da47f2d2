from typing import Any

from study.tracking.attempts import Attempts


def planned(**spec: Any) -> dict[str, Any]:
    return {"kind": "planned", "trial_id": "t", "spec": spec, "seeds": [0, 1]}


RESULT, ENDED = {"kind": "result", "trial_id": "t"}, {"kind": "ended", "trial_id": "t"}


def lives(*story: dict[str, Any]) -> list[int]:
    counter = Attempts()
    return [counter.apply(entry) for entry in story]


def test_a_trial_planned_again_while_unfinished_goes_on() -> None:
    assert lives(planned(steps=1), RESULT, planned(steps=1), RESULT, ENDED) == [1, 1, 1, 1, 1]


def test_another_spec_or_other_seeds_begin_anew() -> None:
    assert lives(planned(steps=1), planned(steps=2), RESULT) == [1, 2, 2]
    assert lives(planned(steps=1), {**planned(steps=1), "seeds": [2, 3]}, ENDED) == [1, 2, 2]


def test_a_trial_planned_again_after_its_end_begins_anew() -> None:
    assert lives(planned(), RESULT, ENDED, planned(), RESULT, ENDED) == [1, 1, 1, 2, 2, 2]


def test_a_trial_whose_plan_is_damaged_lives_once() -> None:
    assert lives(RESULT, ENDED) == [1, 1]


def test_trials_are_counted_apart() -> None:
    assert lives(planned(), ENDED, {**planned(), "trial_id": "u"}, planned()) == [1, 1, 1, 2]
