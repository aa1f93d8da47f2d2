"""The recorder, called as Tune calls it, with trials that were never run."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayActorError, RayTaskError
from rich.console import Console

from study.config.plan import StudyPlan
from study.execution.interruption import Interruption
from study.execution.recorder import FAILURES, Recorder, message_of, traceback_of
from study.ledger.journal import Journal
from study.ledger.ledger import entries
from study.ledger.state import TrialState
from study.progress.live import Progress
from study.progress.tally import Tally
from study.search.packs import Pack
from study.search.trials import search_trial
from study.storage.store import store_at, store_of

Build = Callable[..., StudyPlan]
GOOD, BAD = [False, False], [True, True]


class Study:
    """A journal with planned trials, their recorder, and the Tune trial that stands for the pack of them."""

    def __init__(self, plan: StudyPlan, journal: Journal, folder: Path, trials: int = 1) -> None:
        drawn = {"generator_lr": 1e-3, "critic_steps": 1}
        journal.append(*(search_trial(plan.config, plan.arms[0], index, drawn) for index in range(trials)))
        self.progress = progress = Progress(plan, Tally(plan, journal.state), Console(quiet=True))
        self.interruption = Interruption()
        self.again: list[Pack] = []
        self.stopped: set[str] = set()
        searcher: Any = SimpleNamespace(again=self.again.append, configuration=configuration)
        about = plan, journal, folder, store_of(plan.config, folder), progress, self.interruption
        self.recorder = Recorder(*about, searcher, self.stopped)
        self.states = tuple(journal.state.trials.values())
        self.state, self.retries = self.states[0], 0
        self.trial = SimpleNamespace(config=configuration(self.states), **failure(folder / "tune", None, ""))
        self.trial.set_config = lambda config: vars(self.trial).update(config=config)
        self.trial.should_recover = lambda: self.retries > 0

    def report(
        self, *steps: int, diverged: list[bool] = GOOD, finished: bool = False, notes: tuple[str, ...] = ()
    ) -> None:
        self.told([told(self.state, *steps, diverged=diverged, finished=finished)], notes)

    def told(self, reports: list[dict[str, Any]], notes: tuple[str, ...] = ()) -> None:
        result = {"reports": json.dumps(reports), "notes": json.dumps(notes)}
        self.recorder.on_trial_result(0, [], self.trial, result)

    def complete(self) -> TrialState:
        self.recorder.on_trial_complete(0, [], self.trial)
        return self.state

    def fail(self, folder: Path, error: Exception | None) -> TrialState:
        vars(self.trial).update(failure(folder, error, "the whole traceback"))
        self.recorder.on_trial_error(0, [], self.trial)
        return self.state


def configuration(pack: Pack) -> dict[str, Any]:
    return {"trial_id": pack[0].trial_id, "trials": json.dumps([state.key for state in pack])}


def told(state: TrialState, *steps: int, diverged: list[bool] = GOOD, finished: bool = False) -> dict[str, Any]:
    """A trial's report."""
    rows = [row(step, diverged) for step in steps]
    return {"trial_id": state.trial_id, "rows": rows, "finished": finished}


