"""Trials of a pack are what they are alone: reports, pictures, kept generators, checkpoints, ends and failures."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from study.config.arms import spec_for
from study.config.plan import StudyPlan
from study.execution import pack as module
from study.execution.job import Job
from study.execution.pack import Pack
from study.execution.trial import Trial
from study.storage import checkpoint, generators
from study.storage.store import store_at
from trainables.data import load
from trainables.metrics.evaluator import Evaluator

Build = Callable[..., StudyPlan]
Start = Callable[..., Pack]
Rows = dict[str, list[Any]]  # by trial
RATES = (1e-3, 3e-3, 9e-3)


@pytest.fixture
def start(tiny: Build, tmp_path: Path) -> Start:
    """Starts a pack of some of three trials that differ in a rate; `rates` changes it, other arguments their jobs."""
    plan = tiny()
    specs = [spec_for(plan.config, plan.arms[1], {"generator_lr": rate, "critic_steps": 2}) for rate in RATES]
    data = load(**specs[0].data)
    evaluator = Evaluator(data, specs[0].evaluation)

    def begin(
        *indices: int, place: str = "", reported: dict[int, int] | None = None, rates: Any = None, **job: Any
    ) -> Pack:
        jobs = []
        for index in indices:
            spec = replace(specs[index], **(rates or {}).get(index, {})).to_dict()
            about = spec, [0, 1], str(tmp_path / place), ["fid"], ["min"]
            done = (reported or {}).get(index, 0)
            jobs.append(replace(Job(f"search-hinge-{index:04d}", *about, reported=done), **job))
        return Pack(jobs, data, evaluator)

    return begin


def reports(pack: Pack) -> list[dict[str, Any]]:
    return list(json.loads(pack.report()["reports"]))


def measured(found: Sequence[dict[str, Any]], rows: Rows | None = None) -> Rows:
    """The steps and columns of each trial; times left out."""
    rows = {} if rows is None else rows
    for report in found:
        rows.setdefault(report["trial_id"], []).extend((row["step"], row["columns"]) for row in report["rows"])
    return rows


def assert_same(ours: Rows, theirs: Rows) -> None:
    """Weights are the same bit for bit; a vectorised function may round a measurement's last digit by its place."""
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert [step for step, _ in ours[name]] == [step for step, _ in theirs[name]]
        for (_, mine), (_, other) in zip(ours[name], theirs[name], strict=True):
            assert mine.keys() == other.keys()
            for column in mine:
                np.testing.assert_allclose(_numbers(mine[column]), _numbers(other[column]), rtol=1e-6, err_msg=column)


def _numbers(values: Sequence[Any]) -> Any:
    return np.array(values, np.float64)


def trained(pack: Pack) -> Rows:
    rows: Rows = {}
    while not pack.done:
        measured(reports(pack), rows)
    return rows


def alone(start: Start, **changes: Any) -> Rows:
    """Every trial by itself."""
    rows: Rows = {}
    for index in range(3):
        rows |= trained(start(index, place="alone", **changes))
    return rows


def test_a_pack_reports_what_its_trials_report_alone(start: Start) -> None:
    pack = start(0, 1, 2)
    rows: Rows = {}
    for evaluation in range(1, 5):
        found = reports(pack)
        assert [(one["evaluation"], one["finished"]) for one in found] == [(evaluation, evaluation == 4)] * 3
        measured(found, rows)
    assert pack.done
    assert_same(rows, alone(start))


def test_an_evaluations_time_is_shared(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10_000, 6))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(ticks))  # type: ignore[attr-defined]
    [*found] = reports(start(0, 1, 2))
    assert [one["rows"][0]["wall_time"] for one in found] == [2.0] * 3


def test_a_trial_that_diverged_leaves_the_others(start: Start) -> None:
    lost = {1: {"critic_lr": 1e30}}
    pack = start(0, 1, 2, rates=lost)
    assert [one["finished"] for one in reports(pack)] == [False, True, False]
    assert [one["trial_id"] for one in reports(pack)] == ["search-hinge-0000", "search-hinge-0002"]
    rows = trained(start(0, 1, 2, rates=lost, place="again"))
    assert_same(rows, alone(start, rates=lost))
    assert [step for step, _ in rows["search-hinge-0001"]] == [5]


