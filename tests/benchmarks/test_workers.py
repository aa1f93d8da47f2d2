import json
import math
import random

import pytest

from benchmarks.fake_workers import Clock, Fakes, Manager, Work, Worker
from benchmarks.workers import kept_busy
from study.execution.job import Job, to_json


def test_time_is_what_the_driver_spends_and_what_is_skipped():
    clock = Clock()
    before = clock.now()
    clock.skip_to(before + 1000)
    assert clock.now() - before == pytest.approx(1000, abs=0.5)
    with clock.left_out():
        spent = clock.driver()
        sum(range(2_000_000))
    assert clock.driver() - spent < 0.01


def job(report_seconds):
    spec = {"steps": 1000, "generator_lr": 1e-3}
    return {"job": to_json([Job("a", spec, [1, 2], "", ["fid"], ["min"], report_seconds=report_seconds)])}


@pytest.mark.parametrize(("report_seconds", "reports"), [(0.0, 20), (1.0, 20), (6.0, 10), (1000.0, 1)])
def test_a_fake_worker_reports_every_evaluation_once_at_the_pace_of_its_job(report_seconds, reports):
    worker, work, dice = Worker(job(report_seconds)), Work(seconds=60.0, spread=0.0), random.Random(0)
    seconds, steps, count, done = 0.0, [], 0, False
    while not done:
        seconds += worker.train(work, dice)
        report = worker.report(work, dice)
        steps += [row["step"] for one in json.loads(report["reports"]) for row in one["rows"]]
        count, done = count + 1, report["done"]
    assert seconds == pytest.approx(60)
    assert steps == [50 * number for number in range(1, 21)]
    assert count == reports


def test_events_happen_in_the_order_of_their_times_and_cost_no_wall_time():
    fakes = Fakes(Work(seconds=3600.0, spread=0.0, evaluations=1))
    manager, told = Manager(fakes), []
    hooks = {"on_start": told.append, "on_stop": None, "on_error": None}
    actor = manager.add_actor(None, {"config": job(0.0)}, None, **hooks)
    begun = fakes.clock.now()
    assert manager.next(10.0)
    assert told == [actor]
    manager.schedule_actor_task(actor, "train", on_result=lambda _, result: told.append(result["done"]))
    assert not manager.next(10.0)
    assert manager.next(10_000.0)
    assert told == [actor, True]
    assert fakes.clock.now() - begun == pytest.approx(3602, abs=1)
    assert fakes.busy == pytest.approx(3600)


def test_what_a_worker_was_to_do_can_be_forgotten():
    manager = Manager(Fakes(Work()))
    actor = manager.add_actor(None, {"config": job(0.0)}, None, on_start=None, on_stop=None, on_error=None)
    manager.clear_actor_task_futures(actor)
    assert not manager.next(100.0)
    assert manager.remove_actor(actor)
    assert not manager.is_actor_started(actor)


def test_equal_trials_keep_all_workers_busy_once_the_lag_reaches_them():
    assert kept_busy(4, 0.0, workers=20, arms=5) == pytest.approx(1)
    assert kept_busy(2, 0.0, workers=20, arms=5) == pytest.approx(1 / 2)


def test_with_a_lag_of_one_an_arm_trains_one_trial_at_a_time():
    assert kept_busy(1, 0.5, workers=10, arms=1) == pytest.approx(0.1)


def test_of_two_trials_at_once_the_slower_is_waited_for():
    # Not in lockstep: the next one begins as soon as the older has ended, were it the faster.
    dice = random.Random(1)
    pairs = [(math.exp(dice.gauss(0, 0.5)), math.exp(dice.gauss(0, 0.5))) for _ in range(20_000)]
    in_lockstep = sum(map(sum, pairs)) / (2 * sum(map(max, pairs)))
    found = kept_busy(2, 0.5, workers=2, arms=1, trials=4000)
    assert in_lockstep < found < 1
