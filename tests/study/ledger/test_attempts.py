"""Whether a trial planned again goes on or begins anew, case by case."""

import pytest

from study.ledger.attempts import begins_anew
from study.ledger.entries import Planned

PLAN = Planned(time=10.0, phase="search", arm="a", index=0, config={}, spec={"steps": 1}, seeds=[0, 1])


@pytest.mark.parametrize(
    ("seeds", "same_spec", "ended", "expected"),
    [
        ([], None, None, False),  # nothing was known
        ([0, 1], True, None, False),  # planned again while unfinished
        ([0, 1], False, None, True),
        ([0, 2], True, None, True),
        ([0, 1], True, 9.0, True),  # after its end
        ([0, 1], True, 11.0, True),
        ([0, 1], None, None, False),  # its plan was damaged, and takes its place
        ([0, 2], None, None, True),
        ([0, 1], None, 11.0, False),  # the missing plan, behind the ending in segments out of order
        ([], None, 11.0, False),
        ([0, 1], None, 9.0, True),  # planned anew because its plan was damaged
        ([], None, 9.0, True),
    ],
)
def test_the_rule(seeds: list[int], same_spec: bool | None, ended: float | None, expected: bool) -> None:
    assert begins_anew(PLAN, seeds, same_spec, ended) is expected


def test_a_plan_that_is_read_twice_is_one_plan() -> None:
    assert not begins_anew(PLAN, [0, 1], True, ended=11.0, planned=PLAN.time)
    assert begins_anew(PLAN, [0, 1], True, ended=9.0, planned=8.0)  # made again
    assert begins_anew(PLAN, [0, 1], False, ended=11.0, planned=PLAN.time)  # another plan, whatever its time
