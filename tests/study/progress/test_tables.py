from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from study.config.plan import StudyPlan
from study.ledger.entries import Stopped
from study.ledger.lock import LockOwner
from study.progress.forecast import forecast
from study.progress.status import ArmStatus, Counts, Status, TrackingStatus
from study.progress.tables import cost, show_beginning, show_forecast, show_status

Build = Callable[..., StudyPlan]
PHASE = Counts(done=3, failed=0, running=0, interrupted=0, missing=1, total=4)
STATUS = Status(
    study="rings",
    folder="studies/rings",
    state="running",
    holder=LockOwner("here", 7, 0.0),
    metric="fid",
    trials=Counts(done=6, failed=1, running=1, interrupted=0, missing=1, total=9),
    arms=(
        ArmStatus(
            arm="gan-[bold]hinge",
            repeat=0,
            outcomes={"converged": 20, "collapsed": 4},
            best=0.012345,
            best_trial="search-gan-hinge-0002",
            search=PHASE,
            confirm=replace(PHASE, done=2, failed=1, running=1, missing=0),
        ),
        ArmStatus(arm="none", repeat=0, outcomes={}, best=None, best_trial=None, search=PHASE, confirm=PHASE),
    ),
    failures={"search-none-0001": "RuntimeError: [out] of memory"},
    tracking=TrackingStatus(waiting=12, trouble="connection refused"),
    damaged=1,
    damage=("0001.jsonl, line 3: torn",),
    lacking=tuple(f"trial {n}: no result" for n in range(5)),
    sessions=2,
)


@pytest.fixture
def study(least: Build) -> Build:
    """The study `rings`, which searches one learning rate."""
    rates = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
    budget = {"steps": 1000, "evaluations": 10, "batch_size": 64}
    return lambda **sections: least(**{"study": "rings", "budget": budget, "nuisance": rates, **sections})


