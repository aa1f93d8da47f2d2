"""The main path: a configuration becomes trials, MLflow runs and a record; `resume` takes the same path again."""

from __future__ import annotations

import os
import platform
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import optuna
import ray
from ray.tune import TuneError

from study.atomic_write import remove_partials
from study.cluster.connection import connected, notice, refuse_unreachable
from study.cluster.nodes import check_nodes_see_store
from study.config import loading
from study.config.extension import check_extension
from study.config.messages import ConfigError
from study.config.plan import StudyPlan
from study.execution.interruption import Interruption
from study.execution.job import folder_of
from study.execution.preparation import CLASSIFIER, BackgroundCall, prepare
from study.execution.tuning import train
from study.ledger.journal import Journal
from study.ledger.ledger import identity
from study.progress.live import Progress
from study.progress.tally import Tally
from study.record import build as record
from study.search.plan import CONFIRM, planned_again
from study.storage import checkpoint, lease
from study.storage.mirror import Mirror
from study.storage.store import lies_in, store_of
from study.tracking import Tracker

DONE, FAILED = 0, 1
DRAIN = 60.0  # seconds that MLflow gets to catch up at the end
PACKAGES = ("ganstudy", "torch", "numpy", "ray", "optuna", "mlflow")


def run_study(plan: StudyPlan, folder: str | Path) -> int:
    """Run a study from its beginning in a new folder; returns the exit status.

    Raises:
        ConfigError: the folder holds a study already.
        StudyBusy: another process is running one there.
    """
    folder = Path(folder).resolve()
    if (folder / "study.yaml").exists():
        raise ConfigError(
            f"--out: expected a folder without a study, got {folder}, which holds one;"
            f" give another --out, or continue it with `ganstudy resume {folder}`"
        )
    refuse_unreachable()
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal.open(folder)
    try:
        loading.write(plan.config, folder / "study.yaml")
        return Session(plan, folder, journal).run()
    finally:
        journal.close()


def resume_study(folder: str | Path, overrides: Sequence[str] = (), retry_failed: bool = False) -> int:
    """Continue the study in `folder`, extended by `overrides` such as `search.trials_per_arm=40`; the exit status.

    With `retry_failed` the trials that failed are trained again, for whatever failed them may be mended.

    Raises:
        ConfigError: there is no study, or an override would change what finished trials mean.
        StudyBusy: another process is running it.
    """
    folder = Path(folder).resolve()
    old = loading.load(folder / "study.yaml")
    new = loading.load(folder / "study.yaml", overrides)
    refuse_unreachable()
    journal = Journal.open(folder)
    try:
        check_extension(old, new, confirmed=any(key[0] == CONFIRM for key in journal.state.trials))
        loading.write(new.config, folder / "study.yaml")
        if retry_failed:
            failed = [trial for trial in journal.state.trials.values() if trial.status == "failed" and trial.spec]
            journal.append(*(planned_again(trial) for trial in failed))
        return Session(new, folder, journal).run()
    finally:
        journal.close()


