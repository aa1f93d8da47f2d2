"""What is missed of a trial: evaluations at the multiples of one interval, to its last or its plan's end."""

from __future__ import annotations

from typing import Any

import pytest

from study.ledger.losses import MOST, lost_steps, sentence

SPEC = {"steps": 40, "evaluations": 4}


@pytest.mark.parametrize(
    ("steps", "status", "lost"),
    [
        ([10, 20, 30, 40], "completed", []),
        ([10, 30, 40], "completed", [20]),
        ([10, 20, 30], "completed", [40]),
        ([], "completed", [10, 20, 30, 40]),
        ([20, 30], "diverged", [10]),
        ([10, 20], "truncated", []),
        ([10, 20], None, []),
        ([10, 30], None, [20]),
        ([], None, []),
    ],
)
def test_evaluations_between_others_or_before_the_end_are_missed(
    steps: list[int], status: str | None, lost: list[int]
) -> None:
    assert lost_steps(SPEC, steps, status) == lost


@pytest.mark.parametrize("spec", [{}, {"steps": "40", "evaluations": 4}, {"steps": 40, "evaluations": 0}])
def test_nothing_is_missed_of_a_plan_that_says_no_steps(spec: dict[str, Any]) -> None:
    assert lost_steps(spec, [10, 30], "completed") == []


def test_a_forged_plan_of_many_evaluations_costs_little() -> None:
    assert len(lost_steps({"steps": 2**53, "evaluations": 2**53}, [3], "completed")) == MOST


def test_sentences_name_the_trial_and_the_first_steps() -> None:
    assert sentence("a", [], unplanned=False) == ""
    assert sentence("a", [20], unplanned=False) == "a: what was measured at step 20 is not in the ledger"
    assert sentence("a", [*range(7)], unplanned=False) == (
        "a: what was measured at steps 0, 1, 2, 3, 4 and 2 more is not in the ledger"
    )
    assert sentence("a", [20], unplanned=True) == "a: its plan is not in the ledger"
