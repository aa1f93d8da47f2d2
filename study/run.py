"""The main path: a study's plan becomes trials, MLflow runs and a record; `resume` takes the same path again.

Read `run_study`, then `Session.run` from top to bottom. The ledger, opened as a `Journal`, holds whatever happened:
the terminal (`Progress`) and MLflow (`Tracker`) follow it, and the record is built from it.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import optuna
from ray.tune import TuneError

from study import trust
from study.atomic_write import remove_partials
from study.background import BackgroundCall
from study.cluster.connection import connected, notice, refuse_taken_names, refuse_unreachable
from study.cluster.nodes import check_nodes
from study.cluster.watch import RayWatch
from study.config import loading
from study.config.addresses import masked
from study.config.extension import check_extension
from study.config.messages import ConfigError
from study.config.own import locations, places
from study.config.plan import StudyPlan
from study.execution.interruption import Interruption
from study.execution.keeping import sweep
from study.execution.machine import session_entry
from study.execution.preparation import begin_to_prepare, is_prepared, preparing
from study.execution.tuning import remove_leftovers, train
from study.ledger.damage import shortened
from study.ledger.entries import CONFIRM, Stopped
from study.ledger.entries import Session as SessionEntry
from study.ledger.journal import Journal
from study.ledger.ledger import identity
from study.ledger.meaning import mixed
from study.ledger.state import StudyState
from study.progress.forecast import at_start
from study.progress.live import Progress
from study.progress.tables import cost
from study.progress.tally import Tally
from study.record.build import build_record
from study.search.trials import planned_again
from study.storage import data_set, lease
from study.storage.data_set import DataRead
from study.storage.lease import Lease
from study.storage.mirror import Mirror
from study.storage.store import Store, lies_in, store_of
from study.tracking import Tracker, why_waiting
from trainables import own_code

DONE, FAILED, INTERRUPTED = 0, 1, 130
TUNES = "SIGUSR1"  # the signal that Tune hears itself: what ended the session where nothing else is known
DRAIN = 60.0  # seconds that MLflow gets to catch up at the end


def run_study(plan: StudyPlan, folder: str | Path, begun: Callable[[], None] = lambda: None) -> int:
    """Run a study from its beginning in a new folder; returns the exit status.

    `begun` is called before anything that takes long, once nothing is known that would keep it from beginning.

    Raises:
        ConfigError: the folder holds a study already, or the data cannot be used; nothing is written then.
        StudyBusy: another process is running one there.
    """
    folder = Path(folder).resolve()
    if (folder / loading.STUDY_FILE).exists():
        raise ConfigError(
            f"--out: expected a folder without a study, got {folder}, which holds one;"
            f" give another --out, or continue it with `ganstudy resume {folder}`"
        )
    refuse_taken_names()
    refuse_unreachable()
    store = store_of(plan.config, folder)
    _refuse_other(store, folder, ())
    begun()
    data = data_set.read(plan.config, store)
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Journal.open(folder)) as journal:
        loading.write(plan.config, folder / loading.STUDY_FILE)
        session = Session(plan, folder, journal, data)
        session.progress.doing("estimating what that takes")
        session.progress.say(cost(plan.config, at_start(plan)))
        return session.run()


def resume_study(
    folder: str | Path,
    overrides: Sequence[str] = (),
    retry_failed: bool = False,
    begun: Callable[[], None] = lambda: None,
) -> int:
    """Continue the study in `folder`, extended by `overrides` such as `search.trials_per_arm=40`; the exit status.

    With `retry_failed`, trials that failed are planned again and trained from the start. `begun` as for `run_study`.

    Raises:
        ConfigError: there is no study; or an override, other data or this version would change what finished trials
            mean.
        StudyBusy: another process is running it.
    """
    folder = Path(folder).resolve()
    new = loading.load(folder / loading.STUDY_FILE, overrides)
    refuse_taken_names()
    refuse_unreachable()
    with closing(Journal.open(folder)) as journal:
        confirmed = any(key[0] == CONFIRM for key in journal.state.trials)
        check_extension(_trained_by(journal.state, folder), new, confirmed, looked=bool(journal.state.looks))
        if (why := mixed(journal.state)) and (retry_failed or not Tally(new, journal.state).finished):
            raise ConfigError(f"{folder}: {why}")
        store = store_of(new.config, folder)
        _refuse_other(store, folder, journal.state.sessions)
        begun()
        data = data_set.read(new.config, store)
        note = data.changed(journal.state.data)
        loading.write(new.config, folder / loading.STUDY_FILE)
        if retry_failed:
            failed = [trial for trial in journal.state.trials.values() if trial.status == "failed" and trial.spec]
            journal.append(*(planned_again(trial) for trial in failed))
        session = Session(new, folder, journal, data)
        if note is not None:
            session.progress.say(f"note: {note}")
        return session.run()


def _trained_by(state: StudyState, folder: Path) -> StudyPlan:
    """The configuration by which the newest session trained, as study.yaml may have been edited since; study.yaml where
    the ledger has none, or one that is of no use."""
    try:
        if state.config:
            return loading.build(state.config)
    except ConfigError:
        pass
    return loading.load(folder / loading.STUDY_FILE)


def _refuse_other(store: Store, folder: Path, sessions: Sequence[SessionEntry]) -> None:
    """Raise where the store, if it is not the folder itself, is another study's than that of these sessions, or another
    session's."""
    if not lies_in(store, folder):
        known = [begun.session for begun in sessions]
        lease.refuse_other(store, identity(folder) if known else None, known)


