"""Whole studies, for real: Ray, Tune, workers, ledger, MLflow and record, through kills, failures and interruptions."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray.cloudpickle

from analysis.record.loading import Record, load
from study.config import loading
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.execution.job import Job
from study.execution.pack import Pack
from study.execution.worker import Worker
from study.ledger.entries import Entry
from study.ledger.ledger import Ledger, entries
from study.ledger.lock import StudyBusy
from study.progress.status import status
from study.run import resume_study, run_study
from study.storage import lease
from study.storage.store import store_of
from trainables.data import load as load_data
from trainables.metrics.evaluator import Evaluator

Build = Callable[..., StudyPlan]
ROOT = Path(__file__).parents[2]
LONG = {"steps": 1200, "evaluations": 20, "batch_size": 16}  # trials of seconds, to be killed in their middle
CONFIRM = {"top": 1, "replicas": 3}
ALONE = {"workers": 1}  # where the number does not matter: a worker takes seconds to start

pytestmark = [pytest.mark.usefixtures("shared_ray"), pytest.mark.xdist_group("ray")]
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]


def told(folder: Path, kind: str) -> list[Any]:
    return [entry for _, entry in entries(folder) if entry.kind == kind]


def curves(folder: Path) -> dict[tuple[str, int], str]:
    """What was measured by trial and step, exactly; times left out."""
    return {(row.trial_id, row.step): json.dumps(row.columns) for row in told(folder, "result")}


def whole(folder: Path) -> Record:
    """The record, after checking that every trial ended exactly once and no row is there twice."""
    record = load(folder)
    assert not record.running
    endings = [entry.trial_id for entry in told(folder, "ended")]
    assert sorted(endings) == sorted({entry.trial_id for entry in told(folder, "planned")})
    rows = [(row.trial_id, row.step) for row in told(folder, "result")]
    assert len(rows) == len(set(rows))
    return record


def when(condition: Callable[[], bool], act: Callable[[], None], timeout: float = 60.0) -> threading.Thread:
    """Act from another thread as soon as something holds."""

    def watch() -> None:
        deadline = time.monotonic() + timeout
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def results(folder: Path) -> int:
    try:
        return len(told(folder, "result"))
    except FileNotFoundError:
        return 0


@pytest.fixture(scope="module")
def long_study(tiny: Build) -> StudyPlan:
    return tiny(budget=LONG, confirm=CONFIRM, resources={"checkpoint_seconds": 0.3, **ALONE})


@pytest.fixture(scope="module")
def long_study_of_two_workers(tiny: Build) -> StudyPlan:
    return tiny(budget=LONG, confirm=CONFIRM, resources={"checkpoint_seconds": 0.3, "workers": 2})


@pytest.fixture(scope="module")
def reference(long_study: StudyPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The long study, run without a disturbance."""
    folder = tmp_path_factory.mktemp("reference") / "study"
    assert run_study(long_study, folder) == 0
    return folder


def test_a_study_runs_from_configuration_to_record(reference: Path, long_study: StudyPlan) -> None:
    record = whole(reference)
    assert loading.load(reference / "study.yaml") == long_study
    by_phase = record.trials.groupby("phase", observed=True)["trial_id"].nunique()
    assert by_phase.to_dict() == {"search": 4, "confirm": 2}
    assert len(record.history) == (4 * 2 + 2 * 3) * LONG["evaluations"]
    assert set(record.trials["status"]) == {"completed"}
    assert not set(record.trials.query("phase == 'confirm'")["seed"]) & set(
        record.trials.query("phase == 'search'")["seed"]
    )
    assert record.trials["floor.fid"].notna().all()
    found = status(reference)
    assert (found.state, found.trials.done, found.tracking.waiting, found.damaged) == (
        "done",
        6,
        0,
        0,
    )


def test_nothing_is_left_behind_but_pictures_and_what_was_confirmed(reference: Path) -> None:
    kept = {path.name for trial in (reference / "trials").glob("search-*") for path in trial.iterdir()}
    assert kept == {"pictures"}
    kept = {path.name for trial in (reference / "trials").glob("confirm-*") for path in trial.iterdir()}
    assert kept == {"pictures", "generators.safetensors"}
    drawn = [row.pictures for row in told(reference, "result") if row.pictures]
    assert len(drawn) == 6 * 2
    assert all((reference / path).is_file() for path in drawn)


def test_a_finished_study_resumes_to_itself_at_once(reference: Path) -> None:
    left = [reference / name for name in ("trials/.0.npz.0a.partial", "ledger/.lease.json.0a.partial")]
    for path in left:  # by killed writers
        path.touch()
    before, started = curves(reference), time.monotonic()
    assert resume_study(reference) == 0
    assert not any(path.exists() for path in left)
    assert time.monotonic() - started < 10
    assert curves(reference) == before
    assert status(reference).sessions == 2