def shown(plan: StudyPlan) -> str:
    console = Console(file=io.StringIO(), width=160, soft_wrap=True)
    show_forecast(plan.config, forecast(plan), console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_check_shows_arms_spaces_counts_and_an_estimate_that_says_so(study: Build) -> None:
    clip = {"name": "clip", "bound": {"log_uniform": [1e-3, 1]}}
    text = shown(study(scientific={"penalty": ["none", clip]}, confirm={"top": 1, "replicas": 16}))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "rings: ring, 2 arms" in lines
    assert "a trial: 8 replicas, 1,000 generator updates each, measured 10 times" in lines
    assert "search.metric: mass_js (min); outcomes.metric: mass_js" in lines
    assert "generator_lr 0.0001 … 0.01 log" in lines
    assert any(line.startswith("none 20 1 176,000") for line in lines)
    assert any(line.startswith("clip penalty.bound 0.001 … 1 log 20 1 176,000") for line in lines)
    assert "in all 42 trials of 352 replicas, 3,520 evaluations, 352,000 generator updates" in lines
    assert any(line.startswith("estimate: ") and "within a factor of two or so" in line for line in lines)


def test_check_says_what_arms_of_a_name_choose(study: Build) -> None:
    several = [[{"name": "r1", "weight": 0.1}, "r2"]]
    text = shown(
        study(scientific=[{"name": "plain"}, {"name": "R3GAN", "pairing": "relativistic", "penalty": several}])
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "arm chosen in it" in lines
    assert "plain" in lines
    assert "R3GAN pairing relativistic, penalty r1 (weight 0.1) + r2" in lines
    assert "chosen in it" not in shown(study(scientific={"pairing": ["independent", "relativistic"]}))


def test_check_says_how_often_every_arm_is_searched(study: Build) -> None:
    search, confirm = {"trials_per_arm": 4, "repeats": 3}, {"top": 1, "replicas": 16}
    lines = [" ".join(line.split()) for line in shown(study(search=search, confirm=confirm)).splitlines()]
    sentence = "every arm: 3 independent searches of 4 trials; of each its best configuration again on 16 fresh seeds"
    assert sentence in lines
    assert any(line.startswith("single 3 × 4 3 × 1 144,000") for line in lines)
    assert "in all 15 trials of 144 replicas, 1,440 evaluations, 144,000 generator updates" in lines
    several = shown(study(search={"trials_per_arm": 2, "repeats": 2}, confirm={"top": 3, "replicas": 4}))
    assert "2 independent searches of 2 trials; of each its 2 best configurations again on 4 fresh seeds" in several
    unconfirmed = shown(study(search={"trials_per_arm": 1, "repeats": 2}))
    assert "every arm: 2 independent searches of 1 trial\n" in unconfirmed
    assert "independent" not in shown(study())


def test_check_says_what_disk_the_kept_generators_take(study: Build) -> None:
    confirm = {"top": 1, "replicas": 16}
    assert "generators kept of confirmed trials: 1.1 MB\n" in shown(study(confirm=confirm))
    best = {"generators": "best", "critics": True}
    text = shown(study(confirm=confirm, keep=best))
    assert "generators kept of confirmed and each search's best trials with their critics: 3.3 MB\n" in text
    assert "generators kept" not in shown(study(keep="none", confirm=confirm))


def test_an_upper_bound_is_called_one(study: Build) -> None:
    text = shown(study(scheduler="asha"))
    assert "in all at most 20 trials" in text
    assert "estimate: at most" in text
    assert "note: asha stops trials as results arrive" in text


def test_an_estimate_for_a_gpu_is_not_pretended(study: Build) -> None:
    assert "what a GPU gains is not in it" in shown(study(resources={"gpu": 1}))


def test_an_estimate_says_what_else_runs_on_the_machine(study: Build) -> None:
    plan = study()
    idle = replace(forecast(plan), cores=2, workers=2, seconds=600.0)
    assert "now other processes" not in cost(plan.config, idle)
    assert "now other processes" not in cost(plan.config, replace(idle, load=0.3))
    busy = replace(idle, load=4.0)  # both workers and four others on two cores
    assert busy.slowdown == 3
    assert "where nothing else runs (now other processes want 4 of 2 cores: while they do, about 30 min)" in cost(
        plan.config, busy
    )
    assert replace(busy, workers=1, cores=8).slowdown == 1


def test_more_time_of_cores_than_passes_is_explained(study: Build) -> None:
    plan = study()
    alone = replace(forecast(plan), workers=1, core_seconds=84.0, seconds=72.0)
    assert "72 s with 1 worker here, as Ray and the driver keep another core busy meanwhile, right" in cost(
        plan.config, alone
    )
    assert "meanwhile" not in cost(plan.config, replace(alone, seconds=84.0))
    assert "meanwhile" not in cost(plan.config, replace(alone, workers=2, seconds=50.0))


def test_what_is_begun_is_said_at_once(study: Build, capsys: pytest.CaptureFixture[str]) -> None:
    def said(plan: StudyPlan, resuming: bool = False) -> str:
        show_beginning(plan.config, forecast(plan), Path("studies/rings"), resuming)
        return capsys.readouterr().out

    there = "; into studies/rings, MLflow's runs in it (`ganstudy ui studies/rings`)\n"
    assert said(study()) == f"rings: 1 arm, 20 trials{there}"
    assert said(study(), resuming=True) == f"going on with rings: 1 arm, 20 trials{there}"
    server = study(scheduler="asha", tracking={"uri": "https://mlflow.org"})
    assert said(server) == (
        "rings: 1 arm, at most 20 trials; into studies/rings, MLflow's runs at https://mlflow.org\n"
    )


def test_status_shows_every_arm_and_what_went_wrong() -> None:
    console = Console(file=io.StringIO(), width=160, soft_wrap=True)
    show_status(replace(STATUS, stopped=Stopped(time=1e9, reason="[no] room")), console)
    assert isinstance(console.file, io.StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "rings in studies/rings: running, by process 7 on here" in lines
    assert "stopped 2001-09-09 01:46 UTC: [no] room" in lines
    assert "of 9 trials: 6 done, 1 failed, 1 running, 1 missing" in lines
    assert "gan-[bold]hinge 3/4 2/4 (1 failed, 1 running) 0.01235 4 collapsed, 20 converged" in lines
    assert "search-none-0001 failed: RuntimeError: [out] of memory" in lines
    assert "MLflow lacks 12 entries of the ledger: connection refused" in lines
    assert "1 place of the ledger unreadable, skipped" in lines
    assert "0001.jsonl, line 3: torn" in lines
    assert "0001.jsonl, line 3: torn" in lines


def test_status_says_that_a_stalled_arm_may_not_have_begun() -> None:
    def said(best: float, *repeats: int) -> str:
        arm = replace(STATUS.arms[0], outcomes={"stalled": 4}, best=best)
        console = Console(file=io.StringIO(), width=160, soft_wrap=True)
        arms = tuple(replace(arm, repeat=repeat) for repeat in repeats or (0,))
        show_status(replace(STATUS, metric="mass_js", arms=arms), console)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    note = "gan-[bold]hinge: stalled with mass_js at 0.65 at the best, where 0.6931 is the worst: budget.steps may be"
    assert note in said(0.65)
    assert "at the best" not in said(0.2)
    assert note.replace(": stalled", ", repeat 1: stalled") in said(0.65, 0, 1)


def test_status_says_what_the_ledger_lacks_and_by_which_rule_outcomes_are() -> None:
    def said(found: Status) -> str:
        console = Console(file=io.StringIO(), width=160, soft_wrap=True)
        show_status(found, console)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    assert "trial 1: no result\ntrial 2: no result\nand 2 more like it\n" in said(STATUS)
    assert "earlier rule" not in said(STATUS)
    assert "outcomes are as an earlier rule told them when trials ended" in said(replace(STATUS, earlier_rule=True))


def test_status_names_arms_of_which_no_configuration_is_allowed() -> None:
    console = Console(file=io.StringIO(), width=160, soft_wrap=True)
    arms = tuple(replace(arm, beyond=over) for arm, over in zip(STATUS.arms, (0.125, 0.0), strict=True))
    show_status(replace(STATUS, arms=arms, diverged_at_most=0.25), console)
    assert isinstance(console.file, io.StringIO)
    assert (
        "no configuration diverged in at most 25% of its replicas so far, and the best is one that diverged least:"
        " gan-[bold]hinge\n" in console.file.getvalue()
    )


def test_status_has_a_row_for_each_repeat_where_there_are_several() -> None:
    console = Console(file=io.StringIO(), width=160, soft_wrap=True)
    arm = STATUS.arms[1]
    show_status(replace(STATUS, arms=(arm, replace(arm, repeat=1, best=0.5))), console)
    assert isinstance(console.file, io.StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "arm repeat search confirm best fid outcomes of its replicas" in lines
    assert [line for line in lines if line.startswith("none ")] == ["none 0 3/4 3/4", "none 1 3/4 3/4 0.5"]


def test_check_says_what_is_equal_and_what_is_not(study: Build) -> None:
    def lines(equal: str) -> list[str]:
        budget = {"steps": 1000, "evaluations": 10, "batch_size": 64, "equal": equal}
        return shown(study(nuisance={"critic_steps": {"choice": [1, 5]}}, budget=budget)).splitlines()

    updates, samples, arithmetic = ("\n".join(lines(equal)) for equal in ("updates", "samples", "arithmetic"))
    assert "a trial: 8 replicas, 1,000 generator updates each, measured 10 times" in updates
    assert "real samples a replica" in updates
    assert "64,000 … 320,000" in updates
    assert "updates a replica" not in updates
    assert "a trial: 8 replicas, 64,000 real samples each, measured 10 times" in samples
    assert "200 … 1,000" in samples
    assert "real samples a replica" not in samples
    assert "about 96,000 generator updates" in samples
    assert "operations each, measured 10 times" in arithmetic
    assert "real samples a replica" in arithmetic