class Session:
    """One process's work on a study: from an open journal to a record."""

    def __init__(self, plan: StudyPlan, folder: Path, journal: Journal, data: DataRead) -> None:
        """Ready to run; nothing is started yet."""
        self.plan, self.folder, self.journal, self.data = plan, folder, journal, data
        self.store = store_of(plan.config, folder)
        self.tally = Tally(plan, journal.state)
        self.progress = Progress(plan, self.tally)
        journal.listeners.append(self.progress.on_entry)
        self._interruption = Interruption()
        self._trouble: str | None = None  # what but a signal ended the session early
        self._started = time.time()

    def run(self) -> int:
        """Train what is left, write the record, let MLflow catch up; the exit status."""
        held = self._begin()
        tracker = Tracker(self.folder, self.plan.config)
        self.journal.listeners.append(lambda *_: tracker.notify())
        tracker.start()
        try:
            with self.progress:
                with self._mirrored(held):
                    try:
                        self._train(held)
                    except Exception as error:
                        self._stopped(str(error))
                        raise
                    if not self.tally.finished:
                        self._stopped(self._trouble or self._interruption.signal or TUNES)
                    self._sweep()
                    self._record()
                self.progress.doing("waiting for MLflow")
                waiting = tracker.drain(DRAIN, "FINISHED" if self.tally.finished else "KILLED")
                self.progress.doing("")
        finally:
            tracker.close()
        return self._conclude(waiting)

    def _begin(self) -> Lease:
        """Record this session in the ledger and take the lease on the store."""
        remove_partials(self.folder / loading.STUDY_FILE)
        if self.journal.state.damage.count:
            self.progress.say(f"note: {self.journal.state.damage.sentence()}")
        for line in shortened(self.journal.state.lacking):
            self.progress.say(f"note: {line}")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        session = uuid.uuid4().hex
        entry = session_entry(session, self.plan.config, self.data.about)
        self._note_own_code(entry.code)
        self.journal.append(entry)
        self._remember()
        held = lease.new(identity(self.folder), session)
        lease.write(self.store, held)
        with suppress(OSError):
            for written in ("trials", "ledger", data_set.FOLDER):
                self.store.sweep(written)
        self.data.keep(self.store)
        return held

    def _note_own_code(self, code: Mapping[str, str]) -> None:
        """Say which of the user's own modules are not those of the session before."""
        before = next((begun.code for begun in reversed(self.journal.state.sessions) if begun.code), {})
        changed = sorted(name for name in before if code.get(name) != before[name])
        if changed:
            self.progress.say(
                f"note: own code has changed since the last session, so that trials before and after may differ:"
                f" {', '.join(changed)}"
            )

    def _remember(self) -> None:
        """Let the same user `resume` the study without being asked whether what it names is to be trusted."""
        folder, outside = own_code.directory(), places(self.plan.config)
        named = (*(locations(self.plan.config) if folder else ()), *outside)
        if named and not trust.remember(identity(self.folder), folder or Path.cwd(), named):
            self.progress.say("note: the state folder cannot be written, so that `resume` will want --trust")

    @contextmanager
    def _mirrored(self, held: Lease) -> Iterator[None]:
        """Within the block the ledger is copied to the store, unless the store is the study folder itself."""
        if lies_in(self.store, self.folder):
            yield
            return
        mirror = Mirror(self.folder, self.store, held, self._lost)
        mirror.start()
        try:
            yield
        finally:
            if trouble := mirror.close():
                self.progress.say(f"the ledger's copy in {self.store.place} is not up to date: {trouble}")

    def _lost(self, other: Lease) -> None:
        self._interruption.request(f"the study was taken over by process {other.pid} on {other.host}")

    def _train(self, held: Lease) -> None:
        """Prepare, while Ray starts, and train what is left; an interruption or a full disk ends it early."""
        prepared = is_prepared(self.plan.config, self.journal.state, self.store)
        if prepared and self.tally.finished:
            return
        self.progress.doing("starting Ray" if prepared else f"starting Ray, {preparing(self.plan.config, self.store)}")
        floor = None if prepared else begin_to_prepare(self.plan.config, self.store.place, self.data.at)
        try:
            with self._interruption, connected(own_code.files()), RayWatch(self._without_ray):
                self._interruption.hear()
                self._check_cluster(held)
                if floor is not None:
                    self.journal.append(floor())
                self.progress.doing("")
                self._train_left(held)
        except KeyboardInterrupt:
            self.progress.doing("stopping")
        except ConnectionError as error:  # no Ray
            if isinstance(floor, BackgroundCall):  # of images it may have taken longer than all that follows
                self.journal.append(floor())
            raise ConnectionError(f"{error}; `ganstudy resume {self.folder}` goes on from here") from error
        except (TuneError, OSError):
            if self.journal.trouble is None:
                raise
            self._trouble = f"the ledger could not be written: {self.journal.trouble}"
        self._trouble = self._trouble or self._interruption.reason
        if self._trouble:
            self.progress.say(self._trouble)
        remove_leftovers(self.journal.state, self.store, since=self._started)

    def _without_ray(self) -> None:
        """Called from a thread when Ray's head has gone, while the main thread waits for it: end the process."""
        self._trouble = "Ray has gone; what workers have done since their last checkpoints is lost"
        self.progress.say(self._trouble)
        self._stopped(self._trouble)
        self._record()
        self.progress.close()
        self._conclude(0)
        sys.stdout.flush()
        os._exit(FAILED)

    def _stopped(self, reason: str) -> None:
        """Keep in the ledger why the study is not gone on with, unless the ledger cannot be written."""
        with suppress(OSError):
            self.journal.append(Stopped(reason=masked(reason)))

    def _train_left(self, held: Lease) -> None:
        at, said = self.data.at, (self.progress, self._interruption)
        train(self.plan, self.folder, self.store, held.session, at, self.journal, *said)

    def _check_cluster(self, held: Lease) -> None:
        """Say which Ray is in use, and refuse a cluster's nodes that could not work on the study."""
        if note := notice():
            self.progress.say(f"note: {note}")
        if "RAY_ADDRESS" in os.environ:
            check_nodes(self.store, held.session, self.plan.config.data, self.data.at)

    def _sweep(self) -> None:
        try:
            sweep(self.plan, self.journal.state, self.store)
        except OSError as error:
            self.progress.say(f"generators that are no longer the best stay for now: {error}")

    def _record(self) -> None:
        self.progress.doing("writing the record")
        try:
            build_record(self.folder)
        except OSError as error:
            self.progress.say(f"the record could not be written, the former one stays: {error}")

    def _conclude(self, waiting: int) -> int:
        """Say how the session ended; `waiting` ledger entries have not reached MLflow."""
        trials = self.journal.state.trials.values()
        failed = sum(trial.status == "failed" for trial in trials)
        if waiting:
            said = f"{waiting} ledger {'entry still waits' if waiting == 1 else 'entries still wait'} for MLflow"
            why = why_waiting(self.folder, self.plan.config)
            because = f" ({why})" if why else ""
            self.progress.say(f"{said}{because}; `ganstudy resume` sends {'it' if waiting == 1 else 'them'}")
        if not self.tally.finished:
            self.progress.say(f"stopped; `ganstudy resume {self.folder}` goes on from here")
            return FAILED if self._trouble else INTERRUPTED
        count = f"{len(trials)} {'trial' if len(trials) == 1 else 'trials'}"
        self.progress.say(f"done: {count}, {failed} failed; the record is in {self.folder}")
        if failed:
            self.progress.say(f"`ganstudy resume {self.folder} --retry-failed` trains failed trials again")
        return FAILED if failed == len(trials) else DONE
