"""Schedules against torch's own schedulers and against a loop in plain Python."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler

from trainables.schedules import SHAPES, Schedule, Schedules, schedule, settled

STEPS = 40


def whole(**settings: Any) -> Schedule:
    return schedule(settled("x", {name.rstrip("_"): value for name, value in settings.items()}, math.inf, "neither"))


def followed(*given: Schedule, decays: tuple[str, ...] = (), steps: int = STEPS) -> list[list[float]]:
    """What each replica's setting is at every step."""
    made, values = Schedules([{"x": one} for one in given], dtype=torch.float64, decays=decays), []
    for step in range(steps):
        made.at(torch.tensor(step / steps, dtype=torch.float64))
        values.append(made["x"].tolist())
    return [list(row) for row in zip(*values, strict=True)]


def scheduled_by_torch(start: float, make: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]) -> list[float]:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), start)
    scheduler, rates = make(optimizer), []
    for _ in range(STEPS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.golden
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            whole(from_=0.3, to=0.01, shape="cosine"),
            lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.01),
        ),
        (whole(from_=0.3, to=0.03), lambda o: lr_scheduler.LinearLR(o, 1.0, 0.1, STEPS)),
        (whole(from_=0.3, to=0.03, until=0.5), lambda o: lr_scheduler.LinearLR(o, 1.0, 0.1, STEPS // 2)),
        (
            whole(from_=0.3, to=0.01, shape="cosine", warmup=0.25),
            lambda o: lr_scheduler.SequentialLR(
                o,
                [
                    lr_scheduler.LambdaLR(o, lambda step: step / 10),
                    lr_scheduler.CosineAnnealingLR(o, STEPS - 10, eta_min=0.01),
                ],
                [10],
            ),
        ),
        (whole(from_=0.3, warmup=0.5), lambda o: lr_scheduler.LambdaLR(o, lambda step: min(1.0, step / 20))),
    ],
    ids=["cosine", "linear", "until", "cosine after warm-up", "warm-up"],
)
def test_a_schedule_is_torchs(
    ours: Schedule, theirs: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]
) -> None:
    assert followed(ours) == [pytest.approx(scheduled_by_torch(0.3, theirs), rel=1e-9, abs=1e-15)]


def along(one: Schedule, progress: float) -> float:
    """The formula of the page, in plain Python."""
    if progress < one.warmup:
        return one.start * progress / one.warmup
    share = (progress - one.warmup) / (one.until - one.warmup)
    if one.shape == "constant":
        return one.end if share > 1 else one.start
    share = min(1.0, share)
    if one.shape == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return one.start + (one.end - one.start) * share


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda start, end, shape, ends: Schedule(start, end, shape, min(ends), max(ends)),
            st.floats(0, 10), st.floats(0, 10), st.sampled_from(SHAPES),
            st.tuples(st.floats(0, 0.49), st.floats(0.5, 1)),
        ),
        min_size=1, max_size=5,
    ).filter(lambda ones: any(one.moves for one in ones))
)  # fmt: skip
def test_each_replica_follows_its_own(ones: list[Schedule]) -> None:
    for one, values in zip(ones, followed(*ones, steps=7), strict=True):
        assert values == pytest.approx([along(one, step / 7) for step in range(7)], rel=1e-9, abs=1e-12)


def test_a_constant_schedule_jumps_and_is_never_elsewhere() -> None:
    (values,) = followed(whole(from_=2.0, to=1.0, shape="constant", until=0.5), steps=4)
    assert values == [2, 2, 2, 1]
    made = Schedules([{"x": whole(from_=2.0, to=1.0, shape="constant")}])
    made.at(1.0)
    assert made["x"].tolist() == [2]  # until the end, and there is nothing after it


def test_of_an_average_the_half_life_follows() -> None:
    """0.5^(1/4) halves in four steps, 0.5^(1/8) in eight, and 0 at once."""
    way = Schedule(0.5**0.25, 0.5**0.125)
    (values,) = followed(way, decays=("x",), steps=4)
    assert values == pytest.approx([0.5 ** (1 / steps) for steps in (4, 5, 6, 7)], rel=1e-12)
    (values,) = followed(Schedule(0.0, 0.5**0.25), decays=("x",), steps=4)
    assert values == pytest.approx([0, 0.5, 0.5**0.5, 0.5 ** (1 / 3)], rel=1e-12)


def test_what_stays_in_all_replicas_has_no_row() -> None:
    ones = [
        {"a": Schedule(1, 1), "b": Schedule(1, 1), "c": Schedule(0, 1)},
        {**dict.fromkeys("ac", Schedule(2, 2)), "b": Schedule(2, 1)},
    ]
    made = Schedules(ones)
    assert [*made.rows] == ["b", "c"]
    made.at(0.5)
    assert (made["b"].tolist(), made["c"].tolist()) == ([1, 1.5], [0.5, 2])
    nothing = Schedules([{"a": Schedule(1, 1)}])
    nothing.at(0.5)
    assert nothing.values.shape == (0, 1)


def test_values_change_in_place() -> None:
    made = Schedules([{"x": Schedule(0, 1)}])
    held = made["x"]
    made.at(0.25)
    assert held.tolist() == [0.25]
    assert held.dtype == torch.float32


def test_a_number_stays_or_leads_to_an_end() -> None:
    assert not schedule(0.5).moves
    assert schedule(0.5, 0.0) == Schedule(0.5, 0.0)
    assert schedule(settled("x", {"from": 0.5}, 1, "left"), 0.0) == Schedule(0.5, 0.5)  # a mapping says itself
    assert whole(from_=1.0, warmup=0.1).moves
    assert Schedule(1, 3).highest == Schedule(3, 1).highest == 3


def test_defaults_are_written_out_in_one_order() -> None:
    found = settled("x", {"to": 0, "from": 1e-3}, math.inf, "neither")
    assert [*found.items()] == [("from", 1e-3), ("to", 0), ("shape", "linear"), ("warmup", 0.0), ("until", 1.0)]
    assert settled("x", found, math.inf, "neither") == found
    assert settled("x", 0.1, 1, "neither") == 0.1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"to": 1}, "x.from: expected the number that the schedule begins with, got nothing"),
        ({"from": 0}, "x: expected a schedule that is not 0 throughout, got from 0 to 0"),
        ({"from": 1}, "x.from: expected a number in [0, 1), got 1"),
        ({"from": 0.5, "to": -1}, "x.to: expected a number in [0, 1), got -1"),
        ({"from": 0.5, "too": 1}, "x.too: unknown setting; did you mean 'to'?"),
        ({"from": 0.5, "shape": "cosin"}, "x.shape: unknown name 'cosin'; did you mean 'cosine'?"),
        ({"from": 0.5, "warmup": 1}, "x.warmup: expected a number in [0, 1), got 1"),
        ({"from": 0.5, "until": 2}, "x.until: expected a number in (0, 1], got 2"),
        ({"from": 0.5, "warmup": 0.3, "until": 0.3}, "x.until: expected a number in (0.3, 1], got 0.3"),
    ],
)
def test_schedules_that_make_no_sense_are_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        settled("x", value, 1, "left")


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match=r"x\.to: expected a number, got '0'"):
        settled("x", {"from": 0.5, "to": "0"}, 1, "left")
