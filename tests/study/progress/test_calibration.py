from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.progress import calibration
from study.progress.calibration import Calibration, Factors, calibrate
from study.progress.forecast import forecast
from trainables import checks, cost, timing
from trainables.spec import Spec
from trainables.timing import Prepared, Taken

Build = Callable[..., StudyPlan]
SEARCHED = {"scientific": {"objective": ["hinge", "minimax"], "penalty": ["none", "r1"]}, "replicas": 2}
CONFIRMED = {"confirm": {"top": 1, "replicas": 8}}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What was measured: a step takes twice the estimate, with r1 three times, an evaluation half of it."""
    found: list[tuple[str, str, int]] = []

    def taken(spec: Spec, replicas: int, evaluated: int) -> Taken:
        found.append((spec.objective["name"], spec.penalty["name"], replicas))
        factor = 3 if spec.penalty["name"] == "r1" else 2
        return Taken(factor * cost.step_seconds(spec, replicas), cost.evaluation_seconds(spec, evaluated) / 2)

    monkeypatch.setattr(timing, "taken", taken)
    monkeypatch.setattr(timing, "prepared", lambda spec: Prepared(None, None, 7.0))  # type: ignore[arg-type]
    monkeypatch.setattr(calibration, "_pace", lambda: 1.5)
    monkeypatch.setattr(calibration, "load", lambda: 0.25)
    return found


def test_arms_alike_are_measured_once_for_each_number_of_replicas(
    least: Build, measured: list[tuple[str, str, int]]
) -> None:
    found = calibrate(least(**SEARCHED, **CONFIRMED))
    assert measured == [("hinge", "none", 2), ("hinge", "none", 8), ("hinge", "r1", 2), ("hinge", "r1", 8)]
    assert (found.preparation, found.pace, found.load) == (7.0, 1.5, 0.25)
    assert {arm: found.of(arm, 2).training for arm in found.factors} == pytest.approx(
        {"hinge-none": 2, "hinge-r1": 3, "minimax-none": 2, "minimax-r1": 3}
    )


def test_nothing_is_measured_that_takes_a_good_part_of_the_memory(
    least: Build, measured: list[tuple[str, str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "memory", lambda: 8 * 10**9)
    assert calibrate(least(**SEARCHED, evaluation={"samples": 10**7})) == Calibration(pace=1.5, load=0.25)
    assert measured == []
    assert calibrate(least(**SEARCHED, evaluation={"samples": 10**6})).factors


@pytest.mark.parametrize("endless", [{"critic_steps": 10**8}, {"critic": {"hidden": [20_000] * 3}}], ids=str)
def test_no_step_is_measured_that_would_take_a_good_part_of_the_memory_or_longer_than_measuring_may(
    endless: dict[str, Any], least: Build, measured: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "memory", lambda: 8 * 10**9)
    assert not any(calibrate(least(fixed=endless)).factors.values())
    assert measured == []


def test_the_forecast_is_in_proportion_to_what_was_measured(least: Build, measured: Any) -> None:
    plan = least(**SEARCHED, **CONFIRMED)
    plain, found = forecast(plan), forecast(plan, calibrate(plan))
    assert (plain.calibrated, found.calibrated) == (False, True)
    of_arms = {arm.name: arm.core_seconds - arm.evaluation_seconds for arm in plain.arms}
    assert found.parts.training == pytest.approx(
        sum((3 if name.endswith("r1") else 2) * seconds for name, seconds in of_arms.items())
    )
    assert found.parts.evaluation == pytest.approx(plain.parts.evaluation / 2)
    assert found.parts.start == pytest.approx(1.5 * plain.parts.start)
    assert found.core_seconds == pytest.approx(sum(found.parts) - found.parts.report)


def test_other_numbers_of_replicas_go_by_the_nearest() -> None:
    found = Calibration({"hinge": {2: Factors(2.0), 8: Factors(8.0)}})
    assert [found.of("hinge", replicas).training for replicas in (1, 4, 6, 32)] == [2, 2, 8, 8]
    assert found.of("minimax", 2) == Factors(1.0, 1.0)


def test_out_of_time_other_arms_go_by_what_was_measured(least: Build, measured: list[Any]) -> None:
    found = calibrate(least(**SEARCHED, **CONFIRMED), within=0.0)
    assert measured == [("hinge", "none", 2)]
    assert [found.of(arm, 8).training for arm in found.factors] == pytest.approx([2] * 4)


@pytest.mark.parametrize(("seconds", "evaluated"), [(1.0, 8), (7.9, 8), (16.0, 4), (800.0, 1)])
def test_of_a_population_that_takes_long_to_evaluate_only_some_are(
    seconds: float, evaluated: int, least: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def taken(spec: Spec, replicas: int, evaluated: int) -> Taken:
        asked.append(evaluated)
        return Taken(cost.step_seconds(spec, replicas), 3 * cost.evaluation_seconds(spec, evaluated))

    monkeypatch.setattr(timing, "taken", taken)
    monkeypatch.setattr(timing, "prepared", lambda spec: Prepared(None, None, 0.0))  # type: ignore[arg-type]
    monkeypatch.setattr(cost, "evaluation_seconds", lambda spec, replicas: seconds * replicas / 8)
    plan = least(replicas=8)
    found = calibrate(plan)
    assert asked == [evaluated]
    assert found.of(plan.arms[0].name, 8).evaluation == pytest.approx(3)


def test_what_cannot_be_measured_is_estimated(least: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(spec: Spec, replicas: int, evaluated: int) -> Taken:
        raise ZeroDivisionError("of the user's own")

    monkeypatch.setattr(timing, "taken", fails)
    found = calibrate(least(**SEARCHED))
    assert found.of("hinge-none", 2) == Factors()
    assert found.pace > 0


def test_a_gpu_is_not_modelled(least: Build, measured: list[Any]) -> None:
    assert calibrate(least(resources={"gpu": 1})) == Calibration(pace=1.5, load=0.25)
    assert measured == []