@pytest.mark.parametrize("left", [(0, 1, 2), (2, 0), (1,)])
def test_what_is_left_of_a_pack_goes_on_where_it_was(start: Start, left: tuple[int, ...]) -> None:
    whole = alone(start)
    pack = start(0, 1, 2)
    rows = measured([*reports(pack), *reports(pack)])
    pack.leave()
    rest = start(*left, reported=dict.fromkeys(left, 10))
    assert {trial.training.step for trial in rest.trials} == {10}
    after = trained(rest)
    assert_same({name: rows[name] + found for name, found in after.items()}, {name: whole[name] for name in after})


def test_trials_of_different_steps_meet(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = alone(start)
    for index, times in ((0, 2), (1, 1)):
        begun = start(index)
        for _ in range(times):
            begun.report()
        begun.leave()
    together: list[list[int]] = []
    advance = Pack._advance

    def watched(pack: Pack) -> None:
        advance(pack)
        together.append([pack.trials.index(trial) for trial in pack._together])

    monkeypatch.setattr(Pack, "_advance", watched)
    rows = trained(start(0, 1, 2, reported={0: 10, 1: 5}))
    assert together == [[2], [1, 2], [0, 1, 2], [0, 1, 2]]
    assert_same(rows, {name: found[{"0": 2, "1": 1, "2": 0}[name[-1]] :] for name, found in whole.items()})


def test_an_attempt_that_failed_leaves_nothing_half_trained(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = start(0, 1)
    rows = measured(reports(pack))
    pack.leave()
    population = pack._population
    assert population is not None
    monkeypatch.setattr(population, "_evaluation", lambda _: pytest.fail("out of memory"))
    with pytest.raises(pytest.fail.Exception):
        pack.report()
    pack.leave()
    again = trained(start(0, 1, reported={0: 5, 1: 5}))
    whole = alone(start)
    assert_same({name: rows[name] + again[name] for name in rows}, {name: whole[name] for name in rows})


def test_pictures_and_kept_generators_are_those_of_the_trial_alone(start: Start, tmp_path: Path) -> None:
    about: dict[str, Any] = {"pictures": 2, "keep": True}
    trained(start(0, 1, 2, place="pack", **about))
    alone(start, **about)
    for index in range(3):
        folder = f"trials/search-hinge-{index:04d}"
        ours, theirs = (np.load(tmp_path / place / folder / "pictures/00000020.npz") for place in ("pack", "alone"))
        assert ours.files == theirs.files
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours.files)
        mine, other = (
            safetensors.torch.load((tmp_path / place / folder / generators.FILE).read_bytes())
            for place in ("pack", "alone")
        )
        assert mine.keys() == other.keys()
        assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_checkpoints_are_each_trials_own(start: Start, tmp_path: Path) -> None:
    trained(start(0, 1, checkpoint_seconds=0.0))
    for index in (0, 1):
        kept = checkpoint.read_all(store_at(str(tmp_path)), f"trials/search-hinge-{index:04d}")
        assert [(content["state"]["step"], content["state"]["seeds"]) for content in kept] == [
            (15, [0, 1]),
            (10, [0, 1]),
        ]


def test_the_limit_of_an_evaluation_is_one_for_each_trial(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float | None] = []

    class Watched:
        def __init__(self, seconds: float | None, _: Any) -> None:
            limits.append(seconds)

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(module, "time_limit", Watched)
    start(0, 1, 2, evaluation_limit=7.0).report()
    start(0).report()
    assert limits == [21.0, None]


def test_a_hang_is_told_of_all_that_trained_together(start: Start, tmp_path: Path) -> None:
    pack = start(0, 1)
    pack.report()
    pack._hang("Thread 0x1")
    assert [(tmp_path / trial.job.folder / "hang.txt").read_text() for trial in pack.trials] == ["Thread 0x1"] * 2
    assert isinstance(pack.trials[0], Trial)