def test_resume_says_what_of_the_ledger_it_could_not_read(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(reference, folder)
    (folder / "ledger" / "0009.jsonl").write_bytes(b'00000000 {"kind": "result", "trial_id": "search-hinge-0001"}\n')
    assert resume_study(folder) == 0
    said = capsys.readouterr().out
    assert "estimate: " not in said
    [note] = [line for line in said.splitlines() if "unreadable" in line]
    assert note.startswith("note: 2 places of the ledger unreadable, skipped: ")
    assert "0009.jsonl, line 1: torn, or its checksum does not fit (it names search-hinge-0001)" in note
    assert status(folder).damaged == 2  # the line, and the segments that are missing before it


def test_a_database_that_cannot_be_used_is_named_where_entries_wait_for_it(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(reference, folder)
    (folder / "tracking.json").unlink()
    (folder / "mlflow.db").write_bytes(b"damaged " * 1000)
    monkeypatch.setattr("study.run.DRAIN", 1.0)
    assert resume_study(folder) == 0
    said = capsys.readouterr().out
    assert "for MLflow (" in said
    assert f"({folder / 'mlflow.db'}: expected MLflow's database, got one that cannot be used (file is not a" in said
    assert "the ledger); `ganstudy resume` sends them" in said


def test_the_folder_of_a_study_is_not_overwritten(reference: Path, long_study: StudyPlan) -> None:
    with pytest.raises(ConfigError, match=r"--out: expected a folder without a study, got .*study, which holds one"):
        run_study(long_study, reference)


def test_an_extension_adds_trials_and_arms_and_keeps_the_rest(reference: Path, tmp_path: Path) -> None:
    folder = tmp_path / "extended"
    shutil.copytree(reference, folder)
    before = curves(folder)
    changes = [
        "search.trials_per_arm=3",
        "scientific.objective=[hinge, non_saturating, minimax]",
        "resources.workers=2",
    ]
    assert resume_study(folder, changes) == 0
    after = curves(folder)
    assert before.items() <= after.items()
    searched = {entry.trial_id for entry in told(folder, "ended") if entry.phase == "search"}
    assert searched == {f"search-{arm}-{i:04d}" for arm in ("hinge", "non_saturating", "minimax") for i in range(3)}
    whole(folder)
    with pytest.raises(ConfigError, match=r"budget.steps: expected 1200"):
        resume_study(folder, ["budget.steps=2400"])
    with pytest.raises(ConfigError, match=r"search.trials_per_arm: expected at least 3"):
        resume_study(folder, ["search.trials_per_arm=2"])


def test_one_worker_or_two_make_the_same_study(tiny: Build, tmp_path: Path) -> None:
    for workers in (1, 2):
        plan = tiny(search={"trials_per_arm": 6, "lag": 1}, resources={"workers": workers}, confirm=CONFIRM)
        assert run_study(plan, tmp_path / str(workers)) == 0
    assert curves(tmp_path / "1") == curves(tmp_path / "2")
    planned = [{e.trial_id: e.config for e in told(tmp_path / str(n), "planned")} for n in (1, 2)]
    assert planned[0] == planned[1]


ONCE, ALWAYS, DIES = (f"search-generator_lr={trial}" for trial in ("0.001-0000", "0.001-0001", "0.002-0000"))


class Faulty(Worker):
    """A worker that raises for one trial once, for another always, and loses its process for a third once."""

    def step(self) -> dict[str, Any]:
        marker = Path(self._jobs[0].store, f"tried-{self._jobs[0].trial_id}")
        first = not marker.exists()
        marker.touch()
        if self._jobs[0].trial_id == ONCE and first:
            raise ValueError("only this once")
        if self._jobs[0].trial_id == ALWAYS:
            raise ValueError("always the same\nover and over")
        if self._jobs[0].trial_id == DIES and first:
            os._exit(1)
        return super().step()


TOO_FAST = 1e30  # a learning rate at which every trial diverges


@pytest.fixture(scope="module")
def faulty_study(tiny: Build, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A study of such workers, two at a time, and what it printed."""
    folder, printed = tmp_path_factory.mktemp("faulty") / "study", io.StringIO()
    spaces, arms = {"critic_lr": {"log_uniform": [1e-4, 1e-2]}}, {"generator_lr": [1e-3, 2e-3, TOO_FAST]}
    plan = tiny(scientific=arms, nuisance=spaces, confirm=CONFIRM, resources={"workers": 2})
    with pytest.MonkeyPatch.context() as broken, redirect_stdout(printed):
        broken.setattr("study.execution.tuning.Worker", Faulty)
        broken.setattr("study.execution.tuning.RETRIES", 1)
        assert run_study(plan, folder) == 0
    return folder, printed.getvalue().replace("\n", " ")


def test_failures_and_divergence_touch_no_other_trial(faulty_study: tuple[Path, str]) -> None:
    folder, _ = faulty_study
    trials = whole(folder).trials
    by_trial = trials.drop_duplicates("trial_id").set_index("trial_id")
    failed = by_trial[by_trial["status"] == "failed"]
    assert failed["message"].to_dict() == {ALWAYS: "ValueError: always the same over and over"}
    assert "over and over" in (folder / "trials" / ALWAYS / "error.txt").read_text()
    too_fast = trials["config.generator_lr"] == TOO_FAST
    diverged = trials[too_fast]
    assert set(diverged["status"]) == set(diverged["outcome"]) == {"diverged"}
    assert set(diverged["steps"]) == {5}  # it ended at its first evaluation
    assert set(diverged["phase"]) == {"search", "confirm"}
    assert set(trials[~too_fast & (trials["trial_id"] != ALWAYS)]["status"]) == {"completed"}


def test_what_failed_is_trained_again_when_asked(faulty_study: tuple[Path, str], tmp_path: Path) -> None:
    former, printed = faulty_study
    folder = tmp_path / "study"
    shutil.copytree(former, folder)
    assert "--retry-failed` trains failed trials again" in printed
    assert status(folder).trials.failed == 1
    assert resume_study(folder) == 0
    assert status(folder).trials.failed == 1  # not unless asked
    assert resume_study(folder, retry_failed=True) == 0
    record = load(folder)
    again = record.trials["trial_id"] == ALWAYS
    assert set(record.trials[again]["status"]) == {"completed"}
    assert set(record.trials["status"]) == {"completed", "diverged"}
    assert len(record.history[record.history["trial_id"] == ALWAYS]) == 2 * 4
    rows = [(row.trial_id, row.step) for row in told(folder, "result")]
    assert len(rows) == len(set(rows))
    assert {step for trial, step in rows if trial == ALWAYS} == {5, 10, 15, 20}


class Leaving(Worker):
    """A worker that loses its process once, between two trials."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        marker = Path(self._jobs[0].store, "left")
        if not marker.exists():
            marker.touch()
            os._exit(1)
        return super().reset_config(new_config)


def test_a_worker_lost_between_two_trials_fails_neither(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.execution.tuning.Worker", Leaving)
    assert run_study(tiny(resources=ALONE), tmp_path / "study") == 0
    assert (tmp_path / "study" / "left").exists()
    assert set(whole(tmp_path / "study").trials["status"]) == {"completed"}


def test_trials_of_a_pack_are_recorded_as_trials_alone(tiny: Build, tmp_path: Path) -> None:
    rates = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
    search, one_arm = {"sampler": "random", "trials_per_arm": 4}, {"objective": ["hinge"]}
    resources = {"pack": 3, **ALONE}
    plan = tiny(scientific=one_arm, nuisance=rates, search=search, resources=resources, confirm=CONFIRM)
    assert run_study(plan, tmp_path / "study") == 0
    trials = whole(tmp_path / "study").trials
    assert set(trials["status"]) == {"completed"}
    assert (trials["wall_time"] > 0).all()
    data = load_data(**plan.config.data)
    evaluator = Evaluator(data, plan.config.evaluation)
    for plan_entry in told(tmp_path / "study", "planned"):
        job = Job(plan_entry.trial_id, plan_entry.spec, plan_entry.seeds, str(tmp_path), ["fid"], ["min"])
        alone = [result for result in told(tmp_path / "study", "result") if result.trial_id == job.trial_id]
        [report] = json.loads(Pack([replace(job, report_seconds=60.0)], data, evaluator).report()["reports"])
        for ours, theirs in zip(alone, report["rows"], strict=True):
            assert ours.step == theirs["step"]
            assert ours.columns.keys() == theirs["columns"].keys()
            for name, values in theirs["columns"].items():
                assert np.array(ours.columns[name]) == pytest.approx(np.array(values), rel=1e-6), name


def test_early_stopping_truncates_by_arm_and_says_so(
    tiny: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler = {"name": "asha", "grace": 1, "reduction": 2}
    # By fid: so early every generator of the ring has the largest mass_js there is, and none is worse than another.
    search = {"trials_per_arm": 5, "metric": "fid"}
    rates = {"generator_lr": {"log_uniform": [1e-4, 1e-2]}}
    packed = {"pack": 3, **ALONE}  # of which some trials are stopped, and the others go on
    plan = tiny(nuisance=rates, search=search, scheduler=scheduler, resources=packed, confirm=CONFIRM)
    assert run_study(plan, tmp_path / "study") == 0
    said = capsys.readouterr().out
    assert "note: with early stopping, an arm's configurations depend on the workers' timing" in said
    assert "\nestimate: at most " in said
    trials = whole(tmp_path / "study").trials
    truncated = trials[trials["status"] == "truncated"]
    assert set(truncated["arm"]) == {"hinge", "non_saturating"}
    assert set(truncated["outcome"]) == {"truncated"}
    assert set(truncated["phase"]) == {"search"}
    assert truncated["steps"].max() < 20
    assert set(trials[trials["status"] == "completed"]["steps"]) == {20}


def test_ctrl_c_leaves_a_study_that_resume_finishes(
    reference: Path, long_study_of_two_workers: StudyPlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "interrupted"
    when(lambda: results(folder) > 5, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert run_study(long_study_of_two_workers, folder) == 130
    assert f"stopped; `ganstudy resume {folder}` goes on from here" in capsys.readouterr().out
    found = status(folder)
    assert found.state == "interrupted"
    assert found.trials.interrupted > 0
    assert found.stopped
    assert found.stopped.reason == "SIGINT"
    assert load(folder).running
    assert resume_study(folder) == 0
    whole(folder)
    assert curves(folder) == curves(reference)


def test_a_full_disk_ends_a_study_that_resume_finishes(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Ledger.append

    def filling(ledger: Ledger, *new: Entry, durable: bool = True) -> Any:
        if any(entry.kind == "ended" for entry in new) and "hinge" in str(new):
            raise OSError(28, "No space left on device")
        return real(ledger, *new, durable=durable)

    folder = tmp_path / "study"
    monkeypatch.setattr(Ledger, "append", filling)
    monkeypatch.setattr("study.execution.tuning.RETRIES", 0)  # Tune would blame the trial, and start workers for it
    assert run_study(tiny(resources=ALONE), folder) == 1
    assert "the ledger could not be written: [Errno 28] No space left on device" in capsys.readouterr().out
    found = status(folder)
    assert found.state == "interrupted"
    assert found.stopped
    assert found.stopped.reason == "the ledger could not be written: [Errno 28] No space left on device"
    monkeypatch.undo()
    assert resume_study(folder) == 0
    whole(folder)


def test_a_killed_driver_loses_nothing(reference: Path, long_study: StudyPlan, tmp_path: Path) -> None:
    folder, file = tmp_path / "killed", tmp_path / "study.yaml"
    loading.write(long_study.config, file)
    command = [sys.executable, "-m", "study", "run", str(file), "--out", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as driver:
        when(lambda: results(folder) > 5, driver.kill).join()
        assert driver.stderr is not None
        assert driver.stderr.read() == ""
    assert driver.returncode == -signal.SIGKILL
    found = status(folder)
    assert (found.state, found.stopped) == ("interrupted", None)  # there was no time to say
    assert resume_study(folder) == 0
    whole(folder)
    assert curves(folder) == curves(reference)
    kept = [path.relative_to(reference) for path in reference.glob("trials/*/generators.safetensors")]
    assert kept
    assert all((folder / path).read_bytes() == (reference / path).read_bytes() for path in kept)


def test_a_storage_of_another_study_is_refused_before_anything_is_written(tiny: Build, tmp_path: Path) -> None:
    """By `run` and by `resume`, each of which asks once."""
    plan, folder = tiny(resources={"storage": str(tmp_path / "store")}), tmp_path / "study"
    store = store_of(plan.config, folder)
    lease.write(store, lease.new("another", "one"))
    message = r"resources\.storage: .* holds another study of the same name"
    with pytest.raises(ConfigError, match=message):
        run_study(plan, folder)
    assert not folder.exists()
    folder.mkdir()
    loading.write(tiny().config, folder / "study.yaml")
    before = (folder / "study.yaml").read_bytes()
    with pytest.raises(ConfigError, match=message):
        resume_study(folder, [f"resources.storage={tmp_path / 'store'}"])
    assert (folder / "study.yaml").read_bytes() == before
    assert not list(folder.glob("ledger/*.jsonl"))


def test_a_running_study_is_not_run_twice(tiny: Build, tmp_path: Path) -> None:
    from study.ledger.journal import Journal

    folder = tmp_path / "busy"
    configuration_file = folder / "study.yaml"
    folder.mkdir()
    loading.write(tiny().config, configuration_file)
    journal = Journal.open(folder)
    with pytest.raises(StudyBusy, match=f"by process {os.getpid()}"):
        resume_study(folder)
    journal.close()