def failure(folder: Path, error: Exception | None, text: str) -> dict[str, Any]:
    """The files that Tune leaves of a failure."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").write_text(text)
    if error is not None:
        (folder / "error.pkl").write_bytes(pickle.dumps(error))
    return {"error_file": folder / "error.txt", "pickled_error_file": folder / "error.pkl" if error else None}


def row(step: int, diverged: list[bool]) -> dict[str, Any]:
    columns = {"mass_js": [step / 100, (step + 1) / 100], "modes": [8.0, 8.0], "diverged": diverged}
    return {"step": step, "wall_time": step / 10, "columns": columns, "pictures": None}


@pytest.fixture
def one(tiny: Build, journal: Journal, tmp_path: Path) -> Study:
    return Study(tiny(), journal, tmp_path)


def kinds(folder: Path) -> list[tuple[str, int | None]]:
    return [(entry.kind, getattr(entry, "step", None)) for _, entry in entries(folder)]


def test_evaluations_enter_the_ledger_once(one: Study, tmp_path: Path) -> None:
    one.report(5, 10)
    one.report(10, 15)  # a worker tried again repeats what it had reported
    one.report()
    assert kinds(tmp_path) == [("planned", None), ("result", 5), ("result", 10), ("result", 15)]
    assert one.state.last_step == 15


def test_what_a_worker_tells_is_said_once(tiny: Build, journal: Journal, tmp_path: Path) -> None:
    study, said = Study(tiny(), journal, tmp_path), []
    study.progress.say = said.append  # type: ignore[assignment, method-assign]
    study.report(5, notes=("own.blur could not be measured: ValueError: no",))
    study.report(10, notes=("own.blur could not be measured: ValueError: no",))
    assert said == [
        f"note: own.blur could not be measured: ValueError: no, first in trial {study.state.trial_id}",
    ]


def test_a_trial_that_finished_completed(one: Study) -> None:
    one.report(5, 20, finished=True)
    trial = one.complete()
    assert (trial.status, trial.scores, trial.message) == ("completed", [0.2, 0.21], None)
    assert len(trial.outcomes) == 2
    assert "truncated" not in trial.outcomes


def test_a_trial_ends_with_the_replicas_of_its_plan_whoever_else_its_damaged_ledger_has_evaluated(one: Study) -> None:
    one.report(20)
    last = one.state.results[20]
    one.state.results[20] = replace(  # as of a plan that had a seed more
        last,
        seeds=[7, *last.seeds],
        columns={name: [values[0], *values] for name, values in last.columns.items()},
    )
    one.report(finished=True)
    assert one.complete().scores == [0.2, 0.21]


def test_a_last_evaluation_and_the_ending_are_made_durable_together(
    one: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    one.report(20)
    assert len(synced) == 1
    one.report(40, finished=True)
    assert one.state.status == "completed"
    assert len(synced) == 2


def test_a_trial_that_its_scheduler_stopped_is_truncated(one: Study) -> None:
    one.report(5)
    one.stopped.add(one.state.trial_id)
    trial = one.complete()
    assert (trial.status, trial.outcomes, trial.scores) == ("truncated", ["truncated"] * 2, [0.05, 0.06])


def test_a_trial_whose_every_replica_diverged_is_diverged_and_no_error(one: Study) -> None:
    one.report(5, diverged=BAD, finished=True)
    trial = one.complete()
    assert (trial.status, trial.outcomes, trial.scores) == ("diverged", ["diverged"] * 2, [None, None])


def test_one_diverged_replica_is_an_outcome_of_that_replica(one: Study) -> None:
    one.report(20, diverged=[True, False], finished=True)
    trial = one.complete()
    assert (trial.status, trial.scores) == ("completed", [None, 0.21])
    assert trial.outcomes[0] == "diverged" != trial.outcomes[1]


@pytest.fixture
def three(tiny: Build, journal: Journal, tmp_path: Path) -> Study:
    return Study(tiny(), journal, tmp_path, trials=3)


def test_each_trial_of_a_pack_ends_when_it_says_so(three: Study, tmp_path: Path) -> None:
    first, second, third = three.states
    three.told([told(first, 5), told(second, 5, diverged=BAD, finished=True), told(third, 5)])
    assert [state.status for state in three.states] == [None, "diverged", None]
    three.told([told(second, 10), told(third, 10)])  # what has ended has ended
    three.told([told(first, 10, 20, finished=True), told(third, 20, finished=True)])
    assert [state.status for state in three.states] == ["completed", "diverged", "completed"]
    three.complete()
    assert three.again == []
    assert [step for kind, step in kinds(tmp_path) if kind == "result"] == [5, 5, 5, 10, 10, 20, 20]


def test_where_a_scheduler_stops_one_trial_the_others_go_on(three: Study) -> None:
    three.told([told(state, 5) for state in three.states])
    three.stopped.add(three.states[1].trial_id)
    three.complete()
    assert [state.status for state in three.states] == [None, "truncated", None]
    assert three.again == [(three.states[0], three.states[2])]


def test_what_is_tried_again_is_what_has_not_ended(three: Study) -> None:
    three.told([told(three.states[0], 20, finished=True)])
    three.recorder.on_trial_recover(0, [], three.trial)
    assert three.trial.config == configuration(three.states[1:])


def test_a_pack_that_failed_is_tried_trial_by_trial(three: Study, tmp_path: Path) -> None:
    three.told([told(three.states[0], 20, finished=True)])
    three.fail(tmp_path, RuntimeError("one of them"))
    assert [state.status for state in three.states] == ["completed", None, None]
    assert three.again == [(state,) for state in three.states[1:]]
    three.trial.config = configuration(three.states[1:2])
    three.fail(tmp_path, RuntimeError("its own doing"))
    assert [state.status for state in three.states] == ["completed", "failed", None]


def test_a_failed_trial_keeps_message_traceback_and_curve(one: Study, tmp_path: Path) -> None:
    one.report(5)
    cause = ValueError("wrong shape\n(3, 4)")
    error = RayTaskError("step", "…traceback…", cause)  # type: ignore[no-untyped-call]
    trial = one.fail(tmp_path, error)
    assert (trial.status, trial.message) == ("failed", "ValueError: wrong shape (3, 4)")
    assert (trial.outcomes, trial.scores) == (["failed"] * 2, [None, None])
    assert (tmp_path / "trials" / trial.trial_id / "error.txt").read_text() == "the whole traceback"


def test_a_traceback_that_cannot_be_kept_costs_no_ending(one: Study, tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("in the way of a folder")
    assert one.fail(tmp_path, RuntimeError("boom")).status == "failed"


def test_a_trial_that_failed_before_it_began_is_failed_too(one: Study, tmp_path: Path) -> None:
    assert one.fail(tmp_path, ActorDiedError()).status == "failed"


def test_a_worker_that_tune_gave_up_too_early_is_no_ending(one: Study, tmp_path: Path) -> None:
    one.retries = 1
    assert one.fail(tmp_path, ActorDiedError()).status is None
    assert one.again == [one.states]
    assert one.fail(tmp_path, RuntimeError("its own doing")).status == "failed"


def test_an_evaluation_that_hung_is_told_by_what_it_left(one: Study, tmp_path: Path) -> None:
    left = tmp_path / "trials" / one.state.trial_id / "hang.txt"
    left.parent.mkdir(parents=True)
    left.write_text("Thread 0x1: file forever.py, line 1")
    message = one.fail(tmp_path, ActorDiedError()).message
    assert message == (
        "an evaluation took longer than resources.evaluation_limit; where it hung is in"
        f" trials/{one.state.trial_id}/hang.txt"
    )


def test_what_raised_is_told_as_such_though_an_earlier_attempt_hung(one: Study, tmp_path: Path) -> None:
    left = tmp_path / "trials" / one.state.trial_id / "hang.txt"
    left.parent.mkdir(parents=True)
    left.write_text("Thread 0x1: file forever.py, line 1")
    assert one.fail(tmp_path, RuntimeError("out of memory")).message == "RuntimeError: out of memory"


def test_trials_that_fail_in_a_row_stop_the_study(tiny: Build, journal: Journal, tmp_path: Path) -> None:
    one = Study(tiny(), journal, tmp_path, trials=FAILURES)
    for state in one.states:
        assert not one.interruption.requested
        one.trial.config = configuration((state,))
        one.fail(tmp_path, RuntimeError("no such module"))
    assert one.interruption.requested
    reason = str(one.interruption.reason)
    assert reason.startswith(f"{FAILURES} trials failed one after the other")
    assert "RuntimeError: no such module" in reason
    assert f"ganstudy resume {tmp_path} --retry-failed" in reason


def test_a_result_between_failures_says_that_not_everything_is_broken(
    tiny: Build, journal: Journal, tmp_path: Path
) -> None:
    one = Study(tiny(), journal, tmp_path, trials=3 * FAILURES)
    for state in one.states:
        one.trial.config = configuration((state,))
        if state.index % 2:
            one.told([told(state, 5)])
        one.fail(tmp_path, RuntimeError("this one is too large"))
    assert not one.interruption.requested


def test_pictures_are_brought_from_where_the_trials_keep_them(tiny: Build, journal: Journal, tmp_path: Path) -> None:
    study = Study(tiny(resources={"storage": str(tmp_path / "shared")}), journal, tmp_path / "folder")
    name = f"trials/{study.state.trial_id}/pictures/00000005.npz"
    store_at(str(tmp_path / "shared" / "tiny")).write(name, b"samples")
    rows = [{**row(5, GOOD), "pictures": name}, {**row(10, GOOD), "pictures": name.replace("05.", "10.")}]
    study.told([{**told(study.state), "rows": rows}])
    assert (tmp_path / "folder" / name).read_bytes() == b"samples"
    assert study.state.last_step == 10  # a picture that cannot be had costs no row


def test_checkpoints_go_with_the_ending(one: Study, tmp_path: Path) -> None:
    kept = tmp_path / "trials" / one.state.trial_id / "checkpoint.pt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"a checkpoint")
    one.report(5)
    assert kept.exists()
    one.report(20, finished=True)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("error", "text", "message"),
    [
        (RuntimeError("boom"), "", "RuntimeError: boom"),
        (None, "Failure # 1\n  it died", "Failure # 1 it died"),
        (RuntimeError("x" * 5000), "", "RuntimeError: " + "x" * 1986),
    ],
)
def test_messages_are_one_line(tmp_path: Path, error: Exception | None, text: str, message: str) -> None:
    assert message_of(SimpleNamespace(**failure(tmp_path, error, text))) == message


DIED = "The actor died unexpectedly before finishing this task.\n\tactor_id: c81ee9b6\n\tpid: 19776\nThe actor is dead"


@pytest.mark.parametrize(
    ("account", "message"),
    [
        (
            f"{DIED} because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker"
            " unexpectedly exits with a connection error code 2. End of file. Some common causes include: …",
            "the worker's process was killed, as for want of memory (fewer resources.workers take less at once),"
            " or crashed in a library's code",
        ),
        (
            f"{DIED} because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker"
            " exits unexpectedly. Worker exits with an exit code 3.",
            "the worker's process left with exit status 3",
        ),
        (
            f"{DIED} because its worker process has died. Worker exit type: NODE_OUT_OF_MEMORY Worker exit detail: Task"
            " was killed due to the node running low on memory.",
            "the worker was ended because its machine ran low on memory; fewer resources.workers take less at once",
        ),
        (
            "The actor died unexpectedly before finishing this task.\nThe actor died because its node has died. Node"
            " Id: 7dad The node was terminated unexpectedly.",
            "the machine that the worker ran on was lost",
        ),
        ("Something new.", "RayActorError: Something new."),
    ],
)
def test_how_a_worker_ended_is_told_without_numbers(tmp_path: Path, account: str, message: str) -> None:
    error = RayActorError(error_msg=account)
    assert message_of(SimpleNamespace(**failure(tmp_path, error, account))) == message


def test_a_worker_that_cannot_be_set_up_tells_why_in_plain_letters(tmp_path: Path) -> None:
    trace = (
        'Traceback (most recent call last):\n  File "worker.py", line 9, in setup\n    load(place)\n    ^^^^^^^^^^^\n'
        '  File "store.py", line 2, in load\n    raise OSError(\nOSError: no such place,\n    exit code 3\n'
    )
    error = ActorDiedError(RayTaskError("Worker.__init__", trace, OSError("no such place"), "ray::Worker", 7, "::1"))
    assert "\x1b[36m" in str(error)
    trial = SimpleNamespace(**failure(tmp_path, error, str(error)))
    assert message_of(trial) == "the worker could not be set up: OSError: no such place, exit code 3"
    assert "\x1b" not in traceback_of(trial)
    assert "ray::Worker() (pid=7, ip=::1)" in traceback_of(trial)


def test_a_failure_without_a_trace_says_so() -> None:
    trial = SimpleNamespace(error_file=None, pickled_error_file=None)
    assert message_of(trial) == "no reason was given"
