"""A worker's trial without a worker, a pack of its own: what it reports, and what it recovers from checkpoints."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch

from study.config.arms import spec_for
from study.config.plan import StudyPlan
from study.execution.job import Job, from_json, to_json
from study.execution.pack import Pack
from study.execution.trial import HANG, picture_evaluations
from study.search.scores import LARGEST
from study.storage import checkpoint, generators
from study.storage.store import store_at
from trainables.data import load
from trainables.metrics.evaluator import Evaluator
from trainables.training import Training

Build = Callable[..., StudyPlan]
Start = Callable[..., Pack]
Row = dict[str, Any]  # an evaluation as it is reported


@pytest.fixture
def start(tiny: Build, tmp_path: Path) -> Start:
    """Starts the trial of a tiny configuration, as a worker does; arguments change its job and its config."""
    loaded: dict[str, Any] = {}

    def begin(config: dict[str, Any] | None = None, **job: Any) -> Pack:
        plan = tiny(**(config or {}))
        spec = spec_for(plan.config, plan.arms[0], {"generator_lr": 1e-3, "critic_steps": 1})
        if not loaded:
            data = load(**spec.data)
            loaded.update(data=data, evaluator=Evaluator(data, spec.evaluation))
        made = Job("search-a-0000", spec.to_dict(), [0, 1], str(tmp_path), ["fid"], ["min"])
        made = replace(made, **job)
        return Pack([made], **loaded)

    return begin


def rows_of(result: dict[str, Any]) -> list[Row]:
    return [row for report in json.loads(result["reports"]) for row in report["rows"]]


def training(trial: Pack) -> Training:
    return trial.trials[0].training


def rows_until_done(trial: Pack) -> list[Row]:
    rows: list[Row] = []
    while True:
        result = trial.report()
        rows += rows_of(result)
        if result["done"]:
            return rows


def measured(rows: list[Row]) -> list[Any]:
    """What must be equal, bit for bit; times are not."""
    return [(row["step"], json.dumps(row["columns"])) for row in rows]


def test_a_job_survives_its_one_string(start: Start) -> None:
    jobs = [start().trials[0].job, start(trial_id="search-a-0001").trials[0].job]
    assert from_json(to_json(jobs)) == jobs


def test_every_evaluation_is_reported_once_with_a_value_per_replica(start: Start) -> None:
    rows = rows_until_done(start())
    assert [row["step"] for row in rows] == [5, 10, 15, 20]
    assert {len(values) for row in rows for values in row["columns"].values()} == {2}
    assert {"fid", "modes", "diverged", "loss_critic"} <= rows[0]["columns"].keys()
    times = [row["wall_time"] for row in rows]
    assert times == sorted(times)
    assert times[0] > 0


def test_a_report_is_flat_small_and_finite(start: Start) -> None:
    result = start().report()
    assert result.keys() == {"reports", "done", "notes"}
    assert (result["notes"], result["done"]) == ("[]", False)
    [report] = json.loads(result["reports"])
    assert report.keys() == {"trial_id", "rows", "score", "evaluation", "finished"}
    assert math.isfinite(report["score"])
    assert (report["trial_id"], report["evaluation"], report["finished"]) == ("search-a-0000", 1, False)


def test_fast_evaluations_share_a_report(start: Start) -> None:
    result = start(report_seconds=60.0).report()
    assert [row["step"] for row in rows_of(result)] == [5, 10, 15, 20]
    assert result["done"]
    assert json.loads(result["reports"])[0]["finished"]


def test_stopping_anywhere_and_resuming_gives_the_uninterrupted_curve(start: Start, tmp_path: Path) -> None:
    whole = rows_until_done(start())
    for stop in (1, 2, 3):
        trial = start(trial_id=f"search-a-{stop:04d}")
        before = [row for _ in range(stop) for row in rows_of(trial.report())]
        trial.leave()
        after = rows_until_done(start(trial_id=f"search-a-{stop:04d}", reported=before[-1]["step"]))
        assert measured(before + after) == measured(whole)
        assert after[0]["wall_time"] > before[-1]["wall_time"]
    assert not (tmp_path / "trials" / "search-a-0000").exists()


def test_rows_that_the_driver_never_heard_of_are_reported_again(start: Start) -> None:
    whole = rows_until_done(start())
    trial = start(trial_id="search-a-0001")
    for _ in range(3):
        trial.report()
    trial.leave()
    assert measured(rows_until_done(start(trial_id="search-a-0001", reported=5))) == measured(whole[1:])


def test_what_a_checkpoint_knows_is_told_before_anything_can_fail(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    first.report()
    first.leave()
    again = start(report_seconds=60.0)
    monkeypatch.setattr(training(again), "advance", lambda: pytest.fail("it fails again"))
    assert [row["step"] for row in rows_of(again.report())] == [5]


def test_an_attempt_that_failed_between_two_evaluations_leaves_nothing_half_trained(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows_until_done(start())
    trial = start(trial_id="search-a-0001")
    trial.report()
    train, fails = training(trial).model.step, iter((False, True))

    def failing(*arguments: Any) -> Any:
        if next(fails):
            raise RuntimeError("out of memory")
        return train(*arguments)

    monkeypatch.setattr(training(trial).model, "step", failing)
    with pytest.raises(RuntimeError, match="out of memory"):
        trial.report()
    trial.leave()
    assert measured(rows_until_done(start(trial_id="search-a-0001"))) == measured(whole)


def test_an_attempt_that_failed_while_it_measured_loses_no_row(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows_until_done(start())
    trial = start(trial_id="search-a-0001")
    trial.report()
    monkeypatch.setattr(training(trial), "_evaluation", lambda _: pytest.fail("out of memory"))
    with pytest.raises(pytest.fail.Exception):
        trial.report()
    trial.leave()
    assert measured(rows_until_done(start(trial_id="search-a-0001"))) == measured(whole)


def test_what_an_earlier_attempt_that_hung_left_is_forgotten(start: Start, tmp_path: Path) -> None:
    left = tmp_path / start().trials[0].job.folder / HANG
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("it hung here")
    start()
    assert not left.exists()


def test_rows_that_the_ledger_has_beyond_the_checkpoint_are_not_reported_again(start: Start) -> None:
    whole = rows_until_done(start())
    trial = start(trial_id="search-a-0001")
    trial.report()
    trial.leave()
    assert measured(rows_until_done(start(trial_id="search-a-0001", reported=15))) == measured(whole[3:])


def test_a_trial_that_was_all_reported_ends_at_once(start: Start) -> None:
    result = start(reported=20).report()
    assert (rows_of(result), result["done"]) == ([], True)


def test_a_torn_newest_checkpoint_costs_one_interval(start: Start, tmp_path: Path) -> None:
    whole = rows_until_done(start())
    trial = start(trial_id="search-a-0001")
    for _ in range(2):
        trial.report()
        trial.leave()
    newest = tmp_path / "trials" / "search-a-0001" / checkpoint.NEWEST
    newest.write_bytes(newest.read_bytes()[:100])
    resumed = start(trial_id="search-a-0001", reported=10)
    assert training(resumed).step == 5
    assert measured(rows_until_done(resumed)) == measured(whole[2:])


def test_checkpoints_of_another_configuration_or_seeds_or_version_are_not_used(start: Start, tmp_path: Path) -> None:
    trial = start()
    trial.report()
    trial.leave()
    assert training(start()).step == 5
    assert training(start(seeds=[2, 3])).step == 0
    assert training(start(config={"fixed__beta1": 0.9})).step == 0
    [content] = checkpoint.read_all(store_at(str(tmp_path)), "trials/search-a-0000")
    del content["state"]["model"]
    checkpoint.write(store_at(str(tmp_path)), "trials/search-a-0000", content)
    assert training(start()).step == 5  # the one before


def test_a_checkpoint_that_turns_out_unusable_halfway_leaves_no_trace(start: Start, tmp_path: Path) -> None:
    whole = rows_until_done(start())
    trial = start(trial_id="search-a-0001")
    trial.report()
    trial.leave()
    kept = store_at(str(tmp_path)), trial.trials[0].job.folder
    [content] = checkpoint.read_all(*kept)
    del content["state"]["feed"]  # the last to be loaded
    checkpoint.write(*kept, content)
    checkpoint.write(*kept, content)  # the one before it too
    assert measured(rows_until_done(start(trial_id="search-a-0001"))) == measured(whole)


def test_checkpoints_are_as_frequent_as_asked(start: Start, tmp_path: Path) -> None:
    rows_until_done(start(checkpoint_seconds=0.0))
    kept = checkpoint.read_all(store_at(str(tmp_path)), "trials/search-a-0000")
    assert [content["state"]["step"] for content in kept] == [15, 10]  # none at the end, which is the ledger's


def test_a_full_disk_costs_the_checkpoint_and_not_the_trial(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write", full)
    assert len(rows_until_done(start(checkpoint_seconds=0.0))) == 4
    assert "trial search-a-0000: no checkpoint at step 5: [Errno 28] No space left on device" in caplog.text


def test_a_population_that_diverged_ends_early_with_the_worst_score(start: Start) -> None:
    trial = start(config={"fixed__critic_lr": 1e30})
    result = trial.report()
    assert result["done"]
    [report] = json.loads(result["reports"])
    assert report["finished"]
    assert report["score"] == LARGEST
    [row] = report["rows"]
    assert row["columns"]["diverged"] == [True, True]
    assert (row["step"], row["pictures"]) == (5, None)


def test_one_diverged_replica_ends_nobody(start: Start) -> None:
    trial = start()
    training(trial).alive[0] = False
    rows = rows_until_done(trial)
    assert len(rows) == 4
    assert rows[-1]["columns"]["diverged"] == [True, False]


@pytest.mark.parametrize(
    ("evaluations", "pictures", "expected"),
    [(4, 2, {2, 4}), (10, 3, {4, 7, 10}), (3, 8, {1, 2, 3}), (20, 1, {20}), (5, 0, set())],
)
def test_pictures_are_evenly_spaced_and_the_last_is_one(evaluations: int, pictures: int, expected: set[int]) -> None:
    assert picture_evaluations(evaluations, pictures) == expected


def test_what_is_kept_is_written_before_the_end_is_reported_and_is_the_same_after_a_kill(
    start: Start, tmp_path: Path
) -> None:
    kept = {}
    for index, stop in enumerate((0, 2)):
        file = tmp_path / "trials" / f"search-a-{index:04d}" / generators.FILE
        trial = start(trial_id=f"search-a-{index:04d}", keep=True)
        for _ in range(stop):
            trial.report()
        trial.leave()  # and no more, as if killed
        assert not file.exists()
        rows_until_done(start(trial_id=f"search-a-{index:04d}", keep=True))
        kept[index] = {name: tensor.tolist() for name, tensor in safetensors.torch.load(file.read_bytes()).items()}
    assert kept[0] == kept[1]


def test_a_trial_killed_after_its_last_report_still_writes_what_it_keeps(start: Start, tmp_path: Path) -> None:
    assert start(reported=20, keep=True).report()["done"]
    found = generators.read(store_at(str(tmp_path)), "search-a-0000")
    assert found is not None
    assert (found.step, found.about["trial_id"]) == (20, "search-a-0000")
    assert found.about["data_digest"] == load(**found.spec.data).digest


def test_what_a_scheduler_may_stop_is_kept_as_of_each_report(start: Start, tmp_path: Path) -> None:
    trial, store = start(keep=True, stoppable=True), store_at(str(tmp_path))
    for step in (5, 10):
        trial.report()
        found = generators.read(store, "search-a-0000")
        assert found is not None
        assert found.step == step


def test_a_full_disk_costs_what_was_to_be_kept_and_not_the_trial(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(generators, "write", full)
    assert len(rows_until_done(start(keep=True))) == 4
    assert "trial search-a-0000: its generators could not be kept: [Errno 28] No space left" in caplog.text


def test_pictures_hold_samples_and_the_truth(start: Start, tmp_path: Path) -> None:
    rows = rows_until_done(start(pictures=2))
    assert [row["pictures"] is None for row in rows] == [True, False, True, False]
    with np.load(tmp_path / str(rows[-1]["pictures"])) as arrays:
        assert arrays["samples"].shape == (2, 1000, 2)
        assert arrays["means"].shape == (8, 2)
        assert np.allclose(arrays["stds"], 0.02)
        assert arrays["seeds"].tolist() == [0, 1]


def test_only_the_last_picture_of_a_confirmed_trial_has_a_gallery(start: Start, tmp_path: Path) -> None:
    for trial_id, wanted in (("confirm-a-0000", True), ("search-a-0009", False)):
        rows = rows_until_done(start(pictures=2, gallery=wanted, trial_id=trial_id))
        held = []
        for row in rows:
            if row["pictures"] is not None:
                with np.load(tmp_path / str(row["pictures"])) as arrays:
                    held.append("walk" in arrays.files)
        assert held == [False, wanted]


def test_pictures_of_a_line_hold_its_curves(tiny: Build, tmp_path: Path) -> None:
    plan = tiny(data={"name": "gaussian", "points": 500, "heldout": 100})
    spec = spec_for(plan.config, plan.arms[0], {"generator_lr": 1e-3, "critic_steps": 1})
    data = load(**spec.data)
    job = Job("search-a-0000", spec.to_dict(), [0, 1], str(tmp_path), ["fid"], ["min"], pictures=1)
    rows = rows_until_done(Pack([job], data, Evaluator(data, spec.evaluation)))
    with np.load(tmp_path / str(rows[-1]["pictures"])) as arrays:
        assert arrays["line_generator_density"].shape == (2, 400)
        assert arrays["line_critic_share"].shape == (2, 400)
        assert arrays["line_quantile"].shape == (400,)


@pytest.mark.parametrize("dimensions", [2, 5])
def test_pictures_of_points_hold_real_ones_and_lie_in_a_plane(dimensions: int, tiny: Build, tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", np.random.default_rng(0).normal(size=(300, dimensions)))
    plan = tiny(data={"name": "arrays", "path": str(tmp_path / "own.npy")})
    spec = spec_for(plan.config, plan.arms[0], {"generator_lr": 1e-3, "critic_steps": 1})
    data = load(**spec.data)
    job = Job("confirm-a-0000", spec.to_dict(), [0, 1], str(tmp_path), ["fid"], ["min"], pictures=1, gallery=True)
    rows = rows_until_done(Pack([job], data, Evaluator(data, spec.evaluation)))
    assert math.isfinite(rows[-1]["columns"]["fid"][0])
    with np.load(tmp_path / str(rows[-1]["pictures"])) as arrays:
        assert (arrays["samples"].shape, arrays["real"].shape) == ((2, 1000, 2), (30, 2))
        assert arrays["walk"].shape == (2, 8, 200, 2)
        assert ("axes" in arrays) == (dimensions > 2)


def test_an_unmeasured_metric_is_named(start: Start) -> None:
    with pytest.raises(KeyError, match=r"search.metric: expected one of .* got label_fidelity"):
        start(metrics=["label_fidelity"]).report()
