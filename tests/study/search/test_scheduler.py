"""Early stopping by arm, with the calls that Tune makes."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from study.config.plan import StudyPlan
from study.ledger.entries import Floor, Planned, Result, Session, trial_id_of
from study.search.scheduler import StudyScheduler

Build = Callable[..., StudyPlan]
ASHA = {"name": "asha", "grace": 1, "reduction": 2}
BUDGET = {"steps": 80, "evaluations": 8, "batch_size": 16}


def trial(arm: str, *indices: int, phase: str = "search", repeat: int = 0) -> Any:
    """A Tune trial, a pack of the study's, as far as schedulers look at it; its own id is random, as Tune's are."""
    keys = [(phase, arm, repeat, index, 0) for index in indices]
    return SimpleNamespace(trial_id=f"{id(keys):x}", config={"trials": json.dumps(keys)})


def names(one: Any) -> list[str]:
    return [trial_id_of(*key) for key in json.loads(one.config["trials"])]


def result(one: Any, evaluation: int, *scores: float, finished: bool = False) -> dict[str, Any]:
    reports = [
        {"trial_id": name, "evaluation": evaluation, "score": score, "finished": finished}
        for name, score in zip(names(one), scores, strict=True)
    ]
    return {"reports": json.dumps(reports)}


def report(scheduler: StudyScheduler, one: Any, evaluation: int, *scores: float) -> str:
    return scheduler.on_trial_result(None, one, result(one, evaluation, *scores))


def begun(scheduler: StudyScheduler, *trials: Any) -> None:
    for one in trials:
        scheduler.on_trial_add(None, one)


@pytest.mark.parametrize(("metric", "mode", "sign"), [("fid", "min", 1), ("modes", "max", -1)])
def test_the_worse_half_of_an_arm_is_stopped(tiny: Build, metric: str, mode: str, sign: int) -> None:
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET, search={"metric": metric, "mode": mode}))
    good, bad = trial("hinge", 0), trial("hinge", 1)
    begun(scheduler, good, bad)
    assert report(scheduler, good, 1, sign * 1.0) == "CONTINUE"
    assert report(scheduler, bad, 1, sign * 5.0) == "STOP"
    assert [*scheduler.stopped] == names(bad)


def test_one_trial_of_a_pack_is_stopped_and_the_others_go_on_in_another(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET))
    pack = trial("hinge", 0, 1, 2)
    begun(scheduler, pack)
    assert report(scheduler, pack, 1, 1.0, 5.0, 0.5) == "STOP"
    assert [*scheduler.stopped] == [names(pack)[1]]
    scheduler.on_trial_complete(None, pack, result(pack, 1, 1.0, 5.0, 0.5))  # as Tune calls it then
    assert [*scheduler.stopped] == [names(pack)[1]]
    rest = trial("hinge", 0, 2)
    begun(scheduler, rest)
    assert report(scheduler, rest, 2, 2.0, 1.0) == "CONTINUE"
    scheduler.on_trial_complete(None, rest, result(rest, 8, 2.0, 1.0, finished=True))
    assert len(scheduler.stopped) == 1


def test_a_slow_starter_is_judged_by_its_own_arm(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET))
    fast = [trial("non_saturating", index) for index in range(4)]
    slow = [trial("hinge", index) for index in range(2)]
    begun(scheduler, *fast, *slow)
    for index, one in enumerate(fast):
        report(scheduler, one, 1, 1.0 + index)
    assert report(scheduler, slow[0], 1, 100.0) == "CONTINUE"
    assert report(scheduler, slow[1], 1, 90.0) == "CONTINUE"


def test_a_trial_is_judged_by_its_own_repeat(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET, search__repeats=2))
    first = [trial("hinge", index) for index in range(4)]
    second = [trial("hinge", index, repeat=1) for index in range(2)]
    begun(scheduler, *first, *second)
    for index, one in enumerate(first):
        report(scheduler, one, 1, 1.0 + index)
    assert report(scheduler, second[0], 1, 90.0) == "CONTINUE"
    assert report(scheduler, second[1], 1, 100.0) == "STOP"
    assert [line.split(":")[0] for line in scheduler.debug_string().splitlines() if "repeat" in line] == [
        "hinge, repeat 0", "hinge, repeat 1",
    ]  # fmt: skip


def test_confirm_trials_are_never_stopped(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET))
    confirming = [trial("hinge", index, phase="confirm") for index in range(3)]
    begun(scheduler, *confirming)
    assert [report(scheduler, one, 1, 10.0**i) for i, one in enumerate(confirming)] == ["CONTINUE"] * 3


def test_without_a_scheduler_nobody_is_stopped(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny())
    trials = [trial("hinge", index) for index in range(3)]
    begun(scheduler, *trials)
    assert not scheduler.stops
    assert [report(scheduler, one, 4, 10.0**i) for i, one in enumerate(trials)] == ["CONTINUE"] * 3
    assert scheduler.debug_string() == "first in, first out"


def test_a_trial_tried_again_and_one_that_never_started_do_no_harm(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET))
    retried, dropped = trial("hinge", 0), trial("hinge", 1)
    begun(scheduler, retried, dropped, retried)
    scheduler.on_trial_remove(None, dropped)
    assert report(scheduler, retried, 1, 1.0) == "CONTINUE"
    scheduler.on_trial_complete(None, retried, result(retried, 8, 1.0, finished=True))


def test_rungs_are_refilled_from_the_ledger_once_a_trial(tiny: Build) -> None:
    def row(index: int, step: int, score: float) -> dict[str, Any]:
        columns = {"mass_js": [score, score], "diverged": [False, False]}
        return Result(phase="search", arm="hinge", index=index, step=step, columns=columns, seeds=[0, 1], wall_time=1.0)

    past = [Session(config={}), row(0, 10, 1.0), row(0, 20, 0.9), row(1, 10, 2.0), Floor(values={})]
    scheduler = StudyScheduler(tiny(scheduler=ASHA, budget=BUDGET), past)
    resumed, fresh = trial("hinge", 1), trial("hinge", 2)
    begun(scheduler, resumed, fresh)
    assert report(scheduler, fresh, 1, 1.6) == "STOP"  # over the median of 1 and 2
    assert report(scheduler, resumed, 2, 1.0) == "STOP"  # over 0.9, which trial 0 had there


def test_rungs_are_evaluations_though_trials_take_different_steps(tiny: Build) -> None:
    def begun_trial(index: int, steps: int, score: float) -> list[Any]:
        keys: dict[str, Any] = {"phase": "search", "arm": "hinge", "index": index, "seeds": [0]}
        columns = {"mass_js": [score], "diverged": [False]}
        first, second = (Result(**keys, step=step, columns=columns, wall_time=1.0) for step in (steps // 8, steps // 4))
        return [Planned(**keys, config={}, spec={"steps": steps}), first, second]

    plan = tiny(scheduler=ASHA, budget={**BUDGET, "equal": "samples"})
    scheduler = StudyScheduler(plan, [*begun_trial(0, 80, 1.0), *begun_trial(1, 16, 2.0)])
    fresh = trial("hinge", 2)
    begun(scheduler, fresh)
    assert report(scheduler, fresh, 2, 1.6) == "STOP"  # over the median of 1 and 2, both there at the second evaluation


def test_the_pending_trial_runs_next(tiny: Build) -> None:
    scheduler = StudyScheduler(tiny())
    live = [SimpleNamespace(status=status) for status in ("RUNNING", "PENDING", "RUNNING")]
    controller = SimpleNamespace(get_live_trials=lambda: live)
    assert scheduler.choose_trial_to_run(controller) is live[1]
    live.pop(1)
    assert scheduler.choose_trial_to_run(controller) is None