class Session:
    """One process's work on a study: from an open journal to a record."""

    def __init__(self, plan: StudyPlan, folder: Path, journal: Journal) -> None:
        """Ready to run; nothing is started yet."""
        self.plan, self.config, self.folder, self.journal = plan, plan.config, folder, journal
        self.store = store_of(plan.config, folder)
        self.tally = Tally(plan, journal.state)
        self.progress = Progress(plan, self.tally)
        journal.listeners.append(self.progress.heard)
        self._interruption = Interruption()
        self._started = time.time()

    def run(self) -> int:
        """Train what is left, write the record, let MLflow catch up; the exit status."""
        remove_partials(self.folder / "study.yaml")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if not lies_in(self.store, self.folder):
            known = [str(session.get("session")) for session in self.journal.state.sessions]
            lease.refuse_other(self.store, identity(self.folder) if known else None, known)
        session = uuid.uuid4().hex
        self.journal.append({"kind": "session", "session": session, "config": self.config.resolved(), **_about()})
        self._claim = lease.new(identity(self.folder), session)
        lease.write(self.store, self._claim)
        tracker = Tracker(self.folder, self.config)
        self.journal.listeners.append(lambda *_: tracker.notify())
        tracker.start()
        try:
            with self.progress:
                with self._mirrored():
                    self._train()
                    self._record()
                self.progress.doing("waiting for MLflow")
                waiting = tracker.drain(DRAIN, "KILLED" if self.tally.left else "FINISHED")
                self.progress.doing("")
        finally:
            tracker.close()
        return self._conclude(waiting)

    @contextmanager
    def _mirrored(self) -> Iterator[None]:
        """Meanwhile the ledger is copied to where the loss of this machine does not reach, if there is such a place."""
        if lies_in(self.store, self.folder):
            yield
            return
        mirror = Mirror(self.folder, self.store, self._claim, self._lost)
        mirror.start()
        try:
            yield
        finally:
            if trouble := mirror.close():
                self.progress.say(f"the ledger's copy in {self.store.place} is not up to date: {trouble}")

    def _lost(self, other: lease.Lease) -> None:
        self._interruption.request(f"the study was taken over by process {other.pid} on {other.host}")

    def _train(self) -> None:
        """Prepare, while Ray starts, and train what is left; an interruption or a full disk ends it early."""
        prepared = self._prepared()
        if prepared and not self.tally.left:
            return
        self.progress.doing("starting Ray" if prepared else "starting Ray, measuring every measurement's floor")
        here = BackgroundCall(prepare, self.config, self.store.place) if not prepared and self._alone() else None
        try:
            with connected(), self._interruption as interruption:
                if note := notice():
                    self.progress.say(f"note: {note}")
                if "RAY_ADDRESS" in os.environ:
                    check_nodes_see_store(self.store, self._claim.session)
                if not prepared:
                    self.journal.append(here.result() if here else self._prepare_remotely())
                self.progress.doing("")
                train(
                    self.plan,
                    self.folder,
                    self.store,
                    self._claim.session,
                    self.journal,
                    self.progress,
                    interruption,
                )
        except KeyboardInterrupt:
            self.progress.doing("stopping")
        except (TuneError, OSError):
            if self.journal.trouble is None:
                raise
            self.progress.say(f"the ledger could not be written: {self.journal.trouble}")
        if self._interruption.reason:
            self.progress.say(self._interruption.reason)
        self._tidy()

    def _record(self) -> None:
        self.progress.doing("writing the record")
        try:
            record.build(self.folder)
        except OSError as error:
            self.progress.say(f"the record could not be written, the former one stays: {error}")

    def _prepared(self) -> bool:
        """Whether floor and classifier are there from an earlier session."""
        state, given = self.journal.state, self.config.evaluation.get("classifier")
        missing = state.classifier and given is None and self.store.read(CLASSIFIER) is None
        return bool(state.floor) and not missing

    def _alone(self) -> bool:
        """Whether trials run on this machine's processors."""
        return "RAY_ADDRESS" not in os.environ and not self.config.resources.gpu

    def _prepare_remotely(self) -> dict[str, Any]:
        """Prepare where trials run, with what they have."""
        resources = self.config.resources
        task: Any = ray.remote(num_cpus=resources.cpu, num_gpus=resources.gpu)(cast("Any", prepare))
        return dict(ray.get(task.remote(self.config, self.store.place)))

    def _tidy(self) -> None:
        """Remove what a stopped worker may have written of trials that ended in this session."""
        for trial in self.journal.state.trials.values():
            if trial.ended is not None and trial.ended >= self._started:
                with suppress(OSError):
                    checkpoint.remove(self.store, folder_of(trial.trial_id))

    def _conclude(self, waiting: int) -> int:
        trials = self.journal.state.trials.values()
        failed = sum(trial.status == "failed" for trial in trials)
        if waiting:
            self.progress.say(f"{waiting} ledger entries still wait for MLflow; `ganstudy resume` sends them")
        if self.tally.left:
            self.progress.say(f"stopped; `ganstudy resume {self.folder}` goes on from here")
            return FAILED
        self.progress.say(f"done: {len(trials)} trials, {failed} failed; the record is in {self.folder}")
        if failed:
            self.progress.say(f"`ganstudy resume {self.folder} --retry-failed` trains failed trials again")
        return FAILED if failed == len(trials) else DONE


def _about() -> dict[str, Any]:
    """What a session's ledger entry says of the process and its machine."""
    versions = {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}
    hardware = {"cpus": os.cpu_count(), "processor": _processor(), "platform": platform.platform()}
    return {"versions": versions, "hardware": hardware, "host": socket.gethostname(), "pid": os.getpid()}


def _processor() -> str:
    """The processor's name, as Linux has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a source tree that was not installed
        return "unknown"
